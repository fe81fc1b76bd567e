import type { EngineLog } from '../../src/engine/engine.ts';

const READ_BYTES_MAX = 4 << 20;

/**
 * Reads a cell's log by the rule of epochs as it is written down, with nothing of the code that is tested, and looks whether what owners were
 * told to count does: once, where they said, and in the order of positions.
 */
export class StreamJudge {
  readonly #cell: number;
  #sequence = 0;
  #epoch = 0;
  #head = 0;
  #chain = 0;
  /** First positions of segments that were read. */
  readonly #segments: number[] = [];
  /** Owners were told that these count, by position; what was found is removed. */
  readonly #told = new Map<number, string>();
  /** What counts and nobody said so yet. */
  readonly #found = new Map<number, string>();
  /** Judged. */
  entries = 0;
  voidEntries = 0;
  owners = 0;

  constructor(cell: number) {
    this.#cell = cell;
  }

  /** An owner was told that an entry counts. */
  onTold(epoch: number, position: number, size: number): void {
    const text = `epoch ${epoch}, ${size} bytes`;
    const found = this.#found.get(position);
    if (found === undefined) {
      if (position < this.#head) throw this.#fault(`nothing counts at ${position}: ${text}`);
      const before = this.#told.get(position);
      if (before !== undefined && before !== text) {
        throw this.#fault(`two entries were said to count at ${position}: ${before}; ${text}`);
      }
      this.#told.set(position, text);
      return;
    }
    this.#found.delete(position);
    if (found !== text) throw this.#fault(`at ${position} counts ${found}, not ${text}`);
  }

  /** Reads on, and judges what was told before. */
  async judge(log: EngineLog): Promise<void> {
    for await (const { sequence, data } of log.read(this.#sequence + 1, READ_BYTES_MAX)) {
      if (sequence !== this.#sequence + 1) {
        throw this.#fault(`entry ${sequence} follows ${this.#sequence}`);
      }
      this.#sequence = sequence;
      this.#take(Buffer.from(data));
    }
    for (const [position, text] of this.#told) {
      if (position < this.#head) throw this.#fault(`nothing counts at ${position}: ${text}`);
    }
  }

  /** All that was told has to be there: nobody appends any more. */
  finish(): void {
    for (const [position, text] of this.#told) {
      throw this.#fault(`the log ends at ${this.#head}, and ${text} at ${position} was to count`);
    }
  }

  /** The first position of a segment before which all was judged; null when there is none. */
  get trimmable(): number | null {
    return this.#segments.at(-3) ?? null;
  }

  #take(data: Buffer): void {
    const epoch = Number(data.readBigUInt64LE(8));
    const previous = Number(data.readBigUInt64LE(16));
    const position = Number(data.readBigUInt64LE(24));
    const chain = data.readUInt32LE(40);
    const size = data.length - 48;
    const isOwner = data[5] === 1;
    const counts = isOwner ? epoch > this.#epoch : epoch === this.#epoch && previous === this.#head;
    if (!counts) {
      this.voidEntries++;
      return;
    }
    if (previous !== this.#head || chain !== this.#chain) {
      throw this.#fault(`entry ${this.#sequence} continues at ${previous}, not at ${this.#head}`);
    }
    this.#epoch = epoch;
    this.#chain = data.readUInt32LE(44);
    if (isOwner) {
      this.owners++;
      return;
    }
    this.entries++;
    this.#head = position + size;
    if (Number(data.readBigUInt64LE(32)) === position) this.#segments.push(position);
    const text = `epoch ${epoch}, ${size} bytes`;
    const told = this.#told.get(position);
    if (told === undefined) this.#found.set(position, text);
    else if (told !== text) throw this.#fault(`at ${position} counts ${text}, not ${told}`);
    this.#told.delete(position);
    // What a killed owner was never told stays; as it is never asked for, only the last ones are kept.
    while (this.#found.size > 10_000) this.#found.delete(this.#found.keys().next().value as number);
  }

  #fault(text: string): Error {
    return new Error(`cell ${this.#cell}: ${text}`);
  }
}
