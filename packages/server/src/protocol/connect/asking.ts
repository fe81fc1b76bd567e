import { type ConnectPacket, messageProperties } from '@promptmq/codec';
import type { Peer } from '../../connection/peer.ts';
import type { Refusal, Verdict } from '../../hooks/answers.ts';
import type { BrokerHooks } from '../../hooks/broker-hooks.ts';
import { ClientHooks } from '../../hooks/client-hooks.ts';
import type { ProtocolHost } from '../host.ts';
import { ActionGuard } from './action-guard.ts';

/**
 * A CONNECT has come: from now on hooks are asked for its connection, and first whether it may connect at all.
 *
 * @param clientId - the client's own, or the one that it will be given
 */
export function askFirst(
  host: ProtocolHost,
  hooks: BrokerHooks,
  connection: Peer,
  packet: ConnectPacket,
  clientId: string,
  onVerdict: (verdict: Verdict) => void,
): void {
  const { remoteAddress, protocol, certificateName } = connection.transport;
  const { protocolVersion: version } = packet;
  const client = { clientId, remoteAddress, protocol, version };
  const functions = host.access.asksActions
    ? new ActionGuard(host, connection).before(hooks.functions)
    : hooks.functions;
  const asked = new ClientHooks(hooks, connection, client, functions);
  connection.hooks = asked;
  const facts = {
    remoteAddress,
    protocol,
    version,
    clientId: packet.clientId,
    userName: packet.username ?? null,
    cleanStart: packet.clean,
    keepAlive: packet.keepalive,
    certificateName: certificateName ?? null,
  };
  asked.preConnect(facts, (verdict) => {
    if (verdict.isAllowed) asked.addAttributes(verdict);
    onVerdict(verdict);
  });
}

/** The client's own identifier, or one that nobody else has [MQTT-3.1.3-6]. */
export function clientIdOf({ runtime }: ProtocolHost, { clientId }: ConnectPacket): string {
  return clientId === '' ? runtime.uniqueId() : clientId;
}

const EMPTY = new Uint8Array(0);

/** Asks what becomes of the will of a CONNECT, which may change it. */
export function askForWill(
  hooks: ClientHooks,
  packet: ConnectPacket,
  onRefused: (refusal: Refusal) => void,
  onAllowed: () => void,
): void {
  const { will } = packet;
  if (will === undefined || !hooks.asksPublish) {
    onAllowed();
    return;
  }
  const { topic, payload, qos, retain } = will;
  const properties = messageProperties(Uint8Array.from(will.forwardedProperties ?? EMPTY));
  const { messageExpiryInterval, willDelayInterval = 0 } = will.properties ?? {};
  if (messageExpiryInterval !== undefined) properties.messageExpiryInterval = messageExpiryInterval;
  const message = { topic, payload: Buffer.from(payload), qos, retain, properties, isWill: true };
  hooks.askForMessage(message, (verdict) => {
    if (!verdict.isAllowed) {
      onRefused(verdict);
      return;
    }
    const changed = verdict.message;
    if (changed !== undefined) {
      packet.will = {
        topic: changed.topic,
        payload: changed.payload,
        qos,
        retain,
        properties: { ...changed.properties, willDelayInterval },
        forwardedProperties: changed.encodedProperties,
      };
    }
    onAllowed();
  });
}
