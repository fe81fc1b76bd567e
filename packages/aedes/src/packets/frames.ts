import { type Packet, parser } from 'mqtt-packet';

/** A packet as bytes. */
export interface Frame {
  readonly bytes: Buffer;
  readonly type: number;
  /** Where its variable header begins. */
  readonly bodyStart: number;
  /** Where no packet begins with these bytes: why. */
  readonly fault?: Error;
}

/** Types of control packets (§2.1.2), as far as they are looked at. */
export const Type = {
  Connect: 1,
  Connack: 2,
  Publish: 3,
  Puback: 4,
  Pubrec: 5,
  Pubrel: 6,
  Pubcomp: 7,
  Subscribe: 8,
  Suback: 9,
  Unsubscribe: 10,
  Unsuback: 11,
  Pingreq: 12,
  Disconnect: 14,
} as const;

/** Decodes one packet. @throws {Error} mqtt-packet's, where it is malformed */
export function decode({ bytes }: Pick<Frame, 'bytes'>, protocolVersion: number): Packet {
  const decoder = parser({ protocolVersion });
  const found: { packet?: Packet; error?: Error } = {};
  decoder.on('packet', (packet) => {
    found.packet = packet;
  });
  decoder.on('error', (error: Error) => {
    found.error = error;
  });
  decoder.parse(bytes);
  if (found.error !== undefined) throw found.error;
  if (found.packet === undefined) throw new Error('Malformed packet');
  return found.packet;
}

/** The packet identifier of an acknowledgement, or of what asks for one: the first two bytes of its variable header. */
export function identifierOf({ bytes, bodyStart }: Frame): number {
  return bytes.length >= bodyStart + 2 ? bytes.readUInt16BE(bodyStart) : 0;
}

/** The QoS of a PUBLISH. */
export function qosOf({ bytes }: Frame): number {
  return ((bytes[0] ?? 0) >> 1) & 3;
}

/** Where the packet identifier of a PUBLISH with QoS 1 or 2 is. */
export function identifierOffset({ bytes, bodyStart }: Frame): number {
  return bodyStart + 2 + bytes.readUInt16BE(bodyStart);
}

/** The reason code of an acknowledgement; 0 where it has none (§3.4.2.1). */
export function reasonOf({ bytes, bodyStart }: Frame): number {
  return bytes[bodyStart + 2] ?? 0;
}

/** A PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function acknowledgement(type: number, identifier: number): Buffer {
  const flags = type === Type.Pubrel ? 2 : 0;
  return Buffer.of((type << 4) | flags, 2, identifier >> 8, identifier & 0xff);
}

/** The same bytes with another packet identifier. */
export function withIdentifier(bytes: Buffer, offset: number, identifier: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(identifier, offset);
  return copy;
}
