/** Buffers that wait for several clients at once: they are in memory once, however many hold them. */
export class SharedBuffers {
  /** How many hold each. */
  readonly #holders: Map<ArrayBufferLike, number>;

  constructor() {
    this.#holders = new Map();
  }

  /** Of all buffers that are held, each once. */
  get bytes(): number {
    let bytes = 0;
    for (const buffer of this.#holders.keys()) bytes += buffer.byteLength;
    return bytes;
  }

  /** Whether somebody holds the memory of these bytes. */
  has({ buffer }: Uint8Array): boolean {
    return this.#holders.has(buffer);
  }

  /** @returns how many bytes are held that were not before */
  hold({ buffer }: Uint8Array): number {
    const count = this.#holders.get(buffer);
    this.#holders.set(buffer, (count ?? 0) + 1);
    return count === undefined ? buffer.byteLength : 0;
  }

  /** @returns how many bytes are not held any more */
  release({ buffer }: Uint8Array): number {
    const count = this.#holders.get(buffer) ?? 0;
    if (count > 1) {
      this.#holders.set(buffer, count - 1);
      return 0;
    }
    this.#holders.delete(buffer);
    return buffer.byteLength;
  }
}
