import { EmbedError } from '../calls/embed-error.ts';
import type { InsideMessage } from './inside-message.ts';
import type { InsidePeer } from './inside-peer.ts';

export interface InsideCloseOptions {
  /**
   * Whether a name is given up: its session ends with all that waits, also where the subscription has ended already, unless another one has
   * the name by then. By default it waits for the next consumer.
   */
  readonly endSession?: boolean | undefined;
}

/**
 * A subscription inside of the program. Leaving a `for await` loop over it closes it.
 *
 * Its messages come one at a time, when the next one is asked for. Until then they wait in the broker, under the limits of
 * any session; a consumer that is too slow is treated as a slow client is.
 */
export interface InsideSubscription extends AsyncIterable<InsideMessage>, AsyncDisposable {
  /**
   * Resolves when the subscription is as safe as SUBACK would say. Messages may come before. Rejected with what ends the
   * iteration, if the disk refuses it.
   */
  readonly ready: Promise<void>;
  /**
   * The messages, for one consumer. It ends when the subscription is closed or the broker stops.
   *
   * @throws {EmbedError} `in-use`, when it has been called before. As a rejection of `next`, once: `taken-over` when the name
   * was subscribed to again, `disconnected` by `broker.clients`, `storage-full`, `internal-error`
   */
  [Symbol.asyncIterator](): AsyncIterator<InsideMessage, undefined>;
  /**
   * Ends it: nothing is delivered or acknowledged any more. Without a name, all that waits is dropped. Resolves when what was
   * acknowledged is committed, so that a restart doesn't deliver it again.
   */
  close(options?: InsideCloseOptions): Promise<void>;
}

/** What is needed of who made it. */
export interface Committed {
  /** Resolves when all that has been acknowledged or ended by now is committed, or can't be. */
  whenCommitted(): Promise<void>;
}

/** `InsideSubscription` on a peer. */
export class PeerSubscription implements InsideSubscription {
  readonly ready: Promise<void>;
  readonly #peer: InsidePeer;
  readonly #committed: Committed;
  #isIterated: boolean;
  #isGivenUp: boolean;
  #closed: Promise<void> | null;

  constructor(
    peer: InsidePeer,
    ready: Promise<void>,
    committed: Committed,
    signal: AbortSignal | null,
  ) {
    this.ready = ready;
    // Who iterates gets to know it, too.
    ready.catch(() => {});
    this.#peer = peer;
    this.#committed = committed;
    this.#isIterated = false;
    this.#isGivenUp = false;
    this.#closed = null;
    const onAbort = () => void this.close();
    signal?.addEventListener('abort', onAbort, { once: true });
    peer.onEnd = () => signal?.removeEventListener('abort', onAbort);
  }

  [Symbol.asyncIterator](): AsyncIterator<InsideMessage, undefined> {
    if (this.#isIterated) {
      throw new EmbedError('in-use', `${this.#peer.clientId}: a subscription has one consumer`);
    }
    this.#isIterated = true;
    return {
      next: () => this.#peer.take(),
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  close({ endSession = false }: InsideCloseOptions = {}): Promise<void> {
    // Leaving the loop has closed it, but has not given the name up.
    const isMore = endSession && !this.#isGivenUp;
    if (this.#closed === null || isMore) this.#closed = this.#close(endSession);
    return this.#closed;
  }

  async #close(endsSession: boolean): Promise<void> {
    this.#isGivenUp = endsSession;
    if (endsSession) this.#peer.giveUp();
    else this.#peer.stop();
    await this.#committed.whenCommitted();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
