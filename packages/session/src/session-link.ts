import type { Delivery } from './messages/delivery.ts';
import type { DropReason } from './messages/drop.ts';
import type { PublishImage } from './messages/publish-image.ts';

/** The connection, as the session sees it. */
export interface SessionLink {
  /** False while too much waits to be sent: messages stay in the queue. */
  readonly isWritable: boolean;
  /** QoS 0 messages, too, stay in the queue until it is writable, and go in the order of all others; not if left out. */
  readonly takesOneByOne?: boolean;
  /**
   * Sends a PUBLISH.
   *
   * @param dup - whether it is sent again [MQTT-3.3.1-1]
   * @returns null, or why nothing was sent: the packet exceeds the client's Maximum Packet Size (the
   * message then counts as delivered [MQTT-3.1.2-25]), or it is QoS 0 and the client is too slow
   */
  sendPublish(delivery: Delivery, dup: boolean): DropReason | null;
  /**
   * Sends a PUBLISH that is encoded already.
   *
   * @param flags - `qos << 1 | retain`
   * @returns as `sendPublish` does
   */
  sendImage(image: PublishImage, flags: number, packetId: number): DropReason | null;
  sendPubrel(packetId: number): void;
}
