import type { Message } from './message.ts';

/** No subscription identifiers; shared, so that the common case allocates nothing. */
const NONE: readonly number[] = [];

/** Something that finds another receiver for a delivery whose session ended (§4.8.2). */
export interface Redeliverable {
  readonly shareName: string;
}

/** Where a delivery stands in the QoS 1 or QoS 2 exchange (§4.3). */
export const DeliveryState = {
  /** Waiting for quota or for a connection; no packet identifier yet. */
  Queued: 0,
  /** PUBLISH sent; PUBACK or PUBREC is owed to us. */
  Published: 1,
  /** PUBREC received and PUBREL sent; PUBCOMP is owed to us. QoS 2 only. */
  Released: 2,
} as const;
export type DeliveryState = (typeof DeliveryState)[keyof typeof DeliveryState];

/**
 * One message on its way to one session.
 *
 * Invariant: `packetId` is not 0 exactly while the state is Published or Released.
 */
export class Delivery {
  readonly message: Message;
  /** The effective QoS: the lower of the message's and the subscription's [MQTT-3.8.4-8]. */
  readonly qos: 0 | 1 | 2;
  /** The RETAIN flag as it is sent. */
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  /** The shared subscription it was chosen through, or null. */
  readonly group: Redeliverable | null;
  packetId: number;
  state: DeliveryState;
  /** The number of the session's connection that its PUBLISH was sent on last; 0 before. */
  sentOn: number;

  constructor(
    message: Message,
    qos: 0 | 1 | 2,
    retain: boolean,
    identifiers: readonly number[] = NONE,
    group: Redeliverable | null = null,
  ) {
    this.message = message;
    this.qos = qos;
    this.retain = retain;
    this.identifiers = identifiers;
    this.group = group;
    this.packetId = 0;
    this.state = DeliveryState.Queued;
    this.sentOn = 0;
  }
}
