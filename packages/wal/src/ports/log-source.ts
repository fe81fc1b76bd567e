import type { Replica } from './replica.ts';

/** With what a log goes on whose folder is whole. */
export interface SourceEnd {
  /** Identity of the log, if it is still empty. */
  readonly id: string;
  readonly replica: Replica;
}

/**
 * Makes a folder the log that another process still writes: while it does, the log is read on behind it, so that little is left to
 * be read once it is this process's. It holds the lock of the folder meanwhile.
 */
export interface LogSource {
  /** Up to where the folder has the log. Nothing before that changes any more, but for segments that the writer removes. */
  readonly end: number;
  /**
   * All before `end` has been read: waits until there is more.
   *
   * @returns null when there is more; with what the log goes on, when the folder has all of it, durably, and its lock was given back
   * @throws what the log can't be opened for
   */
  more(): Promise<SourceEnd | null>;
}
