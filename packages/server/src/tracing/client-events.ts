import { type PacketError, type ProtocolVersion, ReasonCode } from '@promptmq/codec';
import type { DropReason } from '@promptmq/session';
import type { Logger } from '../log/index.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type BrokerStats, countIn, type SocketRefusal } from '../runtime/stats.ts';
import type { ClientTraces, TraceEvent } from './client-traces.ts';

/** What operators learn of a client: its connection, as the log sees it. */
export interface ObservedClient {
  readonly clientId: string;
  /** Who the client proved to be; null when it didn't. */
  readonly userName: string | null;
  readonly version: ProtocolVersion;
  /** Milliseconds of the broker's time. */
  readonly openedAt: number;
  readonly transport: { readonly remoteAddress: string; readonly protocol: string };
}

/** What operators learn of clients: each event is counted, goes to the log, and to whoever traces the client. */
export class ClientEvents {
  readonly #runtime: Runtime;
  readonly #stats: BrokerStats;
  readonly #log: Logger;
  readonly #traces: ClientTraces;

  /** @param log - for what clients can cause */
  constructor(runtime: Runtime, stats: BrokerStats, log: Logger, traces: ClientTraces) {
    this.#runtime = runtime;
    this.#stats = stats;
    this.#log = log;
    this.#traces = traces;
  }

  /** A network connection was closed before its CONNECT was accepted. */
  socketRefused(reason: SocketRefusal, address: string, why: string): void {
    this.#stats.connectionsRefused++;
    this.#stats.socketsRefused[reason]++;
    this.#log.warn('connection-refused', { address, reason, why });
  }

  connectRefused({ transport }: ObservedClient, reasonCode: number, why: string): void {
    this.#log.warn('connect-refused', { address: transport.remoteAddress, reasonCode, why });
  }

  /** A CONNECT was accepted. */
  connected(connection: ObservedClient): void {
    const { clientId } = connection;
    countIn(this.#stats.connacks, ReasonCode.Success);
    const facts = factsOf(connection);
    this.#log.info('client-connected', { clientId, ...facts });
    this.#traces.tell(clientId, { event: 'connected', ...facts });
  }

  /** An open connection is over. */
  disconnected({ clientId, openedAt }: ObservedClient, cause: string, reasonCode: number): void {
    countIn(this.#stats.disconnections, cause);
    this.#stats.connectionDurations.observe((this.#runtime.now() - openedAt) / 1000);
    this.#log.info('client-disconnected', { clientId, cause, reasonCode });
    this.#traces.tell(clientId, { event: 'disconnected', cause, reasonCode });
  }

  /** The packet that is being processed broke a rule. */
  packetRefused({ clientId, transport }: ObservedClient, error: PacketError): void {
    const { reasonCode, message: why } = error;
    countIn(this.#stats.packetErrors, (this.#stats.packetTypeNow << 8) | reasonCode);
    this.#stats.packetTypeNow = 0;
    this.#log.warn('packet-refused', {
      clientId,
      address: transport.remoteAddress,
      reasonCode,
      why,
    });
    this.#traces.tell(clientId, { event: 'packet-refused', reasonCode, why });
  }

  /** The rules don't allow what a client asked for. */
  accessRefused(
    { userName }: ObservedClient,
    clientId: string,
    action: 'publish' | 'subscribe' | 'will',
    topic: string,
  ): void {
    this.#log.warn('access-refused', { clientId, user: userName, action, topic: shown(topic) });
  }

  /** The rules no longer allow a client's will. */
  willRefused(clientId: string, user: string | null, topic: string): void {
    this.#stats.refused['not-authorized']++;
    this.#log.warn('will-refused', { clientId, user, topic: shown(topic) });
  }

  messageDropped(clientId: string, reason: DropReason): void {
    this.#stats.dropped[reason]++;
    if (reason === 'queue-full' || reason === 'not-authorized')
      this.#log.warn('message-dropped', { clientId, reason });
  }
}

/** What whoever traces a client gets first: whether it is connected. */
export function presenceOf(connection: ObservedClient | null): TraceEvent {
  if (connection === null) return { event: 'not-connected' };
  return { event: 'connected', ...factsOf(connection) };
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
