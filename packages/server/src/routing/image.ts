import type { PublishImage } from '@promptmq/session';
import { invariant } from '@promptmq/topics';
import { REFERENCE_BYTES_MIN } from '../connection/output.ts';

const EMPTY = new Uint8Array(0);

/**
 * An encoded PUBLISH that several recipients share, whole: what is each one's own (flags, packet identifier) is written
 * over the copy.
 */
export class Image implements PublishImage {
  buffer: Uint8Array = EMPTY;
  start = 0;
  end = 0;
  payloadSize = 0;
  /** Whether its bytes don't change until the end of the turn: it lies in the chunk that came. */
  isLasting = false;
  /** Where the packet identifier goes, counted from `start`; meaningless at QoS 0. */
  packetIdOffset = 0;
  #scratch: Buffer = Buffer.alloc(0);

  set(
    buffer: Uint8Array,
    start: number,
    end: number,
    payloadSize: number,
    isLasting: boolean,
  ): void {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    this.payloadSize = payloadSize;
    this.isLasting = isLasting;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const { buffer, start, end, payloadSize, packetIdOffset } = this;
    invariant(
      start >= 0 && start < end && end <= buffer.length,
      `an image lies at ${start} to ${end} of ${buffer.length} bytes`,
    );
    const rest = end - start - payloadSize;
    invariant(
      packetIdOffset < rest,
      `the packet identifier at ${packetIdOffset} is in the payload`,
    );
  }

  /** A buffer of at least `size` bytes, whose content may be overwritten by the next message. */
  scratch(size: number): Buffer {
    if (size >= REFERENCE_BYTES_MIN) return Buffer.allocUnsafeSlow(size);
    if (this.#scratch.length < size) this.#scratch = Buffer.allocUnsafeSlow(REFERENCE_BYTES_MIN);
    return this.#scratch;
  }
}
