import { BenchError } from '../bench-error.ts';
import { elapse, nowMicros } from '../clock.ts';
import { Lane } from '../lane.ts';
import { Publisher } from '../publisher.ts';
import { labelOf, type Result } from '../result.ts';
import { brokerUsage, generatorUsage, type Run, takeUsage } from '../run.ts';
import { buildTape } from '../tape.ts';

const WATCH_MS = 20;

/** Retained messages on as many topics, then a subscriber to all of them. */
export async function runRetained(run: Run): Promise<Result> {
  const { scenario } = run;
  const { prefix, qos } = scenario;
  const messages = scenario.messages ?? 0;
  const width = String(messages).length;
  const topics = Array.from(
    { length: messages },
    (_, index) => `${prefix}/r/${String(index).padStart(width, '0')}`,
  );
  run.onProgress({ phase: 'retaining', ratePerSecond: null });
  const stored = await run.orFail(publishAll(run, topics, messages, scenario.payloadBytes, true));
  try {
    return await collect(run, 'retained', stored, async (onMessages) => {
      const client = await run.open({ clientId: `${prefix}-sub-0`, onMessages });
      await client.subscribe([`${prefix}/r/#`], qos);
    });
  } finally {
    run.onProgress({ phase: 'tidying up', ratePerSecond: null });
    // An empty payload takes a retained message away (§3.3.1.3).
    await publishAll(run, topics, messages, 0, true);
    await run.close();
  }
}

/** Messages for a session that is away, then its return. */
export async function runOffline(run: Run): Promise<Result> {
  const { scenario } = run;
  const { prefix, qos } = scenario;
  const messages = scenario.messages ?? 0;
  const clientId = `${prefix}-sub-0`;
  const topic = `${prefix}/q`;
  const absent = await run.orFail(run.open({ clientId, isClean: false }));
  await run.orFail(absent.subscribe([topic], qos));
  await absent.close();
  try {
    run.onProgress({ phase: 'filling the queue', ratePerSecond: null });
    const stored = await run.orFail(
      publishAll(run, [topic], messages, scenario.payloadBytes, false),
    );
    return await collect(run, 'drained', stored, async (onMessages) => {
      const client = await run.open({ clientId, isClean: false, onMessages });
      if (client.connack?.sessionPresent !== true) {
        throw new BenchError('the broker did not keep the session');
      }
    });
  } finally {
    await run.close();
    run.clients.length = 0;
    // A clean start ends the session.
    await run.open({ clientId });
    await run.close();
  }
}

interface Stored {
  readonly sent: number;
  readonly refused: number;
  readonly perSecond: number;
}

/** Publishes through a client of its own until the broker has dealt with all of it. */
async function publishAll(
  run: Run,
  topics: readonly string[],
  messages: number,
  payloadBytes: number,
  isRetained: boolean,
): Promise<Stored> {
  const { scenario } = run;
  const { qos, window } = scenario;
  let wake: () => void = () => {};
  let publisher: Publisher | null = null;
  const client = await run.open({
    clientId: `${scenario.prefix}-pub-0`,
    onAcked: (count) => {
      publisher?.onAcked(count);
      wake();
    },
    onIdle: () => wake(),
  });
  const receiveMaximum = client.connack?.properties?.receiveMaximum ?? 65_535;
  const tape = buildTape({
    ...scenario,
    payloadBytes,
    isRetained,
    topics,
    usesAliases: false,
    publishers: 1,
  });
  publisher = new Publisher(
    client,
    new Lane(1, 1),
    tape,
    qos,
    Math.min(window, receiveMaximum),
    messages,
  );
  const startMs = performance.now();
  while (publisher.quota > 0 || publisher.unacked > 0) {
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    if (publisher.allowance > 0 && client.isIdle)
      publisher.send(publisher.allowance, nowMicros(), 0);
    if (publisher.quota > 0 || publisher.unacked > 0) await run.orFail(woken);
  }
  await client.ping();
  const seconds = Math.max(0.001, (performance.now() - startMs) / 1000);
  await client.close();
  return {
    sent: publisher.sent,
    refused: client.refused,
    perSecond: publisher.sent / seconds,
  };
}

/** Opens the subscriber and counts what comes, until all has, or nothing has for a while. */
async function collect(
  run: Run,
  unit: string,
  stored: Stored,
  open: (onMessages: (count: number) => void) => Promise<void>,
): Promise<Result> {
  const { scenario, brokerPid } = run;
  // Ages of messages that were stored say nothing of the broker.
  run.latency.reset();
  const before = takeUsage(brokerPid);
  let delivered = 0;
  let lastMs = before.atMs;
  await run.orFail(
    open((count) => {
      delivered += count;
      lastMs = performance.now();
    }),
  );
  while (delivered < stored.sent && performance.now() - lastMs < scenario.drainSeconds * 1000) {
    run.onProgress({ phase: `${delivered} ${unit}`, ratePerSecond: null });
    await run.orFail(elapse(WATCH_MS));
  }
  const after = takeUsage(brokerPid);
  const seconds = Math.max(0.001, (lastMs - before.atMs) / 1000);
  return {
    scenario,
    label: labelOf(scenario),
    unit,
    ratePerSecond: delivered / seconds,
    seconds,
    sent: stored.sent,
    expected: stored.sent,
    delivered,
    lost: Math.max(0, stored.sent - delivered),
    surplus: Math.max(0, delivered - stored.sent),
    refused: stored.refused,
    latency: null,
    generator: generatorUsage(before, after, null),
    broker: brokerUsage(before, after),
    extra: { fillPerSecond: stored.perSecond },
    memory: [],
  };
}
