import { PacketError } from './packet-error.ts';
import { ReasonCode } from './reason-code.ts';
import { decodeUtf8, findInvalidUtf8 } from './utf8.ts';

const HASH = 0x23;
const PLUS = 0x2b;

/**
 * Decodes a Topic Name (§3.3.2.1), `buffer[start, end)`. All versions have the same rules for it.
 *
 * @param base - where the packet starts, for the offset in errors; by default `start`
 * @throws {PacketError} 0x90 when it is empty or has wildcards, 0x81 when it is not valid UTF-8
 */
export function decodeTopicName(
  buffer: Uint8Array,
  start: number,
  end: number,
  base = start,
): string {
  if (start === end) {
    throw new PacketError(
      ReasonCode.TopicNameInvalid,
      'MQTT-4.7.3-1',
      start - base,
      'empty topic name',
    );
  }
  const invalidAt = findInvalidUtf8(buffer, start, end);
  if (invalidAt !== -1) {
    const rule = buffer[invalidAt] === 0 ? 'MQTT-4.7.3-2' : 'MQTT-3.3.2-1';
    throw new PacketError(
      ReasonCode.MalformedPacket,
      rule,
      invalidAt - base,
      'topic name is not valid UTF-8',
    );
  }
  for (let offset = start; offset < end; offset++) {
    const byte = buffer[offset];
    if (byte === HASH || byte === PLUS) {
      throw new PacketError(
        ReasonCode.TopicNameInvalid,
        'MQTT-3.3.2-2',
        offset - base,
        'wildcard in a topic name',
      );
    }
  }
  return decodeUtf8(buffer, start, end);
}
