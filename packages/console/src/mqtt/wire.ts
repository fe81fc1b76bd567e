/** Reads and writes the kinds of fields that MQTT has (§1.5), for browsers: without Buffer. */

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** What isn't MQTT, or stops in the middle. */
export class WireError extends Error {}

/** Collects the bytes of a packet. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  byte(value: number): this {
    this.#bytes.push(value & 0xff);
    return this;
  }

  uint16(value: number): this {
    return this.byte(value >> 8).byte(value);
  }

  uint32(value: number): this {
    return this.uint16(value >>> 16).uint16(value & 0xffff);
  }

  /** Variable Byte Integer (§1.5.5). */
  varint(value: number): this {
    if (value > 268_435_455) throw new WireError('too long for a packet of MQTT');
    let rest = value;
    do {
      const low = rest % 128;
      rest = Math.floor(rest / 128);
      this.byte(rest > 0 ? low | 0x80 : low);
    } while (rest > 0);
    return this;
  }

  raw(bytes: Uint8Array): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  /** With its length before it (§1.5.6). */
  binary(bytes: Uint8Array): this {
    if (bytes.length > 0xffff) throw new WireError('longer than 65,535 bytes');
    return this.uint16(bytes.length).raw(bytes);
  }

  /** @throws {WireError} where it is too long, or has U+0000 (§1.5.4) */
  text(value: string): this {
    if (value.includes('\0')) throw new WireError('has a U+0000, which MQTT does not allow');
    return this.binary(encoder.encode(value));
  }

  get length(): number {
    return this.#bytes.length;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes);
  }
}

/** Reads one packet from its variable header on. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  /** @param bytes - not copied: what is read of them are views */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#offset];
    if (value === undefined) throw new WireError('a packet stops in the middle');
    this.#offset++;
    return value;
  }

  uint16(): number {
    return this.byte() * 256 + this.byte();
  }

  uint32(): number {
    return this.uint16() * 65_536 + this.uint16();
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2_097_152; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new WireError('a length of more than four bytes');
  }

  take(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new WireError('a packet stops in the middle');
    const taken = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }

  binary(): Uint8Array {
    return this.take(this.uint16());
  }

  /** One for a part of it. */
  sub(length: number): ByteReader {
    return new ByteReader(this.take(length));
  }

  text(): string {
    try {
      return decoder.decode(this.binary());
    } catch {
      throw new WireError('a text that is no UTF-8');
    }
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#offset);
  }
}
