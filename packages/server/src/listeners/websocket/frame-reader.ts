/** Close codes (RFC 6455, 7.4.1). */
export const CloseCode = {
  Normal: 1000,
  ProtocolError: 1002,
  UnsupportedData: 1003,
  MessageTooBig: 1009,
} as const;

export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

/** The first of the reserved bits: the message is compressed. */
const RSV1 = 0x40;

const CONTROL_BYTES_MAX = 125;
const HEADER_BYTES_MAX = 14;

/** From this many bytes on, payload is handed on where it is, and unmasked four bytes at a time. */
const LARGE_BYTES_MIN = 1024;

/** What a frame reader reports; each method is called while a chunk is read. */
export interface FrameReaderHandler {
  /** The largest frame that is taken now; asked at its header, before any of its payload. */
  readonly frameBytesMax: number;
  /** Payload of binary frames, in order; one call for each chunk. The bytes are the handler's from now on. */
  onPayload(bytes: Uint8Array): void;
  /** Whether messages may be compressed (RFC 7692). */
  readonly takesDeflated: boolean;
  /** Payload of a compressed message, in order; the bytes are the reader's when this returns. */
  onDeflated(bytes: Uint8Array): void;
  /** A compressed message has come whole. */
  onDeflatedEnd(): void;
  onPing(payload: Uint8Array): void;
  /** The peer's Close frame: the last that is read. */
  onCloseFrame(payload: Uint8Array): void;
  /** The peer broke a rule: nothing more is read. */
  onViolation(code: CloseCode, why: string): void;
}

/**
 * Reads the WebSocket frames that a client sends (RFC 6455, 5), as a stream: MQTT packets may be anywhere in frames
 * [MQTT-6.0.0-2], so none is held until it is whole. Payloads are unmasked in place and moved together, so that a chunk
 * of many small frames is handed on as one.
 */
export class FrameReader {
  readonly #handler: FrameReaderHandler;
  /** Of the frame that is being read: its header as far as it has come. */
  readonly #header: Uint8Array;
  #headerLength: number;
  /** Bytes of payload that are still to come; -1 while the header isn't whole. */
  #rest: number;
  /** Where in the mask the next byte of payload is. */
  #maskIndex: number;
  /** Payload of a control frame, as far as it has come. */
  readonly #control: Uint8Array;
  #controlLength: number;
  /** Whether a message has begun that is continued by the next data frame. */
  #isFragmented: boolean;
  /** Whether that message is compressed, or the last one was. */
  #isDeflated: boolean;
  /** Bytes of it that its frames have announced. */
  #deflatedBytes: number;
  /** Where in the chunk the payload is that has not been handed on. */
  #dataStart: number;
  #dataEnd: number;
  #isOver: boolean;

  constructor(handler: FrameReaderHandler) {
    this.#handler = handler;
    this.#header = new Uint8Array(HEADER_BYTES_MAX);
    this.#headerLength = 0;
    this.#rest = -1;
    this.#maskIndex = 0;
    this.#control = new Uint8Array(CONTROL_BYTES_MAX);
    this.#controlLength = 0;
    this.#isFragmented = false;
    this.#isDeflated = false;
    this.#deflatedBytes = 0;
    this.#dataStart = 0;
    this.#dataEnd = 0;
    this.#isOver = false;
  }

  /** @param chunk - the reader's from now on */
  push(chunk: Uint8Array): void {
    let offset = 0;
    this.#dataStart = 0;
    this.#dataEnd = 0;
    while (offset < chunk.length && !this.#isOver) {
      if (this.#rest === -1) {
        this.#header[this.#headerLength++] = chunk[offset++] as number;
        const refusal = this.#isHeaderWhole() ? this.#begin() : null;
        if (refusal !== null) {
          this.#handOn(chunk);
          this.#violate(refusal);
        }
      } else {
        const end = Math.min(chunk.length, offset + this.#rest);
        this.#take(chunk, offset, end);
        this.#rest -= end - offset;
        offset = end;
      }
      if (this.#rest === 0) this.#endFrame(chunk);
    }
    if (!this.#isOver) this.#handOn(chunk);
  }

  /** Takes payload: that of small frames is moved together, so that all of a chunk is handed on at once. */
  #take(chunk: Uint8Array, start: number, end: number): void {
    if (this.#isControl()) {
      this.#controlLength = this.#unmask(chunk, start, end, this.#control, this.#controlLength);
    } else if (this.#isDeflated) {
      this.#handOn(chunk);
      this.#unmask(chunk, start, end, chunk, start);
      this.#dataStart = end;
      this.#dataEnd = end;
      this.#handler.onDeflated(chunk.subarray(start, end));
    } else if (end - start < LARGE_BYTES_MIN) {
      this.#dataEnd = this.#unmask(chunk, start, end, chunk, this.#dataEnd);
    } else {
      this.#handOn(chunk);
      this.#dataStart = start;
      this.#dataEnd = this.#unmaskLarge(chunk, start, end);
    }
  }

  #handOn(chunk: Uint8Array): void {
    if (this.#dataEnd === this.#dataStart) return;
    this.#handler.onPayload(chunk.subarray(this.#dataStart, this.#dataEnd));
  }

  // ---------------------------------------------------------------------- headers

  /** FIN, RSV1 to 3, opcode; MASK, size; more of the size; mask. */
  #headerSize(): number {
    const size = (this.#header[1] as number) & 0x7f;
    return 6 + (size < 126 ? 0 : size === 126 ? 2 : 8);
  }

  #isHeaderWhole(): boolean {
    if (this.#headerLength < 2) return false;
    const isMasked = (this.#header[1] as number) >= 0x80;
    return !isMasked || this.#headerLength === this.#headerSize();
  }

  #opcode(): number {
    return (this.#header[0] as number) & 0x0f;
  }

  #isControl(): boolean {
    return this.#opcode() >= Opcode.Close;
  }

  /** A header has come whole: begins its payload, or says why not. */
  #begin(): Violation | null {
    const [first = 0, second = 0] = this.#header;
    const isFinal = first >= 0x80;
    if ((first & 0x70) !== 0 && !this.#mayBeDeflated(first)) return broken('reserved bits are set');
    if (second < 0x80) return broken('a frame is not masked');
    const size = this.#size();
    if (this.#isControl()) {
      if (this.#opcode() > Opcode.Pong) return broken('an unknown opcode');
      if (!isFinal) return broken('a control frame is fragmented');
      if (size > CONTROL_BYTES_MAX) return broken('a control frame has over 125 bytes');
      this.#controlLength = 0;
    } else {
      const refusal = this.#beginData(first, size, isFinal);
      if (refusal !== null) return refusal;
    }
    this.#rest = size;
    this.#maskIndex = 0;
    return null;
  }

  #beginData(first: number, size: number, isFinal: boolean): Violation | null {
    if (this.#opcode() === Opcode.Text) {
      // [MQTT-6.0.0-1]
      return {
        code: CloseCode.UnsupportedData,
        why: 'a text frame: MQTT takes binary ones only',
      };
    }
    if (this.#opcode() > Opcode.Binary) return broken('an unknown opcode');
    const continues = this.#opcode() === Opcode.Continuation;
    if (continues !== this.#isFragmented)
      return broken('a message begins or continues out of turn');
    this.#isFragmented = !isFinal;
    if (!continues) {
      this.#isDeflated = (first & RSV1) !== 0;
      this.#deflatedBytes = 0;
    }
    const { frameBytesMax } = this.#handler;
    // What is compressed is kept until it is whole.
    if (this.#isDeflated) this.#deflatedBytes += size;
    if (size > frameBytesMax || this.#deflatedBytes > frameBytesMax) {
      const why = `a frame of ${size} bytes, ${frameBytesMax} are allowed`;
      return { code: CloseCode.MessageTooBig, why };
    }
    return null;
  }

  /** Only the first frame of a message with data says whether it is compressed. */
  #mayBeDeflated(first: number): boolean {
    return (first & 0x7f) === (RSV1 | Opcode.Binary) && this.#handler.takesDeflated;
  }

  #size(): number {
    const header = this.#header;
    const short = (header[1] as number) & 0x7f;
    if (short < 126) return short;
    const end = short === 126 ? 4 : 10;
    let size = 0;
    for (let index = 2; index < end; index++) size = size * 256 + (header[index] as number);
    return size;
  }

  // --------------------------------------------------------------------- payloads

  /** Unmasks `source[start, end)` to `target` from `to`, which is not after it; returns its end there. */
  #unmask(source: Uint8Array, start: number, end: number, target: Uint8Array, to: number): number {
    const header = this.#header;
    const maskStart = this.#headerSize() - 4;
    const first = this.#maskIndex;
    const a = header[maskStart + (first & 3)] as number;
    const b = header[maskStart + ((first + 1) & 3)] as number;
    const c = header[maskStart + ((first + 2) & 3)] as number;
    const d = header[maskStart + ((first + 3) & 3)] as number;
    let offset = start;
    let out = to;
    for (; offset + 4 <= end; offset += 4, out += 4) {
      target[out] = (source[offset] as number) ^ a;
      target[out + 1] = (source[offset + 1] as number) ^ b;
      target[out + 2] = (source[offset + 2] as number) ^ c;
      target[out + 3] = (source[offset + 3] as number) ^ d;
    }
    for (let index = first; offset < end; offset++, out++, index++) {
      target[out] = (source[offset] as number) ^ (header[maskStart + (index & 3)] as number);
    }
    this.#maskIndex = (first + end - start) & 3;
    return out;
  }

  /** Unmasks in place, four bytes at a time from where memory is aligned; returns `end`. */
  #unmaskLarge(chunk: Uint8Array, start: number, end: number): number {
    const first = (start + 3 - ((chunk.byteOffset + start + 3) & 3)) | 0;
    const last = first + ((end - first) & ~3);
    this.#unmask(chunk, start, first, chunk, start);
    const words = new Uint32Array(chunk.buffer, chunk.byteOffset + first, (last - first) >> 2);
    const mask = this.#maskWord();
    for (let index = 0; index < words.length; index++)
      words[index] = (words[index] as number) ^ mask;
    return this.#unmask(chunk, last, end, chunk, last);
  }

  /** The next four bytes of the mask, as they lie in memory. */
  #maskWord(): number {
    const maskStart = this.#headerSize() - 4;
    const bytes = [0, 1, 2, 3].map(
      (index) => this.#header[maskStart + ((this.#maskIndex + index) & 3)] as number,
    );
    return new Uint32Array(Uint8Array.from(bytes).buffer)[0] as number;
  }

  /** A frame has come whole. */
  #endFrame(chunk: Uint8Array): void {
    this.#rest = -1;
    this.#headerLength = 0;
    if (this.#isDeflated && !this.#isControl() && !this.#isFragmented)
      this.#handler.onDeflatedEnd();
    if (this.#opcode() === Opcode.Ping) this.#handler.onPing(this.#controlPayload());
    if (this.#opcode() !== Opcode.Close) return;
    this.#handOn(chunk);
    this.#isOver = true;
    const payload = this.#controlPayload();
    if (payload.length === 1) this.#violate(broken('a close code of one byte'));
    else this.#handler.onCloseFrame(payload);
  }

  #controlPayload(): Uint8Array {
    return this.#control.slice(0, this.#controlLength);
  }

  #violate({ code, why }: Violation): void {
    this.#isOver = true;
    this.#handler.onViolation(code, why);
  }
}

interface Violation {
  readonly code: CloseCode;
  readonly why: string;
}

function broken(why: string): Violation {
  return { code: CloseCode.ProtocolError, why: `${why} (RFC 6455)` };
}

/** A frame without mask, as servers send them, of at most 125 bytes of payload. */
export function controlFrame(opcode: 'close' | 'pong', payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(2 + payload.length);
  frame[0] = 0x80 | (opcode === 'close' ? Opcode.Close : Opcode.Pong);
  frame[1] = payload.length;
  frame.set(payload, 2);
  return frame;
}

/** A Close frame with its code. */
export function closeFrame(code: CloseCode): Buffer {
  return controlFrame('close', Uint8Array.of(code >> 8, code & 0xff));
}
