/**
 * MQTT packets as bytes, written out by hand, and a strict reader for what a broker sends. It shares no
 * code with any broker or codec, so that neither is its own judge.
 */

export type Version = 3 | 4 | 5;

/** A number is a byte, text is its UTF-8 bytes, lists are taken apart. */
export type Part = number | string | Uint8Array | readonly Part[];

export function bytes(...parts: readonly Part[]): Uint8Array {
  const chunks = parts.map((part) => {
    if (typeof part === 'number') return Uint8Array.of(part);
    if (typeof part === 'string') return new TextEncoder().encode(part);
    return part instanceof Uint8Array ? part : bytes(...part);
  });
  return Uint8Array.from(Buffer.concat(chunks));
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

export function u32(value: number): Uint8Array {
  return bytes(u16(value >>> 16), u16(value & 0xffff));
}

/** Variable Byte Integer (§1.5.5). */
export function varint(value: number): Uint8Array {
  const encoded: number[] = [];
  let rest = value;
  do {
    encoded.push(rest > 127 ? (rest & 0x7f) | 0x80 : rest);
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Uint8Array.from(encoded);
}

/** Text or bytes with their length before them (§1.5.4, §1.5.6). */
export function field(value: Part): Uint8Array {
  const encoded = bytes(value);
  return bytes(u16(encoded.length), encoded);
}

/** A packet with its remaining length worked out. */
export function packet(firstByte: number, ...parts: readonly Part[]): Uint8Array {
  const body = bytes(...parts);
  return bytes(firstByte, varint(body.length), body);
}

/** Properties with their length. */
export function properties(...parts: readonly Part[]): Uint8Array {
  const encoded = bytes(...parts);
  return bytes(varint(encoded.length), encoded);
}

/** §2.2.2.2, as functions of their value. */
export const property = {
  payloadFormat: (value: number): Part => [0x01, value],
  messageExpiry: (seconds: number): Part => [0x02, u32(seconds)],
  contentType: (value: Part): Part => [0x03, field(value)],
  responseTopic: (value: Part): Part => [0x08, field(value)],
  correlationData: (value: Part): Part => [0x09, field(value)],
  subscriptionIdentifier: (value: number): Part => [0x0b, varint(value)],
  sessionExpiry: (seconds: number): Part => [0x11, u32(seconds)],
  authenticationMethod: (value: Part): Part => [0x15, field(value)],
  authenticationData: (value: Part): Part => [0x16, field(value)],
  requestProblemInformation: (value: number): Part => [0x17, value],
  willDelay: (seconds: number): Part => [0x18, u32(seconds)],
  requestResponseInformation: (value: number): Part => [0x19, value],
  reasonString: (value: Part): Part => [0x1f, field(value)],
  receiveMaximum: (value: number): Part => [0x21, u16(value)],
  topicAliasMaximum: (value: number): Part => [0x22, u16(value)],
  topicAlias: (value: number): Part => [0x23, u16(value)],
  user: (key: Part, value: Part): Part => [0x26, field(key), field(value)],
  maximumPacketSize: (value: number): Part => [0x27, u32(value)],
} as const;

export interface ConnectOptions {
  readonly version?: Version;
  readonly clientId?: string;
  readonly clean?: boolean;
  readonly keepAlive?: number;
  readonly properties?: Part;
  readonly will?: {
    readonly topic: Part;
    readonly payload: Part;
    readonly qos?: number;
    readonly retain?: boolean;
    readonly properties?: Part;
  };
  readonly username?: Part;
  readonly password?: Part;
}

export function connect(options: ConnectOptions = {}): Uint8Array {
  const { version = 5, clean = true, keepAlive = 60, will, username, password } = options;
  const flags =
    (clean ? 0x02 : 0) |
    (will === undefined ? 0 : 0x04 | ((will.qos ?? 0) << 3) | (will.retain ? 0x20 : 0)) |
    (password === undefined ? 0 : 0x40) |
    (username === undefined ? 0 : 0x80);
  const parts: Part[] = [
    field(version === 3 ? 'MQIsdp' : 'MQTT'),
    version,
    flags,
    u16(keepAlive),
    version === 5 ? properties(options.properties ?? []) : [],
    field(options.clientId ?? ''),
  ];
  if (will !== undefined) {
    parts.push(version === 5 ? properties(will.properties ?? []) : []);
    parts.push(field(will.topic), field(will.payload));
  }
  if (username !== undefined) parts.push(field(username));
  if (password !== undefined) parts.push(field(password));
  return packet(0x10, ...parts);
}

export interface PublishOptions {
  readonly version?: Version;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly id?: number;
  readonly properties?: Part;
}

export function publish(topic: Part, payload: Part, options: PublishOptions = {}): Uint8Array {
  const { version = 5, qos = 0, retain = false, dup = false, id = 1 } = options;
  return packet(
    0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0),
    field(topic),
    qos > 0 ? u16(id) : [],
    version === 5 ? properties(options.properties ?? []) : [],
    payload,
  );
}

const ACKS = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;

/** An acknowledgement in its shortest form, or with a reason code. */
export function ack(type: keyof typeof ACKS, id: number, reasonCode?: number): Uint8Array {
  return packet(ACKS[type], u16(id), reasonCode === undefined ? [] : reasonCode);
}

export interface SubscribeOptions {
  readonly version?: Version;
  readonly id?: number;
  readonly properties?: Part;
}

/** Subscription options beside the QoS (§3.8.3.1). */
export const NO_LOCAL = 4;
export const AS_PUBLISHED = 8;
/** Retain handling: retained messages for new subscriptions only, or never. */
export const IF_NEW = 16;
export const NEVER = 32;

/** Filters with their options byte. */
export function subscribe(
  filters: readonly (readonly [Part, number])[],
  { version = 5, id = 1, ...options }: SubscribeOptions = {},
): Uint8Array {
  return packet(
    0x82,
    u16(id),
    version === 5 ? properties(options.properties ?? []) : [],
    filters.map(([filter, flags]) => [field(filter), flags]),
  );
}

export function unsubscribe(
  filters: readonly Part[],
  { version = 5, id = 1, ...options }: SubscribeOptions = {},
): Uint8Array {
  return packet(
    0xa2,
    u16(id),
    version === 5 ? properties(options.properties ?? []) : [],
    filters.map((filter) => field(filter)),
  );
}

export const pingreq = packet(0xc0);

export function disconnect(reasonCode?: number, props?: Part): Uint8Array {
  if (reasonCode === undefined) return packet(0xe0);
  return packet(0xe0, reasonCode, props === undefined ? [] : properties(props));
}

export function auth(reasonCode: number, props: Part = []): Uint8Array {
  return packet(0xf0, reasonCode, properties(props));
}

// ------------------------------------------------------------------------- reading

export type Type =
  | 'connack'
  | 'publish'
  | 'puback'
  | 'pubrec'
  | 'pubrel'
  | 'pubcomp'
  | 'suback'
  | 'unsuback'
  | 'pingresp'
  | 'disconnect'
  | 'auth';

/** A property that was received: its identifier and its value. */
export interface Received {
  readonly id: number;
  readonly value: number | string | Uint8Array | readonly [string, string];
}

/** A packet that a broker sent. Fields that its type doesn't have are 0, empty or false. */
export interface ReceivedPacket {
  readonly type: Type;
  readonly size: number;
  readonly dup: boolean;
  readonly qos: number;
  readonly retain: boolean;
  readonly sessionPresent: boolean;
  readonly id: number;
  readonly reasonCode: number;
  /** Of SUBACK and UNSUBACK. */
  readonly reasonCodes: readonly number[];
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly properties: readonly Received[];
}

const TYPES: readonly (Type | null)[] = [
  null,
  null,
  'connack',
  'publish',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  null,
  'suback',
  null,
  'unsuback',
  null,
  'pingresp',
  'disconnect',
  'auth',
];

/** What a server may send (§2.4): reason codes by packet, for MQTT 5. */
const CODES: Partial<Record<Type, readonly number[]>> = {
  connack: [
    0, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97,
    0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
  ],
  puback: [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrec: [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrel: [0, 0x92],
  pubcomp: [0, 0x92],
  suback: [0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  unsuback: [0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  disconnect: [
    0, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96,
    0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ],
  auth: [0, 0x18, 0x19],
};

/** Which properties a server may send with which packet, by identifier. */
const PROPERTIES: Partial<Record<Type, readonly number[]>> = {
  connack: [
    0x11, 0x12, 0x13, 0x15, 0x16, 0x1a, 0x1c, 0x1f, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29,
    0x2a,
  ],
  publish: [0x01, 0x02, 0x03, 0x08, 0x09, 0x0b, 0x23, 0x26],
  puback: [0x1f, 0x26],
  pubrec: [0x1f, 0x26],
  pubrel: [0x1f, 0x26],
  pubcomp: [0x1f, 0x26],
  suback: [0x1f, 0x26],
  unsuback: [0x1f, 0x26],
  disconnect: [0x1c, 0x1f, 0x26],
  auth: [0x15, 0x16, 0x1f, 0x26],
};

const ONE_BYTE: readonly number[] = [0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a];
const TWO_BYTES: readonly number[] = [0x13, 0x21, 0x22, 0x23];
const FOUR_BYTES: readonly number[] = [0x02, 0x11, 0x18, 0x27];
const BINARY: readonly number[] = [0x09, 0x16];

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
