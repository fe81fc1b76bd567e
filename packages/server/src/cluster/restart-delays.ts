/** How long to wait before a worker that has ended is started again: at first, and at most, in milliseconds. */
const RESTART_MS = 100;
const RESTART_MS_MAX = 10_000;

/** A worker that has run for so long starts with the first of these waits again. */
const STEADY_MS = 60_000;

/** One that ends so often without having run that long can't run here: its supervisor gives up, and whoever started that decides. */
const RESTARTS_MAX = 10;

/** When a worker that ends is started again: the longer, the more often it has ended soon after its start. */
export class RestartDelays {
  /** Ends in a row, each before it had run for long. */
  failures = 0;

  /**
   * It has ended.
   *
   * @param ranMs - how long it had run, in milliseconds
   * @returns how long to wait, in milliseconds; null when it isn't to be started again
   */
  next(ranMs: number): number | null {
    this.failures = ranMs >= STEADY_MS ? 1 : this.failures + 1;
    if (this.failures > RESTARTS_MAX) return null;
    return Math.min(RESTART_MS * 2 ** (this.failures - 1), RESTART_MS_MAX);
  }
}
