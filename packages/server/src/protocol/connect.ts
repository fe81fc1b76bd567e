import { isUtf8 } from 'node:buffer';
import {
  type ConnackPacket,
  type ConnackProperties,
  type ConnectPacket,
  decodeTopicName,
  PACKET_SIZE_MAX,
  type ProtocolVersion,
  ReasonCode,
} from '@promptmq/codec';
import { NEVER_EXPIRES } from '@promptmq/session';
import type { Admission, Permissions } from '../access/index.ts';
import type { Config } from '../config/index.ts';
import type { ConnectionTerms, Peer } from '../connection/peer.ts';
import { isBridgeState, isReserved } from '../routing/reserved-topics.ts';
import type { PendingWill } from '../sessions/pending-will.ts';
import type { Durability } from '../sessions/sessions.ts';
import { Authentication } from './authentication.ts';
import type { ProtocolHost } from './host.ts';
import { revokeSubscriptions } from './subscribe.ts';

const EMPTY = new Uint8Array(0);

/** The longest string that a packet can have (§1.5.4). */
const STRING_BYTES_MAX = 65_535;

/** §3.1.2.11.3. What a client that names no Receive Maximum can take. */
const RECEIVE_MAXIMUM_DEFAULT = 65_535;

/** Answers a CONNECT: checks it against what this broker allows, then opens the session (§3.1.4). */
export function admit(host: ProtocolHost, connection: Peer, packet: ConnectPacket): void {
  const { sender } = connection;
  sender.maximumPacketSize = packet.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  sender.wantsReasons = packet.properties?.requestProblemInformation ?? true;
  sender.tracer = host.traces.onConnect(packet);

  const method = host.authenticationMethods.get(packet.properties?.authenticationMethod ?? '');
  if (method === undefined) {
    authenticate(host, connection, packet);
    return;
  }
  if (isRefused(host, connection, packet, packet.clean)) return;
  const authentication = new Authentication(host, connection, method, packet.clientId, (data) => {
    connection.proof = 'method';
    open(host, connection, packet, data);
  });
  connection.authentication = authentication;
  authentication.begin(packet.properties?.authenticationData);
}

/** User name, password and certificate (§5.4.1): opens the session at once, or when they are checked. */
function authenticate(host: ProtocolHost, connection: Peer, packet: ConnectPacket): void {
  const { access } = host;
  const { certificateName, remoteAddress } = connection.transport;
  const admission = access.admit({
    userName: packet.username,
    password: packet.password,
    address: remoteAddress.replace(/:\d+$/, ''),
    certificateName: host.config.server.tls.useSubjectAsUserName ? (certificateName ?? null) : null,
  });
  if (!(admission instanceof Promise)) {
    onAdmission(host, connection, packet, admission);
    return;
  }
  if (isRefused(host, connection, packet, packet.clean)) return;
  connection.suspend();
  void admission
    .catch((error: unknown): Admission => {
      host.clientLog.error('password-check-failed', { error: String(error) });
      return {
        isAdmitted: false,
        reasonCode: ReasonCode.ServerUnavailable,
        why: 'the password could not be checked',
      };
    })
    .then((answer) =>
      host.faults.contain(connection, 'authenticating', () => {
        if (connection.isEnding) return;
        // A reload may have taken the user away while the password was checked.
        const isRevoked =
          answer.isAdmitted && !host.access.mayStay(access, answer.userName, answer.proof);
        onAdmission(host, connection, packet, isRevoked ? REVOKED : answer);
        connection.resume();
      }),
    );
}

const REVOKED: Admission = {
  isAdmitted: false,
  reasonCode: ReasonCode.NotAuthorized,
  why: 'the user was removed or changed meanwhile',
};

function onAdmission(
  host: ProtocolHost,
  connection: Peer,
  packet: ConnectPacket,
  admission: Admission,
): void {
  if (admission.isAdmitted) {
    connection.userName = admission.userName;
    connection.proof = admission.proof;
    open(host, connection, packet, EMPTY);
  } else {
    host.clientEvents.connectRefused(connection, admission.reasonCode, admission.why);
    connection.rejectConnect(admission.reasonCode, admission.why);
  }
}

/** @param isClean - whether a session that is there is not to be resumed, as far as is known */
function isRefused(
  host: ProtocolHost,
  connection: Peer,
  packet: ConnectPacket,
  isClean: boolean,
): boolean {
  const refusal = refusalOf(host, packet, isClean);
  if (refusal === null) return false;
  host.clientEvents.connectRefused(connection, refusal.reasonCode, refusal.why);
  connection.rejectConnect(refusal.reasonCode, refusal.why);
  return true;
}

/** Opens the session of a client that may have it, and sends CONNACK. */
function open(
  host: ProtocolHost,
  connection: Peer,
  packet: ConnectPacket,
  authenticationData: Uint8Array,
): void {
  const isClean = startsClean(host, packet, connection.userName);
  if (isRefused(host, connection, packet, isClean)) return;
  const { config } = host;
  const { sender, authentication } = connection;
  const isV5 = packet.protocolVersion === 5;
  const isAssigned = packet.clientId === '';
  const clientId = isAssigned ? host.runtime.uniqueId() : packet.clientId;
  connection.updateTrace(clientId);
  host.traces.onAdmitted(clientId, packet);
  const { userName } = connection;
  const permissions = host.access.permissionsOf({ clientId, userName });
  if (isForbidden(host, connection, packet, permissions)) return;
  connection.permissions = permissions;
  dropForbiddenWill(host, connection, clientId, permissions, packet);
  const requestedExpiry = requestedSessionExpiry(packet);
  const sessionExpiryInterval = Math.min(requestedExpiry, config.mqtt.maxSessionExpiry);
  const keepAlive = allowedKeepAlive(packet, config);

  const properties: ConnackProperties = isV5 ? announcedLimits(config, connection) : {};
  if (isAssigned) properties.assignedClientIdentifier = clientId; // [MQTT-3.1.3-7]
  if (sessionExpiryInterval !== requestedExpiry) {
    properties.sessionExpiryInterval = sessionExpiryInterval;
  }
  if (keepAlive !== packet.keepalive) properties.serverKeepAlive = keepAlive;
  const information = responseInformation(config, clientId, packet);
  if (information !== '') properties.responseInformation = information;
  if (authentication !== null) {
    properties.authenticationMethod = authentication.methodName; // [MQTT-4.12.0-5]
    if (authenticationData.length > 0) properties.authenticationData = authenticationData;
  }

  const will = pendingWillOf(packet, clientId);
  const durability = durabilityOf(packet, sessionExpiryInterval);
  if (isOverQuota(host, connection, clientId, will, durability)) return;
  const { session, isPresent, dependsOn } = host.sessions.open(
    clientId,
    isClean,
    connection,
    durability,
  );
  const terms: ConnectionTerms = {
    session,
    keepAlive,
    sessionExpiryInterval: isV5 ? (packet.properties?.sessionExpiryInterval ?? 0) : NEVER_EXPIRES,
    topicAliasMaximum: packet.properties?.topicAliasMaximum ?? 0,
    isBridge: packet.bridgeMode ?? false,
  };
  let isAnswered = false;
  try {
    isAnswered = sender.send(connackOf(packet.protocolVersion, isPresent, properties));
  } catch (error) {
    // Such as authentication data that has no encoding.
    host.sessions.abandon(session);
    throw error;
  }
  if (!isAnswered) {
    host.clientEvents.connectRefused(connection, ReasonCode.PacketTooLarge, 'no room for CONNACK');
    host.sessions.abandon(session);
    connection.terminate();
    return;
  }
  session.expiryInterval = sessionExpiryInterval;
  if (isPresent) revokeSubscriptions(host, session, permissions);
  connection.open(terms);
  // A client that states no Receive Maximum is not sent as many as the standard would allow.
  const sendQuota = packet.properties?.receiveMaximum ?? config.mqtt.maxInflight;
  host.join(connection, session, will, sendQuota, dependsOn);
}

/** The CONNACK of a client that is let in. */
function connackOf(
  version: ProtocolVersion,
  isPresent: boolean,
  properties: ConnackProperties,
): ConnackPacket {
  if (version === 5) {
    return {
      cmd: 'connack',
      sessionPresent: isPresent,
      reasonCode: ReasonCode.Success,
      properties,
    };
  }
  // In MQTT 3.1 the byte that says it is reserved.
  return { cmd: 'connack', sessionPresent: isPresent && version === 4, returnCode: 0 };
}

/** Refuses a client for whose will or session there is no room. */
function isOverQuota(
  host: ProtocolHost,
  connection: Peer,
  clientId: string,
  will: PendingWill | null,
  durability: Durability,
): boolean {
  const { sessions } = host;
  let why = will === null ? '' : sessions.whyNoRoomForWill(clientId, will);
  if (why === '' && durability === 'session' && !sessions.hasRoomForSession(clientId)) {
    why = 'mqtt.max-sessions reached';
  }
  if (why === '') return false;
  host.clientEvents.connectRefused(connection, ReasonCode.QuotaExceeded, why);
  connection.rejectConnect(ReasonCode.QuotaExceeded, why);
  return true;
}

/** Refuses a client that may not have its identifier, or not publish its will. */
function isForbidden(
  host: ProtocolHost,
  connection: Peer,
  { clientId, will }: ConnectPacket,
  permissions: Permissions | null,
): boolean {
  const refuse = (reasonCode: number, why: string): true => {
    host.clientEvents.connectRefused(connection, reasonCode, why);
    connection.rejectConnect(reasonCode, why);
    return true;
  };
  const { userName } = connection;
  // One that the broker assigns is nobody else's.
  if (clientId !== '' && !host.access.mayUseClientId({ clientId, userName })) {
    const why = 'auth.client-ids does not allow this client identifier';
    return refuse(ReasonCode.ClientIdentifierNotValid, why);
  }
  if (
    host.config.auth.otherUsersSession === 'refuse' &&
    isOfAnotherUser(host, clientId, userName)
  ) {
    return refuse(ReasonCode.NotAuthorized, 'the session belongs to another user');
  }
  if (isWillAllowed(will, permissions) || isBridgeState(Buffer.from(will?.topic ?? ''))) {
    return false;
  }
  host.clientEvents.accessRefused(connection, clientId, 'will', will?.topic ?? '');
  return refuse(ReasonCode.NotAuthorized, 'the rules do not allow the topic of the will');
}

/** A bridge is let in without the will that says that it is gone, rather than never. */
function dropForbiddenWill(
  host: ProtocolHost,
  { userName }: Peer,
  clientId: string,
  permissions: Permissions | null,
  packet: ConnectPacket,
): void {
  if (isWillAllowed(packet.will, permissions)) return;
  host.clientEvents.willRefused(clientId, userName, packet.will?.topic ?? '');
  delete packet.will;
}

function isWillAllowed(will: ConnectPacket['will'], permissions: Permissions | null): boolean {
  return will === undefined || permissions === null || permissions.mayPublish(will.topic);
}

interface Refusal {
  readonly reasonCode: number;
  readonly why: string;
}

function refusalOf(host: ProtocolHost, packet: ConnectPacket, isClean: boolean): Refusal | null {
  const { mqtt } = host.config;
  const { clientId, will } = packet;
  if (!host.hasRoomFor(clientId)) {
    host.stats.connectionsRefused++;
    return { reasonCode: ReasonCode.ServerBusy, why: 'mqtt.max-connections reached' };
  }
  const method = packet.properties?.authenticationMethod;
  if (method !== undefined && !host.authenticationMethods.has(method)) {
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
  const expiry = Math.min(requestedSessionExpiry(packet), mqtt.maxSessionExpiry);
  if (host.sessions.isStorageFullFor(clientId, isClean, durabilityOf(packet, expiry))) {
    return { reasonCode: ReasonCode.QuotaExceeded, why: 'the disk has no room for the session' };
  }
  if (will === undefined) return null;
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
  if (host.router.isTooDeep(will.topic)) {
    return {
      reasonCode: ReasonCode.TopicNameInvalid,
      why: 'the topic of the will is longer or deeper than this broker takes',
    };
  }
  if (isReserved(Buffer.from(will.topic))) {
    return {
      reasonCode: ReasonCode.NotAuthorized,
      why: 'the topic of the will is below $SYS, where only the broker publishes',
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

/** Whether a session that is there is not to be resumed: nobody gets that of another user. */
function startsClean(host: ProtocolHost, packet: ConnectPacket, userName: string | null): boolean {
  return packet.clean || isOfAnotherUser(host, packet.clientId, userName);
}

/** Where nobody can prove to be a user, sessions of the time when users could are everyone's. */
function isOfAnotherUser(host: ProtocolHost, clientId: string, userName: string | null): boolean {
  const { access, authenticationMethods, config } = host;
  const hasUsers =
    access.checksPasswords ||
    authenticationMethods.size > 0 ||
    config.server.tls.useSubjectAsUserName;
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

function durabilityOf({ will }: ConnectPacket, sessionExpiryInterval: number): Durability {
  if (sessionExpiryInterval > 0) return 'session';
  return will === undefined ? 'none' : 'will';
}

/** Seconds. Before MQTT 5 a session without Clean Session has no end of its own. */
function requestedSessionExpiry(packet: ConnectPacket): number {
  if (packet.protocolVersion === 5) return packet.properties?.sessionExpiryInterval ?? 0;
  return packet.clean ? 0 : NEVER_EXPIRES;
}

/**
 * The keep alive that a client is held to, in seconds. Only an MQTT 5 client can be told another than its own; the limit
 * holds for earlier ones, too, as it is there to find who is gone.
 */
function allowedKeepAlive({ keepalive, protocolVersion }: ConnectPacket, { mqtt }: Config): number {
  const wanted = keepalive === 0 && protocolVersion === 5 ? mqtt.keepAlive : keepalive;
  const maximum = mqtt.maxKeepAlive;
  if (maximum === 0) return wanted;
  return wanted === 0 ? maximum : Math.min(wanted, maximum);
}

/** The limits that differ from what a client assumes when it isn't told (§3.2.2.3). */
function announcedLimits({ mqtt }: Config, { maximumPacketSize }: Peer): ConnackProperties {
  const properties: ConnackProperties = {};
  if (mqtt.receiveMaximum !== RECEIVE_MAXIMUM_DEFAULT) {
    properties.receiveMaximum = mqtt.receiveMaximum;
  }
  if (mqtt.maxQos < 2) properties.maximumQoS = mqtt.maxQos;
  if (!mqtt.retainAvailable) properties.retainAvailable = false;
  if (maximumPacketSize < PACKET_SIZE_MAX) properties.maximumPacketSize = maximumPacketSize;
  if (mqtt.maxTopicAlias > 0) properties.topicAliasMaximum = mqtt.maxTopicAlias;
  if (!mqtt.wildcardAvailable) properties.wildcardSubscriptionAvailable = false;
  if (!mqtt.subscriptionIdentifiersAvailable) properties.subscriptionIdentifiersAvailable = false;
  if (!mqtt.sharedSubAvailable) properties.sharedSubscriptionAvailable = false;
  return properties;
}

/** What a client is told to make response topics from (§3.2.2.3.15); empty when there is nothing to tell. */
function responseInformation(
  { mqtt }: Config,
  clientId: string,
  { properties }: ConnectPacket,
): string {
  if (properties?.requestResponseInformation !== true) return ''; // [MQTT-3.1.2-28]
  // Replaced by a function: an identifier with $ in it stays as it is.
  const information = mqtt.responseInformation.replaceAll('%c', () => clientId);
  // One that names a long identifier several times may have no encoding: it is the client's to live without (§1.5.4).
  return Buffer.byteLength(information) <= STRING_BYTES_MAX ? information : '';
}

function pendingWillOf({ will }: ConnectPacket, publisherId: string): PendingWill | null {
  if (will === undefined) return null;
  const topicBytes = Buffer.from(will.topic);
  return {
    message: {
      topic: decodeTopicName(topicBytes, 0, topicBytes.length),
      topicBytes,
      // Copies: they are views into the read buffer.
      properties: Uint8Array.from(will.forwardedProperties ?? EMPTY),
      payload: Uint8Array.from(will.payload),
      qos: will.qos,
      retain: will.retain,
      expiresAt: Number.POSITIVE_INFINITY,
      publisherId,
    },
    delayInterval: will.properties?.willDelayInterval ?? 0,
    messageExpiryInterval: will.properties?.messageExpiryInterval ?? -1,
  };
}

/**
 * The protocol version whose CONNACK a CONNECT is refused in, before anything else of it is trusted. A level above 5 is
 * answered as MQTT 5 says (0x84): whoever made it knew that version. All others are answered as 3.1.1 says (0x01).
 */
export function peekVersion(buffer: Uint8Array, bodyStart: number, end: number): ProtocolVersion {
  const nameLength = ((buffer[bodyStart] ?? 0) << 8) | (buffer[bodyStart + 1] ?? 0);
  const levelOffset = bodyStart + 2 + nameLength;
  const level = levelOffset < end ? (buffer[levelOffset] as number) : 0;
  return nameLength === 4 && level >= 5 && level < 0x80 ? 5 : 4;
}
