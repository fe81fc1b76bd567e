import { generate, type Packet } from 'mqtt-packet';
import type { ClientHost } from '../../host.ts';
import {
  acknowledgement,
  type Frame,
  identifierOf,
  reasonOf,
  Type,
  withIdentifier,
} from '../../packets/frames.ts';
import type { AedesPublishPacket, Client, PublishPacket } from '../../types.ts';
import { SentIdentifiers } from './sent-identifiers.ts';

/** What messages that are sent to a client need of it. */
export interface SentMessagesHost {
  readonly face: Client;
  readonly broker: ClientHost;
  readonly version: number;
  readonly isOver: boolean;
  /** Sends bytes to the broker within. */
  pass(bytes: Buffer): void;
  /** Sends bytes to the client. */
  send(bytes: Buffer, onWritten?: () => void): void;
}

/** The messages that the program sends to a client alone, and what the client acknowledges of them and of the broker's. */
export class SentMessages {
  readonly identifiers: SentIdentifiers;
  readonly #host: SentMessagesHost;
  /** By identifier, where somebody wants to know when they are acknowledged. */
  readonly #noted: Map<number, Packet>;

  constructor(host: SentMessagesHost) {
    this.identifiers = new SentIdentifiers();
    this.#host = host;
    this.#noted = new Map();
  }

  /** Notes what is sent, for the event `ack`. */
  note(identifier: number, packet: Packet): void {
    this.#noted.set(identifier, packet);
  }

  /** Asks the program whether a message is to be sent. @returns null where it isn't */
  forward(packet: AedesPublishPacket): AedesPublishPacket | null {
    const { broker, face } = this.#host;
    packet.brokerId = broker.id;
    packet.brokerCounter = 0;
    return broker.authorizeForward(face, packet) ?? null;
  }

  /** Sends a message to this client alone. */
  publish(given: PublishPacket, callback: (error?: Error | null) => void): void {
    const host = this.#host;
    if (host.isOver) {
      host.broker.emit('clientError', host.face, new Error('connection closed'));
      callback();
      return;
    }
    const { topic, payload = '', qos = 0, retain = false, properties } = given;
    const packet: AedesPublishPacket = {
      cmd: 'publish',
      topic,
      payload,
      qos,
      retain,
      dup: false,
      ...(properties && { properties }),
    };
    const forwarded = this.forward(packet);
    if (forwarded === null) {
      callback();
      return;
    }
    const messageId = qos > 0 ? this.identifiers.take() : undefined;
    if (messageId === 0) {
      callback(new Error('all packet identifiers are taken'));
      return;
    }
    const sent = { ...forwarded, ...(messageId && { messageId }) };
    if (messageId !== undefined) this.note(messageId, sent);
    const bytes = generate(sent as Packet, { protocolVersion: host.version });
    host.send(bytes, () => callback());
  }

  /** PUBACK, PUBREC or PUBCOMP of the client. */
  onAck(frame: Frame): void {
    const host = this.#host;
    const shown = identifierOf(frame);
    const isRefused = frame.type === Type.Pubrec && reasonOf(frame) >= 0x80;
    const isOwn = this.identifiers.isOwn(shown);
    if (frame.type === Type.Pubrec && !isRefused) {
      if (isOwn) {
        host.send(acknowledgement(Type.Pubrel, shown));
        return;
      }
    } else {
      const sent = this.#noted.get(shown);
      this.#noted.delete(shown);
      const packet = frame.type === Type.Pubcomp ? { cmd: 'pubrel', messageId: shown } : sent;
      if (!isRefused) host.broker.emit('ack', packet, host.face);
      if (isOwn) {
        this.identifiers.settle(shown);
        return;
      }
    }
    const chosen = this.identifiers.chosenFor(shown);
    if (frame.type !== Type.Pubrec || isRefused) this.identifiers.settle(shown);
    host.pass(
      chosen === shown ? frame.bytes : withIdentifier(frame.bytes, frame.bodyStart, chosen),
    );
  }
}
