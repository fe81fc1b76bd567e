/** Time and turns, as an interface, so that a log can run inside a simulation. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once, after what is ready now has been processed. */
  defer(callback: () => void): void;
  /** Calls back once, not before `delayMs` have passed; returns a function that cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

export const nodeClock: Clock = {
  now: () => Date.now(),
  defer: (callback) => {
    setImmediate(callback);
  },
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
