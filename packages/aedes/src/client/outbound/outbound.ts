import { generate, type IPublishPacket, type ISubackPacket, type Packet } from 'mqtt-packet';
import type { ClientHost } from '../../host.ts';
import {
  acknowledgement,
  decode,
  type Frame,
  identifierOf,
  identifierOffset,
  qosOf,
  Type,
  withIdentifier,
} from '../../packets/frames.ts';
import type { ClientSubscriptions } from '../subscriptions/client-subscriptions.ts';
import type { SentMessages } from './sent-messages.ts';

/** What packets of the broker within need of the client that they are for. */
export interface OutboundHost {
  readonly version: number;
  readonly broker: ClientHost;
  readonly subscriptions: ClientSubscriptions;
  readonly sent: SentMessages;
  /** Sends bytes to the client. */
  send(bytes: Buffer): void;
  /** Sends bytes to the broker within. */
  pass(bytes: Buffer): void;
  onConnack(frame: Frame): void;
  /** PUBACK or PUBREC, which the client gets when the program has dealt with the message. */
  onAnswer(frame: Frame): void;
  /** PUBCOMP. */
  onReleased(identifier: number): void;
  /** The broker within ends the connection. */
  onDisconnect(): void;
}

/** Passes the packets of the broker within on to its client, and has the program see those that it wants to see. */
export class Outbound {
  readonly #host: OutboundHost;
  /** QoS 2 messages that the program has withheld, by identifier, until they are settled. */
  readonly #withheld: Set<number>;

  constructor(host: OutboundHost) {
    this.#host = host;
    this.#withheld = new Set();
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
        host.onAnswer(frame);
        return;
      case Type.Pubrel:
        this.#onPubrel(frame);
        return;
      case Type.Pubcomp:
        host.onReleased(identifierOf(frame));
        break;
      case Type.Suback:
        host.subscriptions.onSuback(decode(frame, host.version) as ISubackPacket, frame.bytes);
        return;
      case Type.Unsuback:
        if (!host.subscriptions.onUnsuback(identifierOf(frame))) return;
        break;
      case Type.Disconnect:
        host.onDisconnect();
        break;
    }
    host.send(frame.bytes);
  }

  #onPublish(frame: Frame): void {
    const host = this.#host;
    const qos = qosOf(frame);
    let { bytes } = frame;
    let identifier = 0;
    if (qos > 0) {
      const offset = identifierOffset(frame);
      const chosen = bytes.readUInt16BE(offset);
      identifier = host.sent.identifiers.show(chosen);
      if (identifier !== chosen) bytes = withIdentifier(bytes, offset, identifier);
    }
    const { forwardsAll } = host.broker;
    const isNoted = qos > 0 && host.broker.listenerCount('ack') > 0;
    if (!forwardsAll && !isNoted) {
      host.send(bytes);
      return;
    }
    const packet = decode({ ...frame, bytes }, host.version) as IPublishPacket;
    if (forwardsAll) {
      const forwarded = host.sent.forward(packet);
      if (forwarded === null) {
        this.#withhold(identifier, qos);
        return;
      }
      const changed = { ...forwarded, cmd: 'publish', qos, messageId: identifier || undefined };
      bytes = generate(changed as Packet, { protocolVersion: host.version });
    }
    if (isNoted) host.sent.note(identifier, packet);
    host.send(bytes);
  }

  /** Does for the client what it would do with a message. */
  #withhold(identifier: number, qos: number): void {
    if (qos === 0) return;
    const host = this.#host;
    const chosen = host.sent.identifiers.chosenFor(identifier);
    if (qos === 2) this.#withheld.add(chosen);
    else host.sent.identifiers.settle(identifier);
    host.pass(acknowledgement(qos === 1 ? Type.Puback : Type.Pubrec, chosen));
  }

  #onPubrel(frame: Frame): void {
    const host = this.#host;
    const chosen = identifierOf(frame);
    const identifier = host.sent.identifiers.show(chosen);
    if (this.#withheld.delete(chosen)) {
      host.sent.identifiers.settle(identifier);
      host.pass(acknowledgement(Type.Pubcomp, chosen));
      return;
    }
    host.send(
      identifier === chosen
        ? frame.bytes
        : withIdentifier(frame.bytes, frame.bodyStart, identifier),
    );
  }
}
