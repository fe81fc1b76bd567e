import type { Decision, Failure, Refused } from '@promptmq/auth';
import { type PacketError, type ProtocolVersion, ReasonCode } from '@promptmq/codec';
import type { DropReason } from '@promptmq/session';
import type { Subscription } from '@promptmq/topics';
import type { History } from '../history/history.ts';
import type { Logger } from '../log/index.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type BrokerStats, countIn, type SocketRefusal } from '../runtime/stats.ts';
import type { EventSinks } from './broker-events.ts';
import type { ClientTraces, TraceEvent } from './client-traces.ts';
import type { EventClient, RefuseEvent, UnsubscribeEvent } from './event-types.ts';

/** What a client wanted to do that it may not. */
export type DeniedAction = 'publish' | 'subscribe' | 'unsubscribe' | 'receive' | 'will';

/** Why a client may not do something. */
export interface Denial {
  /** A rule denies it; no rule allows it; the topic is the broker's own; a hook of the program refuses it. */
  readonly reason: 'rule' | 'default' | 'reserved' | 'hook';
  /** Where the rule stands; null without one. */
  readonly rule: string | null;
}

/** What is said of what rules deny. */
export const BY_RULES = 'the rules do not allow it';

export const RESERVED: Denial = { reason: 'reserved', rule: null };
export const BY_HOOK: Denial = { reason: 'hook', rule: null };

/** The denial that was decided; by default where nothing was. */
export function denialOf(decision: Decision | undefined): Denial {
  const rule = decision?.rule ?? null;
  return { reason: rule === null ? 'default' : 'rule', rule };
}

/** A client whose CONNECT was accepted. */
export interface PresentClient extends ObservedClient {
  /** Whether its CONNECT asked for a new session. */
  readonly cleanStart: boolean;
  /** What it was granted, while it has its session. */
  readonly session: { readonly expiryInterval: number } | null;
  readonly timeouts: { readonly keepAlive: number };
}

/** Whoever tells clients what others do. */
export interface PresenceNotes {
  connected(client: PresentClient): void;
  disconnected(client: ObservedClient, cause: string, reasonCode: number): void;
  subscribed(client: ObservedClient, subscription: Subscription): void;
  unsubscribed(client: ObservedClient, topicFilter: string): void;
  /** There is no session with this identifier any more, or another one. */
  sessionEnded(clientId: string): void;
  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void;
}

/** Why a subscription ends while its session goes on. */
type UnsubscribeCause = UnsubscribeEvent['cause'];

/** A session whose client may be about to connect. */
interface RevokedSession {
  readonly clientId: string;
  readonly link: { readonly connection: ObservedClient | null } | null;
}

/** The subscriptions of a session that is over. */
interface EndedSubscriptions {
  readonly size: number;
  filters(): Iterable<string>;
}

/** Of the subscriptions that end with a session, so many are noted. */
const FILTERS_MAX = 50;
const FILTER_CHARACTERS_MAX = 5000;

const MQTT_NAMES: Readonly<Record<ProtocolVersion, string>> = { 3: '3.1', 4: '3.1.1', 5: '5.0' };

/** What operators learn of a client: its connection, as the log sees it. */
export interface ObservedClient {
  readonly clientId: string;
  /** Who the client proved to be; null when it didn't. */
  readonly userName: string | null;
  readonly version: ProtocolVersion;
  /** Milliseconds of the broker's time. */
  readonly openedAt: number;
  readonly transport: {
    readonly remoteAddress: string;
    readonly protocol: string;
    /** Of the listener; left out where there is none. */
    readonly localPort?: number;
  };
}

/**
 * What operators learn of clients: each event is counted, goes to the log, to whoever traces the client, and to the listeners of the
 * program in which the broker runs.
 */
export class ClientEvents {
  /** Where what isn't logged goes, too: what is published, say. */
  readonly sinks: EventSinks;
  /** Null where nobody is told. */
  presence: PresenceNotes | null;
  readonly #runtime: Runtime;
  readonly #stats: BrokerStats;
  readonly #log: Logger;
  readonly #traces: ClientTraces;
  readonly #history: History | null;

  /**
   * @param log - for what clients can cause
   * @param history - where what explains later why a message didn't come goes; null when that isn't kept
   */
  constructor(
    runtime: Runtime,
    stats: BrokerStats,
    log: Logger,
    traces: ClientTraces,
    sinks: EventSinks,
    history: History | null,
  ) {
    this.sinks = sinks;
    this.presence = null;
    this.#history = history;
    this.#runtime = runtime;
    this.#stats = stats;
    this.#log = log;
    this.#traces = traces;
  }

  /** Whether anybody wants to know of which topic what is dropped was. */
  get asksTopics(): boolean {
    return this.#history !== null || this.sinks.drop !== null;
  }

  /** Whether anybody wants to know of what is refused. */
  get asksRefusals(): boolean {
    return this.#history !== null || this.sinks.refuse !== null;
  }

  /** A network connection was closed before its CONNECT was accepted. */
  socketRefused(reason: SocketRefusal, address: string, why: string): void {
    this.#stats.connectionsRefused++;
    this.#stats.socketsRefused[reason]++;
    this.#log.warn('connection-refused', { address, reason, why });
    this.#refused({ client: null, address, action: 'socket', topic: null, reasonCode: null, why });
  }

  /** @param clientId - as CONNECT has it; empty when it leaves that to the broker */
  connectRefused(
    connection: ObservedClient,
    clientId: string,
    reasonCode: number,
    why: string,
  ): void {
    const address = connection.transport.remoteAddress;
    this.#log.warn('connect-refused', { address, reasonCode, why });
    if (clientId !== '') this.#history?.noteRefusedConnect(clientId, address, why, reasonCode);
    if (this.sinks.refuse === null) return;
    const client = eventClientOf(connection, clientId);
    this.#refused({ client, address, action: 'connect', topic: null, reasonCode, why });
  }

  /**
   * A client has not proved who it is: at CONNECT, or when it was to do so again. What it has shown isn't noted: people type passwords in
   * the place of user names.
   */
  loginRefused(connection: ObservedClient, clientId: string, refusal: Refused): void {
    const { provider, reason, reasonCode, detail } = refusal;
    const by = provider ?? 'none';
    countIn(this.#stats.loginsRefused, `${by} ${reason}`);
    const address = connection.transport.remoteAddress;
    this.#log.warn('connect-refused', {
      address,
      clientId: shown(clientId),
      provider: by,
      reason,
      reasonCode,
      why: detail,
    });
    if (clientId !== '') this.#history?.noteRefusedConnect(clientId, address, detail, reasonCode);
    if (this.sinks.refuse === null) return;
    const client = eventClientOf(connection, clientId);
    this.#refused({ client, address, action: 'connect', topic: null, reasonCode, why: detail });
  }

  /** A provider of authentication has failed, or took too long. */
  providerFailed(provider: string, failure: Failure['failure'], why: string): void {
    countIn(this.#stats.providerFailures, `${provider} ${failure}`);
    this.#log.error('provider-failed', { provider, failure, why });
  }

  /** A CONNECT was accepted. */
  connected(connection: PresentClient): void {
    const { clientId } = connection;
    countIn(this.#stats.connacks, ReasonCode.Success);
    const facts = factsOf(connection);
    this.#log.info('client-connected', { clientId, ...facts });
    this.#traces.tell(clientId, { event: 'connected', ...facts });
    this.#history?.note('connect', clientId, {
      cause: `MQTT ${MQTT_NAMES[connection.version]}`,
      address: facts.address,
      userName: facts.user,
    });
    this.sinks.connect?.({ client: eventClientOf(connection) }, 0);
    this.presence?.connected(connection);
  }

  /**
   * A subscription was granted.
   *
   * @param isNew - whether there was none with this filter
   */
  subscribed(connection: ObservedClient, subscription: Subscription, isNew: boolean): void {
    this.subscribedInAbsence(connection.clientId, subscription, isNew);
    this.presence?.subscribed(connection, subscription);
    if (this.sinks.subscribe === null) return;
    const { topicFilter, subscriptionIdentifier, ...options } = subscription;
    const event = {
      client: eventClientOf(connection),
      filter: topicFilter,
      ...options,
      subscriptionIdentifier: subscriptionIdentifier === 0 ? null : subscriptionIdentifier,
    };
    this.sinks.subscribe(event, topicFilter.length);
  }

  /** The same of a client that isn't connected: listeners aren't notified. */
  subscribedInAbsence(clientId: string, subscription: Subscription, isNew: boolean): void {
    if (this.#history === null) return;
    const { topicFilter: topic, qos, noLocal, retainHandling } = subscription;
    const facts = { qos, noLocal, retainHandling, isNew };
    this.#history.note('subscribe', clientId, { topic, cause: 'client', subscription: facts });
  }

  /** A subscription that there was is gone, and its session goes on. */
  unsubscribed(connection: ObservedClient, topicFilter: string, cause: UnsubscribeCause): void {
    const { clientId } = connection;
    this.#history?.note('unsubscribe', clientId, { topic: topicFilter, cause });
    if (this.sinks.unsubscribe !== null) {
      const client = eventClientOf(connection);
      this.sinks.unsubscribe({ client, filter: topicFilter, cause }, topicFilter.length);
    }
    this.presence?.unsubscribed(connection, topicFilter);
  }

  /** Somebody else has ended a subscription; its client may be away, or about to connect. */
  subscriptionRevoked(
    { clientId, link }: RevokedSession,
    topicFilter: string,
    cause: UnsubscribeCause,
  ): void {
    const connection = link?.connection ?? null;
    if (connection !== null) {
      this.unsubscribed(connection, topicFilter, cause);
      return;
    }
    this.#history?.note('unsubscribe', clientId, { topic: topicFilter, cause });
    const client = absentClient(clientId);
    this.sinks.unsubscribe?.({ client, filter: topicFilter, cause }, topicFilter.length);
  }

  /**
   * A session is about to end, with all of its subscriptions.
   *
   * @param waiting - messages that it had, and that are given up or handed over
   * @param by - address of who has ended it; null when nobody has
   * @param detail - more of the cause
   */
  sessionEnds(
    clientId: string,
    subscriptions: EndedSubscriptions,
    waiting: number,
    cause: string,
    by: string | null,
    detail: string,
  ): void {
    if (this.#history === null) return;
    const filters: string[] = [];
    let characters = 0;
    for (const filter of subscriptions.filters()) {
      characters += filter.length;
      if (filters.length === FILTERS_MAX || characters > FILTER_CHARACTERS_MAX) break;
      filters.push(filter);
    }
    const filterCount = subscriptions.size;
    const facts = { cause, detail, address: by, filters, filterCount, waiting };
    this.#history.note('session-end', clientId, facts);
  }

  /** The will of a client that has gone, or comes back, isn't published. */
  willGone(clientId: string, topic: string, cause: 'cancelled' | 'discarded'): void {
    this.#history?.note('will', clientId, { topic, cause });
  }

  /** An open connection is over. */
  disconnected(
    connection: ObservedClient,
    cause: string,
    reasonCode: number,
    takenOverBy: string | null,
  ): void {
    const { clientId, openedAt } = connection;
    countIn(this.#stats.disconnections, cause);
    this.#stats.connectionDurations.observe((this.#runtime.now() - openedAt) / 1000);
    this.#log.info('client-disconnected', { clientId, cause, reasonCode });
    this.#traces.tell(clientId, { event: 'disconnected', cause, reasonCode });
    this.#history?.note('disconnect', clientId, { cause, address: takenOverBy, reasonCode });
    if (this.sinks.disconnect !== null) {
      const client = eventClientOf(connection);
      this.sinks.disconnect({ client, reasonCode, cause, takenOverBy }, 0);
    }
    this.presence?.disconnected(connection, cause, reasonCode);
  }

  /** A session is over, or has given way to another one. */
  sessionEnded(clientId: string): void {
    this.presence?.sessionEnded(clientId);
  }

  /** The packet that is being processed broke a rule. */
  packetRefused(connection: ObservedClient, error: PacketError): void {
    const { clientId, transport } = connection;
    const { reasonCode, message: why } = error;
    countIn(this.#stats.packetErrors, (this.#stats.packetTypeNow << 8) | reasonCode);
    this.#stats.packetTypeNow = 0;
    const address = transport.remoteAddress;
    this.#log.warn('packet-refused', { clientId, address, reasonCode, why });
    this.#traces.tell(clientId, { event: 'packet-refused', reasonCode, why });
    if (clientId !== '') {
      this.#history?.noteRepeated('refuse', clientId, null, 'packet', why, 0, reasonCode);
    }
    if (this.sinks.refuse === null) return;
    const client = clientId === '' ? null : eventClientOf(connection);
    this.#refused({ client, address, action: 'packet', topic: null, reasonCode, why });
  }

  /** A client may not do what it asked for, or get what it has subscribed. */
  accessRefused(
    { userName: user }: Pick<ObservedClient, 'userName'>,
    clientId: string,
    action: DeniedAction,
    topic: string,
    denial: Denial,
  ): void {
    countIn(this.#stats.accessDenied, `${action} ${denial.reason}`);
    this.#log.warn('access-refused', { clientId, user, action, topic: shown(topic), ...denial });
    this.#history?.noteRepeated('deny', clientId, topic, action, whyOf(denial, action));
  }

  /** The rules no longer allow a client's will. */
  willRefused(clientId: string, user: string | null, topic: string, denial: Denial): void {
    this.#stats.refused['not-authorized']++;
    countIn(this.#stats.accessDenied, `will ${denial.reason}`);
    this.#log.warn('will-refused', { clientId, user, topic: shown(topic), ...denial });
    this.#history?.note('will', clientId, { topic, cause: 'refused', detail: whyOf(denial) });
    const client = { ...absentClient(clientId), userName: user };
    const reasonCode = ReasonCode.NotAuthorized;
    const why = 'the rules do not allow the topic of the will';
    this.#refused({ client, address: null, action: 'will', topic, reasonCode, why });
  }

  /** A message or a filter was refused. */
  topicRefused(
    connection: ObservedClient,
    action: 'publish' | 'subscribe',
    topic: string,
    reasonCode: number,
    why: string,
  ): void {
    // What the rules deny has been noted as that.
    if (why !== BY_RULES) {
      const { clientId } = connection;
      this.#history?.noteRepeated('refuse', clientId, topic, action, why, 0, reasonCode);
    }
    if (this.sinks.refuse === null) return;
    const address = connection.transport.remoteAddress;
    this.#refused({ client: eventClientOf(connection), address, action, topic, reasonCode, why });
  }

  #refused(event: RefuseEvent): void {
    this.sinks.refuse?.(event, event.why.length + (event.topic?.length ?? 0));
  }

  /**
   * A message doesn't go to one of those who had subscribed to it.
   *
   * @param topic - null where it isn't known
   * @param waiting - messages that wait for the client
   */
  messageDropped(clientId: string, reason: DropReason, topic: string | null, waiting = 0): void {
    this.#stats.dropped[reason]++;
    if (reason === 'queue-full') this.#log.warn('message-dropped', { clientId, reason });
    // What the rules deny has been noted as that.
    if (reason !== 'not-authorized') {
      this.#history?.noteRepeated('drop', clientId, topic, reason, '', waiting);
    }
    this.sinks.drop?.({ clientId, reason, topic }, topic?.length ?? 0);
  }

  /** A client doesn't get what it has published itself: that is what No Local asks for. */
  withheldFromPublisher(clientId: string, topic: string): void {
    this.#history?.noteRepeated('drop', clientId, topic, 'no-local');
  }
}

/**
 * A client, for listeners.
 *
 * @param clientId - where the connection doesn't have it yet
 */
export function eventClientOf(
  { clientId: itsOwn, userName, version, transport }: ObservedClient,
  clientId = itsOwn,
): EventClient {
  const { protocol, remoteAddress } = transport;
  return { clientId, userName, version, protocol, remoteAddress };
}

/** A client without a connection. */
export function absentClient(clientId: string): EventClient {
  return { clientId, userName: null, version: null, protocol: null, remoteAddress: null };
}

/** What whoever traces a client gets first: whether it is connected. */
export function presenceOf(connection: ObservedClient | null): TraceEvent {
  if (connection === null) return { event: 'not-connected' };
  return { event: 'connected', ...factsOf(connection) };
}

/** Why a client is not told what others do (`presence`). */
export const NEEDS_RULE = 'the topic is the broker’s own: only a rule that names it opens it';

/** For people. */
function whyOf({ reason, rule }: Denial, action: DeniedAction | null = null): string {
  switch (reason) {
    case 'rule':
      return rule ?? 'a rule';
    case 'default':
      return 'no rule allows it';
    case 'reserved':
      return action === 'subscribe' ? NEEDS_RULE : 'the topic is the broker’s own';
    case 'hook':
      return 'a hook of the program';
  }
}

const TOPIC_LENGTH_MAX = 256;

/** A topic may have 65,535 bytes: a line has its beginning. */
function shown(topic: string): string {
  return topic.length > TOPIC_LENGTH_MAX ? `${topic.slice(0, TOPIC_LENGTH_MAX)}…` : topic;
}

function factsOf({ transport, version, userName }: ObservedClient) {
  return {
    address: transport.remoteAddress,
    protocol: transport.protocol,
    version,
    user: userName,
  };
}
