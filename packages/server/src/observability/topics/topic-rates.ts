import type { TopicCount } from '../../routing/meters/topic-meter.ts';

/** Messages a second of one filter, over the last sample. */
export interface TopicRate {
  readonly received: number;
  readonly receivedByQos: readonly number[];
  readonly delivered: number;
  readonly deliveredByQos: readonly number[];
  readonly unmatched: number;
}

const NO_RATE: TopicRate = {
  received: 0,
  receivedByQos: [0, 0, 0],
  delivered: 0,
  deliveredByQos: [0, 0, 0],
  unmatched: 0,
};

interface Totals {
  readonly received: Float64Array;
  readonly delivered: Float64Array;
  readonly unmatched: number;
}

/** How fast the counts of topic filters grow. */
export class TopicRates {
  readonly #totals: Map<string, Totals>;
  readonly #rates: Map<string, TopicRate>;

  constructor() {
    this.#totals = new Map();
    this.#rates = new Map();
  }

  of(filter: string): TopicRate {
    return this.#rates.get(filter) ?? NO_RATE;
  }

  /** @param seconds - since it was called before */
  update(counts: readonly TopicCount[], seconds: number): void {
    this.#rates.clear();
    const former = new Map(this.#totals);
    this.#totals.clear();
    for (const { filter, receivedByQos, deliveredByQos, unmatched } of counts) {
      const now = {
        received: receivedByQos.slice(),
        delivered: deliveredByQos.slice(),
        unmatched,
      };
      this.#totals.set(filter, now);
      const before = former.get(filter);
      // Counts that were reset begin again.
      if (before !== undefined && seconds > 0)
        this.#rates.set(filter, rateOf(before, now, seconds));
    }
  }
}

function rateOf(before: Totals, now: Totals, seconds: number): TopicRate {
  const rate = (from: number, to: number) => (to < from ? to : to - from) / seconds;
  const rates = (from: Float64Array, to: Float64Array) =>
    Array.from(to, (value, qos) => rate(from[qos] as number, value));
  const receivedByQos = rates(before.received, now.received);
  const deliveredByQos = rates(before.delivered, now.delivered);
  return {
    received: sumOf(receivedByQos),
    receivedByQos,
    delivered: sumOf(deliveredByQos),
    deliveredByQos,
    unmatched: rate(before.unmatched, now.unmatched),
  };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
