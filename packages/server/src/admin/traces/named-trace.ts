/** What a trace is of: packets of a client, messages and subscriptions of topics, or packets of clients from an address. */
export type TraceTarget =
  | { readonly type: 'clientid'; readonly clientid: string }
  | { readonly type: 'topic'; readonly topic: string }
  | { readonly type: 'ip_address'; readonly ip_address: string };

export type TraceFormat = 'text' | 'json';

/** `waiting`: it hasn't begun. */
export type TraceStatus = 'waiting' | 'running' | 'stopped';

/** Why a trace has ended: its time was over, it was full, or somebody has stopped it. */
export type TraceEnd = 'time' | 'full' | 'request';

export interface TraceOrder {
  readonly name: string;
  readonly target: TraceTarget;
  readonly format: TraceFormat;
  /** Milliseconds since 1970. */
  readonly startAt: number;
  readonly endAt: number;
}

/** Something that was seen. */
export interface TracedEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

/**
 * A trace with a name: what was seen of its target between two times, as lines, in memory. Of payloads, passwords and the like there are only
 * the sizes.
 *
 * Invariant: it has no more than `bytesMax` bytes, and nothing is added when it has ended.
 */
export class NamedTrace {
  readonly order: TraceOrder;
  readonly #bytesMax: number;
  readonly #onEnded: (why: TraceEnd) => void;
  readonly #lines: string[];
  #size: number;
  #status: TraceStatus;
  /** When a line was added last, in milliseconds since 1970. */
  #changedAt: number;
  /** Ends what it is told; null while it is told nothing. */
  #unfollow: (() => void) | null;
  #timer: NodeJS.Timeout | null;

  /**
   * @param follow - has what happens to the target added from now on; returns what ends that
   * @param onEnded - called once, unless it is deleted before
   */
  constructor(
    order: TraceOrder,
    bytesMax: number,
    follow: (trace: NamedTrace) => () => void,
    onEnded: (why: TraceEnd) => void,
  ) {
    this.order = order;
    this.#bytesMax = bytesMax;
    this.#onEnded = onEnded;
    this.#lines = [];
    this.#size = 0;
    this.#status = 'waiting';
    this.#changedAt = Date.now();
    this.#unfollow = null;
    this.#timer = null;
    const wait = order.startAt - Date.now();
    if (wait <= 0) this.#start(follow);
    else this.#timer = setTimeout(() => this.#start(follow), wait).unref();
  }

  get status(): TraceStatus {
    return this.#status;
  }

  /** Bytes of its lines. */
  get size(): number {
    return this.#size;
  }

  get changedAt(): number {
    return this.#changedAt;
  }

  /** Adds a line. One for which there is no room ends it. */
  add(event: TracedEvent): void {
    if (this.#status === 'stopped') return;
    const line = `${lineOf(event, this.order.format)}\n`;
    const bytes = Buffer.byteLength(line);
    if (this.#size + bytes > this.#bytesMax) {
      this.#end('full');
      return;
    }
    this.#lines.push(line);
    this.#size += bytes;
    this.#changedAt = Date.now();
  }

  /** Ends it, if it hasn't ended; its lines stay. */
  stop(): void {
    this.#end('request');
  }

  /** It is deleted, or the broker stops. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#unfollow?.();
    this.#unfollow = null;
    this.#status = 'stopped';
  }

  /**
   * Its lines.
   *
   * @param position - byte at which to begin
   * @param bytesMax - how many at most; whole lines, but for a line that is longer
   */
  read(position: number, bytesMax: number): Buffer {
    const part = Buffer.from(this.#lines.join('')).subarray(position, position + bytesMax);
    if (position + part.length >= this.#size) return part;
    const end = part.lastIndexOf(LINE_END) + 1;
    return end === 0 ? part : part.subarray(0, end);
  }

  #start(follow: (trace: NamedTrace) => () => void): void {
    this.#status = 'running';
    const left = Math.max(0, this.order.endAt - Date.now());
    this.#timer = setTimeout(() => this.#end('time'), left).unref();
    const unfollow = follow(this);
    // What comes at once may have filled it.
    if (this.#status === 'running') this.#unfollow = unfollow;
    else unfollow();
  }

  #end(why: TraceEnd): void {
    if (this.#status === 'stopped') return;
    this.close();
    this.#onEnded(why);
  }
}

const LINE_END = 0x0a;

function lineOf(event: TracedEvent, format: TraceFormat): string {
  const time = new Date().toISOString();
  if (format === 'json') return JSON.stringify({ time, ...event });
  const { event: name, ...fields } = event;
  const parts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return [time, name, ...parts].join(' ');
}
