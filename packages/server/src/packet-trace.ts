import { decodePacket, type Packet, type ProtocolVersion } from '@promptmq/codec';

/** Takes a packet's name and fields, for the log. */
export type PacketTracer = (packet: string, fields: object) => void;

/**
 * The fields of a packet as the log has them. Of whatever is bytes, such as payloads, passwords and
 * authentication data, only the size is told.
 */
export function tracedFields(packet: Packet): object {
  const { cmd: _cmd, ...fields } = packet;
  return withoutBytes(fields);
}

function withoutBytes(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => {
        if (value instanceof Uint8Array) return [`${name}Size`, value.length];
        const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value);
        return [name, isPlain ? withoutBytes(value) : value];
      }),
  );
}

/** The fields of an encoded packet in `buffer[start, end)`. */
export function tracedFrame(
  buffer: Uint8Array,
  start: number,
  end: number,
  version: ProtocolVersion,
): object {
  let bodyStart = start + 1;
  while ((buffer[bodyStart] as number) >= 0x80) bodyStart++;
  return tracedFields(decodePacket(buffer, start, bodyStart + 1, end, version, 'client'));
}
