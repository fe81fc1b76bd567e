import type { Target } from '../../client/target.ts';

/** What a canary is started with. */
export interface CanaryOptions {
  readonly target: Target;
  /** Of the broker's process, for its memory; null where it isn't known. */
  readonly pid: number | null;
  readonly topic: string;
}

/** From the program to the canary. */
export type CanaryRequest = 'mark' | 'report' | 'end';

/** From the canary: first `ready`, then an answer to each `report`. */
export type CanaryMessage = 'ready' | CanaryReport;

/** What the canary has seen since the last `mark`. */
export interface CanaryReport {
  /** Whether a whole round trip was made since it was asked for. */
  readonly isServed: boolean;
  /** Its connection ended so often, or could not be made. */
  readonly lostCount: number;
  /** The longest round trip, in milliseconds, one that is under way included. */
  readonly worstMs: number;
  /** Memory of the broker in bytes: at the mark, at its highest, now; null where it isn't known. */
  readonly memory: {
    readonly before: number;
    readonly peak: number;
    readonly after: number;
  } | null;
}
