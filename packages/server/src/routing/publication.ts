import {
  MessageBytes,
  type ProtocolVersion,
  PublishOwn,
  type PublishView,
  publishSize,
  type QoS,
  writePublish,
} from '@promptmq/codec';
import type { Message } from '@promptmq/session';
import { invariant } from '@promptmq/topics';
import { REFERENCE_BYTES_MIN } from '../connection/output.ts';
import { Image } from './image.ts';

/** Up to this size, each queue may have a copy of an image of its own. */
const COPIED_IMAGE_BYTES_MAX = 1024;

const EMPTY = new Uint8Array(0);
/** What has been made of a message. */
const Form = { Image3: 1, Image5: 2, IdImage3: 4, IdImage5: 8, Bytes: 16 } as const;

const NO_TOPIC = { topic: '', topicBytes: EMPTY };

// What is encoded here is everybody's: nothing of it is one recipient's own but its form.
const own = new PublishOwn();

/** Who sends a message that is borrowed. */
export interface Publisher {
  readonly clientId: string;
  readonly version: ProtocolVersion;
}

/**
 * A message that is being routed, in the forms in which its recipients take it: borrowed from the chunk that it came in, or
 * one that is kept. Each form is made by the first that needs it, and is the same for all others.
 *
 * One instance is used for any number of messages: what it says holds until the next `borrow` or `keep`, and of a borrowed
 * message as long as its chunk does.
 *
 * Invariant: who sends a borrowed message is known; an image that has been made lies in its buffer.
 */
export class Publication {
  qos: QoS;
  retain: boolean;
  /** Bytes. */
  payloadSize: number;
  /** Message Expiry Interval as who is sent it now gets it, in seconds; -1 when it doesn't expire. */
  expiry: number;
  /** When it expires, in milliseconds of the broker's time; Infinity when it never does (§3.3.2.3.3). */
  expiresAt: number;
  #topic: Pick<Message, 'topic' | 'topicBytes'>;
  /** What it is borrowed from; null when it is kept. */
  #view: PublishView | null;
  /** Its properties in the place of those that came, encoded without their length; null where those hold. */
  #stamped: Uint8Array | null;
  #publisher: Publisher | null;
  #message: Message | null;
  #unkeptMessage: Message | null;
  /** Which of the following are those of this message, as `Form` has them. */
  #made: number;
  readonly #bytes: MessageBytes;
  /** As a QoS 0 packet for each wire format. */
  readonly #image3: Image;
  readonly #image5: Image;
  /** The same with a packet identifier. */
  readonly #idImage3: Image;
  readonly #idImage5: Image;

  constructor() {
    this.qos = 0;
    this.retain = false;
    this.payloadSize = 0;
    this.expiry = -1;
    this.expiresAt = Number.POSITIVE_INFINITY;
    this.#topic = NO_TOPIC;
    this.#view = null;
    this.#stamped = null;
    this.#publisher = null;
    this.#message = null;
    this.#unkeptMessage = null;
    this.#made = 0;
    this.#bytes = new MessageBytes();
    this.#image3 = new Image();
    this.#image5 = new Image();
    this.#idImage3 = new Image();
    this.#idImage5 = new Image();
  }

  /**
   * Takes a message from the packet in which it came.
   *
   * @param view - read, and valid until the next call
   * @param topic - of the packet, by name or by alias
   * @param expiresAt - as its field has it
   * @param stamped - properties in the place of those that are forwarded of the packet; null where those hold
   */
  borrow(
    view: PublishView,
    topic: Pick<Message, 'topic' | 'topicBytes'>,
    publisher: Publisher,
    expiresAt: number,
    stamped: Uint8Array | null,
  ): void {
    this.qos = view.qos;
    this.retain = view.retain;
    this.payloadSize = view.payloadEnd - view.payloadStart;
    // It has not waited: the interval is passed on as it came [MQTT-3.3.2-6].
    this.expiry = view.messageExpiryInterval;
    this.expiresAt = expiresAt;
    this.#topic = topic;
    this.#view = view;
    this.#stamped = stamped;
    this.#publisher = publisher;
    this.#message = null;
    this.#unkeptMessage = null;
    this.#made = 0;
  }

  /**
   * Takes a message that is in memory for itself.
   *
   * @param message - kept until the next call
   * @param expiry - what is left of its lifetime, in seconds; -1 when it doesn't end
   */
  keep(message: Message, expiry: number): void {
    this.qos = message.qos;
    this.retain = message.retain;
    this.payloadSize = message.payload.length;
    this.expiry = expiry;
    this.expiresAt = message.expiresAt;
    this.#topic = message;
    this.#view = null;
    this.#stamped = null;
    this.#publisher = null;
    this.#message = message;
    this.#unkeptMessage = message;
    this.#made = 0;
  }

  get topic(): string {
    return this.#topic.topic;
  }

  /** The client that published it, for No Local; empty for the broker. */
  get publisherId(): string {
    return this.#publisher?.clientId ?? this.#message?.publisherId ?? '';
  }

  /** The version in which it came, so that its image is at hand; 5 where it didn't come as a packet. */
  get version(): ProtocolVersion {
    return this.#publisher?.version ?? 5;
  }

  /** About what it takes as a packet with its topic name, in bytes. */
  get size(): number {
    const view = this.#view;
    const { topicBytes } = this.#topic;
    if (view === null) {
      return topicBytes.length + (this.#message?.properties.length ?? 0) + this.payloadSize;
    }
    const added = topicBytes.length + (this.#stamped?.length ?? 0);
    return view.end - view.start - (view.topicEnd - view.topicStart) + added;
  }

  /** It as the ranges that it is encoded from. */
  get bytes(): MessageBytes {
    if ((this.#made & Form.Bytes) === 0) {
      this.#made |= Form.Bytes;
      if (this.#view === null) this.#fillFromMessage(this.#message as Message);
      else this.#fillFromView(this.#view);
    }
    return this.#bytes;
  }

  #fillFromMessage({ topicBytes, properties, payload }: Message): void {
    this.#bytes.set(topicBytes, properties, payload);
  }

  #fillFromView(view: PublishView): void {
    const bytes = this.#bytes;
    const { buffer } = view;
    bytes.topicBytes = this.#topic.topicBytes;
    if (this.#stamped !== null || view.isScattered) {
      bytes.properties = this.#stamped ?? view.forwardedProperties();
      bytes.propertiesStart = 0;
      bytes.propertiesEnd = bytes.properties.length;
    } else {
      bytes.properties = buffer;
      bytes.propertiesStart = view.forwardedStart;
      bytes.propertiesEnd = view.forwardedEnd;
    }
    bytes.payload = buffer;
    bytes.payloadStart = view.payloadStart;
    bytes.payloadEnd = view.payloadEnd;
  }

  // -------------------------------------------------------------------- images

  /**
   * Whether it may wait in queues as an image: it doesn't expire, and is small, or is for one session alone. As a
   * message, all queues share it.
   */
  isQueuedAsImage(recipientCount: number): boolean {
    return (
      this.expiresAt === Number.POSITIVE_INFINITY &&
      this.size <= (recipientCount === 1 ? REFERENCE_BYTES_MIN - 1 : COPIED_IMAGE_BYTES_MAX)
    );
  }

  /** It as a QoS 0 packet without RETAIN, for a protocol version. */
  image(version: ProtocolVersion): Image {
    const image = version === 5 ? this.#image5 : this.#image3;
    const form = version === 5 ? Form.Image5 : Form.Image3;
    if ((this.#made & form) !== 0) return image;
    this.#made |= form;
    const view = this.#view;
    if (view !== null && view.qos === 0 && view.topicAlias === 0 && this.#isFormat(view, version)) {
      image.set(view.buffer, view.start, view.end, this.payloadSize, true);
    } else {
      this.#encode(image, version, 0);
    }
    return image;
  }

  /** The same of QoS 1 or 2, with room for a packet identifier; the message doesn't expire. */
  idImage(version: ProtocolVersion): Image {
    const image = version === 5 ? this.#idImage5 : this.#idImage3;
    const form = version === 5 ? Form.IdImage5 : Form.IdImage3;
    if ((this.#made & form) !== 0) return image;
    this.#made |= form;
    const view = this.#view;
    if (
      view !== null &&
      view.qos > 0 &&
      !view.hasVolatileProperties &&
      this.#isFormat(view, version)
    ) {
      image.set(view.buffer, view.start, view.end, this.payloadSize, true);
      image.packetIdOffset = view.topicEnd - view.start;
    } else {
      this.#encode(image, version, 1);
      let topicStart = 2;
      while ((image.buffer[topicStart - 1] as number) >= 0x80) topicStart++;
      image.packetIdOffset = topicStart + 2 + this.#topic.topicBytes.length;
    }
    return image;
  }

  /** Whether the packet that came is as it would be encoded for a protocol version, with the topic that it has to all. */
  #isFormat(view: PublishView, version: ProtocolVersion): boolean {
    return (
      (this.#stamped === null || version !== 5) &&
      (this.#publisher?.version === 5) === (version === 5) &&
      this.#topic.topicBytes.length === view.topicEnd - view.topicStart &&
      !view.hasPaddedLength
    );
  }

  #encode(image: Image, version: ProtocolVersion, qos: 0 | 1): void {
    own.version = version;
    own.flags = qos << 1;
    own.expiry = this.expiry;
    const { bytes } = this;
    const size = publishSize(bytes, own);
    const buffer = image.scratch(size);
    writePublish(buffer, 0, bytes, own);
    image.set(buffer, 0, size, this.payloadSize, false);
  }

  // ------------------------------------------------------------------ messages

  /** It as a message that can be kept: what is needed of the chunk is copied. */
  get message(): Message {
    this.#message ??= this.#copy(keepBytes);
    return this.#message;
  }

  /** It as a message to be written: the one that somebody keeps, if there is one. */
  get writtenMessage(): Message {
    return this.#message ?? this.unkeptMessage;
  }

  /** It as a message that nobody keeps beyond this turn. */
  get unkeptMessage(): Message {
    this.#unkeptMessage ??= this.#copy(viewBytes);
    return this.#unkeptMessage;
  }

  /** @param take - gets a range of a buffer */
  #copy(take: (buffer: Uint8Array, start: number, end: number) => Uint8Array): Message {
    const { topic, topicBytes } = this.#topic;
    const view = this.#view as PublishView;
    return {
      topic,
      topicBytes,
      properties: this.#stamped ?? view.forwardedProperties(),
      payload: take(view.buffer, view.payloadStart, view.payloadEnd),
      qos: this.qos,
      retain: this.retain,
      expiresAt: this.expiresAt,
      publisherId: this.publisherId,
    };
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    invariant(
      this.#view === null || this.#publisher !== null,
      'a message is borrowed, and nobody sends it',
    );
    const images = [this.#image3, this.#image5, this.#idImage3, this.#idImage5];
    for (const [index, image] of images.entries()) {
      if ((this.#made & (1 << index)) !== 0) image.checkInvariants();
    }
  }
}

function viewBytes(buffer: Uint8Array, start: number, end: number): Uint8Array {
  return buffer.subarray(start, end);
}

/** Large payloads keep their chunk alive, small ones are copied out of it. */
function keepBytes(buffer: Uint8Array, start: number, end: number): Uint8Array {
  if (start === end) return EMPTY;
  const bytes = buffer.subarray(start, end);
  if (end - start >= REFERENCE_BYTES_MIN) return bytes;
  const copy = Buffer.allocUnsafe(end - start);
  copy.set(bytes);
  return copy;
}
