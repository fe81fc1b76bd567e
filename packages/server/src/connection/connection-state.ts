/** How far a network connection has come. */
export const ConnectionState = {
  /** Waiting for CONNECT. */
  Opening: 0,
  Open: 1,
  /** Our last packet is on its way; what the peer still sends is read and thrown away. */
  Closing: 2,
  Closed: 3,
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];
