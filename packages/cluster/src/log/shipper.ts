import type { Replica } from '@promptmq/wal';
import { EngineError } from '../engine/engine.ts';
import { FencedError } from './fenced-error.ts';
import type { FencedLog } from './fenced-log.ts';

/** Bytes of an entry at most, unless told otherwise. */
const ENTRY_BYTES_MAX = 512 * 1024;

export interface ShipperOptions {
  /** Bytes of the log in an entry at most; a batch that is larger takes several. */
  readonly entryBytesMax?: number;
  /** Entries that may be under way at once, as the log was claimed with. */
  readonly window?: number;
}

/** Bytes that were shipped and aren't offered to the engine's log yet. */
interface Shipment {
  readonly position: number;
  readonly segment: number;
  readonly parts: readonly Uint8Array[];
  readonly size: number;
  readonly onReplicated: () => void;
}

/**
 * Appends what a cell's log writes to the engine's log: what gathers while an entry is under way is the next one.
 *
 * Invariant: what is shipped is offered whole, in order; and a shipment is replicated when its last byte is.
 */
export class Shipper implements Replica {
  /** Up to where the engine had the log when it was claimed. */
  readonly position: number;
  /** Entries that may be under way at once. */
  readonly window: number;
  readonly #log: FencedLog;
  readonly #entryBytesMax: number;
  #waiting: Shipment[];
  /** Of the first that waits, how much is offered. */
  #offeredOfFirst: number;
  #trimTo: number;
  #isTrimming: boolean;
  /** Bytes that were shipped and aren't replicated. */
  lagBytes: number;

  constructor(log: FencedLog, options: ShipperOptions = {}) {
    this.position = log.state.head;
    this.#log = log;
    this.#entryBytesMax = options.entryBytesMax ?? ENTRY_BYTES_MAX;
    this.window = options.window ?? 1;
    this.#waiting = [];
    this.#offeredOfFirst = 0;
    this.#trimTo = 0;
    this.#isTrimming = false;
    this.lagBytes = 0;
  }

  ship(
    position: number,
    segment: number,
    parts: readonly Uint8Array[],
    onReplicated: () => void,
  ): void {
    const size = parts.reduce((total, { length }) => total + length, 0);
    this.lagBytes += size;
    this.#waiting.push({ position, segment, parts, size, onReplicated });
    this.#offer();
  }

  #offer(): void {
    // Who ends the log hears of the failure from there.
    while (this.#log.failure === null && this.#log.pendingCount < this.window) {
      const first = this.#waiting[0];
      if (first === undefined) return;
      if (first.size > this.#entryBytesMax) this.#offerPart(first);
      else this.#offerWhole(first);
    }
  }

  /** One shipment and those after it that fit into the same entry. */
  #offerWhole(first: Shipment): void {
    const { position, segment } = first;
    let size = 0;
    let count = 0;
    for (const shipment of this.#waiting) {
      const follows = shipment.position === position + size && shipment.segment === segment;
      if (count > 0 && (!follows || size + shipment.size > this.#entryBytesMax)) break;
      size += shipment.size;
      count++;
    }
    const taken = this.#waiting.splice(0, count);
    const parts = taken.flatMap((shipment) => shipment.parts);
    this.#append(position, segment, parts, size, () => {
      for (const { onReplicated } of taken) onReplicated();
    });
  }

  /** Another part of a shipment that takes several entries. */
  #offerPart({ position, segment, parts, size, onReplicated }: Shipment): void {
    const from = this.#offeredOfFirst;
    const to = Math.min(size, from + this.#entryBytesMax);
    const isLast = to === size;
    this.#offeredOfFirst = isLast ? 0 : to;
    if (isLast) this.#waiting.shift();
    const onDone = isLast ? onReplicated : () => {};
    this.#append(position + from, segment, slice(parts, from, to), to - from, onDone);
  }

  #append(
    position: number,
    segment: number,
    parts: readonly Uint8Array[],
    size: number,
    onDone: () => void,
  ): void {
    this.#log.append({ position, segment, isSealed: false, parts }, () => {
      this.lagBytes -= size;
      onDone();
      this.#offer();
    });
  }

  trim(position: number): void {
    this.#trimTo = Math.max(this.#trimTo, position);
    if (this.#isTrimming) return;
    this.#isTrimming = true;
    void this.#trim().finally(() => {
      this.#isTrimming = false;
    });
  }

  async #trim(): Promise<void> {
    for (let done = -1; done < this.#trimTo; ) {
      const to = this.#trimTo;
      try {
        await this.#log.trim(to);
      } catch (error) {
        // What stays goes with the next ones; and of a log that has ended, nothing is of this owner's concern.
        if (error instanceof EngineError || error instanceof FencedError) return;
        throw error;
      }
      done = to;
    }
  }
}

/** The bytes from one offset to another, of bytes in pieces. */
function slice(parts: readonly Uint8Array[], from: number, to: number): Uint8Array[] {
  const slices: Uint8Array[] = [];
  let start = 0;
  for (const part of parts) {
    const end = start + part.length;
    if (end > from && start < to) {
      slices.push(part.subarray(Math.max(0, from - start), Math.min(part.length, to - start)));
    }
    start = end;
  }
  return slices;
}
