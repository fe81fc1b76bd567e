import { decodeTopicName } from '@promptmq/codec';
import type { Delivery, PublishImage } from '@promptmq/session';

/** The topic of a PUBLISH of QoS 1 or 2, as it goes out: its name is there, not an alias. */
export function topicOf({ buffer, start, packetIdOffset }: PublishImage): string {
  let offset = start + 1;
  while ((buffer[offset++] as number) >= 0x80);
  return decodeTopicName(buffer, offset + 2, start + packetIdOffset);
}

/** The topic of what a session gives up; null when it isn't known. */
export function topicOfDrop(
  { message }: Delivery,
  packet: PublishImage | string | null,
): string | null {
  if (typeof packet === 'string') return packet;
  if (packet !== null) return topicOf(packet);
  return message.topic === '' ? null : message.topic;
}
