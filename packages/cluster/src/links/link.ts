import { FrameType } from './frames.ts';

/** A link has two streams, so that what is much does not hold up what is waited for. */
export type Lane =
  /** Connections of clients that are relayed. */
  | 1
  /** Messages of every QoS, which have an order, and what is acknowledged. */
  | 2;

/** @returns the lane that frames of a type take: those of one lane arrive in the order in which they were sent */
export function laneOf(type: number): Lane {
  return type >= FrameType.open && type <= FrameType.refuse ? 1 : 2;
}

/** A cell that a process serves, as it says when a link begins. */
export interface ServedCell {
  /** 0 to 63. */
  readonly cell: number;
  readonly epoch: number;
}

/** One end of a link. */
export interface LinkEnd {
  /** The name of the process: no other that is reached has the same. */
  readonly node: string;
  /** Another one whenever the process starts. */
  readonly incarnation: string;
  readonly cells: readonly ServedCell[];
  /** The node of a cluster that the process is of; not there where all are of one machine. */
  readonly owner?: string;
}

/** What has gone over a link, and how soon the other side answers. */
export interface LinkFigures {
  /** How long the last question took to be answered, in milliseconds; 0 before the first answer. */
  readonly roundTripMs: number;
  /** Bytes that were sent, and that have come, of lane 1 and of lane 2; those of the handshake included. */
  readonly sentBytes: readonly [number, number];
  readonly receivedBytes: readonly [number, number];
}

/**
 * A connection to another process that is up. When it is down, it stays so: another one may follow, which is another object.
 *
 * Nothing that was sent is known to have arrived, unless the other side says so in a frame of its own. Of each lane the first frames that were sent
 * arrive, in their order and each once, up to where the link broke.
 */
export interface Link {
  /** The other side. */
  readonly peer: LinkEnd;
  readonly isUp: boolean;
  /** As it is now; also of a link that is over. */
  readonly figures: LinkFigures;
  /**
   * Sends a frame with what else is sent in this turn. On a link that is down nothing happens.
   *
   * @param type - one of `FrameType`, which also says the lane
   * @param parts - the body, in one or several parts; copied before this returns
   */
  send(type: number, ...parts: readonly Uint8Array[]): void;
  /** Whether so much waits in a lane that its users had better stop until `onDrained`; what is sent all the same is sent. */
  isBusy(lane: Lane): boolean;
  /** Ends the link: `onDown` follows, before this returns, on this side. What has not left yet is lost. */
  close(why: string): void;
}

/** Whoever uses the links of a process. */
export interface LinkUser {
  /** A link is up; frames may be sent from now on, and come after this. */
  onUp?(link: Link): void;
  /** A lane of it isn't busy any more. */
  onDrained?(link: Link, lane: Lane): void;
  /** It is down. No frame comes from it after this. */
  onDown?(link: Link, why: string): void;
}

/**
 * Gets the frames of some types.
 *
 * @param body - nobody changes it any more: it may be kept, but keeps the chunk that it came in, which may be much larger
 */
export type FrameHandler = (link: Link, body: Uint8Array, type: number) => void;
