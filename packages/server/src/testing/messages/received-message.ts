import type { PublishProperties, QoS } from '@promptmq/codec';

/** A message that the broker has received and passed on to whoever has subscribed to it, if anybody. */
export interface ReceivedMessage {
  readonly topic: string;
  /** Its own bytes. */
  readonly payload: Buffer;
  readonly qos: QoS;
  /** Whether it was published with RETAIN. */
  readonly retain: boolean;
  /** As published. */
  readonly properties: PublishProperties;
  /** Who published it, or whose will it was; null: the program, by `broker.publish`. */
  readonly clientId: string | null;
  /** The payload as text, in UTF-8. */
  text(): string;
  /** The payload as JSON. @throws {SyntaxError} when it is none */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it published.
  json(): any;
}

export type MessageFields = Omit<ReceivedMessage, 'text' | 'json'>;

/** @param fields - the payload isn't copied */
export function receivedMessage(fields: MessageFields): ReceivedMessage {
  const { payload } = fields;
  return {
    ...fields,
    text: () => payload.toString(),
    json: () => JSON.parse(payload.toString()),
  };
}
