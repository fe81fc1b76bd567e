import type { HeavyHitters } from './heavy-hitters.ts';
import type { Dimension, Measure, Minute } from './minute.ts';

/** What is asked of the analytics. */
export interface AnalyticsQuestion {
  /** `filter` is by the topic filters that are counted: exactly, of all messages. */
  readonly by: Dimension | 'filter';
  /** What the most is of; messages unless given. */
  readonly sort?: Measure | undefined;
  /** Milliseconds, up to an hour; 5 minutes unless given. Whole minutes are answered. */
  readonly windowMs?: number | undefined;
  /** How many at most; 20 unless given. */
  readonly limit?: number | undefined;
  /** One alone, such as a topic; `overTime` is then of it. */
  readonly key?: string | undefined;
}

/** One topic, prefix, publisher, subscriber or filter. */
export interface AnalyticsItem {
  /** Empty for what the program publishes that the broker runs in. */
  readonly key: string;
  /** Estimates; what it isn't sorted by is at least so much. */
  readonly messages: number;
  readonly bytes: number;
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Of all, in what it is sorted by: 0 to 1. */
  readonly share: number;
  /** What it is sorted by is between these, 19 times of 20. */
  readonly least: number;
  readonly most: number;
}

export interface AnalyticsReport {
  /** Since when messages are looked at, in milliseconds since 1970; null when they aren't. */
  readonly since: number | null;
  /** What is answered is of this time. */
  readonly seconds: number;
  /** How many messages one stands for just now; 1 is exact, but for keys that are not among the first. */
  readonly standsFor: number;
  /** All messages in the time, and the bytes of their payloads. */
  readonly messages: number;
  readonly bytes: number;
  readonly items: readonly AnalyticsItem[];
  /** Messages by size of the payload: up to so many bytes, and more than half of it. */
  readonly sizes: readonly { readonly upTo: number; readonly messages: number }[];
  /** Minute by minute, oldest first; `time` is its start, in milliseconds since 1970. */
  readonly overTime: readonly {
    readonly time: number;
    readonly messages: number;
    readonly bytes: number;
  }[];
}

/** Two standard deviations: 19 of 20 estimates are closer. */
const DEVIATIONS = 2;

interface Merged {
  weight: number;
  error: number;
  other: number;
  variance: number;
  /** What it could have had at most in the minutes in which it was followed, if it had not been. */
  floors: number;
}

/**
 * The keys with the most of several minutes, most first.
 *
 * @param seconds - for the rates
 */
export function itemsOf(
  minutes: readonly Minute[],
  dimension: Dimension,
  measure: Measure,
  seconds: number,
): AnalyticsItem[] {
  const sketches = minutes.map((minute) => minute.hittersOf(dimension, measure));
  const floors = sumOf(sketches.map(({ floor }) => floor));
  const total = sumOf(sketches.map((sketch) => sketch.total));
  return [...merged(sketches)]
    .map(([key, one]): AnalyticsItem => {
      const { weight, other } = one;
      const doubt = DEVIATIONS * Math.sqrt(one.variance);
      const messages = measure === 'messages' ? weight : other;
      const bytes = measure === 'bytes' ? weight : other;
      return {
        key,
        messages,
        bytes,
        messagesPerSecond: messages / seconds,
        bytesPerSecond: bytes / seconds,
        share: total === 0 ? 0 : weight / total,
        least: Math.max(0, weight - one.error - doubt),
        most: weight + floors - one.floors + doubt,
      };
    })
    .sort((a, b) => b[measure] - a[measure]);
}

function merged(sketches: readonly HeavyHitters[]): Map<string, Merged> {
  const all = new Map<string, Merged>();
  for (const sketch of sketches) {
    const { floor } = sketch;
    for (const { key, weight, error, other, variance } of sketch.all()) {
      const known = all.get(key);
      if (known === undefined) {
        all.set(key, { weight, error, other, variance, floors: floor });
        continue;
      }
      known.weight += weight;
      known.error += error;
      known.other += other;
      known.variance += variance;
      known.floors += floor;
    }
  }
  return all;
}

export function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
