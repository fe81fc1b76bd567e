import { randomBytes } from 'node:crypto';

/**
 * What the broker needs of the machine beside its connections. Tests and simulations bring their own,
 * so that no part of the state machine reads a clock, waits, or draws random numbers by itself.
 */
export interface Runtime {
  /** Milliseconds since 1970; never goes backwards. */
  now(): number;
  /** Calls back once, after the input that is ready now has been processed. */
  defer(callback: () => void): void;
  /**
   * Calls back once, not before `delayMs` have passed.
   *
   * @returns a function that cancels it
   */
  setTimer(delayMs: number, callback: () => void): () => void;
  /** A string that has not been and will not be returned again, 22 characters of the base64url alphabet. */
  uniqueId(): string;
}

/** setTimeout wraps longer delays to 1 ms. */
const TIMER_MS_MAX = 0x7fff_ffff;

export const nodeRuntime: Runtime = {
  now: () => performance.timeOrigin + performance.now(),
  defer: (callback) => {
    setImmediate(callback);
  },
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(delayMs, TIMER_MS_MAX));
    return () => clearTimeout(timer);
  },
  uniqueId: () => randomBytes(16).toString('base64url'),
};
