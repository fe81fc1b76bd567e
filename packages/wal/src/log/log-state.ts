import { invariant } from '../invariant.ts';
import { LogError } from '../ports/log-error.ts';

export type LogStatus = 'open' | 'full' | 'failed' | 'closed';

/**
 * How a log is, and how far: what its parts have in common.
 *
 * Invariants: positions only grow; `durable <= written <= head` and `acknowledged <= written`.
 */
export class LogState {
  readonly directory: string;
  status: LogStatus;
  /** Nothing may be appended any more, though what was is still written. */
  isClosing: boolean;
  /** Why the log has ended. */
  failure: LogError | null;
  /** Where the next batch starts. */
  head: number;
  /** Up to where the operating system has everything. */
  written: number;
  /** Where the log ended when it was opened. */
  readonly begin: number;
  /** Up to where everything survives a power cut. */
  durable: number;
  /** Up to where the replica has confirmed that it has everything; stays as it is where there is none. */
  replicated: number;
  /** Up to where the listeners have been notified. */
  acknowledged: number;
  /** Bytes of sealed batches that have not been acknowledged. */
  pendingBytes: number;
  /** Positions that were refused last. */
  refused: { readonly from: number; readonly to: number } | null;

  /** What `checkInvariants` has seen. */
  #lowest: { head: number; written: number; durable: number; acknowledged: number };

  constructor(directory: string, head: number) {
    this.directory = directory;
    this.status = 'open';
    this.isClosing = false;
    this.failure = null;
    this.head = head;
    this.written = head;
    this.begin = head;
    this.durable = head;
    this.replicated = head;
    this.acknowledged = head;
    this.pendingBytes = 0;
    this.refused = null;
    this.#lowest = { head, written: 0, durable: 0, acknowledged: 0 };
  }

  /**
   * All that was written is durable, and nothing lies between it and a position: continues there.
   *
   * @param isAllAcknowledged - whether nobody waits for what was written before
   */
  continueAt(position: number, isAllAcknowledged: boolean): void {
    this.head = position;
    this.written = position;
    this.durable = position;
    if (isAllAcknowledged) this.acknowledged = position;
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    const { head, written, durable, acknowledged, pendingBytes } = this;
    const all = `head ${head}, written ${written}, durable ${durable}, acknowledged ${acknowledged}`;
    invariant(durable <= written && written <= head && acknowledged <= written, all);
    const { head: formerHead, written: formerWritten, ...former } = this.#lowest;
    invariant(
      head >= formerHead &&
        written >= formerWritten &&
        durable >= former.durable &&
        acknowledged >= former.acknowledged,
      `${all} were ahead before`,
    );
    invariant(pendingBytes >= 0, `${pendingBytes} bytes are pending`);
    this.#lowest = { head, written, durable, acknowledged };
  }

  /** Why nothing can be appended. */
  refusal(): LogError {
    if (this.status === 'full') return new LogError('full', `no room in ${this.directory}`);
    return this.failure ?? new LogError('closed', `${this.directory} is closed`);
  }
}
