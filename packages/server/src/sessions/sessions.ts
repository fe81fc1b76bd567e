import { NEVER_EXPIRES, type QueueTotals, Session } from '@promptmq/session';
import { invariant, type Subscription, TextMap } from '@promptmq/topics';
import type { Config } from '../config/index.ts';
import type { Peer, SessionPeer } from '../connection/peer.ts';
import type { Faulty } from '../runtime/faults.ts';
import type { RecoveryHost } from '../storage/host.ts';
import type { JournalEntry } from '../storage/journal.ts';
import type { SessionRecord } from '../storage/records/session-record.ts';
import { topicOfDrop } from '../tracing/image-topic.ts';
import type { BrokerSession } from './broker-session.ts';
import { CellSessions, isCellIdentifier } from './cells/cell-sessions.ts';
import { HandOvers } from './hand-overs.ts';
import type { SessionsHost } from './host.ts';
import { isInsideIdentifier } from './inside-identifiers.ts';
import type { PendingWill } from './pending-will.ts';
import { SessionEntry, willBytes } from './session-entry.ts';
import { SessionOrder } from './session-order.ts';
import { Subscriptions } from './subscriptions.ts';
import { Wills } from './wills.ts';

/** What of a client outlives the process: nothing, its will, or its session with the will. */
export type Durability = 'none' | 'will' | 'session';

/** While the disk is full: until a session that has expired is tried again at the earliest, and between two of them, so that many take no more time than a few. */
const EXPIRY_RETRY_MS = 1000;
const EXPIRY_RETRY_GAP_MS = 1;

/**
 * The sessions of a broker, from CONNECT until they expire, with their wills (§3.1.4, §4.1).
 *
 * Invariant: a client identifier has one session at most, and a session one connection at most
 * [MQTT-3.1.4-3].
 */
export class Sessions implements RecoveryHost {
  readonly #host: SessionsHost;
  /** By client identifier. */
  readonly #entries: Map<string, SessionEntry>;
  /** The same, in the order in which they were made. */
  readonly #order: SessionOrder<SessionEntry>;
  /** Of the sessions whose messages are in memory only, and of those whose are stored. */
  readonly #memoryTotals: QueueTotals;
  readonly #storedTotals: QueueTotals;
  readonly #wills: Wills;
  readonly handOvers: HandOvers;
  /** Those of other cells, which are none of these. */
  readonly cells: CellSessions;
  /** How many CONNECTs have come. */
  #connects: number;
  /** When the last one is tried again of those that have expired while the disk is full. */
  #lastRetryAt: number;

  constructor(host: SessionsHost) {
    const { mqtt } = host.config;
    this.#host = host;
    this.#entries = new TextMap();
    this.#order = new SessionOrder();
    this.#storedTotals = queueTotals(mqtt, () => mqtt.maxQueuedBytesTotal);
    this.#memoryTotals = queueTotals(mqtt, () =>
      Math.min(mqtt.maxQueuedMemoryTotal, mqtt.maxQueuedBytesTotal),
    );
    this.#wills = new Wills(host);
    this.handOvers = new HandOvers(host);
    this.cells = new CellSessions(host);
    this.#lastRetryAt = Number.NEGATIVE_INFINITY;
    this.#connects = 0;
  }

  /** @returns a number for a CONNECT that has come: higher than that of all before */
  numberConnect(): number {
    this.#connects++;
    return this.#connects;
  }

  get count(): number {
    return this.#entries.size;
  }

  /** Messages that wait in all of them. */
  get queuedCount(): number {
    return this.#memoryTotals.messages + this.#storedTotals.messages;
  }

  /** All of them, connected or not. */
  *all(): Generator<BrokerSession> {
    for (const { session } of this.#entries.values()) yield session;
  }

  /**
   * Those that were made after the one with this place (`SessionEntry.ordinal`), in order; 0 for all. Nothing may change while
   * they are gone through.
   */
  after(ordinal: number): Generator<SessionEntry> {
    return this.#order.after(ordinal);
  }

  /**
   * The place after which the entry with this index stands, 0 for the first: for `after`.
   *
   * @returns null when there are no more than so many
   */
  placeBefore(index: number): number | null {
    return this.#order.placeBefore(index);
  }

  /** What a client identifier has; null when it has no session. */
  find(clientId: string): SessionEntry | null {
    return this.#entries.get(clientId) ?? null;
  }

  /** The connection of a client; null when it has none. */
  connectionOf(clientId: string): Peer | null {
    return this.#entries.get(clientId)?.session.link?.connection ?? null;
  }

  /** Whether a client identifier has a session of another user than this one. */
  isOfAnotherUser(clientId: string, userName: string | null): boolean {
    const owner = this.#entries.get(clientId)?.owner ?? null;
    return owner !== null && owner !== userName;
  }

  /** A session with what is kept beside it. */
  entryOf(session: BrokerSession): SessionEntry {
    const entry = this.#entries.get(session.clientId);
    if (entry?.session !== session) throw new Error(`no session entry for ${session.clientId}`);
    return entry;
  }

  // --------------------------------------------------------------------- CONNECT

  /** Whether a CONNECT needs the disk, which is full. */
  isStorageFullFor(clientId: string, cleanStart: boolean, durability: Durability): boolean {
    const { journal } = this.#host;
    if (journal.isOpen) return false;
    if (journal.hasUnwrittenEnd(clientId)) return true;
    const present = this.#entries.get(clientId);
    // The end of a session is a record, too: without it, the session would be back after a crash.
    if (cleanStart && (present?.number ?? 0) > 0) return true;
    // One that ends with its connection ends when that is taken over.
    const now = this.#host.runtime.now();
    const isResumed =
      !cleanStart && present !== undefined && isKept(present) && !isOverdue(present, now);
    return durability !== 'none' && !isResumed;
  }

  /**
   * Finds or makes the session of a CONNECT, and takes it from its present connection (§3.1.4).
   *
   * @param by - who may have it already; null: nobody who keeps it
   * @returns dependsOn - position of the record that ended the session before, or possibly did, which is not to
   * come back once CONNACK has said that it is gone; -1 when there is none
   */
  open(
    clientId: string,
    cleanStart: boolean,
    by: SessionPeer | null,
    durability: Durability,
  ): { session: BrokerSession; isPresent: boolean; dependsOn: number } {
    const { journal } = this.#host;
    const link = this.#entries.get(clientId)?.session.link ?? null;
    const address = by?.connection?.transport.remoteAddress ?? null;
    if (link !== null && link !== by) link.takeOver(address);
    // It may have ended with the connection that it was taken from.
    const entry = this.#entries.get(clientId);
    if (entry !== undefined && isOverdue(entry, this.#host.runtime.now())) {
      this.#expire(entry);
    } else if (entry !== undefined) {
      // [MQTT-3.1.2-5]
      if (!cleanStart) return { session: entry.session, isPresent: true, dependsOn: -1 };
      this.#end(entry, 'clean start', address); // [MQTT-3.1.2-4]
    }
    return {
      session: this.#create(clientId, durability),
      isPresent: false, // [MQTT-3.1.2-6]
      dependsOn: journal.lastEndPosition,
    };
  }

  /**
   * Why there is no room for the will of a CONNECT in the place of the one that its client has; empty when
   * there is.
   */
  whyNoRoomForWill(clientId: string, will: PendingWill): string {
    const { wills } = this.#host.memory;
    const held = willBytes(this.#entries.get(clientId)?.will ?? null);
    const size = willBytes(will);
    if (wills.hasRoomFor(held, size - held)) return '';
    wills.refusals++;
    return size > wills.clientMax
      ? 'the will is larger than mqtt.max-will-size'
      : 'no room for the will: mqtt.max-will-bytes-total reached';
  }

  /** Whether there is room for the session of a CONNECT that is to outlive its connection. */
  hasRoomForSession(clientId: string): boolean {
    const { stats, config } = this.#host;
    if (this.#entries.has(clientId)) return true;
    return this.#entries.size - stats.connectionsCurrent < config.mqtt.maxSessions;
  }

  /** CONNACK is on its way: the session lives on, with the will of this CONNECT. */
  join(session: BrokerSession, userName: string | null, will: PendingWill | null): SessionEntry {
    const entry = this.entryOf(session);
    entry.owner = userName;
    this.#host.deadlines.cancel(entry.expiry);
    if (entry.will !== null) this.#noteWill(entry, 'cancelled');
    this.#wills.cancel(entry); // [MQTT-3.1.3-9]
    entry.will = will; // [MQTT-3.1.2-7]
    entry.disconnectedAt = -1;
    entry.subscriptions.onPresence();
    return entry;
  }

  /** A CONNECT failed after its session was opened: a session made for it ends again. */
  abandon(session: BrokerSession): void {
    if (session.expiryInterval === 0) this.#end(this.entryOf(session), 'connect failed');
  }

  /** The disk refused a new session: it is not to be found again, as it would be gone after a crash. */
  endUnstored(entry: SessionEntry): void {
    const { session } = entry;
    session.expiryInterval = 0;
    const isThere = this.#entries.get(session.clientId) === entry;
    // While it is connected it ends with the connection, which the disk refused, too.
    if (isThere && !session.isConnected) this.#end(entry, 'storage full');
  }

  #create(clientId: string, durability: Durability): BrokerSession {
    const number = durability === 'none' ? 0 : this.#host.journal.takeNumber();
    // Asked first: when that fails, there is no session yet.
    const createdAtSeconds = Math.floor(this.#host.runtime.now() / 1000);
    const entry = this.#add(clientId, number, number > 0 && durability === 'session');
    entry.createdAtSeconds = createdAtSeconds;
    return entry.session;
  }

  #add(clientId: string, number: number, isStored: boolean): SessionEntry {
    const { config, stats, clientEvents } = this.#host;
    const { mqtt, storage } = config;
    const store = isStored ? this.#host.journal : null;
    const session: BrokerSession = new Session<SessionPeer>(clientId, {
      number,
      store,
      get messagesMax() {
        return mqtt.maxQueuedMessages;
      },
      get bytesMax() {
        return store === null ? mqtt.maxQueuedBytes : storage.maxQueuedBytes;
      },
      get overflow() {
        return mqtt.queueOverflow;
      },
      totals: store === null ? this.#memoryTotals : this.#storedTotals,
      inflightMemory: this.#host.memory.inflight,
      replayMemory: this.#host.memory.replays,
      onDrop: (reason, delivery, packet = null) => {
        entry.droppedCount++;
        const topic = clientEvents.asksTopics ? topicOfDrop(delivery, packet) : null;
        clientEvents.messageDropped(clientId, reason, topic, session.queue.length);
      },
    });
    const entry: SessionEntry = new SessionEntry(
      session,
      number,
      new Subscriptions(this.#host, session),
      this.#host.memory.wills,
      (expired) => this.#onExpired(expired),
      (due) => this.#wills.publish(due),
    );
    this.#entries.set(clientId, entry);
    this.#order.add(entry);
    stats.sessionsCurrent = this.#entries.size;
    if (isInsideIdentifier(clientId)) stats.insideSessionsCurrent++;
    return entry;
  }

  // ---------------------------------------------------------- after the connection

  /**
   * The connection of a session is over: decides on its will and on how long it lives (§4.1).
   *
   * @param cause - of its end
   * @param takenOverBy - from where the session was taken over; null when it wasn't
   */
  leave(
    session: BrokerSession,
    will: 'send-will' | 'discard-will',
    cause: string,
    takenOverBy: string | null,
  ): void {
    const { runtime, journal } = this.#host;
    const entry = this.entryOf(session);
    const rights = session.link?.connection?.rights ?? null;
    session.detach();
    entry.subscriptions.onPresence();
    this.#host.retainedReplays.onDetached(session);
    if (will === 'discard-will' && entry.will !== null) {
      this.#noteWill(entry, 'discarded');
      entry.will = null; // [MQTT-3.1.2-10]
    }
    entry.rights = entry.will === null ? null : rights;
    if (session.expiryInterval === 0) {
      this.#end(entry, 'connection over', takenOverBy, cause);
      return;
    }
    const now = runtime.now();
    entry.disconnectedAt = now;
    if (entry.will !== null && entry.will.delayInterval > 0) {
      this.#wills.schedule(entry, now + entry.will.delayInterval * 1000);
    }
    this.#scheduleExpiry(entry);
    if (entry.number > 0) journal.writeSession(entry);
    if (entry.will?.delayInterval === 0) this.#wills.publish(entry);
    this.#handOverShared(session);
  }

  /** A connection could not leave its session in order: the session continues without it, or is no more. */
  forsake(connection: Faulty): void {
    const entry = this.#entries.get(connection.clientId);
    if (entry?.session.link !== connection) return;
    entry.disconnectedAt = this.#host.runtime.now();
    if (entry.session.expiryInterval === 0) {
      this.dropEntry(entry);
      entry.session.end();
      return;
    }
    entry.session.detach();
    entry.subscriptions.onPresence();
    this.#scheduleExpiry(entry);
  }

  /** What waits for a member of a shared subscription that has gone goes to one that is there. */
  #handOverShared(session: BrokerSession): void {
    if (session.isStored) {
      this.handOvers.giveStored(session);
      return;
    }
    const { trie } = this.#host.router;
    const moved = session.takeShared(
      (group) => trie.group(group)?.hasConnectedBeside(session) === true,
    );
    this.handOvers.giveUnstored(moved, session);
  }

  /** DISCONNECT changed the Session Expiry Interval (§3.14.2.2.2). */
  changeExpiry(session: BrokerSession, seconds: number): void {
    // Granted 0, whatever was asked for: it ends with the connection, and has been treated so.
    if (session.expiryInterval === 0) return;
    session.expiryInterval = Math.min(seconds, this.#host.config.mqtt.maxSessionExpiry);
  }

  /**
   * Ends a session that has no connection, as if it had expired now. It may have ended already.
   *
   * @param cause - who wants it
   */
  drop(entry: SessionEntry, cause = 'administrative action'): void {
    if (this.#entries.get(entry.session.clientId) === entry) this.#end(entry, cause);
  }

  /** Another broker has a session without connection from now on: it ends here, with its will, and nobody is handed anything of it. */
  cut(entry: SessionEntry): void {
    const { deadlines, journal } = this.#host;
    deadlines.cancel(entry.expiry);
    this.#wills.cancel(entry);
    this.dropEntry(entry);
    if (entry.number > 0) journal.endSession(entry);
    entry.session.end();
  }

  /** A session without connection loses the will that is still due, if it has one. It may have ended already. */
  discardWill(entry: SessionEntry): void {
    if (entry.will === null || this.#entries.get(entry.session.clientId) !== entry) return;
    this.#wills.cancel(entry);
    this.#noteWill(entry, 'discarded');
    entry.will = null;
    if (entry.number > 0) this.#host.journal.writeSession(entry);
  }

  /** The will of a session isn't published. */
  #noteWill({ session, will }: SessionEntry, cause: 'cancelled' | 'discarded'): void {
    if (will === null) return;
    this.#host.clientEvents.willGone(session.clientId, will.message.topic, cause);
  }

  /**
   * The session has been without connection for long enough. While the disk is full it goes on taking messages, which are refused: its end
   * can't be written, and a crash would bring it back without what had been acknowledged since.
   */
  #onExpired(entry: SessionEntry): void {
    const { journal, deadlines, runtime } = this.#host;
    if (entry.number === 0 || journal.isOpen) this.#expire(entry);
    else {
      const nextAt = this.#lastRetryAt + EXPIRY_RETRY_GAP_MS;
      this.#lastRetryAt = Math.max(runtime.now() + EXPIRY_RETRY_MS, nextAt);
      deadlines.schedule(entry.expiry, this.#lastRetryAt);
    }
  }

  #expire(entry: SessionEntry): void {
    this.#host.stats.sessionsExpired++;
    this.#end(entry, 'expired'); // [MQTT-4.1.0-2]
  }

  #scheduleExpiry({ session, disconnectedAt, expiry }: SessionEntry): void {
    if (session.expiryInterval === NEVER_EXPIRES) return;
    this.#host.deadlines.schedule(expiry, disconnectedAt + session.expiryInterval * 1000);
  }

  /**
   * The will goes first at the latest now, whatever its delay (§3.1.2.5).
   *
   * @param by - address of who has ended it; null when nobody has
   * @param detail - more of the cause
   */
  #end(entry: SessionEntry, cause: string, by: string | null = null, detail = ''): void {
    const { deadlines, journal, clientEvents } = this.#host;
    const { session } = entry;
    const waiting = session.queuedCount + session.inflightCount;
    clientEvents.sessionEnds(session.clientId, entry.subscriptions, waiting, cause, by, detail);
    deadlines.cancel(entry.expiry);
    this.#remove(entry);
    this.#wills.publish(entry);
    const { stored } = session;
    // In steps, however much waits.
    if (stored !== null && journal.hasSession(entry.number) && stored.isLongToEnd) {
      this.handOvers.giveUnstored(session.beginEnd(), session);
      this.handOvers.giveAll(entry, stored.queue.formerSequence);
      return;
    }
    if (entry.number > 0) journal.endSession(entry);
    this.handOvers.giveUnstored(session.end(), session);
  }

  // -------------------------------------------------------------------- recovery

  /** The storage has brought all back: sessions of the process before continue without a connection, or end. */
  takeUp(restored: readonly JournalEntry[], endings: ReadonlyMap<number, number>): void {
    const now = this.#host.runtime.now();
    const entries = restored.filter((entry) => entry instanceof SessionEntry);
    this.cells.takeUp();
    // Before any is handed something over, which was not sent.
    for (const { session } of entries) session.stored?.endRestoring();
    for (const entry of entries) this.#takeUp(entry, endings.get(entry.number) ?? null, now);
  }

  /** @param keptSequence - null when it hasn't ended for its client */
  #takeUp(entry: SessionEntry, keptSequence: number | null, now: number): void {
    const { session, will } = entry;
    if (keptSequence !== null) {
      session.beginEnd();
      this.handOvers.giveAll(entry, keptSequence);
      return;
    }
    if (entry.disconnectedAt === -1) {
      // Its connection ended with the process.
      entry.disconnectedAt = now;
      if (will !== null) entry.willDueAt = now + will.delayInterval * 1000;
      if (session.expiryInterval > 0) this.#host.journal.writeSession(entry);
    }
    if (session.expiryInterval === 0) {
      this.#end(entry, 'restart');
      return;
    }
    this.#scheduleExpiry(entry);
    if (will !== null) this.#wills.schedule(entry, entry.willDueAt);
  }

  restoreEntry(record: SessionRecord): JournalEntry {
    if (isCellIdentifier(record.clientId)) return this.cells.restore(record);
    const entry = this.#add(record.clientId, record.number, record.expiryInterval > 0);
    this.updateEntry(entry, record);
    return entry;
  }

  updateEntry(entry: JournalEntry, record: SessionRecord): void {
    if (!(entry instanceof SessionEntry)) return;
    entry.session.expiryInterval = record.expiryInterval;
    entry.owner = record.owner;
    entry.disconnectedAt = record.disconnectedAt;
    entry.willDueAt = record.willDueAt;
    entry.will = record.will;
  }

  dropEntry(entry: SessionEntry): void {
    this.#remove(entry);
    entry.will = null;
  }

  /** Its will may still be due. */
  #remove(entry: SessionEntry): void {
    const { session } = entry;
    const { stats, retainedReplays } = this.#host;
    if (this.#entries.get(session.clientId)?.session === session) {
      this.#entries.delete(session.clientId);
      if (isInsideIdentifier(session.clientId)) stats.insideSessionsCurrent--;
    }
    this.#order.remove(entry);
    stats.sessionsCurrent = this.#entries.size;
    entry.subscriptions.clear();
    retainedReplays.forget(session);
    this.#host.clientEvents.sessionEnded(session.clientId);
  }

  restoreSubscription(entry: SessionEntry, subscription: Subscription): void {
    entry.subscriptions.add(subscription);
  }

  dropSubscription(entry: SessionEntry, topicFilter: string): void {
    entry.subscriptions.remove(topicFilter);
  }

  /**
   * Invariants: what is counted of all sessions is what they have, those that have ended for their clients included; nobody
   * else has subscribed.
   *
   * @throws {Error} when something isn't as it has to be; for tests
   */
  checkInvariants(): void {
    const { router, memory } = this.#host;
    const sums = { subscriptions: 0, subscriptionBytes: 0, wills: 0, inflight: 0, replays: 0 };
    const queued = { memory: 0, stored: 0 };
    this.#order.checkInvariants();
    invariant(this.#order.size === this.#entries.size, `${this.#order.size} sessions in order`);
    for (const [clientId, entry] of this.#entries) {
      const { session, subscriptions, will } = entry;
      invariant(session.clientId === clientId, `${clientId} has the session of another client`);
      invariant(entry.ordinal > 0, `${clientId} has no place among the sessions`);
      entry.checkInvariants();
      sums.subscriptions += subscriptions.size;
      sums.subscriptionBytes += subscriptions.bytes;
      sums.wills += willBytes(will);
      sums.inflight += session.inflightBytes;
      sums.replays += session.replays.bytes;
      queued[session.isStored ? 'stored' : 'memory'] += session.queue.length;
    }
    this.handOvers.checkInvariants(this.all());
    this.cells.checkInvariants();
    const { subscriptionCount } = router.trie;
    invariant(sums.subscriptions === subscriptionCount, `${subscriptionCount} subscriptions`);
    memory.subscriptions.checkInvariants(sums.subscriptionBytes);
    memory.replays.checkInvariants(sums.replays + router.retained.historyBytes);
    invariant(sums.wills <= memory.wills.bytes, `${memory.wills.bytes} bytes of wills`);
    invariant(sums.inflight <= memory.inflight.bytes, `${memory.inflight.bytes} bytes inflight`);
    const { messages } = this.#memoryTotals;
    invariant(queued.memory === messages, `${messages} messages counted of ${queued.memory}`);
    invariant(queued.stored <= this.#storedTotals.messages, `${queued.stored} messages stored`);
  }
}

/** Limits are read from the configuration whenever they are asked: a reload changes them in place. */
function queueTotals(mqtt: Config['mqtt'], bytesMax: () => number): QueueTotals {
  return {
    get messagesMax() {
      return mqtt.maxQueuedMessagesTotal;
    },
    get bytesMax() {
      return bytesMax();
    },
    messages: 0,
    bytes: 0,
  };
}

/** Whether a session has no connection, and its Session Expiry Interval has passed: its end waits for room on the disk. */
function isOverdue({ session, disconnectedAt }: SessionEntry, now: number): boolean {
  const { isConnected, expiryInterval } = session;
  if (isConnected || expiryInterval === NEVER_EXPIRES) return false;
  return disconnectedAt + expiryInterval * 1000 <= now;
}

/** Whether a session is stored, and outlives its connection. */
function isKept({ session }: SessionEntry): boolean {
  return session.isStored && session.expiryInterval > 0;
}
