import type { LogRecord } from '../format/format.ts';
import type { CheckpointEntry } from './checkpoint-store.ts';

/** Says that bytes of the record at a position are no longer needed; as `Log.release`. */
export type Release = (position: number, bytes: number) => void;

/**
 * Who keeps state that is made of the log's records.
 *
 * The contract that makes checkpoints exact: the owner applies a record to its state in the same turn in
 * which it appends it, without anything awaited between. A checkpoint then holds the effects of all records
 * before its position and of none after it. When records are refused after all (`onRefused`), the
 * owner takes their effects back in that call.
 *
 * For compaction it has `keep`, `moved` and `snapshot`; without `keep`, segments are only removed by `trim`.
 */
export interface LogOwner {
  /** At open, once: the state as of some position, before any record after it is replayed. */
  restore(entries: Iterable<readonly [key: string, value: Uint8Array]>): void;
  /**
   * At open: each record after that position, once and in order. Its bytes are only valid during the
   * call: what is to be kept of them has to be copied.
   *
   * @param release - for records that this one makes dispensable: the log itself isn't there yet
   */
  replay(record: LogRecord, release: Release): void;
  /**
   * For a checkpoint, called between turns of the owner: what has changed since the last call, or
   * everything when `isWhole`.
   */
  changes(isWhole: boolean): Iterable<CheckpointEntry>;
  /**
   * For compaction: what has to be kept of the record at this position, in one piece or several; null
   * when nothing has, because it isn't needed or because the owner has it at another position.
   */
  keep?(record: LogRecord): Uint8Array | readonly Uint8Array[] | null;
  /**
   * A record is now at another position, with what `keep` returned as its data; called in the turn in which
   * it was appended there, and in its place at a replay. A position that the owner doesn't know needs
   * nothing done; it does know the position of a record whose release may still be refused, and taken back.
   * When the copy could not be written, `moved` is called the other way round, before `onRefused`.
   *
   * @param record - as it is at `to`; at a replay its bytes are only valid during the call
   */
  moved?(from: number, to: number, record: LogRecord): void;
  /**
   * All of the state, in entries as those of `changes(true)`, without any effect on what `changes` returns
   * next. It is written to the log, so that the state can be made without the index.
   */
  snapshot?(): Iterable<readonly [key: string, value: Uint8Array]>;
}
