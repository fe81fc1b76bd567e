import { matchesFilter, type Recipient, type Route, type SharedGroup } from '@promptmq/topics';
import type { BrokerSession } from '../../sessions/broker-session.ts';

/** Upper bounds of payload sizes, in bytes; there is a bucket more, for all above. */
export const TOPIC_SIZE_BOUNDS: readonly number[] = [64, 1024, 16_384, 262_144, 4_194_304];

/** What was published on the topics that a filter matches. */
export interface TopicCount {
  readonly filter: string;
  messages: number;
  payloadBytes: number;
  readonly receivedByQos: Float64Array;
  /** To how many subscribers they went: sessions, and groups of shared subscriptions, with the QoS of the subscription. */
  readonly deliveredByQos: Float64Array;
  /** Messages that nobody had subscribed to. */
  unmatched: number;
  /** Messages by size of the payload, as `TOPIC_SIZE_BOUNDS` has them. */
  readonly sizes: Float64Array;
}

/** What is counted for one route. */
interface Metered {
  readonly counts: readonly TopicCount[];
  /** Of the route when its subscribers were counted: it has others when they change. */
  recipients: readonly Recipient<BrokerSession>[] | null;
  groups: readonly SharedGroup<BrokerSession>[] | null;
  /** Subscribers by the QoS that was granted. */
  readonly subscribers: [number, number, number];
}

/**
 * Counts messages by topic filter. Which filters match a topic is found once for each route of the
 * topic cache; from then on a message costs a look-up and some additions for each of them.
 */
export class TopicMeter {
  #counts: readonly TopicCount[];
  #byRoute: WeakMap<Route<BrokerSession>, Metered>;

  constructor() {
    this.#counts = [];
    this.#byRoute = new WeakMap();
  }

  get counts(): readonly TopicCount[] {
    return this.#counts;
  }

  /** Chooses the filters, valid and not shared; those that stay keep their counts. */
  setFilters(filters: readonly string[]): void {
    const former = new Map(this.#counts.map((count) => [count.filter, count]));
    this.#counts = [...new Set(filters)].map((filter) => former.get(filter) ?? newCount(filter));
    this.#byRoute = new WeakMap();
  }

  count(route: Route<BrokerSession>, qos: 0 | 1 | 2, payloadSize: number): void {
    const metered = this.#byRoute.get(route) ?? this.#resolve(route);
    const { counts } = metered;
    if (counts.length === 0) return;
    const { recipients, groups } = route;
    if (metered.recipients !== recipients || metered.groups !== groups)
      countSubscribers(metered, route);
    const bucket = sizeBucket(payloadSize);
    const isUnmatched = recipients.length + groups.length === 0;
    for (let index = 0; index < counts.length; index++) {
      const count = counts[index] as TopicCount;
      count.messages++;
      count.payloadBytes += payloadSize;
      (count.receivedByQos[qos] as number)++;
      (count.sizes[bucket] as number)++;
      if (isUnmatched) count.unmatched++;
      else countDelivered(count.deliveredByQos, metered.subscribers, qos);
    }
  }

  #resolve(route: Route<BrokerSession>): Metered {
    const counts = this.#counts.filter(({ filter }) => matchesFilter(filter, route.topic));
    const metered: Metered = { counts, recipients: null, groups: null, subscribers: [0, 0, 0] };
    this.#byRoute.set(route, metered);
    return metered;
  }
}

/** Begins to count a filter anew. */
export function newCount(filter: string): TopicCount {
  return {
    filter,
    messages: 0,
    payloadBytes: 0,
    receivedByQos: new Float64Array(3),
    deliveredByQos: new Float64Array(3),
    unmatched: 0,
    sizes: new Float64Array(TOPIC_SIZE_BOUNDS.length + 1),
  };
}

function countSubscribers(metered: Metered, { recipients, groups }: Route<BrokerSession>): void {
  metered.recipients = recipients;
  metered.groups = groups;
  metered.subscribers.fill(0);
  for (const { qos } of recipients) metered.subscribers[qos]++;
  // Members of one group hardly differ.
  for (const { first } of groups) metered.subscribers[first?.qos ?? 0]++;
}

/** What goes to a subscriber has the lower QoS of the two (§3.8.4). */
function countDelivered(
  delivered: Float64Array,
  [at0, at1, at2]: readonly [number, number, number],
  qos: 0 | 1 | 2,
): void {
  if (qos === 0) {
    (delivered[0] as number) += at0 + at1 + at2;
  } else {
    (delivered[0] as number) += at0;
    if (qos === 1) (delivered[1] as number) += at1 + at2;
    else {
      (delivered[1] as number) += at1;
      (delivered[2] as number) += at2;
    }
  }
}

function sizeBucket(size: number): number {
  let bucket = 0;
  while (bucket < TOPIC_SIZE_BOUNDS.length && size > (TOPIC_SIZE_BOUNDS[bucket] as number))
    bucket++;
  return bucket;
}
