import { parseSharedFilter } from './topic-filter.ts';

const SLASH = 0x2f;
const DOLLAR = 0x24;

/** Topics that are the broker's for everyone. */
const SYSTEM = '$SYS';
/** What begins with it may be a shared filter, or isn't one by a hair: nothing may be made one. */
const SHARE = '$share';

const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const SYSTEM_BYTES = encoder.encode(SYSTEM);
const SHARE_BYTES = encoder.encode(SHARE);
const SLASH_BYTES = Uint8Array.of(SLASH);

/**
 * A part of the topic tree that some clients have for themselves: what is `a/b` to them is `point/a/b` to all others.
 *
 * A topic that begins with `$` gets it after its first level, `$name/point/rest`, so that filters which begin with a wildcard don't
 * match it here, either [MQTT-4.7.2-1]. `$SYS` is the same for everyone.
 *
 * Invariant: a filter of theirs matches what is below the point, and nothing else; and of two topics of theirs the whole ones
 * differ. So whatever they subscribe, they see nothing from outside.
 */
export class MountPoint {
  /** Whole levels, without a slash at the end. */
  readonly levels: string;
  /** The same with it. */
  readonly prefix: string;
  readonly #prefixBytes: Uint8Array;
  #scratch: Uint8Array;

  /** @param point - whole levels, such as `tenants/acme`; a slash at the end does no harm. No wildcard, and no `$` at its beginning */
  constructor(point: string) {
    this.levels = point.endsWith('/') ? point.slice(0, -1) : point;
    this.prefix = `${this.levels}/`;
    this.#prefixBytes = encoder.encode(this.prefix);
    this.#scratch = EMPTY;
  }

  /** The whole topic of one of theirs, which is valid. */
  topic(topic: string): string {
    return this.#whole(topic);
  }

  /** The whole filter of one of theirs, which is valid; that of a shared one is what comes after its name. */
  filter(filter: string): string {
    const shared = parseSharedFilter(filter);
    if (shared === null) return this.#whole(filter);
    return `${SHARE}/${shared.shareName}/${this.#whole(shared.topicFilter)}`;
  }

  #whole(text: string): string {
    if (text.charCodeAt(0) !== DOLLAR) return this.prefix + text;
    const end = text.indexOf('/');
    const first = end === -1 ? text : text.slice(0, end);
    if (first === SYSTEM) return text;
    if (first === SHARE) return this.prefix + text;
    return `${first}/${this.levels}${text.slice(first.length)}`;
  }

  /** Whether a whole filter is one of theirs. */
  covers(filter: string): boolean {
    const inner = parseSharedFilter(filter)?.topicFilter ?? filter;
    if (inner.charCodeAt(0) !== DOLLAR) return inner.startsWith(this.prefix);
    const first = inner.split('/', 1)[0] as string;
    if (first === SYSTEM) return true;
    const rest = inner.slice(first.length + 1);
    return first !== SHARE && (rest === this.levels || rest.startsWith(this.prefix));
  }

  /**
   * The whole topic of `buffer[start, end)`, which isn't empty.
   *
   * @returns valid until the next call
   */
  wholeBytes(buffer: Uint8Array, start: number, end: number): Uint8Array {
    if (buffer[start] === DOLLAR) return this.#wholeDollarBytes(buffer.subarray(start, end));
    const prefix = this.#prefixBytes;
    const size = prefix.length + end - start;
    if (this.#scratch.length < size) {
      this.#scratch = new Uint8Array(2 * size);
      this.#scratch.set(prefix);
    }
    this.#scratch.set(buffer.subarray(start, end), prefix.length);
    return this.#scratch.subarray(0, size);
  }

  /** By bytes: it isn't known yet whether they are UTF-8. */
  #wholeDollarBytes(topic: Uint8Array): Uint8Array {
    const slash = topic.indexOf(SLASH);
    const first = slash === -1 ? topic : topic.subarray(0, slash);
    if (isSame(first, SYSTEM_BYTES)) return topic;
    const prefix = this.#prefixBytes;
    if (isSame(first, SHARE_BYTES)) return joined(prefix, topic);
    const levels = prefix.subarray(0, -1);
    return joined(first, SLASH_BYTES, levels, topic.subarray(first.length));
  }

  /**
   * What a whole topic is to them.
   *
   * @returns in the same memory, where that can be; null when it isn't one of theirs
   */
  ownBytes(topic: Uint8Array): Uint8Array | null {
    if (topic[0] === DOLLAR) return this.#ownDollarBytes(topic);
    const prefix = this.#prefixBytes;
    // What would begin with $ there has not been published there, and could be taken for the broker's.
    if (topic.length <= prefix.length || topic[prefix.length] === DOLLAR) return null;
    for (let index = 0; index < prefix.length; index++) {
      if (topic[index] !== prefix[index]) return null;
    }
    return topic.subarray(prefix.length);
  }

  #ownDollarBytes(topic: Uint8Array): Uint8Array | null {
    const text = decoder.decode(topic);
    const slash = topic.indexOf(SLASH);
    const first = slash === -1 ? text : text.slice(0, text.indexOf('/'));
    if (first === SYSTEM) return topic;
    if (first === SHARE || slash === -1) return null;
    const rest = text.slice(first.length + 1);
    if (rest === this.levels) return encoder.encode(first);
    if (!rest.startsWith(this.prefix)) return null;
    return encoder.encode(`${first}/${rest.slice(this.prefix.length)}`);
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Why a text can't be a mount point; null when it can. */
export function mountPointFault(point: string): string | null {
  if (point === '' || point === '/') return 'it has no level';
  if (/[+#\0]/.test(point)) return 'it has a wildcard or a null character in it';
  if (point.startsWith('$')) return 'it begins with $';
  return null;
}
