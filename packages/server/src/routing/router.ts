import { decodeTopicName, PacketError, type PublishView, ReasonCode } from '@promptmq/codec';
import { Delivery, type Message, messageSize, STORED_MESSAGE } from '@promptmq/session';
import {
  type Recipient,
  RetainedStore,
  type Route,
  type SharedGroup,
  SubscriptionTrie,
  TopicCache,
} from '@promptmq/topics';
import type { Config } from '../config/index.ts';
import type { Peer } from '../connection/peer.ts';
import type { MemoryLedger } from '../runtime/memory-ledger.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import { type Turns, UnitsFor, unitsOfDelivery } from '../runtime/turns.ts';
import { type BrokerSession, isStoredFor } from '../sessions/broker-session.ts';
import type { Journal } from '../storage/journal.ts';
import type { Origin } from '../storage/records/message-record.ts';
import type { ClientEvents } from '../tracing/client-events.ts';
import { Publication } from './publication.ts';
import { DOLLAR, isReserved } from './reserved-topics.ts';
import type { TopicMeter } from './topic-meter.ts';

/**
 * Takes a PUBLISH to everyone who gets it. This is the hot path: a QoS 0 message goes from the
 * publisher's read buffer to each subscriber's output buffer without an object of its own.
 */
export class Router {
  readonly trie: SubscriptionTrie<BrokerSession>;
  readonly retained: RetainedStore<Message>;
  /** Where what outlives the process is written. */
  journal: Journal;
  /** Who is told of what the rules refuse. */
  clientEvents: ClientEvents | null;
  /** The record that the last PUBLISH was written in, to be safe before it is acknowledged; -1: none. */
  position: number;
  /** Counts messages by topic filter, where that is asked for. */
  topicMeter: TopicMeter | null;
  readonly #topics: TopicCache<BrokerSession>;
  readonly #config: Config;
  readonly #runtime: Runtime;
  readonly #stats: BrokerStats;
  readonly #turns: Turns;

  #rejectsWhenFull: boolean;

  /** The PUBLISH that is being routed. */
  readonly #publication: Publication;
  #publisher: Peer | null = null;
  /** Those who are to get it from the log, and their deliveries. */
  readonly #storedSessions: BrokerSession[] = [];
  readonly #storedDeliveries: Delivery[] = [];

  constructor(
    config: Config,
    runtime: Runtime,
    stats: BrokerStats,
    memory: MemoryLedger,
    turns: Turns,
    journal: Journal,
  ) {
    this.#config = config;
    this.#runtime = runtime;
    this.#stats = stats;
    this.#turns = turns;
    this.#publication = new Publication(config, runtime);
    this.#rejectsWhenFull = config.mqtt.queueOverflow === 'reject';
    this.journal = journal;
    this.clientEvents = null;
    this.position = -1;
    const { mqtt } = config;
    this.trie = new SubscriptionTrie({ overlapping: mqtt.overlappingSubscriptions });
    this.retained = new RetainedStore({
      get messagesMax() {
        return mqtt.maxRetained;
      },
      get bytesMax() {
        return mqtt.maxRetainedBytes;
      },
      sizeOf: messageSize,
      onExpired: ({ topic }) => this.journal.dropRetained(topic),
      isExempt: ({ topicBytes }) => isReserved(topicBytes),
      historyMemory: memory.replays,
    });
    this.topicMeter = null;
    this.#topics = new TopicCache(
      this.trie,
      (buffer, start, end) => this.#decodeTopic(buffer, start, end),
      { memory: memory.topics },
    );
  }

  /** The configuration was changed: takes over what isn't read from there each time. */
  reconfigure(): void {
    const { queueOverflow, overlappingSubscriptions } = this.#config.mqtt;
    this.#rejectsWhenFull = queueOverflow === 'reject';
    this.trie.setOverlapping(overlappingSubscriptions);
  }

  /**
   * Routes a PUBLISH that a client sent.
   *
   * @param view - read and valid; not kept
   * @returns the reason code for PUBACK or PUBREC
   * @throws {PacketError} when the topic name or its alias ends the connection
   */
  publish(view: PublishView, publisher: Peer): number {
    const route = this.resolve(view, publisher);
    const publication = this.#publication;
    publication.begin(view, route, publisher);
    this.#publisher = publisher;
    const { journal } = this;
    if (this.#mayRefuse(view, route, publisher)) {
      const refusal = this.#refusalOf(view, route, publisher);
      if (refusal !== ReasonCode.Success) return refusal;
    }
    this.topicMeter?.count(route, view.payloadEnd - view.payloadStart);
    // What the disk has no room for is delivered all the same at QoS 0, only not retained.
    const isRetaining = view.retain && journal.isOpen;
    const former = isRetaining ? journal.formerRetained(route.topic) : undefined;
    if (isRetaining && !this.#retain(publication.message)) return ReasonCode.QuotaExceeded;

    const { recipients, groups } = route;
    const size = view.payloadEnd - view.payloadStart;
    this.#turns.used += unitsOfDelivery(recipients.length + groups.length, size);
    for (let index = 0; index < recipients.length; index++) {
      this.#forward(recipients[index] as Recipient<BrokerSession>, null);
    }
    for (let index = 0; index < groups.length; index++) {
      const group = groups[index] as SharedGroup<BrokerSession>;
      const recipient = group.next();
      if (recipient !== null) this.#forward(recipient, group);
    }
    const origin = view.qos === 2 ? originOf(view, publisher.session as BrokerSession) : null;
    if (origin !== null || isRetaining || this.#storedDeliveries.length > 0) {
      this.#store(publication.writtenMessage, origin, isRetaining, former);
    }
    return recipients.length + groups.length === 0
      ? ReasonCode.NoMatchingSubscribers
      : ReasonCode.Success;
  }

  /** Whether there is anything at all for which a message could be refused: mostly there isn't, and this is quick. */
  #mayRefuse(view: PublishView, route: Route<BrokerSession>, publisher: Peer): boolean {
    return (
      publisher.permissions !== null ||
      this.#rejectsWhenFull ||
      route.topicBytes[0] === DOLLAR ||
      ((view.qos > 0 || view.retain) && !this.journal.isOpen)
    );
  }

  /**
   * What permissions, full queues and a full disk say of a message, before anyone has got it.
   *
   * @throws {PacketError} before MQTT 5, where a message can only be refused by not acknowledging it
   */
  #refusalOf(view: PublishView, route: Route<BrokerSession>, publisher: Peer): number {
    const { permissions } = publisher;
    if (isReserved(route.topicBytes) || permissions?.mayPublish(route.topic) === false) {
      this.#stats.refused['not-authorized']++;
      this.clientEvents?.accessRefused(publisher, publisher.clientId, 'publish', route.topic);
      return ReasonCode.NotAuthorized;
    }
    // What the publisher's session received at QoS 2 is stored, whoever gets it.
    const isNoted = view.qos === 2 && (publisher.session as BrokerSession).isStored;
    const isFull = !this.journal.isOpen;
    if (isFull && (isNoted || this.#needsStorage(route, view.qos, view.retain))) {
      this.#stats.refused['storage-full']++;
      if (view.qos === 0) return ReasonCode.Success;
      if (publisher.version === 5) return ReasonCode.QuotaExceeded;
      throw new PacketError(ReasonCode.QuotaExceeded, '§4.13', 0, 'no room to store the message');
    }
    if (this.#rejectsWhenFull && this.#isAnyQueueFull(route, view)) {
      this.#stats.refused['queue-full']++;
      return ReasonCode.QuotaExceeded;
    }
    return ReasonCode.Success;
  }

  /**
   * Routes a message that no connection is sending just now: a will, or one of the broker's own.
   *
   * @param origin - what the log has to know with it
   * @returns false when the disk is full, and the message was not routed
   */
  publishMessage(message: Message, origin: Origin | null = null): boolean {
    const route = this.#topics.lookupTopic(message.topic);
    this.#publisher = null;
    this.position = -1;
    this.topicMeter?.count(route, message.payload.length);
    // What the broker says of itself ends with it.
    const isWritten = !isReserved(message.topicBytes);
    const isFull = isWritten && !this.journal.isOpen;
    if (isFull && this.#needsStorage(route, message.qos, message.retain)) return false;
    const former = message.retain ? this.journal.formerRetained(message.topic) : undefined;
    if (message.retain) this.#retain(message);
    for (const recipient of route.recipients) {
      this.#deliver(recipient, message, null, isWritten);
    }
    for (const group of route.groups) {
      const recipient = group.next();
      if (recipient !== null) this.#deliver(recipient, message, group, isWritten);
    }
    if (!isWritten || isFull) return true;
    if (message.retain || this.#storedDeliveries.length > 0 || origin !== null) {
      this.#store(message, origin, message.retain, former);
    }
    return true;
  }

  /**
   * Gives deliveries of shared subscriptions that are in memory only to other members.
   *
   * @param except - whose they were
   * @returns those that nobody else can take
   */
  redeliver(deliveries: readonly Delivery[], except: BrokerSession): Delivery[] {
    const left: Delivery[] = [];
    for (const delivery of deliveries) {
      const recipient = this.trie.group(delivery.group as string)?.next(except) ?? null;
      if (recipient === null || this.#isStuck(delivery, recipient)) left.push(delivery);
      else this.#handOver(delivery, recipient);
    }
    return left;
  }

  /**
   * Whether a delivery can't be handed over without the log, which can't be written: QoS 2 can't go to a session that
   * is stored, as its packet identifier would be used again after a restart.
   */
  #isStuck({ message }: Delivery, { session, qos }: Recipient<BrokerSession>): boolean {
    if (this.journal.isOpen) return false;
    return session.isStored && message.qos === 2 && qos === 2;
  }

  #handOver(delivery: Delivery, recipient: Recipient<BrokerSession>): void {
    const { session } = recipient;
    const now = this.#runtime.now();
    if (delivery.message.expiresAt <= now) {
      this.#stats.dropped.expired++; // [MQTT-3.3.2-5]
      return;
    }
    const next = this.deliveryFor(delivery, recipient);
    if (session.isStored && next.qos > 0 && this.journal.isOpen) {
      this.journal.writeReferences(session, [next]);
    }
    session.deliver(next, now);
  }

  /** The delivery that another member of a shared subscription gets in the place of one. */
  deliveryFor(
    { message, qos, retain, group }: Delivery,
    recipient: Recipient<BrokerSession>,
  ): Delivery {
    // Of a message that isn't read, what is known is what its former delivery had.
    const published = message === STORED_MESSAGE ? { qos, retain } : message;
    return new Delivery(
      message,
      published.qos < recipient.qos ? published.qos : recipient.qos,
      published.retain && recipient.retainAsPublished,
      recipient.identifiers,
      group,
    );
  }

  /** A message was not routed to its end: what had been prepared for it is not the next one's. */
  abandon(): void {
    this.#storedSessions.length = 0;
    this.#storedDeliveries.length = 0;
    this.#publisher = null;
  }

  /** Whether a message can't be routed without the log. */
  #needsStorage(route: Route<BrokerSession>, qos: 0 | 1 | 2, retain: boolean): boolean {
    if (retain) return true;
    if (qos === 0) return false;
    return (
      route.recipients.some(isStoredFor) ||
      route.groups.some(({ members }) => members.some(({ recipient }) => isStoredFor(recipient)))
    );
  }

  /** `mqtt.queue-overflow: reject`: a message is for all who match, or for nobody. */
  #isAnyQueueFull(route: Route<BrokerSession>, view: PublishView): boolean {
    if (view.qos === 0) return false;
    const { recipients, groups, topicBytes } = route;
    const isByAlias = view.topicStart === view.topicEnd;
    const size = view.end - view.start + (isByAlias ? topicBytes.length : 0);
    const isFull = ({ session, qos }: Recipient<BrokerSession>) =>
      qos > 0 && session.isFullFor(size);
    return (
      recipients.some(isFull) ||
      groups.some(({ members }) => members.every(({ recipient }) => isFull(recipient)))
    );
  }

  /** Writes the message for those who get it from the log, and hands them their deliveries. */
  #store(
    message: Message,
    origin: Origin | null,
    isRetained: boolean,
    former: Message | undefined,
  ): void {
    const sessions = this.#storedSessions;
    const deliveries = this.#storedDeliveries;
    this.position = this.journal.writeMessage(
      message,
      sessions,
      deliveries,
      origin,
      isRetained,
      former,
    );
    if (this.position === -1) return;
    this.#turns.used += UnitsFor.record + deliveries.length;
    const now = this.#runtime.now();
    for (let index = 0; index < deliveries.length; index++) {
      const session = sessions[index] as BrokerSession;
      session.deliver(deliveries[index] as Delivery, now);
      if (this.#publisher !== null) holdBackFor(session, this.#publisher);
    }
    sessions.length = 0;
    deliveries.length = 0;
  }

  /**
   * The topic's route: by name, or by the alias that stands for it. An alias that comes with a name is
   * set from then on, whatever becomes of the message (§3.3.2.3.4).
   *
   * @throws {PacketError} when the topic name or its alias ends the connection
   */
  resolve(view: PublishView, publisher: Peer): Route<BrokerSession> {
    const route = this.#resolve(view, publisher);
    const { trie } = this;
    if (trie.visitedNodes > 0) {
      this.#turns.used += trie.visitedNodes >> UnitsFor.nodesShift;
      trie.visitedNodes = 0;
    }
    return route;
  }

  #resolve(view: PublishView, publisher: Peer): Route<BrokerSession> {
    this.position = -1;
    const { topicAlias } = view;
    if (topicAlias === 0) return this.#topics.lookup(view.buffer, view.topicStart, view.topicEnd);
    const aliases = publisher.inboundAliases;
    if (!aliases.isValid(topicAlias)) {
      throw new PacketError(
        ReasonCode.TopicAliasInvalid,
        'MQTT-3.3.2-9',
        0,
        'topic alias too large',
      );
    }
    if (view.topicEnd > view.topicStart) {
      const route = this.#topics.lookup(view.buffer, view.topicStart, view.topicEnd);
      publisher.setAlias(topicAlias, route.topicBytes);
      return route;
    }
    const topic = aliases.get(topicAlias);
    if (topic === undefined) {
      throw new PacketError(ReasonCode.ProtocolError, '§3.3.2.3.4', 0, 'unknown topic alias');
    }
    return this.#topics.lookup(topic, 0, topic.length);
  }

  /** Checks a topic name that the cache doesn't know yet. */
  #decodeTopic(buffer: Uint8Array, start: number, end: number): string {
    const topic = decodeTopicName(buffer, start, end);
    if (this.isTooDeep(topic)) {
      throw new PacketError(
        ReasonCode.TopicNameInvalid,
        'MQTT-4.7.3-3',
        0,
        'topic name longer or deeper than this broker takes',
      );
    }
    return topic;
  }

  /** Whether a topic name or filter has more bytes or levels than the configuration allows. */
  isTooDeep(topic: string): boolean {
    const { maxTopicLen, maxTopicLevels } = this.#config.mqtt;
    if (topic.length * 3 > maxTopicLen && Buffer.byteLength(topic) > maxTopicLen) return true;
    return levelCount(topic) > maxTopicLevels;
  }

  /** Removes expired retained messages, a bounded number at a time. */
  sweepRetained(now: number, removalsMax: number): void {
    this.retained.removeExpired(now, removalsMax);
    this.#stats.retainedCurrent = this.retained.count;
  }

  #retain(message: Message): boolean {
    const result = this.retained.set(message);
    this.#stats.retainedCurrent = this.retained.count;
    if (result !== 'refused') return true;
    this.#stats.refused['retained-full']++;
    return false;
  }

  /** Takes the current PUBLISH to one recipient. */
  #forward(subscriber: Recipient<BrokerSession>, group: SharedGroup<BrokerSession> | null): void {
    const { view } = this.#publication;
    let recipient: Recipient<BrokerSession> | null = subscriber;
    if (recipient.session === (this.#publisher as Peer).session) {
      recipient = recipient.whenOwn;
      if (recipient === null) return; // [MQTT-3.8.3-3]
    }
    const { session } = recipient;
    const retain = view.retain && recipient.retainAsPublished; // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
    const qos = view.qos < recipient.qos ? view.qos : recipient.qos; // [MQTT-3.8.4-8]
    if (this.#forwardPacket(recipient, group, qos, retain)) {
      holdBackFor(session, this.#publisher as Peer);
      return;
    }
    const wholeFilter = group === null ? null : group.wholeFilter;
    const { identifiers } = recipient;
    const isUnkept = qos > 0 && session.isStored && !session.isConnected;
    const message = isUnkept ? this.#publication.unkeptMessage : this.#publication.message;
    const delivery = new Delivery(message, qos, retain, identifiers, wholeFilter);
    if (qos > 0 && session.isStored) {
      this.#storedSessions.push(session);
      this.#storedDeliveries.push(delivery);
      return;
    }
    session.deliver(delivery, this.#runtime.now());
    holdBackFor(session, this.#publisher as Peer);
  }

  /**
   * Passes it on as a packet, without an object for it.
   *
   * @returns false when it has to be kept, or its QoS 1 or 2 exchange may have to go on in another way
   */
  #forwardPacket(
    { session, identifiers }: Recipient<BrokerSession>,
    group: SharedGroup<BrokerSession> | null,
    qos: 0 | 1 | 2,
    retain: boolean,
  ): boolean {
    const { link } = session;
    if (link === null) return false;
    const { sender } = link;
    const isOwn = identifiers.length > 0 || sender.aliases !== null;
    const flags = (qos << 1) | (retain ? 1 : 0);
    if (qos === 0) {
      if (!session.isOpenForQoS0) return false;
      if (!isOwn) {
        sender.sendQoS0(this.#publication.frame(sender.version), retain);
        return true;
      }
      const refused = sender.sendParts(this.#publication.parts, flags, 0, identifiers);
      if (refused !== null) this.#stats.dropped[refused]++;
      return true;
    }
    if (group !== null || !session.takesFrames) return false;
    if (!isOwn && this.#publication.isFrame) {
      const { receivedAt } = this.#publisher as Peer;
      return session.deliverFrame(this.#publication.idFrame(sender.version), flags, receivedAt);
    }
    if (!session.isReady) return false;
    const packetId = session.beginExchange(qos);
    const refused = sender.sendParts(this.#publication.parts, flags, packetId, identifiers);
    if (refused !== null) session.cancelExchange(packetId, refused);
    return true;
  }

  #deliver(
    subscriber: Recipient<BrokerSession>,
    message: Message,
    group: SharedGroup<BrokerSession> | null,
    isStoring: boolean,
  ): void {
    const isOwn = subscriber.session.clientId === message.publisherId;
    const recipient = isOwn ? subscriber.whenOwn : subscriber;
    if (recipient === null) return; // [MQTT-3.8.3-3]
    const { session, identifiers } = recipient;
    const qos = message.qos < recipient.qos ? message.qos : recipient.qos;
    const retain = message.retain && recipient.retainAsPublished;
    const delivery = new Delivery(message, qos, retain, identifiers, group?.wholeFilter ?? null);
    if (isStoring && qos > 0 && session.isStored) {
      this.#storedSessions.push(session);
      this.#storedDeliveries.push(delivery);
    } else {
      session.deliver(delivery, this.#runtime.now());
    }
  }
}

/** A publisher waits for a subscriber that is behind. */
function holdBackFor({ link }: BrokerSession, publisher: Peer): void {
  if (link?.isCongested) link.holdBack(publisher);
}

/** The QoS 2 exchange of a stored session that a message begins; null when the session isn't stored. */
function originOf({ packetId }: PublishView, { stored }: BrokerSession): Origin | null {
  return stored === null ? null : { kind: 'received', session: stored.number, packetId };
}

function levelCount(topic: string): number {
  let count = 1;
  for (let index = topic.indexOf('/'); index !== -1; index = topic.indexOf('/', index + 1)) count++;
  return count;
}
