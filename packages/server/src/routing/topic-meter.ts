import { matchesFilter, type Route } from '@promptmq/topics';
import type { BrokerSession } from '../sessions/broker-session.ts';

/** What was published on the topics that a filter matches. */
export interface TopicCount {
  readonly filter: string;
  messages: number;
  payloadBytes: number;
}

/**
 * Counts messages by topic filter. Which filters match a topic is found once for each route of the
 * topic cache; from then on a message costs a look-up and an addition for each of them.
 */
export class TopicMeter {
  #counts: readonly TopicCount[];
  #byRoute: WeakMap<Route<BrokerSession>, readonly TopicCount[]>;

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
    this.#counts = [...new Set(filters)].map(
      (filter) => former.get(filter) ?? { filter, messages: 0, payloadBytes: 0 },
    );
    this.#byRoute = new WeakMap();
  }

  count(route: Route<BrokerSession>, payloadSize: number): void {
    const counts = this.#byRoute.get(route) ?? this.#resolve(route);
    for (let index = 0; index < counts.length; index++) {
      const count = counts[index] as TopicCount;
      count.messages++;
      count.payloadBytes += payloadSize;
    }
  }

  #resolve(route: Route<BrokerSession>): readonly TopicCount[] {
    const counts = this.#counts.filter(({ filter }) => matchesFilter(filter, route.topic));
    this.#byRoute.set(route, counts);
    return counts;
  }
}
