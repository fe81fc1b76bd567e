import type { Logger } from '../../log/index.ts';
import { ApiError } from '../api/api-error.ts';
import { NamedTrace, type TracedEvent, type TraceOrder, type TraceTarget } from './named-trace.ts';

/** What limits them; it may change while there are some. */
export interface TraceLimits {
  readonly maxTraces: number;
  /** Bytes of the lines of each. */
  readonly maxTraceBytes: number;
  /** How long one lasts, in milliseconds. */
  readonly maxTraceDuration: number;
}

/** Has what happens to a target noted from now on. @returns what ends that */
export type FollowTarget = (target: TraceTarget, note: (event: TracedEvent) => void) => () => void;

/**
 * Traces with names, which continue while nobody looks. They end with the process.
 *
 * Invariant: there are no more than `maxTraces`, ended ones included.
 */
export class NamedTraces {
  readonly #follow: FollowTarget;
  readonly #limits: TraceLimits;
  readonly #log: Logger;
  readonly #traces: Map<string, NamedTrace>;

  constructor(follow: FollowTarget, limits: TraceLimits, log: Logger) {
    this.#follow = follow;
    this.#limits = limits;
    this.#log = log;
    this.#traces = new Map();
  }

  /** In the order in which they were made. */
  list(): NamedTrace[] {
    return [...this.#traces.values()];
  }

  /** @throws {ApiError} 404 */
  find(name: string): NamedTrace {
    const found = this.#traces.get(name);
    if (found !== undefined) return found;
    throw new ApiError(404, 'NOT_FOUND', `there is no trace ${name}; see /trace`);
  }

  /**
   * Makes one, which begins when it says.
   *
   * @param caller - who asks, for the log
   * @throws {ApiError} 409 where there is one with that name; 429 where there are as many as may be
   */
  create(order: TraceOrder, caller: string): NamedTrace {
    const { name } = order;
    const { maxTraces, maxTraceBytes } = this.#limits;
    if (this.#traces.has(name)) {
      throw new ApiError(409, 'ALREADY_EXISTS', `there is a trace ${name} already`);
    }
    if (this.#traces.size >= maxTraces) {
      this.#log.warn('admin-trace-refused', { caller, count: maxTraces });
      const why = `there are ${maxTraces} traces, and admin.max-traces allows no more: delete one`;
      throw new ApiError(429, 'TOO_MANY_REQUESTS', why);
    }
    const trace = new NamedTrace(
      order,
      maxTraceBytes,
      (one) => this.#follow(order.target, (event) => one.add(event)),
      (why) => this.#log.info('admin-trace-ended', { name, why }),
    );
    this.#traces.set(name, trace);
    return trace;
  }

  /** @throws {ApiError} 404 */
  delete(name: string): void {
    this.find(name).close();
    this.#traces.delete(name);
  }

  /** Deletes all of them. */
  clear(): void {
    for (const trace of this.#traces.values()) trace.close();
    this.#traces.clear();
  }
}
