import { messageProperties, type PublishProperties } from '@promptmq/codec';
import type { Message } from '@promptmq/session';

/** A message, for a program: nothing of it is shared with the broker, so it may be kept and changed. */
export interface MessageInfo {
  readonly topic: string;
  readonly payload: Buffer;
  /** As it was published. */
  readonly qos: 0 | 1 | 2;
  /** Whether it was published with RETAIN. */
  readonly retain: boolean;
  /** Of MQTT 5. `messageExpiryInterval`, in seconds, is what is left of it. */
  readonly properties: PublishProperties;
}

/** @param secondsLeft - until it expires; -1 when it never does */
export function messageInfoOf(message: Message, secondsLeft: number): MessageInfo {
  const { topic, qos, retain } = message;
  const properties = messageProperties(Uint8Array.from(message.properties));
  if (secondsLeft >= 0) properties.messageExpiryInterval = secondsLeft;
  return { topic, payload: Buffer.from(message.payload), qos, retain, properties };
}
