import {
  generate,
  type IConnectPacket,
  type IDisconnectPacket,
  type IPublishPacket,
  type ISubscribePacket,
  type IUnsubscribePacket,
} from 'mqtt-packet';
import type { ClientHost } from '../../host.ts';
import { decodeChecked } from '../../packets/checked.ts';
import {
  acknowledgement,
  type Frame,
  identifierOf,
  qosOf,
  reasonOf,
  Type,
} from '../../packets/frames.ts';
import { topicFault } from '../../packets/topics.ts';
import type { Client, PublishedPacket, PublishPacket } from '../../types.ts';
import type { ClientSubscriptions } from '../subscriptions/client-subscriptions.ts';
import { Acknowledgements } from './acknowledgements.ts';

/** What packets of a client need of it. */
export interface InboundHost {
  readonly face: Client;
  readonly broker: ClientHost;
  readonly version: number;
  readonly isOver: boolean;
  readonly subscriptions: ClientSubscriptions;
  onConnect(packet: IConnectPacket): void;
  onAck(frame: Frame): void;
  /** A DISCONNECT has come: the will isn't to be published, unless it says so, and what it has of the session counts. */
  onGoodbye(packet: IDisconnectPacket): void;
  /** Sends bytes to the broker within. */
  pass(bytes: Buffer): void;
  /** Sends bytes to the client. */
  send(bytes: Buffer): void;
  fail(error: Error, reasonCode: number): void;
}

const PROTOCOL_ERROR = 0x82;
const NOT_AUTHORIZED = 0x87;
const QUOTA_EXCEEDED = 0x97;
const TOPIC_NAME_INVALID = 0x90;
const PACKET_REFUSED = 0x80;
const SYSTEM = Buffer.from('$SYS/');
const HASH = 0x23;
const DOLLAR = 0x24;
const PLUS = 0x2b;
const SLASH = 0x2f;

/** Looks at the packets of a client one after the other, and passes them on to the broker within. */
export class Inbound {
  /** What CONNACK allows (§3.2.2.3.8). */
  topicAliasMaximum: number;
  readonly #host: InboundHost;
  /** Messages of QoS 1 and 2 that the broker within has not answered yet, by identifier. */
  readonly #unanswered: Map<number, PublishedPacket>;
  /** Identifiers of QoS 2 messages that have not been released. */
  readonly #unreleased: Set<number>;
  /** Of MQTT 5, by alias. */
  readonly #aliases: Map<number, string>;
  readonly #acknowledgements: Acknowledgements;
  #hasConnect: boolean;

  constructor(host: InboundHost) {
    this.topicAliasMaximum = 0;
    this.#host = host;
    this.#unanswered = new Map();
    this.#unreleased = new Set();
    this.#aliases = new Map();
    this.#acknowledgements = new Acknowledgements((bytes) => host.send(bytes));
    this.#hasConnect = false;
  }

  get hasConnect(): boolean {
    return this.#hasConnect;
  }

  /** @param done - called when the next packet may come */
  onFrame(frame: Frame, done: () => void): void {
    const host = this.#host;
    if (frame.fault !== undefined) throw frame.fault;
    if (!this.#hasConnect || frame.type === Type.Connect) {
      const packet = decodeChecked(frame, host.version);
      if (this.#hasConnect || frame.type !== Type.Connect) {
        const error = Object.assign(new Error('Invalid protocol'), { info: packet });
        host.fail(error, PROTOCOL_ERROR);
        return;
      }
      this.#hasConnect = true;
      host.onConnect(packet as IConnectPacket);
      return;
    }
    switch (frame.type) {
      case Type.Publish:
        this.#onPublish(frame, done);
        return;
      case Type.Subscribe:
        this.#onSubscribe(frame, done);
        return;
      case Type.Unsubscribe:
        this.#onUnsubscribe(frame);
        break;
      case Type.Puback:
      case Type.Pubrec:
      case Type.Pubcomp:
        host.onAck(frame);
        break;
      case Type.Pingreq:
        host.broker.emit('ping', decodeChecked(frame, host.version), host.face);
        host.pass(frame.bytes);
        break;
      case Type.Disconnect:
        host.onGoodbye(decodeChecked(frame, host.version) as IDisconnectPacket);
        host.pass(frame.bytes);
        break;
      default:
        host.pass(frame.bytes);
    }
    done();
  }

  /** The broker within has answered a message with PUBACK or PUBREC: the client gets it when the program has dealt with it. */
  onAnswer(frame: Frame): void {
    const identifier = identifierOf(frame);
    const packet = this.#unanswered.get(identifier);
    this.#unanswered.delete(identifier);
    const isRefused = reasonOf(frame) >= PACKET_REFUSED;
    if (isRefused) this.#unreleased.delete(identifier);
    const release = this.#acknowledgements.add(frame.bytes);
    // Where there is none, it has come before.
    if (isRefused || packet === undefined) release();
    else this.#tellPublished(packet, release);
  }

  /** The broker within has sent PUBCOMP. */
  onReleased(identifier: number): void {
    this.#unreleased.delete(identifier);
  }

  #onPublish(frame: Frame, done: () => void): void {
    const host = this.#host;
    if (!host.broker.watchesMessages && qosOf(frame) === 0 && isPlain(frame, host)) {
      host.pass(frame.bytes);
      done();
      return;
    }
    const packet = decodeChecked(frame, host.version) as IPublishPacket;
    const isAliased = host.version === 5 && packet.properties?.topicAlias !== undefined;
    if (isAliased && !this.#resolveAlias(packet)) {
      // The broker within says what is wrong with it.
      host.pass(frame.bytes);
      done();
      return;
    }
    const { messageId: identifier = 0, qos } = packet;
    // MQTT 5 has an answer for what is refused, and the connection stays: the broker within gives it.
    if (host.version === 5 && !host.broker.asksForPublish && packet.topic.startsWith('$SYS/')) {
      host.pass(isAliased ? generate(packet, { protocolVersion: 5 }) : frame.bytes);
      done();
      return;
    }
    // It has come before, and was answered or will be: the broker within does that.
    if (qos === 2 && this.#unreleased.has(identifier)) {
      host.pass(frame.bytes);
      done();
      return;
    }
    const { limits } = host.broker;
    const fault = topicFault(packet.topic, 'PUBLISH', limits.maxTopicLevels);
    if (fault !== null) {
      host.fail(fault, TOPIC_NAME_INVALID);
      return;
    }
    // MQTT 5 has Receive Maximum for that.
    const inflightMax = limits.maxInflightInbound;
    if (qos === 2 && host.version < 5 && inflightMax > 0 && this.#unreleased.size >= inflightMax) {
      const what = `${inflightMax} inbound QoS 2 messages already awaiting PUBREL`;
      host.fail(new Error(`maxInflightInbound exceeded: ${what}`), QUOTA_EXCEEDED);
      return;
    }
    host.broker.authorizePublish(host.face, packet as PublishPacket, (error) => {
      if (host.isOver) return;
      if (error) return host.fail(error, NOT_AUTHORIZED);
      const isChanged = host.broker.asksForPublish || isAliased;
      const bytes = isChanged ? this.#encode(packet) : frame.bytes;
      if (bytes !== null) this.#onAllowed(packet, bytes, qos, done);
    });
  }

  /** @returns null where the program has made of a message what can't be sent; the connection is ended then */
  #encode(packet: IPublishPacket): Buffer | null {
    try {
      if (packet.qos > 0 && !packet.messageId) throw new Error('Invalid messageId');
      return generate(packet, { protocolVersion: this.#host.version });
    } catch (error) {
      this.#host.fail(error as Error, PACKET_REFUSED);
      return null;
    }
  }

  /** @param qos - that the message came with, of which the program may have made another */
  #onAllowed(packet: IPublishPacket, bytes: Buffer, qos: number, done: () => void): void {
    const { messageId: identifier = 0 } = packet;
    if (packet.qos > 0) this.#unanswered.set(identifier, packet as PublishedPacket);
    if (packet.qos === 2) this.#unreleased.add(identifier);
    this.#host.pass(bytes);
    if (packet.qos > 0) {
      done();
      return;
    }
    let release = () => {};
    if (qos > 0) {
      // The broker within has nothing to answer, and the client waits for it.
      const type = qos === 1 ? Type.Puback : Type.Pubrec;
      release = this.#acknowledgements.add(acknowledgement(type, identifier));
    }
    this.#tellPublished(packet as PublishedPacket, release);
    this.#host.broker.whenRoom(done);
  }

  #tellPublished(packet: PublishedPacket, done: () => void): void {
    const { broker, face } = this.#host;
    broker.passOn(packet, face, (error) => {
      if (error !== null) this.#host.fail(error, PACKET_REFUSED);
      done();
    });
  }

  /** Gives a packet the topic that its alias stands for. @returns false where it stands for none */
  #resolveAlias(packet: IPublishPacket): boolean {
    const { topicAlias: alias = 0, ...properties } = packet.properties ?? {};
    if (alias > this.topicAliasMaximum) return false;
    if (packet.topic !== '') this.#aliases.set(alias, packet.topic);
    const topic = this.#aliases.get(alias);
    if (topic === undefined || alias === 0) return false;
    packet.topic = topic;
    packet.properties = properties;
    return true;
  }

  #onSubscribe(frame: Frame, done: () => void): void {
    const host = this.#host;
    const packet = decodeChecked(frame, host.version) as ISubscribePacket;
    for (const { topic } of packet.subscriptions) {
      const fault = topicFault(topic, 'SUBSCRIBE', host.broker.limits.maxTopicLevels);
      if (fault !== null) {
        host.fail(fault, PROTOCOL_ERROR);
        return;
      }
    }
    host.subscriptions.onSubscribe(packet, frame.bytes, done);
  }

  #onUnsubscribe(frame: Frame): void {
    const host = this.#host;
    const packet = decodeChecked(frame, host.version) as IUnsubscribePacket;
    for (const topic of packet.unsubscriptions) {
      const fault = topicFault(topic, 'UNSUBSCRIBE', host.broker.limits.maxTopicLevels);
      if (fault !== null) {
        host.fail(fault, PROTOCOL_ERROR);
        return;
      }
    }
    host.subscriptions.onUnsubscribe(packet);
    host.pass(frame.bytes);
  }
}

/**
 * Whether a PUBLISH with QoS 0 can be passed on unseen: its topic isn't below `$SYS/`, has no wildcards and not too many levels, and
 * there are no properties, of which a topic alias would be one.
 */
function isPlain({ bytes, bodyStart }: Frame, { version, broker }: InboundHost): boolean {
  if (bytes.length < bodyStart + 3) return false;
  const start = bodyStart + 2;
  const end = start + bytes.readUInt16BE(bodyStart);
  if (version === 5 && bytes[end] !== 0) return false;
  if (end === start || end > bytes.length) return false;
  if (bytes[start] === DOLLAR && SYSTEM.compare(bytes, start, start + SYSTEM.length) === 0) {
    return false;
  }
  let levels = 1;
  for (let offset = start; offset < end; offset++) {
    const byte = bytes[offset];
    if (byte === HASH || byte === PLUS) return false;
    if (byte === SLASH) levels++;
  }
  return levels <= broker.limits.maxTopicLevels;
}
