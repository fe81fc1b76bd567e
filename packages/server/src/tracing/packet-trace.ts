import {
  decodePacket,
  MessageBytes,
  type Packet,
  type ProtocolVersion,
  type PublishOwn,
  publishSize,
  writePublish,
} from '@promptmq/codec';

/** Takes a packet's name and fields. */
export type PacketTracer = (packet: string, fields: object) => void;

const NO_BYTES = new Uint8Array(0);

/**
 * The fields of a packet as the log and traces have them. Of whatever is bytes, such as payloads, passwords and
 * authentication data, and of the values of user properties, which may be tokens, only the size is given.
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

/** The fields of a PUBLISH as it is encoded for one client; the topic is there even where only its alias is sent. */
export function tracedPublication(topic: string, message: MessageBytes, own: PublishOwn): object {
  const { topicBytes, properties, propertiesStart, propertiesEnd } = message;
  const head = new MessageBytes();
  head.set(topicBytes, properties.subarray(propertiesStart, propertiesEnd), NO_BYTES);
  const buffer = new Uint8Array(publishSize(head, own));
  writePublish(buffer, 0, head, own);
  const fields = tracedFrame(buffer, 0, buffer.length, own.version);
  return { ...fields, topic, payloadSize: message.payloadEnd - message.payloadStart };
}
