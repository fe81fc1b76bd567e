/** Why a link is over that its own rules end. */
export type LinkErrorCode =
  /** A frame that is larger than any may be, or has no type. */
  | 'frame-size'
  /** A frame that makes no sense where it came. */
  | 'protocol'
  /** The other side doesn't know the secret. */
  | 'secret'
  /** It is of another cluster, or speaks another version of the protocol. */
  | 'foreign'
  /** It is of a node that may not take part. */
  | 'peer'
  /** One of the sides has no certificate that the other one takes. */
  | 'tls'
  /** The other side has refused the link, and said why. */
  | 'refused'
  /** Nothing has come for too long. */
  | 'silent';

/** A link, or the attempt to have one, has failed for a reason of its own; what the system says comes as the system's error. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: LinkErrorCode;

  constructor(code: LinkErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
