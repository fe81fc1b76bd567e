import { type Packet as ForeignPacket, generate, writeToStream } from 'mqtt-packet';
import type { ProtocolVersion } from './packet-type.ts';

// Otherwise the first packet has a buffer made for each number up to 65,535: 7 MB, and a pause.
writeToStream.cacheNumbers = false;

/**
 * Encodes a packet off the hot path with mqtt-packet, whose types our packets have.
 *
 * @param packet - without fields that its version does not have
 * @throws {Error} when a field has a value that the protocol has no encoding for
 */
export function generatePacket(packet: object, protocolVersion: ProtocolVersion): Uint8Array {
  return generate(packet as ForeignPacket, { protocolVersion });
}
