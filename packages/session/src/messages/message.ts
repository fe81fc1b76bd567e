/**
 * An Application Message as the broker keeps it: what is the same for all who receive it. It is
 * immutable and shared by every queue, window and retained topic that refers to it.
 */
export interface Message {
  readonly topic: string;
  /** The topic name as it was encoded; shared by all messages of the topic. */
  readonly topicBytes: Uint8Array;
  /**
   * The MQTT 5 properties that are forwarded unaltered, encoded and in their order, without the
   * property length and without topic alias, message expiry interval and subscription identifiers.
   */
  readonly properties: Uint8Array;
  readonly payload: Uint8Array;
  /** As published; a delivery may lower it. */
  readonly qos: 0 | 1 | 2;
  /** The RETAIN flag as published. */
  readonly retain: boolean;
  /** When the message expires, in milliseconds of the clock; Infinity when it never does (§3.3.2.3.3). */
  readonly expiresAt: number;
  /** The client that published it, for No Local [MQTT-3.8.3-3]. */
  readonly publisherId: string;
}

const EMPTY = new Uint8Array(0);

/** Stands in a delivery for a message that is in the store, and has not been read back. */
export const STORED_MESSAGE: Message = {
  topic: '',
  topicBytes: EMPTY,
  properties: EMPTY,
  payload: EMPTY,
  qos: 0,
  retain: false,
  expiresAt: Number.POSITIVE_INFINITY,
  publisherId: '',
};

/** What `Message` occupies beyond its object, in bytes: payload, properties and topic name. */
export function messageSize(message: Message): number {
  return message.payload.length + message.properties.length + message.topicBytes.length;
}
