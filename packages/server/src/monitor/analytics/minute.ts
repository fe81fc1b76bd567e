import { HeavyHitters } from './heavy-hitters.ts';

/** By what messages are counted. */
export const DIMENSIONS = ['topic', 'prefix', 'publisher', 'subscriber'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export const MEASURES = ['messages', 'bytes'] as const;
export type Measure = (typeof MEASURES)[number];

/** Payloads by size: 0 and 1 bytes, 2, up to 4, up to 8 …, as `BrokerStats.payloadSizes`. */
export const SIZE_BUCKETS = 30;

/** What was seen in one minute, or in what has passed of it. */
export class Minute {
  /** Keys that are followed in each dimension. */
  readonly entries: number;
  /** Milliseconds of the broker's time. */
  startedAt: number;
  endedAt: number;
  messages: number;
  bytes: number;
  readonly sizes: Float64Array;
  readonly #hitters: Readonly<Record<Dimension, Readonly<Record<Measure, HeavyHitters>>>>;
  /** By topic filter, as it was at the start: messages, and bytes of payloads. */
  readonly filters: Map<string, readonly [messages: number, bytes: number]>;

  constructor(entries: number) {
    this.entries = entries;
    this.startedAt = 0;
    this.endedAt = 0;
    this.messages = 0;
    this.bytes = 0;
    this.sizes = new Float64Array(SIZE_BUCKETS);
    const both = () => ({ messages: new HeavyHitters(entries), bytes: new HeavyHitters(entries) });
    this.#hitters = { topic: both(), prefix: both(), publisher: both(), subscriber: both() };
    this.filters = new Map();
  }

  /** Begins anew. */
  begin(now: number): void {
    this.startedAt = now;
    this.endedAt = now;
    this.messages = 0;
    this.bytes = 0;
    this.sizes.fill(0);
    this.filters.clear();
    for (const dimension of DIMENSIONS) {
      for (const measure of MEASURES) this.#hitters[dimension][measure].clear();
    }
  }

  hittersOf(dimension: Dimension, measure: Measure): HeavyHitters {
    return this.#hitters[dimension][measure];
  }

  /** @param count - messages that one stands for */
  note(dimension: Dimension, key: string, size: number, count: number): void {
    const { messages, bytes } = this.#hitters[dimension];
    const variance = count * (count - 1);
    messages.add(key, count, count * size, variance);
    if (size > 0) bytes.add(key, count * size, count, variance * size * size);
  }

  noteMessage(size: number, count: number): void {
    this.messages += count;
    this.bytes += count * size;
    const bucket = size < 2 ? 0 : 32 - Math.clz32(size - 1);
    (this.sizes[bucket] as number) += count;
  }
}
