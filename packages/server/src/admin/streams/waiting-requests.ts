import type { Logger } from '../../log/index.ts';
import { ApiError } from '../api/api-error.ts';

/** What limits them; it may change while they wait. */
export interface RequestLimits {
  readonly maxRequests: number;
}

/** Requests over MQTT that wait for their response. */
export class WaitingRequests {
  readonly #limits: RequestLimits;
  readonly #log: Logger;
  /** By response topic. */
  readonly #counts: Map<string, number>;
  #count: number;

  constructor(limits: RequestLimits, log: Logger) {
    this.#limits = limits;
    this.#log = log;
    this.#counts = new Map();
    this.#count = 0;
  }

  /**
   * One more waits.
   *
   * @returns what is to be called when it doesn't any more
   * @throws {ApiError} 429 where there are as many as may be
   */
  enter(responseTopic: string): () => void {
    const { maxRequests } = this.#limits;
    if (this.#count >= maxRequests) {
      this.#log.warn('admin-request-refused', { count: maxRequests });
      const why = `${maxRequests} requests wait for their response, and admin.max-requests allows no more`;
      throw new ApiError(429, 'TOO_MANY_REQUESTS', why);
    }
    const counts = this.#counts;
    this.#count++;
    counts.set(responseTopic, (counts.get(responseTopic) ?? 0) + 1);
    return () => {
      this.#count--;
      const left = (counts.get(responseTopic) as number) - 1;
      if (left === 0) counts.delete(responseTopic);
      else counts.set(responseTopic, left);
    };
  }

  /** Whether only one waits for a response to a topic. */
  isAlone(responseTopic: string): boolean {
    return this.#counts.get(responseTopic) === 1;
  }
}
