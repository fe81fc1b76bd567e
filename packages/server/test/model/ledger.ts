import type { PublishPacket, QoS } from '@promptmq/codec';
import { BrokerTime } from './broker-time.ts';
import { Outages } from './outages.ts';
import {
  NEVER,
  Publication,
  type PublicationOptions,
  type Tick,
  Violation,
} from './publication.ts';
import {
  type Receipt,
  type SentCopy,
  SessionRecord,
  type Span,
  type SubscriptionWish,
} from './session-record.ts';

/** What `Ledger` knows of a retained topic: all that was published there, oldest first. */
type RetainedHistory = Publication[];

/** Session Expiry Interval of a session that never expires (§3.1.2.11.2). */
export const NEVER_EXPIRES = 0xffff_ffff;

/** What follows CONNACK may wait with it until the session is safe, in milliseconds. */
const HELD_MS = 250;

/**
 * What clients have published, subscribed to and received, kept outside the broker, and the judge of
 * it: whatever contradicts the standard or what the broker promises is thrown as a `Violation`.
 *
 * It sees the events of all clients in one order and sets a tick for each. What happened in the broker
 * lies between the tick at which a client asked for it and the tick at which it heard that it was done.
 *
 * Each retained topic has one publisher, so that the order of its publications is known.
 */
export class Ledger {
  readonly now: () => number;
  /** How much of it passes for the broker. */
  readonly time: BrokerTime;
  readonly lagMs: number;
  /**
   * Whether what one client publishes may be routed to another one, or to a group, after it was acknowledged: they are in
   * different cells.
   */
  readonly isRoutedLate: (publisher: string, subscriber: string, group: string | null) => boolean;
  /** What happens, for whoever looks into a failure; null when nobody does. */
  readonly trace: ((line: string) => void) | null;
  tick: Tick = 0;
  readonly publications: Publication[] = [];
  /** Those that something may still be owed of. */
  #unjudged: Publication[] = [];
  /** The sessions that are possibly there, by client identifier. */
  readonly sessions = new Map<string, SessionRecord>();
  /** Groups of which a member's session ended, with what it held (§4.8.2). */
  readonly #lossyGroups = new Set<string>();
  readonly #retained = new Map<string, RetainedHistory>();
  /** By topic, as a payload that is empty can't say which it is. */
  readonly #clearings = new Map<string, Publication>();
  /** Since the last time that the broker was killed. */
  #forbidden: Publication[] = [];
  /** For each life of the broker that is over: what it did after this time may have been undone. */
  readonly #unsafeSince: number[] = [];
  readonly outages = new Outages();
  readonly counts = { delivered: 0, acknowledged: 0, refused: 0, repeated: 0, wills: 0 };

  /**
   * @param lagMs - how late the broker may do what is due, and how late it is seen here
   */
  constructor(
    now: () => number,
    trace: ((line: string) => void) | null = null,
    lagMs = 0,
    time = new BrokerTime(),
    isRoutedLate: Ledger['isRoutedLate'] = () => false,
  ) {
    this.isRoutedLate = isRoutedLate;
    this.now = now;
    this.time = time;
    this.trace = trace;
    this.lagMs = lagMs;
  }

  // ---------------------------------------------------------------- publications

  /** A new publication; it has not been sent yet. */
  publication(options: PublicationOptions): Publication {
    const publication = new Publication(this.publications.length, options);
    this.publications.push(publication);
    this.#unjudged.push(publication);
    if (options.retain) {
      const history = this.#retained.get(options.topic) ?? [];
      history.push(publication);
      this.#retained.set(options.topic, history);
      if (publication.isClearing) this.#clearings.set(options.topic, publication);
    }
    return publication;
  }

  /** From now on the broker may route it. */
  mayBeRouted(publication: Publication): void {
    this.tick++;
    publication.sends++;
    if (publication.earliest !== NEVER) return;
    publication.earliest = this.tick;
    publication.earliestMs = this.now();
  }

  /** The broker has routed it and answers for it: PUBACK, PUBREC, or a will that was due. */
  promised(publication: Publication): void {
    this.tick++;
    publication.latest = this.tick;
    publication.latestMs = this.now();
    publication.isPromised = true;
    if (publication.options.isWill) this.counts.wills++;
    else this.counts.acknowledged++;
  }

  /** The broker has answered that it had no room for it. */
  refused(publication: Publication): void {
    this.tick++;
    this.counts.refused++;
    // Sent before at QoS 1, it may have been routed then.
    if (publication.sends === 1 || publication.options.qos === 2) publication.isRefused = true;
  }

  /** It must not be routed, or not any more. */
  forbidden(publication: Publication): void {
    publication.isForbidden = true;
    publication.latestMs = this.now();
    this.#forbidden.push(publication);
  }

  /**
   * The broker found the disk full. What it acknowledged to nobody may be refused, if it was recent.
   *
   * @param unsafeMs - how long the broker may take to make such a thing safe, in milliseconds
   * @param isForwarded - whether what a client publishes comes to that broker from another one, which sends again what was refused
   */
  diskFilled(unsafeMs: number, isForwarded: (publisher: string) => boolean = () => false): void {
    this.outages.begin();
    const since = this.now() - unsafeMs;
    for (const publication of this.#unjudged) {
      if (isForwarded(publication.options.publisher)) publication.refusals++;
      if (!publication.options.isWill || publication.earliest === NEVER) continue;
      if (publication.latestMs <= since && !publication.mayComeAgain) continue;
      publication.refusals++;
      // Its client may have come back before the broker could publish it again.
      publication.isPromised = false;
    }
  }

  /** How often the broker was killed. */
  get crashes(): number {
    return this.#unsafeSince.length;
  }

  /**
   * The broker was killed. What it acknowledged to nobody may be undone, if it was recent.
   *
   * @param unsafeMs - how long the broker may take to make such a thing safe, in milliseconds
   */
  crashed(unsafeMs: number): void {
    const since = this.now() - unsafeMs - this.lagMs;
    this.#unsafeSince.push(since);
    for (const publication of this.#unjudged) {
      // A will that was due may be published by the next process.
      if (publication.options.isWill && publication.latestMs > since) {
        publication.mayComeAgain = true;
      }
    }
    for (const publication of this.#forbidden.splice(0)) {
      // A DISCONNECT that took it away has no acknowledgement.
      if (publication.latestMs > since) publication.isForbidden = false;
    }
  }

  /** Whether the last crash may have undone what the broker did at a time, in milliseconds. */
  wasUndone(atMs: number): boolean {
    return atMs > (this.#unsafeSince.at(-1) ?? Number.POSITIVE_INFINITY);
  }

  /** Whether a topic has been cleared once; its clearings then couldn't be told apart. */
  wasCleared(topic: string): boolean {
    return this.#clearings.has(topic);
  }

  // -------------------------------------------------------------------- sessions

  /** A session that possibly exists from now on. */
  beginSession(clientId: string, isStored: boolean): SessionRecord {
    const session = new SessionRecord(clientId, isStored);
    this.sessions.set(clientId, session);
    return session;
  }

  /** A session's client got CONNACK. @param brokerLife - how often the broker had been killed before CONNECT */
  connected(session: SessionRecord, brokerLife: number): void {
    this.tick++;
    session.connectedAt = this.tick;
    session.brokerLife = brokerLife;
  }

  /** A session is possibly, or surely, gone. */
  endSession(session: SessionRecord, isSure: boolean): void {
    this.tick++;
    session.end(this.tick, isSure);
    for (const { group } of session.spans) {
      if (group !== null) this.#lossyGroups.add(group);
    }
    if (isSure && this.sessions.get(session.clientId) === session) {
      this.sessions.delete(session.clientId);
    }
  }

  subscribing(session: SessionRecord, wish: SubscriptionWish): Span {
    this.tick++;
    return session.request(wish, this.tick);
  }

  subscribed(session: SessionRecord, span: Span): void {
    this.tick++;
    session.grant(span, this.tick);
  }

  denied(session: SessionRecord, span: Span): void {
    this.tick++;
    session.deny(span);
  }

  withdrawn(session: SessionRecord, span: Span): void {
    this.tick++;
    session.withdraw(span, this.tick);
  }

  /** @returns what UNSUBACK will end */
  unsubscribing(session: SessionRecord, filter: string): Span[] {
    this.tick++;
    const spans = session.openSpans(filter);
    for (const span of spans) span.requestEnd(this.tick);
    return spans;
  }

  /**
   * @param spans - as `unsubscribing` returned them
   * @param existed - as the broker says; null when it can't say
   */
  unsubscribed(spans: readonly Span[], existed: boolean | null): void {
    this.tick++;
    for (const span of spans) {
      if (existed === false && span.granted < span.endRequested && !span.wasEndRequestedBefore) {
        throw new Violation(`no subscription ${span.wish.filter} existed`);
      }
      span.ended = Math.min(span.ended, this.tick);
    }
  }

  // ------------------------------------------------------------------ deliveries

  /**
   * A client got a PUBLISH that it has not had under this packet identifier before.
   *
   * @param topic - of the packet or of its alias
   * @param writtenMs - the latest time at which the broker can have begun to send it
   */
  delivered(
    session: SessionRecord,
    packet: PublishPacket,
    topic: string,
    writtenMs: number,
  ): Publication {
    this.tick++;
    this.counts.delivered++;
    const publication = this.#identify(packet, topic);
    const where = `${session.clientId} got ${publication}`;
    if (publication.isForbidden) throw new Violation(`${where}: it must not be published`);
    if (publication.earliest === NEVER) throw new Violation(`${where}: before it was due`);
    // Whom the broker doesn't store may have got it before the disk refused it.
    if (publication.isRefused && session.isStored && packet.qos > 0) {
      throw new Violation(`${where}: it was refused`);
    }
    this.#checkExpiry(publication, packet, where, writtenMs);
    if (packet.retain) this.#checkRetained(session, publication, packet, where);
    else this.#checkSubscribed(session, publication, packet, where, writtenMs);
    return publication;
  }

  #identify(packet: PublishPacket, topic: string): Publication {
    const id = Publication.idOf(packet.payload);
    const publication =
      packet.payload.length === 0
        ? this.#clearings.get(topic)
        : this.publications[id ?? Number.POSITIVE_INFINITY];
    if (publication?.options.topic !== topic || publication.payload.compare(packet.payload) !== 0) {
      const start = Buffer.from(packet.payload.subarray(0, 20)).toString('latin1');
      throw new Violation(`nobody published ${start} (${packet.payload.length} bytes) to ${topic}`);
    }
    return publication;
  }

  #checkExpiry(
    publication: Publication,
    packet: PublishPacket,
    where: string,
    writtenMs: number,
  ): void {
    const { expiry } = publication.options;
    if (expiry === null) return;
    // What has been sent once may be sent again whenever it is owed (§4.4).
    const ageMs = this.time.least(publication.latestMs, writtenMs);
    if (!packet.dup && ageMs > expiry * 1000 + HELD_MS + this.lagMs) {
      throw new Violation(`${where}: ${ageMs} ms old, it had expired`);
    }
    const remaining = packet.properties?.messageExpiryInterval;
    if (remaining === undefined) return;
    if (remaining > expiry) {
      throw new Violation(`${where}: expires in ${remaining} s instead of ${expiry}`);
    }
    const leastMs = expiry * 1000 - this.time.most(publication.earliestMs, this.now());
    if (remaining * 1000 < leastMs) {
      throw new Violation(`${where}: expires in ${remaining} s, before its time`);
    }
  }

  /** A copy with RETAIN is owed to a subscription that was made while it was the topic's last. */
  #checkRetained(
    session: SessionRecord,
    publication: Publication,
    packet: PublishPacket,
    where: string,
  ): void {
    const { options } = publication;
    const history = this.#retained.get(options.topic) ?? [];
    const isOwed = session.spans.some(
      (span) =>
        span.group === null &&
        !span.isWithdrawn &&
        span.wish.retainHandling !== 2 &&
        span.matches(options.topic) &&
        publication.earliest <= Math.min(span.granted, this.tick) &&
        packet.qos === lower(options.qos, span.wish.qos) &&
        !isReplaced(publication, history, span.requested),
    );
    if (!isOwed || publication.isClearing) {
      throw new Violation(
        `${where}: as retained (QoS ${packet.qos}), which no subscription is owed`,
      );
    }
    session.retained.set(options.topic, publication);
  }

  #checkSubscribed(
    session: SessionRecord,
    publication: Publication,
    packet: PublishPacket,
    where: string,
    writtenMs: number,
  ): void {
    const { options } = publication;
    const isOwn = options.publisher === session.clientId;
    const routedBy = this.#routedBy(publication, session);
    const spans = session
      .possibleSpans(publication, routedBy, this.tick)
      .filter(({ wish }) => !(isOwn && wish.noLocal));
    const isKnown = !this.isRoutedLate(options.publisher, session.clientId, null);
    const isAskedFor = (span: Span) => {
      const { wish, group } = span;
      const qos = lower(options.qos, wish.qos);
      if (packet.qos === qos) return true;
      // Another member that it was meant for may have asked for less.
      if (group !== null && packet.qos > 0 && packet.qos < qos) return true;
      // Before SUBACK another cell may not know yet at which QoS it is subscribed to.
      return packet.qos < qos && !isKnown && span.granted > publication.earliest;
    };
    if (!spans.some(isAskedFor)) {
      throw new Violation(`${where}: at QoS ${packet.qos}, which no subscription asks for`);
    }
    const receipt = session.receipts.get(publication.id) ?? {
      copies: 0,
      firstCopies: [],
      exactCopies: 0,
    };
    const isFirst = receipt.copies === 0;
    receipt.copies++;
    if (!packet.dup) receipt.firstCopies.push({ life: session.brokerLife, writtenMs });
    if (packet.qos === 2) receipt.exactCopies++;
    session.receipts.set(publication.id, receipt);
    if (!isFirst) this.counts.repeated++;
    this.#checkCopies(session, publication, receipt, where);
    // One that has expired where it waited may come again, when its client sends it again.
    // So may one that was not acknowledged and was routed first when nothing here surely asked for it, or
    // was lost with the connection of then, at QoS 0.
    const { earliest } = publication;
    const mayBeLost = packet.qos === 0 && earliest <= session.connectedAt;
    const isOwedFirst = (span: Span) => span.isSure(earliest, routedBy) && isAskedFor(span);
    const isFromBefore = publication.sends > 1 && (mayBeLost || !spans.some(isOwedFirst));
    const isOrdered = !options.isWill && options.expiry === null && !isFromBefore;
    if (isFirst && isOrdered && spans.every(({ group }) => group === null)) {
      this.#checkOrder(session, publication, packet.qos, where);
    }
  }

  /** When it had been routed to a session at the latest. */
  #routedBy(
    { options, latest }: Publication,
    { clientId }: SessionRecord,
    group: string | null = null,
  ): Tick {
    return this.isRoutedLate(options.publisher, clientId, group)
      ? this.tick
      : Math.min(latest, this.tick);
  }

  #checkCopies(
    { isStored }: SessionRecord,
    publication: Publication,
    { firstCopies, exactCopies }: Receipt,
    where: string,
  ): void {
    const { refusals, forgettings, sends, options } = publication;
    if (exactCopies > 1 + forgettings + (isStored ? 0 : refusals)) {
      throw new Violation(`${where}: ${exactCopies} times at QoS 2`);
    }
    const routed = options.qos === 1 && !options.isWill ? sends : 1 + refusals + forgettings;
    const count = firstCopies.filter((copy) => !this.mayBeForgotten(copy)).length;
    if (count > routed) {
      throw new Violation(`${where}: ${count} times without DUP, routed ${routed}`);
    }
  }

  /** Whether the broker may not know any more, after a crash, that it had sent a copy. */
  mayBeForgotten({ life, writtenMs }: SentCopy): boolean {
    // Where there are several brokers, it may not have been the first that was killed since.
    return this.#unsafeSince.some((since, crash) => crash >= life && writtenMs > since);
  }

  /** Messages of one client, topic and QoS come in the order in which they were published (§4.6). */
  #checkOrder(session: SessionRecord, publication: Publication, qos: QoS, where: string): void {
    const { publisher, topic } = publication.options;
    const key = `${publisher} ${topic} ${publication.options.qos} ${qos}`;
    const last = session.lastIds.get(key) ?? -1;
    if (publication.id < last) throw new Violation(`${where}: after ${this.publications[last]}`);
    session.lastIds.set(key, publication.id);
  }

  // ------------------------------------------------------------------------ judge

  /** Something that was promised and has not come, or not yet; null when nothing is owed. */
  findMissing(): string | null {
    const groups = this.#groups();
    for (const publication of this.#unjudged) {
      // What was given up before it was acknowledged is owed to nobody; what has expired neither.
      const { qos } = publication.options;
      if (!publication.isPromised || qos === 0 || this.#mayHaveExpired(publication)) continue;
      for (const session of this.sessions.values()) {
        const isOwed = session.isOwed(publication, this.#routedBy(publication, session), null);
        if (isOwed && !session.receipts.has(publication.id)) {
          return `${session.clientId} never got ${publication}`;
        }
      }
      for (const [group, members] of groups) {
        if (this.#isMissingIn(publication, group, members)) {
          return `nobody of ${group} got ${publication}`;
        }
      }
    }
    return null;
  }

  /**
   * When everything has been delivered that is going to be, to clients that are all connected: finds what
   * was promised and didn't come. What happened before is forgotten as far as it can't matter any more.
   */
  judge(): void {
    const missing = this.findMissing();
    if (missing !== null) throw new Violation(missing);
    this.#unjudged = [];
    for (const session of this.sessions.values()) session.forgetEnded();
    for (const [topic, history] of this.#retained) {
      const last = history.findLastIndex(({ isPromised }) => isPromised);
      const lastOne = history[last];
      if (lastOne === undefined) continue;
      const isOver = (one: Publication) => one.id < lastOne.id && !mayReturnAfter(one, lastOne);
      this.#retained.set(
        topic,
        history.filter((one) => !isOver(one)),
      );
    }
  }

  #mayHaveExpired({ options, earliestMs }: Publication): boolean {
    if (options.expiry === null) return false;
    return this.time.most(earliestMs, this.now()) + this.lagMs >= options.expiry * 1000;
  }

  /** Members by group. */
  #groups(): Map<string, Set<SessionRecord>> {
    const groups = new Map<string, Set<SessionRecord>>();
    for (const session of this.sessions.values()) {
      for (const { group } of session.spans) {
        if (group === null) continue;
        const members = groups.get(group) ?? new Set();
        groups.set(group, members.add(session));
      }
    }
    return groups;
  }

  /** One member at least gets it, unless a session ended that may have had it (§4.8.2). */
  #isMissingIn(publication: Publication, group: string, members: Set<SessionRecord>): boolean {
    if (this.#lossyGroups.has(group)) return false;
    let isOwed = false;
    let copies = 0;
    let forgotten = 0;
    for (const session of members) {
      const routedBy = this.#routedBy(publication, session, group);
      isOwed ||= session.isOwed(publication, routedBy, group);
      const receipt = session.receipts.get(publication.id);
      if (receipt === undefined) continue;
      copies++;
      // At QoS 1 the broker may give it to another one when a crash has made it forget that it had sent it.
      const { exactCopies, firstCopies } = receipt;
      const isForgotten =
        exactCopies === 0 && firstCopies.every((copy) => this.mayBeForgotten(copy));
      if (isForgotten) forgotten++;
    }
    if (copies - forgotten > 1 && publication.options.qos === 2) {
      throw new Violation(`${copies} members of ${group} got ${publication}`);
    }
    return isOwed && copies === 0;
  }

  /**
   * The retained state, as a new subscription to `#` was told it.
   *
   * @param found - publications by topic
   * @param since - the tick at which the subscription was asked for
   */
  judgeRetained(found: ReadonlyMap<string, Publication>, since: Tick): void {
    for (const [topic, history] of this.#retained) {
      const one = found.get(topic);
      if (one?.isRefused === true) throw new Violation(`retained, though refused: ${one}`);
      const last = history.findLast(({ isPromised, latest }) => isPromised && latest <= since);
      if (last === undefined) continue;
      const mayBeGone = history.some(
        (one) =>
          (one.isClearing || this.#mayHaveExpired(one)) &&
          (one.id >= last.id || mayReturnAfter(one, last)),
      );
      if (!found.has(topic) && !mayBeGone) throw new Violation(`not retained: ${last}`);
    }
  }
}

/** Whether something later surely had taken a retained publication's place at `tick`. */
function isReplaced(publication: Publication, history: RetainedHistory, tick: Tick): boolean {
  return history.some(
    (later) =>
      later.id > publication.id &&
      later.isPromised &&
      later.latest <= tick &&
      !mayReturnAfter(publication, later),
  );
}

/** Sent again at QoS 1 it is retained again, even after a QoS 2 message that followed it the first time. */
function mayReturnAfter({ sends, options, latest }: Publication, later: Publication): boolean {
  return sends > 1 && options.qos === 1 && latest >= later.earliest;
}

function lower(a: QoS, b: QoS): QoS {
  return a < b ? a : b;
}
