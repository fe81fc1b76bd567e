import {
  ACK_SIZE_MAX,
  encode,
  type Packet,
  PacketType,
  type ProtocolVersion,
  publishSize,
  ReasonCode,
  writeAck,
  writePublish,
  writePublishHead,
} from '@promptmq/codec';
import type { Delivery, DropReason, OutboundTopicAliases, PublishFrame } from '@promptmq/session';
import type { Frame } from '../routing/frame.ts';
import { PublishParts } from '../routing/publish-parts.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type BrokerStats, countIn, countSent } from '../runtime/stats.ts';
import {
  type PacketTracer,
  tracedFields,
  tracedFrame,
  tracedParts,
} from '../tracing/packet-trace.ts';
import { type Output, REFERENCE_BYTES_MIN } from './output.ts';

const ACK_NAMES: Partial<Record<PacketType, string>> = {
  [PacketType.PUBACK]: 'puback',
  [PacketType.PUBREC]: 'pubrec',
  [PacketType.PUBREL]: 'pubrel',
  [PacketType.PUBCOMP]: 'pubcomp',
};

// What is sent is encoded at once: one is enough for all clients.
const messageParts = new PublishParts();

/** What a sender needs of the house. */
export interface SenderHost {
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
  readonly #host: SenderHost;
  version: ProtocolVersion;
  /** The client's limit, in bytes. */
  maximumPacketSize: number;
  /** Topic aliases towards the client; null when it takes none. */
  aliases: OutboundTopicAliases | null;
  /** Request Problem Information: whether the client wants to be told reasons (§3.1.2.11.7). */
  wantsReasons: boolean;
  /** Told of every packet, while an operator looks at this client. */
  tracer: PacketTracer | null;
  /** Whether something else than a PUBLISH has been sent since this was set to false. */
  hasAnswered: boolean;

  constructor(output: Output, host: SenderHost) {
    this.output = output;
    this.#host = host;
    this.version = 4;
    this.maximumPacketSize = Number.POSITIVE_INFINITY;
    this.aliases = null;
    this.wantsReasons = true;
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
    (this.#host.stats.packetsSent[(bytes[0] as number) >> 4] as number)++;
    this.hasAnswered = true;
    this.tracer?.(packet.cmd, tracedFields(packet));
    this.output.append(bytes, 0, bytes.length);
    return true;
  }

  /** Sends a QoS 0 PUBLISH that has been encoded for this protocol version without RETAIN. */
  sendQoS0(frame: Frame, retain: boolean): void {
    const { start, end } = frame;
    const size = end - start;
    const { stats } = this.#host;
    const { output } = this;
    if (output.pendingBytes > output.allowance) {
      stats.dropped[this.#reasonToDrop()]++;
      return;
    }
    if (size > this.maximumPacketSize) {
      stats.dropped['packet-too-large']++; // [MQTT-3.1.2-25]
      return;
    }
    const firstByte = retain ? 0x31 : 0x30;
    if (size >= REFERENCE_BYTES_MIN) {
      if (!this.#hasRoomFor(frame.buffer, start, end)) {
        stats.dropped['output-full']++;
        return;
      }
      this.#referenceQoS0(frame, firstByte);
    } else {
      const offset = output.append(frame.buffer, start, end);
      output.buffer[offset] = firstByte;
    }
    countSent(stats, 0, frame.payloadSize);
    this.tracer?.('publish', { ...tracedFrame(frame.buffer, start, end, this.version), retain });
  }

  /** Apart, so that V8 makes one function of all that an ordinary packet needs. */
  #referenceQoS0({ buffer, start, end }: Frame, firstByte: number): void {
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
  sendFrame(frame: PublishFrame, flags: number, packetId: number): DropReason | null {
    const { buffer, start, end } = frame;
    if (end - start > this.maximumPacketSize) return 'packet-too-large'; // [MQTT-3.1.2-24]
    const { output } = this;
    const offset = output.append(buffer, start, end);
    const packet = output.buffer;
    packet[offset] = 0x30 | flags;
    packet[offset + frame.packetIdOffset] = packetId >> 8;
    packet[offset + frame.packetIdOffset + 1] = packetId & 0xff;
    countSent(this.#host.stats, (flags >> 1) as 1 | 2, frame.payloadSize);
    this.tracer?.('publish', tracedFrame(packet, offset, output.length, this.version));
    return null;
  }

  sendPublish(delivery: Delivery, dup: boolean): DropReason | null {
    const { message, qos, retain, identifiers } = delivery;
    const parts = messageParts;
    parts.setMessage(message, this.#remainingExpiry(message.expiresAt));
    const flags = (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
    const refused = this.sendParts(parts, flags, delivery.packetId, identifiers);
    parts.clear();
    return refused;
  }

  /**
   * Encodes a PUBLISH for this client alone, and sends it.
   *
   * @param flags - `dup << 3 | qos << 1 | retain`
   * @param packetId - ignored at QoS 0
   */
  sendParts(
    parts: PublishParts,
    flags: number,
    packetId: number,
    identifiers: readonly number[],
  ): DropReason | null {
    const { output, version, aliases } = this;
    const qos = ((flags >> 1) & 3) as 0 | 1 | 2;
    if (qos === 0 && output.pendingBytes > output.allowance) return this.#reasonToDrop();
    const { topicBytes, properties, propertiesStart, propertiesEnd } = parts;
    const { payload, payloadStart, payloadEnd } = parts;
    const payloadLength = payloadEnd - payloadStart;
    const isReferenced = payloadLength >= REFERENCE_BYTES_MIN;
    if (qos === 0 && isReferenced && !this.#hasRoomFor(payload, payloadStart, payloadEnd)) {
      return 'output-full';
    }
    const expiry = version < 5 ? -1 : parts.expiry;
    let alias = 0;
    let topicLength = topicBytes.length;
    let isNewAlias = false;
    if (aliases !== null) {
      alias = aliases.get(parts.topic);
      if (alias === 0) {
        alias = aliases.nextFor(parts.topic);
        isNewAlias = alias !== 0;
      } else {
        topicLength = 0;
      }
    }
    const propertiesLength = propertiesEnd - propertiesStart;
    let size = publishSize(
      version,
      qos,
      topicLength,
      propertiesLength,
      payloadLength,
      expiry,
      alias,
      identifiers,
    );
    if (size > this.maximumPacketSize && alias !== 0) {
      // Without its alias it may fit.
      alias = 0;
      isNewAlias = false;
      topicLength = topicBytes.length;
      size = publishSize(
        version,
        qos,
        topicLength,
        propertiesLength,
        payloadLength,
        expiry,
        0,
        identifiers,
      );
    }
    if (size > this.maximumPacketSize) return 'packet-too-large'; // [MQTT-3.1.2-24]
    if (isNewAlias) (aliases as OutboundTopicAliases).assign(parts.topic, alias);
    countSent(this.#host.stats, qos, payloadLength);
    const offset = output.reserve(isReferenced ? size - payloadLength : size);
    output.length = (isReferenced ? writePublishHead : writePublish)(
      output.buffer,
      offset,
      version,
      flags,
      packetId,
      topicBytes,
      0,
      topicLength,
      properties,
      propertiesStart,
      propertiesEnd,
      payload,
      payloadStart,
      payloadEnd,
      expiry,
      alias,
      identifiers,
    );
    this.tracer?.(
      'publish',
      tracedParts(parts, { version, flags, packetId, expiry, alias, topicLength, identifiers }),
    );
    if (isReferenced) output.reference(payload.subarray(payloadStart, payloadEnd));
    return null;
  }

  /** Whether the client may be owed bytes that travel by reference. */
  #hasRoomFor(buffer: Uint8Array, start: number, end: number): boolean {
    const { memory, pendingBytes } = this.output;
    const hasRoom = memory.hasRoomForShared(pendingBytes, buffer.subarray(start, end));
    if (!hasRoom) memory.refusals++;
    return hasRoom;
  }

  /** Why a QoS 0 message is dropped when too much waits: for this client, or for all. */
  #reasonToDrop(): DropReason {
    const { memory, pendingBytes } = this.output;
    if (pendingBytes > memory.clientMax) return 'slow-subscriber';
    memory.refusals++;
    return 'output-full';
  }

  /** Seconds until a message expires, as a client hears it; -1 when never [MQTT-3.3.2-6]. */
  #remainingExpiry(expiresAt: number): number {
    if (expiresAt === Number.POSITIVE_INFINITY || this.version < 5) return -1;
    return Math.max(0, Math.ceil((expiresAt - this.#host.runtime.now()) / 1000));
  }

  /** Within any client's limit: who could be sent CONNACK, which is no shorter, can be sent this. */
  sendAck(type: PacketType, packetId: number, reasonCode: number): void {
    (this.#host.stats.packetsSent[type] as number)++;
    this.hasAnswered = true;
    this.tracer?.(ACK_NAMES[type] ?? 'ack', { packetId, reasonCode });
    const offset = this.output.reserve(ACK_SIZE_MAX);
    const { buffer } = this.output;
    this.output.length = writeAck(buffer, offset, type, packetId, reasonCode, this.version);
  }

  /** An error in answer to CONNECT; before MQTT 5 some have none, and closing has to do (§3.2.2.2). */
  sendConnackError(reasonCode: number, reasonString: string): void {
    countIn(this.#host.stats.connacks, reasonCode);
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
      return 3;
    case ReasonCode.BadUserNameOrPassword:
      return 4;
    case ReasonCode.NotAuthorized:
    case ReasonCode.QoSNotSupported:
    case ReasonCode.RetainNotSupported:
      return 5;
    default:
      return 0;
  }
}
