import type { AuthenticationMethod, Ban } from '@promptmq/auth';
import { ReasonCode } from '@promptmq/codec';
import { invariant } from '@promptmq/topics';
import type { LogEvent } from '@promptmq/wal';
import { Access, type AccessTools } from './access/index.ts';
import { type Config, chainsOf } from './config/index.ts';
import { Connection } from './connection/connection.ts';
import { ConnectionState } from './connection/connection-state.ts';
import { ContainedHandler } from './connection/contained-handler.ts';
import type { ConnectionHost, Flushable } from './connection/host.ts';
import type { Consumer, Peer } from './connection/peer.ts';
import type { Transport, TransportHandler } from './connection/transport.ts';
import { History } from './history/history.ts';
import type { HistoryHost } from './history/host.ts';
import { BrokerHooks } from './hooks/broker-hooks.ts';
import type { Hooks } from './hooks/hooks.ts';
import { type ConnectionPlace, ConnectionPlaces } from './limits/connection-places.ts';
import { Guesses } from './limits/guesses.ts';
import { Limits } from './limits/limits.ts';
import { Overload } from './limits/overload/overload.ts';
import type { ListenerHost } from './listeners/host.ts';
import { OpenSockets } from './listeners/open-sockets.ts';
import { type Logger, rateLimited } from './log/index.ts';
import type { FiguresOfOthers, ObservedBroker } from './observability/host.ts';
import type { ObservedPeers } from './observability/links/link-metrics.ts';
import { applyRules, listenerOf } from './protocol/connect/admission.ts';
import { RetainedReplays } from './routing/retained-replays.ts';
import { Router } from './routing/router.ts';
import { BrokerClock } from './runtime/broker-clock.ts';
import { Deadline, DeadlineQueue } from './runtime/deadline-queue.ts';
import { DeadlineTimer } from './runtime/deadline-timer.ts';
import { Faults, type FaultsHost, type Faulty } from './runtime/faults.ts';
import { MemoryLedger } from './runtime/memory-ledger.ts';
import type { Runtime } from './runtime/runtime.ts';
import { type BrokerStats, createStats, type SocketRefusal } from './runtime/stats.ts';
import { Turns } from './runtime/turns.ts';
import { BrokerBans } from './security/broker-bans.ts';
import { ControlTopic } from './security/control-topic.ts';
import type { BansHost, ConnectedUser, ControlTopicHost, LiveUsersHost } from './security/host.ts';
import { hostOfAddress } from './security/host-address.ts';
import { importUsers } from './security/import-users.ts';
import { LiveUsers } from './security/live-users.ts';
import type { BrokerSession } from './sessions/broker-session.ts';
import type { SessionsHost } from './sessions/host.ts';
import type { PendingWill } from './sessions/pending-will.ts';
import { Sessions } from './sessions/sessions.ts';
import type { Announcements } from './sessions/subscriptions.ts';
import type { StorageHost } from './storage/host.ts';
import type { Journal } from './storage/journal.ts';
import { logStorageEvent } from './storage/log/log-events.ts';
import { MemoryJournal } from './storage/memory-journal.ts';
import { Storage, type StorageResources } from './storage/storage.ts';
import { BrokerEvents } from './tracing/broker-events.ts';
import { ClientEvents, presenceOf } from './tracing/client-events.ts';
import { ClientTraces, type TraceListener } from './tracing/client-traces.ts';

/** How often expired retained messages and a clock that was set are looked for, and how many messages are removed at a time. */
const SWEEP_MS = 1000;
const RETAINED_SWEEP_MAX = 10_000;

const NO_PROPERTIES = new Uint8Array(0);

/** Sockets beyond twice the clients allowed: room for those that connect, are refused or close. */
const SPARE_SOCKETS = 100;

/**
 * Stands between a transport and the broker.
 *
 * @param accept - gives the broker what takes the transport's place; as `Broker.accept`
 * @returns what the transport reports to; null when it was destroyed
 */
export type Interceptor = (
  transport: Transport,
  accept: (transport: Transport) => TransportHandler | null,
) => TransportHandler | null;

/**
 * The broker without sockets: what its parts have in common, its connections, start and stop. Transports are given
 * to it by `accept`; time and randomness come from its `Runtime`.
 */
export class Broker
  implements
    BansHost,
    LiveUsersHost,
    ControlTopicHost,
    FaultsHost,
    HistoryHost,
    SessionsHost,
    StorageHost,
    ConnectionHost,
    ListenerHost,
    ObservedBroker
{
  readonly config: Config;
  /** The machine's timers and turns, with the broker's own time. */
  readonly runtime: BrokerClock;
  readonly stats: BrokerStats;
  /** What clients make it hold. */
  readonly memory: MemoryLedger;
  readonly router: Router;
  readonly retainedReplays: RetainedReplays;
  readonly sessions: Sessions;
  /** Says to other cells what clients have subscribed to; null where there are none. Set before it recovers. */
  /** Other processes of which it is a part; set before it serves. */
  figuresOfOthers: FiguresOfOthers | null;
  observedPeers: ObservedPeers | null;
  announcements: Announcements | null;
  readonly deadlines: DeadlineQueue;
  readonly #timer: DeadlineTimer;
  readonly log: Logger;
  /** Who may connect and do what; changed by `reconfigure`. */
  access: Access;
  /** What the providers in it need of the house. */
  readonly accessTools: AccessTools;
  /** Where what outlives the process is written. Set by `recover`. */
  journal: Journal;
  /** The same, for those who look at its log: metrics, the command line; null when nothing outlives the process. */
  storage: Storage | null;
  /** Called once when the storage can't continue: nothing more is acknowledged. */
  onStorageFailed: (why: string) => void;
  /** By name. */
  readonly authenticationMethods: ReadonlyMap<string, AuthenticationMethod>;
  /** What the program is asked; null when nothing is. */
  hooks: BrokerHooks | null;
  /** For what clients can cause: lines beyond the limit are left out and counted. */
  readonly clientLog: Logger;
  /** Who looks at the packets of which client. */
  readonly traces: ClientTraces;
  /** What happened to clients lately; null when that isn't kept. */
  readonly history: History | null;
  readonly clientEvents: ClientEvents;
  /** Listeners of the program in which it runs. */
  readonly events: BrokerEvents;
  /** Keeps what goes wrong for one connection from all others. */
  readonly faults: Faults;
  /** How much each connection may do before the others have their turn. */
  readonly turns: Turns;
  /** How much clients may do in a time. */
  readonly limits: Limits;
  /** Whether the process has more than it can cope with. */
  readonly overload: Overload;
  /** Their connections, by what they have done and where they come from. */
  readonly places: ConnectionPlaces;
  /** Those that the listeners accepted. */
  readonly sockets: OpenSockets;
  /** How many file descriptors sockets may take at present; set before the listeners are opened. */
  descriptorsMax: () => number;
  /** Looks at all that connections carry; null when nobody does. Set before the listeners are opened. */
  intercept: Interceptor | null;
  /** Those inside of the program, while they have their sessions. */
  readonly consumers: Set<Consumer>;
  /** Who isn't let in, whoever it is. */
  readonly bans: BrokerBans;
  /** Users, groups and roles that are changed while it runs. */
  readonly liveUsers: LiveUsers;
  readonly #controlTopic: ControlTopic;
  readonly #connections: Set<Peer>;
  #openCount: number;
  #dirty: Flushable[];
  readonly #sweep: Deadline;
  #isStopping: boolean;
  #onDrained: (() => void) | null;

  constructor(
    config: Config,
    machine: Runtime,
    log: Logger,
    authenticationMethods: readonly AuthenticationMethod[] = [],
    hooks: Hooks | null = null,
  ) {
    const runtime = new BrokerClock(machine);
    this.config = config;
    this.runtime = runtime;
    this.stats = createStats();
    this.memory = new MemoryLedger(config);
    this.faults = new Faults(this);
    this.turns = new Turns(runtime, this.faults, () => this.#flush());
    this.journal = new MemoryJournal();
    this.storage = null;
    this.log = log;
    // Limits are read from the configuration whenever they are asked: a reload changes them in place.
    this.clientLog = rateLimited(log, {
      get perSecond() {
        return config.log.clientLinesPerSecond;
      },
      now: () => runtime.uptimeMs,
    });
    this.traces = new ClientTraces(log, config.log);
    this.events = new BrokerEvents(runtime, this.memory.events, this.stats, this.clientLog);
    this.history = config.history.enabled ? new History(this) : null;
    this.clientEvents = new ClientEvents(
      runtime,
      this.stats,
      this.clientLog,
      this.traces,
      this.events,
      this.history,
    );
    this.router = new Router(
      config,
      runtime,
      this.stats,
      this.memory,
      this.turns,
      this.journal,
      this.clientEvents,
    );
    this.retainedReplays = new RetainedReplays(this.router.retained, runtime, this.faults);
    this.deadlines = new DeadlineQueue((connection, error) =>
      this.faults.caught(connection, 'timing', error),
    );
    this.#timer = new DeadlineTimer(this.deadlines, runtime);
    this.limits = new Limits(this);
    this.places = new ConnectionPlaces(this);
    this.overload = new Overload(this);
    this.liveUsers = new LiveUsers(this);
    this.accessTools = {
      now: () => runtime.wallNow(),
      log: (level, event, fields) => this.clientLog[level](event, fields),
      setTimer: (delayMs, callback) => runtime.setTimer(delayMs, callback),
      liveUsers: this.liveUsers.security,
      hasHook: hooks?.authenticate !== undefined,
      guesses: new Guesses(this),
      keySets: new Map(),
      onProviderFailed: (provider, failure, why) =>
        this.clientEvents.providerFailed(provider, failure, why),
      onUsersChanged: (userNames) => this.onUsersChanged(userNames),
    };
    this.access = Access.load(config, this.accessTools);
    this.onStorageFailed = () => {};
    this.authenticationMethods = new Map(
      authenticationMethods.map((method) => [method.name, method]),
    );
    this.hooks =
      hooks === null && !this.access.asksActions ? null : new BrokerHooks(hooks ?? {}, this);
    if (this.hooks?.asksDeliver === true) this.router.hooks = this.hooks;
    this.sockets = new OpenSockets(() => this.socketsMax);
    this.descriptorsMax = () => Number.POSITIVE_INFINITY;
    this.intercept = null;
    this.announcements = null;
    this.figuresOfOthers = null;
    this.observedPeers = null;
    this.sessions = new Sessions(this);
    this.consumers = new Set();
    this.bans = new BrokerBans(this);
    this.#controlTopic = new ControlTopic(this);
    this.#takeRequests();
    this.#connections = new Set();
    this.#openCount = 0;
    this.#dirty = [];
    this.#isStopping = false;
    this.#onDrained = null;
    this.#sweep = new Deadline((now) => {
      // First: whatever becomes of this one, there is a next.
      this.#sweepLater();
      this.#watchClock();
      this.router.sweepRetained(now, RETAINED_SWEEP_MAX);
      this.bans.sweep();
    });
    this.#sweepLater();
  }

  // ---------------------------------------------------------------- connections

  /**
   * Takes a new network connection.
   *
   * @returns what the transport reports to; null when there are too many and it was destroyed
   */
  accept(transport: Transport): TransportHandler | null {
    if (this.intercept === null) return this.#accept(transport);
    return this.intercept(transport, (inner) => this.#accept(inner));
  }

  #accept(transport: Transport): TransportHandler | null {
    this.stats.socketsAccepted++;
    if (this.#isStopping || this.#connections.size >= this.socketsMax) {
      this.clientEvents.socketRefused('limit', transport.remoteAddress, 'too many open sockets');
      transport.destroy();
      return null;
    }
    const ban = this.banOf(transport.remoteAddress);
    if (ban !== null) {
      this.clientEvents.socketRefused('banned', transport.remoteAddress, `banned, as ${ban}`);
      transport.destroy();
      return null;
    }
    const place = this.#placeFor(transport);
    if (place === null) return null;
    try {
      const connection = new Connection(this, transport, place);
      this.#connections.add(connection);
      return new ContainedHandler(connection, this.faults);
    } catch (error) {
      this.faults.note(null, 'receiving', error);
      place.release();
      transport.destroy();
      return null;
    }
  }

  /** @returns null when there is none, and the transport was destroyed */
  #placeFor(transport: Transport): ConnectionPlace | null {
    if (transport.place !== undefined) return transport.place;
    const place = this.places.take();
    const limit = typeof place === 'string' ? place : place.locate(transport.remoteAddress);
    if (limit === null) return place as ConnectionPlace;
    if (typeof place !== 'string') place.release();
    this.clientEvents.socketRefused('limit', transport.remoteAddress, `${limit} reached`);
    transport.destroy();
    return null;
  }

  /**
   * Some sockets more than clients, so that one too many still gets to know why it is refused; but no more than leave
   * file descriptors to the log, the index and the admin socket.
   */
  get socketsMax(): number {
    return Math.min(2 * this.config.mqtt.maxConnections + SPARE_SOCKETS, this.descriptorsMax());
  }

  /** A socket was closed before its CONNECT was accepted. */
  onSocketRefused(reason: SocketRefusal, address: string, why: string): void {
    this.clientEvents.socketRefused(reason, address, why);
  }

  /** A listener could not accept a connection; it continues. */
  onAcceptFailed(error: Error): void {
    this.stats.acceptsFailed++;
    this.clientLog.error('accept-failed', { why: error.message });
  }

  /** Whether a client may connect: there is room, or it takes over its own session. */
  hasRoomFor(clientId: string): boolean {
    if (this.#openCount < this.config.mqtt.maxConnections) return true;
    return this.sessions.connectionOf(clientId) !== null;
  }

  /** CONNACK is on its way: connects the session and sends what it is owed. */
  join(
    connection: Peer,
    session: BrokerSession,
    will: PendingWill | null,
    sendQuota: number,
    dependsOn: number,
  ): void {
    // What leaves is taken off again, however far it has come.
    this.#openCount++;
    const { listener } = connection.transport;
    if (listener) listener.clients.count++;
    connection.place.admit();
    const entry = this.sessions.join(session, connection.userName, will);
    const { journal } = this;
    const isNew = entry.number > 0 && !journal.hasSession(entry.number);
    const position = entry.number > 0 ? journal.writeSession(entry) : dependsOn;
    const onRefused = isNew ? () => this.sessions.endUnstored(entry) : () => {};
    connection.releaseWhenCommitted(position, onRefused);
    this.stats.connectionsCurrent = this.#openCount;
    this.stats.connectionsTotal++;
    this.stats.connectionsMaximum = Math.max(this.stats.connectionsMaximum, this.#openCount);
    this.clientEvents.connected(connection);
    session.attach(connection, sendQuota, this.runtime.now());
  }

  /** The connection of a session is over. */
  leave(
    connection: Peer,
    session: BrokerSession,
    will: 'send-will' | 'discard-will',
    cause: string,
    takenOverBy: string | null,
  ): void {
    this.#openCount--;
    const { listener } = connection.transport;
    if (listener) listener.clients.count--;
    this.stats.connectionsCurrent = this.#openCount;
    this.sessions.leave(session, will, cause, takenOverBy);
    if (!this.#isStopping) this.bans.onLeft(session.clientId);
  }

  /**
   * Reports every packet of a client to a listener from now on, whether it is connected or connects later; first of all,
   * whether it is.
   *
   * @returns a function that ends it
   */
  traceClient(clientId: string, listener: TraceListener): () => void {
    const remove = this.traces.add(clientId, listener);
    const connection = this.sessions.connectionOf(clientId);
    connection?.updateTrace(clientId);
    listener(presenceOf(connection));
    return () => {
      remove();
      this.sessions.connectionOf(clientId)?.updateTrace(clientId);
    };
  }

  /**
   * The configuration was changed: has other rules apply from now on. Clients whose user was removed or has another
   * password are disconnected (0x87); others lose the subscriptions that the rules forbid.
   */
  reconfigure(access: Access): void {
    const earlier = this.access;
    this.access = access;
    earlier.close();
    // Nobody would be asked about those who have connected before.
    const asksFromNowOn = access.asksActions && !earlier.asksActions;
    if (asksFromNowOn) this.hooks ??= new BrokerHooks({}, this);
    this.memory.reconfigure(this.config);
    this.router.reconfigure();
    this.#takeRequests();
    const hasOtherRates = this.limits.reconfigure();
    for (const connection of this.#connections) {
      // What goes wrong for one doesn't leave the others with the former rules.
      this.faults.contain(connection, 'reloading', () => {
        if (asksFromNowOn) connection.disconnect(ReasonCode.AdministrativeAction, 'reload');
        else this.applyAccess(connection);
      });
      if (!hasOtherRates) continue;
      this.faults.contain(connection, 'reloading', () => connection.renewThrottle());
    }
  }

  #takeRequests(): void {
    this.router.requests = this.access.hasLiveUsers ? this.#controlTopic : null;
  }

  /**
   * Users or rules have changed.
   *
   * @param userNames - whose, null among them for clients without one; null is everybody's
   * @param except - who comes later
   */
  onUsersChanged(userNames: ReadonlySet<string | null> | null, except: Peer | null = null): void {
    for (const connection of this.#connections) {
      if (connection === except) continue;
      if (userNames !== null && !userNames.has(connection.userName)) continue;
      this.faults.contain(connection, 'reloading', () => this.applyAccess(connection));
    }
  }

  /**
   * Has all parts check what always holds of them between two turns. Nothing does so but tests: the simulation calls it
   * after its events.
   *
   * @throws {Error} when something isn't as it has to be
   */
  checkInvariants(): void {
    this.router.checkInvariants();
    this.retainedReplays.checkInvariants();
    this.sessions.checkInvariants();
    this.journal.checkInvariants();
    this.deadlines.checkInvariants();
    this.#timer.checkInvariants();
    this.turns.checkInvariants();
    this.events.checkInvariants();
    this.clientEvents.presence?.checkInvariants();
    this.history?.checkInvariants();
    this.limits.checkInvariants();
    this.places.checkInvariants();
    this.overload.checkInvariants();
    this.#checkConnections();
    for (const consumer of this.consumers) consumer.checkInvariants();
  }

  /** What is counted of all connections is what they hold. */
  #checkConnections(): void {
    const held = { input: 0, output: this.memory.output.sharedBytes, aliases: 0 };
    for (const connection of this.#connections) {
      connection.checkInvariants();
      const { input, output, aliases } = connection.held;
      held.input += input;
      held.output += output;
      held.aliases += aliases;
    }
    for (const [kind, bytes] of Object.entries(held)) {
      const counted = this.memory[kind as keyof typeof held].bytes;
      invariant(counted === bytes, `${counted} bytes of ${kind} counted of ${bytes}`);
    }
  }

  /** Users or rules are others now. */
  applyAccess(connection: Peer): void {
    if (connection.session === null) return;
    if (!this.access.mayStay(connection.admission, listenerOf(connection))) {
      connection.disconnect(ReasonCode.NotAuthorized, 'no longer allowed');
      return;
    }
    connection.updateTrace(connection.clientId);
    applyRules(this, connection);
  }

  /** Which ban is on an address; null where none is. */
  banOf(remoteAddress: string): string | null {
    return this.bans.ofAddress(remoteAddress)?.who ?? null;
  }

  /** Disconnects the clients that a ban is on, and closes what may become one. */
  disconnectBanned(ban: Ban): void {
    for (const connection of this.#connections) {
      this.faults.contain(connection, 'closing', () => this.#disconnectIfBanned(connection, ban));
    }
  }

  connectedUsers(): ReadonlyMap<string, readonly ConnectedUser[]> {
    const users = new Map<string, ConnectedUser[]>();
    for (const { session, userName, clientId, transport } of this.#connections) {
      if (session === null || userName === null) continue;
      const one = { clientId, address: hostOfAddress(transport.remoteAddress) };
      const known = users.get(userName);
      if (known === undefined) users.set(userName, [one]);
      else known.push(one);
    }
    return users;
  }

  /** Sends a message of the broker's own to one client, where it has subscribed to its topic. */
  respond({ session }: Peer, topic: string, payload: Uint8Array): void {
    if (session === null) return;
    const message = {
      topic,
      topicBytes: Buffer.from(topic),
      properties: NO_PROPERTIES,
      payload,
      qos: 0 as const,
      retain: false,
      expiresAt: Number.POSITIVE_INFINITY,
      publisherId: '',
    };
    this.router.publishOnlyTo(message, session);
  }

  /** Disconnects the clients of a listener, and closes what may become one. */
  disconnectFrom(listener: string): void {
    for (const connection of this.#connections) {
      if (connection.transport.listener?.name !== listener) continue;
      this.faults.contain(connection, 'closing', () =>
        connection.disconnect(ReasonCode.AdministrativeAction, 'administrative action'),
      );
    }
  }

  #disconnectIfBanned(connection: Peer, ban: Ban): void {
    const { clientId, userName, transport } = connection;
    const isHit =
      this.bans.ofAddress(transport.remoteAddress) !== null ||
      (connection.session !== null && this.bans.ofClient(clientId, userName) !== null);
    // 0x8A is for CONNACK only (§3.14.2.1).
    if (isHit) connection.disconnect(ReasonCode.AdministrativeAction, 'banned', ban.reason);
  }

  /** Those who publish or subscribe are to wait for overload to end, or no longer. */
  onHolding(): void {
    for (const connection of this.#connections) connection.updateHolding();
  }

  /** Forgets what had been prepared for the message that was being routed. */
  abandonMessage(): void {
    this.router.abandon();
  }

  /** Something went wrong that nothing has dealt with. */
  onFault(error: Error): void {
    this.events.error?.(error, error.message.length);
  }

  /** Takes a connection that is over from its session, if that could not be done in order. */
  forsake(connection: Faulty): void {
    this.sessions.forsake(connection);
  }

  onClosed(connection: Peer): void {
    this.#connections.delete(connection);
    connection.place.release();
    if (this.#connections.size === 0) this.#onDrained?.();
  }

  /** Whether it takes new connections. */
  get isServing(): boolean {
    return !this.#isStopping;
  }

  // ------------------------------------------------------------------- recovery

  /**
   * Opens the storage and takes up what it holds; to be called once, before the first connection.
   *
   * @throws {LogError} when the log can't be used
   */
  async recover(resources: StorageResources = {}): Promise<void> {
    if (!this.config.storage.enabled) {
      this.#takeUpUsers();
      return;
    }
    const startedMs = this.runtime.uptimeMs;
    const storage = new Storage(this);
    this.storage = storage;
    this.journal = storage;
    this.router.journal = storage;
    await storage.open(resources);
    this.#judgeDowntime();
    // What had been scheduled was by another time.
    this.#sweepLater();
    this.#timer.rearm();
    this.bans.restore();
    this.#takeUpUsers();
    storage.takeUp();
    this.stats.retainedCurrent = this.router.retained.count;
    this.stats.subscriptionsCurrent = this.router.trie.subscriptionCount;
    this.log.info('recovered', {
      sessions: this.sessions.count,
      retained: this.router.retained.count,
      queued: this.sessions.queuedCount,
      records: storage.logStats.recoveredRecords,
      durationMs: Math.round(this.runtime.uptimeMs - startedMs),
    });
  }

  /** Users, groups and roles as the log has them, or of the file that is named for the first start. */
  #takeUpUsers(): void {
    const { liveUsers, access } = this;
    liveUsers.restore();
    if (!access.hasLiveUsers || !liveUsers.security.isEmpty) return;
    for (const { items, key } of chainsOf(this.config)) {
      const file = items.find((item) => item.dynamicSecurity)?.dynamicSecurity?.import;
      if (typeof file !== 'string') continue;
      importUsers(liveUsers, file, `${key}: dynamic-security.import`);
      break;
    }
    if (!liveUsers.security.isEmpty) return;
    const remedy = 'promptmq user add NAME --admin';
    this.log.warn('dynamic-security-empty', { why: 'there are no users yet', remedy });
  }

  /** Whether sessions and messages have grown older while no broker ran: not when the wall clock can't say by how much. */
  #judgeDowntime(): void {
    const { why, gapMs } = this.runtime.time.resumption;
    if (why === null) return;
    this.stats.clockJumps++;
    this.log.warn('downtime-not-counted', { why, wallClockSeconds: Math.round(gapMs / 1000) });
  }

  #sweepLater(): void {
    this.deadlines.schedule(this.#sweep, this.runtime.now() + SWEEP_MS);
  }

  #watchClock(): void {
    const jumpMs = this.runtime.watch();
    if (jumpMs !== 0) {
      this.stats.clockJumps++;
      this.log.warn('clock-jumped', { seconds: Math.round(jumpMs / 1000) });
    }
    this.journal.noteTime();
  }

  onStorageEvent(event: LogEvent): void {
    logStorageEvent(this.log, event);
    if (event.type !== 'failed') return;
    this.onFault(new Error(`the storage has failed: ${event.why}`));
    this.onStorageFailed(event.why);
  }

  // ---------------------------------------------------------------------- turns

  /** Has the connection flushed at the end of this turn, together with all others. */
  flushLater(connection: Flushable): void {
    this.#dirty.push(connection);
    this.turns.endLater();
  }

  #flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) {
      try {
        connection.flush();
      } catch (error) {
        this.faults.caught(connection, 'sending', error);
      }
    }
  }

  // ----------------------------------------------------------------------- stop

  /**
   * Says to every client that the server is shutting down (0x8B) and closes, then the storage. Wills are
   * published by the rules, as the clients did not ask to be disconnected (§3.1.2.5).
   *
   * @param timeoutMs - connections that have not closed by then are cut
   */
  async stop(timeoutMs: number, reasonCode: number): Promise<void> {
    this.#isStopping = true;
    this.#timer.stop();
    this.retainedReplays.stop();
    const accessStopped = this.access.stop();
    const drained = new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
    for (const consumer of this.consumers) {
      this.faults.contain(consumer, 'closing', () => consumer.stop());
    }
    for (const connection of this.#connections) {
      this.faults.contain(connection, 'closing', () => {
        if (connection.state === ConnectionState.Open) {
          connection.disconnect(reasonCode, 'shutdown');
        } else {
          connection.terminate();
        }
      });
    }
    const cancel = this.runtime.setTimer(timeoutMs, () => {
      for (const connection of this.#connections) connection.terminate();
    });
    if (this.#connections.size > 0) await drained;
    cancel();
    this.sessions.handOvers.stop();
    await Promise.all([this.journal.close(), accessStopped, this.liveUsers.stop()]);
    this.events.deliver();
  }
}
