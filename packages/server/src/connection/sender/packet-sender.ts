import type { Permissions } from '@promptmq/auth';
import {
  ACK_SIZE_MAX,
  encode,
  MessageBytes,
  type Packet,
  PacketType,
  type ProtocolVersion,
  PublishOwn,
  publishSize,
  ReasonCode,
  writeAck,
  writePublish,
  writePublishHead,
} from '@promptmq/codec';
import type { Delivery, DropReason, OutboundTopicAliases, PublishImage } from '@promptmq/session';
import { Image } from '../../routing/image.ts';
import type { Publication } from '../../routing/publication.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type BrokerStats, countIn, countSent } from '../../runtime/stats.ts';
import { remainingExpiry } from '../../sessions/recipient-terms.ts';
import type { EventSinks } from '../../tracing/broker-events.ts';
import { topicOf } from '../../tracing/image-topic.ts';
import {
  type PacketTracer,
  tracedFields,
  tracedFrame,
  tracedPublication,
} from '../../tracing/packet-trace.ts';
import { SentTopics } from '../../tracing/sent-topics.ts';
import { type Output, REFERENCE_BYTES_MIN } from '../output.ts';

const ACK_NAMES: Partial<Record<PacketType, string>> = {
  [PacketType.PUBACK]: 'puback',
  [PacketType.PUBREC]: 'pubrec',
  [PacketType.PUBREL]: 'pubrel',
  [PacketType.PUBCOMP]: 'pubcomp',
};

// What is sent is encoded at once: one of each is enough for all clients.
const bytesOfMessage = new MessageBytes();
const own = new PublishOwn();

/** What a sender needs of the house. */
export interface SenderHost {
  readonly clientEvents: { readonly sinks: Pick<EventSinks, 'ack'> };
  readonly stats: BrokerStats;
  readonly runtime: Pick<Runtime, 'now'>;
}

/**
 * Encodes what one client is sent, in its protocol version and within its limits, into its output.
 *
 * Invariant: no packet is larger than `maximumPacketSize` [MQTT-3.1.2-24].
 */
export class PacketSender {
  readonly output: Output;
  protected readonly host: SenderHost;
  protected readonly sinks: Pick<EventSinks, 'ack'>;
  /** Made when somebody listens for `ack`. */
  #sentTopics: SentTopics | null;
  version: ProtocolVersion;
  /** The client's limit, in bytes. */
  maximumPacketSize: number;
  /** Topic aliases towards the client; null when it takes none. */
  aliases: OutboundTopicAliases | null;
  /** Request Problem Information: whether the client wants reasons (§3.1.2.11.7). */
  wantsReasons: boolean;
  /** Asked about each live message, where subscriptions may bring what the rules deny; else null. */
  filter: Permissions | null;
  /** Gets every packet, while an operator looks at this client. */
  tracer: PacketTracer | null;
  /** Whether something else than a PUBLISH has been sent since this was set to false. */
  hasAnswered: boolean;

  constructor(output: Output, host: SenderHost) {
    this.output = output;
    this.host = host;
    this.sinks = host.clientEvents.sinks;
    this.#sentTopics = null;
    this.version = 4;
    this.maximumPacketSize = Number.POSITIVE_INFINITY;
    this.aliases = null;
    this.wantsReasons = true;
    this.filter = null;
    this.tracer = null;
    this.hasAnswered = false;
  }

  /** Sends a packet that is off the hot path; one that can't fit the client's limit isn't sent. */
  send(packet: Packet): boolean {
    const bytes = encode(packet, {
      protocolVersion: this.version,
      maximumPacketSize: this.maximumPacketSize,
    });
    if (bytes === null) return false;
    (this.host.stats.packetsSent[(bytes[0] as number) >> 4] as number)++;
    this.hasAnswered = true;
    this.tracer?.(packet.cmd, tracedFields(packet));
    this.output.append(bytes, 0, bytes.length);
    return true;
  }

  /**
   * Sends a QoS 0 PUBLISH that has been encoded for this protocol version without RETAIN.
   *
   * @param flags - 1 with RETAIN, else 0
   * @returns why it wasn't sent; null when it was
   */
  sendQoS0(image: Image, flags: number): DropReason | null {
    const { start, end } = image;
    const size = end - start;
    const { stats } = this.host;
    const { output } = this;
    if (output.pendingBytes > output.allowance) return this.reasonToDrop();
    if (size > this.maximumPacketSize) return 'packet-too-large'; // [MQTT-3.1.2-25]
    if (size >= REFERENCE_BYTES_MIN) {
      if (!this.hasRoomFor(image.buffer, start, end)) return 'output-full';
      this.#referenceQoS0(image, 0x30 | flags);
    } else if (image.isLasting && image.buffer[start] === (0x30 | flags)) {
      output.appendLater(image.buffer, start, end);
    } else {
      const offset = output.append(image.buffer, start, end);
      output.buffer[offset] = 0x30 | flags;
    }
    countSent(stats, 0, image.payloadSize);
    if (this.tracer !== null) this.#traceQoS0(this.tracer, image, flags);
    return null;
  }

  #traceQoS0(tracer: PacketTracer, { buffer, start, end }: Image, flags: number): void {
    tracer('publish', { ...tracedFrame(buffer, start, end, this.version), retain: flags === 1 });
  }

  /** Apart, so that V8 makes one function of all that an ordinary packet needs. */
  #referenceQoS0({ buffer, start, end }: Image, firstByte: number): void {
    const { output } = this;
    const offset = output.reserve(1);
    output.buffer[offset] = firstByte;
    output.length = offset + 1;
    output.reference(buffer.subarray(start + 1, end));
  }

  /**
   * Sends a PUBLISH of QoS 1 or 2 that has been encoded for this protocol version.
   *
   * @param flags - `qos << 1 | retain`
   */
  sendImage(image: PublishImage, flags: number, packetId: number): DropReason | null {
    const { buffer, start, end } = image;
    if (end - start > this.maximumPacketSize) return 'packet-too-large'; // [MQTT-3.1.2-24]
    if (this.sinks.ack !== null) this.noteSent(packetId, topicOf(image));
    const { output } = this;
    countSent(this.host.stats, (flags >> 1) as 1 | 2, image.payloadSize);
    const isLasting = image instanceof Image && image.isLasting;
    if (isLasting && buffer[start] === (0x30 | flags) && this.tracer === null) {
      output.appendLaterWith(buffer, start, end, image.packetIdOffset, packetId);
      return null;
    }
    const offset = output.append(buffer, start, end);
    const packet = output.buffer;
    packet[offset] = 0x30 | flags;
    packet[offset + image.packetIdOffset] = packetId >> 8;
    packet[offset + image.packetIdOffset + 1] = packetId & 0xff;
    this.tracer?.('publish', tracedFrame(packet, offset, output.length, this.version));
    return null;
  }

  sendPublish(delivery: Delivery, dup: boolean): DropReason | null {
    const { message, qos, retain, packetId, identifiers } = delivery;
    const { expiresAt } = message;
    const isMortal = this.version === 5 && expiresAt !== Number.POSITIVE_INFINITY;
    own.flags = (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
    own.packetId = packetId;
    own.expiry = isMortal ? remainingExpiry(expiresAt, this.host.runtime.now()) : -1;
    own.identifiers = identifiers;
    bytesOfMessage.set(message.topicBytes, message.properties, message.payload);
    const refused = this.encode(bytesOfMessage, message.topic);
    bytesOfMessage.clear();
    return refused;
  }

  /**
   * Encodes a message that is being routed for this client alone, and sends it.
   *
   * @param flags - `qos << 1 | retain`
   * @param packetId - ignored at QoS 0
   */
  sendPublication(
    publication: Publication,
    flags: number,
    packetId: number,
    identifiers: readonly number[],
  ): DropReason | null {
    own.flags = flags;
    own.packetId = packetId;
    own.expiry = publication.expiry;
    own.identifiers = identifiers;
    return this.encode(publication.bytes, publication.topic);
  }

  /**
   * Sends a message with what is set in `own`.
   *
   * @param topic - as it is to all
   */
  protected encode(message: MessageBytes, topic: string): DropReason | null {
    const { output } = this;
    const { payload, payloadStart, payloadEnd } = message;
    const payloadSize = payloadEnd - payloadStart;
    const isReferenced = payloadSize >= REFERENCE_BYTES_MIN;
    const qos = ((own.flags >> 1) & 3) as 0 | 1 | 2;
    if (qos === 0) {
      if (output.pendingBytes > output.allowance) return this.reasonToDrop();
      if (isReferenced && !this.hasRoomFor(payload, payloadStart, payloadEnd)) {
        return 'output-full';
      }
    }
    own.version = this.version;
    const isNewAlias = this.#chooseAlias(topic);
    let size = publishSize(message, own);
    if (size > this.maximumPacketSize && own.alias !== 0) {
      // Without its alias it may fit.
      own.alias = 0;
      own.isAliasKnown = false;
      size = publishSize(message, own);
    }
    if (size > this.maximumPacketSize) return 'packet-too-large'; // [MQTT-3.1.2-24]
    if (isNewAlias && own.alias !== 0) this.aliases?.assign(topic, own.alias);
    if (qos > 0 && this.sinks.ack !== null) this.noteSent(own.packetId, topic);
    countSent(this.host.stats, qos, payloadSize);
    const offset = output.reserve(isReferenced ? size - payloadSize : size);
    const write = isReferenced ? writePublishHead : writePublish;
    output.length = write(output.buffer, offset, message, own);
    this.tracer?.('publish', tracedPublication(topic, message, own));
    if (isReferenced) output.reference(payload.subarray(payloadStart, payloadEnd));
    return null;
  }

  protected noteSent(packetId: number, topic: string): void {
    this.#sentTopics ??= new SentTopics(this.sinks);
    this.#sentTopics.note(packetId, topic);
  }

  /** The topic of a message that is settled now, for `ack` events; null when it isn't known. */
  takeSentTopic(packetId: number): string | null {
    return this.#sentTopics?.take(packetId) ?? null;
  }

  /** Sets the alias of a packet with this topic; returns whether it would be a new one. */
  #chooseAlias(topic: string): boolean {
    const { aliases } = this;
    own.alias = 0;
    own.isAliasKnown = false;
    if (aliases === null) return false;
    own.alias = aliases.get(topic);
    own.isAliasKnown = own.alias !== 0;
    if (own.isAliasKnown) return false;
    own.alias = aliases.nextFor(topic);
    return own.alias !== 0;
  }

  /** Whether the client may be owed bytes that travel by reference. */
  protected hasRoomFor(buffer: Uint8Array, start: number, end: number): boolean {
    const { memory, pendingBytes } = this.output;
    const hasRoom = memory.hasRoomForShared(pendingBytes, buffer.subarray(start, end));
    if (!hasRoom) memory.refusals++;
    return hasRoom;
  }

  /** Why a QoS 0 message is dropped when too much waits: for this client, or for all. */
  protected reasonToDrop(): DropReason {
    const { memory, pendingBytes } = this.output;
    if (pendingBytes > memory.clientMax) return 'slow-subscriber';
    memory.refusals++;
    return 'output-full';
  }

  /** Within any client's limit: who could be sent CONNACK, which is no shorter, can be sent this. */
  sendAck(type: PacketType, packetId: number, reasonCode: number): void {
    (this.host.stats.packetsSent[type] as number)++;
    this.hasAnswered = true;
    this.tracer?.(ACK_NAMES[type] ?? 'ack', { packetId, reasonCode });
    const offset = this.output.reserve(ACK_SIZE_MAX);
    const { buffer } = this.output;
    this.output.length = writeAck(buffer, offset, type, packetId, reasonCode, this.version);
  }

  /** The same with the reason for people, where the client wants it and there is room. */
  sendRefusal(type: PacketType, packetId: number, reasonCode: number, why: string): void {
    const properties = this.reasonFor(why, 0);
    const cmd = type === PacketType.PUBACK ? 'puback' : 'pubrec';
    if (properties.reasonString === undefined) this.sendAck(type, packetId, reasonCode);
    else this.send({ cmd, messageId: packetId, reasonCode, properties });
  }

  /** An error in answer to CONNECT; before MQTT 5 some have none, and closing has to do (§3.2.2.2). */
  sendConnackError(reasonCode: number, reasonString: string): void {
    countIn(this.host.stats.connacks, reasonCode);
    if (this.version === 5) {
      const properties = this.#reason(reasonString);
      this.send({ cmd: 'connack', sessionPresent: false, reasonCode, properties });
    } else {
      const returnCode = toReturnCode(reasonCode);
      if (returnCode !== 0) this.send({ cmd: 'connack', sessionPresent: false, returnCode });
    }
  }

  /** Only MQTT 5 has a DISCONNECT from the server (§3.14). */
  sendDisconnect(reasonCode: number, reasonString: string): void {
    if (this.version < 5) return;
    this.send({ cmd: 'disconnect', reasonCode, properties: this.#reason(reasonString) });
  }

  /**
   * The Reason String of an answer, where the client wants to know, and its packet doesn't become too large by it
   * [MQTT-3.9.2-1] [MQTT-3.4.2-2].
   *
   * @param size - of what else is in the answer, in bytes, but for its header
   */
  reasonFor(reasonString: string, size: number): { reasonString?: string } {
    const sizeMax = size + 3 * reasonString.length + ACK_SIZE_MAX;
    return this.version === 5 && sizeMax < this.maximumPacketSize ? this.#reason(reasonString) : {};
  }

  #reason(reasonString: string): { reasonString?: string } {
    return this.wantsReasons && reasonString !== '' ? { reasonString } : {};
  }
}

/** Reason codes as return codes of MQTT 3.1.1 (§3.2.2.3 there); 0 where closing has to do. */
function toReturnCode(reasonCode: number): number {
  switch (reasonCode) {
    case ReasonCode.UnsupportedProtocolVersion:
      return 1;
    case ReasonCode.ClientIdentifierNotValid:
      return 2;
    case ReasonCode.ServerUnavailable:
    case ReasonCode.ServerBusy:
    case ReasonCode.QuotaExceeded:
    case ReasonCode.ConnectionRateExceeded:
      return 3;
    case ReasonCode.BadUserNameOrPassword:
      return 4;
    case ReasonCode.NotAuthorized:
    case ReasonCode.Banned:
    case ReasonCode.QoSNotSupported:
    case ReasonCode.RetainNotSupported:
      return 5;
    default:
      return 0;
  }
}
