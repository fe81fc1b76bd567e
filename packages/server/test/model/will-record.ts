import type { Ledger } from './ledger.ts';
import type { Publication } from './publication.ts';

/** The will of one connection, and what is known of whether it has to be published (§3.1.2.5). */
export class WillRecord {
  readonly publication: Publication;
  readonly #ledger: Ledger;
  /** Milliseconds from the end of the connection; the end of the session comes first if it is earlier. */
  readonly #delayMs: number;
  #isConfirmed = false;
  #isSettled = false;
  /** When the client saw its connection end. */
  #leftMs: number | null = null;
  /** When the broker surely had seen it. */
  #noticedMs: number | null = null;
  /** DISCONNECT is on its way, and takes the will with it if it arrives. */
  #mayBeDiscarded = false;

  constructor(ledger: Ledger, publication: Publication, delayMs: number) {
    this.#ledger = ledger;
    this.publication = publication;
    this.#delayMs = delayMs;
  }

  /** CONNACK came: the broker has the will. */
  confirmed(): void {
    this.#isConfirmed = true;
  }

  /** The broker refused the CONNECT: it never had the will. */
  refused(): void {
    this.#ledger.forbidden(this.publication);
    this.#isSettled = true;
  }

  /** DISCONNECT was sent. */
  mayBeDiscarded(): void {
    this.#mayBeDiscarded = true;
    this.left();
  }

  /** The broker closed the connection after DISCONNECT: it has seen it. */
  discarded(): void {
    if (!this.#isSettled) this.#ledger.forbidden(this.publication);
    this.#isSettled = true;
  }

  /** The connection is over, as the client sees it. */
  left(): void {
    if (this.#leftMs !== null) return;
    this.#leftMs = this.#ledger.now();
    this.#ledger.mayBeRouted(this.publication);
  }

  /** The connection is over, as the broker sees it. */
  noticed(): void {
    this.#noticedMs ??= this.#ledger.now();
  }

  /** The broker was killed: it may have forgotten when the connection ended. */
  unnoticed(): void {
    this.#noticedMs = null;
  }

  /** Before the client's next CONNECT, and at the end: a will that was due has been published. */
  settleIfDue(): void {
    if (this.#isSettled || !this.#isConfirmed || this.#mayBeDiscarded) return;
    const { now, time, lagMs, outages } = this.#ledger;
    // It is published when there is room.
    if (outages.isNow) return;
    if (this.#noticedMs === null) return;
    if (time.least(this.#noticedMs, now()) <= this.#delayMs + lagMs) return;
    this.#settle();
  }

  /** The client is connected again. @param isSessionOver - the former session is gone */
  settleAtConnack(isSessionOver: boolean): void {
    if (this.#isSettled || !this.#isConfirmed || this.#mayBeDiscarded) return;
    if (this.#delayMs === 0 || isSessionOver) {
      // Its client came back before there was room for it.
      if (!this.#ledger.outages.wasSince(this.#leftMs as number)) this.#settle();
    } else if (this.#ledger.time.most(this.#leftMs as number, this.#ledger.now()) < this.#delayMs) {
      this.discarded(); // [MQTT-3.1.3-9]
    }
    this.#isSettled = true;
  }

  #settle(): void {
    this.#isSettled = true;
    this.#ledger.promised(this.publication);
  }
}
