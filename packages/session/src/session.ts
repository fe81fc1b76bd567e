import { Delivery, DeliveryState, type Redeliverable } from './delivery.ts';
import type { DropListener, DropReason } from './drop.ts';
import { Fifo } from './fifo.ts';
import type { Message } from './message.ts';
import { MessageQueue, type QueueLimits } from './message-queue.ts';
import type { Subscription } from './subscription.ts';

/** Session Expiry Interval of a session that never expires (§3.1.2.11.2). */
export const NEVER_EXPIRES = 0xffff_ffff;

/** The connection, as the session sees it. */
export interface SessionLink {
  /** False while so much waits to be sent that messages had better stay in the queue. */
  readonly isWritable: boolean;
  /**
   * Sends a PUBLISH.
   *
   * @param dup - whether it is sent again [MQTT-3.3.1-1]
   * @returns null, or why nothing was sent: the packet exceeds the client's Maximum Packet Size (the
   * message then counts as delivered [MQTT-3.1.2-25]), or it is QoS 0 and the client is too slow
   */
  sendPublish(delivery: Delivery, dup: boolean): DropReason | null;
  sendPubrel(packetId: number): void;
}

export interface SessionOptions extends QueueLimits {
  readonly onDrop: DropListener;
}

/** What the session says of an acknowledgement. */
export type AckResult =
  /** It belongs to a delivery and was taken. */
  | 'ok'
  /** No delivery has that packet identifier. */
  | 'unknown'
  /** A delivery has it, but this packet is not what its QoS or state allows. */
  | 'protocol-error';

/**
 * The state that a client and the broker share beyond one connection (§4.1): subscriptions, messages
 * on their way to the client, and the QoS 2 packet identifiers received from it.
 *
 * It does no I/O and knows no time of its own: packets and the clock come in by method, packets go
 * out through the `SessionLink`.
 *
 * Invariants: a packet identifier is in `#inflight` once at most; while a link is attached,
 * `#sendQuota` is at least 0, and no PUBLISH of QoS 1 or 2 is sent at quota 0 [MQTT-3.3.4-9].
 */
export class Session<L extends SessionLink = SessionLink> {
  readonly clientId: string;
  /** Seconds; 0 ends with the connection, NEVER_EXPIRES never does. */
  expiryInterval: number;
  /** By whole topic filter. Kept in step with the trie by whoever owns both. */
  readonly subscriptions: Map<string, Subscription>;
  readonly #onDrop: DropListener;
  #link: L | null;
  /** Deliveries with a packet identifier, in the order in which they were first sent. */
  readonly #inflight: Map<number, Delivery>;
  /** Inflight deliveries of an earlier connection that are still to be sent again. */
  readonly #resends: Fifo<Delivery>;
  /** Retained messages that a new subscription is owed; they go before what was published later. */
  readonly #replays: Fifo<Delivery>;
  readonly #queue: MessageQueue;
  #sendQuota: number;
  #lastPacketId: number;
  /** QoS 2 packet identifiers received and not yet released, with the connection they came on. */
  readonly #received: Map<number, number>;
  /** How many of `#received` came on this connection; they count against our Receive Maximum. */
  #receivedNow: number;
  #connectionCount: number;

  constructor(clientId: string, options: SessionOptions) {
    this.clientId = clientId;
    this.expiryInterval = 0;
    this.subscriptions = new Map();
    this.#onDrop = options.onDrop;
    this.#link = null;
    this.#inflight = new Map();
    this.#resends = new Fifo();
    this.#replays = new Fifo();
    this.#queue = new MessageQueue(options, options.onDrop);
    this.#sendQuota = 0;
    this.#lastPacketId = 0;
    this.#received = new Map();
    this.#receivedNow = 0;
    this.#connectionCount = 0;
  }

  get link(): L | null {
    return this.#link;
  }

  get isConnected(): boolean {
    return this.#link !== null;
  }

  /** Whether a QoS 1 or 2 message would be sent at once. */
  get isReady(): boolean {
    return this.#link?.isWritable === true && this.#sendQuota > 0 && !this.hasBacklog;
  }

  /** Messages that wait to be sent for the first time. */
  get queuedCount(): number {
    return this.#queue.length + this.#replays.length;
  }

  /** The same without retained messages: what publishers have added. */
  get queueLength(): number {
    return this.#queue.length;
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** QoS 1 and 2 messages sent and not fully acknowledged. */
  get inflightCount(): number {
    return this.#inflight.size;
  }

  /** QoS 2 messages of this connection that wait for their PUBREL. */
  get receivedCount(): number {
    return this.#receivedNow;
  }

  // ---------------------------------------------------------------- connection

  /**
   * Connects the session. What was sent and not acknowledged is sent again in its order, then what
   * waits, as far as the quota goes [MQTT-4.4.0-1].
   *
   * @param sendQuota - the client's Receive Maximum or our own limit, 1 to 65,535
   */
  attach(link: L, sendQuota: number, now: number): void {
    this.#link = link;
    this.#sendQuota = sendQuota;
    this.#receivedNow = 0;
    this.#connectionCount++;
    this.#resends.clear();
    for (const delivery of this.#inflight.values()) {
      if (delivery.state === DeliveryState.Released) link.sendPubrel(delivery.packetId);
      else this.#resends.push(delivery);
    }
    this.pump(now);
  }

  /** The connection is gone; the session stays. QoS 0 messages that were waiting are dropped. */
  detach(): void {
    this.#link = null;
    this.#resends.clear();
    for (const delivery of this.#queue.extract((queued) => queued.qos === 0)) {
      this.#onDrop('session-ended', delivery);
    }
  }

  /**
   * Ends the session and empties it.
   *
   * @returns deliveries of shared subscriptions that another member may still get: never sent, or
   * sent at QoS 1 (§4.8.2, [MQTT-4.8.2-5])
   */
  end(): Delivery[] {
    this.#link = null;
    const orphans: Delivery[] = [];
    for (const delivery of this.#inflight.values()) {
      if (delivery.group !== null && delivery.qos === 1) orphans.push(delivery);
      else this.#onDrop('session-ended', delivery);
    }
    for (const delivery of this.#queue.extract(() => true)) {
      if (delivery.group !== null) orphans.push(delivery);
      else this.#onDrop('session-ended', delivery);
    }
    this.#inflight.clear();
    this.#resends.clear();
    this.#replays.clear();
    this.#received.clear();
    this.#receivedNow = 0;
    return orphans;
  }

  /**
   * Takes back what was queued through shared subscriptions and never sent, for another member.
   *
   * @param isTaken - whether a group has a member to take it; else it stays
   */
  extractShared(isTaken: (group: Redeliverable) => boolean): Delivery[] {
    return this.#queue.extract(({ group }) => group !== null && isTaken(group));
  }

  // ------------------------------------------------------------------- sending

  /**
   * Sends a message now if the connection and the quota allow it, or queues it. A QoS 0 message for a
   * session without a connection is not kept (§4.1).
   */
  deliver(delivery: Delivery, now: number): void {
    const link = this.#link;
    if (delivery.qos === 0) {
      if (link === null) {
        this.#onDrop('not-connected', delivery);
        return;
      }
      if (this.isOpenForQoS0) {
        this.#sendFirst(link, delivery);
        return;
      }
    } else if (link?.isWritable === true && this.#sendQuota > 0 && !this.hasBacklog) {
      this.#sendFirst(link, delivery);
      return;
    }
    this.#queue.push(delivery, now);
  }

  /** Queues the retained messages that a subscription is owed, ahead of all later messages. */
  replay(
    messages: readonly Message[],
    maximumQoS: 0 | 1 | 2,
    identifiers: readonly number[],
    now: number,
  ): void {
    for (const message of messages) {
      const qos = message.qos < maximumQoS ? message.qos : maximumQoS;
      this.#replays.push(new Delivery(message, qos, true, identifiers));
    }
    this.pump(now);
  }

  /** Whether anything waits, so that a new message has to wait behind it. */
  get hasBacklog(): boolean {
    return this.#queue.length > 0 || this.#replays.length > 0 || this.#resends.length > 0;
  }

  /** Whether `deliver` would send a QoS 0 message at once; the router then may bypass it. */
  get isOpenForQoS0(): boolean {
    return this.#link !== null && this.#replays.length === 0 && this.#queue.qos0Count === 0;
  }

  /** Sends what waits, as far as quota and connection allow. Call it when the connection drains. */
  pump(now: number): void {
    const link = this.#link;
    if (link === null) return;
    while (link.isWritable && this.#resends.length > 0 && this.#sendQuota > 0) {
      this.#sendAgain(link, this.#resends.shift() as Delivery);
    }
    if (this.#resends.length > 0) return;
    while (link.isWritable) {
      const delivery = this.#takeNext(now);
      if (delivery === undefined) return;
      this.#sendFirst(link, delivery);
    }
  }

  /** The next delivery that the quota allows: retained messages first, then the queue. */
  #takeNext(now: number): Delivery | undefined {
    for (;;) {
      const replay = this.#replays.peek();
      if (replay === undefined) break;
      if (replay.qos > 0 && this.#sendQuota === 0) return undefined;
      this.#replays.shift();
      if (replay.message.expiresAt > now) return replay;
      this.#onDrop('expired', replay);
    }
    const head = this.#queue.peek(now);
    if (head === undefined || (head.qos > 0 && this.#sendQuota === 0)) return undefined;
    return this.#queue.shift();
  }

  #sendFirst(link: SessionLink, delivery: Delivery): void {
    if (delivery.qos > 0) delivery.packetId = this.#nextPacketId();
    const refused = link.sendPublish(delivery, false);
    if (refused !== null) {
      delivery.packetId = 0;
      this.#onDrop(refused, delivery);
    } else if (delivery.qos > 0) {
      delivery.state = DeliveryState.Published;
      delivery.sentOn = this.#connectionCount;
      this.#inflight.set(delivery.packetId, delivery);
      this.#sendQuota--;
    }
  }

  #sendAgain(link: SessionLink, delivery: Delivery): void {
    // It may have been acknowledged on this connection before we came to send it again.
    if (this.#inflight.get(delivery.packetId) !== delivery) return;
    if (delivery.state !== DeliveryState.Published) return;
    const refused = link.sendPublish(delivery, true);
    if (refused === null) {
      delivery.sentOn = this.#connectionCount;
      this.#sendQuota--;
    } else {
      this.#inflight.delete(delivery.packetId);
      this.#onDrop(refused, delivery);
    }
  }

  /** A packet identifier that is not in use [MQTT-2.2.1-4]; the quota leaves at least one free. */
  #nextPacketId(): number {
    let packetId = this.#lastPacketId;
    do {
      packetId = packetId === 0xffff ? 1 : packetId + 1;
    } while (this.#inflight.has(packetId));
    this.#lastPacketId = packetId;
    return packetId;
  }

  // ---------------------------------------------- acknowledgements of what we sent

  /** PUBACK: a QoS 1 delivery is complete, whatever its reason code [MQTT-4.4.0-2]. */
  onPuback(packetId: number, now: number): AckResult {
    const delivery = this.#inflight.get(packetId);
    if (delivery === undefined) return 'unknown';
    if (delivery.qos !== 1) return 'protocol-error';
    this.#complete(delivery, now);
    return 'ok';
  }

  /**
   * PUBREC: an error code ends the QoS 2 delivery, else PUBREL is due [MQTT-4.3.3-4]. After `ok` with
   * a reason code below 0x80, and after `unknown`, the caller answers with PUBREL.
   */
  onPubrec(packetId: number, reasonCode: number, now: number): AckResult {
    const delivery = this.#inflight.get(packetId);
    if (delivery === undefined) return 'unknown';
    if (delivery.qos !== 2) return 'protocol-error';
    if (reasonCode >= 0x80) {
      if (delivery.state === DeliveryState.Released) return 'protocol-error';
      this.#complete(delivery, now);
    } else {
      delivery.state = DeliveryState.Released;
    }
    return 'ok';
  }

  /** PUBCOMP: a QoS 2 delivery is complete. */
  onPubcomp(packetId: number, now: number): AckResult {
    const delivery = this.#inflight.get(packetId);
    if (delivery === undefined) return 'unknown';
    if (delivery.state !== DeliveryState.Released) return 'protocol-error';
    this.#complete(delivery, now);
    return 'ok';
  }

  #complete(delivery: Delivery, now: number): void {
    this.#inflight.delete(delivery.packetId);
    // What was only sent on an earlier connection has taken nothing of this one's quota [MQTT-3.3.4-9].
    if (delivery.sentOn === this.#connectionCount) this.#sendQuota++;
    if (this.hasBacklog) this.pump(now);
  }

  // ------------------------------------------------------------ QoS 2 received

  /** Whether a QoS 2 packet identifier is between its PUBLISH and its PUBREL. */
  hasReceived(packetId: number): boolean {
    return this.#received.has(packetId);
  }

  /**
   * Notes a QoS 2 PUBLISH that was accepted. A duplicate changes nothing [MQTT-4.3.3-10].
   *
   * @returns whether the message is new and has to be routed
   */
  receive(packetId: number): boolean {
    const connection = this.#received.get(packetId);
    if (connection !== this.#connectionCount) {
      this.#received.set(packetId, this.#connectionCount);
      this.#receivedNow++;
    }
    return connection === undefined;
  }

  /**
   * PUBREL: the packet identifier is free again [MQTT-4.3.3-12].
   *
   * @returns whether it was known
   */
  release(packetId: number): boolean {
    if (this.#received.get(packetId) === this.#connectionCount) this.#receivedNow--;
    return this.#received.delete(packetId);
  }
}
