import { type PacketError, ReasonCode } from '@promptmq/codec';
import { type DropReason, NEVER_EXPIRES, Session } from '@promptmq/session';
import type { AuthenticationMethod } from './authentication.ts';
import type { Config } from './config/index.ts';
import type { PendingWill } from './connect.ts';
import { Connection, ConnectionState } from './connection.ts';
import { Deadline, DeadlineQueue } from './deadline-queue.ts';
import { type Logger, rateLimited } from './log/index.ts';
import { type BrokerSession, Router } from './router.ts';
import type { Runtime } from './runtime.ts';
import { type BrokerStats, countIn, createStats } from './stats.ts';
import type { Transport, TransportHandler } from './transport.ts';

/** How often expired retained messages are looked for, and how many are removed at a time. */
const RETAINED_SWEEP_MS = 1000;
const RETAINED_SWEEP_MAX = 10_000;

/** Client-triggered log lines a second, and how many may come at once. */
const CLIENT_LOG_LINES = { perSecond: 20, burst: 100 };

/** Sockets beyond twice the clients allowed: room for those that connect, are refused or close. */
const SPARE_SOCKETS = 100;

/** A session with what the broker keeps beside it. */
interface SessionEntry {
  readonly session: BrokerSession;
  will: PendingWill | null;
  /** Set while the session has no connection. */
  readonly expiry: Deadline;
  readonly willDue: Deadline;
}

/**
 * The broker without sockets: sessions, connections, wills and deadlines. Transports are given to it
 * by `accept`; time and randomness come from its `Runtime`.
 *
 * Invariant: a client identifier has one session at most, and a session one connection at most
 * [MQTT-3.1.4-3].
 */
export class Broker {
  readonly config: Config;
  readonly runtime: Runtime;
  readonly stats: BrokerStats;
  readonly router: Router;
  readonly deadlines: DeadlineQueue;
  readonly log: Logger;
  /** By name. */
  readonly authenticationMethods: ReadonlyMap<string, AuthenticationMethod>;
  readonly #clientLog: Logger;
  readonly #sessions: Map<string, SessionEntry>;
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
  ) {
    this.config = config;
    this.runtime = runtime;
    this.stats = createStats();
    this.router = new Router(config, runtime, this.stats);
    this.deadlines = new DeadlineQueue();
    this.log = log;
    this.authenticationMethods = new Map(
      authenticationMethods.map((method) => [method.name, method]),
    );
    this.#clientLog = rateLimited(log, { ...CLIENT_LOG_LINES, now: runtime.now });
    this.#sessions = new Map();
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
    // Some sockets more than clients, so that one too many still hears why it is refused.
    const socketsMax = 2 * this.config.mqtt.maxConnections + SPARE_SOCKETS;
    if (this.#isStopping || this.#connections.size >= socketsMax) {
      this.stats.connectionsRefused++;
      this.#clientLog.warn('connection-refused', { why: 'too many open sockets' });
      transport.destroy();
      return null;
    }
    const connection = new Connection(this, transport);
    this.#connections.add(connection);
    return connection;
  }

  /** Whether a client may connect: there is room, or it takes over its own session. */
  hasRoomFor(clientId: string): boolean {
    if (this.#openCount < this.config.mqtt.maxConnections) return true;
    return this.#sessions.get(clientId)?.session.isConnected === true;
  }

  /** Finds or makes the session of a CONNECT, and takes it from its present connection (§3.1.4). */
  openSession(
    clientId: string,
    cleanStart: boolean,
    by: Connection,
  ): { session: BrokerSession; isPresent: boolean } {
    const present = this.#sessions.get(clientId);
    if (present !== undefined) {
      const { link } = present.session;
      if (link !== null && link !== by) link.takeOver();
      // It may have ended with the connection that it was taken from.
      const entry = this.#sessions.get(clientId);
      if (entry !== undefined) {
        if (!cleanStart) return { session: entry.session, isPresent: true }; // [MQTT-3.1.2-5]
        this.#endSession(entry); // [MQTT-3.1.2-4]
      }
    }
    return { session: this.#createSession(clientId), isPresent: false }; // [MQTT-3.1.2-6]
  }

  /** CONNACK is on its way: connects the session and sends what it is owed. */
  join(
    connection: Connection,
    session: BrokerSession,
    will: PendingWill | null,
    sendQuota: number,
  ): void {
    const entry = this.#entryOf(session);
    this.deadlines.cancel(entry.expiry);
    this.deadlines.cancel(entry.willDue); // [MQTT-3.1.3-9]
    entry.will = will; // [MQTT-3.1.2-7]
    this.#openCount++;
    this.stats.connectionsCurrent = this.#openCount;
    this.stats.connectionsTotal++;
    this.stats.connectionsMaximum = Math.max(this.stats.connectionsMaximum, this.#openCount);
    countIn(this.stats.connacks, ReasonCode.Success);
    this.#clientLog.info('client-connected', {
      clientId: session.clientId,
      address: connection.transport.remoteAddress,
      protocol: connection.transport.protocol,
      version: connection.version,
    });
    session.attach(connection, sendQuota, this.runtime.now());
  }

  /** A CONNECT failed after its session was opened: a session made for it ends again. */
  abandonSession(session: BrokerSession): void {
    if (session.expiryInterval === 0) this.#endSession(this.#entryOf(session));
  }

  /** The connection of a session is over: decides on its will and on how long it lives (§4.1). */
  leave(session: BrokerSession, will: 'send-will' | 'discard-will'): void {
    const entry = this.#entryOf(session);
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
    if (expiryInterval !== NEVER_EXPIRES) {
      this.deadlines.schedule(entry.expiry, now + expiryInterval * 1000);
    }
    if (entry.will !== null) {
      const { delayInterval } = entry.will;
      if (delayInterval === 0) this.#publishWill(entry);
      else this.deadlines.schedule(entry.willDue, now + delayInterval * 1000);
    }
    this.router.redeliver(session.extractShared(), session);
    this.armTimer();
  }

  /** DISCONNECT changed the Session Expiry Interval (§3.14.2.2.2). */
  changeSessionExpiry(session: BrokerSession, seconds: number): void {
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

  onDisconnected(connection: Connection, cause: string, reasonCode: number): void {
    countIn(this.stats.disconnections, cause);
    this.stats.connectionDurations.observe((this.runtime.now() - connection.openedAt) / 1000);
    this.#clientLog.info('client-disconnected', {
      clientId: connection.clientId,
      cause,
      reasonCode,
    });
  }

  onClosed(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onDrained?.();
  }

  logRefusal(connection: Connection, error: PacketError): void {
    countIn(this.stats.packetErrors, (this.stats.packetTypeNow << 8) | error.reasonCode);
    this.stats.packetTypeNow = 0;
    this.#clientLog.warn('packet-refused', {
      clientId: connection.clientId,
      address: connection.transport.remoteAddress,
      reasonCode: error.reasonCode,
      why: error.message,
    });
  }

  logConnectRefusal(connection: Connection, reasonCode: number, why: string): void {
    this.#clientLog.warn('connect-refused', {
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

  #createSession(clientId: string): BrokerSession {
    const { maxQueuedMessages, maxQueuedBytes, queueOverflow } = this.config.mqtt;
    const session: BrokerSession = new Session<Connection>(clientId, {
      messagesMax: maxQueuedMessages,
      bytesMax: maxQueuedBytes,
      overflow: queueOverflow === 'reject' ? 'drop-newest' : queueOverflow,
      onDrop: (reason) => this.#onDrop(reason, clientId),
    });
    const entry: SessionEntry = {
      session,
      will: null,
      expiry: new Deadline(() => {
        this.stats.sessionsExpired++;
        this.#endSession(entry); // [MQTT-4.1.0-2]
      }),
      willDue: new Deadline(() => this.#publishWill(entry)),
    };
    this.#sessions.set(clientId, entry);
    this.stats.sessionsCurrent = this.#sessions.size;
    return session;
  }

  /** The will goes first at the latest now, whatever its delay (§3.1.2.5). */
  #endSession(entry: SessionEntry): void {
    const { session } = entry;
    this.deadlines.cancel(entry.expiry);
    this.#sessions.delete(session.clientId);
    this.stats.sessionsCurrent = this.#sessions.size;
    for (const topicFilter of session.subscriptions.keys()) {
      this.router.trie.unsubscribe(session, topicFilter);
    }
    session.subscriptions.clear();
    this.stats.subscriptionsCurrent = this.router.trie.subscriptionCount;
    this.#publishWill(entry);
    this.router.redeliver(session.end(), session);
  }

  #publishWill(entry: SessionEntry): void {
    const { will } = entry;
    this.deadlines.cancel(entry.willDue);
    if (will === null) return;
    entry.will = null; // [MQTT-3.1.2-10]
    const lifetimeMs = Math.min(
      will.messageExpiryInterval < 0 ? Number.POSITIVE_INFINITY : will.messageExpiryInterval * 1000,
      this.config.mqtt.maxMessageExpiry,
    );
    this.router.publishMessage({ ...will.message, expiresAt: this.runtime.now() + lifetimeMs });
  }

  #entryOf(session: BrokerSession): SessionEntry {
    const entry = this.#sessions.get(session.clientId);
    if (entry?.session !== session) throw new Error(`no session entry for ${session.clientId}`);
    return entry;
  }

  #onDrop(reason: DropReason, clientId: string): void {
    this.stats.dropped[reason]++;
    if (reason === 'queue-full') this.#clientLog.warn('message-dropped', { clientId, reason });
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
   * Tells every client that the server is shutting down (0x8B) and closes. Sessions stay in memory;
   * wills are not published.
   *
   * @param timeoutMs - connections that have not closed by then are cut
   */
  async stop(timeoutMs: number, reasonCode: number): Promise<void> {
    this.#isStopping = true;
    this.#cancelTimer();
    for (const entry of this.#sessions.values()) entry.will = null;
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
  }
}
