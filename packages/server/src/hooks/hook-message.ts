import {
  decodeTopicName,
  encode,
  type MessageBytes,
  messageProperties,
  PacketError,
  type PublishProperties,
  PublishView,
} from '@promptmq/codec';
import type { Config } from '../config/index.ts';
import { InvalidAnswer, shown } from './hook-error.ts';
import type { HookMessage, TransformVerdict } from './hooks.ts';

const EMPTY = new Uint8Array(0);

/** UTF-16 that has no encoding in UTF-8 [MQTT-1.5.4-1]. */
const SURROGATE = /\p{Surrogate}/u;

/** Of a PUBLISH that is only encoded to be read. */
const changedView = new PublishView();

/**
 * A PUBLISH as a hook sees it: what is seldom looked at is decoded when it is. One instance is used for all messages of a client that hooks
 * decide on at once.
 */
export class PublishedMessage implements HookMessage {
  topic = '';
  qos: 0 | 1 | 2 = 0;
  retain = false;
  readonly isWill = false;
  #buffer: Uint8Array = EMPTY;
  #payloadStart = 0;
  #payloadEnd = 0;
  #propertiesStart = 0;
  #propertiesEnd = 0;
  #properties: PublishProperties | null = null;

  fill(view: PublishView, topic: string): void {
    this.topic = topic;
    this.qos = view.qos;
    this.retain = view.retain;
    this.#buffer = view.buffer;
    this.#payloadStart = view.payloadStart;
    this.#payloadEnd = view.payloadEnd;
    this.#propertiesStart = view.propertiesStart;
    this.#propertiesEnd = view.propertiesEnd;
    this.#properties = null;
  }

  get payload(): Buffer {
    const { buffer, byteOffset } = this.#buffer;
    const size = this.#payloadEnd - this.#payloadStart;
    return Buffer.from(buffer, byteOffset + this.#payloadStart, size);
  }

  get properties(): PublishProperties {
    if (this.#properties === null) {
      const bytes = this.#buffer.subarray(this.#propertiesStart, this.#propertiesEnd);
      const { topicAlias: _, ...properties } = messageProperties(Uint8Array.from(bytes));
      this.#properties = properties;
    }
    return this.#properties;
  }
}

/** A message on its way, as it is encoded from. */
export interface MessageSource {
  readonly bytes: MessageBytes;
  /** Seconds that are left of it; -1 when it doesn't expire. */
  readonly expiry: number;
}

/** A message that is about to be sent to a client, as a hook sees it. One instance is used for any number, while nobody else has it. */
export class DeliveredMessage implements HookMessage {
  topic = '';
  qos: 0 | 1 | 2 = 0;
  retain = false;
  readonly isWill = false;
  #source: MessageSource | null = null;
  #properties: PublishProperties | null = null;

  /** @param flags - `qos << 1 | retain` */
  fill(topic: string, flags: number, source: MessageSource): this {
    this.topic = topic;
    this.qos = (flags >> 1) as 0 | 1 | 2;
    this.retain = (flags & 1) !== 0;
    this.#source = source;
    this.#properties = null;
    return this;
  }

  get #bytes(): MessageBytes {
    return (this.#source as MessageSource).bytes;
  }

  get payload(): Buffer {
    const { payload, payloadStart, payloadEnd } = this.#bytes;
    return Buffer.from(
      payload.buffer,
      payload.byteOffset + payloadStart,
      payloadEnd - payloadStart,
    );
  }

  get properties(): PublishProperties {
    if (this.#properties === null) {
      const { properties, propertiesStart, propertiesEnd } = this.#bytes;
      const bytes = Uint8Array.from(properties.subarray(propertiesStart, propertiesEnd));
      this.#properties = messageProperties(bytes);
      const { expiry } = this.#source as MessageSource;
      if (expiry >= 0) this.#properties.messageExpiryInterval = expiry;
    }
    return this.#properties;
  }
}

/** What `transform` has changed. */
export type MessageChange = Pick<TransformVerdict, 'topic' | 'payload' | 'properties'>;

/** A message that takes the place of another. */
export interface ChangedMessage extends HookMessage {
  readonly topicBytes: Uint8Array;
  /** As a `Message` has them. */
  readonly encodedProperties: Uint8Array;
  /** Message Expiry Interval in seconds; -1 for none. */
  readonly expiryInterval: number;
}

/**
 * Makes what a hook has changed into a message. It is encoded as a PUBLISH of MQTT 5 and read as one of a client, so that the same
 * rules and limits hold.
 *
 * @throws {InvalidAnswer} when it is none, or larger than `mqtt.max-packet-size`
 */
export function changedMessage(
  { topic: former, payload, qos, retain, isWill, properties }: HookMessage,
  change: MessageChange,
  limits: Config['mqtt'],
): ChangedMessage {
  const { topic = former } = change;
  const topicBytes = Buffer.from(topic);
  const frame = frameOf(topic, change.payload ?? payload, change.properties ?? properties);
  const { maxPacketSize } = limits;
  if (frame.length > maxPacketSize) {
    const why = `of ${frame.length} bytes; mqtt.max-packet-size is ${maxPacketSize}`;
    throw new InvalidAnswer(`returned a message ${why}`);
  }
  let bodyStart = 2;
  while ((frame[bodyStart - 1] as number) >= 0x80) bodyStart++;
  try {
    decodeTopicName(topicBytes, 0, topicBytes.length);
    changedView.read(frame, 0, bodyStart, frame.length, 5, 'server', limits);
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    throw new InvalidAnswer(`returned ${shown(change)}: ${error.message}`);
  }
  const { payloadStart, messageExpiryInterval } = changedView;
  const encodedProperties = changedView.forwardedProperties();
  const shownProperties = messageProperties(Uint8Array.from(encodedProperties));
  if (messageExpiryInterval >= 0) shownProperties.messageExpiryInterval = messageExpiryInterval;
  return {
    topic,
    topicBytes,
    payload: Buffer.from(
      frame.buffer,
      frame.byteOffset + payloadStart,
      frame.length - payloadStart,
    ),
    qos,
    retain,
    isWill,
    properties: shownProperties,
    encodedProperties,
    expiryInterval: messageExpiryInterval,
  };
}

function frameOf(
  topic: string,
  payload: string | Uint8Array,
  properties: PublishProperties,
): Uint8Array {
  if (SURROGATE.test(topic)) {
    throw new InvalidAnswer(`returned topic: ${shown(topic)}; it has half of a surrogate pair`);
  }
  const { topicAlias, subscriptionIdentifier } = properties;
  if (topicAlias !== undefined || subscriptionIdentifier !== undefined) {
    throw new InvalidAnswer(
      `returned properties: ${shown(properties)}; topicAlias and subscriptionIdentifier belong to a connection`,
    );
  }
  try {
    return encode(
      {
        cmd: 'publish',
        dup: false,
        qos: 0,
        retain: false,
        topic,
        payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
        properties,
      },
      { protocolVersion: 5 },
    ) as Uint8Array;
  } catch (error) {
    throw new InvalidAnswer(
      `returned properties: ${shown(properties)}; ${(error as Error).message}`,
    );
  }
}
