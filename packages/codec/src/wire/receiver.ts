/** Who reads a packet: some packets and properties only one side sends. `either` takes both, for sniffers and proxies. */
export type Receiver = 'server' | 'client' | 'either';

/**
 * How much of one packet a receiver takes, so that a packet can't make it build more than it wants to. One that exceeds
 * a limit is refused with Quota Exceeded (0x97) before more of it is read.
 */
export interface DecodeLimits {
  /** User properties. Those of a will are counted by themselves. */
  readonly maxUserProperties: number;
  /** Bytes of all properties together, without their length. Those of a will are counted by themselves. */
  readonly maxPropertiesSize: number;
  /** Topic filters of a SUBSCRIBE or UNSUBSCRIBE. */
  readonly maxFiltersPerPacket: number;
}

/** No limits but those of the protocol. */
export const NO_LIMITS: DecodeLimits = {
  maxUserProperties: Number.POSITIVE_INFINITY,
  maxPropertiesSize: Number.POSITIVE_INFINITY,
  maxFiltersPerPacket: Number.POSITIVE_INFINITY,
};
