import type { ProtocolVersion } from './packets.ts';
import { PacketError } from './wire/packet-error.ts';
import { ReasonCode } from './wire/reason-code.ts';
import { cited, type Rule, rules } from './wire/rules.ts';
import { decodeUtf8, findInvalidUtf8 } from './wire/utf8.ts';

const HASH = 0x23;
const PLUS = 0x2b;

/**
 * Decodes a Topic Name (§3.3.2.1). All versions have the same rules for it.
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

/**
 * The rule that a Topic Filter breaks (§4.7, §4.8.2), or null. The filter is valid UTF-8. Before MQTT 5 there is no
 * Shared Subscription that it could be a malformed one of: then `$share//a` is a filter like any other.
 */
export function topicFilterError(filter: string, version: ProtocolVersion): string | null {
  if (filter.length === 0) return 'MQTT-4.7.3-1';
  if (filter.includes('\0')) return 'MQTT-4.7.3-2';
  if (!filter.startsWith('$share/')) return wildcardError(filter, 0, version);
  const shareError = shareNameError(filter);
  if (shareError === null) return wildcardError(filter, filter.indexOf('/', 7) + 1, version);
  return shareError[version] ?? wildcardError(filter, 0, version);
}

function shareNameError(filter: string): Rule | null {
  const slash = filter.indexOf('/', 7);
  if (slash === 7) return rules.shareName;
  if (slash === -1 || slash === filter.length - 1) return rules.shareFilter;
  for (let index = 7; index < slash; index++) {
    const character = filter[index];
    if (character === '+' || character === '#') return rules.shareFilter;
  }
  return null;
}

function wildcardError(filter: string, start: number, version: ProtocolVersion): string | null {
  const last = filter.length - 1;
  for (let index = start; index <= last; index++) {
    const character = filter[index];
    if (character !== '+' && character !== '#') continue;
    const startsLevel = index === start || filter[index - 1] === '/';
    if (character === '#' && !(startsLevel && index === last)) {
      return cited(rules.multiLevelWildcard, version);
    }
    const endsLevel = index === last || filter[index + 1] === '/';
    if (character === '+' && !(startsLevel && endsLevel)) {
      return cited(rules.singleLevelWildcard, version);
    }
  }
  return null;
}

/** Whether a Topic Filter is well-formed, `$share/NAME/FILTER` included, as a protocol version has it. */
export function isValidTopicFilter(filter: string, version: ProtocolVersion = 5): boolean {
  return topicFilterError(filter, version) === null;
}

/** Whether a filter is that of a Shared Subscription (§4.8.2). */
export function isSharedFilter(filter: string): boolean {
  return filter.startsWith('$share/');
}
