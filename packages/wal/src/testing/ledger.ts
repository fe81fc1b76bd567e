import type { Log } from '../log/log.ts';

/** What was appended to a log, and what of it was acknowledged. */
export class Ledger {
  /** By position. */
  readonly appended = new Map<number, string>();
  readonly acknowledged = new Set<number>();
  readonly refused = new Set<number>();
  #count = 0;

  /** Appends a record of its own content; false when the log refuses it. */
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
