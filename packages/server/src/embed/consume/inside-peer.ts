import type { PacketError } from '@promptmq/codec';
import type { Delivery, DropReason } from '@promptmq/session';
import { invariant } from '@promptmq/topics';
import type { Broker } from '../../broker.ts';
import { CONGESTED_MESSAGES, Congestion } from '../../connection/congestion.ts';
import type { Consumer, HeldPublisher } from '../../connection/peer.ts';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import { EmbedError } from '../calls/embed-error.ts';
import { type Acknowledged, DeliveredMessage, type InsideMessage } from './inside-message.ts';

/** More bytes than this waiting, and publishers are held back: as for the output of a connection. */
const CONGESTED_BYTES = 1_048_576;

/** Somebody who waits for the next message. */
interface Taker {
  readonly resolve: (result: IteratorResult<InsideMessage, undefined>) => void;
  readonly reject: (error: EmbedError) => void;
}

const DONE: IteratorResult<InsideMessage, undefined> = { done: true, value: undefined };

/**
 * The end of a session inside of the program: the session sends a message when somebody waits for one, and keeps all
 * others under its limits.
 *
 * Invariants: it has the session until it has ended; nobody waits at one that has ended.
 */
export class InsidePeer implements Consumer, Acknowledged {
  readonly connection = null;
  readonly sender = null;
  readonly takesOneByOne = true;
  readonly transport = { remoteAddress: 'inside' };
  readonly session: BrokerSession;
  /** Called once, when it has ended. */
  onEnd: () => void;
  readonly #broker: Broker;
  readonly #takers: Taker[];
  readonly #congestion: Congestion;
  #hasEnded: boolean;
  /** Why it has, for the next who asks; null when there is nothing to be said. */
  #error: EmbedError | null;

  constructor(broker: Broker, session: BrokerSession) {
    this.session = session;
    this.onEnd = () => {};
    this.#broker = broker;
    this.#takers = [];
    this.#congestion = new Congestion(broker.deadlines, broker.stats);
    this.#hasEnded = false;
    this.#error = null;
  }

  get clientId(): string {
    return this.session.clientId;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  // ------------------------------------------------------------------- the program

  /** The next message, when there is one; then it has been sent. */
  take(): Promise<IteratorResult<InsideMessage, undefined>> {
    if (this.#hasEnded) {
      const error = this.#error;
      this.#error = null;
      return error === null ? Promise.resolve(DONE) : Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#takers.push({ resolve, reject });
      this.#work(() => this.session.pump(this.#broker.runtime.now()));
    });
  }

  settle(packetId: number): void {
    if (this.#hasEnded) return;
    this.#work(() => void this.session.settle(packetId, this.#broker.runtime.now()));
  }

  /** It is the program's turn, not the broker's: nothing that goes wrong is thrown there. */
  #work(action: () => void): void {
    this.#broker.faults.contain(this, 'sending', () => {
      action();
      this.relievePublishers();
    });
  }

  /** The program has had enough, or the broker stops. */
  stop(): void {
    this.#end(null);
  }

  /** The same, and its session ends. */
  giveUp(): void {
    if (!this.#hasEnded) {
      this.session.expiryInterval = 0;
      this.stop();
      return;
    }
    const { sessions, isServing } = this.#broker;
    const entry = sessions.find(this.clientId);
    // Another consumer may have the name by now, or another session.
    if (isServing && entry?.session === this.session && !entry.session.isConnected) {
      sessions.drop(entry, 'the program');
    }
  }

  // ------------------------------------------------------------------- the session

  get isWritable(): boolean {
    return this.#takers.length > 0;
  }

  sendPublish(delivery: Delivery, dup: boolean): DropReason | null {
    const message = new DeliveredMessage(delivery, dup, this, this.#broker.runtime.now());
    const taker = this.#takers.shift() as Taker;
    this.#broker.stats.insideDeliveries++;
    taker.resolve({ done: false, value: message });
    return null;
  }

  sendImage(): never {
    throw new Error('a consumer takes no packets');
  }

  /** Nothing that is acknowledged here waits for PUBCOMP: a client had the session, before its identifier was reserved. */
  sendPubrel(packetId: number): void {
    this.#broker.runtime.defer(() => this.settle(packetId));
  }

  // -------------------------------------------------------------------- congestion

  get isCongested(): boolean {
    const { length, bytes } = this.session.queue;
    return length > CONGESTED_MESSAGES || bytes > CONGESTED_BYTES;
  }

  holdBack(publisher: HeldPublisher): void {
    this.#congestion.hold(publisher, this.#broker.runtime.now());
  }

  relievePublishers(): void {
    const { length, bytes } = this.session.queue;
    this.#congestion.noteProgress();
    if (length < CONGESTED_MESSAGES / 2 && bytes < CONGESTED_BYTES / 2) this.#congestion.end();
  }

  // ------------------------------------------------------------------------ its end

  takeOver(): void {
    this.#end(
      new EmbedError('taken-over', `${this.clientId}: another subscription has the name now`),
    );
  }

  disconnect(_reasonCode: number, cause: string): void {
    this.#end(new EmbedError('disconnected', `${this.clientId}: ${cause}`));
  }

  refuse(error: PacketError): void {
    this.#end(new EmbedError('internal-error', `${this.clientId}: ${error.message}`));
  }

  fail(): void {
    this.#end(
      new EmbedError('internal-error', `${this.clientId}: something went wrong in the broker`),
    );
  }

  cut(): void {
    this.fail();
  }

  /** The disk has refused what the subscription depends on. */
  refuseStorage(): void {
    this.#end(
      new EmbedError('storage-full', `${this.clientId}: no room on the disk for the subscription`),
    );
  }

  #end(error: EmbedError | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#error = error;
    this.#broker.consumers.delete(this);
    this.#congestion.end();
    try {
      // Before the record that says that it has left, for which others can wait.
      this.#broker.journal.writeProgress();
      if (this.session.link === this) {
        this.#broker.sessions.leave(this.session, 'discard-will', 'the program', null);
      }
    } finally {
      this.#letTakersGo();
      this.onEnd();
    }
  }

  #letTakersGo(): void {
    for (const taker of this.#takers.splice(0)) {
      if (this.#error === null) taker.resolve(DONE);
      else taker.reject(this.#error);
      this.#error = null;
    }
  }

  checkInvariants(): void {
    invariant(!this.#hasEnded, `${this.clientId} has ended, and is a consumer`);
    invariant(this.session.link === this, `${this.clientId} has another consumer`);
    this.#congestion.checkInvariants();
  }
}
