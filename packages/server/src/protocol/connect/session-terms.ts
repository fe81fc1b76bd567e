import type { ConnectPacket } from '@promptmq/codec';
import { NEVER_EXPIRES } from '@promptmq/session';
import type { Config } from '../../config/index.ts';
import type { Durability } from '../../sessions/sessions.ts';

export function durabilityOf({ will }: ConnectPacket, sessionExpiryInterval: number): Durability {
  if (sessionExpiryInterval > 0) return 'session';
  return will === undefined ? 'none' : 'will';
}

/** Seconds. Before MQTT 5 a session without Clean Session has no end of its own. */
export function requestedSessionExpiry(packet: ConnectPacket): number {
  if (packet.protocolVersion === 5) return packet.properties?.sessionExpiryInterval ?? 0;
  return packet.clean ? 0 : NEVER_EXPIRES;
}

/**
 * The keep alive that a client is held to, in seconds. Only an MQTT 5 client can be given another than its own; the limit
 * holds for earlier ones, too, as it is there to find who is gone.
 */
export function allowedKeepAlive(
  { keepalive, protocolVersion }: ConnectPacket,
  { mqtt }: Config,
): number {
  const wanted = keepalive === 0 && protocolVersion === 5 ? mqtt.keepAlive : keepalive;
  const maximum = mqtt.maxKeepAlive;
  if (maximum === 0) return wanted;
  return wanted === 0 ? maximum : Math.min(wanted, maximum);
}
