import {
  type Admitted,
  admitted,
  type Credentials,
  type Identity,
  type Permissions,
  type ProvedUser,
  type ProviderAnswer,
} from '@promptmq/auth';
import { type ConnectPacket, ReasonCode } from '@promptmq/codec';
import { type AskingCredentials, PROVED_BY } from '../../access/index.ts';
import type { Peer } from '../../connection/peer.ts';
import type { Verdict } from '../../hooks/answers.ts';
import { hostOfAddress } from '../../security/host-address.ts';
import type { ProtocolHost } from '../host.ts';
import { askAgain } from '../subscribe/asked-filters.ts';
import { revokeSubscriptions } from '../subscribe/revoked-subscriptions.ts';

/** What a client shows of who it is. */
export function credentialsOf({ transport }: Peer, packet: ConnectPacket): Credentials {
  const { clientId, username, password, protocolVersion, clean, keepalive } = packet;
  return {
    clientId,
    userName: username ?? null,
    password: password ?? null,
    address: hostOfAddress(transport.remoteAddress),
    protocol: transport.protocol,
    version: protocolVersion,
    cleanStart: clean,
    keepAlive: keepalive,
    listener: transport.listener?.name ?? '',
    certificate: transport.certificate ?? null,
    pskIdentity: transport.pskIdentity ?? null,
  };
}

/** The name of the listener that a client came by; empty for none. */
export function listenerOf({ transport }: Peer): string {
  return transport.listener?.name ?? '';
}

/** The same, for a chain in which the hook `authenticate` has its place. */
export function askingCredentialsOf(
  host: ProtocolHost,
  connection: Peer,
  packet: ConnectPacket,
): AskingCredentials {
  const { hooks } = connection;
  const credentials = credentialsOf(connection, packet);
  if (!host.access.asksHook(credentials.listener) || hooks === null)
    return { ...credentials, askHook: null };
  const askHook = (onAnswer: (answer: ProviderAnswer) => void) =>
    hooks.authenticate(hookCredentialsOf(connection, packet), (verdict) =>
      onAnswer(answerOf(host, connection, packet, verdict)),
    );
  return { ...credentials, askHook };
}

/** What the hook `authenticate` gets: all of it its own. */
export function hookCredentialsOf(
  { transport }: Peer,
  { username, password }: ConnectPacket,
): {
  userName: string | null;
  password: Buffer | null;
  certificateName: string | null;
} {
  return {
    userName: username ?? null,
    password: password === undefined ? null : Buffer.from(password),
    certificateName: transport.certificateName ?? null,
  };
}

/** What the hook says in its place in the chain. */
function answerOf(
  host: ProtocolHost,
  connection: Peer,
  { username }: ConnectPacket,
  verdict: Verdict,
): ProviderAnswer {
  if (!verdict.isAllowed) {
    const { reasonCode, why } = verdict;
    return { result: 'deny', reasonCode, why, reasonString: why };
  }
  if (!takeFromHook(host, connection, verdict))
    return { result: 'deny', reasonCode: ReasonCode.NotAuthorized, why: EXPIRED };
  const { userName = username || null } = verdict;
  return userName === null ? { result: 'pass' } : { result: 'allow', userName };
}

const EXPIRED = 'what it may has expired already';

/**
 * What goes with the client from now on, as its hook says.
 *
 * @returns false when it has expired already
 */
function takeFromHook(
  { runtime }: ProtocolHost,
  connection: Peer,
  answer: Verdict & { readonly isAllowed: true },
): boolean {
  const { expiresAt } = answer;
  if (expiresAt !== undefined) {
    const leftMs = Number(expiresAt) - runtime.wallNow();
    if (leftMs <= 0) return false;
    connection.timeouts.expireAt(runtime.now() + leftMs);
  }
  connection.limits = answer.acl ?? null;
  connection.hooks?.addAttributes(answer);
  return true;
}

/**
 * Who a client is that `authenticate` has let in after the chain.
 *
 * @param checked - whom the chain or the transport says that it is
 * @returns null when what it may has expired already
 */
export function admittedByHook(
  host: ProtocolHost,
  connection: Peer,
  { username }: ConnectPacket,
  checked: Admitted,
  answer: Verdict & { readonly isAllowed: true },
): Admitted | null {
  if (!takeFromHook(host, connection, answer)) return null;
  const { userName = checked.userName ?? (username || null) } = answer;
  if (userName === checked.userName) return checked;
  // What was said of another user doesn't make this one more than it is; what ends with it does so.
  const provider = userName === null ? null : PROVED_BY.hook;
  const { attributes, expiresAt, clientId } = checked;
  return admitted(provider, userName, { attributes, expiresAt, clientId });
}

/** Who a client is that has been proved by a method of enhanced authentication (§4.12). */
export function admittedByMethod(
  { transport }: Peer,
  provider: string,
  proved: ProvedUser,
): Admitted {
  const vouchedFor = transport.userName ?? null;
  if (vouchedFor !== null) return admitted(PROVED_BY.transport, vouchedFor, proved);
  return admitted(provider, proved.userName ?? null, proved);
}

/** Who a client is, from now on: at its CONNECT, and again when it has authenticated again. */
export function takeAdmission(host: ProtocolHost, connection: Peer, admission: Admitted): void {
  const { runtime } = host;
  const { userName, expiresAt } = admission;
  connection.admission = admission;
  connection.userName = userName;
  if (connection.hooks !== null) connection.hooks.client.userName = userName;
  connection.timeouts.proveUntil(runtime.now() + expiresAt - runtime.wallNow());
}

/** A client as the rules see it. */
export function identityOf({ admission, transport }: Peer, clientId: string): Identity {
  const { userName, isSuperuser, attributes, groups, roles } = admission;
  const address = hostOfAddress(transport.remoteAddress);
  const certificate = transport.certificate ?? null;
  return { clientId, userName, address, certificate, attributes, groups, roles, isSuperuser };
}

/** Notes what a client may do, by its identity, the rules of its own, and what its hook allows at most. */
export function permissionsFor(
  { access }: ProtocolHost,
  connection: Peer,
  clientId: string,
): Permissions | null {
  const { admission, limits } = connection;
  connection.rights = { identity: identityOf(connection, clientId), own: admission.acl, limits };
  return access.permissionsOf(connection.rights);
}

/** Other rules may apply to a client that is connected: it loses the subscriptions that they forbid. */
export function applyRules(host: ProtocolHost, connection: Peer): void {
  const { session, clientId } = connection;
  if (session === null) return;
  connection.changePermissions(permissionsFor(host, connection, clientId));
  revokeSubscriptions(host, session, connection.permissions);
  connection.updateFilter();
  askAgain(host, connection);
}
