import { isUtf8 } from 'node:buffer';
import type { Ban, Permissions } from '@promptmq/auth';
import { type ConnectPacket, ReasonCode } from '@promptmq/codec';
import { type OfferedMethod, PROVED_BY } from '../../access/index.ts';
import type { Peer } from '../../connection/peer.ts';
import type { LimitedClient } from '../../limits/limits.ts';
import type { RateScope } from '../../limits/rates/keyed-rates.ts';
import { isBridgeState, isReserved } from '../../routing/reserved-topics.ts';
import { isTooDeep } from '../../routing/topic-routes.ts';
import { isInsideIdentifier } from '../../sessions/inside-identifiers.ts';
import type { PendingWill } from '../../sessions/pending-will.ts';
import type { Durability } from '../../sessions/sessions.ts';
import { denialOf } from '../../tracing/client-events.ts';
import type { ProtocolHost } from '../host.ts';
import { listenerOf } from './admission.ts';
import { durabilityOf, requestedSessionExpiry } from './session-terms.ts';
import { isWillAllowed } from './will.ts';

type Will = NonNullable<ConnectPacket['will']>;

/** Why a CONNECT is refused. */
export interface Refusal {
  readonly reasonCode: number;
  /** For the log, and for clients that want reasons. */
  readonly why: string;
}

/**
 * What this broker says of a CONNECT, whoever sent it.
 *
 * @param isClean - whether a session that is there is not to be resumed, as far as is known
 */
export function refusalOf(
  host: ProtocolHost,
  connection: Peer,
  packet: ConnectPacket,
  isClean: boolean,
): Refusal | null {
  const { mqtt } = host.config;
  const { clientId, will } = packet;
  const before = refusalOfClient(host, packet);
  if (before !== null) return before;
  if (!host.hasRoomFor(clientId)) {
    host.stats.connectionsRefused++;
    return { reasonCode: ReasonCode.ServerBusy, why: 'mqtt.max-connections reached' };
  }
  const method = packet.properties?.authenticationMethod;
  if (method !== undefined && methodOf(host, connection, method) === undefined) {
    // [MQTT-4.12.0-1]
    return {
      reasonCode: ReasonCode.BadAuthenticationMethod,
      why: 'this broker does not have the authentication method',
    };
  }
  if (clientId === '' && !allowsEmptyClientId(packet, mqtt.allowEmptyClientId)) {
    // [MQTT-3.1.3-8], and in 3.1.1 [MQTT-3.1.3-8] and [MQTT-3.1.3-9]
    return {
      reasonCode: ReasonCode.ClientIdentifierNotValid,
      why: whyNotEmpty(packet, mqtt.allowEmptyClientId),
    };
  }
  if (Buffer.byteLength(clientId) > mqtt.maxClientIdLen) {
    return {
      reasonCode: ReasonCode.ClientIdentifierNotValid,
      why: 'client identifier longer than mqtt.max-client-id-len',
    };
  }
  if (isInsideIdentifier(clientId)) {
    return {
      reasonCode: ReasonCode.ClientIdentifierNotValid,
      why: 'client identifiers below $inside/ are not for clients',
    };
  }
  const expiry = Math.min(requestedSessionExpiry(packet), mqtt.maxSessionExpiry);
  if (host.sessions.isStorageFullFor(clientId, isClean, durabilityOf(packet, expiry))) {
    return { reasonCode: ReasonCode.QuotaExceeded, why: 'the disk has no room for the session' };
  }
  return will === undefined ? null : willRefusalOf(host, will);
}

/** What the ban says isn't for the client. */
function bannedBy({ kind, who }: Ban): Refusal {
  return { reasonCode: ReasonCode.Banned, why: `banned, as ${kind} ${who}` };
}

/** A method of enhanced authentication (§4.12): the program's, or one that a provider of the chain brings. */
export function methodOf(
  { access, authenticationMethods }: ProtocolHost,
  connection: Peer,
  name: string,
): OfferedMethod | undefined {
  const method = authenticationMethods.get(name);
  if (method !== undefined) return { method, provider: PROVED_BY.method };
  return access.methodOf(name, listenerOf(connection));
}

/** What this broker says of a will. */
function willRefusalOf(host: ProtocolHost, will: Will): Refusal | null {
  const { mqtt } = host.config;
  if (will.qos > mqtt.maxQos) {
    return {
      reasonCode: ReasonCode.QoSNotSupported,
      why: 'the will has a higher QoS than mqtt.max-qos',
    }; // [MQTT-3.2.2-12]
  }
  if (will.retain && !mqtt.retainAvailable) {
    return {
      reasonCode: ReasonCode.RetainNotSupported,
      why: 'a retained will, and mqtt.retain-available is false',
    }; // [MQTT-3.2.2-13]
  }
  if (isTooDeep(will.topic, host.config.mqtt)) {
    return {
      reasonCode: ReasonCode.TopicNameInvalid,
      why: 'the topic of the will is longer or deeper than this broker takes',
    };
  }
  if (isReserved(Buffer.from(will.topic))) {
    return {
      reasonCode: ReasonCode.NotAuthorized,
      why: 'the topic of the will is below $SYS or $CONTROL, where only the broker publishes',
    };
  }
  const isText = will.properties?.payloadFormatIndicator ?? false;
  if (mqtt.checkPayloadFormat && isText && !isUtf8(will.payload)) {
    return {
      reasonCode: ReasonCode.PayloadFormatInvalid,
      why: 'the payload of the will is not the UTF-8 that it is declared to be',
    }; // §3.1.3.2.3
  }
  return null;
}

/** What the rules say of a client that has proved who it is: of its identifier, its session and its will. */
export function refusalByRules(
  host: ProtocolHost,
  connection: Peer,
  { clientId, will }: ConnectPacket,
  permissions: Permissions | null,
): Refusal | null {
  const { userName } = connection;
  const ban = host.bans.ofClient(connection.hooks?.client.clientId ?? clientId, userName);
  if (ban !== null) return bannedBy(ban);
  // One that the broker assigns is nobody else's.
  if (clientId !== '' && !host.access.mayUseClientId({ clientId, userName })) {
    const why = 'auth.client-ids does not allow this client identifier';
    return { reasonCode: ReasonCode.ClientIdentifierNotValid, why };
  }
  if (
    host.config.auth.otherUsersSession === 'refuse' &&
    isOfAnotherUser(host, clientId, userName)
  ) {
    return { reasonCode: ReasonCode.NotAuthorized, why: 'the session belongs to another user' };
  }
  if (isOutdated(host, connection, clientId)) {
    return { reasonCode: ReasonCode.UnspecifiedError, why: 'the client has connected again since' };
  }
  if (will === undefined || isWillAllowed(will, permissions)) return null;
  if (isBridgeState(Buffer.from(will.topic))) return null;
  const denial = denialOf(permissions?.decide('publish', will.topic, will.qos, will.retain));
  host.clientEvents.accessRefused(connection, clientId, 'will', will.topic, denial);
  return {
    reasonCode: ReasonCode.NotAuthorized,
    why: 'the rules do not allow the topic of the will',
  };
}

/**
 * Whether a later CONNECT of the same client was accepted while this one waited for an answer: it doesn't take the session from it,
 * as the client has given this connection up, or is another one with its identifier.
 */
function isOutdated(host: ProtocolHost, { connectNumber }: Peer, clientId: string): boolean {
  const open = host.sessions.connectionOf(clientId);
  return open !== null && open.connectNumber > connectNumber;
}

/** What doesn't depend on what the client wants. */
function refusalOfClient(
  host: ProtocolHost,
  { clientId, username }: ConnectPacket,
): Refusal | null {
  const ban = host.bans.ofClient(clientId, username);
  return ban === null ? refusalByOverload(host) : bannedBy(ban);
}

/** What is said before anything else: who tries many passwords is stopped here, too. */
export function refusalAtDoor(host: ProtocolHost, { transport }: Peer): Refusal | null {
  const source = { clientId: '', userName: null, transport };
  const refusal = refusalByOverload(host) ?? refusalByRate(host, source, ['address']);
  return refusal ?? beyondRate(host.limits.takeConnectOfListener(source));
}

function refusalByOverload({ overload }: ProtocolHost): Refusal | null {
  if (!overload.refusesConnects) return null;
  return { reasonCode: ReasonCode.ServerBusy, why: 'the broker is overloaded (limits.overload)' };
}

/** Whether it is one CONNECT too many of those that are counted together. */
function refusalByRate(
  { limits }: ProtocolHost,
  client: LimitedClient,
  scopes: readonly RateScope[],
): Refusal | null {
  return beyondRate(limits.takeConnect(client, scopes));
}

function beyondRate(limit: string | null): Refusal | null {
  if (limit === null) return null;
  return { reasonCode: ReasonCode.ConnectionRateExceeded, why: `${limit} reached` };
}

/** Whether there is room for the will and the session, and it isn't one CONNECT too many of the client or its user. */
export function refusalByQuota(
  host: ProtocolHost,
  client: LimitedClient,
  will: PendingWill | null,
  durability: Durability,
): Refusal | null {
  const { sessions } = host;
  const { clientId } = client;
  let why = will === null ? '' : sessions.whyNoRoomForWill(clientId, will);
  if (why === '' && durability === 'session' && !sessions.hasRoomForSession(clientId)) {
    why = 'mqtt.max-sessions reached';
  }
  if (why !== '') return { reasonCode: ReasonCode.QuotaExceeded, why };
  // Only now: nobody uses up what is another's by its name.
  return refusalByRate(host, client, ['client', 'user']);
}

/** Whether a session that is there is not to be resumed: nobody gets that of another user. */
export function startsClean(
  host: ProtocolHost,
  packet: ConnectPacket,
  userName: string | null,
): boolean {
  return packet.clean || isOfAnotherUser(host, packet.clientId, userName);
}

/** Where nobody can prove to be a user, sessions of the time when users could are everyone's. */
function isOfAnotherUser(host: ProtocolHost, clientId: string, userName: string | null): boolean {
  const { access, authenticationMethods, hooks } = host;
  const hasUsers =
    access.provesUsers || authenticationMethods.size > 0 || hooks?.proveUsers === true;
  return hasUsers && host.sessions.isOfAnotherUser(clientId, userName);
}

function allowsEmptyClientId(packet: ConnectPacket, isAllowed: boolean): boolean {
  if (packet.protocolVersion === 3) return false;
  // A session that nobody can come back to can't be kept: 3.1.1, [MQTT-3.1.3-7].
  return isAllowed && (packet.protocolVersion === 5 || packet.clean);
}

/** Why a client that names no identifier isn't given one. */
function whyNotEmpty({ protocolVersion }: ConnectPacket, isAllowed: boolean): string {
  if (protocolVersion === 3) return 'an empty client identifier, which MQTT 3.1 does not have';
  return isAllowed
    ? 'an empty client identifier for a session that is to be kept'
    : 'an empty client identifier, and mqtt.allow-empty-client-id is false';
}
