import { NO_IDENTIFIERS } from '@promptmq/topics';
import type { Message } from './message.ts';

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
  /** STORED_MESSAGE in its place when it is in the store only. */
  message: Message;
  /** The effective QoS: the lower of the message's and the subscription's [MQTT-3.8.4-8]. */
  readonly qos: 0 | 1 | 2;
  /** The RETAIN flag as it is sent. */
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  /** The filter of the shared subscription it was chosen through, `$share/NAME/` included, or null. */
  readonly group: string | null;
  packetId: number;
  state: DeliveryState;
  /** The number of the session's connection that its PUBLISH was sent on last; 0 before. */
  sentOn: number;
  /** Its number among the stored deliveries of its session, from 1; 0 when it isn't stored. */
  sequence: number;
  /**
   * Where the record lies that it depends on: that of its message, or in state Released that of the
   * PUBREC. Not before that is committed may anything of it be sent.
   */
  position: number;
  /** Bytes of the message's record that are given up with this delivery. */
  share: number;
  /** Stored, and named by a record of its own instead of by its message's. */
  isReference: boolean;
  /** It may have been sent by a process that has ended since. */
  isSent: boolean;

  constructor(
    message: Message,
    qos: 0 | 1 | 2,
    retain: boolean,
    identifiers: readonly number[] = NO_IDENTIFIERS,
    group: string | null = null,
  ) {
    this.message = message;
    this.qos = qos;
    this.retain = retain;
    this.identifiers = identifiers;
    this.group = group;
    this.packetId = 0;
    this.state = DeliveryState.Queued;
    this.sentOn = 0;
    this.sequence = 0;
    this.position = 0;
    this.share = 0;
    this.isReference = false;
    this.isSent = false;
  }
}
