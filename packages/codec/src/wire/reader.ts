import { PacketError } from './packet-error.ts';
import type { ProtocolVersion } from './packet-type.ts';
import { ReasonCode } from './reason-code.ts';
import { type DecodeLimits, NO_LIMITS, type Receiver } from './receiver.ts';
import { cited, type Rule, rules } from './rules.ts';
import { decodeUtf8, findInvalidUtf8 } from './utf8.ts';

const EMPTY = new Uint8Array(0);

/**
 * Reads the fields of one packet in order, and refuses what is truncated or malformed (§1.5). Whatever it
 * throws is a `PacketError`.
 *
 * Its methods, in this order: `begin` and `release`, what it knows of the packet (`isAtEnd`, `checks`), errors for others to
 * throw, fields, limits of the receiver.
 */
export class PacketReader {
  buffer: Uint8Array;
  /** Where the packet starts. */
  base: number;
  /** The next byte to be read. */
  offset: number;
  /** One past the last byte that may be read: of the packet, or of its properties while they are read. */
  end: number;
  /** Whose rules hold. CONNECT sets it, as it names its own. */
  version: ProtocolVersion;
  receiver: Receiver;
  limits: DecodeLimits;
  #userPropertyCount: number;
  #filterCount: number;

  constructor() {
    this.buffer = EMPTY;
    this.base = 0;
    this.offset = 0;
    this.end = 0;
    this.version = 5;
    this.receiver = 'either';
    this.limits = NO_LIMITS;
    this.#userPropertyCount = 0;
    this.#filterCount = 0;
  }

  /**
   * Begins with a packet. A reader may be used for one after the other.
   *
   * @param base - where the packet starts, for the offset in errors
   * @param start - where reading starts
   * @param end - one past the packet
   */
  begin(
    buffer: Uint8Array,
    base: number,
    start: number,
    end: number,
    version: ProtocolVersion,
    receiver: Receiver = 'either',
    limits: DecodeLimits = NO_LIMITS,
  ): this {
    this.buffer = buffer;
    this.base = base;
    this.offset = start;
    this.end = end;
    this.version = version;
    this.receiver = receiver;
    this.limits = limits;
    this.#userPropertyCount = 0;
    this.#filterCount = 0;
    return this;
  }

  /** Lets go of the packet's bytes. */
  release(): void {
    this.buffer = EMPTY;
  }

  get isAtEnd(): boolean {
    return this.offset === this.end;
  }

  /** Whether the version of the packet has a check. */
  checks(rule: Rule): boolean {
    return rule[this.version] !== null;
  }

  // ------------------------------------------------------------------------- errors

  /** An error at an offset in the buffer, by default that of the next byte. */
  error(
    reasonCode: number,
    rule: Rule | string,
    message: string,
    offset = this.offset,
  ): PacketError {
    const name = typeof rule === 'string' ? rule : cited(rule, this.version);
    return new PacketError(reasonCode, name, offset - this.base, message);
  }

  /** 0x81 */
  malformed(rule: Rule | string, message: string, offset = this.offset): PacketError {
    return this.error(ReasonCode.MalformedPacket, rule, message, offset);
  }

  /** 0x82 */
  violation(rule: Rule | string, message: string, offset = this.offset): PacketError {
    return this.error(ReasonCode.ProtocolError, rule, message, offset);
  }

  /** For the byte that was read last. */
  unknownReasonCode(rule: Rule | string): PacketError {
    return this.violation(rule, 'reason code that this packet does not have', this.offset - 1);
  }

  // ------------------------------------------------------------------------- fields

  byte(): number {
    this.#need(1);
    return this.buffer[this.offset++] as number;
  }

  /** §1.5.2 */
  uint16(): number {
    this.#need(2);
    const value =
      ((this.buffer[this.offset] as number) << 8) | (this.buffer[this.offset + 1] as number);
    this.offset += 2;
    return value;
  }

  /** §1.5.3 */
  uint32(): number {
    return this.uint16() * 0x1_0000 + this.uint16();
  }

  /** §1.5.5 */
  variableByteInteger(): number {
    const start = this.offset;
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0) {
        throw this.malformed('MQTT-1.5.5-1', 'variable byte integer is not minimal', start);
      }
      return value;
    }
    throw this.malformed('§1.5.5', 'variable byte integer of more than four bytes', start);
  }

  /** §1.5.6. A view into the buffer. */
  binary(): Uint8Array {
    const length = this.uint16();
    this.#need(length);
    const bytes = this.buffer.subarray(this.offset, this.offset + length);
    this.offset += length;
    return bytes;
  }

  /** §1.5.4 */
  string(rule: Rule | string = rules.utf8): string {
    const start = this.offset + 2;
    this.skipString(rule);
    return decodeUtf8(this.buffer, start, this.offset);
  }

  /** Checks a string without making one. */
  skipString(rule: Rule | string = rules.utf8): void {
    const length = this.uint16();
    this.#need(length);
    const end = this.offset + length;
    const invalidAt = findInvalidUtf8(this.buffer, this.offset, end);
    if (invalidAt !== -1) {
      const isNull = this.buffer[invalidAt] === 0;
      throw this.malformed(isNull ? rules.utf8Null : rule, 'string is not valid UTF-8', invalidAt);
    }
    this.offset = end;
  }

  /** A packet identifier: never 0 [MQTT-2.2.1-3], 3.1.1 [MQTT-2.3.1-1]. */
  packetId(): number {
    const packetId = this.uint16();
    if (packetId === 0) {
      throw this.violation(rules.packetId0, 'packet identifier 0', this.offset - 2);
    }
    return packetId;
  }

  /**
   * A reason code (§2.4).
   *
   * @param allowed - those that the packet has
   * @param rule - says so
   */
  reasonCode(allowed: readonly number[], rule: Rule | string): number {
    const reasonCode = this.byte();
    if (!allowed.includes(reasonCode)) throw this.unknownReasonCode(rule);
    return reasonCode;
  }

  /** Reason codes up to the end. */
  reasonCodes(allowed: readonly number[], rule: Rule | string): number[] {
    const codes: number[] = [];
    while (!this.isAtEnd) codes.push(this.reasonCode(allowed, rule));
    return codes;
  }

  /** Everything up to the end, as a view. */
  rest(): Uint8Array {
    const bytes = this.buffer.subarray(this.offset, this.end);
    this.offset = this.end;
    return bytes;
  }

  expectEnd(): void {
    if (this.offset !== this.end) {
      throw this.malformed(rules.bytesAfterBody, 'bytes after the end of the packet');
    }
  }

  #need(size: number): void {
    if (this.offset + size > this.end) throw this.malformed(rules.truncated, 'packet is truncated');
  }

  // ------------------------------------------------------------------------- limits

  /** Properties of a size in bytes are about to be read. */
  beginProperties(size: number): void {
    this.#userPropertyCount = 0;
    const { maxPropertiesSize } = this.limits;
    if (size <= maxPropertiesSize) return;
    const message = `properties of ${size} bytes, allowed are ${maxPropertiesSize}`;
    throw this.error(ReasonCode.QuotaExceeded, '§2.2.2', message);
  }

  /** One more user property is about to be read. */
  countUserProperty(): void {
    this.#userPropertyCount++;
    const { maxUserProperties } = this.limits;
    if (this.#userPropertyCount <= maxUserProperties) return;
    const message = `more than ${maxUserProperties} user properties`;
    throw this.error(ReasonCode.QuotaExceeded, '§2.2.2', message);
  }

  /** One more topic filter is about to be read. */
  countFilter(): void {
    this.#filterCount++;
    const { maxFiltersPerPacket } = this.limits;
    if (this.#filterCount <= maxFiltersPerPacket) return;
    const message = `more than ${maxFiltersPerPacket} topic filters`;
    throw this.error(ReasonCode.QuotaExceeded, '§4.13', message);
  }
}
