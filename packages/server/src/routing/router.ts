import type { Permissions } from '@promptmq/auth';
import { type PublishView, ReasonCode } from '@promptmq/codec';
import type { Delivery, Message } from '@promptmq/session';
import { messageSize } from '@promptmq/session';
import {
  invariant,
  NO_IDENTIFIERS,
  type Recipient,
  RetainedStore,
  type Route,
  type SharedGroup,
  SubscriptionTrie,
} from '@promptmq/topics';
import type { Config } from '../config/index.ts';
import type { HeldPublisher, Peer } from '../connection/peer.ts';
import type { BrokerHooks } from '../hooks/broker-hooks.ts';
import type { MemoryLedger } from '../runtime/memory-ledger.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BrokerStats, RefusalReason } from '../runtime/stats.ts';
import { type Turns, UnitsFor, unitsOfDelivery } from '../runtime/turns.ts';
import { type BrokerSession, isStoredFor } from '../sessions/broker-session.ts';
import { INSIDE_PUBLISHER } from '../sessions/inside-identifiers.ts';
import {
  deliveryOf,
  expiryTime,
  flagsFor,
  handedOver,
  recipientOf,
  remainingExpiry,
} from '../sessions/recipient-terms.ts';
import type { Journal } from '../storage/journal.ts';
import type { CellOrigin, Origin } from '../storage/records/message-record.ts';
import type { EventSinks } from '../tracing/broker-events.ts';
import {
  absentClient,
  type ClientEvents,
  denialOf,
  eventClientOf,
} from '../tracing/client-events.ts';
import { messageInfoOf } from '../tracing/message-info.ts';
import { type ExplainedMessage, type Explanation, explanationOf } from './explanation.ts';
import { type MessageSampler, NOTED_SUBSCRIBERS_MAX } from './meters/message-sampler.ts';
import type { TopicMeter } from './meters/topic-meter.ts';
import {
  type ForwardedTo,
  ONLY_RETAINED,
  type PeerCell,
  type PeerRoute,
  type Peers,
  type PeerTarget,
} from './peers.ts';
import { Publication, type Publisher } from './publication.ts';
import { Refusals, TAKEN } from './refusals.ts';
import type { RequestTaker } from './request-taker.ts';
import { isBrokersOwn, isReserved } from './reserved-topics.ts';
import { Stamper } from './stamper.ts';
import { TopicRoutes } from './topic-routes.ts';

/** What became of a message. One instance is used for all of a router's: it is read at once, before another one is routed. */
export interface Outcome {
  /**
   * For PUBACK or PUBREC: Success, NoMatchingSubscribers, or why nobody got it. Of a message that no connection was
   * sending, QuotaExceeded says that the disk is full, and it may be published again when there is room.
   */
  readonly reasonCode: number;
  /** The record that it was written in, to be safe before the message is acknowledged; -1: none. */
  readonly position: number;
}

/** What became of a message of another cell; one instance, as `Outcome`. */
export interface ForwardedOutcome extends Outcome {
  /** Whole filters of the shared groups of which a member got it who has nothing in the log. */
  readonly givenGroups: readonly string[];
}

/** Why a message of the program that the broker is embedded in did not go to anyone. */
type InsideRefusal = Extract<RefusalReason, 'queue-full' | 'retained-full' | 'storage-full'>;

/** What became of a message of the program that the broker is embedded in. */
export interface InsideOutcome extends Outcome {
  /** How many subscriptions match: sessions, and groups of shared ones. */
  readonly matched: number;
  /** Why nobody got it; null when it was routed. */
  readonly refusal: InsideRefusal | null;
}

const NO_PROPERTIES = new Uint8Array(0);
const NOBODY: readonly Recipient<BrokerSession>[] = [];

/** What becomes of a message that is published with RETAIN. */
interface Retaining {
  /** There is no room for it. */
  readonly isRefused: boolean;
  /** Whether it is written here as its topic's. */
  readonly isKept: boolean;
  /** What it takes the place of, for when it can't be written. */
  readonly former: Message | undefined;
  /** The other cell that keeps it; null when there is none. */
  readonly keeper: PeerCell | null;
}

const NOT_RETAINED: Retaining = {
  isRefused: false,
  isKept: false,
  former: undefined,
  keeper: null,
};

/** Members of a shared group that are asked about for a message that some of them may not get. */
const MEMBERS_ASKED_MAX = 100;

/** Who sends a message, as far as it waits for recipients that are behind. */
export interface Sender extends HeldPublisher {
  /** When the message came, in milliseconds of the broker's time. */
  readonly receivedAt: number;
}

/**
 * Takes a message to everyone who gets it, whoever published it. This is the hot path: a QoS 0 message goes from the
 * publisher's read buffer to each subscriber's output buffer without an object of its own.
 */
export class Router {
  readonly trie: SubscriptionTrie<BrokerSession>;
  readonly retained: RetainedStore<Message>;
  /** Where what outlives the process is written. */
  journal: Journal;
  /** Counts messages by topic filter, where that is asked for. */
  topicMeter: TopicMeter | null;
  /** Looks at some of the messages; null where nobody does. */
  sampler: MessageSampler | null;
  /** Takes requests to the broker; null where nobody does. */
  requests: RequestTaker | null;
  /** Asked for each message that is sent; null where nobody is. */
  hooks: BrokerHooks | null;
  /** Takes messages to other cells; null where there are none. */
  peers: Peers | null;
  /** Whether a hook is asked just now, in the middle of a message. */
  #isAsking: boolean;
  readonly #routes: TopicRoutes;
  readonly #config: Config;
  readonly #runtime: Runtime;
  readonly #stats: BrokerStats;
  readonly #turns: Turns;
  /** Who is notified of what is published, refused or dropped. */
  readonly #clientEvents: ClientEvents;
  readonly #sinks: EventSinks;

  readonly #refusals: Refusals;
  /** Says in messages who published them; null where nothing does. */
  #stamper: Stamper | null;

  /** The message that is being routed. */
  #publication: Publication;
  /** Who sends it just now; null when nobody does, as it is a will or the broker's own. */
  #publisher: Sender | null = null;
  /** How many sessions get it, but for shared subscriptions. */
  #recipientCount = 0;
  readonly #forwarded: { reasonCode: number; position: number; readonly givenGroups: string[] } = {
    ...{ reasonCode: ReasonCode.Success, position: -1, givenGroups: [] },
  };
  readonly #outcome: { reasonCode: number; position: number };
  /** Those who are to get it from the log, and their deliveries. */
  #storedSessions: BrokerSession[] = [];
  #storedDeliveries: Delivery[] = [];
  /** Those of other cells who are to get it at QoS 0. */
  #peerTargets: PeerTarget[] = [];

  constructor(
    config: Config,
    runtime: Runtime,
    stats: BrokerStats,
    memory: MemoryLedger,
    turns: Turns,
    journal: Journal,
    clientEvents: ClientEvents,
  ) {
    this.#config = config;
    this.#runtime = runtime;
    this.#stats = stats;
    this.#turns = turns;
    this.#clientEvents = clientEvents;
    this.#sinks = clientEvents.sinks;
    this.#publication = new Publication();
    this.#outcome = { reasonCode: ReasonCode.Success, position: -1 };
    this.#refusals = new Refusals(this, config, stats, turns, clientEvents);
    this.#stamper = this.#makeStamper();
    this.journal = journal;
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
      onExpired: ({ topic }) => {
        stats.retainedCurrent = this.retained.count;
        this.journal.dropRetained(topic);
      },
      isExempt: ({ topicBytes }) => isReserved(topicBytes),
      historyMemory: memory.replays,
    });
    this.topicMeter = null;
    this.sampler = null;
    this.requests = null;
    this.hooks = null;
    this.peers = null;
    this.#isAsking = false;
    this.#routes = new TopicRoutes(this.trie, config, memory, turns);
  }

  /** Topics to which something was published of late, as far as they are known. Nothing may change meanwhile. */
  recentTopics(): Generator<string> {
    return this.#routes.recentTopics();
  }

  /** The configuration was changed: takes over what isn't read from there each time. */
  reconfigure(): void {
    this.#refusals.reconfigure();
    this.trie.setOverlapping(this.#config.mqtt.overlappingSubscriptions);
    this.#stamper = this.#makeStamper();
  }

  #makeStamper(): Stamper | null {
    const { stamp } = this.#config.mqtt;
    return stamp.length === 0 ? null : new Stamper(stamp, () => this.#runtime.wallNow());
  }

  /**
   * The will of a client that is published now, as `mqtt.stamp` has it.
   *
   * @param userName - who the client was; null when it had not proved it
   */
  stampedWill(message: Message, userName: string | null): Message {
    return this.#stamper?.stamped(message, message.publisherId, userName) ?? message;
  }

  /**
   * Routes a PUBLISH that a client sent.
   *
   * @param view - read and valid; not kept
   * @param origin - what the log has to know with it
   * @throws {PacketError} when the topic name or its alias ends the connection
   */
  publish(view: PublishView, publisher: Peer, origin: Origin | null): Outcome {
    return this.publishTo(this.#routes.ofPacket(view, publisher), view, publisher, origin);
  }

  /**
   * The route of a PUBLISH that is to be decided on before it is routed.
   *
   * @throws {PacketError} when the topic name or its alias ends the connection
   */
  routeOf(view: PublishView, publisher: Peer): Route<BrokerSession> {
    return this.#routes.ofPacket(view, publisher);
  }

  /** As `publish`, with the route of `routeOf`: it is looked for again where subscriptions have changed since. */
  publishTo(
    found: Route<BrokerSession>,
    view: PublishView,
    publisher: Peer,
    origin: Origin | null,
  ): Outcome {
    const isOutdated = found.generation !== this.trie.generation;
    const route = isOutdated ? this.#routes.ofPacket(view, publisher) : found;
    const expiresAt = this.#expiryOf(view);
    const stamper = this.#stamper;
    const stamped = stamper === null ? null : stampedProperties(stamper, view, publisher);
    this.#publication.borrow(view, route, publisher, expiresAt, stamped);
    this.#publisher = publisher;
    return this.#route(route, publisher, origin);
  }

  #expiryOf({ messageExpiryInterval: interval }: PublishView): number {
    const { maxMessageExpiry } = this.#config.mqtt;
    return interval < 0 && maxMessageExpiry === Number.POSITIVE_INFINITY
      ? maxMessageExpiry
      : expiryTime(interval, maxMessageExpiry, this.#runtime.now());
  }

  /** Routes a message that no connection is sending just now: a will, or one of the broker's own. */
  publishMessage(message: Message, origin: Origin | null = null): Outcome {
    return this.#isAsking ? this.#publishAside(message, origin) : this.#publish(message, origin);
  }

  /** The hook that is asked in the middle of a message has another one published: that is continued as if nothing had been. */
  #publishAside(message: Message, origin: Origin | null): Outcome {
    const publication = this.#publication;
    const publisher = this.#publisher;
    const recipientCount = this.#recipientCount;
    const sessions = this.#storedSessions;
    const deliveries = this.#storedDeliveries;
    const peerTargets = this.#peerTargets;
    this.#publication = new Publication();
    this.#storedSessions = [];
    this.#storedDeliveries = [];
    this.#peerTargets = [];
    this.#isAsking = false;
    try {
      return { ...this.#publish(message, origin) };
    } finally {
      this.#isAsking = true;
      this.#publication = publication;
      this.#publisher = publisher;
      this.#recipientCount = recipientCount;
      this.#storedSessions = sessions;
      this.#storedDeliveries = deliveries;
      this.#peerTargets = peerTargets;
    }
  }

  #publish(message: Message, origin: Origin | null): Outcome {
    const route = this.#routes.ofTopic(message.topic);
    this.#publication.keep(message, remainingExpiry(message.expiresAt, this.#runtime.now()));
    this.#publisher = null;
    return this.#route(route, null, origin);
  }

  /**
   * Routes a message of the program that the broker is embedded in, whose topic is valid and isn't the broker's own. It is
   * refused for what a client's is, but for permissions.
   *
   * @param sender - waits for recipients that are behind
   */
  publishInside(published: Message, sender: Sender): InsideOutcome {
    const message = this.#stamper?.stamped(published, null, null) ?? published;
    const route = this.#routes.ofTopic(message.topic);
    this.#publication.keep(message, remainingExpiry(message.expiresAt, this.#runtime.now()));
    const matched = route.recipients.length + route.groups.length;
    if (this.#refusals.isAnyQueueFull(this.#publication, route)) {
      this.#stats.refused['queue-full']++;
      return { reasonCode: ReasonCode.QuotaExceeded, position: -1, matched, refusal: 'queue-full' };
    }
    this.#publisher = sender;
    const { reasonCode, position } = this.#route(route, null, null);
    this.#publisher = null;
    let refusal: InsideRefusal | null = null;
    if (reasonCode === ReasonCode.QuotaExceeded) {
      refusal = this.journal.isOpen ? 'retained-full' : 'storage-full';
      // The other one is counted where it is found out.
      if (refusal === 'storage-full') this.#stats.refused[refusal]++;
    }
    return { reasonCode, position, matched, refusal };
  }

  /**
   * Takes a message to one session at QoS 0, where it has subscribed to the topic, and to nobody else.
   *
   * @param message - of the broker's own
   */
  publishOnlyTo(message: Message, session: BrokerSession): void {
    const route = this.#routes.ofTopic(message.topic);
    const recipient = route.recipients.find((one) => one.session === session);
    if (recipient === undefined) return;
    this.#publication.keep(message, remainingExpiry(message.expiresAt, this.#runtime.now()));
    this.#publisher = null;
    this.#recipientCount = 1;
    this.#forward(recipient, null);
  }

  /**
   * Takes what the broker says of its clients to those who may know it, at QoS 0; the others aren't told that there was something.
   *
   * @param payload - called when somebody gets it
   * @param mayHave - whether a session may
   */
  announce(
    topic: string,
    payload: () => Uint8Array,
    mayHave: (session: BrokerSession) => boolean,
  ): void {
    const { recipients, groups } = this.#routes.matchOf(topic);
    let isPrepared = false;
    const forward = (
      recipient: Recipient<BrokerSession>,
      group: SharedGroup<BrokerSession> | null,
    ) => {
      if (!isPrepared) {
        isPrepared = true;
        this.#publication.keep(ownMessage(topic, payload(), false), -1);
        this.#publisher = null;
        this.#recipientCount = recipients.length;
      }
      this.#forward(recipient, group);
    };
    for (const recipient of recipients) {
      if (mayHave(recipient.session)) forward(recipient, null);
    }
    for (const group of groups) {
      const count = Math.min(group.memberCount, MEMBERS_ASKED_MAX);
      for (let asked = 0; asked < count; asked++) {
        const member = group.next();
        if (member === null || !mayHave(member.session)) continue;
        forward(member, group);
        break;
      }
    }
  }

  /**
   * The same of a state: it is retained, too, while the broker runs.
   *
   * @param payload - empty when there is none any more
   */
  announceState(
    topic: string,
    payload: Uint8Array,
    mayHave: (session: BrokerSession) => boolean,
  ): void {
    const former = this.retained.get(topic)?.payload;
    if (former === undefined ? payload.length === 0 : isEqual(former, payload)) return;
    this.#retain(ownMessage(topic, payload, true));
    this.announce(topic, () => payload, mayHave);
  }

  /** Routes what a client publishes, as it was changed on its way here. */
  publishChanged(changed: Message, publisher: Peer, origin: Origin | null): Outcome {
    const { clientId, userName } = publisher;
    const message = this.#stamper?.stamped(changed, clientId, userName) ?? changed;
    const route = this.#routes.ofTopic(message.topic);
    this.#publication.keep(message, remainingExpiry(message.expiresAt, this.#runtime.now()));
    this.#publisher = publisher;
    return this.#route(route, publisher, origin);
  }

  /** A message isn't routed whose topic has been looked for. */
  refuse(reasonCode: number): Outcome {
    return this.#end(reasonCode, -1);
  }

  /**
   * A PUBLISH isn't routed, as it is refused, or has come before: what it says of topic aliases holds all the same.
   *
   * @param reasonCode - for the outcome
   * @throws {PacketError} when the topic name or its alias ends the connection
   */
  skip(view: PublishView, publisher: Peer, reasonCode: number): Outcome {
    this.#routes.ofPacket(view, publisher);
    return this.#end(reasonCode, -1);
  }

  /**
   * Takes `#publication` to all who get it.
   *
   * @param publisher - the client that sends it; null when none does
   */
  #route(route: Route<BrokerSession>, publisher: Peer | null, origin: Origin | null): Outcome {
    const publication = this.#publication;
    if (this.#refusals.mayRefuse(publication, route, publisher)) {
      const refusal = this.#refusals.of(publication, route, publisher, origin);
      if (refusal === TAKEN) return this.#end(ReasonCode.Success, -1);
      if (refusal !== ReasonCode.Success) return this.#end(refusal, -1);
    }
    const size = publication.payloadSize;
    this.topicMeter?.count(route, publication.qos, size);
    // What the broker says of itself ends with it.
    const { journal } = this;
    const isWritten = !isBrokersOwn(route);
    // What the disk has no room for is delivered all the same at QoS 0, only not retained.
    const isRetaining = publication.retain && (!isWritten || journal.isOpen);
    const retaining = isRetaining ? this.#retainFor(route, isWritten) : NOT_RETAINED;
    if (retaining.isRefused && this.#publisher !== null) {
      return this.#end(this.#refusals.retained(route, publisher), -1);
    }

    const { recipients, groups } = route;
    const sampler = this.sampler?.isDue() === true ? this.#noteSampled(route, size) : null;
    this.#recipientCount = recipients.length;
    this.#turns.used += unitsOfDelivery(recipients.length + groups.length, size);
    for (let index = 0; index < recipients.length; index++) {
      this.#forward(recipients[index] as Recipient<BrokerSession>, null);
    }
    let matched = recipients.length + groups.length;
    if (groups.length > 0 || this.peers !== null) {
      matched += this.#forwardFurther(route, retaining.keeper, sampler, size);
    }
    let position = -1;
    const mayBeStored = retaining.isKept || origin !== null || this.#storedDeliveries.length > 0;
    if (mayBeStored && isWritten && journal.isOpen) {
      position = this.#store(origin, retaining);
    }
    if (this.#sinks.publish !== null) this.#report(route, publisher, position);
    sampler?.endMessage();
    return this.#end(matched > 0 ? ReasonCode.Success : ReasonCode.NoMatchingSubscribers, position);
  }

  /**
   * Retains the message that is routed, as it is to be by now: where another cell keeps it, that decides, and what is here is a copy
   * which the next SUBSCRIBE in this cell finds.
   */
  #retainFor(route: Route<BrokerSession>, isWritten: boolean): Retaining {
    const keeper = isWritten && this.peers !== null ? this.peers.keeperOf(route.topic) : null;
    const former = keeper === null ? this.journal.formerRetained(route.topic) : undefined;
    const isRetained = this.#retain(this.#publication.message);
    return {
      isRefused: !isRetained,
      isKept: isRetained && keeper === null,
      former,
      keeper: isRetained ? keeper : null,
    };
  }

  /** To one member of each group. */
  #forwardToGroups(
    { topic, groups }: Route<BrokerSession>,
    elsewhere: PeerRoute | null,
    sampler: MessageSampler | null,
    size: number,
  ): void {
    for (let index = 0; index < groups.length; index++) {
      const group = groups[index] as SharedGroup<BrokerSession>;
      if (elsewhere !== null && this.#isChosenElsewhere(group.wholeFilter, elsewhere)) continue;
      const recipient = this.#memberOf(group, topic);
      if (recipient === null) continue;
      this.#forward(recipient, group);
      sampler?.noteSubscriber(recipient.session.clientId, size, 1);
    }
  }

  /**
   * To shared groups, and to all who get it in other cells. Apart, as is `#report`.
   *
   * @returns how many get it elsewhere: cells, and groups
   */
  #forwardFurther(
    route: Route<BrokerSession>,
    keeper: PeerCell | null,
    sampler: MessageSampler | null,
    size: number,
  ): number {
    // What the broker says of itself stays here.
    const peers = isBrokersOwn(route) ? null : this.peers;
    const elsewhere = peers === null ? null : peers.routeOf(route);
    if (route.groups.length > 0) this.#forwardToGroups(route, elsewhere, sampler, size);
    const hasKeeper = elsewhere !== null && this.#forwardElsewhere(route, elsewhere, keeper);
    if (keeper !== null && !hasKeeper) this.#forwardToKeeper(keeper);
    if (elsewhere === null || peers === null) return 0;
    const targets = this.#peerTargets;
    this.#turns.used += unitsOfDelivery(targets.length, size);
    if (targets.length > 0) peers.sendQoS0(this.#publication, targets, this.#publisher);
    targets.length = 0;
    return elsewhere.targets.length + elsewhere.groups.length;
  }

  /** Whether a member in another cell gets the message, of a group that has members here, too. */
  #isChosenElsewhere(wholeFilter: string, { groups }: PeerRoute): boolean {
    const group = groups.find((one) => one.wholeFilter === wholeFilter);
    const target = group?.next(true) ?? null;
    if (target === null) return false;
    this.#forwardTo(target);
    return true;
  }

  /**
   * To all who get it in other cells, but for groups that have members here, too.
   *
   * @returns whether the cell that keeps retained messages of the topic has it by that, stored
   */
  #forwardElsewhere(
    route: Route<BrokerSession>,
    { targets, groups }: PeerRoute,
    keeper: PeerCell | null,
  ): boolean {
    let hasKeeper = false;
    for (const target of targets) {
      const isStored = this.#forwardTo(target);
      if (isStored && target.peer.cell === keeper?.cell) hasKeeper = true;
    }
    for (const group of groups) {
      if (route.groups.some((one) => one.wholeFilter === group.wholeFilter)) continue;
      const target = group.next(false);
      if (target !== null) this.#forwardTo(target);
    }
    return hasKeeper;
  }

  /**
   * The cell that keeps retained messages of the topic gets it for that alone: stored, also at QoS 0. Its subscribers get it as
   * they do without RETAIN, so that it keeps its place among those of the topic.
   */
  #forwardToKeeper({ session }: PeerCell): void {
    const { qos } = this.#publication;
    const flags = (Math.max(qos, 1) << 1) | 1;
    const isKept = this.#keepFor(session, flags, NO_IDENTIFIERS, ONLY_RETAINED);
    if (isKept && this.#publisher !== null) holdBackFor(session, this.#publisher);
  }

  /**
   * With its QoS, unless nobody there has asked for more than 0, and its RETAIN, for those there to whom it is to be said. At QoS 0, too, it
   * waits for what of its topic waits for that cell: a subscription at QoS 0 there gets both.
   *
   * @returns whether it is stored for the cell
   */
  #forwardTo(target: PeerTarget): boolean {
    const { qos, retain, topic } = this.#publication;
    const granted = target.qos === 0 ? 0 : 2;
    const flags = flagsFor(qos, retain, { qos: granted, retainAsPublished: true });
    const { peer } = target;
    const isStored = flags > 1;
    if (isStored) peer.noteStored(topic, this.#storedDeliveries.length);
    else if (!peer.isBehind(topic)) {
      this.#peerTargets.push(target);
      return false;
    }
    const { session } = peer;
    const isKept = this.#keepFor(session, flags, NO_IDENTIFIERS, target.group);
    if (isKept && this.#publisher !== null) holdBackFor(session, this.#publisher);
    return isStored;
  }

  // ---------------------------------------------------------- from another cell

  /**
   * Takes a PUBLISH of QoS 0 that came from another cell to those here whom it is for.
   *
   * @param view - read and valid, with its topic name and without an alias; not kept
   * @param publisher - who published it there
   * @throws {PacketError} when the topic name isn't valid
   */
  forwardView(view: PublishView, publisher: Publisher, to: ForwardedTo): void {
    const route = this.#routes.ofBytes(view.buffer, view.topicStart, view.topicEnd);
    this.#publication.borrow(view, route, publisher, this.#expiryOf(view), null);
    this.#publisher = null;
    this.#routeForwarded(route, null, to, NOT_RETAINED, null);
  }

  /**
   * Takes a message that came from another cell to those here whom it is for.
   *
   * @param message - with its topic as it was published there; the QoS and RETAIN that it had
   * @param origin - is written with it where anything of it is stored; null where nothing is, at QoS 0
   * @param given - where it was given before to those who have nothing in the log, and the disk has refused the rest: the groups of
   * which a member got it so
   * @returns QuotaExceeded when the disk has no room, and nobody got it
   */
  publishForwarded(
    message: Message,
    origin: CellOrigin | null,
    to: ForwardedTo,
    given: readonly string[] | null = null,
  ): ForwardedOutcome {
    const route = this.#routes.ofTopic(message.topic);
    this.#publication.keep(message, remainingExpiry(message.expiresAt, this.#runtime.now()));
    const isKept =
      origin !== null && message.retain && this.peers?.keeperOf(message.topic) === null;
    // A member of a group may give it to another one, who is stored: that it has come has to be known then, too.
    const isWritten =
      isKept ||
      (origin !== null && to.groups.length > 0) ||
      this.#refusals.isWrittenForAny(message.qos, route);
    if (isWritten && !this.journal.isOpen) {
      this.#forwarded.givenGroups.length = 0;
      return this.#endForwarded(ReasonCode.QuotaExceeded, -1);
    }
    const retaining = isKept ? this.#retainFor(route, true) : NOT_RETAINED;
    if (retaining.isRefused) this.peers?.onNotRetained(message.topic);
    this.#publisher = null;
    const position = this.#routeForwarded(route, origin, to, retaining, given);
    return this.#endForwarded(ReasonCode.Success, position);
  }

  #endForwarded(reasonCode: number, position: number): ForwardedOutcome {
    this.#forwarded.reasonCode = reasonCode;
    this.#forwarded.position = position;
    return this.#forwarded;
  }

  #routeForwarded(
    route: Route<BrokerSession>,
    origin: Origin | null,
    { isPlain, groups }: ForwardedTo,
    retaining: Retaining,
    given: readonly string[] | null,
  ): number {
    const { qos } = this.#publication;
    this.#forwarded.givenGroups.length = 0;
    const recipients = isPlain ? route.recipients : NOBODY;
    const recipientCount = recipients.length + groups.length;
    this.#recipientCount = recipients.length;
    this.#turns.used += unitsOfDelivery(recipientCount, this.#publication.payloadSize);
    for (let index = 0; index < recipients.length; index++) {
      const recipient = recipients[index] as Recipient<BrokerSession>;
      if (given === null || (qos > 0 && isStoredFor(recipient))) this.#forward(recipient, null);
    }
    for (const wholeFilter of groups) {
      if (given === null || !given.includes(wholeFilter)) {
        this.#forwardToGroup(route, origin, wholeFilter);
      }
    }
    const isStored =
      retaining.isKept ||
      this.#storedDeliveries.length > 0 ||
      (origin !== null && groups.length > 0);
    return isStored ? this.#store(origin, retaining) : -1;
  }

  /** To one member of a group that another cell names. */
  #forwardToGroup(route: Route<BrokerSession>, origin: Origin | null, wholeFilter: string): void {
    const group = this.trie.group(wholeFilter);
    const member = group === null ? null : this.#memberOf(group, route.topic);
    if (member !== null) {
      this.#forward(member, group);
      const isInLog = this.#publication.qos > 0 && isStoredFor(member);
      if (!isInLog) this.#forwarded.givenGroups.push(wholeFilter);
    } else if (origin !== null) this.#forwardOn(wholeFilter, route);
  }

  /** The last member of a shared group has gone from here while a message for it was on its way: one in another cell gets it. */
  #forwardOn(wholeFilter: string, route: Route<BrokerSession>): void {
    const { peers } = this;
    const elsewhere = peers?.routeOf(route) ?? null;
    if (peers === null || elsewhere === null) return;
    const group = elsewhere.groups.find((one) => one.wholeFilter === wholeFilter);
    const target = group?.next(false) ?? null;
    if (target === null) return;
    this.#forwardTo(target);
    if (this.#peerTargets.length > 0) {
      peers.sendQoS0(this.#publication, this.#peerTargets, this.#publisher);
    }
    this.#peerTargets.length = 0;
  }

  /**
   * Notifies listeners of a message that was routed, unless the broker says it of itself; what they get is a copy. Apart, as is
   * `#refuseRetained`, so that V8 makes one function of what an ordinary message needs.
   */
  #report(route: Route<BrokerSession>, publisher: Peer | null, position: number): void {
    if (isBrokersOwn(route) || !this.#sinks.wants(route.topic)) return;
    const { message, expiry } = this.#publication;
    const matched = route.recipients.length + route.groups.length;
    const { publisherId } = message;
    const isInside = publisherId === '' || publisherId === INSIDE_PUBLISHER;
    const absent = isInside ? null : absentClient(publisherId);
    const client = publisher === null ? absent : eventClientOf(publisher);
    const at = position < 0 ? null : position;
    const event = { ...messageInfoOf(message, expiry), client, matched, position: at };
    this.#sinks.publish?.(event, messageSize(message));
  }

  /**
   * Notes a message with its subscribers, but for those of shared groups. Apart, as is `#report`.
   *
   * @returns who notes those; null for what the broker says of itself
   */
  #noteSampled(
    { topic, topicBytes, recipients }: Route<BrokerSession>,
    size: number,
  ): MessageSampler | null {
    const { sampler } = this;
    if (sampler === null || isReserved(topicBytes)) return null;
    const { publisherId } = this.#publication;
    sampler.noteMessage(topic, publisherId === INSIDE_PUBLISHER ? '' : publisherId, size);
    const step = Math.ceil(recipients.length / NOTED_SUBSCRIBERS_MAX);
    // Where there are too many, each message begins with another one, so that all have the same chance.
    let index = step > 1 ? this.#stats.messagesReceived % step : 0;
    for (; index < recipients.length; index += step) {
      const { session } = recipients[index] as Recipient<BrokerSession>;
      sampler.noteSubscriber(session.clientId, size, step);
    }
    return sampler;
  }

  #end(reasonCode: number, position: number): Outcome {
    this.#outcome.reasonCode = reasonCode;
    this.#outcome.position = position;
    return this.#outcome;
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
      const group = this.trie.group(delivery.group as string);
      const recipient =
        group === null ? null : this.#memberOf(group, delivery.message.topic, except);
      const isTaken =
        recipient === null
          ? this.#handElsewhere(delivery)
          : !this.#isStuck(delivery, recipient) && this.#handOver(delivery, recipient);
      if (!isTaken) left.push(delivery);
    }
    return left;
  }

  /** Gives a delivery of a shared subscription that has no members here to another cell. @returns false where none has any */
  #handElsewhere(delivery: Delivery): boolean {
    const target = this.peers?.groupOf(delivery.group as string)?.next(false) ?? null;
    if (target === null) return false;
    const { peer, qos } = target;
    const { session } = peer;
    const { topic, qos: published } = delivery.message;
    const isStored = qos > 0 && published > 0;
    if (isStored && !this.journal.isOpen) return false;
    if (isStored) peer.noteStored(topic, 0);
    const granted = qos === 0 ? 0 : 2;
    const terms = { retainAsPublished: true, identifiers: NO_IDENTIFIERS, whenOwn: null };
    return this.#handOver(delivery, { session, qos: granted, ...terms });
  }

  /**
   * Whether a delivery can't be handed over without the log, which can't be written: QoS 2 can't go to a session that
   * is stored, as its packet identifier would be used again after a restart.
   */
  #isStuck({ message }: Delivery, { session, qos }: Recipient<BrokerSession>): boolean {
    if (this.journal.isOpen) return false;
    return session.isStored && message.qos === 2 && qos === 2;
  }

  /** @returns true: it isn't to be given to anyone else */
  #handOver(delivery: Delivery, recipient: Recipient<BrokerSession>): boolean {
    const { session } = recipient;
    const now = this.#runtime.now();
    if (delivery.message.expiresAt <= now) {
      const { topic } = delivery.message;
      this.#clientEvents.messageDropped(session.clientId, 'expired', topic); // [MQTT-3.3.2-5]
      return true;
    }
    const next = handedOver(delivery, recipient);
    if (session.isStored && next.qos > 0 && this.journal.isOpen) {
      this.journal.writeReferences(session, [next]);
    }
    session.deliver(next, now);
    return true;
  }

  /** A message was not routed to its end: what had been prepared for it is not the next one's. */
  abandon(): void {
    this.#storedSessions.length = 0;
    this.#storedDeliveries.length = 0;
    this.#peerTargets.length = 0;
    this.#publisher = null;
  }

  /** @throws {Error} when something isn't as it has to be between two messages; for tests */
  checkInvariants(): void {
    const { length } = this.#storedDeliveries;
    invariant(
      length === 0,
      `${length} deliveries of a message that is routed are still to be written`,
    );
    invariant(this.#storedSessions.length === length, 'a delivery to be written is nobody’s');
    invariant(this.#peerTargets.length === 0, 'a message that is routed is still to be sent');
    this.#publication.checkInvariants();
    this.trie.checkInvariants();
    this.retained.checkInvariants();
    this.#routes.checkInvariants();
  }

  /** Writes the message for those who get it from the log, and hands them their deliveries. */
  #store(origin: Origin | null, { isKept, former, keeper }: Retaining): number {
    const sessions = this.#storedSessions;
    const deliveries = this.#storedDeliveries;
    const message = this.#publication.writtenMessage;
    const { journal } = this;
    const position = journal.writeMessage(message, sessions, deliveries, origin, isKept, former);
    if (isKept) this.peers?.onRetained(message, position);
    else if (keeper !== null) this.peers?.onCopied(message.topic, position);
    if (position === -1) return position;
    this.#turns.used += UnitsFor.record + deliveries.length;
    const now = this.#runtime.now();
    for (let index = 0; index < deliveries.length; index++) {
      const session = sessions[index] as BrokerSession;
      session.deliver(deliveries[index] as Delivery, now);
      if (this.#publisher !== null) holdBackFor(session, this.#publisher);
    }
    sessions.length = 0;
    deliveries.length = 0;
    return position;
  }

  /** Removes expired retained messages, a bounded number at a time. */
  sweepRetained(now: number, removalsMax: number): void {
    this.retained.removeExpired(now, removalsMax);
    // Also of what the storage has taken back since.
    this.#stats.retainedCurrent = this.retained.count;
  }

  /**
   * Removes a retained message without a message to subscribers.
   *
   * @returns false when its topic has another by now, or none, and when it is the broker's own
   */
  clearRetained(message: Message): boolean {
    const { topic, topicBytes } = message;
    if (isReserved(topicBytes) || this.retained.get(topic) !== message) return false;
    this.retained.delete(topic);
    this.#stats.retainedCurrent = this.retained.count;
    if (this.peers !== null && this.peers.keeperOf(topic) !== null) {
      this.peers.clearRetained(topic);
      return true;
    }
    this.journal.dropRetained(topic);
    this.peers?.onNotRetained(topic);
    return true;
  }

  /** Whether a retained message is another cell's to keep, and not the broker's own. */
  isKeptElsewhere({ topic, topicBytes }: Message): boolean {
    if (this.peers === null || isReserved(topicBytes)) return false;
    return this.peers.keeperOf(topic) !== null;
  }

  /** Another cell asks for the same. */
  clearRetainedOf(topic: string): void {
    const message = this.retained.get(topic);
    if (message !== undefined) this.clearRetained(message);
  }

  /**
   * Takes what another cell keeps, as a copy that isn't written.
   *
   * @param message - kept; without payload where there is none any more
   */
  putRetained(message: Message): void {
    this.#retain(message);
  }

  #retain(message: Message): boolean {
    const result = this.retained.set(message);
    this.#stats.retainedCurrent = this.retained.count;
    if (result !== 'refused') return true;
    this.#stats.refused['retained-full']++;
    return false;
  }

  /**
   * What would become of a message that somebody published now; nobody gets anything.
   *
   * @param filtersOf - the topic filters of a session
   */
  explain(
    message: ExplainedMessage,
    filtersOf: (session: BrokerSession) => Iterable<string>,
  ): Explanation {
    const { topic } = message;
    const route = this.#routes.ofTopic(topic);
    const choose = (group: SharedGroup<BrokerSession>) => this.#memberOf(group, topic);
    return explanationOf(route, message, choose, filtersOf);
  }

  /** Who of a shared group gets a message: not somebody who may not, while another one may. */
  #memberOf(
    group: SharedGroup<BrokerSession>,
    topic: string,
    except?: BrokerSession,
  ): Recipient<BrokerSession> | null {
    const chosen = group.next(except);
    if (chosen === null || !isWithheldFrom(chosen.session, topic)) return chosen;
    const count = Math.min(group.memberCount, MEMBERS_ASKED_MAX);
    for (let asked = 1; asked < count; asked++) {
      const other = group.next(except);
      if (other !== null && !isWithheldFrom(other.session, topic)) return other;
    }
    if (group.memberCount > MEMBERS_ASKED_MAX) return chosen;
    // One that isn't ready, while all who are may not.
    const late = group.members.find(
      ({ session }) => session !== except && !isWithheldFrom(session, topic),
    );
    return late?.recipient ?? chosen;
  }

  /** Takes the message to one recipient. */
  #forward(subscriber: Recipient<BrokerSession>, group: SharedGroup<BrokerSession> | null): void {
    const publication = this.#publication;
    const recipient = recipientOf(subscriber, publication);
    if (recipient === null) {
      // [MQTT-3.8.3-3]
      this.#clientEvents.withheldFromPublisher(subscriber.session.clientId, publication.topic);
      return;
    }
    const { session } = recipient;
    const flags = flagsFor(publication.qos, publication.retain, recipient);
    if (!this.#send(recipient, group, flags)) {
      const wholeFilter = group?.wholeFilter ?? null;
      if (!this.#keepFor(session, flags, recipient.identifiers, wholeFilter)) return;
    }
    if (this.#publisher !== null) holdBackFor(session, this.#publisher);
  }

  /**
   * Makes a delivery of it for a session.
   *
   * @param flags - `qos << 1 | retain`
   * @param group - the whole filter of a shared subscription; null for another
   * @returns whether the session has it; false when it gets it as soon as the message is written
   */
  #keepFor(
    session: BrokerSession,
    flags: number,
    identifiers: readonly number[],
    group: string | null,
  ): boolean {
    const publication = this.#publication;
    const isStored = flags > 1 && session.isStored;
    const isUnkept = isStored && !session.isConnected;
    const message = isUnkept ? publication.unkeptMessage : publication.message;
    const delivery = deliveryOf(message, flags, { identifiers }, group);
    if (isStored) {
      this.#storedSessions.push(session);
      this.#storedDeliveries.push(delivery);
      return false;
    }
    session.deliver(delivery, this.#runtime.now());
    return true;
  }

  /**
   * Asks a hook whether a client may have the message; that it may not is counted.
   *
   * @returns null when it may; true when it may not, and false when it has been disconnected meanwhile, as `#send`
   */
  #askToDeliver(session: BrokerSession, flags: number): boolean | null {
    const { link, clientId } = session;
    const hooks = link?.connection?.hooks ?? null;
    if (hooks === null) return null;
    const publication = this.#publication;
    this.#isAsking = true;
    const isAllowed = hooks.mayDeliver(publication.topic, flags, publication);
    this.#isAsking = false;
    if (!isAllowed) {
      this.#clientEvents.messageDropped(clientId, 'refused-by-hook', publication.topic);
      return true;
    }
    return session.link === link ? null : false;
  }

  /**
   * Sends it as a packet, or queues it as an image, without an object for it.
   *
   * @param flags - `qos << 1 | retain`
   * @returns false when it has to be kept, or its QoS 1 or 2 exchange may have to continue in another way
   */
  #send(
    recipient: Recipient<BrokerSession>,
    group: SharedGroup<BrokerSession> | null,
    flags: number,
  ): boolean {
    const { session, identifiers } = recipient;
    const { link } = session;
    if (link === null) return false;
    const { sender } = link;
    if (sender === null) return false;
    if (sender.filter !== null && this.#isWithheld(sender.filter, link.connection as Peer)) {
      return true;
    }
    const isShared = identifiers.length === 0 && sender.aliases === null;
    if (flags > 1) {
      if (group !== null || !session.takesImages) return false;
      return this.#sendExchange(recipient, sender, isShared, flags);
    }
    if (!session.isOpenForQoS0) return false;
    if (this.hooks !== null) {
      const asked = this.#askToDeliver(session, flags);
      if (asked !== null) return asked;
    }
    const publication = this.#publication;
    const refused = isShared
      ? sender.sendQoS0(publication.image(sender.version), flags)
      : sender.sendPublication(publication, flags, 0, identifiers);
    if (refused !== null) {
      this.#clientEvents.messageDropped(session.clientId, refused, publication.topic);
    }
    return true;
  }

  /** Whether the rules deny a client a message that its subscription would bring; that is logged and counted. */
  #isWithheld(permissions: Permissions, connection: Peer): boolean {
    const { topic } = this.#publication;
    if (permissions.mayReceive(topic)) return false;
    const { clientId } = connection;
    const denial = denialOf(permissions.decide('receive', topic));
    this.#clientEvents.accessRefused(connection, clientId, 'receive', topic, denial);
    this.#clientEvents.messageDropped(clientId, 'not-authorized', topic);
    return true;
  }

  /** The same at QoS 1 or 2. */
  #sendExchange(
    { session, identifiers }: Recipient<BrokerSession>,
    sender: Peer['sender'],
    isShared: boolean,
    flags: number,
  ): boolean {
    const publication = this.#publication;
    const isImage = isShared && publication.isQueuedAsImage(this.#recipientCount);
    if (!isImage && !session.isReady) return false;
    if (this.hooks !== null) {
      const asked = this.#askToDeliver(session, flags);
      if (asked !== null) return asked;
    }
    if (isImage) {
      const now = this.#publisher?.receivedAt ?? this.#runtime.now();
      return session.deliverImage(publication.idImage(sender.version), flags, now);
    }
    const packetId = session.beginExchange((flags >> 1) as 1 | 2);
    const refused = sender.sendPublication(publication, flags, packetId, identifiers);
    if (refused !== null) session.cancelExchange(packetId, refused, publication.topic);
    return true;
  }
}

function stampedProperties(
  stamper: Stamper,
  view: PublishView,
  { clientId, userName }: Peer,
): Uint8Array {
  return stamper.propertiesOf(view.forwardedProperties(), clientId, userName);
}

/** A message of the broker's own, at QoS 0. */
function ownMessage(topic: string, payload: Uint8Array, retain: boolean): Message {
  return {
    topic,
    topicBytes: Buffer.from(topic),
    properties: NO_PROPERTIES,
    payload,
    qos: 0,
    retain,
    expiresAt: Number.POSITIVE_INFINITY,
    publisherId: '',
  };
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** A publisher waits for a subscriber that is behind. */
function holdBackFor({ link }: BrokerSession, publisher: HeldPublisher): void {
  if (link?.isCongested) link.holdBack(publisher);
}

/** Whether the rules deny a client that is connected what its subscription would bring. */
function isWithheldFrom({ link }: BrokerSession, topic: string): boolean {
  const filter = link?.sender?.filter ?? null;
  return filter !== null && !filter.mayReceive(topic);
}
