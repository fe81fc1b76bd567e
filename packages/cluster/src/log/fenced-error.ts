export type FencedErrorCode =
  /** Another owner has the cell: nothing that waits will ever be acknowledged. */
  | 'fenced'
  /** An entry can't be read: the engine has damaged it, or a newer version wrote it. */
  | 'corrupt'
  /** Entries that cannot follow each other by the rules: the engine has lost some, or somebody else writes. */
  | 'diverged'
  /** The engine's log ends before entries that it had acknowledged. */
  | 'lost'
  /** The engine refuses what is asked of it, and would go on doing so. */
  | 'refused'
  /** Entries that are needed were trimmed. */
  | 'trimmed'
  /** The log was closed. */
  | 'closed';

export class FencedError extends Error {
  override readonly name = 'FencedError';
  readonly code: FencedErrorCode;

  constructor(code: FencedErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}
