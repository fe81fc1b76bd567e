/**
 * What goes over a link: frames. Numbers are little-endian.
 *
 * ```
 *  0  4  size of what follows, the type and the body: 1 to the limit of the reader
 *  4  1  type, one of `FrameType`
 *  5     body
 * ```
 *
 * How a body is encoded is decided where its type belongs to.
 */
import { LinkError } from './link-error.ts';

/** The types of frames. The numbers are a part of the protocol: one that was used is not given to anything else. */
export const FrameType = {
  /** The first frame of each side, as JSON: who it is (`handshake.ts`). */
  hello: 1,
  /** That its sender knows the secret. */
  proof: 2,
  /** The link is taken. */
  welcome: 3,
  /** The link is refused, and why, as text. */
  refused: 4,
  ping: 5,
  pong: 6,

  /** Connections of clients that another process has accepted (`channels.ts`). */
  open: 16,
  data: 17,
  end: 18,
  close: 19,
  window: 20,
  refuse: 21,

  /** What the cells of the other process subscribe to. */
  interestReset: 32,
  interestChange: 33,
  interestSync: 35,
  interestAck: 36,

  /** Messages. */
  publish0: 48,
  forward: 49,
  applied: 50,
  resume: 51,
  resumed: 52,

  /** What is retained. */
  barrier: 64,
  barrierPassed: 65,
  retainedSync: 66,
  retainedSet: 67,
  retainedClear: 68,
  retainedReset: 69,
  retainedAsk: 70,

  /** How far a cell's log is. */
  witness: 80,
  /** A cell has a newer owner. */
  epoch: 81,

  /** What an operator asks of another process, and the answer. */
  call: 96,
  result: 97,

  /** How a node stands, as JSON, over the links that nodes have besides those of their cells. */
  nodeState: 112,
} as const;

export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Bytes before the body. */
const HEADER_SIZE = 5;

/** Those of the size. */
const LENGTH_SIZE = 4;

/** Sizes of the buffers that frames are gathered in: a link that says little takes little. */
const BLOCK_SIZE_MIN = 4096;
const BLOCK_SIZE_MAX = 65_536;

/** Free buffers of the largest size that are kept, all links together: 4 MB. */
const POOLED_MAX = 64;

const pool: Buffer[] = [];

/**
 * Gathers frames until they are sent. Each is copied at once, so that its parts belong to the caller again.
 *
 * Invariant: `byteCount` is the size of what `take` would return.
 */
export class FrameWriter {
  #full: Buffer[] = [];
  #block: Buffer | null = null;
  #used = 0;
  #nextSize = BLOCK_SIZE_MIN;
  byteCount = 0;

  /** Adds a frame whose body is made of the parts, one after the other. */
  add(type: number, parts: readonly Uint8Array[]): void {
    let size = HEADER_SIZE;
    for (const part of parts) size += part.length;
    let offset = this.#reserve(size);
    const block = this.#block as Buffer;
    block.writeUInt32LE(size - LENGTH_SIZE, offset);
    block[offset + LENGTH_SIZE] = type;
    offset += HEADER_SIZE;
    for (const part of parts) {
      block.set(part, offset);
      offset += part.length;
    }
  }

  /** Takes out what was gathered. Each buffer is the caller's, who may give it back with `recycle`. */
  take(): Buffer[] {
    const taken = this.#full;
    this.#full = [];
    if (this.#block !== null) taken.push(this.#block.subarray(0, this.#used));
    this.#block = null;
    this.#used = 0;
    this.#nextSize = BLOCK_SIZE_MIN;
    this.byteCount = 0;
    return taken;
  }

  /** Nobody reads a buffer any more that `take` returned. */
  static recycle(taken: Buffer): void {
    if (taken.buffer.byteLength !== BLOCK_SIZE_MAX || pool.length === POOLED_MAX) return;
    pool.push(Buffer.from(taken.buffer, 0, BLOCK_SIZE_MAX));
  }

  /** @returns where in the block the frame goes */
  #reserve(size: number): number {
    const block = this.#block;
    if (block === null || this.#used + size > block.length) {
      if (block !== null) this.#full.push(block.subarray(0, this.#used));
      this.#block = allocate(Math.max(this.#nextSize, size));
      this.#used = 0;
      this.#nextSize = Math.min(BLOCK_SIZE_MAX, this.#nextSize * 2);
    }
    const offset = this.#used;
    this.#used += size;
    this.byteCount += size;
    return offset;
  }
}

function allocate(size: number): Buffer {
  if (size !== BLOCK_SIZE_MAX) return Buffer.allocUnsafeSlow(size);
  return pool.pop() ?? Buffer.allocUnsafeSlow(size);
}

const EMPTY = new Uint8Array(0);

/**
 * Takes frames out of what a stream brings, whatever it is cut into.
 *
 * Invariant: of a frame that isn't whole, no more is held than has come.
 */
export class FrameReader {
  readonly #onFrame: (type: number, body: Uint8Array) => void;
  /** The largest size that a frame may say. */
  sizeMax: number;
  /** What has come of a frame that isn't whole. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  /** How much of it there has to be before it is looked at again. */
  #needed = HEADER_SIZE;
  #isStopped = false;

  /**
   * @param sizeMax - bytes of type and body together; a larger frame is an error
   * @param onFrame - gets a body that nobody changes any more: it may be kept, but keeps the chunk that it came in
   */
  constructor(sizeMax: number, onFrame: (type: number, body: Uint8Array) => void) {
    this.sizeMax = sizeMax;
    this.#onFrame = onFrame;
  }

  /** @throws {LinkError} `frame-size`; the reader is of no use then */
  push(chunk: Uint8Array): void {
    if (this.#pieceBytes > 0) {
      this.#pieces.push(chunk);
      this.#pieceBytes += chunk.length;
      if (this.#pieceBytes < this.#needed) return;
      this.#read(Buffer.concat(this.#pieces, this.#pieceBytes));
    } else {
      this.#read(chunk);
    }
  }

  /** Nothing is read any more, also of what has come. */
  stop(): void {
    this.#isStopped = true;
    this.#keep(EMPTY);
  }

  #read(bytes: Uint8Array): void {
    let offset = 0;
    this.#keep(EMPTY);
    while (!this.#isStopped) {
      const left = bytes.length - offset;
      if (left < LENGTH_SIZE) break;
      const size = readLength(bytes, offset);
      if (size < 1 || size > this.sizeMax) {
        this.stop();
        throw new LinkError('frame-size', `a frame of ${size} bytes, at most ${this.sizeMax}`);
      }
      if (left < LENGTH_SIZE + size) {
        this.#needed = LENGTH_SIZE + size;
        break;
      }
      const end = offset + LENGTH_SIZE + size;
      const body = bytes.subarray(offset + HEADER_SIZE, end);
      const type = bytes[offset + LENGTH_SIZE] as number;
      offset = end;
      this.#onFrame(type, body);
    }
    if (!this.#isStopped && offset < bytes.length) this.#keep(bytes.subarray(offset));
  }

  #keep(rest: Uint8Array): void {
    if (rest.length === 0) {
      this.#pieces = [];
      this.#needed = HEADER_SIZE;
    } else {
      this.#pieces = [rest];
    }
    this.#pieceBytes = rest.length;
  }
}

function readLength(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] as number) |
      ((bytes[offset + 1] as number) << 8) |
      ((bytes[offset + 2] as number) << 16) |
      ((bytes[offset + 3] as number) << 24)) >>>
    0
  );
}
