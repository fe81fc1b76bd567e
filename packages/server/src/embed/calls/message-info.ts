import { messageProperties, type PublishProperties } from '@promptmq/codec';
import type { Message } from '@promptmq/session';
import { remainingExpiry } from '../../sessions/recipient-terms.ts';

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

/** @param now - milliseconds of the broker's time */
export function messageInfoOf(message: Message, now: number): MessageInfo {
  const { topic, qos, retain, expiresAt } = message;
  const properties = messageProperties(Uint8Array.from(message.properties));
  const secondsLeft = remainingExpiry(expiresAt, now);
  if (secondsLeft >= 0) properties.messageExpiryInterval = secondsLeft;
  return { topic, payload: Buffer.from(message.payload), qos, retain, properties };
}
