import { packetIdOffset, SEQUENCE_OFFSET, STREAM_OFFSET } from '../client/frames.ts';

/** Payloads of a soak: a stamp, the stream, the sequence number, and the rest. */
export const PAYLOAD_BYTES = 64;

/** At most this number of problems is described; the others are counted. */
const DESCRIBED_MAX = 20;

/** What went wrong, of all receivers together. */
export class Problems {
  readonly counts = { missing: 0, duplicate: 0, disorder: 0, unexpected: 0 };
  readonly described: string[] = [];

  add(kind: keyof Problems['counts'], count: number, what: string): void {
    this.counts[kind] += count;
    if (this.described.length < DESCRIBED_MAX) this.described.push(`${kind}: ${what}`);
  }
}

/** Messages of one publisher on one topic, numbered from 0. */
export interface Stream {
  readonly id: number;
  readonly name: string;
  /** Sent so far: the sequence number of the next. */
  readonly sent: () => number;
}

/**
 * What is expected of a stream: `all` of it in order, some of it that is `increasing`, or `pooled`: all of
 * it, each message at one member of a shared subscription, in any order.
 */
type Track =
  | { readonly mode: 'all' | 'increasing'; readonly stream: Stream; next: number }
  | { readonly mode: 'pooled'; readonly pool: Pool };

/** Which messages of a stream have come to any member of a shared subscription. */
export class Pool {
  readonly stream: Stream;
  /** All before have come. */
  next = 0;
  /** Those beyond that have come as well. */
  readonly #ahead = new Set<number>();

  constructor(stream: Stream) {
    this.stream = stream;
  }

  /** Returns whether it is new. */
  add(sequence: number): boolean {
    if (sequence < this.next || this.#ahead.has(sequence)) return false;
    this.#ahead.add(sequence);
    while (this.#ahead.delete(this.next)) this.next++;
    return true;
  }

  get missing(): number {
    return this.stream.sent() - this.next - this.#ahead.size;
  }
}

/**
 * A subscriber over all of its connections: it accounts for each message of the streams that it expects.
 *
 * Invariant: a message counts as new once; what comes again must say so (DUP) at QoS 1, and at QoS 2 has
 * a packet identifier that was not released yet (§4.3.3).
 */
export class Receiver {
  readonly name: string;
  /** PUBLISH packets, those that came again included. */
  received = 0;
  redelivered = 0;
  /** Whether what it is to get may have to wait for it. */
  mayBeAway = false;
  readonly #problems: Problems;
  readonly #tracks = new Map<number, Track>();
  /** QoS 2: identifiers of messages that are not released. */
  readonly #unreleased = new Set<number>();

  constructor(name: string, problems: Problems) {
    this.name = name;
    this.#problems = problems;
  }

  expectAll(stream: Stream): this {
    this.#tracks.set(stream.id, { mode: 'all', stream, next: stream.sent() });
    return this;
  }

  expectIncreasing(stream: Stream): this {
    this.#tracks.set(stream.id, { mode: 'increasing', stream, next: 0 });
    return this;
  }

  expectShare(pool: Pool): this {
    this.#tracks.set(pool.stream.id, { mode: 'pooled', pool });
    return this;
  }

  /** Messages that are expected and have not come. */
  get outstanding(): number {
    let count = 0;
    for (const track of this.#tracks.values()) {
      if (track.mode === 'all') count += track.stream.sent() - track.next;
    }
    return count;
  }

  /** Counts what is still outstanding as missing. */
  close(): void {
    for (const track of this.#tracks.values()) {
      if (track.mode !== 'all') continue;
      const missing = track.stream.sent() - track.next;
      if (missing === 0) continue;
      const { name } = track.stream;
      this.#problems.add('missing', missing, `${this.name}: the last ${missing} of ${name}`);
    }
  }

  /** A PUBLISH has come, as `Client` hands it over. */
  readonly onPublish = (buffer: Uint8Array, first: number, start: number, end: number): void => {
    this.received++;
    const qos = (first >> 1) & 3;
    const isAgain = (first & 8) !== 0;
    if (isAgain) this.redelivered++;
    if (qos === 2) {
      const at = packetIdOffset(buffer, start);
      const packetId = ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
      if (this.#unreleased.has(packetId)) {
        if (!isAgain) this.#add('duplicate', `packet identifier ${packetId} without DUP`);
        return;
      }
      this.#unreleased.add(packetId);
    }
    const payload = end - PAYLOAD_BYTES;
    const track = this.#tracks.get(uint32(buffer, payload + STREAM_OFFSET));
    if (track === undefined) {
      this.#add('unexpected', `a message of stream ${uint32(buffer, payload + STREAM_OFFSET)}`);
      return;
    }
    this.#account(track, uint32(buffer, payload + SEQUENCE_OFFSET), qos === 1 && isAgain);
  };

  readonly onRelease = (packetId: number): void => {
    this.#unreleased.delete(packetId);
  };

  #account(track: Track, sequence: number, mayRepeat: boolean): void {
    if (track.mode === 'pooled') {
      if (track.pool.add(sequence) || mayRepeat) return;
      this.#add('duplicate', `${track.pool.stream.name} ${sequence}`);
      return;
    }
    const { stream, next } = track;
    if (sequence >= next) {
      track.next = sequence + 1;
      const gap = track.mode === 'all' ? sequence - next : 0;
      if (gap > 0) {
        const what = `${this.name}: ${gap} of ${stream.name} before ${sequence}`;
        this.#problems.add('missing', gap, what);
      }
    } else if (!mayRepeat) {
      this.#add('disorder', `${stream.name} ${sequence} after ${next - 1}`);
    }
  }

  #add(kind: 'duplicate' | 'disorder' | 'unexpected', what: string): void {
    this.#problems.add(kind, 1, `${this.name}: ${what}`);
  }
}

function uint32(buffer: Uint8Array, at: number): number {
  return (
    (((buffer[at] as number) << 24) |
      ((buffer[at + 1] as number) << 16) |
      ((buffer[at + 2] as number) << 8) |
      (buffer[at + 3] as number)) >>>
    0
  );
}
