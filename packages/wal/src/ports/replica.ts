/**
 * A second place that a log is copied to as it is written, so that it survives the machine. The copy has the same bytes at
 * the same positions.
 *
 * A record is acknowledged when it is as safe as the sync mode promises, and the replica has it.
 */
export interface Replica {
  /** Up to where it has all of the log when that is opened: the end of a batch, or of the last segment's data; 0 of one that begins. */
  readonly position: number;
  /**
   * With so many batches owed, at least 1, nothing more is written: what is appended gathers, and is written and synced as one. So
   * there is not more than one sync for each time that the replica takes something over.
   */
  readonly window: number;
  /**
   * Takes over bytes of the log: whole batches, which follow those of the call before. They are with the operating system, and
   * may not be synced yet. It tries as long as it takes; where it can't have them any more, it ends the log (`Log.fence`).
   *
   * @param position - of the first byte
   * @param segmentFirst - first position of the segment; equal to `position` when the segment begins with these bytes, its header
   * included, which says where the data of the segment before ends
   * @param parts - the bytes, in pieces; they are the log's, and stay as they are until `onReplicated` is called
   * @param onReplicated - to be called once, in the order of the calls, when the bytes are safe; not in the same turn
   */
  ship(
    position: number,
    segmentFirst: number,
    parts: readonly Uint8Array[],
    onReplicated: () => void,
  ): void;
  /** What lies before a position is not needed any more. */
  trim(position: number): void;
}
