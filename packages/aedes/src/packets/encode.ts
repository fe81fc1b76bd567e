import { encode, type Packet, type ProtocolVersion } from '@promptmq/codec';

/**
 * Encodes a packet of the shape that mqtt-packet and the codec have in common.
 *
 * @throws {Error} when a field has a value that the protocol has no encoding for
 */
export function encodePacket(packet: object, version: number): Buffer {
  const bytes = encode(packet as Packet, { protocolVersion: version as ProtocolVersion });
  const { buffer, byteOffset, length } = bytes as Uint8Array;
  return Buffer.from(buffer, byteOffset, length);
}
