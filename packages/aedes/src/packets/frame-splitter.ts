import { decode, type Frame, Type } from './frames.ts';

/** Bytes of a fixed header at most (§2.1). */
const HEADER_MAX = 5;

/**
 * Splits a stream of bytes into packets. Invariant: `#waiting` is the beginning of one packet, of `#size` bytes in all, and at
 * most as large as a packet may be.
 */
export class FrameSplitter {
  /** MQTT 3.1 allows any flags in a fixed header, and later versions their own. */
  isLenient: boolean;
  readonly #sizeMax: number;
  readonly #onFrame: (frame: Frame) => void;
  readonly #waiting: Buffer[];
  #size: number;

  /** @param sizeMax - of a packet, in bytes */
  constructor(sizeMax: number, onFrame: (frame: Frame) => void) {
    this.isLenient = false;
    this.#sizeMax = sizeMax;
    this.#onFrame = onFrame;
    this.#waiting = [];
    this.#size = 0;
  }

  /**
   * Passes on all packets that are whole now. They are parts of the chunk, unless they began in an earlier one. The last one
   * has a `fault` where a fixed header is wrong, or a packet too large: nothing may be pushed afterwards.
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
      const bodyStart = bodyStartOf(rest);
      const size = frameSize(rest);
      const fault = this.#faultOf(rest, bodyStart, size);
      if (fault !== null) {
        this.#onFrame({ bytes: rest, type: (rest[0] ?? 0) >> 4, bodyStart, fault });
        return;
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

  /** What is wrong with a fixed header, as far as it has come. */
  #faultOf(bytes: Buffer, bodyStart: number, size: number | null): Error | null {
    const first = bytes[0] ?? 0;
    const type = first >> 4;
    const needed =
      type === Type.Pubrel || type === Type.Subscribe || type === Type.Unsubscribe ? 2 : 0;
    const isRight = this.isLenient || type === Type.Publish || (first & 15) === needed;
    // CONNECT names its version, and is checked as a whole.
    if (type === 0 || (!isRight && type !== Type.Connect)) {
      try {
        decode({ bytes }, 4);
      } catch (error) {
        return error as Error; // It says it as programs for aedes know it.
      }
      return new Error('Malformed packet');
    }
    if (bodyStart > HEADER_MAX) return new Error('Invalid variable byte integer');
    if (size === null || size <= this.#sizeMax) return null;
    return new Error(`packet of ${size} bytes, of ${this.#sizeMax} that are allowed`);
  }
}

/** Where the variable header begins; beyond the largest header where its length doesn't end. */
function bodyStartOf(bytes: Buffer): number {
  let index = 1;
  while (index < HEADER_MAX && ((bytes[index] ?? 0) & 0x80) !== 0) index++;
  return index + 1;
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
