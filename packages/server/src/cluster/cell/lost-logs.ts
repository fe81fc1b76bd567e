import type { Logger } from '../../log/index.ts';
import { type LostLog, remedyOfLostLog, textOfLostLog } from './lost-log.ts';

/** Which cells this node is the only one that could serve, and can't, as their logs are not on its disk. */
export class LostLogs {
  readonly #log: Logger;
  readonly #lost = new Map<number, LostLog>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** A cell could not be opened here, as its log is lost; null when it was opened. */
  onOpened(cell: number, loss: LostLog | null): void {
    const former = this.#lost.get(cell);
    if (loss === null) {
      this.#lost.delete(cell);
      return;
    }
    this.#lost.set(cell, loss);
    // It is tried again and again.
    if (former?.identity === loss.identity) return;
    const { node, identity, directory } = loss;
    this.#log.error('cell-log-lost', {
      ...{ cell, identity, node, directory },
      ...{ why: textOfLostLog(loss), remedy: remedyOfLostLog(loss) },
    });
  }

  /** How many there are. */
  get lostCount(): number {
    return this.#lost.size;
  }

  /** What is to be done about them. */
  get remedies(): readonly string[] {
    return [...this.#lost.values()].map(remedyOfLostLog);
  }
}
