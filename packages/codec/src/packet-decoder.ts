import { FrameDecoder } from './frame-decoder.ts';
import type { Packet } from './packet.ts';
import { readAck } from './packets/ack.ts';
import { readAuth } from './packets/auth.ts';
import { readConnack } from './packets/connack.ts';
import { readConnect } from './packets/connect.ts';
import { readDisconnect } from './packets/disconnect.ts';
import { readPingreq, readPingresp } from './packets/ping.ts';
import { PublishView } from './packets/publish-view.ts';
import { readSuback, readSubscribe } from './packets/subscribe.ts';
import { readUnsuback, readUnsubscribe } from './packets/unsubscribe.ts';
import { PacketType, type ProtocolVersion } from './wire/packet-type.ts';
import { PacketReader } from './wire/reader.ts';
import { type DecodeLimits, NO_LIMITS, type Receiver } from './wire/receiver.ts';
import { rules } from './wire/rules.ts';

const { CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType;
const { SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT } = PacketType;

/** The packet types that a receiver never gets, as only its own side sends them. */
const SENT_BY: Readonly<Record<Receiver, readonly number[]>> = {
  server: [CONNACK, SUBACK, UNSUBACK, PINGRESP],
  client: [CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ],
  either: [],
};

/** Whose stream is decoded, and how large its packets may be. */
export interface PacketDecoderOptions {
  /** Of the connection, 4 by default; a CONNECT that is decoded changes it. */
  readonly protocolVersion?: ProtocolVersion;
  /** Who reads, `server` by default; `either` for what is in between. */
  readonly receiver?: Receiver;
  /** Bytes, fixed header included; what the protocol allows by default. */
  readonly maximumPacketSize?: number;
}

/** A stream of bytes to packets as objects: for clients, tools and tests. */
export class PacketDecoder {
  readonly #frames: FrameDecoder;
  #packets: Packet[];

  constructor(options: PacketDecoderOptions = {}) {
    const receiver = options.receiver ?? 'server';
    this.#packets = [];
    this.#frames = new FrameDecoder(
      {
        onFrame: (buffer, start, bodyStart, end) => {
          const { protocolVersion } = this;
          const packet = decodePacket(buffer, start, bodyStart, end, protocolVersion, receiver);
          if (packet.cmd === 'connect') this.protocolVersion = packet.protocolVersion;
          this.#packets.push(packet);
          return true;
        },
      },
      { ...options, protocolVersion: options.protocolVersion ?? 4 },
    );
  }

  /** Of the connection; who reads what a server sends sets it to the version of the CONNECT. */
  get protocolVersion(): ProtocolVersion {
    return this.#frames.protocolVersion as ProtocolVersion;
  }

  set protocolVersion(version: ProtocolVersion) {
    this.#frames.protocolVersion = version;
  }

  /** Bytes of a packet that is not complete yet. */
  get bufferedBytes(): number {
    return this.#frames.bufferedBytes;
  }

  /**
   * Takes the next bytes of the stream.
   *
   * @param chunk - must not change afterwards: payloads are views into it
   * @returns the packets that are complete with it
   * @throws {PacketError} for a packet that is refused; the packets before it are lost with it
   */
  push(chunk: Uint8Array): Packet[] {
    this.#packets = [];
    this.#frames.push(chunk);
    return this.#packets;
  }
}

/**
 * Decodes one packet, `buffer[start, end)`, as `FrameDecoder` passes it on.
 *
 * @param bodyStart - the first byte after the fixed header
 * @param version - of the connection; CONNECT says its own
 * @param limits - of the receiver; none by default
 * @returns binary fields are views into `buffer`
 * @throws {PacketError}
 */
export function decodePacket(
  buffer: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
  receiver: Receiver,
  limits: DecodeLimits = NO_LIMITS,
): Packet {
  const type = (buffer[start] as number) >> 4;
  if (type === PUBLISH) {
    const view = new PublishView();
    view.read(buffer, start, bodyStart, end, version, receiver, limits);
    return view.toPacket(version);
  }
  const reader = new PacketReader().begin(buffer, start, bodyStart, end, version, receiver, limits);
  if (SENT_BY[receiver].includes(type)) {
    throw reader.violation(rules.sentByThisSide, `packet type ${type} to a ${receiver}`, start);
  }
  const packet = readBody(reader, type);
  reader.expectEnd();
  return packet;
}

function readBody(reader: PacketReader, type: number): Packet {
  switch (type) {
    case CONNECT:
      return readConnect(reader);
    case CONNACK:
      return readConnack(reader);
    case PUBACK:
    case PUBREC:
    case PUBREL:
    case PUBCOMP:
      return readAck(reader);
    case SUBSCRIBE:
      return readSubscribe(reader);
    case SUBACK:
      return readSuback(reader);
    case UNSUBSCRIBE:
      return readUnsubscribe(reader);
    case UNSUBACK:
      return readUnsuback(reader);
    case PINGREQ:
      return readPingreq();
    case PINGRESP:
      return readPingresp();
    case DISCONNECT:
      return readDisconnect(reader);
    default:
      return readAuth(reader); // type 0 is refused at its fixed header
  }
}
