import type { EngineLog } from '../engine/engine.ts';
import { EntryFlag } from '../log/entry.ts';
import type { ReadEntry } from '../log/epoch-reader.ts';
import { FencedError, type FencedErrorCode } from '../log/fenced-error.ts';
import { type CellReadOptions, readCell } from './read-cell.ts';

/** An owner of a cell, as its entry has it. */
export interface CellOwnerReport {
  readonly epoch: number;
  /** Name of its node. */
  readonly node: string;
  readonly incarnation: string;
  /** When it took the cell over, by its own clock: milliseconds since 1970. */
  readonly timeMs: number;
}

/** What the engine has of a cell. */
export interface CellReport {
  /** Sequence of the first entry; `last + 1` of a log without entries. */
  readonly first: number;
  /** Of the last entry that was read. */
  readonly last: number;
  /** Entries that were read. */
  readonly entries: number;
  /** Those of them that don't count: who appended them had lost the cell, or appends them again. */
  readonly voidEntries: number;
  /** Bytes of the cell's log. */
  readonly bytes: number;
  /** Of the owner; 0 before there is one. */
  readonly epoch: number;
  /** Where the cell's log ends. */
  readonly head: number;
  /** Whether the last owner has left in order. */
  readonly isSealed: boolean;
  /** In order; without those whose entries were trimmed. */
  readonly owners: readonly CellOwnerReport[];
  /** Why reading has ended before the last entry; null when all of them follow the rules. */
  readonly problem: { readonly code: FencedErrorCode; readonly message: string } | null;
}

/**
 * Reads all that the engine has of a cell and checks it: each entry's sum, and that it follows the one before it. Claims nothing: whoever
 * serves the cell isn't disturbed.
 *
 * @throws {EngineError} `unavailable`
 */
export async function verifyCell(
  log: EngineLog,
  options: CellReadOptions = {},
): Promise<CellReport> {
  for (;;) {
    const verification = new Verification();
    let problem: CellReport['problem'] = null;
    const { first } = await log.bounds();
    try {
      await readCell(log, options, (sequence, read) => verification.take(sequence, read));
    } catch (error) {
      if (!(error instanceof FencedError)) throw error;
      // Its owner has trimmed what was to be read next: what is there now begins later.
      if (error.code === 'trimmed' && (await log.bounds()).first > first) continue;
      problem = { code: error.code, message: error.message };
    }
    return verification.report(first, problem);
  }
}

class Verification {
  readonly #owners: CellOwnerReport[] = [];
  #first = 0;
  #last = 0;
  #entries = 0;
  #voidEntries = 0;
  #bytes = 0;
  #epoch = 0;
  #head = 0;
  #isSealed = false;

  take(sequence: number, read: ReadEntry): void {
    if (this.#entries === 0) this.#first = sequence;
    this.#last = sequence;
    this.#entries++;
    if (read.kind === 'void') {
      this.#voidEntries++;
      return;
    }
    const { flags, epoch, position, bodySize } = read.entry;
    this.#epoch = epoch;
    this.#isSealed = (flags & EntryFlag.sealed) !== 0;
    if (read.kind === 'bytes') {
      this.#bytes += bodySize;
      this.#head = position + bodySize;
      return;
    }
    const { node, incarnation, timeMs } = read.owner;
    this.#head = position;
    this.#owners.push({ epoch, node, incarnation, timeMs });
  }

  report(first: number, problem: CellReport['problem']): CellReport {
    return {
      first: this.#entries === 0 ? first : this.#first,
      last: this.#entries === 0 ? first - 1 : this.#last,
      entries: this.#entries,
      voidEntries: this.#voidEntries,
      bytes: this.#bytes,
      epoch: this.#epoch,
      head: this.#head,
      isSealed: this.#isSealed,
      owners: this.#owners,
      problem,
    };
  }
}
