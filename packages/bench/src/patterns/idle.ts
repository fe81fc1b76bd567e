import { elapse } from '../load/clock.ts';
import {
  brokerUsage,
  generatorUsage,
  inParallel,
  OPENING_AT_ONCE,
  type Run,
  takeUsage,
} from '../load/run.ts';
import { Histogram } from '../report/histogram.ts';
import { labelOf, type MemoryPoint, NO_MESSAGES, type Result } from '../report/result.ts';

/** How often the broker's memory is looked at while the connections come. */
const STEPS = 10;

/** How long the broker may tidy up before its memory is looked at. */
const SETTLE_MS = 200;

/** Opens connections that do nothing, in steps, and looks at the broker's memory after each. */
export async function runIdle(run: Run): Promise<Result> {
  const { scenario, brokerPid } = run;
  const { connections, prefix } = scenario;
  const before = takeUsage(brokerPid);
  const latency = new Histogram();
  const memory: MemoryPoint[] = [];
  const look = (count: number) => {
    const usage = takeUsage(brokerPid).broker;
    if (usage !== null) memory.push({ connections: count, residentBytes: usage.residentBytes });
  };
  look(0);
  let opened = 0;
  let openingMs = 0;
  try {
    for (let step = 1; step <= STEPS; step++) {
      const goal = Math.floor((connections * step) / STEPS);
      const startMs = performance.now();
      const first = opened;
      await run.orFail(
        inParallel(goal - first, OPENING_AT_ONCE, async (index) => {
          const connectMs = performance.now();
          await run.open({ clientId: `${prefix}-idle-${first + index}` });
          latency.record(Math.round((performance.now() - connectMs) * 1000));
          opened++;
        }),
      );
      const took = performance.now() - startMs;
      openingMs += took;
      run.onProgress({
        phase: `${opened} connections`,
        ratePerSecond: ((goal - first) * 1000) / took,
      });
      await run.orFail(elapse(SETTLE_MS));
      look(opened);
    }
    const afterOpening = takeUsage(brokerPid);
    await run.orFail(elapse(scenario.seconds * 1000));
    look(opened);
    const last = takeUsage(brokerPid);
    return {
      scenario,
      label: labelOf(scenario),
      unit: 'connects',
      ratePerSecond: (opened * 1000) / Math.max(1, openingMs),
      seconds: openingMs / 1000,
      ...NO_MESSAGES,
      latency: latency.percentiles(),
      generator: generatorUsage(before, afterOpening, null),
      broker: brokerUsage(before, last),
      extra: bytesPerConnection(memory),
      memory,
    };
  } finally {
    await run.close();
  }
}

/** From before the first connection to the last look. */
function bytesPerConnection(memory: readonly MemoryPoint[]): Record<string, number> {
  const first = memory[0];
  const last = memory.at(-1);
  if (first === undefined || last === undefined || last.connections === 0) return {};
  const bytes = (last.residentBytes - first.residentBytes) / last.connections;
  return { residentBytesPerConnection: Math.round(bytes) };
}
