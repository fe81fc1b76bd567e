/**
 * Turns of the event loop in which nothing has come or gone: then what was sent within this process has arrived, and is
 * answered.
 */
const QUIET_TURNS = 12;

/** Longest that is waited, where clients never stop sending. */
const SETTLE_TURNS_MAX = 20_000;

/** Knows whether anything comes or goes at the broker. */
export class Quiet {
  /** How often something has come or gone. */
  count = 0;

  /** Something has come or gone. */
  note(): void {
    this.count++;
  }

  /** Resolves when nothing comes or goes any more. */
  async settle(): Promise<void> {
    let seen = this.count;
    let quiet = 0;
    for (let turn = 0; turn < SETTLE_TURNS_MAX && quiet < QUIET_TURNS; turn++) {
      await endOfTurn();
      quiet = this.count === seen ? quiet + 1 : 0;
      seen = this.count;
    }
  }
}

export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
