import { BenchError } from '../bench-error.ts';
import { elapse, nowMicros } from '../load/clock.ts';
import { Lane } from '../load/lane.ts';
import { Publisher } from '../load/publisher.ts';
import {
  brokerUsage,
  generatorUsage,
  inParallel,
  OPENING_AT_ONCE,
  type Run,
  takeUsage,
} from '../load/run.ts';
import { buildTape, type TapeOptions } from '../load/tape.ts';
import { labelOf, type Result } from '../report/result.ts';

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
      const client = await run.openSubscriber({ clientId: `${prefix}-sub-0`, onMessages });
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
  const absent = await run.orFail(run.openSubscriber({ clientId, isClean: false }));
  await run.orFail(absent.subscribe([topic], qos));
  await absent.close();
  try {
    run.onProgress({ phase: 'filling the queue', ratePerSecond: null });
    const stored = await run.orFail(
      publishAll(run, [topic], messages, scenario.payloadBytes, false),
    );
    return await collect(run, 'drained', stored, async (onMessages) => {
      const client = await run.openSubscriber({ clientId, isClean: false, onMessages });
      if (client.connack?.sessionPresent !== true) {
        throw new BenchError('the broker did not keep the session');
      }
    });
  } finally {
    await run.close();
    run.clients.length = 0;
    // A clean start ends the session.
    await run.openSubscriber({ clientId });
    await run.close();
  }
}

interface Stored {
  readonly sent: number;
  readonly refused: number;
  readonly perSecond: number;
  /** Cores, while it was stored; null where the broker is not known. */
  readonly generatorCpu: number;
  readonly brokerCpu: number | null;
}

/** Publishes through clients of its own until the broker has dealt with all of it. */
async function publishAll(
  run: Run,
  topics: readonly string[],
  messages: number,
  payloadBytes: number,
  isRetained: boolean,
): Promise<Stored> {
  // Retained messages are one to a topic, and the topics are those of one publisher.
  const count = isRetained ? 1 : run.scenario.publishers;
  const publishers: Publisher[] = [];
  const wakers: (() => void)[] = [];
  await inParallel(count, OPENING_AT_ONCE, async (index) => {
    const quota = Math.floor(messages / count) + (index < messages % count ? 1 : 0);
    const wake = () => wakers[index]?.();
    const tape = { topics, payloadBytes, isRetained };
    publishers[index] = await openStorer(run, index, quota, tape, wake);
  });
  const before = takeUsage(run.brokerPid);
  await Promise.all(publishers.map((publisher, index) => store(run, publisher, index, wakers)));
  const after = takeUsage(run.brokerPid);
  const seconds = Math.max(0.001, (after.atMs - before.atMs) / 1000);
  const clients = publishers.map(({ client }) => client);
  await Promise.all(clients.map((client) => client.close()));
  const sent = publishers.reduce((sum, publisher) => sum + publisher.sent, 0);
  return {
    sent,
    refused: clients.reduce((sum, { refused }) => sum + refused, 0),
    perSecond: sent / seconds,
    generatorCpu: generatorUsage(before, after, null).cpu,
    brokerCpu: brokerUsage(before, after)?.cpu ?? null,
  };
}

async function openStorer(
  run: Run,
  index: number,
  quota: number,
  tape: Pick<TapeOptions, 'topics' | 'payloadBytes' | 'isRetained'>,
  wake: () => void,
): Promise<Publisher> {
  const { scenario } = run;
  let publisher: Publisher | null = null;
  const client = await run.open({
    clientId: `${scenario.prefix}-pub-${index}`,
    onAcked: (count) => {
      publisher?.onAcked(count);
      wake();
    },
    onIdle: wake,
  });
  const receiveMaximum = client.connack?.properties?.receiveMaximum ?? 65_535;
  const window = Math.min(scenario.window, receiveMaximum);
  const frames = buildTape({ ...scenario, ...tape, usesAliases: false });
  publisher = new Publisher(client, new Lane(1, 1), frames, scenario.qos, window, quota);
  return publisher;
}

/** Sends all that a publisher may, as far as its window and its connection allow. */
async function store(
  run: Run,
  publisher: Publisher,
  index: number,
  wakers: (() => void)[],
): Promise<void> {
  const { client } = publisher;
  while (publisher.quota > 0 || publisher.unacked > 0) {
    const woken = new Promise<void>((resolve) => {
      wakers[index] = resolve;
    });
    if (publisher.allowance > 0 && client.isIdle)
      publisher.send(publisher.allowance, nowMicros(), 0);
    if (publisher.quota > 0 || publisher.unacked > 0) await run.orFail(woken);
  }
  await client.ping();
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
    extra: {
      fillPerSecond: stored.perSecond,
      fillGeneratorCpu: stored.generatorCpu,
      ...(stored.brokerCpu === null ? {} : { fillBrokerCpu: stored.brokerCpu }),
    },
    memory: [],
  };
}
