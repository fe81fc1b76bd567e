import type { Hold } from './lane.ts';
import type { Frame } from './packet-cutter.ts';

/** Seen from the broker. */
export type Direction = 'in' | 'out';

/** What becomes of a packet on its way. Faults change it one after the other. */
export class Fate {
  /** How often it arrives: 0 when it is lost. */
  copies = 1;
  readonly holds: Hold[] = [];
  /** It arrives in pieces of this many bytes; 0: as it was sent. */
  pieceSize = 0;
  /** The connection is cut when it has arrived, or would have. */
  cuts = false;
  /** The connection is half open from when it has arrived. */
  halfOpens = false;
  /** It is answered with this reason instead of arriving; null when it isn't refused. */
  refusal: number | null = null;
  /** For the log of packets: what happened to it, in words. */
  readonly notes: string[] = [];
}

/** Who decides on the fate of packets. */
export interface Fates {
  /** @returns null when the packet arrives as it was sent */
  of(link: LinkIdentity, direction: Direction, frame: Frame): Fate | null;
}

/** Whose connection it is, as far as a fault asks. */
export interface LinkIdentity {
  /** Null before CONNECT; of a client that gave none, what the broker assigned. */
  readonly clientId: string | null;
  /** The how manieth connection of the client it is, from 1. */
  readonly number: number;
}
