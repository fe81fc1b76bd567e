import { type ProtocolVersion, type PublishView, publishSize, writePublish } from '@promptmq/codec';
import type { Message } from '@promptmq/session';
import type { Route } from '@promptmq/topics';
import type { Config } from '../config/index.ts';
import { REFERENCE_BYTES_MIN } from '../connection/output.ts';
import type { Peer } from '../connection/peer.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';
import { Frame } from './frame.ts';
import { PublishParts } from './publish-parts.ts';

/** Up to this size, each queue may have a copy of a packet of its own. */
const COPIED_FRAME_BYTES_MAX = 1024;

const EMPTY = new Uint8Array(0);
const NO_IDENTIFIERS: readonly number[] = [];

/**
 * The PUBLISH that is being routed, in the forms in which its recipients take it. Each is made by the
 * first that needs it, and is the same for all others; one instance is used for any number of packets.
 */
export class Publication {
  readonly #config: Config;
  readonly #runtime: Runtime;
  // Set by `begin`.
  view!: PublishView;
  #route!: Route<BrokerSession>;
  #publisher!: Peer;
  #message: Message | null;
  #unkeptMessage: Message | null;
  /** As a QoS 0 packet for each wire format. */
  readonly #frame3: Frame;
  readonly #frame5: Frame;
  /** The same with a packet identifier. */
  readonly #idFrame3: Frame;
  readonly #idFrame5: Frame;
  readonly #parts: PublishParts;
  /** Whether `#parts` are those of this PUBLISH. */
  #hasParts: boolean;

  constructor(config: Config, runtime: Runtime) {
    this.#config = config;
    this.#runtime = runtime;
    this.#message = null;
    this.#unkeptMessage = null;
    this.#frame3 = new Frame();
    this.#frame5 = new Frame();
    this.#idFrame3 = new Frame();
    this.#idFrame5 = new Frame();
    this.#parts = new PublishParts();
    this.#hasParts = false;
  }

  /** @param view - valid until the next call */
  begin(view: PublishView, route: Route<BrokerSession>, publisher: Peer): void {
    this.view = view;
    this.#route = route;
    this.#publisher = publisher;
    this.#message = null;
    this.#unkeptMessage = null;
    this.#frame3.isReady = false;
    this.#frame5.isReady = false;
    this.#idFrame3.isReady = false;
    this.#idFrame5.isReady = false;
    this.#hasParts = false;
  }

  /**
   * Whether it may wait in queues as the packet that it is: it doesn't expire, and is
   * small, or is for one session alone. As a message, all queues share it.
   */
  get isFrame(): boolean {
    const { view } = this;
    const { recipients } = this.#route;
    const size = view.end - view.start;
    return (
      view.messageExpiryInterval < 0 &&
      this.#config.mqtt.maxMessageExpiry === Number.POSITIVE_INFINITY &&
      (size <= COPIED_FRAME_BYTES_MAX || (recipients.length === 1 && size < REFERENCE_BYTES_MIN))
    );
  }

  /** It as a QoS 0 packet without RETAIN, for a protocol version. */
  frame(version: ProtocolVersion): Frame {
    const frame = version === 5 ? this.#frame5 : this.#frame3;
    if (frame.isReady) return frame;
    const { view } = this;
    if (view.qos === 0 && view.topicAlias === 0 && this.#isPublishersFormat(version)) {
      frame.set(view.buffer, view.start, view.end, view.payloadEnd - view.payloadStart);
    } else {
      this.#encode(frame, version, 0);
    }
    return frame;
  }

  /** The same of QoS 1 or 2, with room for a packet identifier; the message doesn't expire. */
  idFrame(version: ProtocolVersion): Frame {
    const frame = version === 5 ? this.#idFrame5 : this.#idFrame3;
    if (frame.isReady) return frame;
    const { view } = this;
    if (view.qos > 0 && !view.hasVolatileProperties && this.#isPublishersFormat(version)) {
      frame.set(view.buffer, view.start, view.end, view.payloadEnd - view.payloadStart);
      frame.packetIdOffset = view.topicEnd - view.start;
    } else {
      this.#encode(frame, version, 1);
      let topicStart = 2;
      while ((frame.buffer[topicStart - 1] as number) >= 0x80) topicStart++;
      const { length } = this.#route.topicBytes;
      frame.packetIdOffset = topicStart + 2 + length;
    }
    return frame;
  }

  /** Whether the packet is as it would be encoded for a protocol version. */
  #isPublishersFormat(version: ProtocolVersion): boolean {
    return (this.#publisher.version === 5) === (version === 5) && !this.view.hasPaddedLength;
  }

  #encode(frame: Frame, version: ProtocolVersion, qos: 0 | 1): void {
    const { parts } = this;
    const { topicBytes, payload, payloadStart, payloadEnd } = parts;
    const expiry = version === 5 ? parts.expiry : -1;
    const propertiesLength = parts.propertiesEnd - parts.propertiesStart;
    const payloadLength = payloadEnd - payloadStart;
    const size = publishSize(
      version,
      qos,
      topicBytes.length,
      propertiesLength,
      payloadLength,
      expiry,
      0,
      NO_IDENTIFIERS,
    );
    const buffer = frame.scratch(size);
    writePublish(
      buffer,
      0,
      version,
      qos << 1,
      0,
      topicBytes,
      0,
      topicBytes.length,
      parts.properties,
      parts.propertiesStart,
      parts.propertiesEnd,
      payload,
      payloadStart,
      payloadEnd,
      expiry,
      0,
      NO_IDENTIFIERS,
    );
    frame.set(buffer, 0, size, payloadLength);
  }

  /** It in the parts that it is encoded from. */
  get parts(): PublishParts {
    const parts = this.#parts;
    if (!this.#hasParts) {
      // It has not waited: the interval is told as it came [MQTT-3.3.2-6].
      parts.setView(this.view, this.#route, this.view.messageExpiryInterval);
      this.#hasParts = true;
    }
    return parts;
  }

  /** How long a message may be under way, in milliseconds; Infinity when there is no limit. */
  #lifetimeOf({ messageExpiryInterval }: PublishView): number {
    const { maxMessageExpiry } = this.#config.mqtt;
    if (messageExpiryInterval < 0) return maxMessageExpiry;
    return Math.min(messageExpiryInterval * 1000, maxMessageExpiry);
  }

  /** It as a message that can be kept: what is needed of the read buffer is copied. */
  get message(): Message {
    const { buffer, payloadStart, payloadEnd } = this.view;
    this.#message ??= this.#withPayload(keepBytes(buffer, payloadStart, payloadEnd));
    return this.#message;
  }

  /** It as a message to be written: the one that somebody keeps, if there is one. */
  get writtenMessage(): Message {
    return this.#message ?? this.unkeptMessage;
  }

  /** It as a message that nobody keeps beyond this turn. */
  get unkeptMessage(): Message {
    const { buffer, payloadStart, payloadEnd } = this.view;
    this.#unkeptMessage ??= this.#withPayload(buffer.subarray(payloadStart, payloadEnd));
    return this.#unkeptMessage;
  }

  #withPayload(payload: Uint8Array): Message {
    const { view } = this;
    const route = this.#route;
    const { qos, retain } = view;
    const lifetime = this.#lifetimeOf(view);
    return {
      topic: route.topic,
      topicBytes: route.topicBytes,
      properties: view.forwardedProperties(),
      payload,
      qos,
      retain,
      expiresAt: lifetime === Number.POSITIVE_INFINITY ? lifetime : this.#runtime.now() + lifetime,
      publisherId: this.#publisher.clientId,
    };
  }
}

/** Large payloads keep their read buffer alive, small ones are copied out of it. */
function keepBytes(buffer: Uint8Array, start: number, end: number): Uint8Array {
  if (start === end) return EMPTY;
  const bytes = buffer.subarray(start, end);
  if (end - start >= REFERENCE_BYTES_MIN) return bytes;
  const copy = Buffer.allocUnsafe(end - start);
  copy.set(bytes);
  return copy;
}
