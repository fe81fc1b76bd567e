import { invariant } from '@promptmq/topics';
import type { Faulty } from './faults.ts';

/**
 * A point in time at which something is due: keep alive, session expiry, a delayed will. One object a
 * purpose, scheduled again and again; scheduling costs no allocation.
 */
export class Deadline {
  /** Milliseconds of the clock; meaningful while it is scheduled. */
  at: number;
  /** Its place in the heap; -1 while it is not scheduled. Kept by the queue. */
  index: number;
  readonly onDue: (now: number) => void;
  /** For whose sake it is; null when it is for no connection alone. */
  readonly connection: Faulty | null;

  constructor(onDue: (now: number) => void, connection: Faulty | null = null) {
    this.at = 0;
    this.index = -1;
    this.onDue = onDue;
    this.connection = connection;
  }
}

/**
 * All deadlines of the broker, earliest first, in a binary heap: one timer instead of one a session.
 *
 * Invariant: `heap[i].at <= heap[2i + 1].at`, `heap[i].at <= heap[2i + 2].at`, `heap[i].index === i`.
 */
export class DeadlineQueue {
  readonly #heap: Deadline[] = [];
  /** Called when another deadline has become the earliest, or that one comes earlier: the timer is set by it. */
  onEarlier: () => void;
  readonly #onError: (connection: Faulty | null, error: unknown) => void;

  /** @param onError - called with what `onDue` throws; the other deadlines are run all the same */
  constructor(onError: (connection: Faulty | null, error: unknown) => void) {
    this.onEarlier = () => {};
    this.#onError = onError;
  }

  get length(): number {
    return this.#heap.length;
  }

  /** The earliest deadline in milliseconds of the clock; Infinity when there is none. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Sets or moves the deadline. An infinite `at` cancels it. */
  schedule(deadline: Deadline, at: number): void {
    if (at === Number.POSITIVE_INFINITY) {
      this.cancel(deadline);
      return;
    }
    if (deadline.index === -1) {
      deadline.index = this.#heap.length;
      this.#heap.push(deadline);
    }
    deadline.at = at;
    this.#settle(deadline);
    if (deadline.index === 0) this.onEarlier();
  }

  cancel(deadline: Deadline): void {
    const { index } = deadline;
    if (index === -1) return;
    deadline.index = -1;
    const last = this.#heap.pop() as Deadline;
    if (last === deadline) return;
    this.#put(last, index);
    this.#settle(last);
  }

  /** Takes and runs every deadline that is due at `now`; they may schedule themselves again. */
  runDue(now: number): void {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > now) return;
      this.cancel(first);
      try {
        first.onDue(now);
      } catch (error) {
        this.#onError(first.connection, error);
      }
    }
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    for (const [index, deadline] of this.#heap.entries()) {
      invariant(deadline.index === index, `deadline ${index} says that it is ${deadline.index}`);
      const parent = this.#heap[(index - 1) >> 1] ?? deadline;
      invariant(parent.at <= deadline.at, `deadline ${index} comes before the one above it`);
    }
  }

  #put(deadline: Deadline, index: number): void {
    this.#heap[index] = deadline;
    deadline.index = index;
  }

  /** Moves a deadline up or down to where it belongs. */
  #settle(deadline: Deadline): void {
    const heap = this.#heap;
    let { index } = deadline;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex] as Deadline;
      if (parent.at <= deadline.at) break;
      this.#put(parent, index);
      index = parentIndex;
    }
    for (;;) {
      let childIndex = 2 * index + 1;
      const left = heap[childIndex];
      if (left === undefined) break;
      const right = heap[childIndex + 1];
      let child = left;
      if (right !== undefined && right.at < left.at) {
        child = right;
        childIndex++;
      }
      if (child.at >= deadline.at) break;
      this.#put(child, index);
      index = childIndex;
    }
    this.#put(deadline, index);
  }
}
