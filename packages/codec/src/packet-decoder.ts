import { decodePacket, type Receiver } from './decode.ts';
import { FrameDecoder } from './frame-decoder.ts';
import type { Packet, ProtocolVersion } from './packets.ts';

export interface PacketDecoderOptions {
  /** Of the connection, 4 by default; a CONNECT that comes by changes it. */
  readonly protocolVersion?: ProtocolVersion;
  /** `server` by default; `either` for those in between. */
  readonly receiver?: Receiver;
  /** Bytes, fixed header included. */
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
