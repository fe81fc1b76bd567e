export type LogErrorCode =
  /** Another process has the log open. */
  | 'locked'
  /** Written by a newer version of this package. */
  | 'newer-version'
  /** A segment, or an index that can't be done without, is of another log. */
  | 'foreign'
  /** The last segments that the index knows of aren't in the directory. */
  | 'missing'
  /** A damaged stretch, and the log was opened with `onCorruption: 'refuse'`. */
  | 'corrupt'
  /** No room on the disk: appends are refused until there is some. */
  | 'full'
  /** Writing or syncing failed: the log never acknowledges again and has to be opened again. */
  | 'failed'
  /** Another process continues the log: this one never acknowledges again, and what waited for it is refused. */
  | 'fenced'
  /** The log is closed, or is closing. */
  | 'closed'
  /** No readable record is at a position. */
  | 'not-found'
  /** A record larger than a batch can hold. */
  | 'too-large';

/** What went wrong with a log, with its file where there is one. */
export class LogError extends Error {
  override readonly name = 'LogError';
  readonly code: LogErrorCode;

  constructor(code: LogErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}
