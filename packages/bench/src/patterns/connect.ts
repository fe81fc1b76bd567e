import { BenchError } from '../bench-error.ts';
import { Client } from '../client/client.ts';
import { brokerUsage, generatorUsage, inParallel, type Run, takeUsage } from '../load/run.ts';
import { Histogram } from '../report/histogram.ts';
import { labelOf, NO_MESSAGES, type Result } from '../report/result.ts';

const PROGRESS_MS = 500;

/** Opens and closes connections, a number of them side by side, for some time or for some number. */
export async function runConnect(run: Run): Promise<Result> {
  const { scenario, brokerPid, target } = run;
  const latency = new Histogram();
  const before = takeUsage(brokerPid);
  const endMs = before.atMs + scenario.seconds * 1000;
  const messages = scenario.messages ?? Number.POSITIVE_INFINITY;
  let opened = 0;
  let started = 0;
  const isOver = () =>
    started >= messages || (scenario.messages === null && performance.now() >= endMs);
  const timer = setInterval(() => {
    const seconds = (performance.now() - before.atMs) / 1000;
    run.onProgress({ phase: 'connecting', ratePerSecond: opened / seconds });
  }, PROGRESS_MS);
  try {
    await inParallel(scenario.connections, scenario.connections, async () => {
      while (!isOver()) {
        const client = new Client({
          clientId: `${scenario.prefix}-connect-${started++}`,
          version: scenario.version,
          localAddress: run.nextSource(),
          onFailure: run.fail,
        });
        const startMs = performance.now();
        await run.orFail(client.connect(target));
        latency.record(Math.round((performance.now() - startMs) * 1000));
        opened++;
        await client.close();
      }
    });
  } finally {
    clearInterval(timer);
  }
  if (opened === 0) throw new BenchError('no connection was opened in the time given');
  const after = takeUsage(brokerPid);
  const seconds = (after.atMs - before.atMs) / 1000;
  return {
    scenario,
    label: labelOf(scenario),
    unit: 'connects',
    ratePerSecond: opened / seconds,
    seconds,
    ...NO_MESSAGES,
    latency: latency.percentiles(),
    generator: generatorUsage(before, after, null),
    broker: brokerUsage(before, after),
    extra: { connections: opened },
    memory: [],
  };
}
