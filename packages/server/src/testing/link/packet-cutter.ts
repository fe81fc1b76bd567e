import { decodePacket, type Packet, type ProtocolVersion, type Receiver } from '@promptmq/codec';

/** A packet as it goes over a connection. */
export interface Frame {
  /** From its fixed header to its end; nobody else changes them. */
  readonly bytes: Uint8Array;
  /** Null when it is no packet that can be read: malformed, or what comes after something malformed. */
  readonly packet: Packet | null;
  /** Of a PUBLISH, also where it says an alias instead; else null. */
  readonly topic: string | null;
}

/** Most bytes that say how long a packet is (§2.1.4). */
const LENGTH_BYTES_MAX = 4;

/**
 * Cuts a stream of bytes into packets. Unlike `PacketDecoder`, it keeps the bytes of each, and never refuses any: what can't
 * be read is passed on as it came, for its receiver to refuse.
 */
export class PacketCutter {
  /** Of the connection; a CONNECT that comes by changes it. */
  protocolVersion: ProtocolVersion;
  readonly #receiver: Receiver;
  readonly #sizeMax: number;
  readonly #aliases: Map<number, string>;
  #rest: Buffer;
  /** Nothing can be told apart any more. */
  #isLost: boolean;

  /** @param sizeMax - bytes; what says that it is larger is passed on at once, as its receiver doesn't wait for it either */
  constructor(receiver: Receiver, sizeMax = Number.POSITIVE_INFINITY) {
    this.protocolVersion = 4;
    this.#receiver = receiver;
    this.#sizeMax = sizeMax;
    this.#aliases = new Map();
    this.#rest = Buffer.alloc(0);
    this.#isLost = false;
  }

  /**
   * @param chunk - copied
   * @returns what is complete with it
   */
  push(chunk: Uint8Array): Frame[] {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    let start = 0;
    while (start < bytes.length) {
      const header = headerAt(bytes, start);
      if (header === 'incomplete') break;
      if (this.#isLost || header === 'malformed' || header.end - start > this.#sizeMax) {
        this.#isLost = true;
        frames.push({ bytes: bytes.subarray(start), packet: null, topic: null });
        start = bytes.length;
        break;
      }
      if (header.end > bytes.length) break;
      frames.push(this.#frame(bytes, start, header));
      start = header.end;
    }
    this.#rest = bytes.subarray(start);
    return frames;
  }

  #frame(bytes: Buffer, start: number, { bodyStart, end }: Header): Frame {
    const { protocolVersion } = this;
    let packet: Packet | null = null;
    try {
      packet = decodePacket(bytes, start, bodyStart, end, protocolVersion, this.#receiver);
      if (packet.cmd === 'connect') this.protocolVersion = packet.protocolVersion;
    } catch {
      // Its receiver says what is wrong with it.
    }
    return { bytes: bytes.subarray(start, end), packet, topic: this.#topicOf(packet) };
  }

  #topicOf(packet: Packet | null): string | null {
    if (packet?.cmd !== 'publish') return null;
    const alias = packet.properties?.topicAlias;
    if (alias === undefined) return packet.topic;
    if (packet.topic !== '') this.#aliases.set(alias, packet.topic);
    return this.#aliases.get(alias) ?? null;
  }
}

interface Header {
  readonly bodyStart: number;
  readonly end: number;
}

function headerAt(bytes: Buffer, start: number): Header | 'incomplete' | 'malformed' {
  let size = 0;
  for (let index = 0; index < LENGTH_BYTES_MAX; index++) {
    const byte = bytes[start + 1 + index];
    if (byte === undefined) return 'incomplete';
    size += (byte & 0x7f) << (7 * index);
    if (byte < 0x80) return { bodyStart: start + 2 + index, end: start + 2 + index + size };
  }
  return 'malformed';
}
