import { checkFirstByte, checkMinimalLength } from './wire/fixed-header.ts';
import { PacketError } from './wire/packet-error.ts';
import { PacketType, type ProtocolVersion } from './wire/packet-type.ts';
import { ReasonCode } from './wire/reason-code.ts';
import { cited, rules } from './wire/rules.ts';

/** The largest packet that the protocol allows, fixed header included (§2.1.4). */
export const PACKET_SIZE_MAX = 268_435_460;

/** The longest fixed header (§2.1.4). */
const HEADER_SIZE_MAX = 5;

/** A buffer for a packet that is split over chunks is larger only when as much has come: what is declared may never come. */
const PARTIAL_SIZE_MIN = 16_384;

export interface FrameDecoderOptions {
  /** Bytes, fixed header included. */
  readonly maximumPacketSize?: number;
  /** Of the connection, 5 by default; null for a server to which a CONNECT will say it. */
  readonly protocolVersion?: ProtocolVersion | null;
}

export interface FrameSink {
  /**
   * One whole packet, `buffer[start, end)`; `bodyStart` is the first byte after the remaining length.
   *
   * @returns false to stop: what follows stays buffered until `resume`
   */
  onFrame(buffer: Uint8Array, start: number, bodyStart: number, end: number): boolean;
}

const EMPTY = new Uint8Array(0);

/**
 * Splits a stream of bytes into packets. Packets that lie whole in a chunk are passed on in place; one
 * that is split is put together in a buffer of its own, which is never used again.
 *
 * Invariant: `#partial[0, #partialLength)` is the beginning of one packet, and `#rest` is only set
 * while the sink has stopped the decoder.
 */
export class FrameDecoder {
  /** Bytes, fixed header included; checked against the declared length before anything is buffered. */
  maximumPacketSize: number;
  /** The same for all packets but PUBLISH. */
  maximumControlSize: number;
  /**
   * Of the connection: fixed headers are checked as it has them, but for that of a CONNECT, which `decodePacket` checks, as it
   * reads the version there. While it is null, a CONNECT has to come, and the sink sets it from that.
   */
  protocolVersion: ProtocolVersion | null;
  readonly #sink: FrameSink;
  #partial: Uint8Array;
  #partialLength: number;
  /** Size of the packet in `#partial`; 0 while its fixed header is not complete. */
  #partialSize: number;
  /** Chunks that wait, the first of them from its first packet on. */
  #rest: Uint8Array[];
  #restSize: number;
  #isStopped: boolean;
  /** Grows with every reset, so that a loop notices one made from within the sink. */
  #epoch: number;
  // The fixed header that was read last.
  #bodyStart: number;
  #end: number;

  constructor(sink: FrameSink, options: FrameDecoderOptions = {}) {
    this.maximumPacketSize = options.maximumPacketSize ?? PACKET_SIZE_MAX;
    this.maximumControlSize = PACKET_SIZE_MAX;
    this.protocolVersion = options.protocolVersion === undefined ? 5 : options.protocolVersion;
    this.#sink = sink;
    this.#partial = EMPTY;
    this.#partialLength = 0;
    this.#partialSize = 0;
    this.#rest = [];
    this.#restSize = 0;
    this.#isStopped = false;
    this.#epoch = 0;
    this.#bodyStart = 0;
    this.#end = 0;
  }

  get bufferedBytes(): number {
    return this.#partialLength + this.#restSize;
  }

  /** Bytes that wait because the sink has stopped it. */
  get stoppedBytes(): number {
    return this.#restSize;
  }

  /** Whether nothing is buffered, and the sink has not stopped it. */
  get isIdle(): boolean {
    return this.#partialLength === 0 && !this.#isStopped;
  }

  /** Whether the sink has stopped it. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /**
   * Takes the next bytes of the stream and passes on every packet that is complete.
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
    if (this.#partialLength > 0) {
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
      const goesOn = this.#sink.onFrame(chunk, start, this.#bodyStart, end);
      if (this.#epoch !== epoch) return;
      start = end;
      if (!goesOn) {
        this.#isStopped = true;
        this.#putBack(chunk, start);
        return;
      }
    }
  }

  /** Has all that comes wait for `resume`, as if the sink had stopped the decoder; not called from within the sink. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Goes on after the sink stopped the decoder. */
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

  /** What follows `start` of a chunk waits, before all that came later. */
  #putBack(chunk: Uint8Array, start: number): void {
    if (start === chunk.length) return;
    this.#rest.unshift(chunk.subarray(start));
    this.#restSize += chunk.length - start;
  }

  /** Forgets everything that is buffered. */
  reset(): void {
    this.#epoch++;
    this.#partial = EMPTY;
    this.#partialLength = 0;
    this.#partialSize = 0;
    this.#rest = [];
    this.#restSize = 0;
    this.#isStopped = false;
  }

  /** Reads a fixed header into `#bodyStart` and `#end`; false when it is not complete (§2.1.1). */
  #readHeader(buffer: Uint8Array, start: number, length: number): boolean {
    const { protocolVersion } = this;
    const firstByte = buffer[start] as number;
    checkFirstByte(firstByte, protocolVersion);
    let remaining = 0;
    for (let index = 1; index <= 4; index++) {
      if (start + index >= length) return false;
      const byte = buffer[start + index] as number;
      remaining |= (byte & 0x7f) << (7 * (index - 1));
      if (byte >= 0x80) continue;
      const bodyStart = start + 1 + index;
      if (byte === 0 && protocolVersion !== null && firstByte >> 4 !== PacketType.CONNECT) {
        checkMinimalLength(buffer, start, bodyStart, protocolVersion);
      }
      const size = 1 + index + remaining;
      if (size > this.#maximumOf(firstByte >> 4)) {
        throw new PacketError(
          ReasonCode.PacketTooLarge,
          cited(rules.packetSize, protocolVersion),
          1,
          `packet of ${size} bytes, allowed are ${this.#maximumOf(firstByte >> 4)}`,
        );
      }
      this.#bodyStart = bodyStart;
      this.#end = start + size;
      return true;
    }
    throw new PacketError(
      ReasonCode.MalformedPacket,
      cited(rules.lengthBytesMax, protocolVersion),
      4,
      'remaining length of more than four bytes',
    );
  }

  #maximumOf(type: number): number {
    const { maximumPacketSize, maximumControlSize } = this;
    return type === PacketType.PUBLISH || maximumPacketSize < maximumControlSize
      ? maximumPacketSize
      : maximumControlSize;
  }

  /**
   * Keeps the beginning of a packet.
   *
   * @param size - of the packet; 0 when its fixed header is not complete
   */
  #keep(chunk: Uint8Array, start: number, size: number): void {
    this.#partialSize = size;
    this.#partialLength = 0;
    this.#append(chunk, start, chunk.length);
  }

  /** Adds bytes to the packet in `#partial`; returns the offset after the last one taken. */
  #append(chunk: Uint8Array, start: number, end: number): number {
    const needed = this.#partialLength + end - start;
    if (needed > this.#partial.length) {
      const declared = this.#partialSize === 0 ? HEADER_SIZE_MAX : this.#partialSize;
      const wanted = Math.max(needed, Math.min(declared, Math.max(PARTIAL_SIZE_MIN, needed * 2)));
      const grown = Buffer.allocUnsafe(wanted);
      grown.set(this.#partial.subarray(0, this.#partialLength));
      this.#partial = grown;
    }
    this.#partial.set(chunk.subarray(start, end), this.#partialLength);
    this.#partialLength = needed;
    return end;
  }

  /** Completes the packet in `#partial` from a chunk; returns how much of the chunk it took. */
  #complete(chunk: Uint8Array): number {
    let start = 0;
    while (this.#partialSize === 0) {
      if (this.#readHeader(this.#partial, 0, this.#partialLength)) {
        this.#partialSize = this.#end;
      } else {
        if (start === chunk.length) return start;
        start = this.#append(chunk, start, start + 1);
      }
    }
    const missing = this.#partialSize - this.#partialLength;
    const taken = Math.min(missing, chunk.length - start);
    start = this.#append(chunk, start, start + taken);
    if (taken < missing) return start;
    const packet = this.#partial;
    const size = this.#partialSize;
    this.#readHeader(packet, 0, size);
    this.#partial = EMPTY;
    this.#partialLength = 0;
    this.#partialSize = 0;
    if (!this.#sink.onFrame(packet, 0, this.#bodyStart, size)) this.#isStopped = true;
    return start;
  }
}
