import type { AppendOutcome } from '../engine/engine.ts';
import { EntryFlag, type EntryHead, EntryKind, encodeHeader } from './entry.ts';
import type { EpochReader } from './epoch-reader.ts';
import { FencedError } from './fenced-error.ts';

/** What the owner of a cell appends: bytes of the cell's log, whole batches of one segment. */
export interface OwnedBytes {
  /** Of the first byte. */
  readonly position: number;
  /** First position of their segment. */
  readonly segment: number;
  /** Nothing is appended after them: the owner leaves. */
  readonly isSealed: boolean;
  /** Together at least one byte, unless it is sealed. */
  readonly parts: readonly Uint8Array[];
}

/** An entry on its way. */
export interface PendingEntry {
  /** The entry's bytes, which stay as they are until it counts. */
  readonly parts: readonly Uint8Array[];
  readonly head: EntryHead;
  readonly onDone: () => void;
  /** The sequence that it is being appended after; null when it isn't under way. */
  after: number | null;
}

/** What has to be done next. */
export type WriterStep =
  | { readonly kind: 'append'; readonly after: number; readonly entry: PendingEntry }
  /** Entries from `from` on have to be read, and told by `onRead`. */
  | { readonly kind: 'read'; readonly from: number };

/** After so many refusals in a row that say that the engine has fewer entries than it acknowledged, it is believed to have lost them. */
const SHORT_ANSWERS_MAX = 10;

/**
 * Decides what the owner of a cell appends when, and which entries count. It does no I/O: who drives it does what `next` says, and
 * tells it what came of that.
 *
 * An entry that was refused, or of which nobody knows, is appended again as it was, after what is read meanwhile. It counts when the
 * reader's rule says so, of an entry that is known to lie in the engine's log at its sequence, with all before it known, too.
 *
 * Invariant: entries count, and are done, in the order in which they were offered; none is done after another owner's entry.
 */
export class EpochWriter {
  readonly #reader: EpochReader;
  readonly #epoch: number;
  readonly #window: number;
  /** In order; the first `#sent` are under way or have been. */
  readonly #queue: PendingEntry[] = [];
  #sent = 0;
  #underWay = 0;
  /** Entries that the engine has appended, by sequence, after one that isn't known yet. */
  readonly #appended = new Map<number, PendingEntry>();
  /** Something was refused or is unknown: nothing is appended until all under way has come back, and the log was read. */
  #isStalled = false;
  #isReading = false;
  #shortAnswers = 0;
  /** Attempts since something was known to count. */
  #failedAttempts = 0;
  #failure: FencedError | null = null;
  /** Where what is offered next begins, and the sum of the entry before. */
  #offeredHead: number;
  #offeredSegment: number;
  #offeredChain: number;
  #isSealed = false;

  /**
   * @param reader - that has read the entry which made this the owner; it belongs to the writer from now on
   * @param window - entries that may be under way at once, at least 1
   */
  constructor(reader: EpochReader, window: number) {
    const { epoch, head, segment, chain } = reader.state;
    this.#reader = reader;
    this.#epoch = epoch;
    this.#window = window;
    this.#offeredHead = head;
    this.#offeredSegment = segment;
    this.#offeredChain = chain;
  }

  /** Why nothing will count any more; null as long as this is the owner. */
  get failure(): FencedError | null {
    return this.#failure;
  }

  /** Entries that don't count yet. */
  get pendingCount(): number {
    return this.#queue.length;
  }

  /** Attempts that failed since something last counted: what to wait for depends on it. */
  get failedAttempts(): number {
    return this.#failedAttempts;
  }

  /**
   * Takes what is to be appended after all that was offered before.
   *
   * @param onDone - called when it counts; never, if this isn't the owner any more before that
   * @throws {FencedError} why nothing is appended any more
   */
  offer({ position, segment, isSealed, parts }: OwnedBytes, onDone: () => void): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#isSealed) throw new FencedError('closed', 'the log was sealed');
    const begins = segment === position;
    const continues = position === this.#offeredHead && segment === this.#offeredSegment;
    if (begins ? position < this.#offeredHead : !continues) {
      const end = `${this.#offeredHead} in segment ${this.#offeredSegment}`;
      throw new Error(`bytes at ${position} in segment ${segment} are offered after ${end}`);
    }
    const flags = (begins ? EntryFlag.segmentStart : 0) | (isSealed ? EntryFlag.sealed : 0);
    const { header, head } = encodeHeader(
      {
        kind: EntryKind.bytes,
        flags,
        epoch: this.#epoch,
        previous: this.#offeredHead,
        position,
        segment,
        chain: this.#offeredChain,
      },
      parts,
    );
    this.#queue.push({ parts: [header, ...parts], head, onDone, after: null });
    this.#offeredHead = position + head.bodySize;
    this.#offeredSegment = segment;
    this.#offeredChain = head.sum;
    this.#isSealed = isSealed;
  }

  /** What to do now; null when there is nothing, or when something under way has to come back first. */
  next(): WriterStep | null {
    if (this.#failure !== null || this.#isReading) return null;
    if (this.#isStalled) {
      if (this.#underWay > 0) return null;
      this.#isReading = true;
      return { kind: 'read', from: this.#reader.sequence + 1 };
    }
    const entry = this.#queue[this.#sent];
    if (entry === undefined || this.#underWay >= this.#window) return null;
    const after = this.#reader.sequence + this.#sent;
    entry.after = after;
    this.#sent++;
    this.#underWay++;
    return { kind: 'append', after, entry };
  }

  /** What became of an append. */
  onOutcome(entry: PendingEntry, outcome: AppendOutcome): void {
    this.#underWay--;
    const { after } = entry;
    entry.after = null;
    if (this.#failure !== null || after === null) return;
    switch (outcome.kind) {
      case 'appended':
        this.#onAppended(entry, after, outcome.sequence);
        return;
      case 'conflict':
        this.#isStalled = true;
        this.#failedAttempts++;
        this.#onConflict(after, outcome.last);
        return;
      case 'full':
      case 'unknown':
        this.#isStalled = true;
        this.#failedAttempts++;
        return;
      case 'refused':
        this.fail(new FencedError('refused', `the engine refuses to append: ${outcome.why}`));
        return;
      default:
        outcome satisfies never;
    }
  }

  /** An entry that was read. */
  onRead(sequence: number, data: Uint8Array): void {
    if (this.#failure !== null || sequence <= this.#reader.sequence) return;
    this.#appended.delete(sequence);
    this.#take(sequence, () => {
      const read = this.#reader.read(sequence, data);
      if (read.kind !== 'owner') return read.kind === 'bytes' ? read.entry : null;
      const { node, incarnation } = read.owner;
      throw fenced(`epoch ${read.entry.epoch} belongs to ${node} (${incarnation})`);
    });
  }

  /**
   * Nothing more is there to be read, or can be read now.
   *
   * @param isWhole - whether reading got to an end
   */
  onReadEnd(isWhole: boolean): void {
    this.#isReading = false;
    if (!isWhole) {
      this.#failedAttempts++;
      return;
    }
    this.#drain();
    this.#isStalled = false;
    this.#sent = 0;
  }

  /** Ends it: nothing that waits is done. */
  fail(error: FencedError): void {
    this.#failure ??= error;
    this.#queue.length = 0;
    this.#appended.clear();
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    const { epoch } = this.#reader;
    if (this.#failure !== null) return;
    if (epoch !== this.#epoch) throw new Error(`epoch ${this.#epoch} writes after epoch ${epoch}`);
    if (this.#sent > this.#queue.length) throw new Error('more is under way than was offered');
    if (this.#underWay > this.#window) throw new Error('more is under way than the window allows');
  }

  #onAppended(entry: PendingEntry, after: number, sequence: number): void {
    if (sequence !== after + 1) {
      const text = `the engine appended an entry at ${sequence} that was to follow ${after}`;
      this.fail(new FencedError('diverged', text));
      return;
    }
    // Read meanwhile.
    if (sequence <= this.#reader.sequence) return;
    this.#appended.set(sequence, entry);
    this.#drain();
    // What it follows isn't known to lie there.
    if (this.#appended.size > 0 && this.#underWay === 0) this.#isStalled = true;
  }

  /** Takes entries that are known to follow. */
  #drain(): void {
    while (this.#failure === null) {
      const sequence = this.#reader.sequence + 1;
      const entry = this.#appended.get(sequence);
      if (entry === undefined) return;
      this.#appended.delete(sequence);
      this.#take(sequence, () => (this.#reader.readOwn(sequence, entry.head) ? entry.head : null));
    }
  }

  /** @param read - has the reader take it; returns what counts, or null */
  #take(sequence: number, read: () => EntryHead | null): void {
    let head: EntryHead | null;
    try {
      head = read();
    } catch (error) {
      if (!(error instanceof FencedError)) throw error;
      // Only another owner trims what this one hasn't read.
      this.fail(error.code === 'trimmed' ? fenced(`entries before ${sequence} are gone`) : error);
      return;
    }
    if (head === null) {
      // Of a former owner; or of this one, behind one that was refused, and then it is appended again.
      this.#isStalled = true;
      return;
    }
    const first = this.#queue[0];
    if (first === undefined || first.head.sum !== head.sum) {
      const text = `entry ${sequence} is of epoch ${this.#epoch}, and its owner has not appended it`;
      this.fail(new FencedError('diverged', text));
      return;
    }
    this.#queue.shift();
    if (this.#sent > 0) this.#sent--;
    this.#failedAttempts = 0;
    this.#shortAnswers = 0;
    first.onDone();
  }

  #onConflict(after: number, last: number | null): void {
    if (last === null || last >= this.#reader.sequence || after > this.#reader.sequence) {
      this.#shortAnswers = 0;
      return;
    }
    this.#shortAnswers++;
    if (this.#shortAnswers < SHORT_ANSWERS_MAX) return;
    const text = `the engine's log ends at entry ${last}, and entry ${this.#reader.sequence} had been there`;
    this.fail(new FencedError('lost', text));
  }
}

function fenced(why: string): FencedError {
  return new FencedError('fenced', `another owner has the cell: ${why}`);
}
