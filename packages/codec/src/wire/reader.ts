import type { ProtocolVersion } from '../packets.ts';
import { type DecodeLimits, NO_LIMITS } from './decode-limits.ts';
import { PacketError } from './packet-error.ts';
import { ReasonCode } from './reason-code.ts';
import { cited, type Rule, rules } from './rules.ts';
import { decodeUtf8, findInvalidUtf8 } from './utf8.ts';

/**
 * Reads the fields of one packet in order, refusing what is truncated or malformed (§1.5). For packets
 * off the hot path: it makes strings and views.
 */
export class PacketReader {
  readonly buffer: Uint8Array;
  /** Where the packet starts. */
  readonly base: number;
  offset: number;
  end: number;
  readonly limits: DecodeLimits;
  /** User properties that have been read. */
  userProperties: number;
  /** Whose rules hold. */
  version: ProtocolVersion;

  /** @param base - where the packet starts, for the offset in errors */
  constructor(
    buffer: Uint8Array,
    base: number,
    start: number,
    end: number,
    version: ProtocolVersion,
    limits: DecodeLimits = NO_LIMITS,
  ) {
    this.buffer = buffer;
    this.version = version;
    this.base = base;
    this.offset = start;
    this.end = end;
    this.limits = limits;
    this.userProperties = 0;
  }

  /** Checks the length of properties, which was read last. */
  checkPropertiesSize(size: number): void {
    this.userProperties = 0;
    const { maxPropertiesSize } = this.limits;
    if (size > maxPropertiesSize) {
      throw this.error(
        ReasonCode.QuotaExceeded,
        '§2.2.2',
        `properties of ${size} bytes, allowed are ${maxPropertiesSize}`,
      );
    }
  }

  /** One more user property is about to be read. */
  countUserProperty(): void {
    this.userProperties++;
    const { maxUserProperties } = this.limits;
    if (this.userProperties > maxUserProperties) {
      throw this.error(
        ReasonCode.QuotaExceeded,
        '§2.2.2',
        `more than ${maxUserProperties} user properties`,
      );
    }
  }

  get isAtEnd(): boolean {
    return this.offset === this.end;
  }

  /** Whether the version of the packet has a check. */
  checks(rule: Rule): boolean {
    return rule[this.version] !== null;
  }

  /** An error at `offset`, or where the reader stands. */
  error(
    reasonCode: number,
    rule: Rule | string,
    message: string,
    offset = this.offset,
  ): PacketError {
    const name = typeof rule === 'string' ? rule : cited(rule, this.version);
    return new PacketError(reasonCode, name, offset - this.base, message);
  }

  malformed(rule: Rule | string, message: string, offset = this.offset): PacketError {
    return this.error(ReasonCode.MalformedPacket, rule, message, offset);
  }

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

  /** §1.5.6. A view. */
  binary(): Uint8Array {
    const length = this.uint16();
    this.#need(length);
    const bytes = this.buffer.subarray(this.offset, this.offset + length);
    this.offset += length;
    return bytes;
  }

  /** §1.5.4 */
  string(rule: Rule | string = rules.utf8): string {
    const length = this.uint16();
    this.#need(length);
    const start = this.offset;
    const end = start + length;
    const invalidAt = findInvalidUtf8(this.buffer, start, end);
    if (invalidAt !== -1) {
      const isNull = this.buffer[invalidAt] === 0;
      throw this.malformed(isNull ? rules.utf8Null : rule, 'string is not valid UTF-8', invalidAt);
    }
    this.offset = end;
    return decodeUtf8(this.buffer, start, end);
  }

  /** A packet identifier: never 0 [MQTT-2.2.1-3], 3.1.1 [MQTT-2.3.1-1]. */
  packetId(): number {
    const packetId = this.uint16();
    if (packetId === 0) {
      throw this.error(
        ReasonCode.ProtocolError,
        rules.packetId0,
        'packet identifier 0',
        this.offset - 2,
      );
    }
    return packetId;
  }

  /** Everything up to the end, as a view. */
  rest(): Uint8Array {
    const bytes = this.buffer.subarray(this.offset, this.end);
    this.offset = this.end;
    return bytes;
  }

  expectEnd(): void {
    if (this.offset !== this.end) {
      throw this.malformed(rules.bytesBehindBody, 'bytes after the end of the packet');
    }
  }

  #need(size: number): void {
    if (this.offset + size > this.end) throw this.malformed(rules.truncated, 'packet is truncated');
  }
}
