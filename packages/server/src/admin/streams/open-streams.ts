import type { AdminStats } from '../../embed/admin-endpoint.ts';
import type { Logger } from '../../log/index.ts';
import { ApiError } from '../api/api-error.ts';
import { EventStream } from './event-stream.ts';

/** What limits them; it may change while they are open. */
export interface StreamLimits {
  /** Readers at a time, of all kinds. */
  readonly maxStreams: number;
  /** Bytes that may wait for one. */
  readonly maxStreamBytes: number;
  /** Events a second of each type, for one. */
  readonly maxEventRate: number;
}

/** Answers that continue until one side ends them: events, lines of the log, packets of a client. */
export class OpenStreams {
  readonly #limits: StreamLimits;
  readonly #log: Logger;
  readonly #stats: AdminStats;
  readonly #streams: Set<EventStream>;

  constructor(limits: StreamLimits, log: Logger, stats: AdminStats) {
    this.#limits = limits;
    this.#log = log;
    this.#stats = stats;
    this.#streams = new Set();
  }

  get count(): number {
    return this.#streams.size;
  }

  /** Events a second of each type that one may have at most. */
  get eventRateMax(): number {
    return this.#limits.maxEventRate;
  }

  /**
   * Opens one.
   *
   * @param caller - who reads it, for the log
   * @param what - it is of, for the log
   * @param follow - has events sent to it from now on; returns what ends that
   * @throws {ApiError} 429 where there are as many as may be
   */
  open(caller: string, what: string, follow: (stream: EventStream) => () => void): EventStream {
    const { maxStreams, maxStreamBytes } = this.#limits;
    if (this.#streams.size >= maxStreams) {
      this.#stats.streamsRefused++;
      this.#log.warn('admin-stream-refused', { caller, what, count: maxStreams });
      const why = `${maxStreams} streams are open, and admin.max-streams allows no more`;
      throw new ApiError(429, 'TOO_MANY_REQUESTS', why);
    }
    let unfollow: (() => void) | null = null;
    const stream = new EventStream({
      bytesMax: maxStreamBytes,
      onDropped: (count) => this.#log.warn('admin-events-dropped', { caller, what, count }),
      onClosed: () => {
        unfollow?.();
        if (this.#streams.delete(stream)) this.#stats.streamsCurrent--;
      },
    });
    unfollow = follow(stream);
    this.#streams.add(stream);
    this.#stats.streamsCurrent++;
    return stream;
  }

  /** One had as many events of a type as it may have, for the first time. */
  noteLimited(caller: string, what: string): void {
    this.#log.warn('admin-events-limited', { caller, what, rate: this.eventRateMax });
  }

  /** The broker stops: each reader is told, and his answer ends. */
  endAll(): void {
    for (const stream of this.#streams) stream.end('stopping', {});
  }
}
