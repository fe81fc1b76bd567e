import { invariant } from '@promptmq/topics';
import { type Log, type Release, recordBytes } from '@promptmq/wal';
import type { Faults } from '../../runtime/faults.ts';
import { ByteWriter } from '../records/byte-writer.ts';
import { shareOut } from '../records/record-share.ts';

/** As many refusals are known by their positions. One that somebody still waits for is among the last: the disk is tried once a second. */
const REFUSALS_MAX = 1000;

/** Positions that were given, and have no records. */
interface RefusedRange {
  readonly from: number;
  readonly to: number;
}

/** The log, as all who write the storage's records see it. */
export class RecordLog {
  /** For the record that is being written: what it holds is appended before anything else is written to it. */
  readonly writer: ByteWriter;
  /** Gives up bytes of a record; a negative number takes it back. */
  readonly release: Release;
  /** Of the last record that an answer may depend on; -1 before there is any. */
  lastPosition: number;
  #log: Log | null;
  #isClosing: boolean;
  /** In the order of their positions, which are not given again. */
  readonly #refused: RefusedRange[];
  /** What had to wait for room on the disk. */
  #whenRoom: (() => void)[];
  readonly #faults: Faults;

  constructor(faults: Faults) {
    this.#faults = faults;
    this.writer = new ByteWriter();
    this.release = (position, bytes) => this.log.release(position, bytes);
    this.lastPosition = -1;
    this.#log = null;
    this.#isClosing = false;
    this.#refused = [];
    this.#whenRoom = [];
  }

  /** The log has been opened. */
  begin(log: Log): void {
    this.#log = log;
  }

  /** There is one from `begin` on. */
  get log(): Log {
    return this.#log as Log;
  }

  /** Whether records can be written. */
  get isOpen(): boolean {
    const log = this.#log;
    return log !== null && !this.#isClosing && !log.isFull && log.failure === null;
  }

  /** Position of the last record while its batch gathers others: nothing of that is on its way; null else. */
  get lastGathering(): number | null {
    return this.lastPosition >= this.log.head ? this.lastPosition : null;
  }

  /** Appends a record that is dispensable once a checkpoint holds its effect; by default what is in the writer. */
  append(writer: ByteWriter = this.writer, stream?: Uint8Array): number {
    const { bytes } = writer;
    const position = this.log.append(bytes, null, stream);
    shareOut(position, recordBytes(bytes.length, stream?.length), 0, this.release);
    this.lastPosition = position;
    return position;
  }

  /** As `Log.noteTime`, once the log has been opened. */
  noteTime(): void {
    this.#log?.noteTime();
  }

  /** Has something done when the disk has room again; at once when it has. */
  whenRoom(action: () => void): void {
    if (this.isOpen) action();
    else this.#whenRoom.push(action);
  }

  onHasRoom(): void {
    for (const action of this.#whenRoom.splice(0)) {
      this.#faults.contain(null, 'committing', action);
    }
  }

  /** There are no records from a position on, as they were refused: nobody is to wait for one. */
  takeBack(position: number): void {
    if (position <= this.lastPosition) {
      this.#refused.push({ from: position, to: this.lastPosition });
      if (this.#refused.length > REFUSALS_MAX) this.#refused.shift();
    }
    this.lastPosition = Math.min(this.lastPosition, position - 1);
  }

  /** Whether a position was given, and the disk has refused what was to be there: later ones may be committed. */
  isRefused(position: number): boolean {
    for (let index = this.#refused.length - 1; index >= 0; index--) {
      const { from, to } = this.#refused[index] as RefusedRange;
      if (position > to) return false;
      if (position >= from) return true;
    }
    return false;
  }

  /** Takes a checkpoint and closes the log, if it has been opened. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#log?.close();
  }
  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    const waiting = this.#whenRoom.length;
    invariant(waiting === 0 || !this.isOpen, `${waiting} wait for room, and there is some`);
  }
}
