/** Who reads a packet: some packets and properties only one side sends. `either` takes both, for sniffers and proxies. */
export type Receiver = 'server' | 'client' | 'either';

/**
 * What a receiver takes of one packet, so that nobody has it build more than it bargained for. A packet that exceeds
 * a limit is refused with Quota Exceeded (0x97) before more of it is read.
 */
export interface DecodeLimits {
  /** User properties; the will's are counted by themselves. */
  readonly maxUserProperties: number;
  /** Bytes of all properties together, without their length; the will's are counted by themselves. */
  readonly maxPropertiesSize: number;
  /** Topic filters of a SUBSCRIBE or UNSUBSCRIBE. */
  readonly maxFiltersPerPacket: number;
}

/** What the protocol allows. */
export const NO_LIMITS: DecodeLimits = {
  maxUserProperties: Number.POSITIVE_INFINITY,
  maxPropertiesSize: Number.POSITIVE_INFINITY,
  maxFiltersPerPacket: Number.POSITIVE_INFINITY,
};
