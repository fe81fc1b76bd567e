import { type Subscription, TextMap } from '@promptmq/topics';
import type { MemoryAccount } from './memory-account.ts';
import { type Delivery, DeliveryState } from './messages/delivery.ts';
import type { DropListener, DropReason } from './messages/drop.ts';
import { type Message, STORED_MESSAGE } from './messages/message.ts';
import type { PublishFrame } from './messages/publish-frame.ts';
import { Fifo } from './queues/fifo.ts';
import type { FrameQueue } from './queues/frame-queue.ts';
import {
  type DeliveryQueue,
  FRAME_DELIVERY,
  MessageQueue,
  type QueueLimits,
} from './queues/message-queue.ts';
import { ReplayQueue } from './queues/replay-queue.ts';
import { ReceivedIds } from './received-ids.ts';
import type { SessionLink } from './session-link.ts';
import type { DeliveryStore } from './stored/delivery-store.ts';
import { type StoredPlace, StoredQueue } from './stored/stored-queue.ts';
import { type AckResult, Inflight } from './window/window.ts';

/** Session Expiry Interval of a session that never expires (§3.1.2.11.2). */
export const NEVER_EXPIRES = 0xffff_ffff;

/** As many stored messages are given up at once when their session ends. */
const END_AT_ONCE_MAX = 500;

export interface SessionOptions<L extends SessionLink = SessionLink> extends QueueLimits {
  readonly onDrop: DropListener;
  /** What the store knows the session by. */
  readonly number?: number;
  /** Keeps the deliveries of QoS 1 and 2; absent when they are in memory only. */
  readonly store?: DeliveryStore<L> | null;
  /** Where what was sent and is not acknowledged is counted. */
  readonly inflightMemory?: MemoryAccount;
  /** Where deliveries of retained messages that wait are counted. */
  readonly replayMemory?: MemoryAccount;
}

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
 * Invariant: while a link is attached, messages of QoS 1 and 2 are sent in the order `#resends`, `#replays`, `#queue`.
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
  /** Told when more retained messages could be sent than have been found, between `beginReplay` and `endReplay`. */
  onReplaysTaken: (() => void) | null;
  readonly store: DeliveryStore<L> | null;
  readonly #onDrop: DropListener;
  #link: L | null;
  readonly #inflight: Inflight<L>;
  /** Inflight deliveries of an earlier connection that are still to be sent again. */
  readonly #resends: Fifo<Delivery>;
  /** Retained messages that a new subscription is owed; they go before what was published later. */
  readonly #replays: ReplayQueue;
  readonly #queue: DeliveryQueue;
  /** The queue itself where deliveries are in memory only, else null. */
  readonly #memoryQueue: MessageQueue | null;
  /** The queue itself where deliveries are stored, else null. */
  readonly storedQueue: StoredQueue<L> | null;
  readonly #received: ReceivedIds;

  constructor(clientId: string, options: SessionOptions<L>) {
    this.clientId = clientId;
    this.number = options.number ?? 0;
    this.expiryInterval = 0;
    this.subscriptions = new TextMap();
    this.lastSequence = 0;
    this.sentSequence = 0;
    this.referencePosition = 0;
    const store = options.store ?? null;
    this.isEnded = false;
    this.onReplaysTaken = null;
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
    this.#inflight = new Inflight(this, store, options.inflightMemory ?? null);
    this.#resends = new Fifo();
    this.#replays = new ReplayQueue(options.replayMemory);
    this.storedQueue = store === null ? null : new StoredQueue(this, store, options, this.#onDrop);
    this.#memoryQueue = store === null ? new MessageQueue(options, onDrop) : null;
    this.#queue = (this.storedQueue ?? this.#memoryQueue) as DeliveryQueue;
    this.#received = new ReceivedIds();
  }

  get link(): L | null {
    return this.#link;
  }

  get isConnected(): boolean {
    return this.#link !== null;
  }

  /** Whether a QoS 1 or 2 message would be sent at once. */
  get isReady(): boolean {
    return this.#link?.isWritable === true && this.#inflight.mayBegin && !this.hasBacklog;
  }

  /** Messages that wait to be sent for the first time. */
  get queuedCount(): number {
    return this.#queue.length + this.#replays.length;
  }

  /** The same without retained messages: what publishers have added. */
  get queueLength(): number {
    return this.#queue.length;
  }

  /** Retained messages that have been found and wait to be sent. */
  get replayCount(): number {
    return this.#replays.length;
  }

  /** What deliveries of retained messages that wait take. */
  get replayBytes(): number {
    return this.#replays.bytes;
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** QoS 1 and 2 messages sent and not fully acknowledged. */
  get inflightCount(): number {
    return this.#inflight.count;
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
    this.#inflight.beginConnection(sendQuota);
    this.#received.beginConnection();
    this.#resends.clear();
    for (const delivery of this.#inflight.deliveries) {
      const { state, packetId, position, isReference } = delivery;
      if (state !== DeliveryState.Released) this.#resends.push(delivery);
      else if (this.isSafe(position, isReference)) link.sendPubrel(packetId);
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
    for (const delivery of this.#inflight.deliveries) {
      if (delivery.group !== null && delivery.qos === 1) orphans.push(delivery);
      else this.#onDrop('session-ended', delivery);
    }
    for (let count = this.#inflight.frameCount; count > 0; count--) {
      this.#onDrop('session-ended', FRAME_DELIVERY);
    }
    for (const delivery of this.#queue.takeShared(() => true, true)) orphans.push(delivery);
    this.#queue.clear();
    this.#inflight.clear();
    this.#resends.clear();
    this.#replays.clear();
    this.#received.clear();
    return orphans;
  }

  /** Empties a restored session that ended before its process did: what is dropped was told of then. */
  forgetAll(): void {
    this.isEnded = true;
    this.storedQueue?.forgetAll();
    this.#inflight.clear();
    this.#replays.clear();
    this.#received.clear();
  }

  /** Whether it is better ended by `beginEnd`: what it has goes to others, or is much. */
  get isEndLong(): boolean {
    const queue = this.storedQueue;
    if (queue === null) return false;
    if (queue.hasShared || queue.length > END_AT_ONCE_MAX) return true;
    for (const { group } of this.#inflight.deliveries) if (group !== null) return true;
    return false;
  }

  /**
   * Ends a stored session of which much may wait: its queue stays, and so does what was sent at QoS 1 through shared
   * subscriptions, for `storedBehind` and `takeStored` to empty them in steps (§4.8.2).
   *
   * @returns what isn't stored, and another member may still get
   */
  beginEnd(): Delivery[] {
    this.#link = null;
    this.isEnded = true;
    this.#resends.clear();
    this.#received.clear();
    this.storedQueue?.forgetMessages();
    const unstored: Delivery[] = [];
    const over: Delivery[] = [];
    for (const delivery of this.#replays.deliveries) over.push(delivery);
    this.#replays.clear();
    for (const delivery of this.#inflight.deliveries) {
      if (delivery.group === null || delivery.qos !== 1) over.push(delivery);
      else if (delivery.sequence === 0) unstored.push(delivery);
    }
    for (const delivery of this.storedQueue?.takeUnstored() ?? []) {
      (delivery.group === null ? over : unstored).push(delivery);
    }
    for (const delivery of unstored) this.#inflight.delete(delivery);
    for (const delivery of over) {
      this.#inflight.delete(delivery);
      this.#onDrop('session-ended', delivery);
    }
    return unstored;
  }

  /** After `beginEnd`: what is left behind a sequence, in its order. Copies or not, messages may be in the store only. */
  storedBehind(sequence: number, countMax: number): Delivery[] {
    const found: Delivery[] = [];
    for (const delivery of this.#inflight.deliveries) {
      if (found.length === countMax) break;
      if (delivery.sequence > sequence) found.push(delivery);
    }
    return found.length > 0 ? found : (this.storedQueue?.storedBehind(sequence, countMax) ?? []);
  }

  /** Gives stored deliveries up, as the session has ended. */
  dropStored(sequences: ReadonlySet<number>): void {
    for (const delivery of this.#takeInflight(sequences)) this.#onDrop('session-ended', delivery);
    this.storedQueue?.dropStored(sequences);
  }

  /** Takes stored deliveries, given by their sequences, for whoever gets them now. */
  takeStored(sequences: ReadonlySet<number>): void {
    this.#takeInflight(sequences);
    this.storedQueue?.takeStored(sequences);
  }

  #takeInflight(sequences: ReadonlySet<number>): Delivery[] {
    if (this.#inflight.count === 0) return [];
    const taken: Delivery[] = [];
    for (const sequence of sequences) {
      const delivery = this.#inflight.find(sequence);
      if (delivery === null) continue;
      this.#inflight.delete(delivery);
      taken.push(delivery);
    }
    return taken;
  }

  /**
   * Takes back what was queued through shared subscriptions and never sent, for another member.
   *
   * @param isTaken - whether there is one for a shared subscription, given by its whole filter
   */
  takeShared(isTaken: (group: string) => boolean): Delivery[] {
    return this.#queue.takeShared(isTaken, false);
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
    const { qos, position, isReference } = delivery;
    if (qos === 0) {
      if (link === null) {
        this.#onDrop('not-connected', delivery);
        return;
      }
      if (this.isOpenForQoS0) {
        this.#sendFirst(link, delivery);
        return;
      }
    } else if (link !== null && this.isReady && this.isSafe(position, isReference)) {
      this.#sendFirst(link, delivery);
      return;
    }
    if (this.isEnded) {
      this.#onDrop('session-ended', delivery);
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
    return this.#inflight.beginFrame(qos);
  }

  /** The message of an exchange that was begun just now could not be sent. */
  cancelExchange(packetId: number, reason: DropReason): void {
    this.#inflight.endFrame(packetId);
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

  /**
   * Whether what a delivery depends on is stored as safely as it has to be before it is sent.
   *
   * @param position - that of the delivery
   * @param isReference - whether it is stored by a record of its own
   */
  isSafe(position: number, isReference: boolean): boolean {
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
    while (link.isWritable && this.#inflight.hasQuota) {
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
      if (replay.qos > 0 && !this.#inflight.mayBeginWith(replay)) return undefined;
      if (!this.isSafe(replay.position, replay.isReference)) {
        this.store?.awaitCommit(this);
        return undefined;
      }
      this.#replays.shift();
      if (replay.message.expiresAt > now) return replay;
      this.#onDrop('expired', replay);
    }
    if (!this.#replays.isOver) {
      this.onReplaysTaken?.();
      return undefined;
    }
    // Without quota, a message isn't read back: it may have to wait for long.
    if (!this.#inflight.mayBegin && this.storedQueue?.beginsWithExchange === true) return undefined;
    const head = this.#queue.peek(now);
    if (head === undefined || (head.qos > 0 && !this.#inflight.mayBeginWith(head)))
      return undefined;
    return this.#queue.shift();
  }

  #sendFirst(link: SessionLink, delivery: Delivery): void {
    if (delivery.qos > 0) delivery.packetId = this.#inflight.packetIdFor(delivery);
    if (delivery.sequence > this.sentSequence) {
      this.sentSequence = delivery.sequence;
      this.store?.onSent(this);
    }
    const refused = link.sendPublish(delivery, delivery.isSent);
    if (refused !== null) {
      delivery.packetId = 0;
      this.#onDrop(refused, delivery);
    } else if (delivery.qos > 0) {
      this.#inflight.begin(delivery);
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
    if (!this.#inflight.has(delivery) || delivery.state !== DeliveryState.Published) return true;
    const drop = (reason: DropReason) => {
      this.#inflight.delete(delivery);
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
    if (refused === null) this.#inflight.beginAgain(delivery);
    else drop(refused);
    return true;
  }

  // ---------------------------------------------- acknowledgements of what we sent

  /** PUBACK: a QoS 1 delivery is complete, whatever its reason code [MQTT-4.4.0-2]. */
  onPuback(packetId: number, now: number): AckResult {
    const result = this.#inflight.onPuback(packetId);
    if (result === 'ok' && this.hasBacklog) this.pump(now);
    return result;
  }

  /**
   * PUBREC: an error code ends the QoS 2 delivery, else PUBREL is due [MQTT-4.3.3-4]. After `ok` with
   * a reason code below 0x80, and after `unknown`, the caller answers with PUBREL.
   */
  onPubrec(packetId: number, reasonCode: number, now: number): AckResult {
    const result = this.#inflight.onPubrec(packetId, reasonCode);
    if (result === 'ok' && reasonCode >= 0x80 && this.hasBacklog) this.pump(now);
    return result;
  }

  /** PUBCOMP: a QoS 2 delivery is complete. */
  onPubcomp(packetId: number, now: number): AckResult {
    const result = this.#inflight.onPubcomp(packetId);
    if (result === 'ok' && this.hasBacklog) this.pump(now);
    return result;
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
    yield* this.#inflight.deliveries;
    yield* this.#replays.deliveries;
  }

  /** A stored delivery that is under way; null when there is none with this sequence. */
  findUnderWay(sequence: number): Delivery | null {
    return this.#inflight.find(sequence) ?? this.#replays.find(sequence);
  }

  /** Whether a delivery has been sent and not settled. */
  isInflight(delivery: Delivery): boolean {
    return this.#inflight.has(delivery);
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
    this.#inflight.restoreReleased(sequence, packetId, position);
  }

  /** Ends a restored delivery, as the store has learnt; false when there is none. */
  restoreSettled(sequence: number): boolean {
    const delivery = this.findUnderWay(sequence);
    if (delivery === null) return this.storedQueue?.remove(sequence) ?? false;
    return this.#inflight.delete(delivery);
  }

  /** What was stored at or behind a position never came to be. */
  removeStoredFrom(position: number): void {
    this.storedQueue?.removeFrom(position);
    this.#replays.filter((replay) => replay.position < position);
  }

  /** Deliveries that were stored, given by their sequences, never came to be. */
  removeStored(sequences: readonly number[]): void {
    const left = new Set(
      sequences.filter((sequence) => this.storedQueue?.remove(sequence) !== true),
    );
    if (left.size > 0) this.#replays.filter((replay) => !left.has(replay.sequence));
  }
}
