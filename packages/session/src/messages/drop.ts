import type { Delivery } from './delivery.ts';
import type { PublishImage } from './publish-image.ts';

/** Why a message was not delivered; every drop is reported with one of these. */
export type DropReason =
  /** Its Message Expiry Interval passed while it waited [MQTT-3.3.2-5]. */
  | 'expired'
  /** The session's queue was full. */
  | 'queue-full'
  /** It exceeds the client's Maximum Packet Size [MQTT-3.1.2-25]. */
  | 'packet-too-large'
  /** QoS 0, and more waits for the client already than it may. */
  | 'slow-subscriber'
  /** QoS 0, too much waits for all clients together, and this one has more than is left for the others. */
  | 'output-full'
  /** QoS 0, and the session has no connection. */
  | 'not-connected'
  /** The session ended while it waited. */
  | 'session-ended'
  /** The client may no longer be sent messages of its topic. */
  | 'not-authorized'
  /** Its topic lies outside of the part of the tree that the client's listener shows (mount point). */
  | 'outside-mount-point'
  /** The program that the broker is embedded in doesn't let the client have it. */
  | 'refused-by-hook'
  /** QoS 0, and it was for clients of another process, which can't be reached now. */
  | 'cell-away'
  /** QoS 0, and more waits for another process already than may. */
  | 'cell-behind'
  /** It was in the store, and can't be read any more. */
  | 'lost';

/**
 * Gets what is given up.
 *
 * @param delivery - without its message where that is in the store only, or there was no delivery
 * @param packet - in the place of its message: the encoded packet, valid until this returns, or its topic; null when neither is known
 */
export type DropListener = (
  reason: DropReason,
  delivery: Delivery,
  packet?: PublishImage | string | null,
) => void;
