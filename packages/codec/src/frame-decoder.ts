import { PartialFrame } from './partial-frame.ts';
import { checkMinimalLength, firstByteError, possibleFirstBytes } from './wire/fixed-header.ts';
import { PacketError } from './wire/packet-error.ts';
import { PacketType, type ProtocolVersion } from './wire/packet-type.ts';
import { ReasonCode } from './wire/reason-code.ts';
import { cited, rules } from './wire/rules.ts';

/** The largest packet that the protocol allows, fixed header included (§2.1.4). */
export const PACKET_SIZE_MAX = 268_435_460;

/** What is known of a connection when its decoder is made. */
export interface FrameDecoderOptions {
  /** Bytes, fixed header included; what the protocol allows by default. */
  readonly maximumPacketSize?: number;
  /** Of the connection, 5 by default; null for a server before CONNECT, which names it. */
  readonly protocolVersion?: ProtocolVersion | null;
}

/** Who gets the frames. */
export interface FrameSink {
  /**
   * One whole frame, `buffer[start, end)`. It may call `reset`, and set the decoder's fields, but not call `push` or `stop`.
   * What it throws comes out of `push` or `resume`; the decoder is of no use then before a `reset`.
   *
   * @param buffer - the chunk, or the decoder's own; never changed by the decoder afterwards
   * @param bodyStart - the first byte after the remaining length
   * @returns false to stop: what follows stays buffered until `resume`
   */
  onFrame(buffer: Uint8Array, start: number, bodyStart: number, end: number): boolean;
}

/**
 * Splits a stream of bytes into frames, and checks their fixed headers (§2.1). Frames that lie whole in a chunk are passed
 * on in place; one that is split is put together first.
 *
 * Its methods, in this order: what is buffered (from `protocolVersion` to `isStopped`), input (`push`), control (`stop`,
 * `resume`, `reset`), `checkInvariants`; then what reads a fixed header, and what deals with a split frame.
 *
 * Invariant: `#partial` is the beginning of one frame or empty; `#restSize` is the size of `#rest`, in which something is
 * only while the decoder is stopped.
 */
export class FrameDecoder {
  /** Bytes, fixed header included; checked against the declared length before anything is buffered. */
  maximumPacketSize: number;
  /** The same for all packets but PUBLISH, where it is less. */
  maximumControlSize: number;
  readonly #sink: FrameSink;
  #protocolVersion: ProtocolVersion | null;
  /** Of that version. */
  #possibleFirstBytes: Uint8Array;
  readonly #partial: PartialFrame;
  /** Chunks that wait, the first of them from its first frame on. */
  #rest: Uint8Array[];
  #restSize: number;
  #isStopped: boolean;
  /** Grows with every reset, so that a loop notices one made from within the sink. */
  #epoch: number;
  // The fixed header that was read last: offsets in its buffer, and the Remaining Length where it has several bytes.
  #bodyStart: number;
  #remaining: number;
  #end: number;

  constructor(sink: FrameSink, options: FrameDecoderOptions = {}) {
    this.maximumPacketSize = options.maximumPacketSize ?? PACKET_SIZE_MAX;
    this.maximumControlSize = PACKET_SIZE_MAX;
    this.#sink = sink;
    this.#protocolVersion = options.protocolVersion === undefined ? 5 : options.protocolVersion;
    this.#possibleFirstBytes = possibleFirstBytes(this.#protocolVersion);
    this.#partial = new PartialFrame();
    this.#rest = [];
    this.#restSize = 0;
    this.#isStopped = false;
    this.#epoch = 0;
    this.#bodyStart = 0;
    this.#remaining = 0;
    this.#end = 0;
  }

  /**
   * The version of the connection, by whose rules fixed headers are checked. That of a CONNECT is checked by `decodePacket`,
   * which reads the version. While it is null, nothing but a CONNECT is taken; the sink sets it from that.
   */
  get protocolVersion(): ProtocolVersion | null {
    return this.#protocolVersion;
  }

  set protocolVersion(version: ProtocolVersion | null) {
    this.#protocolVersion = version;
    this.#possibleFirstBytes = possibleFirstBytes(version);
  }

  /** Bytes of a frame that is not complete yet, and of all that waits while it is stopped. */
  get bufferedBytes(): number {
    return this.#partial.length + this.#restSize;
  }

  /** Bytes that wait while it is stopped. */
  get stoppedBytes(): number {
    return this.#restSize;
  }

  /** Whether nothing is buffered, and it is not stopped. */
  get isIdle(): boolean {
    return this.#partial.length === 0 && !this.#isStopped;
  }

  /** Whether the sink or `stop` has stopped it. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /**
   * Takes the next bytes of the stream and passes on every frame that is complete.
   *
   * @param chunk - must not change afterwards: what is split or stopped is read from it later
   * @throws {PacketError} when a fixed header is malformed or the packet too large, or from the sink
   */
  push(chunk: Uint8Array): void {
    if (this.#isStopped) {
      this.#rest.push(chunk);
      this.#restSize += chunk.length;
      return;
    }
    const epoch = this.#epoch;
    let start = 0;
    if (this.#partial.length > 0) {
      start = this.#complete(chunk);
      if (this.#isStopped || this.#epoch !== epoch) {
        if (this.#epoch === epoch) this.#putBack(chunk, start);
        return;
      }
    }
    const length = chunk.length;
    while (start < length) {
      if (!this.#readHeader(chunk, start, length)) {
        this.#keep(chunk, start, 0);
        return;
      }
      if (this.#end > length) {
        this.#keep(chunk, start, this.#end - start);
        return;
      }
      const end = this.#end;
      const isWanted = this.#sink.onFrame(chunk, start, this.#bodyStart, end);
      if (this.#epoch !== epoch) return;
      start = end;
      if (!isWanted) {
        this.#isStopped = true;
        this.#putBack(chunk, start);
        return;
      }
    }
  }

  /** All that comes waits for `resume`, as if the sink had stopped the decoder. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Continues with what has waited, until the sink stops it again. @throws {PacketError} as `push` does */
  resume(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    for (;;) {
      const chunk = this.#rest.shift();
      if (chunk === undefined) return;
      this.#restSize -= chunk.length;
      this.push(chunk);
      if (this.#isStopped) return;
    }
  }

  /** Forgets everything that is buffered, and is not stopped any more. */
  reset(): void {
    this.#epoch++;
    this.#partial.clear();
    this.#rest = [];
    this.#restSize = 0;
    this.#isStopped = false;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    this.#partial.checkInvariants();
    const restSize = this.#rest.reduce((sum, { length }) => sum + length, 0);
    if (restSize !== this.#restSize || (restSize > 0 && !this.#isStopped)) {
      throw new Error(`${restSize} bytes wait, ${this.#restSize} are counted`);
    }
  }

  /** What follows `start` of a chunk waits, before all that came later. */
  #putBack(chunk: Uint8Array, start: number): void {
    if (start === chunk.length) return;
    this.#rest.unshift(chunk.subarray(start));
    this.#restSize += chunk.length - start;
  }

  /** Reads a fixed header into `#bodyStart` and `#end`; false when it is not complete (§2.1.1). */
  #readHeader(buffer: Uint8Array, start: number, length: number): boolean {
    const firstByte = buffer[start] as number;
    if (this.#possibleFirstBytes[firstByte] === 0) {
      throw firstByteError(firstByte, this.#protocolVersion);
    }
    if (start + 1 >= length) return false;
    let remaining = buffer[start + 1] as number;
    let bodyStart = start + 2;
    if (remaining >= 0x80) {
      bodyStart = this.#readLength(buffer, start, length);
      if (bodyStart === 0) return false;
      remaining = this.#remaining;
    }
    const size = bodyStart - start + remaining;
    if (
      size > this.maximumPacketSize ||
      (size > this.maximumControlSize && firstByte >> 4 !== PacketType.PUBLISH)
    ) {
      throw this.#sizeError(size, firstByte >> 4);
    }
    this.#bodyStart = bodyStart;
    this.#end = start + size;
    return true;
  }

  /**
   * Reads a Remaining Length of more than one byte into `#remaining` (§1.5.5).
   *
   * @returns the offset after it; 0 when it is not complete
   */
  #readLength(buffer: Uint8Array, start: number, length: number): number {
    let remaining = 0;
    for (let index = 1; index <= 4; index++) {
      if (start + index >= length) return 0;
      const byte = buffer[start + index] as number;
      remaining |= (byte & 0x7f) << (7 * (index - 1));
      if (byte >= 0x80) continue;
      const bodyStart = start + 1 + index;
      if (byte === 0 && (buffer[start] as number) >> 4 !== PacketType.CONNECT) {
        checkMinimalLength(buffer, start, bodyStart, this.#protocolVersion as ProtocolVersion);
      }
      this.#remaining = remaining;
      return bodyStart;
    }
    throw lengthError(this.#protocolVersion);
  }

  #sizeError(size: number, type: number): PacketError {
    const { maximumPacketSize, maximumControlSize } = this;
    const maximum =
      type === PacketType.PUBLISH
        ? maximumPacketSize
        : Math.min(maximumPacketSize, maximumControlSize);
    const rule = cited(rules.packetSize, this.#protocolVersion);
    const message = `packet of ${size} bytes, allowed are ${maximum}`;
    return new PacketError(ReasonCode.PacketTooLarge, rule, 1, message);
  }

  /**
   * Keeps the beginning of a frame, the rest of a chunk.
   *
   * @param size - of the frame; 0 when its fixed header is not complete
   */
  #keep(chunk: Uint8Array, start: number, size: number): void {
    this.#partial.size = size;
    this.#partial.append(chunk, start, chunk.length);
  }

  /** Completes the frame that is kept from a chunk, and passes it on; returns how much of the chunk it took. */
  #complete(chunk: Uint8Array): number {
    const partial = this.#partial;
    let taken = 0;
    while (partial.size === 0) {
      if (this.#readHeader(partial.buffer, 0, partial.length)) {
        partial.size = this.#end;
      } else {
        if (taken === chunk.length) return taken;
        partial.append(chunk, taken, taken + 1);
        taken++;
      }
    }
    const end = Math.min(taken + partial.size - partial.length, chunk.length);
    partial.append(chunk, taken, end);
    const { buffer, length, size } = partial;
    if (length < size) return end;
    this.#readHeader(buffer, 0, size);
    partial.clear();
    if (!this.#sink.onFrame(buffer, 0, this.#bodyStart, size)) this.#isStopped = true;
    return end;
  }
}

function lengthError(version: ProtocolVersion | null): PacketError {
  const rule = cited(rules.lengthBytesMax, version);
  const message = 'remaining length of more than four bytes';
  return new PacketError(ReasonCode.MalformedPacket, rule, 4, message);
}
