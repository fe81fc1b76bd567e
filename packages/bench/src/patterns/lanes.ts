import { BenchError } from '../bench-error.ts';
import type { Client } from '../client/client.ts';
import { elapse } from '../load/clock.ts';
import { Flow } from '../load/flow.ts';
import { Lane } from '../load/lane.ts';
import { Publisher, type PublisherLane } from '../load/publisher.ts';
import { inParallel, OPENING_AT_ONCE, type Run, takeUsage } from '../load/run.ts';
import { buildTape } from '../load/tape.ts';
import { PAIRED, type Scenario } from '../scenario.ts';

/** QoS 0: bytes under way over all lanes, and at least and at most this many in one. */
const FLIGHT_BYTES = 2_097_152;
const FLIGHT_BYTES_MIN = 65_536;
const FLIGHT_BYTES_MAX = 1_048_576;

/** Subscriptions that match nothing are held by so few clients. */
const OTHER_SUBSCRIPTIONS_PER_CLIENT = 10_000;

/** What is connected for a measurement of throughput or latency. */
export interface Stage {
  readonly lanes: readonly Lane[];
  readonly publishers: readonly Publisher[];
  /** Of all lanes, or of all but the last where that floods. */
  readonly flow: Flow;
  /** Of the last lane, as fast as possible; null when it does as the others do. */
  readonly flood: Flow | null;
}

/** Who publishes what to whom, on one lane. */
interface LanePlan {
  readonly publisherCount: number;
  readonly subscriberCount: number;
  readonly topics: readonly string[];
  readonly filters: readonly string[];
  readonly fanOut: number;
}

/** Connects and subscribes everyone. */
export async function setStage(run: Run, onDelivered: () => void): Promise<Stage> {
  const { scenario } = run;
  await openOthers(run);
  const plans = planLanes(scenario);
  const lanes = plans.map(({ fanOut }) => new Lane(fanOut, flightMax(scenario, plans.length)));
  const floodLane = scenario.pattern === 'fairness' ? (lanes.at(-1) as Lane) : null;
  let flow: Flow | null = null;
  let flood: Flow | null = null;
  const flowOf = (lane: PublisherLane) => (lane === floodLane ? flood : flow);
  const seats = plans.flatMap((plan, laneIndex) =>
    Array.from({ length: plan.subscriberCount }, () => ({ plan, lane: lanes[laneIndex] as Lane })),
  );
  run.onProgress({ phase: 'connecting', ratePerSecond: null });
  await inParallel(seats.length, OPENING_AT_ONCE, async (index) => {
    const { plan, lane } = seats[index] as { plan: LanePlan; lane: Lane };
    const client = await run.openSubscriber({
      clientId: `${scenario.prefix}-sub-${index}`,
      isClean: scenario.pattern !== 'persistent',
      // What floods only delays itself.
      ...(lane === floodLane ? { latency: null } : {}),
      onMessages: (count) => {
        lane.received += count;
        flowOf(lane)?.onReceived(lane);
        onDelivered();
      },
    });
    lane.subscribers.push(client);
    await client.subscribe(plan.filters, scenario.qos, identifierOf(scenario, index));
  });
  const publishers = await openPublishers(run, plans, lanes, (publisher) =>
    flowOf(publisher.lane)?.onReady(publisher),
  );
  flow = new Flow(
    scenario,
    lanes.filter((lane) => lane !== floodLane),
  );
  if (floodLane !== null) flood = new Flow({ ...scenario, ratePerSecond: null }, [floodLane]);
  return { lanes, publishers, flow, flood };
}

function identifierOf({ usesSubscriptionIdentifiers }: Scenario, index: number): number {
  return usesSubscriptionIdentifiers ? index + 1 : 0;
}

async function openPublishers(
  run: Run,
  plans: readonly LanePlan[],
  lanes: readonly Lane[],
  onReady: (publisher: Publisher) => void,
): Promise<readonly Publisher[]> {
  const { scenario } = run;
  const { qos, messages, publishers: count } = scenario;
  const seats = plans.flatMap((plan, laneIndex) =>
    Array.from({ length: plan.publisherCount }, () => laneIndex),
  );
  const publishers: Publisher[] = [];
  await inParallel(seats.length, OPENING_AT_ONCE, async (index) => {
    const laneIndex = seats[index] as number;
    let publisher: Publisher | null = null;
    const client = await run.open({
      clientId: `${scenario.prefix}-pub-${index}`,
      onAcked: (acked) => {
        publisher?.onAcked(acked);
        if (publisher !== null) onReady(publisher);
      },
      onIdle: () => {
        if (publisher !== null) onReady(publisher);
      },
    });
    const plan = plans[laneIndex] as LanePlan;
    checkLimits(scenario, client, plan.topics.length);
    const tape = buildTape({ ...scenario, isRetained: false, topics: plan.topics });
    const quota =
      messages === null
        ? Number.POSITIVE_INFINITY
        : Math.floor(messages / count) + (index < messages % count ? 1 : 0);
    const window = Math.min(scenario.window, client.connack?.properties?.receiveMaximum ?? 65_535);
    const lane = lanes[laneIndex] as Lane;
    publisher = new Publisher(client, lane, tape, qos, window, quota);
    publishers.push(publisher);
    lane.publishers.push(publisher);
  });
  return publishers;
}

/** @throws {BenchError} when the broker said in CONNACK that it doesn't offer what is to be measured */
function checkLimits(scenario: Scenario, { connack }: Client, topicCount: number): void {
  if (scenario.version < 5) return;
  const { maximumQoS = 2, topicAliasMaximum = 0 } = connack?.properties ?? {};
  if (maximumQoS < scenario.qos) {
    throw new BenchError(`the broker takes QoS ${maximumQoS} at most`);
  }
  if (scenario.usesAliases && topicAliasMaximum < topicCount) {
    throw new BenchError(
      `the broker takes ${topicAliasMaximum} topic aliases, and each publisher needs ${topicCount}`,
    );
  }
}

function flightMax({ flightBytes, payloadBytes }: Scenario, laneCount: number): number {
  const bytes =
    flightBytes ??
    Math.max(FLIGHT_BYTES_MIN, Math.min(FLIGHT_BYTES_MAX, Math.floor(FLIGHT_BYTES / laneCount)));
  // A header and a topic are about as long as this.
  return Math.max(4, Math.floor(bytes / (payloadBytes + 24)));
}

function planLanes(scenario: Scenario): readonly LanePlan[] {
  const { pattern, publishers, subscribers, topics, prefix } = scenario;
  const names = topicNames(prefix, topics);
  if (PAIRED.includes(pattern)) {
    return Array.from({ length: publishers }, (_, index) => {
      const own = names.filter((_, topicIndex) => topicIndex % publishers === index);
      return {
        publisherCount: 1,
        subscriberCount: 1,
        topics: shuffled(own, index),
        filters: own,
        fanOut: 1,
      };
    });
  }
  const filter = `${prefix}/+/t`;
  const filters =
    pattern === 'wildcard' ? [filter] : pattern === 'shared' ? [`$share/group/${filter}`] : names;
  return [
    {
      publisherCount: publishers,
      subscriberCount: subscribers,
      topics: shuffled(names, 0),
      filters,
      fanOut: pattern === 'shared' ? 1 : subscribers,
    },
  ];
}

/** Equally long names. */
function topicNames(prefix: string, count: number): readonly string[] {
  const width = String(count - 1).length;
  return Array.from(
    { length: count },
    (_, index) => `${prefix}/${String(index).padStart(width, '0')}/t`,
  );
}

/** In an order without pattern, but the same in each run. */
function shuffled(names: readonly string[], seed: number): readonly string[] {
  const result = [...names];
  let state = seed + 1;
  for (let index = result.length - 1; index > 0; index--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (index + 1));
    [result[index], result[other]] = [result[other] as string, result[index] as string];
  }
  return result;
}

/** How long the broker may tidy up before its memory is looked at. */
const SETTLE_MS = 300;

/** Clients whose subscriptions make the broker's tables larger, and get nothing. */
async function openOthers(run: Run): Promise<void> {
  const { otherSubscriptions, prefix, qos } = run.scenario;
  if (otherSubscriptions === 0) return;
  const clientCount = Math.ceil(otherSubscriptions / OTHER_SUBSCRIPTIONS_PER_CLIENT);
  run.onProgress({ phase: 'subscribing others', ratePerSecond: null });
  const before = takeUsage(run.brokerPid);
  await inParallel(clientCount, 4, async (clientIndex) => {
    const first = clientIndex * OTHER_SUBSCRIPTIONS_PER_CLIENT;
    const count = Math.min(OTHER_SUBSCRIPTIONS_PER_CLIENT, otherSubscriptions - first);
    const client = await run.open({ clientId: `${prefix}-other-${clientIndex}` });
    const filters = Array.from({ length: count }, (_, index) => `other/${first + index}/+/t`);
    await client.subscribe(filters, qos);
  });
  const seconds = (performance.now() - before.atMs) / 1000;
  run.found['subscribesPerSecond'] = otherSubscriptions / Math.max(0.001, seconds);
  await elapse(SETTLE_MS);
  const after = takeUsage(run.brokerPid).broker;
  if (before.broker === null || after === null) return;
  run.found['otherSubscriptionsBytes'] = after.residentBytes - before.broker.residentBytes;
}
