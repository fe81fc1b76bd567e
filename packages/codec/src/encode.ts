import type { Packet } from './packet.ts';
import { encodeAck } from './packets/ack.ts';
import { encodeAuth } from './packets/auth.ts';
import { encodeConnack } from './packets/connack.ts';
import { encodeConnect } from './packets/connect.ts';
import { encodeDisconnect } from './packets/disconnect.ts';
import { encodePing } from './packets/ping.ts';
import { encodePublish } from './packets/publish.ts';
import { encodeSuback, encodeSubscribe } from './packets/subscribe.ts';
import { encodeUnsuback, encodeUnsubscribe } from './packets/unsubscribe.ts';
import type { ProtocolVersion } from './wire/packet-type.ts';

/** For whom a packet is encoded. */
export interface EncodeOptions {
  /** Of the connection, 4 by default; CONNECT says its own. */
  readonly protocolVersion?: ProtocolVersion;
  /**
   * The receiver's limit, in bytes. User properties, then the reason string are left out where that
   * makes a packet fit (§3.2.2.3.9, §3.4.2.2.2 and others). A PUBLISH is never changed.
   */
  readonly maximumPacketSize?: number;
}

/**
 * Encodes a packet.
 *
 * @returns the bytes, the caller's own; null when they can't be made to fit `maximumPacketSize`
 * @throws {Error} when a field has a value that the protocol has no encoding for
 */
export function encode(packet: Packet, options: EncodeOptions = {}): Uint8Array | null {
  const { protocolVersion = 4, maximumPacketSize = Number.POSITIVE_INFINITY } = options;
  const bytes = encodeWhole(packet, protocolVersion);
  if (bytes.length <= maximumPacketSize) return bytes;
  for (const shorter of withFewerProperties(packet)) {
    const shorterBytes = encodeWhole(shorter, protocolVersion);
    if (shorterBytes.length <= maximumPacketSize) return shorterBytes;
  }
  return null;
}

/** The packet without user properties, then without its reason string as well. */
function* withFewerProperties(packet: Packet): Generator<Packet> {
  if (packet.cmd === 'publish' || packet.cmd === 'connect') return;
  if (!('properties' in packet) || packet.properties === undefined) return;
  const { userProperties, ...others } = packet.properties;
  yield { ...packet, properties: others } as Packet;
  const { reasonString, ...least } = others as { reasonString?: string };
  yield { ...packet, properties: least } as Packet;
}

function encodeWhole(packet: Packet, version: ProtocolVersion): Uint8Array {
  switch (packet.cmd) {
    case 'connect':
      return encodeConnect(packet);
    case 'connack':
      return encodeConnack(packet, version);
    case 'publish':
      return encodePublish(packet, version);
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return encodeAck(packet, version);
    case 'subscribe':
      return encodeSubscribe(packet, version);
    case 'suback':
      return encodeSuback(packet, version);
    case 'unsubscribe':
      return encodeUnsubscribe(packet, version);
    case 'unsuback':
      return encodeUnsuback(packet, version);
    case 'pingreq':
    case 'pingresp':
      return encodePing(packet, version);
    case 'disconnect':
      return encodeDisconnect(packet, version);
    case 'auth':
      return encodeAuth(packet, version);
    default:
      throw new TypeError(`unknown packet: ${String((packet satisfies never as Packet).cmd)}`);
  }
}
