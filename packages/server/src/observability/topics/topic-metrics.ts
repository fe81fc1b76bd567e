import { isValidTopicFilter, parseSharedFilter } from '@promptmq/topics';
import { type TopicCount, TopicMeter } from '../../routing/meters/topic-meter.ts';
import type { ObservedBroker } from '../host.ts';
import { type TopicRate, TopicRates } from './topic-rates.ts';

/** Filters that are counted at a time, those of `metrics.topics` included. */
export const METERED_FILTERS_MAX = 512;

/** What was counted of one topic filter. Times are milliseconds since 1970. */
export interface TopicMetric {
  readonly filter: string;
  /** Whether it is in `metrics.topics`; the others are forgotten when the process ends. */
  readonly isConfigured: boolean;
  readonly createdAt: number;
  readonly resetAt: number | null;
  readonly count: Readonly<TopicCount>;
  /** Over the last sample; 0 while nothing is sampled. */
  readonly rate: TopicRate;
}

/** What came of adding or removing a filter. */
export type TopicMetricChange =
  | 'done'
  | 'known'
  | 'invalid'
  | 'too-many'
  | 'unknown'
  | 'configured';

interface Times {
  createdAt: number;
  resetAt: number | null;
}

/**
 * The topic filters by which messages are counted: those of `metrics.topics`, and those that were added since.
 *
 * Invariant: the router counts exactly while there is one.
 */
export class TopicMetrics {
  readonly #broker: ObservedBroker;
  readonly #added: Set<string>;
  readonly #times: Map<string, Times>;
  readonly #rates: TopicRates;

  constructor(broker: ObservedBroker) {
    this.#broker = broker;
    this.#added = new Set();
    this.#times = new Map();
    this.#rates = new TopicRates();
  }

  /** Counts by those of the configuration from now on, and by those that were added. */
  refresh(): void {
    const { router, config, runtime } = this.#broker;
    const filters = [...new Set([...config.metrics.topics, ...this.#added])];
    for (const filter of this.#times.keys()) {
      if (!filters.includes(filter)) this.#times.delete(filter);
    }
    for (const filter of filters) {
      if (this.#times.has(filter)) continue;
      this.#times.set(filter, { createdAt: runtime.wallNow(), resetAt: null });
    }
    if (filters.length === 0) {
      router.topicMeter = null;
      return;
    }
    router.topicMeter ??= new TopicMeter();
    router.topicMeter.setFilters(filters);
  }

  list(): TopicMetric[] {
    return this.#counts.map((count) => {
      const { filter } = count;
      const { createdAt, resetAt } = this.#times.get(filter) as Times;
      const isConfigured = this.#isConfigured(filter);
      return { filter, isConfigured, createdAt, resetAt, count, rate: this.#rates.of(filter) };
    });
  }

  add(filter: string): TopicMetricChange {
    if (!isValidTopicFilter(filter) || parseSharedFilter(filter) !== null) return 'invalid';
    if (this.#times.has(filter)) return 'known';
    if (this.#times.size >= METERED_FILTERS_MAX) return 'too-many';
    this.#added.add(filter);
    this.refresh();
    return 'done';
  }

  remove(filter: string): TopicMetricChange {
    if (this.#isConfigured(filter)) return 'configured';
    if (!this.#added.delete(filter)) return 'unknown';
    this.refresh();
    return 'done';
  }

  /** @param filter - null for all */
  reset(filter: string | null): TopicMetricChange {
    if (filter !== null && !this.#times.has(filter)) return 'unknown';
    const now = this.#broker.runtime.wallNow();
    for (const count of this.#counts) {
      if (filter !== null && count.filter !== filter) continue;
      count.messages = 0;
      count.payloadBytes = 0;
      count.unmatched = 0;
      for (const row of [count.receivedByQos, count.deliveredByQos, count.sizes]) row.fill(0);
      (this.#times.get(count.filter) as Times).resetAt = now;
    }
    return 'done';
  }

  /** @param seconds - since the sample before */
  sample(seconds: number): void {
    this.#rates.update(this.#counts, seconds);
  }

  get #counts(): readonly TopicCount[] {
    return this.#broker.router.topicMeter?.counts ?? [];
  }

  #isConfigured(filter: string): boolean {
    return this.#broker.config.metrics.topics.includes(filter);
  }
}
