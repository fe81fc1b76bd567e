import { Delivery, DeliveryState } from './delivery.ts';
import type { DeliveryStore } from './delivery-store.ts';
import type { DropListener, DropReason } from './drop.ts';
import { Fifo } from './fifo.ts';
import type { FrameQueue } from './frame-queue.ts';
import { type Message, STORED_MESSAGE } from './message.ts';
import {
  type DeliveryQueue,
  FRAME_DELIVERY,
  MessageQueue,
  type QueueLimits,
} from './message-queue.ts';
import type { PublishFrame } from './publish-frame.ts';
import { ReceivedIds } from './received-ids.ts';
import { ReplayQueue } from './replay-queue.ts';
import { SentFrameState, SentFrames } from './sent-frames.ts';
import { type StoredPlace, StoredQueue } from './stored-queue.ts';
import type { Subscription } from './subscription.ts';

/** How many packet identifiers there are. */
const PACKET_IDS = 65_535;

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
  /**
   * Sends a PUBLISH that is encoded already.
   *
   * @param flags - `qos << 1 | retain`
   * @returns as `sendPublish` does
   */
  sendFrame(frame: PublishFrame, flags: number, packetId: number): DropReason | null;
  sendPubrel(packetId: number): void;
}

export interface SessionOptions<L extends SessionLink = SessionLink> extends QueueLimits {
  readonly onDrop: DropListener;
  /** What the store knows the session by. */
  readonly number?: number;
  /** Keeps the deliveries of QoS 1 and 2; absent when they are in memory only. */
  readonly store?: DeliveryStore<L> | null;
}

/** What the session says of an acknowledgement. */
export type AckResult =
  /** It belongs to a delivery and was taken. */
  | 'ok'
  /** It was taken, and the store sees to the answer. */
  | 'deferred'
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
 * A session that ends with its connection never sends anything again, so the packets themselves are all
 * that it needs of most messages: those are frames, and have no delivery.
 *
 * Invariants: a packet identifier is in `#inflight` or in `#sentFrames`, once at most; while a link is attached,
 * `#sendQuota` is at least 0, and no PUBLISH of QoS 1 or 2 is sent at quota 0 [MQTT-3.3.4-9].
 */
export class Session<L extends SessionLink = SessionLink> {
  readonly clientId: string;
  /** What the store knows it by; 0 when it has none. */
  readonly number: number;
  /** Seconds; 0 ends with the connection, NEVER_EXPIRES never does. */
  expiryInterval: number;
  /** By whole topic filter. Kept in step with the trie by whoever owns both. */
  readonly subscriptions: Map<string, Subscription>;
  /** The number of its last stored delivery. */
  lastSequence: number;
  /** Stored deliveries up to this number have been sent. */
  sentSequence: number;
  /** Position of the last record that names deliveries of this session apart from their messages. */
  referencePosition: number;
  /** Whether `end` has been called. */
  isEnded: boolean;
  readonly store: DeliveryStore<L> | null;
  readonly #onDrop: DropListener;
  #link: L | null;
  /** Deliveries with a packet identifier, in the order in which they were first sent. */
  readonly #inflight: Map<number, Delivery>;
  /** Packet identifiers of frames. */
  readonly #sentFrames: SentFrames;
  /** Inflight deliveries of an earlier connection that are still to be sent again. */
  readonly #resends: Fifo<Delivery>;
  /** Retained messages that a new subscription is owed; they go before what was published later. */
  readonly #replays: ReplayQueue;
  readonly #queue: DeliveryQueue;
  /** The queue itself where deliveries are in memory only, else null. */
  readonly #memoryQueue: MessageQueue | null;
  /** The queue itself where deliveries are stored, else null. */
  readonly storedQueue: StoredQueue<L> | null;
  #sendQuota: number;
  #lastPacketId: number;
  /** How often a stored delivery could not have the identifier of its sequence. */
  #otherIdsCount: number;
  readonly #received: ReceivedIds;
  #connectionCount: number;

  constructor(clientId: string, options: SessionOptions<L>) {
    this.clientId = clientId;
    this.number = options.number ?? 0;
    this.expiryInterval = 0;
    this.subscriptions = new Map();
    this.lastSequence = 0;
    this.sentSequence = 0;
    this.referencePosition = 0;
    const store = options.store ?? null;
    this.isEnded = false;
    this.store = store;
    const { onDrop } = options;
    this.#onDrop =
      store === null
        ? onDrop
        : (reason, delivery) => {
            if (delivery.sequence > 0) store.onSettled(this, delivery);
            onDrop(reason, delivery);
          };
    this.#link = null;
    this.#inflight = new Map();
    this.#sentFrames = new SentFrames();
    this.#resends = new Fifo();
    this.#replays = new ReplayQueue();
    this.storedQueue = store === null ? null : new StoredQueue(this, store, options, this.#onDrop);
    this.#memoryQueue = store === null ? new MessageQueue(options, onDrop) : null;
    this.#queue = (this.storedQueue ?? this.#memoryQueue) as DeliveryQueue;
    this.#sendQuota = 0;
    this.#lastPacketId = 0;
    this.#otherIdsCount = 0;
    this.#received = new ReceivedIds();
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
    return this.#link?.isWritable === true && this.#hasQuota && !this.hasBacklog;
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
    return this.#inflight.size + this.#sentFrames.size;
  }

  /** QoS 2 messages of this connection that wait for their PUBREL. */
  get receivedCount(): number {
    return this.#received.countNow;
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
    this.#received.beginConnection();
    this.#connectionCount++;
    this.#resends.clear();
    for (const delivery of this.#inflight.values()) {
      if (delivery.state !== DeliveryState.Released) this.#resends.push(delivery);
      else if (this.#isSafe(delivery)) link.sendPubrel(delivery.packetId);
    }
    this.pump(now);
  }

  /** The connection is gone; the session stays. QoS 0 messages that were waiting are dropped. */
  detach(): void {
    this.#link = null;
    this.#resends.clear();
    for (const delivery of this.#queue.takeTransient()) this.#onDrop('session-ended', delivery);
    this.storedQueue?.forgetMessages();
  }

  /**
   * Ends the session and empties it.
   *
   * @returns deliveries of shared subscriptions that another member may still get: never sent, or
   * sent at QoS 1 (§4.8.2, [MQTT-4.8.2-5])
   */
  end(): Delivery[] {
    this.#link = null;
    this.isEnded = true;
    const orphans: Delivery[] = [];
    for (const delivery of this.#inflight.values()) {
      if (delivery.group !== null && delivery.qos === 1) orphans.push(delivery);
      else this.#onDrop('session-ended', delivery);
    }
    for (let count = this.#sentFrames.size; count > 0; count--) {
      this.#onDrop('session-ended', FRAME_DELIVERY);
    }
    orphans.push(...this.#queue.takeShared(() => true));
    this.#queue.clear();
    this.#inflight.clear();
    this.#sentFrames.clear();
    this.#resends.clear();
    this.#replays.clear();
    this.#received.clear();
    return orphans;
  }

  /**
   * Takes back what was queued through shared subscriptions and never sent, for another member.
   *
   * @param isTaken - whether there is one for a shared subscription, given by its whole filter
   */
  takeShared(isTaken: (group: string) => boolean): Delivery[] {
    return this.#queue.takeShared(isTaken);
  }

  /** Whether a message of this many bytes would find no room in the queue. */
  isFullFor(bytes: number): boolean {
    return this.#queue.isFullFor(bytes);
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
    } else if (link !== null && this.isReady && this.#isSafe(delivery)) {
      this.#sendFirst(link, delivery);
      return;
    }
    const isFirst = this.#queue.length === 0;
    this.#queue.push(delivery, now);
    // Nothing else may come that would have the store told that somebody waits.
    if (isFirst && link !== null && this.store !== null) this.store.awaitCommit(this);
  }

  /** Whether `deliverFrame` may be used. */
  get takesFrames(): boolean {
    return this.#memoryQueue !== null && this.expiryInterval === 0;
  }

  /**
   * Sends a message now if the connection and the quota allow it, or queues it, as the packet that it is.
   * The session `takesFrames`; the message is of no shared subscription and doesn't expire.
   *
   * @param flags - `qos << 1 | retain`
   * @returns false when it has to be delivered as a message instead
   */
  deliverFrame(frame: PublishFrame, flags: number, now: number): boolean {
    const link = this.#link;
    if (link !== null && this.isReady) {
      this.#sendFrame(link, frame, flags);
      return true;
    }
    return (this.#memoryQueue as MessageQueue).pushFrame(frame, flags, now);
  }

  /**
   * Begins the exchange of a message that the caller sends now by itself. The session `takesFrames` and
   * `isReady`; the message is of no shared subscription.
   *
   * @returns its packet identifier
   */
  beginExchange(qos: 1 | 2): number {
    let packetId = this.#nextPacketId();
    for (let tries = this.#sentFrames.spareSlots; tries > 0; tries--) {
      if (this.#sentFrames.hasSlotFor(packetId)) break;
      packetId = this.#nextPacketId();
    }
    this.#sentFrames.add(
      packetId,
      qos === 1 ? SentFrameState.Published1 : SentFrameState.Published2,
    );
    this.#sendQuota--;
    return packetId;
  }

  /** The message of an exchange that was begun just now could not be sent. */
  cancelExchange(packetId: number, reason: DropReason): void {
    this.#sentFrames.delete(packetId);
    this.#sendQuota++;
    this.#onDrop(reason, FRAME_DELIVERY);
  }

  /** Retained messages are going to be replayed, until `endReplay`: later messages wait behind them. */
  beginReplay(): void {
    this.#replays.open();
  }

  endReplay(now: number): void {
    this.#replays.close();
    this.pump(now);
  }

  /** Queues retained messages that a subscription is owed, ahead of all later messages. */
  replay(deliveries: readonly Delivery[], now: number): void {
    this.#replays.push(deliveries);
    this.pump(now);
  }

  /** The same, where none of them is stored: however many there are, it takes hardly any time and memory. */
  replayLater(
    messages: readonly Message[],
    toDelivery: (message: Message) => Delivery,
    now: number,
  ): void {
    this.#replays.pushLater(messages, toDelivery);
    this.pump(now);
  }

  /** Whether what a delivery depends on is stored as safely as it has to be before it is sent. */
  #isSafe({ position, isReference }: Delivery): boolean {
    if (position === 0 || this.store === null) return true;
    const gate =
      isReference && this.referencePosition > position ? this.referencePosition : position;
    return gate < this.store.committedPosition;
  }

  /** Whether anything waits, so that a new message has to wait behind it. */
  get hasBacklog(): boolean {
    return this.#queue.length > 0 || !this.#replays.isOver || this.#resends.length > 0;
  }

  /** Whether `deliver` would send a QoS 0 message at once; the router then may bypass it. */
  get isOpenForQoS0(): boolean {
    return this.#link !== null && this.#replays.isOver && this.#queue.transientCount === 0;
  }

  /** Sends what waits, as far as quota and connection allow. Call it when the connection drains. */
  pump(now: number): void {
    const link = this.#link;
    if (link === null) return;
    while (link.isWritable && this.#sendQuota > 0) {
      const delivery = this.#resends.peek();
      if (delivery === undefined) break;
      if (!this.#sendAgain(link, delivery)) return;
      this.#resends.shift();
    }
    if (this.#resends.length > 0) return;
    while (link.isWritable) {
      const delivery = this.#takeNext(now);
      if (delivery === undefined) return;
      if (delivery === FRAME_DELIVERY) this.#sendQueuedFrame(link);
      else this.#sendFirst(link, delivery);
    }
  }

  /** The next delivery that the quota allows: retained messages first, then the queue. */
  #takeNext(now: number): Delivery | undefined {
    for (;;) {
      const replay = this.#replays.peek();
      if (replay === undefined) break;
      if (replay.qos > 0 && !this.#maySend(replay)) return undefined;
      if (!this.#isSafe(replay)) {
        this.store?.awaitCommit(this);
        return undefined;
      }
      this.#replays.shift();
      if (replay.message.expiresAt > now) return replay;
      this.#onDrop('expired', replay);
    }
    if (!this.#replays.isOver) return undefined;
    // Without quota, a message isn't read back: it may have to wait for long.
    if (!this.#hasQuota && this.storedQueue?.beginsWithExchange === true) return undefined;
    const head = this.#queue.peek(now);
    if (head === undefined || (head.qos > 0 && !this.#maySend(head))) return undefined;
    return this.#queue.shift();
  }

  #maySend(delivery: Delivery): boolean {
    if (!this.#hasQuota) return false;
    // Its identifier is the same in every process, so that the client knows a duplicate for one.
    return delivery.qos < 2 || delivery.sequence === 0 || !this.#inflight.has(idOf(delivery));
  }

  #sendFirst(link: SessionLink, delivery: Delivery): void {
    if (delivery.qos > 0) delivery.packetId = this.#packetIdFor(delivery);
    if (delivery.sequence > this.sentSequence) {
      this.sentSequence = delivery.sequence;
      this.store?.onSent(this);
    }
    const refused = link.sendPublish(delivery, delivery.isSent);
    if (refused !== null) {
      delivery.packetId = 0;
      this.#onDrop(refused, delivery);
    } else if (delivery.qos > 0) {
      delivery.state = DeliveryState.Published;
      delivery.sentOn = this.#connectionCount;
      this.#inflight.set(delivery.packetId, delivery);
      this.#sendQuota--;
      forgetMessage(delivery);
    }
  }

  #sendQueuedFrame(link: SessionLink): void {
    const frames = (this.#memoryQueue as MessageQueue).frames as FrameQueue;
    this.#sendFrame(link, frames, frames.flags);
    if (frames.length === 0) frames.clear();
  }

  #sendFrame(link: SessionLink, frame: PublishFrame, flags: number): void {
    const packetId = this.beginExchange((flags >> 1) as 1 | 2);
    const refused = link.sendFrame(frame, flags, packetId);
    if (refused !== null) this.cancelExchange(packetId, refused);
  }

  /** @returns false while the message is being read back: the delivery has to be sent later */
  #sendAgain(link: SessionLink, delivery: Delivery): boolean {
    // It may have been acknowledged on this connection before we came to send it again.
    if (this.#inflight.get(delivery.packetId) !== delivery) return true;
    if (delivery.state !== DeliveryState.Published) return true;
    const drop = (reason: DropReason) => {
      this.#inflight.delete(delivery.packetId);
      this.#onDrop(reason, delivery);
    };
    if (delivery.message === STORED_MESSAGE) {
      const message = (this.store as DeliveryStore<L>).fetch(this, delivery.position);
      if (message === null) return false;
      if (message === 'lost') {
        drop('lost');
        return true;
      }
      delivery.message = message;
    }
    const refused = link.sendPublish(delivery, true);
    if (refused === null) {
      delivery.sentOn = this.#connectionCount;
      this.#sendQuota--;
      forgetMessage(delivery);
    } else {
      drop(refused);
    }
    return true;
  }

  #packetIdFor(delivery: Delivery): number {
    if (delivery.sequence === 0) return this.#nextPacketId();
    const packetId = idOf(delivery);
    if (!this.#inflight.has(packetId)) return packetId;
    this.#otherIdsCount++;
    return this.#nextPacketId();
  }

  /**
   * Whether one more exchange may begin [MQTT-3.3.4-9]. What an earlier connection left between PUBREC and
   * PUBCOMP takes none of the quota, but its packet identifiers.
   */
  get #hasQuota(): boolean {
    return this.#sendQuota > 0 && this.inflightCount < PACKET_IDS;
  }

  /** A packet identifier that is not in use [MQTT-2.2.1-4], of which there is one while `#hasQuota`. */
  #nextPacketId(): number {
    let packetId = this.#lastPacketId;
    do {
      packetId = packetId === 0xffff ? 1 : packetId + 1;
    } while (this.#isUsed(packetId));
    this.#lastPacketId = packetId;
    return packetId;
  }

  #isUsed(packetId: number): boolean {
    return (
      this.#sentFrames.get(packetId) !== SentFrameState.None ||
      (this.#inflight.size > 0 && this.#inflight.has(packetId))
    );
  }

  // ---------------------------------------------- acknowledgements of what we sent

  /** PUBACK: a QoS 1 delivery is complete, whatever its reason code [MQTT-4.4.0-2]. */
  onPuback(packetId: number, now: number): AckResult {
    const state = this.#sentFrames.get(packetId);
    if (state !== SentFrameState.None) {
      if (state !== SentFrameState.Published1) return 'protocol-error';
      this.#completeFrame(packetId, now);
      return 'ok';
    }
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
    const state = this.#sentFrames.get(packetId);
    if (state !== SentFrameState.None) return this.#onFramePubrec(packetId, state, reasonCode, now);
    const delivery = this.#inflight.get(packetId);
    if (delivery === undefined) return 'unknown';
    if (delivery.qos !== 2) return 'protocol-error';
    if (reasonCode >= 0x80) {
      if (delivery.state === DeliveryState.Released) return 'protocol-error';
      this.#complete(delivery, now);
      return 'ok';
    }
    if (delivery.sequence === 0 || delivery.state === DeliveryState.Released) {
      delivery.state = DeliveryState.Released;
      return delivery.sequence === 0 || this.#isSafe(delivery) ? 'ok' : 'deferred';
    }
    delivery.state = DeliveryState.Released;
    this.store?.onReleased(this, delivery);
    return 'deferred';
  }

  #onFramePubrec(
    packetId: number,
    state: SentFrameState,
    reasonCode: number,
    now: number,
  ): AckResult {
    if (state === SentFrameState.Published1) return 'protocol-error';
    if (reasonCode < 0x80) {
      this.#sentFrames.release(packetId);
      return 'ok';
    }
    if (state === SentFrameState.Released) return 'protocol-error';
    this.#completeFrame(packetId, now);
    return 'ok';
  }

  /** PUBCOMP: a QoS 2 delivery is complete. */
  onPubcomp(packetId: number, now: number): AckResult {
    const state = this.#sentFrames.get(packetId);
    if (state !== SentFrameState.None) {
      if (state !== SentFrameState.Released) return 'protocol-error';
      this.#completeFrame(packetId, now);
      return 'ok';
    }
    const delivery = this.#inflight.get(packetId);
    if (delivery === undefined) return 'unknown';
    if (delivery.state !== DeliveryState.Released) return 'protocol-error';
    this.#complete(delivery, now);
    return 'ok';
  }

  #complete(delivery: Delivery, now: number): void {
    this.#inflight.delete(delivery.packetId);
    if (delivery.sequence > 0) this.store?.onSettled(this, delivery);
    // What was only sent on an earlier connection has taken nothing of this one's quota [MQTT-3.3.4-9].
    if (delivery.sentOn === this.#connectionCount) this.#sendQuota++;
    if (this.hasBacklog) this.pump(now);
  }

  #completeFrame(packetId: number, now: number): void {
    this.#sentFrames.delete(packetId);
    this.#sendQuota++;
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
    return this.#received.add(packetId);
  }

  /**
   * PUBREL: the packet identifier is free again [MQTT-4.3.3-12].
   *
   * @returns whether it was known
   */
  release(packetId: number): boolean {
    return this.#received.delete(packetId);
  }

  // -------------------------------------------------------------------- stored state

  /** Packet identifiers of QoS 2 messages received and not released. */
  get receivedIds(): Iterable<number> {
    return this.#received;
  }

  /** Notes an identifier that a process that has ended had received. */
  restoreReceived(packetId: number): void {
    this.#received.restore(packetId);
  }

  /** What has been sent and not settled, and retained messages that are to be sent. */
  *underWay(): Generator<Delivery> {
    yield* this.#inflight.values();
    yield* this.#replays.deliveries;
  }

  /** A stored delivery that is under way; null when there is none with this sequence. */
  findUnderWay(sequence: number): Delivery | null {
    const expected = this.#inflight.get(idOf({ sequence }));
    if (expected?.sequence === sequence) return expected;
    if (this.#replays.length === 0 && this.#otherIdsCount === 0) return null;
    for (const delivery of this.underWay()) if (delivery.sequence === sequence) return delivery;
    return null;
  }

  /** Whether a delivery has been sent and not settled. */
  isInflight(delivery: Delivery): boolean {
    return this.#inflight.get(delivery.packetId) === delivery;
  }

  /** A stored delivery whose message is still needed, without it; null when there is none. */
  findStored(sequence: number): Delivery | null {
    const delivery = this.findUnderWay(sequence);
    if (delivery === null) return this.storedQueue?.find(sequence) ?? null;
    return delivery.state === DeliveryState.Released ? null : delivery;
  }

  /** The record of a stored delivery lies elsewhere now. */
  relocate(sequence: number, place: StoredPlace): boolean {
    if (this.storedQueue?.relocate(sequence, place) === true) return true;
    const delivery = this.findUnderWay(sequence);
    if (delivery === null || delivery.state === DeliveryState.Released) return false;
    Object.assign(delivery, place);
    return true;
  }

  /** Takes up the QoS 2 delivery of a process that has ended, whose PUBREC it had received. */
  restoreReleased(sequence: number, packetId: number, position: number): void {
    const delivery = new Delivery(STORED_MESSAGE, 2, false);
    delivery.sequence = sequence;
    delivery.packetId = packetId;
    delivery.position = position;
    delivery.state = DeliveryState.Released;
    if (packetId !== idOf(delivery)) this.#otherIdsCount++;
    this.#inflight.set(packetId, delivery);
  }

  /** Ends a restored delivery, as the store has learnt; false when there is none. */
  restoreSettled(sequence: number): boolean {
    const delivery = this.findUnderWay(sequence);
    if (delivery === null) return this.storedQueue?.remove(sequence) ?? false;
    return this.#inflight.delete(delivery.packetId);
  }

  /** What was stored at or behind a position never came to be. */
  removeStoredFrom(position: number): void {
    this.storedQueue?.removeFrom(position);
    this.#replays.filter((replay) => replay.position < position);
  }

  /** A delivery that was stored never came to be. */
  removeStored(sequence: number): void {
    if (this.storedQueue?.remove(sequence) === true) return;
    this.#replays.filter((replay) => replay.sequence !== sequence);
  }
}

/**
 * A stored message that was sent leaves memory: it is rarely sent again, may wait long for that, and may be
 * a small part of a buffer that would stay with it.
 */
function forgetMessage(delivery: Delivery): void {
  if (delivery.sequence > 0) delivery.message = STORED_MESSAGE;
}

/** The packet identifier of a stored delivery, 1 to 65,535, unless it is in use. */
export function idOf({ sequence }: { readonly sequence: number }): number {
  return ((sequence - 1) % 0xffff) + 1;
}
