import type { Subscription } from './subscription.ts';

const SLASH = 0x2f;
const PLUS = 0x2b;
const HASH = 0x23;
const DOLLAR = 0x24;
const SHARE_PREFIX = '$share/';

/** The two halves of `$share/NAME/FILTER` (§4.8.2). */
export interface SharedFilter {
  readonly shareName: string;
  /** The filter that is matched with topics. */
  readonly topicFilter: string;
}

/**
 * Takes a Shared Subscription's filter apart (§4.8.2).
 *
 * @returns null when the filter is not shared, or is malformed: without a ShareName, with a wildcard
 * in it, or without a filter after it [MQTT-4.8.2-1] [MQTT-4.8.2-2]
 */
export function parseSharedFilter(topicFilter: string): SharedFilter | null {
  if (!topicFilter.startsWith(SHARE_PREFIX)) {
    return null;
  }
  const nameEnd = topicFilter.indexOf('/', SHARE_PREFIX.length);
  if (nameEnd <= SHARE_PREFIX.length || nameEnd === topicFilter.length - 1) {
    return null;
  }
  const shareName = topicFilter.substring(SHARE_PREFIX.length, nameEnd);
  return hasWildcard(shareName)
    ? null
    : { shareName, topicFilter: topicFilter.substring(nameEnd + 1) };
}

/**
 * Tells whether a filter is well formed: not empty, wildcards in levels of their own, `#` last, and
 * a shared one with a name and a filter. Length and encoding are the decoder's concern.
 * [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] [MQTT-4.8.2-1] [MQTT-4.8.2-2]
 */
export function isValidTopicFilter(topicFilter: string): boolean {
  if (topicFilter.startsWith(SHARE_PREFIX)) {
    const shared = parseSharedFilter(topicFilter);
    return shared !== null && hasWildcardsInPlace(shared.topicFilter);
  }
  return topicFilter.length > 0 && topicFilter !== '$share' && hasWildcardsInPlace(topicFilter);
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

/** Tells whether the level that starts at `offset` is `+`. */
export function isPlusAt(filter: string, offset: number): boolean {
  return filter.charCodeAt(offset) === PLUS;
}

/** Tells whether the level that starts at `offset` is `#`. */
export function isHashAt(filter: string, offset: number): boolean {
  return filter.charCodeAt(offset) === HASH;
}

/** Where the level that starts at `offset` ends: at a slash or at the end. */
export function levelEnd(topicFilter: string, offset: number): number {
  const slash = topicFilter.indexOf('/', offset);
  return slash === -1 ? topicFilter.length : slash;
}

/**
 * Matches some levels of a filter with the levels of a topic that start at `offset`.
 *
 * @returns where the topic's next level starts; more than `topic.length` when none is left; -1 when
 * the levels differ or the topic is too short
 */
export function matchLevels(levels: string, topic: string, offset: number): number {
  let position = 0;
  for (;;) {
    const first = levels.charCodeAt(position);
    if (first === HASH) {
      return topic.length + 1; // the parent, too: the topic may be used up already (§4.7.1.2)
    }
    if (offset > topic.length) {
      return -1;
    }
    if (first === PLUS) {
      position++;
      offset = levelEnd(topic, offset);
    } else {
      const length = sameLevelLength(levels, position, topic, offset);
      if (length === -1) {
        return -1;
      }
      position += length;
      offset += length;
    }
    offset++;
    if (position === levels.length) {
      return offset;
    }
    position++;
  }
}

/**
 * The mirror of `matchLevels`: matches some levels of a topic with the levels of a filter that start
 * at `offset`.
 *
 * @returns where the filter's next level starts, at `#` when that was reached; more than
 * `filter.length` when none is left; -1 when the levels differ or the filter is too short
 */
export function matchFilterLevels(filter: string, offset: number, levels: string): number {
  let position = 0;
  for (;;) {
    const first = filter.charCodeAt(offset);
    if (first === HASH) {
      return offset;
    }
    if (offset > filter.length) {
      return -1;
    }
    if (first === PLUS) {
      offset++;
      position = levelEnd(levels, position);
    } else {
      const length = sameLevelLength(levels, position, filter, offset);
      if (length === -1) {
        return -1;
      }
      position += length;
      offset += length;
    }
    offset++;
    if (position === levels.length) {
      return offset;
    }
    position++;
  }
}

/** The length of the level at `start` of `a`, when `b` has the same at `offset`; otherwise -1. */
export function sameLevelLength(a: string, start: number, b: string, offset: number): number {
  const shift = offset - start;
  let position = start;
  while (position < a.length) {
    const code = a.charCodeAt(position);
    if (code === SLASH) {
      break;
    }
    if (code !== b.charCodeAt(position + shift)) {
      return -1;
    }
    position++;
  }
  const end = position + shift;
  return end >= b.length || b.charCodeAt(end) === SLASH ? position - start : -1;
}

/** Tells whether a Subscription that replaces another changes nothing about deliveries. */
export function deliversAlike(a: Subscription, b: Subscription): boolean {
  return (
    a.qos === b.qos &&
    a.noLocal === b.noLocal &&
    a.retainAsPublished === b.retainAsPublished &&
    a.subscriptionIdentifier === b.subscriptionIdentifier
  );
}

function hasWildcardsInPlace(filter: string): boolean {
  for (let offset = 0; offset < filter.length; offset++) {
    const code = filter.charCodeAt(offset);
    if (code !== PLUS && code !== HASH) {
      continue;
    }
    if (offset > 0 && filter.charCodeAt(offset - 1) !== SLASH) {
      return false; // [MQTT-4.7.1-1] [MQTT-4.7.1-2]
    }
    const isLast = offset === filter.length - 1;
    if (code === HASH ? !isLast : !isLast && filter.charCodeAt(offset + 1) !== SLASH) {
      return false; // [MQTT-4.7.1-1] [MQTT-4.7.1-2]
    }
  }
  return true;
}
