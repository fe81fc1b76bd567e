/** Why a call of a `RunningBroker` fails. */
export type EmbedErrorCode =
  /** What was passed is no value that the call takes; nothing has happened. */
  | 'invalid-argument'
  /** A cursor isn't good any more: what it stands for has been given up. */
  | 'cursor-expired'
  /** The disk has no room for what would have to be written. */
  | 'storage-full'
  /** The broker has been stopped. */
  | 'stopped';

/** A call of a `RunningBroker` can't be done. `code` is for programs, `message` says what was wrong and what is allowed. */
export class EmbedError extends Error {
  readonly code: EmbedErrorCode;

  constructor(code: EmbedErrorCode, message: string) {
    super(message);
    this.name = 'EmbedError';
    this.code = code;
  }
}
