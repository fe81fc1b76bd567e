import { type Admission, type Admitted, admitted, type Refused, refused } from '@promptmq/auth';
import { type ConnackProperties, type ConnectPacket, ReasonCode } from '@promptmq/codec';
import { NEVER_EXPIRES } from '@promptmq/session';
import { PROVED_BY } from '../../access/index.ts';
import type { ConnectionTerms, Peer } from '../../connection/peer.ts';
import { Authentication } from '../auth.ts';
import type { ProtocolHost } from '../host.ts';
import { filtersElsewhere, mountWill } from '../mounting.ts';
import { askForSession } from '../subscribe/asked-filters.ts';
import { revokeSubscriptions } from '../subscribe/revoked-subscriptions.ts';
import {
  admittedByHook,
  askingCredentialsOf,
  credentialsOf,
  hookCredentialsOf,
  listenerOf,
  permissionsFor,
  takeAdmission,
} from './admission.ts';
import { askFirst, askForWill, clientIdOf } from './asking.ts';
import { announcedLimits, connackOf, responseInformation } from './connack.ts';
import { refusalByListener } from './listener-terms.ts';
import {
  methodOf,
  type Refusal,
  refusalAtDoor,
  refusalByQuota,
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
  if (isRefused(host, connection, packet, refusalAtDoor(host, connection))) return;
  if (isRefused(host, connection, packet, refusalByListener(host, connection, packet))) return;
  const { hooks } = host;
  if (hooks === null) {
    prove(host, connection, packet);
    return;
  }
  askFirst(host, hooks, connection, packet, clientIdOf(host, packet), (verdict) => {
    if (verdict.isAllowed) prove(host, connection, packet);
    else refuse(host, connection, packet, verdict);
  });
}

/** Finds out who the client is, by the method that it names or by what else it shows. */
function prove(host: ProtocolHost, connection: Peer, packet: ConnectPacket): void {
  const method = packet.properties?.authenticationMethod;
  const offered = methodOf(host, connection, method ?? '');
  // A method that there isn't is refused as such, before anybody is asked [MQTT-4.12.0-1].
  const isNamed = method !== undefined || offered !== undefined;
  if (
    isNamed &&
    isRefused(host, connection, packet, refusalOf(host, connection, packet, packet.clean))
  )
    return;
  if (offered === undefined) {
    authenticate(host, connection, packet);
    return;
  }
  const credentials = { ...credentialsOf(connection, packet), password: null };
  const authentication = new Authentication(host, connection, offered, credentials, (data) =>
    openWhenAsked(host, connection, packet, data),
  );
  connection.authentication = authentication;
  authentication.begin(packet.properties?.authenticationData);
}

/** User name, password and certificate (§5.4.1): opens the session at once, or when they are checked. */
function authenticate(host: ProtocolHost, connection: Peer, packet: ConnectPacket): void {
  const { access } = host;
  const vouchedFor = connection.transport.userName ?? null;
  if (vouchedFor !== null) {
    onChecked(host, connection, packet, admitted(PROVED_BY.transport, vouchedFor));
    return;
  }
  const asked = new AbortController();
  const admission = access.admit(
    askingCredentialsOf(host, connection, packet),
    isHookAskedLater(host, connection),
    asked.signal,
  );
  if (!(admission instanceof Promise)) {
    onChecked(host, connection, packet, admission);
    return;
  }
  if (isRefused(host, connection, packet, refusalOf(host, connection, packet, packet.clean))) {
    asked.abort();
    return;
  }
  connection.suspend();
  connection.asked = asked;
  void admission.then((answer) =>
    host.faults.contain(connection, 'authenticating', () => {
      if (connection.isEnding) return;
      connection.asked = null;
      onChecked(host, connection, packet, answer);
      connection.resume();
    }),
  );
}

/** Whether the hook `authenticate` is asked after the chain. */
function isHookAskedLater({ access, hooks }: ProtocolHost, connection: Peer): boolean {
  return hooks?.proveUsers === true && !access.asksHook(listenerOf(connection));
}

/** What the chain says, or whoever brought the connection: asks the hook about whom they let in. */
function onChecked(
  host: ProtocolHost,
  connection: Peer,
  packet: ConnectPacket,
  admission: Admission,
): void {
  const { hooks } = connection;
  if (!admission.isAdmitted) {
    refuse(host, connection, packet, admission);
    return;
  }
  if (hooks === null || !isHookAskedLater(host, connection)) {
    onAdmitted(host, connection, packet, admission);
    return;
  }
  if (isRefused(host, connection, packet, refusalOf(host, connection, packet, packet.clean)))
    return;
  hooks.client.userName = admission.userName;
  hooks.authenticate(hookCredentialsOf(connection, packet), (verdict) => {
    const shown = credentialsOf(connection, packet);
    if (!verdict.isAllowed) {
      const { reasonCode, why } = verdict;
      const refusal = refused(PROVED_BY.hook, 'denied', reasonCode, why, why);
      host.access.noteGuess(shown, refusal);
      refuse(host, connection, packet, refusal);
      return;
    }
    const answer = admittedByHook(host, connection, packet, admission, verdict);
    if (answer !== null) host.access.noteGuess(shown, answer);
    if (answer === null) refuse(host, connection, packet, EXPIRED);
    else onAdmitted(host, connection, packet, answer);
  });
}

/** A reload may have taken the user away while the answer was awaited, or the hook admits somebody without a name. */
function onAdmitted(
  host: ProtocolHost,
  connection: Peer,
  packet: ConnectPacket,
  admission: Admitted,
): void {
  if (!host.access.mayStay(admission, listenerOf(connection))) {
    refuse(host, connection, packet, admission.provider === null ? NOBODY : REVOKED);
    return;
  }
  takeAdmission(host, connection, admission);
  giveClientId(connection, packet);
  openWhenAsked(host, connection, packet, EMPTY);
}

/** Whether the client doesn't have the identifier that it asked for, or asked for none. */
function hasOtherIdentifier({ admission }: Peer, { clientId }: ConnectPacket): boolean {
  return clientId === '' || admission.clientId !== null;
}

/** Whoever has proved who the client is may have an identifier for it: whichever it asked for, it gets that one. */
function giveClientId({ admission, hooks }: Peer, packet: ConnectPacket): void {
  const { clientId } = admission;
  if (clientId === null) return;
  packet.clientId = clientId;
  if (hooks !== null) hooks.client.clientId = clientId;
}

const NOBODY = refused(
  null,
  'anonymous',
  ReasonCode.NotAuthorized,
  'anonymous clients are not allowed',
  'anonymous clients are not allowed',
);
const REVOKED = refused(
  null,
  'revoked',
  ReasonCode.NotAuthorized,
  'the user was removed or changed meanwhile',
);
const EXPIRED = refused(
  PROVED_BY.hook,
  'expired',
  ReasonCode.NotAuthorized,
  'what it may has expired already',
);

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
  refusal: Refusal | Refused,
): void {
  const { reasonCode, why } = refusal;
  if ('provider' in refusal) host.clientEvents.loginRefused(connection, clientId, refusal);
  else host.clientEvents.connectRefused(connection, clientId, reasonCode, why);
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
  if (isRefused(host, connection, packet, refusalOf(host, connection, packet, packet.clean)))
    return;
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
  return (
    refusalByListener(host, connection, packet) ?? refusalOf(host, connection, packet, isClean)
  );
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
  const isAssigned = hasOtherIdentifier(connection, packet);
  const clientId = connection.hooks?.client.clientId ?? clientIdOf(host, packet);
  connection.updateTrace(clientId);
  host.traces.onAdmitted(clientId, packet);
  const { userName } = connection;
  const permissions = permissionsFor(host, connection, clientId);
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
    cleanStart: isClean,
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
    connection.changePermissions(permissions);
    const lost = filtersElsewhere(connection, host.sessions.entryOf(session), refused);
    revokeSubscriptions(host, session, permissions, lost);
  }
  connection.updateFilter();
  connection.open(terms);
  // A client that states no Receive Maximum is not sent as many as the standard would allow.
  const sendQuota = packet.properties?.receiveMaximum ?? config.mqtt.maxInflight;
  host.join(connection, session, will, sendQuota, dependsOn);
  connection.renewThrottle();
}
