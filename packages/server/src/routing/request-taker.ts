import type { Peer } from '../connection/peer.ts';

/** Who takes what is published to a topic of requests, in the place of subscribers. */
export interface RequestTaker {
  readonly topic: string;
  /** @param payload - its own from now on */
  take(publisher: Peer, payload: Uint8Array): void;
}
