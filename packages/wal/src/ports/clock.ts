/** The machine's clocks, timers and turns, as an interface, so that a log can run inside a simulation. */
export interface Clock {
  /** Milliseconds of the monotonic clock, from any beginning: nobody sets it, and it never goes back. */
  now(): number;
  /** Milliseconds since 1970, as the wall clock shows now. It may be set, forward or back, at any moment. */
  wallNow(): number;
  /** Calls back once, after what is ready now has been processed. */
  defer(callback: () => void): void;
  /** Calls back once, not before `delayMs` have passed; returns a function that cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** setTimeout wraps longer delays to 1 ms. */
const TIMEOUT_MS_MAX = 0x7fff_ffff;

export const nodeClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  defer: (callback) => {
    setImmediate(callback);
  },
  setTimer: (delayMs, callback) => {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number) => {
      const part = Math.min(leftMs, TIMEOUT_MS_MAX);
      timer = setTimeout(() => (part < leftMs ? wait(leftMs - part) : callback()), part);
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};
