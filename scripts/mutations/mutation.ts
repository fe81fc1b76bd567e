import type { HarnessName } from '../lib/harnesses.ts';

/** A way to break the broker: one promise, and who must notice that it isn't kept. */
export interface Mutation {
  readonly name: string;
  /** The promise. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  readonly caughtBy: readonly HarnessName[];
  /** Why it breaks nothing after all. */
  readonly harmless?: string;
  /** Why nothing notices it so far. */
  readonly gap?: string;
}

/** Code that takes the place of other code. */
export interface Edit {
  /** What the sources of the packages have exactly once; `places.ts` says how it is compared. */
  readonly find: string;
  readonly put: string;
}
