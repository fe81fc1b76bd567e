import { generate, type IPublishPacket, type ISubackPacket, type Packet } from 'mqtt-packet';
import {
  acknowledgement,
  decode,
  type Frame,
  identifierOf,
  identifierOffset,
  qosOf,
  Type,
  withIdentifier,
} from '../packets/frames.ts';
import type { AedesPublishPacket } from '../types.ts';
import type { SentIdentifiers } from './sent-identifiers.ts';

/** What packets of the broker within need of the client that they are for. */
export interface OutboundHost {
  readonly version: number;
  readonly identifiers: SentIdentifiers;
  readonly forwardsAll: boolean;
  readonly wantsAcks: boolean;
  /** Asks the program; null where it withholds the packet. */
  forward(packet: AedesPublishPacket): AedesPublishPacket | null;
  /** Sends bytes to the client. */
  send(bytes: Buffer): void;
  /** Sends bytes to the broker within. */
  answer(bytes: Buffer): void;
  onConnack(frame: Frame): void;
  onAcknowledged(frame: Frame): void;
  onReleased(identifier: number): void;
  onSuback(packet: ISubackPacket, bytes: Buffer): void;
  /** @returns whether the client is to get it */
  onUnsuback(identifier: number): boolean;
  /** The broker within ends the connection. */
  onDisconnect(): void;
}

/** Passes the packets of the broker within on to its client, and has the program see those that it wants to see. */
export class Outbound {
  readonly #host: OutboundHost;
  /** QoS 2 messages that the program has withheld, by identifier, until they are settled. */
  readonly #withheld: Set<number>;
  /** By identifier, where somebody wants to know when they are acknowledged. */
  readonly #sent: Map<number, Packet>;

  constructor(host: OutboundHost) {
    this.#host = host;
    this.#withheld = new Set();
    this.#sent = new Map();
  }

  onFrame(frame: Frame): void {
    const host = this.#host;
    switch (frame.type) {
      case Type.Connack:
        host.onConnack(frame);
        return;
      case Type.Publish:
        this.#onPublish(frame);
        return;
      case Type.Puback:
      case Type.Pubrec:
        host.onAcknowledged(frame);
        return;
      case Type.Pubrel:
        this.#onPubrel(frame);
        return;
      case Type.Pubcomp:
        host.onReleased(identifierOf(frame));
        break;
      case Type.Suback:
        host.onSuback(decode(frame, host.version) as ISubackPacket, frame.bytes);
        return;
      case Type.Unsuback:
        if (!host.onUnsuback(identifierOf(frame))) return;
        break;
      case Type.Disconnect:
        host.onDisconnect();
        break;
    }
    host.send(frame.bytes);
  }

  /** What was sent with an identifier; nobody else gets it then. */
  take(identifier: number): Packet | undefined {
    const packet = this.#sent.get(identifier);
    this.#sent.delete(identifier);
    return packet;
  }

  /** Notes what is sent on the program's behalf. */
  note(packet: AedesPublishPacket): void {
    if (packet.messageId !== undefined) this.#sent.set(packet.messageId, packet);
  }

  #onPublish(frame: Frame): void {
    const host = this.#host;
    const qos = qosOf(frame);
    let { bytes } = frame;
    let identifier = 0;
    if (qos > 0) {
      const offset = identifierOffset(frame);
      const chosen = bytes.readUInt16BE(offset);
      identifier = host.identifiers.show(chosen);
      if (identifier !== chosen) bytes = withIdentifier(bytes, offset, identifier);
    }
    if (!host.forwardsAll && !(qos > 0 && host.wantsAcks)) {
      host.send(bytes);
      return;
    }
    const packet = decode({ ...frame, bytes }, host.version) as IPublishPacket;
    if (host.forwardsAll) {
      const forwarded = host.forward(packet);
      if (forwarded === null) {
        this.#withhold(identifier, qos);
        return;
      }
      const changed = { ...forwarded, cmd: 'publish', qos, messageId: identifier || undefined };
      bytes = generate(changed as Packet, { protocolVersion: host.version });
    }
    if (qos > 0 && host.wantsAcks) this.#sent.set(identifier, packet);
    host.send(bytes);
  }

  /** Does for the client what it would do with a message. */
  #withhold(identifier: number, qos: number): void {
    if (qos === 0) return;
    const host = this.#host;
    const chosen = host.identifiers.chosenFor(identifier);
    if (qos === 2) this.#withheld.add(chosen);
    else host.identifiers.settle(identifier);
    host.answer(acknowledgement(qos === 1 ? Type.Puback : Type.Pubrec, chosen));
  }

  #onPubrel(frame: Frame): void {
    const host = this.#host;
    const chosen = identifierOf(frame);
    const identifier = host.identifiers.show(chosen);
    if (this.#withheld.delete(chosen)) {
      host.identifiers.settle(identifier);
      host.answer(acknowledgement(Type.Pubcomp, chosen));
      return;
    }
    host.send(
      identifier === chosen
        ? frame.bytes
        : withIdentifier(frame.bytes, frame.bodyStart, identifier),
    );
  }
}
