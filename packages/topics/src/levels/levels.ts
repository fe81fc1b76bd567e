const SLASH = 0x2f;
const PLUS = 0x2b;
const HASH = 0x23;

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
