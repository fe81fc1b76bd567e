import { elapse, nowMicros } from '../load/clock.ts';
import {
  brokerUsage,
  generatorUsage,
  inParallel,
  OPENING_AT_ONCE,
  type Run,
  takeUsage,
} from '../load/run.ts';
import { labelOf, type Result } from '../report/result.ts';
import { type Stage, setStage } from './lanes.ts';

const PROGRESS_MS = 500;

interface Totals {
  sent: number;
  expected: number;
  delivered: number;
  unacked: number;
  quota: number;
}

/** Publishers and subscribers for some time, or for some messages: throughput and latency. */
export async function runStream(run: Run): Promise<Result> {
  const { scenario } = run;
  let lastDeliveryMicros = 0;
  let whenDone: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    whenDone = resolve;
  });
  const counted = scenario.messages !== null;
  let stage: Stage | null = null;
  const onDelivered = () => {
    lastDeliveryMicros = nowMicros();
    if (counted && stage !== null && isComplete(stage)) whenDone();
  };
  stage = await run.orFail(setStage(run, onDelivered));
  for (const publisher of stage.publishers) publisher.sendAliases();

  const { flow, flood } = stage;
  const stopProgress = tellProgress(run, stage);
  try {
    let before = takeUsage(run.brokerPid);
    let first = totalsOf(stage);
    flow.start();
    flood?.start();
    if (counted) {
      await run.orFail(Promise.race([done, settled(stage)]));
    } else {
      await run.orFail(elapse(scenario.warmupSeconds * 1000));
      run.latency.reset();
      flow.lateness?.reset();
      before = takeUsage(run.brokerPid);
      first = totalsOf(stage);
      await run.orFail(elapse(scenario.seconds * 1000));
    }
    const last = totalsOf(stage);
    const after = takeUsage(run.brokerPid);
    const endMs = counted && lastDeliveryMicros > 0 ? lastDeliveryMicros / 1000 : after.atMs;
    const seconds = Math.max(0.001, (endMs - before.atMs) / 1000);
    const latency = run.latency.count > 0 ? run.latency.percentiles() : null;
    flow.stop();
    flood?.stop();
    await run.orFail(settled(stage));

    const totals = totalsOf(stage);
    const difference = totals.expected - totals.delivered;
    return {
      scenario,
      label: labelOf(scenario),
      unit: 'deliveries',
      ratePerSecond: (last.delivered - first.delivered) / seconds,
      seconds,
      sent: totals.sent,
      expected: totals.expected,
      delivered: totals.delivered,
      lost: Math.max(0, difference),
      surplus: Math.max(0, -difference),
      refused: stage.publishers.reduce((sum, { client }) => sum + client.refused, 0),
      latency,
      generator: generatorUsage(before, after, flow.lateness),
      broker: brokerUsage(before, after),
      extra: { ...run.found, sentPerSecond: (last.sent - first.sent) / seconds },
      memory: [],
    };
  } finally {
    flow.stop();
    flood?.stop();
    stopProgress();
    await run.close();
    if (scenario.pattern === 'persistent') await endSessions(run);
  }
}

function totalsOf({ lanes, publishers }: Stage): Totals {
  const totals = { sent: 0, expected: 0, delivered: 0, unacked: 0, quota: 0 };
  for (const lane of lanes) {
    totals.sent += lane.sent;
    totals.expected += lane.sent * lane.fanOut;
    totals.delivered += lane.received;
  }
  for (const { unacked, quota } of publishers) {
    totals.unacked += unacked;
    totals.quota += quota;
  }
  return totals;
}

function isComplete(stage: Stage): boolean {
  const { quota, expected, delivered } = totalsOf(stage);
  return quota === 0 && delivered >= expected;
}

/** Resolves when all has arrived and is acknowledged, or when nothing has happened for a while. */
async function settled(stage: Stage): Promise<void> {
  const { drainSeconds } = stage.flow;
  let quietMs = 0;
  let seen = -1;
  const stepMs = 20;
  while (quietMs < drainSeconds * 1000) {
    const { sent, expected, delivered, unacked, quota } = totalsOf(stage);
    const isSending = stage.flow.isSending && quota > 0;
    if (!isSending && delivered >= expected && unacked === 0) return;
    const progress = sent + delivered - unacked;
    quietMs = progress === seen ? quietMs + stepMs : 0;
    seen = progress;
    await elapse(stepMs);
  }
}

function tellProgress(run: Run, stage: Stage): () => void {
  let { delivered } = totalsOf(stage);
  let at = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const totals = totalsOf(stage);
    const ratePerSecond = ((totals.delivered - delivered) * 1000) / (now - at);
    const phase = stage.flow.isSending ? 'measuring' : 'waiting for the rest';
    run.onProgress({ phase, ratePerSecond });
    delivered = totals.delivered;
    at = now;
  }, PROGRESS_MS);
  return () => clearInterval(timer);
}

/** Leaves nothing behind: a clean start ends the session that was there. */
async function endSessions(run: Run): Promise<void> {
  const { prefix, subscribers } = run.scenario;
  run.clients.length = 0;
  await inParallel(subscribers, OPENING_AT_ONCE, (index) =>
    run.openSubscriber({ clientId: `${prefix}-sub-${index}` }),
  );
  await run.close();
}
