import {
  decodePacket,
  type Packet,
  type ProtocolVersion,
  publishSize,
  writePublish,
} from '@promptmq/codec';
import type { PublishParts } from '../routing/publish-parts.ts';

/** Takes a packet's name and fields. */
export type PacketTracer = (packet: string, fields: object) => void;

const NO_BYTES = new Uint8Array(0);

/**
 * The fields of a packet as the log and traces have them. Of whatever is bytes, such as payloads, passwords and
 * authentication data, and of the values of user properties, which may be tokens, only the size is told.
 */
export function tracedFields(packet: Packet): object {
  const { cmd: _cmd, messageId: packetId, ...fields } = packet as Packet & { messageId?: number };
  return withoutBytes({ packetId, ...fields });
}

function withoutBytes(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => {
        if (value instanceof Uint8Array) return [`${name}Size`, value.length];
        if (name === 'userProperties') return ['userPropertySizes', sizesOf(value)];
        const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value);
        return [name, isPlain ? withoutBytes(value) : value];
      }),
  );
}

/** Of user properties: bytes by name, a list where a name comes more than once. */
function sizesOf(userProperties: Readonly<Record<string, string | string[]>>): object {
  return Object.fromEntries(
    Object.entries(userProperties).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map((one) => Buffer.byteLength(one)) : Buffer.byteLength(value),
    ]),
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

/** How the parts of a PUBLISH are encoded for one client. */
export interface PublishHead {
  readonly version: ProtocolVersion;
  /** `dup << 3 | qos << 1 | retain` */
  readonly flags: number;
  readonly packetId: number;
  /** Seconds; -1 when the message doesn't expire. */
  readonly expiry: number;
  readonly alias: number;
  /** 0 where the alias stands for the topic. */
  readonly topicLength: number;
  readonly identifiers: readonly number[];
}

/** The fields of a PUBLISH in parts; the topic is told even where only its alias is sent. */
export function tracedParts(parts: PublishParts, head: PublishHead): object {
  const { topicBytes, properties, propertiesStart, propertiesEnd } = parts;
  const { version, flags, packetId, expiry, alias, topicLength, identifiers } = head;
  const propertiesLength = propertiesEnd - propertiesStart;
  const qos = (flags >> 1) & 3;
  const buffer = new Uint8Array(
    publishSize(version, qos, topicLength, propertiesLength, 0, expiry, alias, identifiers),
  );
  writePublish(
    buffer,
    0,
    version,
    flags,
    packetId,
    topicBytes,
    0,
    topicLength,
    properties,
    propertiesStart,
    propertiesEnd,
    NO_BYTES,
    0,
    0,
    expiry,
    alias,
    identifiers,
  );
  const fields = tracedFrame(buffer, 0, buffer.length, version);
  return { ...fields, topic: parts.topic, payloadSize: parts.payloadEnd - parts.payloadStart };
}
