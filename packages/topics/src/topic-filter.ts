import { matchLevels } from './levels/levels.ts';

const SLASH = 0x2f;
const PLUS = 0x2b;
const HASH = 0x23;
const DOLLAR = 0x24;
const SHARE_PREFIX = '$share/';

/** What is wrong with a Topic Filter. */
export type TopicFilterFault =
  /** It has no character [MQTT-4.7.3-1]. */
  | 'empty'
  /** It has U+0000 in it [MQTT-4.7.3-2]. */
  | 'null-character'
  /** `#` isn't the last level, or not alone in it [MQTT-4.7.1-1]. */
  | 'multi-level-wildcard'
  /** `+` isn't alone in its level [MQTT-4.7.1-2]. */
  | 'single-level-wildcard'
  /** `$share/` without a ShareName [MQTT-4.8.2-1]. */
  | 'share-name'
  /** A ShareName with a wildcard in it, or without a filter after it [MQTT-4.8.2-2]. */
  | 'share-filter';

/**
 * What is wrong with a Topic Filter (§4.7, §4.8.2). How long it is, and whether it can be encoded in UTF-8, is for those who
 * decode and encode it.
 *
 * @param version - the protocol version: before MQTT 5 there is no Shared Subscription that a filter could be a malformed
 * one of, and `$share//a` is a filter like any other
 * @returns null when nothing is wrong
 */
export function topicFilterFault(
  topicFilter: string,
  version: 3 | 4 | 5 = 5,
): TopicFilterFault | null {
  if (topicFilter.length === 0) return 'empty'; // [MQTT-4.7.3-1]
  if (topicFilter.includes('\0')) return 'null-character'; // [MQTT-4.7.3-2]
  if (!isSharedFilter(topicFilter)) return wildcardFault(topicFilter, 0);
  const nameEnd = topicFilter.indexOf('/', SHARE_PREFIX.length);
  const shareFault = shareNameFault(topicFilter, nameEnd);
  if (shareFault === null) return wildcardFault(topicFilter, nameEnd + 1);
  return version === 5 ? shareFault : wildcardFault(topicFilter, 0);
}

/** Whether a Topic Filter is well-formed in a protocol version; see `topicFilterFault`. */
export function isValidTopicFilter(topicFilter: string, version: 3 | 4 | 5 = 5): boolean {
  return topicFilterFault(topicFilter, version) === null;
}

/** Whether a filter claims to be that of a Shared Subscription (§4.8.2); it may be malformed. */
export function isSharedFilter(topicFilter: string): boolean {
  return topicFilter.startsWith(SHARE_PREFIX);
}

/** The two halves of `$share/NAME/FILTER` (§4.8.2). */
export interface SharedFilter {
  readonly shareName: string;
  /** The filter that is matched with topics. */
  readonly topicFilter: string;
}

/**
 * Takes a Shared Subscription's filter apart (§4.8.2).
 *
 * @returns null when the filter is not shared, or has a malformed share name or nothing after it
 */
export function parseSharedFilter(topicFilter: string): SharedFilter | null {
  if (!isSharedFilter(topicFilter)) return null;
  const nameEnd = topicFilter.indexOf('/', SHARE_PREFIX.length);
  if (shareNameFault(topicFilter, nameEnd) !== null) return null;
  return {
    shareName: topicFilter.substring(SHARE_PREFIX.length, nameEnd),
    topicFilter: topicFilter.substring(nameEnd + 1),
  };
}

/** @param nameEnd - where the slash after the ShareName is; -1 when there is none */
function shareNameFault(topicFilter: string, nameEnd: number): TopicFilterFault | null {
  if (nameEnd === SHARE_PREFIX.length) return 'share-name'; // [MQTT-4.8.2-1]
  if (nameEnd === -1 || nameEnd === topicFilter.length - 1) return 'share-filter'; // [MQTT-4.8.2-2]
  for (let offset = SHARE_PREFIX.length; offset < nameEnd; offset++) {
    const code = topicFilter.charCodeAt(offset);
    if (code === PLUS || code === HASH) return 'share-filter'; // [MQTT-4.8.2-2]
  }
  return null;
}

function wildcardFault(topicFilter: string, start: number): TopicFilterFault | null {
  const last = topicFilter.length - 1;
  for (let offset = start; offset <= last; offset++) {
    const code = topicFilter.charCodeAt(offset);
    if (code !== PLUS && code !== HASH) continue;
    const startsLevel = offset === start || topicFilter.charCodeAt(offset - 1) === SLASH;
    if (code === HASH) {
      if (!startsLevel || offset < last) return 'multi-level-wildcard'; // [MQTT-4.7.1-1]
    } else {
      const endsLevel = offset === last || topicFilter.charCodeAt(offset + 1) === SLASH;
      if (!startsLevel || !endsLevel) return 'single-level-wildcard'; // [MQTT-4.7.1-2]
    }
  }
  return null;
}

/** Tells whether `+` or `#` occurs: in a valid filter, that it matches more than one topic. */
export function hasWildcard(topicFilter: string): boolean {
  return topicFilter.includes('+') || topicFilter.includes('#');
}

/**
 * Tells whether one filter matches one topic (§4.7). A shared filter matches by what follows its
 * ShareName. Nothing is normalised. [MQTT-4.7.2-1] [MQTT-4.7.3-4]
 */
export function matchesFilter(topicFilter: string, topic: string): boolean {
  const filter = parseSharedFilter(topicFilter)?.topicFilter ?? topicFilter;
  return matchesPlainFilter(filter, topic);
}

/** `matchesFilter` without the look at `$share`. */
export function matchesPlainFilter(filter: string, topic: string): boolean {
  if (isHiddenFromWildcards(topic) && startsWithWildcard(filter)) {
    return false; // [MQTT-4.7.2-1]
  }
  return matchLevels(filter, topic, 0) > topic.length;
}

/** Tells whether a leading wildcard must not match the topic. [MQTT-4.7.2-1] */
export function isHiddenFromWildcards(topic: string): boolean {
  return topic.charCodeAt(0) === DOLLAR;
}

/** Tells whether the first level is `+` or `#`. */
export function startsWithWildcard(filter: string): boolean {
  const first = filter.charCodeAt(0);
  return first === PLUS || first === HASH;
}
