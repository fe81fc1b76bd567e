/**
 * The image of a PUBLISH of QoS 1 or 2: encoded whole, but for what differs from client to client, which is the flags
 * of its first byte and its packet identifier. With those it is a frame.
 */
export interface PublishImage {
  readonly buffer: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Where the packet identifier goes, counted from `start`. */
  readonly packetIdOffset: number;
  /** Bytes. */
  readonly payloadSize: number;
}
