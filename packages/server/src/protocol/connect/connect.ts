import { type ConnackProperties, type ConnectPacket, ReasonCode } from '@promptmq/codec';
import { NEVER_EXPIRES } from '@promptmq/session';
import type { Access, Admission } from '../../access/index.ts';
import type { ConnectionTerms, Peer } from '../../connection/peer.ts';
import { Authentication } from '../auth.ts';
import type { ProtocolHost } from '../host.ts';
import { filtersElsewhere, mountWill } from '../mounting.ts';
import { askForSession } from '../subscribe/asked-filters.ts';
import { revokeSubscriptions } from '../subscribe/revoked-subscriptions.ts';
import { admittedBy, askFirst, askForWill, clientIdOf } from './asking.ts';
import { announcedLimits, connackOf, responseInformation } from './connack.ts';
import { refusalByListener } from './listener-terms.ts';
import {
  type Refusal,
  refusalByQuota,
  refusalByRate,
  refusalByRules,
  refusalOf,
  startsClean,
} from './refusals.ts';
import { allowedKeepAlive, durabilityOf, requestedSessionExpiry } from './session-terms.ts';
import { dropForbiddenWill, pendingWillOf } from './will.ts';

const EMPTY = new Uint8Array(0);

/** Answers a CONNECT: checks it against what this broker allows, then opens the session (§3.1.4). */
export function admit(host: ProtocolHost, connection: Peer, packet: ConnectPacket): void {
  const { sender } = connection;
  connection.connectNumber = host.sessions.numberConnect();
  sender.maximumPacketSize = packet.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  sender.wantsReasons = packet.properties?.requestProblemInformation ?? true;
  sender.tracer = host.traces.onConnect(packet);
  mountWill(connection, packet);
  // Before anything else: who tries many passwords is stopped here, too.
  const source = { clientId: '', userName: null, transport: connection.transport };
  if (isRefused(host, connection, packet, refusalByRate(host, source, ['address']))) return;
  if (isRefused(host, connection, packet, refusalByListener(host, connection, packet))) return;
  const { hooks } = host;
  if (hooks === null) {
    prove(host, connection, packet);
    return;
  }
  askFirst(hooks, connection, packet, clientIdOf(host, packet), (verdict) => {
    if (verdict.isAllowed) prove(host, connection, packet);
    else refuse(host, connection, packet, verdict);
  });
}

/** Finds out who the client is, by the method that it names or by its user name. */
function prove(host: ProtocolHost, connection: Peer, packet: ConnectPacket): void {
  const method = host.authenticationMethods.get(packet.properties?.authenticationMethod ?? '');
  if (method === undefined) {
    authenticate(host, connection, packet);
    return;
  }
  if (isRefused(host, connection, packet, refusalOf(host, packet, packet.clean))) return;
  const authentication = new Authentication(host, connection, method, packet.clientId, (data) => {
    connection.proof = 'method';
    if (connection.hooks !== null) connection.hooks.client.userName = connection.userName;
    openWhenAsked(host, connection, packet, data);
  });
  connection.authentication = authentication;
  authentication.begin(packet.properties?.authenticationData);
}

/** User name, password and certificate (§5.4.1): opens the session at once, or when they are checked. */
function authenticate(host: ProtocolHost, connection: Peer, packet: ConnectPacket): void {
  const { access } = host;
  const { userName, certificateName, remoteAddress } = connection.transport;
  const subject = host.config.server.tls.useSubjectAsUserName ? certificateName : null;
  const admission = access.admit(
    {
      userName: packet.username,
      password: packet.password,
      transportUser: userName ?? null,
      address: remoteAddress.replace(/:\d+$/, ''),
      certificateName: subject ?? null,
    },
    host.hooks?.proveUsers,
  );
  if (!(admission instanceof Promise)) {
    onChecked(host, connection, packet, access, admission);
    return;
  }
  if (isRefused(host, connection, packet, refusalOf(host, packet, packet.clean))) return;
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
        onChecked(host, connection, packet, access, answer);
        connection.resume();
      }),
    );
}

/**
 * Name and password are right, or wrong: asks the hook about whom they let in.
 *
 * @param access - by which they were checked
 */
function onChecked(
  host: ProtocolHost,
  connection: Peer,
  packet: ConnectPacket,
  access: Access,
  admission: Admission,
): void {
  const { hooks } = connection;
  if (hooks === null || !admission.isAdmitted || host.hooks?.proveUsers !== true) {
    onAdmission(host, connection, packet, confirmed(host, access, admission));
    return;
  }
  if (isRefused(host, connection, packet, refusalOf(host, packet, packet.clean))) return;
  hooks.client.userName = admission.userName;
  const { username, password } = packet;
  const credentials = {
    userName: username ?? null,
    password: password === undefined ? null : Buffer.from(password),
    certificateName: connection.transport.certificateName ?? null,
  };
  hooks.authenticate(credentials, (verdict) => {
    const answer = verdict.isAllowed
      ? admittedBy(host, connection, packet, admission, verdict)
      : { isAdmitted: false as const, reasonCode: verdict.reasonCode, why: verdict.why };
    onAdmission(host, connection, packet, confirmed(host, access, answer));
  });
}

/** A reload may have taken the user away while the answer was awaited, or the hook admits somebody without a name. */
function confirmed(host: ProtocolHost, access: Access, admission: Admission): Admission {
  if (!admission.isAdmitted) return admission;
  const { userName, proof } = admission;
  if (host.access.mayStay(access, userName, proof)) return admission;
  return proof === 'nothing' ? NOBODY : REVOKED;
}

const NOBODY: Admission = {
  isAdmitted: false,
  reasonCode: ReasonCode.NotAuthorized,
  why: 'anonymous clients are not allowed',
};

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
    const { userName } = admission;
    connection.userName = userName;
    connection.proof = admission.proof;
    if (connection.hooks !== null) connection.hooks.client.userName = userName;
    openWhenAsked(host, connection, packet, EMPTY);
  } else {
    refuse(host, connection, packet, admission);
  }
}

/** @returns whether there was something to refuse CONNECT for: then that is done */
function isRefused(
  host: ProtocolHost,
  connection: Peer,
  packet: ConnectPacket,
  refusal: Refusal | null,
): boolean {
  if (refusal !== null) refuse(host, connection, packet, refusal);
  return refusal !== null;
}

function refuse(
  host: ProtocolHost,
  connection: Peer,
  { clientId }: ConnectPacket,
  { reasonCode, why }: Refusal,
): void {
  host.clientEvents.connectRefused(connection, clientId, reasonCode, why);
  connection.rejectConnect(reasonCode, why);
}

/** Asks the hooks for what a session brings along, then opens it. */
function openWhenAsked(
  host: ProtocolHost,
  connection: Peer,
  packet: ConnectPacket,
  authenticationData: Uint8Array,
): void {
  const { hooks } = connection;
  if (hooks === null) {
    open(host, connection, packet, authenticationData);
    return;
  }
  if (isRefused(host, connection, packet, refusalOf(host, packet, packet.clean))) return;
  const onFailed = (refusal: Refusal) => refuse(host, connection, packet, refusal);
  const onAsked = (refused?: ReadonlySet<string>) =>
    open(host, connection, packet, authenticationData, refused);
  askForWill(hooks, packet, onFailed, () => {
    if (!hooks.asksSubscribe || startsClean(host, packet, connection.userName)) onAsked();
    else askForSession(hooks, () => host.sessions.find(packet.clientId), onAsked, onFailed);
  });
}

/** What its listener and the broker say of it, whatever has happened meanwhile. */
function refusalAtOpening(
  host: ProtocolHost,
  connection: Peer,
  packet: ConnectPacket,
  isClean: boolean,
): Refusal | null {
  return refusalByListener(host, connection, packet) ?? refusalOf(host, packet, isClean);
}

/**
 * Opens the session of a client that may have it, and sends CONNACK.
 *
 * @param refused - topic filters that it is not to have any more
 */
function open(
  host: ProtocolHost,
  connection: Peer,
  packet: ConnectPacket,
  authenticationData: Uint8Array,
  refused?: ReadonlySet<string>,
): void {
  const isClean = startsClean(host, packet, connection.userName);
  const refusal = refusalAtOpening(host, connection, packet, isClean);
  if (isRefused(host, connection, packet, refusal)) return;
  const { config } = host;
  const { sender, authentication } = connection;
  const isV5 = packet.protocolVersion === 5;
  const isAssigned = packet.clientId === '';
  const clientId = connection.hooks?.client.clientId ?? clientIdOf(host, packet);
  connection.updateTrace(clientId);
  host.traces.onAdmitted(clientId, packet);
  const { userName } = connection;
  const permissions = host.access.permissionsOf({ clientId, userName }, connection.limits);
  if (isRefused(host, connection, packet, refusalByRules(host, connection, packet, permissions)))
    return;
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
  const client = { clientId, userName, transport: connection.transport };
  if (isRefused(host, connection, packet, refusalByQuota(host, client, will, durability))) return;
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
  connection.hold();
  try {
    isAnswered = sender.send(connackOf(packet.protocolVersion, isPresent, properties));
  } catch (error) {
    // Such as authentication data that has no encoding.
    host.sessions.abandon(session);
    throw error;
  }
  if (!isAnswered) {
    const why = 'no room for CONNACK';
    host.clientEvents.connectRefused(connection, clientId, ReasonCode.PacketTooLarge, why);
    host.sessions.abandon(session);
    connection.terminate();
    return;
  }
  session.expiryInterval = sessionExpiryInterval;
  if (isPresent) {
    const lost = filtersElsewhere(connection, host.sessions.entryOf(session), refused);
    revokeSubscriptions(host, session, permissions, lost);
  }
  connection.updateFilter();
  connection.open(terms);
  // A client that states no Receive Maximum is not sent as many as the standard would allow.
  const sendQuota = packet.properties?.receiveMaximum ?? config.mqtt.maxInflight;
  host.join(connection, session, will, sendQuota, dependsOn);
}
