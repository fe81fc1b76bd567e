import type { MessageBytes } from '@promptmq/codec';
import type { DropReason, PublishImage } from '@promptmq/session';
import type { MountPoint } from '@promptmq/topics';
import type { Image } from '../../routing/image.ts';
import { countSent } from '../../runtime/stats.ts';
import { topicOf } from '../../tracing/image-topic.ts';
import { tracedFrame } from '../../tracing/packet-trace.ts';
import { type Output, REFERENCE_BYTES_MIN } from '../output.ts';
import { PacketSender, type SenderHost } from './packet-sender.ts';

/**
 * The sender of a client whose listener has a mount point: topics leave as they are to the client, and what isn't below the mount
 * point doesn't leave. A class of its own, so that all others pay nothing for it.
 */
export class MountedSender extends PacketSender {
  readonly #mountPoint: MountPoint;

  constructor(output: Output, host: SenderHost, mountPoint: MountPoint) {
    super(output, host);
    this.#mountPoint = mountPoint;
  }

  override sendQoS0(image: Image, flags: number): DropReason | null {
    const { output } = this;
    if (output.pendingBytes > output.allowance) return this.reasonToDrop();
    return this.#sendOwn(image, flags, 0);
  }

  override sendImage(image: PublishImage, flags: number, packetId: number): DropReason | null {
    return this.#sendOwn(image, flags, packetId);
  }

  /** Sends what has been encoded for all with the topic as it is to this client. */
  #sendOwn(image: PublishImage, flags: number, packetId: number): DropReason | null {
    const { buffer, end, payloadSize } = image;
    const nameStart = topicNameStart(image);
    const nameEnd =
      nameStart + (((buffer[nameStart - 2] as number) << 8) | (buffer[nameStart - 1] as number));
    const topic = this.#mountPoint.ownBytes(buffer.subarray(nameStart, nameEnd));
    if (topic === null) return 'outside-mount-point';
    const qos = (flags >> 1) as 0 | 1 | 2;
    const remainingLength = 2 + topic.length + end - nameEnd;
    const size = fixedHeaderSize(remainingLength) + remainingLength;
    if (size > this.maximumPacketSize) return 'packet-too-large'; // [MQTT-3.1.2-24]
    const isReferenced = qos === 0 && end - nameEnd >= REFERENCE_BYTES_MIN;
    if (isReferenced && !this.hasRoomFor(buffer, nameEnd, end)) return 'output-full';
    if (qos > 0 && this.sinks.ack !== null) this.noteSent(packetId, topicOf(image));
    const { output } = this;
    const offset = output.reserve(isReferenced ? size - (end - nameEnd) : size);
    const packet = output.buffer;
    packet[offset] = 0x30 | flags;
    let at = writeLength(packet, offset + 1, remainingLength);
    packet[at] = topic.length >> 8;
    packet[at + 1] = topic.length & 0xff;
    packet.set(topic, at + 2);
    at += 2 + topic.length;
    if (!isReferenced) packet.set(buffer.subarray(nameEnd, end), at);
    if (qos > 0) {
      packet[at] = packetId >> 8;
      packet[at + 1] = packetId & 0xff;
    }
    output.length = isReferenced ? at : at + end - nameEnd;
    countSent(this.host.stats, qos, payloadSize);
    this.tracer?.('publish', {
      ...tracedFrame(buffer, image.start, end, this.version),
      ...{ topic: Buffer.from(topic).toString(), qos, retain: (flags & 1) === 1 },
      ...(qos === 0 ? {} : { packetId }),
    });
    if (isReferenced) output.reference(buffer.subarray(nameEnd, end));
    return null;
  }

  protected override encode(message: MessageBytes, topic: string): DropReason | null {
    const { topicBytes } = message;
    const ownTopic = this.#mountPoint.ownBytes(topicBytes);
    if (ownTopic === null) return 'outside-mount-point';
    message.topicBytes = ownTopic;
    const refused = super.encode(message, topic);
    // It may be everybody's.
    message.topicBytes = topicBytes;
    return refused;
  }
}

/** Where the topic name of a PUBLISH begins. */
function topicNameStart({ buffer, start }: PublishImage): number {
  let offset = start + 1;
  while ((buffer[offset++] as number) >= 0x80);
  return offset + 2;
}

/** Type and flags, and the Remaining Length (§2.1.4). */
function fixedHeaderSize(remainingLength: number): number {
  if (remainingLength < 128) return 2;
  if (remainingLength < 16_384) return 3;
  return remainingLength < 2_097_152 ? 4 : 5;
}

function writeLength(packet: Uint8Array, offset: number, remainingLength: number): number {
  let at = offset;
  let rest = remainingLength;
  while (rest >= 0x80) {
    packet[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  packet[at++] = rest;
  return at;
}
