import type { Log } from '../log/log.ts';

/**
 * What was appended to a log, and what of it was acknowledged: the truth to compare a log with after a fault. It outlives
 * the logs; one for each log on the same files.
 */
export class Ledger {
  /** Content of each record, by position. */
  readonly appended = new Map<number, string>();
  /** Positions whose listener was called without an error, and with one. */
  readonly acknowledged = new Set<number>();
  readonly refused = new Set<number>();
  #count = 0;

  /**
   * Appends a record whose content no other has.
   *
   * @param size - of its data, in bytes
   * @returns false when the log refuses it
   */
  append(log: Log, size = 20): boolean {
    const content = `${this.#count++}:`.padEnd(size, 'x');
    let position = -1;
    try {
      position = log.append(Buffer.from(content), (error) => {
        (error === null ? this.acknowledged : this.refused).add(position);
      });
    } catch {
      return false;
    }
    this.appended.set(position, content);
    return true;
  }

  /**
   * What must hold of every log that is opened after whatever happened: all that was acknowledged is
   * there, all that is there was appended, in its order and unchanged.
   *
   * @param lost - positions that may be missing although they were acknowledged, as those in a damaged stretch
   * @throws when something doesn't hold, with the position
   */
  async check(log: Log, lost: (position: number) => boolean = () => false): Promise<void> {
    let last = -1;
    const found = new Set<number>();
    for await (const { position, data } of log.records()) {
      if (position <= last) throw new Error(`position ${position} after ${last}`);
      last = position;
      found.add(position);
      const expected = this.appended.get(position);
      if (expected !== data.toString()) {
        throw new Error(`at ${position}: ${data} instead of ${expected}`);
      }
    }
    for (const position of this.acknowledged) {
      if (!found.has(position) && !lost(position)) {
        throw new Error(`acknowledged ${position} (${this.appended.get(position)}) is lost`);
      }
    }
  }
}
