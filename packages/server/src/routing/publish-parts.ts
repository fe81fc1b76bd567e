import type { PublishView } from '@promptmq/codec';
import type { Message } from '@promptmq/session';

const EMPTY = new Uint8Array(0);

/**
 * What a PUBLISH is made of, but for what is the receiver's own: ranges of buffers, so that nothing has
 * to be cut out or copied before it is encoded. One instance is used for any number of messages.
 */
export class PublishParts {
  topic = '';
  topicBytes: Uint8Array = EMPTY;
  /** The MQTT 5 properties that are forwarded: `properties[propertiesStart, propertiesEnd)`, encoded. */
  properties: Uint8Array = EMPTY;
  propertiesStart = 0;
  propertiesEnd = 0;
  payload: Uint8Array = EMPTY;
  payloadStart = 0;
  payloadEnd = 0;
  /** Message Expiry Interval in seconds; -1 for none. */
  expiry = -1;

  /** @param expiry - what is left of the message's lifetime, in seconds; -1 when it doesn't end */
  setMessage({ topic, topicBytes, properties, payload }: Message, expiry: number): void {
    this.topic = topic;
    this.topicBytes = topicBytes;
    this.properties = properties;
    this.propertiesStart = 0;
    this.propertiesEnd = properties.length;
    this.payload = payload;
    this.payloadStart = 0;
    this.payloadEnd = payload.length;
    this.expiry = expiry;
  }

  /** @param expiry - the message's lifetime as it is to be told, in seconds; -1 when it doesn't end */
  setView(
    view: PublishView,
    { topic, topicBytes }: Pick<Message, 'topic' | 'topicBytes'>,
    expiry: number,
  ): void {
    this.topic = topic;
    this.topicBytes = topicBytes;
    if (view.isScattered) {
      this.properties = view.forwardedProperties();
      this.propertiesStart = 0;
      this.propertiesEnd = this.properties.length;
    } else {
      this.properties = view.buffer;
      this.propertiesStart = view.forwardedStart;
      this.propertiesEnd = view.forwardedEnd;
    }
    this.payload = view.buffer;
    this.payloadStart = view.payloadStart;
    this.payloadEnd = view.payloadEnd;
    this.expiry = expiry;
  }

  /** Lets go of the bytes. */
  clear(): void {
    this.properties = EMPTY;
    this.payload = EMPTY;
  }
}
