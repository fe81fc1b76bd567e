import { invariant } from '@promptmq/topics';
import type { MemoryAccount } from './memory-account.ts';
import { type Delivery, DeliveryState } from './messages/delivery.ts';
import type { DropListener, DropReason } from './messages/drop.ts';
import { type Message, STORED_MESSAGE } from './messages/message.ts';
import type { PublishImage } from './messages/publish-image.ts';
import type { DeliveryQueue, QueueLimits } from './queues/delivery-queue.ts';
import { Fifo } from './queues/fifo.ts';
import type { FrameQueue } from './queues/frame-queue.ts';
import { FRAME_DELIVERY, MemoryQueue } from './queues/memory-queue.ts';
import { ReplayQueue } from './queues/replay-queue.ts';
import type { WaitingMessage } from './queues/waiting-message.ts';
import type { SessionLink } from './session-link.ts';
import type { DeliveryStore } from './stored/delivery-store.ts';
import { StoredDeliveries } from './stored/stored-deliveries.ts';
import { ReceivedIds } from './window/received-ids.ts';
import { type AckResult, Window } from './window/window.ts';

/** Session Expiry Interval of a session that never expires (§3.1.2.11.2). */
export const NEVER_EXPIRES = 0xffff_ffff;

export interface SessionOptions<L extends SessionLink = SessionLink> extends QueueLimits {
  readonly onDrop: DropListener;
  /** Keeps the deliveries of QoS 1 and 2; absent when they are in memory only. */
  readonly store?: DeliveryStore<Session<L>> | null;
  /** What the store knows the session by. */
  readonly number?: number;
  /** Where what was sent and is not acknowledged is counted. */
  readonly inflightMemory?: MemoryAccount;
  /** Where deliveries of retained messages that wait are counted. */
  readonly replayMemory?: MemoryAccount;
}

/** How many messages wait, and what they count. */
export interface Waiting {
  readonly length: number;
  readonly bytes: number;
}

/**
 * The state that a client and the broker share beyond one connection (§4.1), but for its subscriptions: messages
 * on their way to the client, and the QoS 2 packet identifiers received from it.
 *
 * It does no I/O and knows no time of its own. Packets and the clock come in by method, packets go out through the
 * `SessionLink`, and what is to outlive the process goes to the `DeliveryStore`, if there is one.
 *
 * Its methods are of these kinds, in this order:
 *
 * - what there is: nothing changes by being asked for;
 * - the connection comes and goes, the session ends: `attach`, `detach`, `end`, or `beginEnd` where that is long;
 * - messages to be sent: `deliver`, or the forms of it for packets that are encoded already; `pump` when there is room;
 * - retained messages that a subscription is owed: `replay` and `replayLater`, from `beginReplay` to `endReplay`;
 * - what the client answers: `onPuback`, `onPubrec`, `onPubcomp`, or `settle` for who answers once, and `settleUpTo` for who
 *   answers for all that came before.
 *
 * What the client sends at QoS 2 is in `received`, and `stored` is for the store alone.
 *
 * A session that ends with its connection never sends anything again, so the encoded packets are all that it needs of most
 * messages: those are images until they have its flags and packet identifiers, then frames, and have no delivery.
 *
 * Invariants: while a link is attached, messages of QoS 1 and 2 are sent in the order `#resends`, `#replays`, `#queue`;
 * nothing is to be sent again without a link; a session that has ended has no link.
 */
export class Session<L extends SessionLink = SessionLink> {
  readonly clientId: string;
  /** Seconds; 0 ends with the connection, NEVER_EXPIRES never does. */
  expiryInterval: number;
  /** QoS 2 messages that came from the client, by packet identifier, from PUBLISH to PUBREL (§4.3.3). */
  readonly received: ReceivedIds;
  /** Whether its deliveries of QoS 1 and 2 are in a store. */
  readonly isStored: boolean;
  /** Its deliveries as the store knows them; null when they are in memory only. */
  readonly stored: StoredDeliveries<Session<L>> | null;
  /** Notified when more retained messages could be sent than have been found, between `beginReplay` and `endReplay`. */
  onReplaysTaken: (() => void) | null;
  readonly #onDrop: DropListener;
  #link: L | null;
  #isEnded: boolean;
  readonly #window: Window;
  /** Deliveries of the window that were sent on an earlier connection, and are to be sent again on this one. */
  readonly #resends: Fifo<Delivery>;
  /** Retained messages that a new subscription is owed; they go before what was published later. */
  readonly #replays: ReplayQueue;
  readonly #queue: DeliveryQueue;
  /** The queue itself where deliveries are in memory only, else null. */
  readonly #memoryQueue: MemoryQueue | null;

  constructor(clientId: string, options: SessionOptions<L>) {
    this.clientId = clientId;
    this.expiryInterval = 0;
    this.received = new ReceivedIds();
    this.onReplaysTaken = null;
    this.#link = null;
    this.#isEnded = false;
    this.#resends = new Fifo();
    this.#replays = new ReplayQueue(options.replayMemory);
    const { store = null, number = 0, onDrop } = options;
    this.isStored = store !== null;
    this.stored =
      store === null ? null : new StoredDeliveries(this, store, number, this.#replays, options);
    this.#onDrop = this.stored?.onDrop ?? onDrop;
    this.#window = this.stored?.window ?? new Window(null, options.inflightMemory ?? null);
    this.#memoryQueue = this.stored === null ? new MemoryQueue(options, onDrop) : null;
    this.#queue = (this.stored?.queue ?? this.#memoryQueue) as DeliveryQueue;
  }

  // ------------------------------------------------------------------ what there is

  get link(): L | null {
    return this.#link;
  }

  get isConnected(): boolean {
    return this.#link !== null;
  }

  /** Whether `end` or `beginEnd` has been called. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether a QoS 1 or 2 message would be sent at once. */
  get isReady(): boolean {
    return this.#link?.isWritable === true && this.#window.mayBegin && !this.hasBacklog;
  }

  /** Whether a QoS 0 message goes at once to a link that takes any number; the router then may bypass `deliver`. */
  get isOpenForQoS0(): boolean {
    return this.#link !== null && this.#replays.isOver && this.#queue.transientCount === 0;
  }

  /** Whether anything waits, so that a new message has to wait, too. */
  get hasBacklog(): boolean {
    return this.#queue.length > 0 || !this.#replays.isOver || this.#resends.length > 0;
  }

  /** Whether anything waits, or is under way, that is acknowledged when it has come: all but QoS 0. */
  get hasUnsettled(): boolean {
    const { length, transientCount } = this.#queue;
    return length > transientCount || !this.#replays.isOver || this.#window.count > 0;
  }

  /** Whether `deliverImage` may be used. */
  get takesImages(): boolean {
    return this.#memoryQueue !== null && this.expiryInterval === 0;
  }

  /** What was published and waits. */
  get queue(): Waiting {
    return this.#queue;
  }

  /** Retained messages that have been found for new subscriptions and wait; a few bytes each. */
  get replays(): Waiting {
    return this.#replays;
  }

  /** Messages that wait to be sent for the first time. */
  get queuedCount(): number {
    return this.#queue.length + this.#replays.length;
  }

  /** Retained messages that wait, after so many. Nothing may change while they are gone through. */
  replaysAfter(skipped: number): Generator<Delivery> {
    return this.#replays.waitingAfter(skipped);
  }

  /**
   * What was published and waits, in its order, but for QoS 0 of a stored session. Nothing may change while it is gone through.
   *
   * @param place - of the last that was seen (`WaitingMessage.place`); 0 for all
   */
  waitingAfter(place: number): Generator<WaitingMessage> {
    return (this.stored?.queue ?? (this.#memoryQueue as MemoryQueue)).waitingAfter(place);
  }

  /** Those that were sent and are not settled, in the order in which they were first sent. Frames are their identifiers alone. */
  get inflight(): { readonly deliveries: Iterable<Delivery>; readonly frames: Iterable<number> } {
    return { deliveries: this.#window.deliveries, frames: this.#window.frameIds };
  }

  /** QoS 1 and 2 messages sent and not fully acknowledged. */
  get inflightCount(): number {
    return this.#window.count;
  }

  /** How many of them the client takes at a time, as its last CONNECT said; 0 before. */
  get inflightMax(): number {
    return this.#window.sendQuotaMax;
  }

  /** What they count in `inflightMemory`. */
  get inflightBytes(): number {
    return this.#window.bytes;
  }

  /** Whether a message of this many bytes would find no room in the queue. */
  isFullFor(bytes: number): boolean {
    return this.#queue.isFullFor(bytes);
  }

  // ------------------------------------------------------- the connection, and the end

  /**
   * Connects the session. What was sent and not acknowledged is sent again in its order, then what
   * waits, as far as the quota goes [MQTT-4.4.0-1].
   *
   * @param sendQuota - the client's Receive Maximum or our own limit, 1 to 65,535
   */
  attach(link: L, sendQuota: number, now: number): void {
    this.#link = link;
    this.#window.beginConnection(sendQuota);
    this.received.beginConnection();
    this.#resends.clear();
    for (const delivery of this.#window.deliveries) {
      const { state, packetId, position, isReference } = delivery;
      if (state !== DeliveryState.Released) this.#resends.push(delivery);
      else if (this.#isSafe(position, isReference)) link.sendPubrel(packetId);
    }
    this.pump(now);
  }

  /** The connection is gone; the session stays. QoS 0 messages that were waiting are dropped. */
  detach(): void {
    this.#link = null;
    this.#resends.clear();
    for (const delivery of this.#queue.takeTransient()) this.#onDrop('session-ended', delivery);
    this.#queue.forgetMessages();
  }

  /**
   * Ends the session and empties it.
   *
   * @returns deliveries of shared subscriptions that another member may still get: never sent, or
   * sent at QoS 1 (§4.8.2, [MQTT-4.8.2-5])
   */
  end(): Delivery[] {
    this.#link = null;
    this.#isEnded = true;
    const orphans: Delivery[] = [];
    for (const delivery of this.#window.deliveries) {
      if (delivery.group !== null && delivery.qos === 1) orphans.push(delivery);
      else this.#onDrop('session-ended', delivery);
    }
    for (let count = this.#window.frameCount; count > 0; count--) {
      this.#onDrop('session-ended', FRAME_DELIVERY);
    }
    for (const delivery of this.#queue.takeShared(() => true, true)) orphans.push(delivery);
    this.#queue.clear();
    this.#window.clear();
    this.#resends.clear();
    this.#replays.clear();
    this.received.clear();
    return orphans;
  }

  /** Empties a restored session that ended before its process did; what it had has been given up then. */
  forgetAll(): void {
    this.#isEnded = true;
    this.stored?.queue.forgetAll();
    this.#window.clear();
    this.#replays.clear();
    this.received.clear();
  }

  /**
   * Ends a stored session of which much may wait: its queue stays, and so does what was sent at QoS 1 through shared
   * subscriptions, to be taken in steps with `stored.after` and `stored.take` (§4.8.2).
   *
   * @returns what isn't stored, and another member may still get
   */
  beginEnd(): Delivery[] {
    this.#link = null;
    this.#isEnded = true;
    this.#resends.clear();
    this.received.clear();
    this.#queue.forgetMessages();
    const unstored: Delivery[] = [];
    const over: Delivery[] = [];
    for (const delivery of this.#replays.deliveries) over.push(delivery);
    this.#replays.clear();
    for (const delivery of this.#window.deliveries) {
      if (delivery.group === null || delivery.qos !== 1) over.push(delivery);
      else if (delivery.sequence === 0) unstored.push(delivery);
    }
    for (const delivery of this.stored?.queue.takeUnstored() ?? []) {
      (delivery.group === null ? over : unstored).push(delivery);
    }
    for (const delivery of unstored) this.#window.delete(delivery);
    for (const delivery of over) {
      this.#window.delete(delivery);
      this.#onDrop('session-ended', delivery);
    }
    return unstored;
  }

  /**
   * Takes back what was queued through shared subscriptions and never sent, for another member.
   *
   * @param isTaken - whether there is one for a shared subscription, given by its whole filter
   */
  takeShared(isTaken: (group: string) => boolean): Delivery[] {
    return this.#queue.takeShared(isTaken, false);
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
      if (link.takesOneByOne === true ? link.isWritable && !this.hasBacklog : this.isOpenForQoS0) {
        this.#sendFirst(link, delivery);
        return;
      }
    } else if (link !== null && this.isReady && this.#isSafe(position, isReference)) {
      this.#sendFirst(link, delivery);
      return;
    }
    if (this.#isEnded) {
      this.#onDrop('session-ended', delivery);
      return;
    }
    const isFirst = this.#queue.length === 0;
    this.#queue.push(delivery, now);
    // Nothing else may come by which the store would learn that somebody waits.
    if (isFirst && link !== null) this.stored?.awaitCommit();
  }

  /**
   * Sends a message now if the connection and the quota allow it, or queues it, as the packet that it is.
   * The session `takesImages`; the message is of no shared subscription and doesn't expire.
   *
   * @param flags - `qos << 1 | retain`
   * @returns false when it has to be delivered as a message instead
   */
  deliverImage(image: PublishImage, flags: number, now: number): boolean {
    const link = this.#link;
    if (link !== null && this.isReady) {
      this.#sendImage(link, image, flags);
      return true;
    }
    return (this.#memoryQueue as MemoryQueue).pushFrame(image, flags, now);
  }

  /**
   * Begins the exchange of a message that the caller sends now by itself. The session `takesImages` and
   * `isReady`; the message is of no shared subscription.
   *
   * @returns its packet identifier
   */
  beginExchange(qos: 1 | 2): number {
    return this.#window.beginFrame(qos);
  }

  /**
   * The message of an exchange that was begun just now could not be sent.
   *
   * @param packet - its packet, or its topic
   */
  cancelExchange(packetId: number, reason: DropReason, packet: PublishImage | string): void {
    this.#window.endFrame(packetId);
    this.#onDrop(reason, FRAME_DELIVERY, packet);
  }

  /** Sends what waits, as far as quota and connection allow. Call it when the connection drains. */
  pump(now: number): void {
    const link = this.#link;
    if (link === null) return;
    while (link.isWritable && this.#window.hasQuota) {
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
      if (replay.qos > 0 && !this.#window.mayBeginWith(replay)) return undefined;
      if (!this.#isSafe(replay.position, replay.isReference)) {
        this.stored?.awaitCommit();
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
    if (!this.#window.mayBegin && this.#queue.isFirstInStore) return undefined;
    const head = this.#queue.peek(now);
    if (head === undefined || (head.qos > 0 && !this.#window.mayBeginWith(head))) return undefined;
    return this.#queue.shift();
  }

  /** Whether what a delivery depends on is stored as safely as it has to be before it is sent. */
  #isSafe(position: number, isReference: boolean): boolean {
    return this.stored === null || this.stored.isSafe(position, isReference);
  }

  #sendFirst(link: SessionLink, delivery: Delivery): void {
    if (delivery.qos > 0) delivery.packetId = this.#window.packetIdFor(delivery);
    this.stored?.noteSent(delivery);
    const refused = link.sendPublish(delivery, delivery.isSent);
    if (refused !== null) {
      delivery.packetId = 0;
      this.#onDrop(refused, delivery);
    } else if (delivery.qos > 0) {
      this.#window.begin(delivery);
    }
  }

  #sendQueuedFrame(link: SessionLink): void {
    const frames = (this.#memoryQueue as MemoryQueue).frames as FrameQueue;
    this.#sendImage(link, frames, frames.flags);
    if (frames.length === 0) frames.clear();
  }

  #sendImage(link: SessionLink, image: PublishImage, flags: number): void {
    const packetId = this.beginExchange((flags >> 1) as 1 | 2);
    const refused = link.sendImage(image, flags, packetId);
    if (refused !== null) this.cancelExchange(packetId, refused, image);
  }

  /** @returns false while the message is being read back: the delivery has to be sent later */
  #sendAgain(link: SessionLink, delivery: Delivery): boolean {
    // It may have been acknowledged on this connection before we came to send it again.
    if (!this.#window.has(delivery) || delivery.state !== DeliveryState.Published) return true;
    const drop = (reason: DropReason) => {
      this.#window.delete(delivery);
      this.#onDrop(reason, delivery);
    };
    if (delivery.message === STORED_MESSAGE) {
      // Only what is stored leaves memory.
      const message = this.stored?.fetch(delivery.position) ?? null;
      if (message === null) return false;
      if (message === 'lost') {
        drop('lost');
        return true;
      }
      delivery.message = message;
    }
    const refused = link.sendPublish(delivery, true);
    if (refused === null) this.#window.beginAgain(delivery);
    else drop(refused);
    return true;
  }

  // -------------------------------------------------------------- retained messages

  /** Retained messages are going to be replayed, until `endReplay`: later messages wait for them. */
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

  // ------------------------------------------------------- what the client answers

  /** PUBACK: a QoS 1 delivery is complete, whatever its reason code [MQTT-4.4.0-2]. */
  onPuback(packetId: number, now: number): AckResult {
    const result = this.#window.onPuback(packetId);
    if (result === 'ok' && this.hasBacklog) this.pump(now);
    return result;
  }

  /**
   * PUBREC: an error code ends the QoS 2 delivery, else PUBREL is due [MQTT-4.3.3-4]. After `ok` with
   * a reason code below 0x80, and after `unknown`, the caller answers with PUBREL.
   */
  onPubrec(packetId: number, reasonCode: number, now: number): AckResult {
    const result = this.#window.onPubrec(packetId, reasonCode);
    if (result === 'ok' && reasonCode >= 0x80 && this.hasBacklog) this.pump(now);
    return result;
  }

  /** PUBCOMP: a QoS 2 delivery is complete. */
  onPubcomp(packetId: number, now: number): AckResult {
    const result = this.#window.onPubcomp(packetId);
    if (result === 'ok' && this.hasBacklog) this.pump(now);
    return result;
  }

  /**
   * A message of QoS 1 or 2 has been dealt with, by who says so once and for all.
   *
   * @returns `unknown` when no message that was sent has the packet identifier
   */
  settle(packetId: number, now: number): AckResult {
    const result = this.#window.settle(packetId);
    if (result === 'ok' && this.hasBacklog) this.pump(now);
    return result;
  }

  /**
   * All messages of a stored session up to a sequence have been dealt with, whether they were sent on this connection, on an
   * earlier one, or by a process that has ended. What is sent has to be sent in the order of sequences: nothing is owed of
   * retained messages, and nothing is of QoS 2.
   */
  settleUpTo(sequence: number, now: number): void {
    this.stored?.settleUpTo(sequence);
    if (this.hasBacklog) this.pump(now);
  }

  // ------------------------------------------------------------------------- for tests

  /** @throws {Error} when something of it isn't as it has to be */
  checkInvariants(): void {
    this.#window.checkInvariants(this.isConnected);
    this.#queue.checkInvariants();
    this.#replays.checkInvariants();
    this.received.checkInvariants();
    this.stored?.checkInvariants();
    invariant(!this.#isEnded || !this.isConnected, 'it has ended, and is connected');
    invariant(this.isConnected || this.#resends.length === 0, 'resends without a connection');
  }
}

/**
 * The deliveries of a session as the store knows them, for those who know that it is stored.
 *
 * @throws {Error} when it is in memory only
 */
export function storedOf<L extends SessionLink>({
  clientId,
  stored,
}: Session<L>): StoredDeliveries<Session<L>> {
  if (stored === null) throw new Error(`session ${clientId} is in memory only`);
  return stored;
}
