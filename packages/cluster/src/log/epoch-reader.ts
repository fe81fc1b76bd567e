import {
  decodeEntry,
  decodeOwner,
  type Entry,
  EntryFlag,
  type EntryHead,
  EntryKind,
  type Owner,
} from './entry.ts';
import { FencedError } from './fenced-error.ts';

/** How far a reader is, all that it needs to continue from there. */
export interface ReaderState {
  /** Of the last entry that was read; 0 before the first. */
  readonly sequence: number;
  /** Of the owner; 0 before there is one. */
  readonly epoch: number;
  /** Where the cell's log ends. */
  readonly head: number;
  /** First position of the last segment. */
  readonly segment: number;
  /** Sum of the last entry that was accepted. */
  readonly chain: number;
}

/** What an entry is by the rule of epochs. */
export type ReadEntry =
  | { readonly kind: 'owner'; readonly entry: Entry; readonly owner: Owner }
  | { readonly kind: 'bytes'; readonly entry: Entry }
  /** An owner appended it after another one had taken over, or behind an entry of its own that was refused: it doesn't count. */
  | { readonly kind: 'void'; readonly entry: Entry };

export const BEGINNING: ReaderState = { sequence: 0, epoch: 0, head: 0, segment: 0, chain: 0 };

/**
 * Tells entries that count from those that don't, so that every reader of a log comes to the same bytes: an owner counts if its epoch is
 * higher than any before, bytes if their epoch is the owner's and they begin where the log ends. It does no I/O.
 *
 * Invariant: `state` depends on nothing but the entries up to `state.sequence`.
 */
export class EpochReader {
  #sequence: number;
  #epoch: number;
  #head: number;
  #segment: number;
  #chain: number;
  #owner: Owner | null = null;
  /** First positions of segments, each with the sequence of the entry that begins it, in order. */
  readonly #starts: { readonly segment: number; readonly sequence: number }[] = [];

  constructor(from: ReaderState = BEGINNING) {
    this.#sequence = from.sequence;
    this.#epoch = from.epoch;
    this.#head = from.head;
    this.#segment = from.segment;
    this.#chain = from.chain;
  }

  get state(): ReaderState {
    return {
      sequence: this.#sequence,
      epoch: this.#epoch,
      head: this.#head,
      segment: this.#segment,
      chain: this.#chain,
    };
  }

  get sequence(): number {
    return this.#sequence;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get head(): number {
    return this.#head;
  }

  /** Of the epoch; null when its entry wasn't read by this reader. */
  get owner(): Owner | null {
    return this.#owner;
  }

  /** Whether nothing was read yet, so that a log may begin with any entry: those before it were trimmed. */
  get isAtBeginning(): boolean {
    return this.#sequence === 0;
  }

  /**
   * Takes the next entry.
   *
   * @param data - kept as long as what is returned
   * @throws {FencedError} `corrupt`, `diverged`, `trimmed`; nothing has changed then
   */
  read(sequence: number, data: Uint8Array): ReadEntry {
    const isTrimmed = this.isAtBeginning && sequence > 1;
    if (!isTrimmed) this.#checkSequence(sequence);
    const entry = decodeEntry(data);
    if (entry === null) throw new FencedError('corrupt', `entry ${sequence} can't be read`);
    // Only owners trim, and only up to an entry that counts.
    if (isTrimmed) this.#adopt(entry);
    const counts = this.#judge(sequence, entry);
    if (!counts) {
      this.#sequence = sequence;
      return { kind: 'void', entry };
    }
    if (entry.kind === EntryKind.bytes) {
      this.#accept(sequence, entry);
      return { kind: 'bytes', entry };
    }
    const owner = decodeOwner(entry.body);
    if (owner === null) throw new FencedError('corrupt', `entry ${sequence} names no owner`);
    this.#accept(sequence, entry);
    this.#owner = owner;
    return { kind: 'owner', entry, owner };
  }

  /**
   * Takes the next entry, which the owner itself appended.
   *
   * @returns whether it counts
   * @throws {FencedError} as `read`
   */
  readOwn(sequence: number, head: EntryHead): boolean {
    this.#checkSequence(sequence);
    const counts = this.#judge(sequence, head);
    if (counts) this.#accept(sequence, head);
    else this.#sequence = sequence;
    return counts;
  }

  /**
   * The sequence of the entry that begins the last segment which begins at a position or before it: entries before that one may go
   * when all before the position may. Null where none is known.
   */
  startAt(position: number): number | null {
    return this.#starts.findLast(({ segment }) => segment <= position)?.sequence ?? null;
  }

  /** Forgets the segments that begin with entries before a sequence. */
  forget(before: number): void {
    const kept = this.#starts.findIndex(({ sequence }) => sequence >= before);
    this.#starts.splice(0, kept === -1 ? this.#starts.length : kept);
  }

  #checkSequence(sequence: number): void {
    if (sequence === this.#sequence + 1) return;
    const text = `entry ${sequence} follows entry ${this.#sequence}`;
    throw new FencedError(sequence > this.#sequence ? 'trimmed' : 'diverged', text);
  }

  #judge(sequence: number, head: EntryHead): boolean {
    const { kind, epoch, previous, chain } = head;
    const isOwner = kind === EntryKind.owner;
    if (isOwner ? epoch <= this.#epoch : epoch < this.#epoch) return false;
    // One of several that were under way at once, and one before it was refused.
    if (!isOwner && epoch === this.#epoch && previous !== this.#head) return false;
    const isExpected = isOwner || epoch === this.#epoch;
    if (isExpected && previous === this.#head && chain === this.#chain) return true;
    throw this.#diverged(sequence, head);
  }

  #accept(sequence: number, head: EntryHead): void {
    this.#sequence = sequence;
    this.#epoch = head.epoch;
    this.#chain = head.sum;
    this.#segment = head.segment;
    if (head.kind === EntryKind.owner) return;
    this.#head = head.position + head.bodySize;
    if ((head.flags & EntryFlag.segmentStart) !== 0) {
      this.#starts.push({ segment: head.segment, sequence });
    }
  }

  #adopt({ kind, epoch, previous, chain }: EntryHead): void {
    // What counts then is what comes first: an owner must have a higher epoch than the one before it.
    this.#epoch = kind === EntryKind.owner ? 0 : epoch;
    this.#head = previous;
    this.#chain = chain;
  }

  #diverged(sequence: number, { epoch, previous, chain }: EntryHead): FencedError {
    return new FencedError(
      'diverged',
      `entry ${sequence}, of epoch ${epoch}, continues at ${previous} after sum ${chain}; ` +
        `the log, of epoch ${this.#epoch}, ends at ${this.#head} with sum ${this.#chain}`,
    );
  }
}
