import { type Properties, readProperties, writeProperties } from './properties.ts';
import { ByteReader, ByteWriter } from './wire.ts';

/** Packets of MQTT 5 that a client sends (§3). */
export interface ConnectFields {
  readonly clientId: string;
  readonly userName: string | null;
  readonly password: string | null;
  readonly cleanStart: boolean;
  /** Seconds; 0 for none. */
  readonly keepAlive: number;
  readonly properties: Properties;
  readonly will: Message | null;
}

/** A message, in either direction. */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly properties: Properties;
}

/** One filter of a SUBSCRIBE (§3.8.3). */
export interface Subscription {
  readonly filter: string;
  readonly qos: 0 | 1 | 2;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
}

/** Packets that a broker sends. */
export type Received =
  | {
      readonly type: 'connack';
      readonly sessionPresent: boolean;
      readonly reasonCode: number;
      readonly properties: Properties;
    }
  | (Message & {
      readonly type: 'publish';
      readonly duplicate: boolean;
      readonly packetId: number | null;
    })
  | {
      readonly type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
      readonly packetId: number;
      readonly reasonCode: number;
      readonly properties: Properties;
    }
  | {
      readonly type: 'suback' | 'unsuback';
      readonly packetId: number;
      readonly reasonCodes: readonly number[];
      readonly properties: Properties;
    }
  | { readonly type: 'pingresp' }
  | { readonly type: 'disconnect'; readonly reasonCode: number; readonly properties: Properties }
  | { readonly type: 'other'; readonly typeNumber: number };

const ACKNOWLEDGEMENTS = { puback: 4, pubrec: 5, pubrel: 6, pubcomp: 7 } as const;
export type Acknowledgement = keyof typeof ACKNOWLEDGEMENTS;

/** §3.1 */
export function encodeConnect(fields: ConnectFields): Uint8Array<ArrayBuffer> {
  const { clientId, userName, password, cleanStart, keepAlive, properties, will } = fields;
  const flags =
    (userName === null ? 0 : 0x80) |
    (password === null ? 0 : 0x40) |
    (will === null ? 0 : 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0)) |
    (cleanStart ? 0x02 : 0);
  const body = new ByteWriter().text('MQTT').byte(5).byte(flags).uint16(keepAlive);
  writeProperties(body, properties);
  body.text(clientId);
  if (will !== null) {
    writeProperties(body, will.properties);
    body.text(will.topic).binary(will.payload);
  }
  if (userName !== null) body.text(userName);
  if (password !== null) body.binary(new TextEncoder().encode(password));
  return packet(0x10, body);
}

/** §3.3; `packetId` is null at QoS 0 */
export function encodePublish(
  { topic, payload, qos, retain, properties }: Message,
  packetId: number | null,
): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter().text(topic);
  if (packetId !== null) body.uint16(packetId);
  writeProperties(body, properties);
  // The payload is put behind, as it may be large.
  return packet(0x30 | (qos << 1) | (retain ? 1 : 0), body, payload);
}

/** §3.8 */
export function encodeSubscribe(
  packetId: number,
  { filter, qos, noLocal, retainAsPublished, retainHandling }: Subscription,
  properties: Properties,
): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter().uint16(packetId);
  writeProperties(body, properties);
  const options = qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4);
  return packet(0x82, body.text(filter).byte(options));
}

/** §3.10 */
export function encodeUnsubscribe(packetId: number, filter: string): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter().uint16(packetId);
  writeProperties(body, {});
  return packet(0xa2, body.text(filter));
}

/** §3.4 to §3.7, always with success */
export function encodeAcknowledgement(
  type: Acknowledgement,
  packetId: number,
): Uint8Array<ArrayBuffer> {
  const first = (ACKNOWLEDGEMENTS[type] << 4) | (type === 'pubrel' ? 2 : 0);
  return packet(first, new ByteWriter().uint16(packetId));
}

/** §3.12 */
export const PINGREQ = Uint8Array.of(0xc0, 0);

/** §3.14, normal */
export const DISCONNECT = Uint8Array.of(0xe0, 0);

function packet(
  first: number,
  body: ByteWriter,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const head = new ByteWriter().byte(first).varint(body.length + payload.length);
  const bytes = new Uint8Array(head.length + body.length + payload.length);
  bytes.set(head.bytes());
  bytes.set(body.bytes(), head.length);
  bytes.set(payload, head.length + body.length);
  return bytes;
}

/** Cuts what arrives into packets, however it comes in pieces. */
export class PacketStream {
  #pending: Uint8Array = new Uint8Array(0);

  /**
   * @returns the packets that are complete now
   * @throws {WireError} what came is no MQTT: the connection is of no use any more
   */
  push(chunk: Uint8Array): Received[] {
    let bytes = chunk;
    if (this.#pending.length > 0) {
      bytes = new Uint8Array(this.#pending.length + chunk.length);
      bytes.set(this.#pending);
      bytes.set(chunk, this.#pending.length);
    }
    const packets: Received[] = [];
    let start = 0;
    for (;;) {
      const header = headerAt(bytes, start);
      if (header === null || bytes.length < header.end) break;
      packets.push(decode(header.first, bytes.subarray(header.bodyStart, header.end)));
      start = header.end;
    }
    this.#pending = bytes.slice(start);
    return packets;
  }
}

/** Null while its length isn't complete. */
function headerAt(bytes: Uint8Array, start: number) {
  const lengthBytes = bytes.subarray(start + 1, start + 5);
  const last = lengthBytes.findIndex((byte) => byte < 0x80);
  if (last === -1 && lengthBytes.length < 4) return null;
  const bodyStart = start + 1 + (last === -1 ? 4 : last + 1);
  const length = new ByteReader(lengthBytes).varint();
  return { first: bytes[start] as number, bodyStart, end: bodyStart + length };
}

/** @param body - what follows the fixed header; the payload of a PUBLISH is copied */
function decode(first: number, body: Uint8Array): Received {
  const reader = new ByteReader(body);
  const typeNumber = first >> 4;
  switch (typeNumber) {
    case 2: {
      const sessionPresent = (reader.byte() & 1) === 1;
      return { type: 'connack', sessionPresent, ...reasonOf(reader) };
    }
    case 3:
      return publishOf(first, reader);
    case 4:
      return { type: 'puback', packetId: reader.uint16(), ...reasonOf(reader) };
    case 5:
      return { type: 'pubrec', packetId: reader.uint16(), ...reasonOf(reader) };
    case 6:
      return { type: 'pubrel', packetId: reader.uint16(), ...reasonOf(reader) };
    case 7:
      return { type: 'pubcomp', packetId: reader.uint16(), ...reasonOf(reader) };
    case 9:
    case 11: {
      const packetId = reader.uint16();
      const properties = readProperties(reader);
      const reasonCodes = [...reader.rest()];
      return { type: typeNumber === 9 ? 'suback' : 'unsuback', packetId, reasonCodes, properties };
    }
    case 13:
      return { type: 'pingresp' };
    case 14:
      return { type: 'disconnect', ...reasonOf(reader) };
    default:
      return { type: 'other', typeNumber };
  }
}

function publishOf(first: number, reader: ByteReader): Received {
  const qos = ((first >> 1) & 3) as 0 | 1 | 2;
  const topic = reader.text();
  const packetId = qos === 0 ? null : reader.uint16();
  const properties = readProperties(reader);
  return {
    type: 'publish',
    topic,
    qos,
    packetId,
    properties,
    payload: reader.rest().slice(),
    retain: (first & 1) === 1,
    duplicate: (first & 8) !== 0,
  };
}

/** Reason code and properties, which may be left out when all is well (§3.4.2.1). */
function reasonOf(reader: ByteReader) {
  const reasonCode = reader.isAtEnd ? 0 : reader.byte();
  return { reasonCode, properties: reader.isAtEnd ? {} : readProperties(reader) };
}
