import type { Received, ReceivedPacket, Type } from './server-packet.ts';
import type { Version } from './version.ts';
import { BINARY, CODES, FOUR_BYTES, ONE_BYTE, PROPERTIES, TWO_BYTES, TYPES } from './vocabulary.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The broker broke a rule of the wire format. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/**
 * Reads the packet at the start of some bytes.
 *
 * @returns null while it isn't complete
 * @throws {WireError} when it is not what a server may send
 */
export function read(buffer: Uint8Array, version: Version): ReceivedPacket | null {
  let size = 0;
  let offset = 1;
  for (;;) {
    const byte = buffer[offset];
    if (byte === undefined) return null;
    size += (byte & 0x7f) * 128 ** (offset - 1);
    offset++;
    if (byte < 0x80) {
      if (byte === 0 && offset > 2) throw new WireError('remaining length is not minimal');
      break;
    }
    if (offset > 4) throw new WireError('remaining length of more than four bytes');
  }
  if (buffer.length < offset + size) return null;
  return new Reader(buffer, offset, offset + size, version).packet();
}

class Reader {
  readonly #buffer: Uint8Array;
  readonly #version: Version;
  #offset: number;
  #end: number;

  constructor(buffer: Uint8Array, offset: number, end: number, version: Version) {
    this.#buffer = buffer;
    this.#version = version;
    this.#offset = offset;
    this.#end = end;
  }

  packet(): ReceivedPacket {
    const firstByte = this.#buffer[0] as number;
    const type = TYPES[firstByte >> 4] ?? null;
    if (type === null || (type === 'auth' && this.#version < 5)) {
      throw new WireError(`packet type ${firstByte >> 4} from a server`);
    }
    const flags = firstByte & 0x0f;
    if (type !== 'publish' && flags !== (type === 'pubrel' ? 2 : 0)) {
      throw new WireError(`flags ${flags} of ${type}`);
    }
    const result = {
      type,
      size: this.#end,
      dup: type === 'publish' && (flags & 8) !== 0,
      qos: type === 'publish' ? (flags >> 1) & 3 : 0,
      retain: type === 'publish' && (flags & 1) !== 0,
      sessionPresent: false,
      id: 0,
      reasonCode: 0,
      reasonCodes: [] as number[],
      topic: '',
      payload: new Uint8Array(0),
      properties: [] as Received[],
    };
    this.#body(type, result);
    if (this.#offset !== this.#end) throw new WireError(`bytes after the end of ${type}`);
    return result;
  }

  #body(type: Type, result: Mutable<ReceivedPacket>): void {
    switch (type) {
      case 'connack':
        this.#connack(result);
        return;
      case 'publish':
        this.#publish(result);
        return;
      case 'suback':
      case 'unsuback':
        this.#granted(type, result);
        return;
      case 'pingresp':
        return;
      case 'disconnect':
      case 'auth':
        if (this.#version < 5) throw new WireError(`${type} from a server before MQTT 5`);
        this.#reason(type, result);
        return;
      default:
        result.id = this.#id();
        if (this.#version === 5) this.#reason(type, result);
    }
  }

  #connack(result: Mutable<ReceivedPacket>): void {
    const flags = this.#byte();
    if (flags > 1) throw new WireError('reserved flags of CONNACK');
    result.sessionPresent = flags === 1;
    result.reasonCode = this.#byte();
    if (this.#version === 5) {
      this.#checkCode('connack', result.reasonCode);
      result.properties = this.#properties('connack');
    } else if (result.reasonCode > 5) {
      throw new WireError('return code of CONNACK');
    }
  }

  #publish(result: Mutable<ReceivedPacket>): void {
    if (result.qos === 3) throw new WireError('QoS 3');
    if (result.qos === 0 && result.dup) throw new WireError('DUP at QoS 0');
    result.topic = this.#string();
    if (/[+#]/.test(result.topic)) throw new WireError('wildcard in a topic name');
    if (result.qos > 0) result.id = this.#id();
    if (this.#version === 5) result.properties = this.#properties('publish');
    if (result.topic === '' && !result.properties.some(({ id }) => id === 0x23)) {
      throw new WireError('neither topic nor alias');
    }
    result.payload = this.#rest();
  }

  #granted(type: 'suback' | 'unsuback', result: Mutable<ReceivedPacket>): void {
    result.id = this.#id();
    const isV5 = this.#version === 5;
    if (isV5) result.properties = this.#properties(type);
    if (!isV5 && type === 'unsuback') return;
    result.reasonCodes = [...this.#rest()];
    for (const code of result.reasonCodes) {
      if (isV5) this.#checkCode(type, code);
      else if (![0, 1, 2, 0x80].includes(code)) throw new WireError('return code of SUBACK');
    }
  }

  #rest(): Uint8Array {
    const rest = Uint8Array.from(this.#buffer.subarray(this.#offset, this.#end));
    this.#offset = this.#end;
    return rest;
  }

  #reason(type: Type, result: Mutable<ReceivedPacket>): void {
    if (this.#offset === this.#end) return;
    result.reasonCode = this.#byte();
    this.#checkCode(type, result.reasonCode);
    if (this.#offset < this.#end) result.properties = this.#properties(type);
  }

  #checkCode(type: Type, code: number): void {
    if (!CODES[type]?.includes(code)) {
      throw new WireError(`reason code 0x${code.toString(16)} in ${type}`);
    }
  }

  #properties(type: Type): Received[] {
    const length = this.#varint();
    const packetEnd = this.#end;
    const end = this.#offset + length;
    if (end > packetEnd) throw new WireError('property length');
    this.#end = end;
    const found: Received[] = [];
    while (this.#offset < end) {
      const id = this.#varint();
      if (!PROPERTIES[type]?.includes(id)) {
        throw new WireError(`property 0x${id.toString(16)} in ${type}`);
      }
      if (id !== 0x26 && id !== 0x0b && found.some((other) => other.id === id)) {
        throw new WireError(`property 0x${id.toString(16)} twice`);
      }
      found.push({ id, value: this.#value(id) });
    }
    this.#end = packetEnd;
    return found;
  }

  #value(id: number): Received['value'] {
    if (id === 0x26) return [this.#string(), this.#string()];
    if (id === 0x0b) return this.#varint();
    if (BINARY.includes(id)) return this.#field();
    if (ONE_BYTE.includes(id)) {
      const value = this.#byte();
      if (value > 1) throw new WireError(`value of property 0x${id.toString(16)}`);
      return value;
    }
    if (FOUR_BYTES.includes(id)) return this.#u16() * 0x1_0000 + this.#u16();
    if (TWO_BYTES.includes(id)) {
      const value = this.#u16();
      if (value === 0 && (id === 0x21 || id === 0x23)) throw new WireError('0 where it may not be');
      return value;
    }
    return this.#string();
  }

  #byte(): number {
    if (this.#offset >= this.#end) throw new WireError('packet is truncated');
    return this.#buffer[this.#offset++] as number;
  }

  #u16(): number {
    return this.#byte() * 256 + this.#byte();
  }

  #id(): number {
    const id = this.#u16();
    if (id === 0) throw new WireError('packet identifier 0');
    return id;
  }

  #varint(): number {
    let value = 0;
    for (let position = 0; position < 4; position++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 128 ** position;
      if (byte >= 0x80) continue;
      if (byte === 0 && position > 0) throw new WireError('variable byte integer is not minimal');
      return value;
    }
    throw new WireError('variable byte integer of more than four bytes');
  }

  #field(): Uint8Array {
    const length = this.#u16();
    if (this.#offset + length > this.#end) throw new WireError('field is truncated');
    this.#offset += length;
    return Uint8Array.from(this.#buffer.subarray(this.#offset - length, this.#offset));
  }

  #string(): string {
    const encoded = this.#field();
    if (encoded.includes(0)) throw new WireError('U+0000 in a string');
    try {
      return utf8.decode(encoded);
    } catch {
      throw new WireError('string is not valid UTF-8');
    }
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
