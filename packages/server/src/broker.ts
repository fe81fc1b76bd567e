import { type PacketError, ReasonCode } from '@promptmq/codec';
import {
  type DropReason,
  NEVER_EXPIRES,
  type QueueTotals,
  Session,
  type Subscription,
} from '@promptmq/session';
import type { LogEvent } from '@promptmq/wal';
import { Access } from './access/index.ts';
import type { AuthenticationMethod } from './authentication.ts';
import { ClientTraces, type TraceListener } from './client-traces.ts';
import type { Config } from './config/index.ts';
import type { PendingWill } from './connect.ts';
import { Connection } from './connection.ts';
import { ConnectionState } from './connection-state.ts';
import { Deadline, DeadlineQueue } from './deadline-queue.ts';
import { type Logger, rateLimited } from './log/index.ts';
import { type BrokerSession, Router } from './router.ts';
import type { Runtime } from './runtime.ts';
import { SessionEntry } from './session-entry.ts';
import { type BrokerStats, countIn, createStats } from './stats.ts';
import type { SessionRecord } from './storage/records.ts';
import type { RecoveryHost } from './storage/recovery.ts';
import { Storage, type StorageResources } from './storage/storage.ts';
import { logStorageEvent } from './storage/storage-log.ts';
import { revokeSubscriptions } from './subscribe.ts';
import type { Transport, TransportHandler } from './transport.ts';

/** How often expired retained messages are looked for, and how many are removed at a time. */
const RETAINED_SWEEP_MS = 1000;
const RETAINED_SWEEP_MAX = 10_000;

/** What of a client outlives the process: nothing, its will, or its session with the will. */
export type Durability = 'none' | 'will' | 'session';

/** Sockets beyond twice the clients allowed: room for those that connect, are refused or close. */
const SPARE_SOCKETS = 100;

/**
 * The broker without sockets: sessions, connections, wills and deadlines. Transports are given to it
 * by `accept`; time and randomness come from its `Runtime`.
 *
 * Invariant: a client identifier has one session at most, and a session one connection at most
 * [MQTT-3.1.4-3].
 */
export class Broker implements RecoveryHost {
  readonly config: Config;
  readonly runtime: Runtime;
  readonly stats: BrokerStats;
  readonly router: Router;
  readonly deadlines: DeadlineQueue;
  readonly log: Logger;
  /** Who may connect and do what; changed by `reconfigure`. */
  access: Access;
  /** Keeps what outlives the process; null when nothing does. Set by `recover`. */
  storage: Storage | null;
  /** Told once when the storage can't go on: nothing more is acknowledged. */
  onStorageFailed: (why: string) => void;
  /** By name. */
  readonly authenticationMethods: ReadonlyMap<string, AuthenticationMethod>;
  /** For what clients can cause: lines beyond the limit are left out and counted. */
  readonly clientLog: Logger;
  /** Who looks at the packets of which client. */
  readonly traces: ClientTraces;
  readonly #sessions: Map<string, SessionEntry>;
  readonly #totals: QueueTotals;
  readonly #connections: Set<Connection>;
  #openCount: number;
  #dirty: Connection[];
  readonly #flushAll: () => void;
  #timerAt: number;
  #cancelTimer: () => void;
  #isStopping: boolean;
  #onDrained: (() => void) | null;

  constructor(
    config: Config,
    runtime: Runtime,
    log: Logger,
    authenticationMethods: readonly AuthenticationMethod[] = [],
    access: Access = Access.load(config.auth),
  ) {
    this.config = config;
    this.runtime = runtime;
    this.stats = createStats();
    this.router = new Router(config, runtime, this.stats);
    this.deadlines = new DeadlineQueue();
    this.log = log;
    this.access = access;
    this.storage = null;
    this.onStorageFailed = () => {};
    this.authenticationMethods = new Map(
      authenticationMethods.map((method) => [method.name, method]),
    );
    // Limits are read from the configuration whenever they are asked: a reload changes them in place.
    this.clientLog = rateLimited(log, {
      get perSecond() {
        return config.log.clientLinesPerSecond;
      },
      now: runtime.now,
    });
    this.traces = new ClientTraces(log, config.log);
    this.#sessions = new Map();
    this.#totals = {
      get messagesMax() {
        return config.mqtt.maxQueuedMessagesTotal;
      },
      get bytesMax() {
        return config.mqtt.maxQueuedBytesTotal;
      },
      messages: 0,
      bytes: 0,
    };
    this.#connections = new Set();
    this.#openCount = 0;
    this.#dirty = [];
    this.#flushAll = () => this.#flush();
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#cancelTimer = () => {};
    this.#isStopping = false;
    this.#onDrained = null;
    const sweep = new Deadline((now) => {
      this.router.sweepRetained(now, RETAINED_SWEEP_MAX);
      this.deadlines.schedule(sweep, now + RETAINED_SWEEP_MS);
    });
    this.deadlines.schedule(sweep, runtime.now() + RETAINED_SWEEP_MS);
    this.armTimer();
  }

  // ---------------------------------------------------------------- connections

  /**
   * Takes a new network connection.
   *
   * @returns what the transport reports to; null when there are too many and it was destroyed
   */
  accept(transport: Transport): TransportHandler | null {
    this.stats.socketsAccepted++;
    if (this.#isStopping || this.#connections.size >= this.socketsMax) {
      this.stats.connectionsRefused++;
      this.clientLog.warn('connection-refused', { why: 'too many open sockets' });
      transport.destroy();
      return null;
    }
    const connection = new Connection(this, transport);
    this.#connections.add(connection);
    return connection;
  }

  /** Some sockets more than clients, so that one too many still hears why it is refused. */
  get socketsMax(): number {
    return 2 * this.config.mqtt.maxConnections + SPARE_SOCKETS;
  }

  /** A listener closed a connection before its first packet: a TLS handshake or a header was wrong. */
  onRefusedByListener(address: string, why: string): void {
    this.stats.connectionsRefused++;
    this.clientLog.warn('connection-refused', { address, why });
  }

  /** Whether a client may connect: there is room, or it takes over its own session. */
  hasRoomFor(clientId: string): boolean {
    if (this.#openCount < this.config.mqtt.maxConnections) return true;
    return this.#sessions.get(clientId)?.session.isConnected === true;
  }

  /** Whether a CONNECT needs the disk, which is full. */
  isStorageFullFor(clientId: string, cleanStart: boolean, durability: Durability): boolean {
    const { storage } = this;
    if (storage === null || storage.isOpen || durability === 'none') return false;
    const isResumed = !cleanStart && (this.#sessions.get(clientId)?.number ?? 0) > 0;
    return !isResumed;
  }

  /**
   * Finds or makes the session of a CONNECT, and takes it from its present connection (§3.1.4).
   *
   * @returns dependsOn - position of the record that ended the session before, which is not to come back
   * once CONNACK has said that it is gone; -1 when there is none
   */
  openSession(
    clientId: string,
    cleanStart: boolean,
    by: Connection,
    durability: Durability,
  ): { session: BrokerSession; isPresent: boolean; dependsOn: number } {
    const before = this.storage?.lastPosition ?? -1;
    const present = this.#sessions.get(clientId);
    if (present !== undefined) {
      const { link } = present.session;
      if (link !== null && link !== by) link.takeOver();
      // It may have ended with the connection that it was taken from.
      const entry = this.#sessions.get(clientId);
      if (entry !== undefined) {
        // [MQTT-3.1.2-5]
        if (!cleanStart) return { session: entry.session, isPresent: true, dependsOn: -1 };
        this.#endSession(entry); // [MQTT-3.1.2-4]
      }
    }
    const after = this.storage?.lastPosition ?? -1;
    return {
      session: this.#createSession(clientId, durability),
      isPresent: false, // [MQTT-3.1.2-6]
      dependsOn: after === before ? -1 : after,
    };
  }

  /** CONNACK is on its way: connects the session and sends what it is owed. */
  join(
    connection: Connection,
    session: BrokerSession,
    will: PendingWill | null,
    sendQuota: number,
    dependsOn: number,
  ): void {
    const entry = this.entryOf(session);
    this.deadlines.cancel(entry.expiry);
    this.#cancelWill(entry); // [MQTT-3.1.3-9]
    entry.will = will; // [MQTT-3.1.2-7]
    entry.disconnectedAt = -1;
    const { storage } = this;
    if (storage !== null) {
      const position = entry.number > 0 ? storage.writeSession(entry) : dependsOn;
      connection.holdUntilCommitted(storage, position);
    }
    this.#openCount++;
    this.stats.connectionsCurrent = this.#openCount;
    this.stats.connectionsTotal++;
    this.stats.connectionsMaximum = Math.max(this.stats.connectionsMaximum, this.#openCount);
    countIn(this.stats.connacks, ReasonCode.Success);
    const facts = factsOf(connection);
    this.clientLog.info('client-connected', { clientId: session.clientId, ...facts });
    this.traces.tell(session.clientId, { event: 'connected', ...facts });
    session.attach(connection, sendQuota, this.runtime.now());
  }

  /** A CONNECT failed after its session was opened: a session made for it ends again. */
  abandonSession(session: BrokerSession): void {
    if (session.expiryInterval === 0) this.#endSession(this.entryOf(session));
  }

  /** The connection of a session is over: decides on its will and on how long it lives (§4.1). */
  leave(session: BrokerSession, will: 'send-will' | 'discard-will'): void {
    const entry = this.entryOf(session);
    session.detach();
    this.#openCount--;
    this.stats.connectionsCurrent = this.#openCount;
    if (will === 'discard-will') entry.will = null; // [MQTT-3.1.2-10]
    const { expiryInterval } = session;
    if (expiryInterval === 0) {
      this.#endSession(entry);
      return;
    }
    const now = this.runtime.now();
    entry.disconnectedAt = now;
    if (entry.will !== null && entry.will.delayInterval > 0) {
      this.#scheduleWill(entry, now + entry.will.delayInterval * 1000);
    }
    this.#scheduleExpiry(entry);
    if (entry.number > 0) this.storage?.writeSession(entry);
    if (entry.will?.delayInterval === 0) this.#publishWill(entry);
    this.#handOverShared(session);
    this.armTimer();
  }

  /** What waits for a member of a shared subscription that has gone goes to one that is there. */
  #handOverShared(session: BrokerSession): void {
    const { storage, router } = this;
    if (session.store !== null && storage?.isOpen !== true) return;
    const moved = session.takeShared(
      (group) => router.trie.group(group)?.hasConnectedBeside(session) === true,
    );
    router.redeliver(moved, session);
    if (session.store !== null) storage?.onHandedOver(session, moved);
  }

  #scheduleExpiry({ session, disconnectedAt, expiry }: SessionEntry): void {
    if (session.expiryInterval === NEVER_EXPIRES) return;
    this.deadlines.schedule(expiry, disconnectedAt + session.expiryInterval * 1000);
  }

  #scheduleWill(entry: SessionEntry, at: number): void {
    entry.willDueAt = at;
    this.deadlines.schedule(entry.willDue, at);
  }

  #cancelWill(entry: SessionEntry): void {
    entry.willDueAt = Number.POSITIVE_INFINITY;
    this.deadlines.cancel(entry.willDue);
  }

  /** DISCONNECT changed the Session Expiry Interval (§3.14.2.2.2). */
  changeSessionExpiry(session: BrokerSession, seconds: number): void {
    // Granted 0, whatever was asked for: it ends with the connection, and has been treated so.
    if (session.expiryInterval === 0) return;
    session.expiryInterval = Math.min(seconds, this.config.mqtt.maxSessionExpiry);
  }

  /**
   * Ends a client's connection on an operator's behalf (0x98); its session and will go on by the rules.
   *
   * @returns whether the client was connected
   */
  disconnectClient(clientId: string): boolean {
    const link = this.#sessions.get(clientId)?.session.link ?? null;
    link?.disconnect(ReasonCode.AdministrativeAction, 'administrative action');
    return link !== null;
  }

  /**
   * Tells a listener of every packet of a client from now on, whether it is connected or connects later; first of all,
   * whether it is.
   *
   * @returns a function that ends it
   */
  traceClient(clientId: string, listener: TraceListener): () => void {
    const remove = this.traces.add(clientId, listener);
    const update = (): Connection | null => {
      const link = this.#sessions.get(clientId)?.session.link ?? null;
      link?.updateTrace(clientId);
      return link;
    };
    const connection = update();
    listener(
      connection === null
        ? { event: 'not-connected' }
        : { event: 'connected', ...factsOf(connection) },
    );
    return () => {
      remove();
      update();
    };
  }

  /**
   * The configuration was changed: has other rules apply from now on. Connected clients lose the subscriptions
   * that these forbid.
   */
  reconfigure(access: Access): void {
    this.access = access;
    this.router.reconfigure();
    for (const connection of this.#connections) {
      const { session, clientId, userName } = connection;
      if (session === null) continue;
      connection.updateTrace(clientId);
      connection.permissions = access.permissionsOf({ clientId, userName });
      revokeSubscriptions(this, session, connection.permissions);
    }
  }

  onDisconnected(connection: Connection, cause: string, reasonCode: number): void {
    countIn(this.stats.disconnections, cause);
    this.stats.connectionDurations.observe((this.runtime.now() - connection.openedAt) / 1000);
    const { clientId } = connection;
    this.clientLog.info('client-disconnected', { clientId, cause, reasonCode });
    this.traces.tell(clientId, { event: 'disconnected', cause, reasonCode });
  }

  onClosed(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onDrained?.();
  }

  logRefusal(connection: Connection, error: PacketError): void {
    countIn(this.stats.packetErrors, (this.stats.packetTypeNow << 8) | error.reasonCode);
    this.stats.packetTypeNow = 0;
    this.clientLog.warn('packet-refused', {
      clientId: connection.clientId,
      address: connection.transport.remoteAddress,
      reasonCode: error.reasonCode,
      why: error.message,
    });
    const { reasonCode, message: why } = error;
    this.traces.tell(connection.clientId, { event: 'packet-refused', reasonCode, why });
  }

  logConnectRefusal(connection: Connection, reasonCode: number, why: string): void {
    this.clientLog.warn('connect-refused', {
      address: connection.transport.remoteAddress,
      reasonCode,
      why,
    });
  }

  // ------------------------------------------------------------------- sessions

  /** All sessions, connected or not. */
  *sessions(): Generator<BrokerSession> {
    for (const { session } of this.#sessions.values()) yield session;
  }

  /** Whether it takes new connections. */
  get isServing(): boolean {
    return !this.#isStopping;
  }

  #createSession(clientId: string, durability: Durability): BrokerSession {
    const isStored = this.storage !== null && durability !== 'none';
    const number = isStored ? (this.storage as Storage).takeNumber() : 0;
    return this.#addEntry(clientId, number, durability === 'session').session;
  }

  #addEntry(clientId: string, number: number, isStored: boolean): SessionEntry {
    const { mqtt, storage } = this.config;
    const store = isStored ? this.storage : null;
    const session: BrokerSession = new Session<Connection>(clientId, {
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
      totals: this.#totals,
      onDrop: (reason) => this.#onDrop(reason, clientId),
    });
    const entry = new SessionEntry(
      session,
      number,
      (expired) => {
        this.stats.sessionsExpired++;
        this.#endSession(expired); // [MQTT-4.1.0-2]
      },
      (due) => this.#publishWill(due),
    );
    this.#sessions.set(clientId, entry);
    this.stats.sessionsCurrent = this.#sessions.size;
    return entry;
  }

  /** The will goes first at the latest now, whatever its delay (§3.1.2.5). */
  #endSession(entry: SessionEntry): void {
    const { session } = entry;
    this.deadlines.cancel(entry.expiry);
    this.dropEntry(entry);
    this.#publishWill(entry);
    if (entry.number > 0) this.storage?.endSession(entry);
    this.router.redeliver(session.end(), session);
  }

  #publishWill(entry: SessionEntry): void {
    const { will } = entry;
    this.#cancelWill(entry);
    if (will === null) return;
    const lifetimeMs = Math.min(
      will.messageExpiryInterval < 0 ? Number.POSITIVE_INFINITY : will.messageExpiryInterval * 1000,
      this.config.mqtt.maxMessageExpiry,
    );
    const message = { ...will.message, expiresAt: this.runtime.now() + lifetimeMs };
    const { number } = entry;
    const isPublished = this.router.publishMessage(
      message,
      number > 0 ? { kind: 'will', session: number } : null,
    );
    if (isPublished) {
      entry.will = null; // [MQTT-3.1.2-10]
    } else {
      this.storage?.whenRoom(() => {
        if (entry.will === will && !entry.session.isConnected) this.#publishWill(entry);
      });
    }
  }

  // ------------------------------------------------------------------- recovery

  /**
   * Opens the storage and takes up what it holds; to be called once, before the first connection.
   *
   * @throws {LogError} when the log can't be used
   */
  async recover(resources: StorageResources = {}): Promise<void> {
    if (!this.config.storage.enabled) return;
    const startedAt = this.runtime.now();
    const storage = await Storage.open(this, resources);
    this.router.storage = storage;
    const now = this.runtime.now();
    for (const entry of [...storage.entries]) this.#takeUp(entry, now);
    this.stats.retainedCurrent = this.router.retained.count;
    this.stats.subscriptionsCurrent = this.router.trie.subscriptionCount;
    this.log.info('recovered', {
      sessions: this.#sessions.size,
      retained: this.router.retained.count,
      queued: this.#totals.messages,
      records: storage.logStats.recoveredRecords,
      durationMs: Math.round(this.runtime.now() - startedAt),
    });
    this.armTimer();
  }

  /** A session of the process before: it goes on without a connection, or ends. */
  #takeUp(entry: SessionEntry, now: number): void {
    const { session, will } = entry;
    if (entry.disconnectedAt === -1) {
      // Its connection ended with the process.
      entry.disconnectedAt = now;
      if (will !== null) entry.willDueAt = now + will.delayInterval * 1000;
      if (session.expiryInterval > 0) this.storage?.writeSession(entry);
    }
    if (session.expiryInterval === 0) {
      this.#endSession(entry);
      return;
    }
    this.#scheduleExpiry(entry);
    if (will !== null) this.#scheduleWill(entry, entry.willDueAt);
  }

  restoreEntry(record: SessionRecord): SessionEntry {
    const entry = this.#addEntry(record.clientId, record.number, record.expiryInterval > 0);
    this.updateEntry(entry, record);
    return entry;
  }

  updateEntry(entry: SessionEntry, record: SessionRecord): void {
    entry.session.expiryInterval = record.expiryInterval;
    entry.disconnectedAt = record.disconnectedAt;
    entry.willDueAt = record.willDueAt;
    entry.will = record.will;
  }

  dropEntry({ session }: SessionEntry): void {
    if (this.#sessions.get(session.clientId)?.session === session) {
      this.#sessions.delete(session.clientId);
    }
    this.stats.sessionsCurrent = this.#sessions.size;
    for (const topicFilter of session.subscriptions.keys()) {
      this.router.trie.unsubscribe(session, topicFilter);
    }
    session.subscriptions.clear();
    this.stats.subscriptionsCurrent = this.router.trie.subscriptionCount;
  }

  restoreSubscription({ session }: SessionEntry, subscription: Subscription): void {
    session.subscriptions.set(subscription.topicFilter, subscription);
    this.router.trie.subscribe(session, subscription);
  }

  dropSubscription({ session }: SessionEntry, topicFilter: string): void {
    session.subscriptions.delete(topicFilter);
    this.router.trie.unsubscribe(session, topicFilter);
  }

  onStorageEvent(event: LogEvent): void {
    logStorageEvent(this.log, event);
    if (event.type === 'failed') this.onStorageFailed(event.why);
  }

  /** A session with what is kept beside it. */
  entryOf(session: BrokerSession): SessionEntry {
    const entry = this.#sessions.get(session.clientId);
    if (entry?.session !== session) throw new Error(`no session entry for ${session.clientId}`);
    return entry;
  }

  #onDrop(reason: DropReason, clientId: string): void {
    this.stats.dropped[reason]++;
    if (reason === 'queue-full') this.clientLog.warn('message-dropped', { clientId, reason });
  }

  // ---------------------------------------------------------------------- turns

  /** Has the connection flushed at the end of this turn, together with all others. */
  flushLater(connection: Connection): void {
    this.#dirty.push(connection);
    if (this.#dirty.length === 1) this.runtime.defer(this.#flushAll);
  }

  #flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) connection.flush();
  }

  /** Makes sure that the timer goes off at the earliest deadline. */
  armTimer(): void {
    const at = this.deadlines.nextAt;
    if (at >= this.#timerAt || this.#isStopping) return;
    this.#cancelTimer();
    this.#timerAt = at;
    this.#cancelTimer = this.runtime.setTimer(
      Math.max(0, Math.ceil(at - this.runtime.now())),
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.deadlines.runDue(this.runtime.now());
        this.armTimer();
      },
    );
  }

  // ----------------------------------------------------------------------- stop

  /**
   * Tells every client that the server is shutting down (0x8B) and closes, then the storage. Wills are
   * published by the rules, as the clients did not ask to be disconnected (§3.1.2.5).
   *
   * @param timeoutMs - connections that have not closed by then are cut
   */
  async stop(timeoutMs: number, reasonCode: number): Promise<void> {
    this.#isStopping = true;
    this.#cancelTimer();
    const drained = new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
    for (const connection of this.#connections) {
      if (connection.state === ConnectionState.Open) {
        connection.disconnect(reasonCode, 'shutdown');
      } else {
        connection.terminate();
      }
    }
    const cancel = this.runtime.setTimer(timeoutMs, () => {
      for (const connection of this.#connections) connection.terminate();
    });
    if (this.#connections.size > 0) await drained;
    cancel();
    await this.storage?.close();
  }
}

/** What an operator is told of a client that is connected. */
function factsOf({ transport, version, userName }: Connection) {
  return {
    address: transport.remoteAddress,
    protocol: transport.protocol,
    version,
    user: userName,
  };
}
