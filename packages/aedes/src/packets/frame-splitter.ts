import { decode, type Frame, Type } from './frames.ts';

/** Bytes of a fixed header at most (§2.1). */
const HEADER_MAX = 5;

/**
 * Splits a stream of bytes into packets. Invariant: `#waiting` is the beginning of one packet, of `#size` bytes in all, and at
 * most as large as a packet may be.
 */
export class FrameSplitter {
  readonly #sizeMax: number;
  readonly #onFrame: (frame: Frame) => void;
  readonly #waiting: Buffer[];
  #size: number;

  /** @param sizeMax - of a packet, in bytes */
  constructor(sizeMax: number, onFrame: (frame: Frame) => void) {
    this.#sizeMax = sizeMax;
    this.#onFrame = onFrame;
    this.#waiting = [];
    this.#size = 0;
  }

  /**
   * Passes on all packets that are whole now. They are parts of the chunk, unless they began in an earlier one.
   *
   * @throws {Error} where a fixed header is wrong, or a packet is too large
   */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#size > 0) {
      this.#waiting.push(bytes);
      this.#size += bytes.length;
      const [first = bytes] = this.#waiting;
      // A large packet is put together once, and not with each chunk.
      if (first.length >= HEADER_MAX && this.#size < (frameSize(first) ?? 0)) return;
      bytes = Buffer.concat(this.#waiting);
    }
    this.#waiting.length = 0;
    this.#size = 0;
    let offset = 0;
    while (offset < bytes.length) {
      const rest = bytes.subarray(offset);
      const bodyStart = this.#check(rest);
      const size = frameSize(rest);
      if (size !== null && size > this.#sizeMax) {
        throw new Error(`packet of ${size} bytes, of ${this.#sizeMax} that are allowed`);
      }
      if (size === null || size > rest.length) {
        this.#waiting.push(rest);
        this.#size = rest.length;
        return;
      }
      offset += size;
      this.#onFrame({ bytes: rest.subarray(0, size), type: (rest[0] ?? 0) >> 4, bodyStart });
    }
  }

  /** Checks a fixed header as far as it has come. @returns where the variable header begins, if that is known */
  #check(bytes: Buffer): number {
    const first = bytes[0] ?? 0;
    const type = first >> 4;
    const flags = first & 15;
    const needed =
      type === Type.Pubrel || type === Type.Subscribe || type === Type.Unsubscribe ? 2 : 0;
    // It says best what is wrong.
    if (type === 0 || (type !== Type.Publish && flags !== needed)) {
      decode({ bytes, type, bodyStart: 0 }, 4);
      throw new Error('Malformed packet');
    }
    for (let index = 1; index < HEADER_MAX; index++) {
      if (((bytes[index] ?? 0) & 0x80) === 0) return index + 1;
    }
    throw new Error('Invalid variable byte integer');
  }
}

/** The size of the packet that begins here, fixed header included; null where that isn't known yet. */
function frameSize(bytes: Buffer): number | null {
  let remaining = 0;
  for (let index = 1; index < HEADER_MAX; index++) {
    const byte = bytes[index];
    if (byte === undefined) return null;
    remaining += (byte & 0x7f) * 128 ** (index - 1);
    if ((byte & 0x80) === 0) return remaining + index + 1;
  }
  return null;
}
