import {
  DynamicSecurity,
  type Failure,
  type GuessWatch,
  type ProviderTools,
  type SetTimer,
} from '@promptmq/auth';

/** What finding out who clients are needs of the house. */
export interface AccessTools extends ProviderTools {
  /** Calls back once after a time, in milliseconds; what is returned prevents it. */
  readonly setTimer: SetTimer;
  /** Those that are changed while the broker runs. */
  readonly liveUsers: DynamicSecurity;
  /** Whether the program that embeds the broker has a hook `authenticate`. */
  readonly hasHook: boolean;
  /** Where guesses of passwords are counted. */
  readonly guesses: GuessWatch;
  /** A provider has failed, or took too long. */
  onProviderFailed(provider: string, failure: Failure['failure'], why: string): void;
  /**
   * Users, groups or rules of a provider have changed while the broker runs: whether clients may stay, and what they may do, is found out
   * again.
   *
   * @param userNames - whose, null among them for clients without one; null is everybody's
   */
  onUsersChanged(userNames: ReadonlySet<string | null> | null): void;
}

/** Those of a program that only reads and checks. */
export const plainTools: AccessTools = {
  now: () => Date.now(),
  log: () => {},
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  liveUsers: new DynamicSecurity(),
  hasHook: true,
  guesses: { ask: () => ({ result: 'check' }), wrong: () => {}, right: () => {} },
  onProviderFailed: () => {},
  onUsersChanged: () => {},
};
