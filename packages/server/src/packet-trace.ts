import {
  decodePacket,
  type Packet,
  type ProtocolVersion,
  publishSize,
  writePublish,
} from '@promptmq/codec';
import type { Delivery } from '@promptmq/session';
import type { Frame } from './router.ts';

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

/** The fields of a packet that is sent as it is. */
export function tracedFrame(
  { buffer, start, end }: Pick<Frame, 'buffer' | 'start' | 'end'>,
  version: ProtocolVersion,
): object {
  let bodyStart = start + 1;
  while ((buffer[bodyStart] as number) >= 0x80) bodyStart++;
  return tracedFields(decodePacket(buffer, start, bodyStart + 1, end, version, 'client'));
}

/** What a delivery's PUBLISH has beside the message. */
export interface PublishHead {
  readonly version: ProtocolVersion;
  readonly dup: boolean;
  /** Seconds; -1 when the message doesn't expire. */
  readonly expiry: number;
  readonly alias: number;
  /** 0 where the alias stands for the topic. */
  readonly topicLength: number;
}

/** The fields of the PUBLISH of a delivery; the topic is told even where only its alias is sent. */
export function tracedDelivery(delivery: Delivery, head: PublishHead): object {
  const { message, qos, retain, packetId, identifiers } = delivery;
  const { topicBytes, properties } = message;
  const { version, expiry, alias, topicLength } = head;
  const flags = (head.dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  const buffer = new Uint8Array(
    publishSize(version, qos, topicLength, properties.length, 0, expiry, alias, identifiers),
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
    0,
    properties.length,
    NO_BYTES,
    0,
    0,
    expiry,
    alias,
    identifiers,
  );
  const fields = tracedFrame({ buffer, start: 0, end: buffer.length }, version);
  return { ...fields, topic: message.topic, payloadSize: message.payload.length };
}
