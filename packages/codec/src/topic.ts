import { PacketError } from './packet-error.ts';
import { ReasonCode } from './reason-code.ts';
import { decodeUtf8, findInvalidUtf8 } from './utf8.ts';

const HASH = 0x23;
const PLUS = 0x2b;

/**
 * Decodes a Topic Name (§3.3.2.1).
 *
 * @param base - where the packet starts, for the offset in errors
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

/** The rule that a Topic Filter breaks (§4.7, §4.8.2), or null. The filter is valid UTF-8. */
export function topicFilterError(filter: string): string | null {
  if (filter.length === 0) return 'MQTT-4.7.3-1';
  if (filter.includes('\0')) return 'MQTT-4.7.3-2';
  if (!filter.startsWith('$share/')) return wildcardError(filter, 0);
  const slash = filter.indexOf('/', 7);
  if (slash === 7) return 'MQTT-4.8.2-1';
  if (slash === -1 || slash === filter.length - 1) return 'MQTT-4.8.2-2';
  for (let index = 7; index < slash; index++) {
    const character = filter[index];
    if (character === '+' || character === '#') return 'MQTT-4.8.2-2';
  }
  return wildcardError(filter, slash + 1);
}

function wildcardError(filter: string, start: number): string | null {
  const last = filter.length - 1;
  for (let index = start; index <= last; index++) {
    const character = filter[index];
    if (character !== '+' && character !== '#') continue;
    const startsLevel = index === start || filter[index - 1] === '/';
    if (character === '#' && !(startsLevel && index === last)) return 'MQTT-4.7.1-1';
    const endsLevel = index === last || filter[index + 1] === '/';
    if (character === '+' && !(startsLevel && endsLevel)) return 'MQTT-4.7.1-2';
  }
  return null;
}

/** Whether a Topic Filter is well-formed, `$share/NAME/FILTER` included. */
export function isValidTopicFilter(filter: string): boolean {
  return topicFilterError(filter) === null;
}

/** Whether a filter is that of a Shared Subscription (§4.8.2). */
export function isSharedFilter(filter: string): boolean {
  return filter.startsWith('$share/');
}
