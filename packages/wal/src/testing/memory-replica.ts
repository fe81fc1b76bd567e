import { join } from 'node:path';
import { decodeSegmentHeader, segmentName } from '../format/format.ts';
import type { Replica } from '../ports/replica.ts';
import { FaultyFiles } from './faulty-files.ts';

/** Bytes that were shipped, and who is to hear that they are safe. */
interface Shipment {
  readonly position: number;
  readonly segmentFirst: number;
  readonly parts: readonly Uint8Array[];
  readonly onReplicated: () => void;
}

/** What there is of one segment. */
interface Copy {
  readonly chunks: Uint8Array[];
  end: number;
}

/**
 * A replica in memory, for `LogOptions.replica`. It takes over what is shipped when `confirm` is called, or by itself at the end
 * of the turn; what it has outlives the log, and `files` is a disk with it.
 */
export class MemoryReplica implements Replica {
  /** By first position, in order. */
  readonly #segments = new Map<number, Copy>();
  #shipped: Shipment[] = [];
  #isScheduled = false;
  #isEnded = false;
  position = 0;
  /** Where it was told that nothing before is needed. */
  trimmed = 0;
  /** Whether it confirms by itself; else `confirm` has to be called. */
  isPrompt = true;
  window = 1;

  /** @throws when something doesn't follow what was shipped before */
  ship(
    position: number,
    segmentFirst: number,
    parts: readonly Uint8Array[],
    onReplicated: () => void,
  ): void {
    this.#shipped.push({ position, segmentFirst, parts, onReplicated });
    if (this.isPrompt) this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.isPrompt) this.confirm();
    });
  }

  /** How many shipments wait to be taken over. */
  get waiting(): number {
    return this.#shipped.length;
  }

  /**
   * Takes over what was shipped.
   *
   * @param count - how many of the shipments, from the oldest on
   */
  confirm(count = this.#shipped.length): void {
    for (const shipment of this.#shipped.splice(0, count)) {
      if (this.#isEnded) return;
      this.#take(shipment);
      shipment.onReplicated();
    }
  }

  #take({ position, segmentFirst, parts }: Shipment): void {
    const bytes = Buffer.concat(parts);
    if (position === segmentFirst) {
      const previousEnd = decodeSegmentHeader(bytes)?.previousEnd;
      if (previousEnd !== this.position) {
        throw new Error(`${position} follows ${previousEnd}, the replica ends at ${this.position}`);
      }
      this.#segments.set(segmentFirst, { chunks: [], end: position });
    } else if (position !== this.position) {
      throw new Error(`${position} was shipped, the replica ends at ${this.position}`);
    }
    const segment = this.#segments.get(segmentFirst);
    if (segment === undefined) throw new Error(`nothing of the segment ${segmentFirst} is there`);
    segment.chunks.push(bytes);
    segment.end += bytes.length;
    this.position = segment.end;
  }

  trim(position: number): void {
    this.trimmed = Math.max(this.trimmed, position);
    for (const [first, { end }] of this.#segments) {
      if (end <= position) this.#segments.delete(first);
    }
  }

  /**
   * The process that shipped has ended: any of what it shipped may have arrived.
   *
   * @param count - how many shipments did
   */
  crash(count: number): void {
    for (const shipment of this.#shipped.splice(0, count)) this.#take(shipment);
    this.#shipped = [];
    this.#isEnded = true;
  }

  /** The same replica for the next process. */
  reopen(): MemoryReplica {
    const next = new MemoryReplica();
    for (const [first, { chunks, end }] of this.#segments) {
      next.#segments.set(first, { chunks: [...chunks], end });
    }
    next.position = this.position;
    next.trimmed = this.trimmed;
    return next;
  }

  /** A disk with what the replica has. */
  files(directory: string): FaultyFiles {
    const files = new FaultyFiles();
    for (const [first, { chunks }] of this.#segments) {
      files.replace(join(directory, segmentName(first)), Buffer.concat(chunks));
    }
    return files;
  }

  /** Bytes from the first position to the last. */
  get span(): number {
    const [first] = this.#segments.keys();
    return first === undefined ? 0 : this.position - first;
  }
}
