import type { PublishPacket } from '@promptmq/codec';
import type { Random } from '@promptmq/wal/testing';
import type { Broker } from '../../src/broker.ts';
import type { EmbedError } from '../../src/embed/calls/embed-error.ts';
import type { InsideMessage } from '../../src/embed/consume/inside-message.ts';
import type { InsideSubscription } from '../../src/embed/consume/inside-subscription.ts';
import { subscribeInside } from '../../src/embed/consume/subscribe-inside.ts';
import type { SimulatedClock } from '../../src/testing/clock/simulated-clock.ts';
import type { Ledger } from '../model/ledger.ts';
import { Publication, Violation } from '../model/publication.ts';
import type { SentCopy, SessionRecord, Span, SubscriptionWish } from '../model/session-record.ts';

const CLIENT_ID = '$inside/worker';

const FILTERS = [['t/#'], ['t/+', 'will/#'], ['#'], ['$share/one/t/#']];

/** Longer than it takes until what nobody waits for is with what the broker writes next. */
const LAZY_MS = 25;

/** What the machine of the run does for it. */
export interface WorkerHost {
  /** Serving; null while there is none. */
  readonly broker: Broker | null;
  /** What went wrong in a promise that nobody waits for. */
  failure: unknown;
}

/** A message of QoS 2 that the worker has had. */
interface Taken {
  readonly copy: SentCopy;
  /** When it acknowledged it; Infinity before, or when a crash may have undone that. */
  ackedMs: number;
}

/**
 * A consumer inside of the broker's program, under a name that outlives the process. It tells the ledger what it gets, and finds
 * what only it can: that nothing comes again which it has acknowledged.
 */
export class InsideWorker {
  readonly #host: WorkerHost;
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #wishes: readonly SubscriptionWish[];
  readonly #receiveMaximum: number;
  #session: SessionRecord | null = null;
  #spans: readonly Span[] = [];
  #subscription: InsideSubscription | null = null;
  /** Of QoS 2, by publication, and whether it was retained. */
  readonly #taken = new Map<string, Taken>();
  /** Has been taken and not acknowledged, in the present subscription. */
  #unacknowledged = 0;
  #isHasty = false;
  /** How many processes have ended: what belongs to one of them does nothing any more. */
  #life = 0;

  constructor(host: WorkerHost, clock: SimulatedClock, random: Random, ledger: Ledger) {
    this.#host = host;
    this.#clock = clock;
    this.#random = random;
    this.#ledger = ledger;
    const qos = random.pick([1, 2, 2] as const);
    const retainHandling = random.pick([1, 2] as const);
    this.#wishes = random.pick(FILTERS).map((filter) => ({
      ...{ filter, qos, noLocal: false, retainHandling },
    }));
    this.#receiveMaximum = random.pick([1, 2, 10]);
  }

  get unfinished(): string {
    return `${this.#unacknowledged} unacknowledged, ${this.#subscription === null ? 'not ' : ''}subscribed`;
  }

  get isIdle(): boolean {
    return this.#subscription !== null && this.#unacknowledged === 0;
  }

  /** Subscribes, subscribes once more, or stops consuming for a while. */
  act(): void {
    const { broker } = this.#host;
    if (broker === null) return;
    if (this.#subscription === null || this.#random.chance(0.2)) this.#subscribe(broker);
    else if (this.#random.chance(0.3)) this.#close(this.#subscription);
  }

  /** From now on it takes all that there is, and acknowledges it at once. */
  hurry(): void {
    this.#isHasty = true;
    const { broker } = this.#host;
    // With what it has in hand, too: who takes over gets it again.
    if (broker !== null) this.#subscribe(broker);
  }

  /** The broker begins to stop: it takes no acknowledgement any more. */
  onStopping(): void {
    this.#left();
  }

  /** The process has ended; the ledger knows what a crash may have undone. */
  onBrokerEnded(wasKilled: boolean): void {
    this.#life++;
    this.#left();
    if (!wasKilled) return;
    for (const taken of this.#taken.values()) {
      if (this.#ledger.wasUndone(taken.ackedMs + LAZY_MS)) taken.ackedMs = Number.POSITIVE_INFINITY;
    }
  }

  #left(): void {
    this.#subscription = null;
    this.#unacknowledged = 0;
  }

  #subscribe(broker: Broker): void {
    const ledger = this.#ledger;
    const brokerLife = ledger.crashes;
    const askedMs = ledger.now();
    let subscription: InsideSubscription;
    try {
      subscription = subscribeInside(
        broker,
        this.#wishes.map(({ filter }) => filter),
        {
          name: 'worker',
          qos: this.#wishes[0]?.qos,
          retainHandling: this.#wishes[0]?.retainHandling,
          receiveMaximum: this.#receiveMaximum,
        },
      );
    } catch (error) {
      this.#checkRefusal(error, askedMs);
      return;
    }
    ledger.trace?.(`${CLIENT_ID}: subscribes to ${this.#wishes.map(({ filter }) => filter)}`);
    this.#left();
    this.#subscription = subscription;
    this.#session ??= this.#begin();
    const session = this.#session;
    ledger.connected(session, brokerLife);
    subscription.ready.then(
      () => this.#onReady(session),
      (error: unknown) => this.#checkRefusal(error, askedMs),
    );
    this.#takeNext(subscription, subscription[Symbol.asyncIterator](), askedMs);
  }

  #begin(): SessionRecord {
    const session = this.#ledger.beginSession(CLIENT_ID, true);
    this.#spans = this.#wishes.map((wish) => this.#ledger.subscribing(session, wish));
    return session;
  }

  #onReady(session: SessionRecord): void {
    this.#ledger.trace?.(`${CLIENT_ID}: ready`);
    for (const span of this.#spans) {
      if (span.granted === Number.POSITIVE_INFINITY) this.#ledger.subscribed(session, span);
    }
  }

  /** Only a full disk refuses it. */
  #checkRefusal(error: unknown, askedMs: number): void {
    const { code } = error as EmbedError;
    if (code === 'storage-full' && this.#ledger.outages.wasSince(askedMs)) return;
    this.#fail(error instanceof Violation ? error : new Violation(`${CLIENT_ID}: ${error}`));
  }

  #close(subscription: InsideSubscription): void {
    this.#ledger.trace?.(`${CLIENT_ID}: closes`);
    this.#left();
    void subscription.close();
  }

  /** One after the other, each after a while. */
  #takeNext(
    subscription: InsideSubscription,
    messages: AsyncIterator<InsideMessage, undefined>,
    askedMs: number,
  ): void {
    messages.next().then(
      ({ value }) => {
        if (value === undefined) {
          if (this.#subscription === subscription) this.#left();
          return;
        }
        try {
          this.#onMessage(subscription, value);
        } catch (error) {
          this.#fail(error);
        }
        this.#later(() => this.#takeNext(subscription, messages, askedMs));
      },
      (error: EmbedError) => {
        const isOver = this.#subscription !== subscription;
        if (!isOver) this.#left();
        if (!(isOver && error.code === 'taken-over')) this.#checkRefusal(error, askedMs);
      },
    );
  }

  /** Sometimes it takes its time. */
  #later(action: () => void): void {
    const random = this.#random;
    if (this.#isHasty || random.chance(0.5)) {
      action();
      return;
    }
    const life = this.#life;
    this.#clock.schedule(random.below(random.pick([5, 50, 1500])), () => {
      if (life === this.#life) action();
    });
  }

  #onMessage(subscription: InsideSubscription, message: InsideMessage): void {
    const { topic, qos, retain, duplicate: dup, payload, properties } = message;
    const packet: PublishPacket = {
      ...{ cmd: 'publish', topic, qos, retain, dup, payload, properties },
    };
    const now = this.#ledger.now();
    const id = `${Publication.idOf(payload) ?? topic} ${retain}`;
    this.#ledger.trace?.(`${CLIENT_ID}: got message ${id} QoS ${qos}${dup ? ' again' : ''}`);
    const session = this.#session as SessionRecord;
    const former = qos === 2 ? this.#taken.get(id) : undefined;
    if (former === undefined) {
      this.#ledger.delivered(session, packet, topic, now);
    } else if (former.ackedMs !== Number.POSITIVE_INFINITY) {
      throw new Violation(`${CLIENT_ID}: message ${id} came again, and was acknowledged`);
    } else if (!dup && !this.#ledger.mayBeForgotten(former.copy)) {
      throw new Violation(`${CLIENT_ID}: message ${id} came again as if it had not been sent`);
    }
    if (qos === 0) return;
    const taken = {
      copy: former?.copy ?? { life: session.brokerLife, writtenMs: now },
      ackedMs: Number.POSITIVE_INFINITY,
    };
    if (qos === 2) this.#taken.set(id, taken);
    this.#unacknowledged++;
    if (this.#unacknowledged > this.#receiveMaximum) {
      throw new Violation(`${CLIENT_ID}: more than its Receive Maximum`);
    }
    this.#later(() => {
      // What it acknowledges too late is not acknowledged.
      if (this.#subscription !== subscription) return;
      this.#ledger.trace?.(`${CLIENT_ID}: acknowledges message ${id}`);
      this.#unacknowledged--;
      taken.ackedMs = this.#ledger.now();
      message.ack();
    });
  }

  #fail(error: unknown): void {
    this.#host.failure ??= error;
  }
}
