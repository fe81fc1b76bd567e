import {
  type Applied,
  FrameType,
  forwardParts,
  joinTargets,
  type Link,
  type Resume,
  resumedBody,
} from '@promptmq/cluster';
import { type Delivery, type DropReason, Fifo } from '@promptmq/session';
import { invariant } from '@promptmq/topics';
import { Congestion } from '../../connection/congestion.ts';
import type { HeldPublisher, SessionPeer } from '../../connection/peer.ts';
import { ONLY_RETAINED } from '../../routing/peers.ts';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import { type ForwardingHost, WINDOW_BYTES, WINDOW_MESSAGES } from './host.ts';
import { TopicOrder } from './topic-order.ts';

/** The lane in which what is forwarded goes. */
const LANE = 2;

/** As FORWARD says for whom a message is that is only retained. */
const TO_NOBODY = joinTargets({ isPlain: false, groups: [] });

/** Who waits until what was there has been applied. */
interface AwaitedNumber {
  /** The highest of what was there, or a higher one. */
  readonly number: number;
  readonly onApplied: () => void;
}

/** A message that was sent and isn't applied yet. */
interface Sent {
  readonly sequence: number;
  /** 0 where the session is stored, which knows a message by its sequence. */
  readonly packetId: number;
  readonly size: number;
}

/**
 * Sends to another cell what the session of that cell has, while there is a link to who serves it.
 *
 * The other cell says first up to where it has applied what was sent before (RESUME). That is settled, wherever it waits; all
 * else is sent, in the order of sequences, however often it was before: what the other cell has applied it knows by the
 * sequence. So a message is applied once, whichever of the two crashes when.
 *
 * What goes at QoS 0 mostly doesn't come here. Where it has to wait for what is stored, it does, and goes in its place among that, without a
 * sequence; it is lost with the link.
 *
 * Invariants: the session has this as its link exactly while there is one to the other cell; `#sentBytes` is what `#sent` has.
 */
export class Forwarder implements SessionPeer {
  readonly connection = null;
  readonly sender = null;
  readonly takesOneByOne = true;
  readonly transport: { readonly remoteAddress: string };
  readonly session: BrokerSession;
  readonly #host: ForwardingHost;
  readonly #from: number;
  readonly #to: number;
  readonly #generation: number;
  readonly #congestion: Congestion;
  #link: Link | null;
  readonly #sent: Fifo<Sent>;
  #sentBytes: number;
  /** By packet identifier, where the session isn't stored: what was sent once is sent again as the same. */
  readonly #numbers: Map<number, number>;
  #lastNumber: number;
  readonly #order: TopicOrder;
  /** In the order of their numbers. */
  readonly #awaited: Fifo<AwaitedNumber>;

  /** @param generation - whose sequences they are */
  constructor(host: ForwardingHost, from: number, to: number, generation: number) {
    this.transport = { remoteAddress: `cell ${to}` };
    this.session = host.sessions.cells.of(to);
    this.#host = host;
    this.#from = from;
    this.#to = to;
    this.#generation = generation;
    this.#congestion = new Congestion(host.deadlines, host.stats);
    this.#link = null;
    this.#sent = new Fifo();
    this.#sentBytes = 0;
    this.#numbers = new Map();
    this.#lastNumber = 0;
    this.#order = new TopicOrder();
    this.#awaited = new Fifo();
  }

  get clientId(): string {
    return this.session.clientId;
  }

  // -------------------------------------------------------------- the other cell

  /** The other cell has said what it has, and takes what comes after this. */
  resume(link: Link, { attempt, generation, sequence }: Resume): void {
    this.detach();
    const isKnown = generation === this.#generation;
    const applied = isKnown ? this.#notAbove(sequence) : 0;
    this.#settleUpTo(applied);
    this.#link = link;
    const resumed = { attempt, generation: this.#generation, sequence: applied };
    link.send(FrameType.resumed, resumedBody({ from: this.#from, to: this.#to, ...resumed }));
    const { stored, hasBacklog, inflightCount } = this.session;
    this.#order.begin(hasBacklog || inflightCount > 0 ? (stored?.lastSequence ?? 0) : 0);
    this.session.attach(this, WINDOW_MESSAGES, this.#host.runtime.now());
  }

  /** A log that was put back in time has numbers that the other cell had before: what it had before it then is what both have. */
  #notAbove(sequence: number): number {
    const { stored } = this.session;
    if (sequence <= (stored?.lastSequence ?? this.#lastNumber)) return sequence;
    const known = stored?.queue.formerSequence ?? 0;
    this.#host.log.error('forwarding-behind', { cell: this.#to, sequence, known });
    return known;
  }

  /** @throws {RangeError} when it says that it has what it can't have */
  onApplied({ sequence }: Pick<Applied, 'sequence'>): void {
    const { stored } = this.session;
    if (sequence > (stored?.lastSequence ?? this.#lastNumber)) {
      throw new RangeError(`cell ${this.#to} has applied ${sequence}, which was never sent`);
    }
    this.#settleUpTo(sequence);
    this.relievePublishers();
  }

  #settleUpTo(sequence: number): void {
    const now = this.#host.runtime.now();
    for (;;) {
      const first = this.#sent.peek();
      if (first === undefined || first.sequence > sequence) break;
      this.#sent.shift();
      this.#sentBytes -= first.size;
    }
    if (this.session.stored === null) this.#settleNumbered(sequence, now);
    else this.session.settleUpTo(sequence, now);
    this.#release(sequence);
  }

  /** Calls back when all but QoS 0 that waits by now has been applied, or given up; before this returns where nothing does. */
  whenApplied(onApplied: () => void): void {
    const { session } = this;
    if (!session.hasUnsettled) onApplied();
    else {
      // What isn't stored gets its number when it is sent.
      const number = session.stored?.lastSequence ?? this.#lastNumber + session.queue.length;
      this.#awaited.push({ number, onApplied });
    }
  }

  #release(applied: number): void {
    for (;;) {
      const first = this.#awaited.peek();
      if (first === undefined || (first.number > applied && this.session.hasUnsettled)) return;
      this.#awaited.shift();
      first.onApplied();
    }
  }

  /** What has expired, or was refused by the disk, isn't sent any more, whenever that is found: the other cell says nothing of it. */
  onGivenUp(): void {
    this.#release(0);
  }

  #settleNumbered(sequence: number, now: number): void {
    for (const [packetId, number] of this.#numbers) {
      if (number > sequence) break;
      this.#numbers.delete(packetId);
      this.session.settle(packetId, now);
    }
  }

  /** The link is down, or isn't used any more: what waits goes on waiting. */
  detach(): void {
    if (this.#link === null) return;
    this.#link = null;
    this.#sent.clear();
    this.#sentBytes = 0;
    this.session.detach();
    this.#congestion.end();
  }

  onDown(link: Link): void {
    if (this.#link === link) this.detach();
  }

  onDrained(link: Link): void {
    if (this.#link === link) this.session.pump(this.#host.runtime.now());
  }

  // ----------------------------------------------------------------------- order

  /**
   * A message is about to be stored for the cell.
   *
   * @param ahead - deliveries that get their sequences before it, at most
   */
  noteStored(topic: string, ahead: number): void {
    const { stored } = this.session;
    if (stored !== null && this.#link !== null) {
      this.#order.note(topic, stored.lastSequence + ahead + 1);
    }
  }

  /** Whether something of a topic waits, so that what comes after it has to wait, too: if so, it will. */
  isBehind(topic: string): boolean {
    const { session } = this;
    // What was sent is sent again before all else.
    if (this.#link === null) return session.hasBacklog || session.inflightCount > 0;
    const { stored } = session;
    if (!session.hasBacklog) return false;
    if (stored === null) return true;
    if (!this.#order.isBehind(topic)) return false;
    // It waits behind all that is stored by now, whatever its topic, and what comes next of its own waits behind it.
    this.#order.note(topic, stored.lastSequence + 1);
    return true;
  }

  // ------------------------------------------------------------------ the session

  get isWritable(): boolean {
    const link = this.#link;
    return link !== null && this.#sentBytes < WINDOW_BYTES && !link.isBusy(LANE);
  }

  sendPublish(delivery: Delivery): DropReason | null {
    const { message, group, qos, retain, packetId } = delivery;
    const isStored = delivery.sequence > 0;
    const isNumbered = !isStored && qos > 0;
    const sequence = isNumbered ? this.#numberOf(packetId) : delivery.sequence;
    const [head, properties, payload] = forwardParts(
      {
        from: this.#from,
        to: this.#to,
        sequence,
        targets: group === ONLY_RETAINED ? TO_NOBODY : (group ?? ''),
        // What another cell retains is stored on its way there, also at QoS 0.
        qos: message.qos < qos ? message.qos : qos,
        retain,
        expiresInMs: Math.max(0, message.expiresAt - this.#host.runtime.now()),
      },
      message,
    );
    this.#link?.send(FrameType.forward, head, properties, payload);
    // Nobody says that it has come.
    if (sequence === 0) return null;
    this.#order.noteSent(sequence);
    const size = head.length + properties.length + payload.length;
    this.#sent.push({ sequence, packetId: isStored ? 0 : packetId, size });
    this.#sentBytes += size;
    this.#host.stats.forwarding.sent++;
    return null;
  }

  #numberOf(packetId: number): number {
    const known = this.#numbers.get(packetId);
    if (known !== undefined) return known;
    this.#numbers.set(packetId, ++this.#lastNumber);
    return this.#lastNumber;
  }

  sendImage(): never {
    throw new Error('another cell takes no packets');
  }

  /** Nothing that goes to another cell waits for PUBREC. */
  sendPubrel(): void {}

  // ------------------------------------------------------------------- congestion

  get isCongested(): boolean {
    const { length, bytes } = this.session.queue;
    return length > WINDOW_MESSAGES || bytes > WINDOW_BYTES;
  }

  holdBack(publisher: HeldPublisher): void {
    this.#congestion.hold(publisher, this.#host.runtime.now());
  }

  relievePublishers(): void {
    const { length, bytes } = this.session.queue;
    this.#congestion.noteProgress();
    if (length < WINDOW_MESSAGES / 2 && bytes < WINDOW_BYTES / 2) this.#congestion.end();
  }

  // ---------------------------------------------------------------------- its end

  /** Nobody else ever has the session. */
  takeOver(): void {
    this.fail();
  }

  disconnect(): void {
    this.fail();
  }

  refuse(): void {
    this.fail();
  }

  /** The link ends: the next one begins with what the other cell really has. */
  fail(): void {
    const link = this.#link;
    this.detach();
    link?.close('forwarding to it has failed');
  }

  cut(): void {
    this.detach();
  }

  checkInvariants(): void {
    const isLinked = this.session.link === this;
    invariant(isLinked === (this.#link !== null), `${this.transport.remoteAddress} has a link`);
    let bytes = 0;
    let last = 0;
    for (const { sequence, size } of this.#sent) {
      invariant(sequence > last, `${sequence} was sent after ${last}`);
      last = sequence;
      bytes += size;
    }
    invariant(bytes === this.#sentBytes, `${this.#sentBytes} bytes under way of ${bytes}`);
    this.#congestion.checkInvariants();
    this.#order.checkInvariants();
  }
}
