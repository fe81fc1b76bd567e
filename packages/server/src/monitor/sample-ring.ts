/** One row of a ring. */
export interface RingRow {
  /** Milliseconds since 1970, the end of the time that it is of. */
  readonly time: number;
  readonly seconds: number;
  readonly row: Float64Array;
}

/** The latest rows of numbers, in memory that never grows. */
export class SampleRing {
  readonly #width: number;
  readonly #capacity: number;
  /** Row after row: time, seconds, and the numbers. Made for the first. */
  #numbers: Float64Array;
  /** Rows that were ever pushed. */
  #count: number;

  /** @param width - numbers of a row */
  constructor(width: number, capacity: number) {
    this.#width = width + 2;
    this.#capacity = capacity;
    this.#numbers = new Float64Array(0);
    this.#count = 0;
  }

  push(time: number, seconds: number, row: Float64Array): void {
    if (this.#count === 0) this.#numbers = new Float64Array(this.#width * this.#capacity);
    const offset = (this.#count % this.#capacity) * this.#width;
    this.#numbers[offset] = time;
    this.#numbers[offset + 1] = seconds;
    this.#numbers.set(row, offset + 2);
    this.#count++;
  }

  get length(): number {
    return Math.min(this.#count, this.#capacity);
  }

  /** The last ones, oldest first. */
  last(count: number): RingRow[] {
    const length = Math.min(count, this.length);
    return Array.from({ length }, (_, index) => this.#rowAt(this.#count - length + index));
  }

  #rowAt(number: number): RingRow {
    const offset = (number % this.#capacity) * this.#width;
    return {
      time: this.#numbers[offset] as number,
      seconds: this.#numbers[offset + 1] as number,
      row: this.#numbers.slice(offset + 2, offset + this.#width),
    };
  }
}
