import { FrameBodyReader } from './frame-body-reader.ts';

/*
 * What two cells say to each other of the messages that one forwards to the other. Numbers are little-endian.
 *
 * RESUME, from the one that receives, first of all and whenever it has refused something. It takes no FORWARD from here on:
 *
 *   u8        cell that receives
 *   u8        cell that forwards
 *   u32       attempt, above that of the one before
 *   f64       generation of what it has applied; 0 when it has applied nothing
 *   f64       sequence up to which it has
 *
 * RESUMED, from the one that forwards. What it has to forward follows:
 *
 *   u8        cell that forwards
 *   u8        cell that receives
 *   u32       attempt, as in the RESUME that is answered: what comes after an older one is not taken
 *   f64       generation of the sequences that follow
 *   f64       sequence up to which all counts as applied
 *
 * APPLIED, from the one that receives:
 *
 *   u8        cell that receives
 *   u8        cell that forwards
 *   f64       sequence: all up to it are applied, and nothing that a crash takes
 */

export interface Resume {
  /** Who receives. */
  readonly to: number;
  /** Who forwards. */
  readonly from: number;
  readonly attempt: number;
  /** Whose sequences they are; 0 when nothing was ever applied. */
  readonly generation: number;
  readonly sequence: number;
}

export type Resumed = Resume;

export interface Applied {
  readonly to: number;
  readonly from: number;
  readonly sequence: number;
}

const RESUME_SIZE = 1 + 1 + 4 + 8 + 8;
const APPLIED_SIZE = 1 + 1 + 8;

export function resumeBody({ to, from, attempt, generation, sequence }: Resume): Uint8Array {
  return attemptBody(to, from, attempt, generation, sequence);
}

/** @throws {RangeError} when it isn't one */
export function readResume(body: Uint8Array): Resume {
  const { first, second, ...rest } = readAttempt(body);
  return { to: first, from: second, ...rest };
}

export function resumedBody({ to, from, attempt, generation, sequence }: Resumed): Uint8Array {
  return attemptBody(from, to, attempt, generation, sequence);
}

/** @throws {RangeError} when it isn't one */
export function readResumed(body: Uint8Array): Resumed {
  const { first, second, ...rest } = readAttempt(body);
  return { to: second, from: first, ...rest };
}

function attemptBody(
  first: number,
  second: number,
  attempt: number,
  generation: number,
  sequence: number,
): Uint8Array {
  const body = Buffer.allocUnsafe(RESUME_SIZE);
  body[0] = first;
  body[1] = second;
  body.writeUInt32LE(attempt, 2);
  body.writeDoubleLE(generation, 6);
  body.writeDoubleLE(sequence, 14);
  return body;
}

function readAttempt(body: Uint8Array) {
  const reader = new FrameBodyReader(body);
  const first = reader.u8();
  const second = reader.u8();
  const attempt = reader.u32();
  const generation = reader.f64();
  const sequence = reader.f64();
  reader.end();
  return { first, second, attempt, generation, sequence };
}

export function appliedBody({ to, from, sequence }: Applied): Uint8Array {
  const body = Buffer.allocUnsafe(APPLIED_SIZE);
  body[0] = to;
  body[1] = from;
  body.writeDoubleLE(sequence, 2);
  return body;
}

/** @throws {RangeError} when it isn't one */
export function readApplied(body: Uint8Array): Applied {
  const reader = new FrameBodyReader(body);
  const to = reader.u8();
  const from = reader.u8();
  const sequence = reader.f64();
  reader.end();
  return { to, from, sequence };
}
