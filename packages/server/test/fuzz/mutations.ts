import type { Random } from '@promptmq/wal/testing';
import { packet, varint } from '../../../conformance/src/wire/bytes.ts';
import { corpus } from './corpus.ts';

/** What is left of a packet without its fixed header, and where that begins; null for what is no packet. */
function bodyOf(bytes: Uint8Array): Uint8Array | null {
  for (let offset = 1; offset <= 4; offset++) {
    const byte = bytes[offset];
    if (byte === undefined) return null;
    if (byte < 0x80) return bytes.subarray(offset + 1);
  }
  return null;
}

/** Numbers on which lengths, identifiers and flags turn. */
const EDGES: readonly number[] = [0, 1, 2, 3, 0x0f, 0x26, 0x7f, 0x80, 0x81, 0xfe, 0xff];

/**
 * Changes packets so that most of their structure stays: their length is right again afterwards most of the time, so that
 * what is wrong isn't found at once.
 */
export class Mutator {
  readonly #random: Random;
  /** Packets of other connections that have been sent, for replays and splices. */
  readonly #others: Uint8Array[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Remembers a packet. */
  note(bytes: Uint8Array): void {
    if (bytes.length > 2000) return;
    if (this.#others.length < 100) this.#others.push(bytes);
    else this.#others[this.#random.below(100)] = bytes;
  }

  /** Something else in its place: none, one or several packets, or what isn't one. */
  mutate(bytes: Uint8Array): Uint8Array {
    const random = this.#random;
    switch (random.below(12)) {
      case 0:
        return Buffer.concat([bytes, bytes]);
      case 1:
        return new Uint8Array(0);
      case 2:
        return random.pick(corpus);
      case 3:
        return this.#other();
      case 4:
        return Buffer.concat([bytes, this.#other()]);
      case 5:
        return this.#spoilLength(bytes);
      case 6:
        return this.#flags(bytes);
      default:
        return this.#changeBody(bytes);
    }
  }

  #other(): Uint8Array {
    const { length } = this.#others;
    return length === 0 ? this.#random.pick(corpus) : this.#random.pick(this.#others);
  }

  /** Its remaining length is another one. */
  #spoilLength(bytes: Uint8Array): Uint8Array {
    const random = this.#random;
    const body = bodyOf(bytes) ?? new Uint8Array(0);
    const size = random.pick([0, 1, body.length - 1, body.length + 1, 16_384, 268_435_455]);
    return Buffer.concat([bytes.subarray(0, 1), varint(Math.max(0, size)), body]);
  }

  #flags(bytes: Uint8Array): Uint8Array {
    const copy = Uint8Array.from(bytes);
    copy[0] = ((copy[0] ?? 0) & 0xf0) | this.#random.below(16);
    return copy;
  }

  #changeBody(bytes: Uint8Array): Uint8Array {
    const random = this.#random;
    const found = bodyOf(bytes);
    if (found === null || found.length === 0) return bytes;
    let body: Uint8Array = Uint8Array.from(found);
    for (let change = random.below(3); change >= 0 && body.length > 0; change--) {
      body = this.#change(body);
    }
    const isKept = random.chance(0.15);
    const head = bytes.subarray(0, bytes.length - found.length);
    return isKept ? Buffer.concat([head, body]) : packet(bytes[0] as number, body);
  }

  #change(body: Uint8Array): Uint8Array {
    const random = this.#random;
    // The beginning has the numbers and the lengths.
    const at = random.below(random.chance(0.7) ? Math.min(body.length, 24) : body.length);
    switch (random.below(7)) {
      case 0:
        body[at] = random.below(256);
        return body;
      case 1:
        body[at] = (body[at] as number) ^ (1 << random.below(8));
        return body;
      case 2:
        body[at] = random.pick(EDGES);
        return body;
      case 3:
        return Buffer.concat([body.subarray(0, at), body.subarray(at + 1 + random.below(8))]);
      case 4:
        return Buffer.concat([
          body.subarray(0, at),
          Buffer.alloc(1 + random.below(4), random.pick(EDGES)),
          body.subarray(at),
        ]);
      case 5: {
        // Some of it twice, such as a property.
        const end = at + 1 + random.below(12);
        return Buffer.concat([body.subarray(0, end), body.subarray(at)]);
      }
      default:
        return body.subarray(0, at);
    }
  }
}
