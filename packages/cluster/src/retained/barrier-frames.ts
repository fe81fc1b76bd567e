import { FrameBodyReader } from '../forward/frame-body-reader.ts';

/*
 * A question behind all that its sender has sent, and the answer. Numbers are little-endian:
 *
 *   BARRIER  u32 number, as the answer is to have it; u64 one bit for each cell, the lowest for cell 0
 *   PASSED   u32 number
 *
 * With cells, it is answered when all that waited for these cells, when the question came, has been applied there. Without any, it is
 * answered behind all that has been said of retained messages.
 */

const BARRIER_SIZE = 12;
const PASSED_SIZE = 4;

/** What BARRIER asks. */
export interface Barrier {
  readonly number: number;
  /** 0 to 63, each once, in their order. */
  readonly cells: readonly number[];
}

/** The body of a BARRIER. */
export function encodeBarrier({ number, cells }: Barrier): Buffer {
  const body = Buffer.alloc(BARRIER_SIZE);
  body.writeUInt32LE(number, 0);
  for (const cell of cells) {
    const offset = 4 + (cell >> 3);
    body[offset] = (body[offset] as number) | (1 << (cell & 7));
  }
  return body;
}

/** @throws {RangeError} when it ends too early or too late */
export function decodeBarrier(body: Uint8Array): Barrier {
  const reader = new FrameBodyReader(body);
  const number = reader.u32();
  const cells: number[] = [];
  for (let first = 0; first < 64; first += 8) {
    const bits = reader.u8();
    for (let bit = 0; bit < 8; bit++) if ((bits & (1 << bit)) !== 0) cells.push(first + bit);
  }
  reader.end();
  return { number, cells };
}

/** The body of a PASSED. */
export function encodePassed(number: number): Buffer {
  const body = Buffer.allocUnsafe(PASSED_SIZE);
  body.writeUInt32LE(number, 0);
  return body;
}

/** @throws {RangeError} when it ends too early or too late */
export function decodePassed(body: Uint8Array): number {
  const reader = new FrameBodyReader(body);
  const number = reader.u32();
  reader.end();
  return number;
}
