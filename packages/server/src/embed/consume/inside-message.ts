import { messageProperties, type PublishProperties } from '@promptmq/codec';
import type { Delivery } from '@promptmq/session';
import { remainingExpiry } from '../../sessions/recipient-terms.ts';

/** A message that an inside subscription has got. */
export interface InsideMessage {
  readonly topic: string;
  /** The consumer's own: the broker keeps nothing of it. */
  readonly payload: Buffer;
  /** At which it was delivered: the lower of the publisher's and the subscription's. */
  readonly qos: 0 | 1 | 2;
  /** Whether it was a retained message when it was subscribed to; with `retainAsPublished`, also as it was published. */
  readonly retain: boolean;
  /** Whether it may have been delivered before, and was not acknowledged. */
  readonly duplicate: boolean;
  /**
   * Those of the PUBLISH (§3.3.2.3), with the seconds that are left of its expiry and the subscription identifiers; without a
   * topic alias.
   */
  readonly properties: PublishProperties;
  /**
   * Acknowledges it: at QoS 1 and 2 it has been dealt with, and isn't delivered again. At QoS 0, a second time, or once the
   * subscription has ended, nothing happens.
   */
  ack(): void;
  /** The payload as UTF-8. */
  text(): string;
  /**
   * The payload as JSON.
   *
   * @throws {SyntaxError} when it isn't
   */
  json(): unknown;
}

/** Who is to learn that a message was acknowledged. */
export interface Acknowledged {
  settle(packetId: number): void;
}

/** What of a delivery a consumer gets. */
export class DeliveredMessage implements InsideMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly duplicate: boolean;
  readonly properties: PublishProperties;
  readonly #peer: Acknowledged;
  /** 0 when there is nothing to acknowledge, or it has been. */
  #packetId: number;

  /** @param now - milliseconds of the broker's time */
  constructor(delivery: Delivery, isDuplicate: boolean, peer: Acknowledged, now: number) {
    const { message, qos, retain, packetId } = delivery;
    this.topic = message.topic;
    // Others may have the same bytes.
    this.payload = Buffer.from(message.payload);
    this.qos = qos;
    this.retain = retain;
    this.duplicate = isDuplicate;
    this.properties = propertiesOf(delivery, now);
    this.#peer = peer;
    this.#packetId = qos === 0 ? 0 : packetId;
  }

  ack(): void {
    const packetId = this.#packetId;
    if (packetId === 0) return;
    // Another message may have the same one later.
    this.#packetId = 0;
    this.#peer.settle(packetId);
  }

  text(): string {
    return this.payload.toString();
  }

  json(): unknown {
    return JSON.parse(this.text());
  }
}

function propertiesOf({ message, identifiers }: Delivery, now: number): PublishProperties {
  const { length } = message.properties;
  const properties: PublishProperties =
    length === 0 ? {} : messageProperties(Uint8Array.from(message.properties));
  const expiry = remainingExpiry(message.expiresAt, now);
  if (expiry >= 0) properties.messageExpiryInterval = expiry;
  if (identifiers.length === 1) properties.subscriptionIdentifier = identifiers[0] as number;
  else if (identifiers.length > 1) properties.subscriptionIdentifier = [...identifiers];
  return properties;
}
