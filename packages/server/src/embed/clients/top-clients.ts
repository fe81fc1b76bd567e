import type { SessionEntry } from '../../sessions/session-entry.ts';
import type { Arguments } from '../calls/arguments.ts';
import type { ClientFilter } from './client-filter.ts';

/** What clients can be sorted by: names of `ClientInfo`. Those that have none of it come last. */
export const CLIENT_MEASURES = [
  'queued',
  'queuedBytes',
  'dropped',
  'inflight',
  'subscriptions',
  'bytesReceived',
  'bytesSent',
  'connectedAt',
] as const;

export type ClientMeasure = (typeof CLIENT_MEASURES)[number];

export interface ClientTopOptions extends ClientFilter {
  /** What they are sorted by. */
  readonly by: ClientMeasure;
  /** `desc`, those with the most first, by default. */
  readonly order?: 'asc' | 'desc' | undefined;
  /** How many at most, 1 to 10,001; 10 by default. */
  readonly limit?: number | undefined;
  /** Ends the search. */
  readonly signal?: AbortSignal | undefined;
}

/** @returns -1 for a client that has none of it */
export function measureOf(args: Arguments, by: unknown): (entry: SessionEntry) => number {
  switch (by as ClientMeasure) {
    case 'queued':
      return ({ session }) => session.queuedCount;
    case 'queuedBytes':
      return ({ session }) => session.queue.bytes;
    case 'dropped':
      return ({ droppedCount }) => droppedCount;
    case 'inflight':
      return ({ session }) => session.inflightCount;
    case 'subscriptions':
      return ({ subscriptions }) => subscriptions.size;
    case 'bytesReceived':
      return ({ session }) => session.link?.connection?.transport.bytesReceived ?? -1;
    case 'bytesSent':
      return ({ session }) => session.link?.connection?.transport.bytesSent ?? -1;
    case 'connectedAt':
      return ({ session }) => session.link?.connection?.openedAt ?? -1;
    default:
      return args.refuse(`by takes ${CLIENT_MEASURES.join(', ')}`);
  }
}

interface Ranked {
  readonly ordinal: number;
  readonly rank: number;
}

/**
 * The best of many that come one after the other, a bounded number of them. Of those that rank the same, the ones that came first.
 *
 * Invariant: a heap, in which nothing ranks higher than what is below it: the worst is at its top.
 */
export class Best {
  readonly #countMax: number;
  readonly #heap: Ranked[];

  constructor(countMax: number) {
    this.#countMax = countMax;
    this.#heap = [];
  }

  /** @param ordinal - higher than that of all before */
  offer(ordinal: number, rank: number): void {
    const heap = this.#heap;
    if (heap.length < this.#countMax) {
      heap.push({ ordinal, rank });
      this.#rise(heap.length - 1);
    } else if (rank > (heap[0] as Ranked).rank) {
      heap[0] = { ordinal, rank };
      this.#sink();
    }
  }

  /** Their ordinals, the best first. */
  ordinals(): number[] {
    return this.#heap
      .toSorted((one, other) => (isWorse(one, other) ? 1 : -1))
      .map(({ ordinal }) => ordinal);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isWorse(heap[at] as Ranked, heap[above] as Ranked)) return;
      this.#swap(at, above);
      at = above;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= heap.length) return;
      const right = left + 1;
      const isRight = right < heap.length && isWorse(heap[right] as Ranked, heap[left] as Ranked);
      const below = isRight ? right : left;
      if (!isWorse(heap[below] as Ranked, heap[at] as Ranked)) return;
      this.#swap(at, below);
      at = below;
    }
  }

  #swap(one: number, other: number): void {
    const heap = this.#heap;
    const held = heap[one] as Ranked;
    heap[one] = heap[other] as Ranked;
    heap[other] = held;
  }
}

function isWorse(one: Ranked, other: Ranked): boolean {
  return one.rank === other.rank ? one.ordinal > other.ordinal : one.rank < other.rank;
}
