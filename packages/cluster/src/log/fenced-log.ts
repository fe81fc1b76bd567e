import type { Clock } from '@promptmq/wal';
import { EngineError, type EngineLog } from '../engine/engine.ts';
import { type EntryFields, EntryKind, encodeHeader, encodeOwner, type Owner } from './entry.ts';
import { BEGINNING, EpochReader, type ReadEntry, type ReaderState } from './epoch-reader.ts';
import { EpochWriter, type OwnedBytes, type PendingEntry } from './epoch-writer.ts';
import { FencedError } from './fenced-error.ts';

/** About how much of what is read waits in memory, in bytes. */
const READ_BYTES_MAX = 4 << 20;

/** The longest pause between attempts, in milliseconds. */
const RETRY_MS_MAX = 1_000;

/** Takes what counts, in order; the next one waits for it. */
export type TakeEntry = (
  entry: Exclude<ReadEntry, { kind: 'void' }>,
  sequence: number,
) => void | Promise<void>;

/**
 * Reads the log of a cell, whoever owns it, and again what was added since.
 */
export class FencedReader {
  readonly #log: EngineLog;
  readonly #epochs: EpochReader;
  readonly #take: TakeEntry;

  /**
   * @param take - gets each entry that counts
   * @param from - where to continue; without it, from the first entry there is
   */
  constructor(log: EngineLog, take: TakeEntry, from: ReaderState = BEGINNING) {
    this.#log = log;
    this.#epochs = new EpochReader(from);
    this.#take = take;
  }

  get state(): ReaderState {
    return this.#epochs.state;
  }

  /**
   * Reads to the last entry that is to be seen now; others may follow it already.
   *
   * @throws {EngineError} `unavailable`: it may be called again, and continues
   * @throws {FencedError} `corrupt`, `diverged`, `trimmed`
   */
  async readOn(): Promise<void> {
    for await (const { sequence, data } of this.#log.read(
      this.#epochs.sequence + 1,
      READ_BYTES_MAX,
    )) {
      if (sequence <= this.#epochs.sequence) continue;
      const read = this.#epochs.read(sequence, data);
      if (read.kind !== 'void') await this.#take(read, sequence);
    }
  }

  /** For `claimCell`, which has the reader to itself from then on. */
  get epochs(): EpochReader {
    return this.#epochs;
  }
}

export interface FencedOptions {
  readonly clock: Clock;
  /** Entries under way at once, at least 1. */
  readonly window?: number;
  /** Called once, when nothing will be done any more: another owner has the cell, or the engine has not kept what it promised. */
  readonly onFailed: (error: FencedError) => void;
}

export type Claim =
  | { readonly kind: 'claimed'; readonly log: FencedLog }
  /** Somebody else claimed it with this epoch or a higher one; `owner` is null when that isn't known. */
  | { readonly kind: 'taken'; readonly epoch: number; readonly owner: Owner | null };

/**
 * Makes a node the owner of a cell: reads on to the end and appends an entry that says so. From then on nothing counts that former owners
 * append. The reader has taken all that counts when this returns, and is the log's from then on.
 *
 * @param epoch - the owner's, which nobody else claims with
 * @param isWanted - asked before each attempt; when it returns false, `closed` is thrown, and the claim may still come true
 * @throws {FencedError} `corrupt`, `diverged`, `trimmed`, `lost`, `refused`, `closed`
 * @throws {EngineError} `unsuitable`
 */
export async function claimCell(
  log: EngineLog,
  reader: FencedReader,
  epoch: number,
  owner: Owner,
  options: FencedOptions,
  isWanted: () => boolean = () => true,
): Promise<Claim> {
  const { epochs } = reader;
  const body = encodeOwner(owner);
  for (let failures = 0; ; failures++) {
    await pause(options.clock, failures);
    if (!isWanted()) throw new FencedError('closed', 'the claim was given up');
    if (!(await readIfThere(reader))) continue;
    if (epochs.epoch >= epoch) {
      const found = epochs.owner;
      const isOwn = found?.node === owner.node && found.incarnation === owner.incarnation;
      if (epochs.epoch > epoch || !isOwn)
        return { kind: 'taken', epoch: epochs.epoch, owner: found };
      return { kind: 'claimed', log: new FencedLog(log, epochs, options) };
    }
    const { sequence, head, segment, chain } = epochs.state;
    const fields: EntryFields = {
      kind: EntryKind.owner,
      flags: 0,
      epoch,
      previous: head,
      position: head,
      segment,
      chain,
    };
    const { header } = encodeHeader(fields, [body]);
    // While the last entry is the same, so is this one. Whether it was appended, reading says.
    const outcome = await log.append(sequence, [header, body]);
    if (outcome.kind === 'refused') {
      throw new FencedError('refused', `the engine refuses the claim: ${outcome.why}`);
    }
    if (outcome.kind === 'appended') failures = -1;
    else if (outcome.kind === 'conflict' && sequence === 0) await checkPurged(log, outcome.last);
  }
}

/** What a log did, since it was claimed. */
export interface FencedStats {
  /** Entries that count. */
  appended: number;
  /** Their bytes. */
  appendedBytes: number;
  /** Appends that were refused since another entry was the last one. */
  conflicts: number;
  /** Appends of which nobody knew. */
  unknown: number;
  /** Appends that found no room. */
  full: number;
}

/**
 * The log of a cell that this node owns. `claimCell` makes it.
 *
 * Invariant: what is done lies in the engine's log, counts for every reader, and so does all that was appended before it.
 */
export class FencedLog {
  readonly #log: EngineLog;
  readonly #epochs: EpochReader;
  readonly #writer: EpochWriter;
  readonly #clock: Clock;
  readonly #onFailed: (error: FencedError) => void;
  /** Waits before the next attempt; null when it doesn't. */
  #cancelPause: (() => void) | null = null;
  #isReported = false;
  #trimmedBefore = 0;
  readonly stats: FencedStats = {
    appended: 0,
    appendedBytes: 0,
    conflicts: 0,
    unknown: 0,
    full: 0,
  };
  /** Called after each append that the engine answered, with how long that took in milliseconds. */
  onAnswer: ((durationMs: number) => void) | null = null;

  /** @param epochs - that has just read this owner's entry */
  constructor(log: EngineLog, epochs: EpochReader, { clock, window = 1, onFailed }: FencedOptions) {
    this.#log = log;
    this.#epochs = epochs;
    this.#writer = new EpochWriter(epochs, window);
    this.#clock = clock;
    this.#onFailed = onFailed;
  }

  /** How far it is: of entries that count. A reader continues from here. */
  get state(): ReaderState {
    return this.#epochs.state;
  }

  /** Why nothing is done any more; null as long as this node owns the cell. */
  get failure(): FencedError | null {
    return this.#writer.failure;
  }

  /** Entries that were appended and aren't done. */
  get pendingCount(): number {
    return this.#writer.pendingCount;
  }

  /**
   * Appends bytes of the cell's log, for as long as it takes while this node owns the cell.
   *
   * @param bytes - whole batches that follow those appended before; borrowed until `onDone`. With those of the header in `segment.ts` of
   * wal, where they begin a segment
   * @param onDone - called in the order of appends, when they count and are as safe as the engine's facts say; never after `onFailed`
   * @throws {FencedError} `fenced`, `corrupt`, `diverged`, `lost`, `refused`, `closed`
   */
  append(bytes: OwnedBytes, onDone: () => void): void {
    const size = bytes.parts.reduce((total, { length }) => total + length, 0);
    this.#writer.offer(bytes, () => {
      this.stats.appended++;
      this.stats.appendedBytes += size;
      onDone();
    });
    this.#step();
  }

  /**
   * Nobody needs what lies before a position any more, which is the first of a segment. Whole segments that lie before it go.
   *
   * @throws {EngineError} `unavailable`
   */
  async trim(position: number): Promise<void> {
    if (this.failure !== null) throw this.failure;
    const before = this.#epochs.startAt(position);
    if (before === null || before <= this.#trimmedBefore) return;
    await this.#log.trim(before);
    this.#trimmedBefore = before;
    this.#epochs.forget(before);
  }

  /** Ends it: nothing that waits is done, though it may be appended. The engine's log stays open. */
  close(): void {
    this.#isReported = true;
    this.#fail(new FencedError('closed', 'the log was closed'));
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    this.#writer.checkInvariants();
  }

  #step(): void {
    if (this.#cancelPause !== null) return;
    const delayMs = pauseMs(this.#writer.failedAttempts);
    if (delayMs > 0) {
      this.#cancelPause = this.#clock.setTimer(delayMs, () => {
        this.#cancelPause = null;
        this.#run();
      });
      return;
    }
    this.#run();
  }

  #run(): void {
    for (let step = this.#writer.next(); step !== null; step = this.#writer.next()) {
      if (step.kind === 'append') void this.#append(step.after, step.entry);
      else void this.#read(step.from);
    }
    const failure = this.#writer.failure;
    if (failure !== null) this.#fail(failure);
  }

  async #append(after: number, entry: PendingEntry): Promise<void> {
    const startedAt = this.#clock.now();
    const outcome = await this.#log.append(after, entry.parts);
    if (outcome.kind === 'conflict') this.stats.conflicts++;
    else if (outcome.kind === 'unknown') this.stats.unknown++;
    else if (outcome.kind === 'full') this.stats.full++;
    if (outcome.kind !== 'unknown') this.onAnswer?.(this.#clock.now() - startedAt);
    this.#writer.onOutcome(entry, outcome);
    this.#step();
  }

  async #read(from: number): Promise<void> {
    let isWhole = true;
    try {
      for await (const { sequence, data } of this.#log.read(from, READ_BYTES_MAX)) {
        this.#writer.onRead(sequence, data);
        if (this.#writer.failure !== null) break;
      }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      isWhole = false;
      if (error.code === 'unsuitable') {
        this.#writer.fail(new FencedError('refused', error.message, { cause: error }));
      }
    }
    this.#writer.onReadEnd(isWhole);
    this.#step();
  }

  #fail(error: FencedError): void {
    this.#writer.fail(error);
    this.#cancelPause?.();
    this.#cancelPause = null;
    if (this.#isReported) return;
    this.#isReported = true;
    this.#onFailed(error);
  }
}

/** @returns false when the engine doesn't answer now */
async function readIfThere(reader: FencedReader): Promise<boolean> {
  try {
    await reader.readOn();
    return true;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'unavailable') return false;
    throw error;
  }
}

/**
 * @param appended - the last entry of all, as an append was told
 * @throws {FencedError} `lost` when none is left: owners leave the last ones
 */
async function checkPurged(log: EngineLog, appended: number | null): Promise<void> {
  try {
    const { first, last } = await log.bounds();
    if (last === 0 || first <= last || last !== appended) return;
    throw new FencedError('lost', `the engine has none of the log's entries, which were ${last}`);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'unavailable') return;
    throw error;
  }
}

/** Before another attempt, after so many that failed: none before the first two. */
function pauseMs(failures: number): number {
  return failures <= 1 ? 0 : Math.min(RETRY_MS_MAX, 10 * 2 ** (failures - 2));
}

async function pause(clock: Clock, failures: number): Promise<void> {
  const delayMs = pauseMs(failures);
  if (delayMs === 0) return;
  await new Promise<void>((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
}
