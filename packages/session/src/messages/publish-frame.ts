/**
 * A PUBLISH of QoS 1 or 2 in the form in which it is sent, whole, but for what differs from client to
 * client: the flags of its first byte and its packet identifier.
 */
export interface PublishFrame {
  readonly buffer: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Where the packet identifier goes, counted from `start`. */
  readonly packetIdOffset: number;
  /** Bytes. */
  readonly payloadSize: number;
}
