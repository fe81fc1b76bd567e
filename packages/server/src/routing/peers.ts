import type { Message } from '@promptmq/session';
import type { Route } from '@promptmq/topics';
import type { HeldPublisher } from '../connection/peer.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';
import type { Publication } from './publication.ts';

/** Another cell, as messages for its clients go there. */
export interface PeerCell {
  /** 0 to 63. */
  readonly cell: number;
  /**
   * A session of this broker whose messages are for that cell: whatever doesn't go at QoS 0 waits there, stored with the message
   * where anything is stored. No client can have its client identifier.
   */
  readonly session: BrokerSession;
  /**
   * The message that is routed is going to be stored for the cell: what comes later of its topic doesn't overtake it.
   *
   * @param ahead - deliveries of the message that are written before this one, at most
   */
  noteStored(topic: string, ahead: number): void;
  /** Whether something of a topic waits for the cell, so that what comes after it has to wait, too, also at QoS 0. */
  isBehind(topic: string): boolean;
}

/** In the place of a shared group: nobody in the cell gets the message, which it only retains. */
export const ONLY_RETAINED = '\0';

/** Some of another cell who get a message: all of its ordinary subscribers, or one member of a shared group. */
export interface PeerTarget {
  readonly peer: PeerCell;
  /** `$share/NAME/FILTER` of the group; null for ordinary subscribers. */
  readonly group: string | null;
  /** The highest Maximum QoS of their subscriptions. */
  readonly qos: 0 | 1 | 2;
}

/** A shared group that has members in other cells. */
export interface PeerGroup {
  readonly wholeFilter: string;
  /**
   * Chooses the cell whose member gets the next message, by turns as its members are many.
   *
   * @param isHere - whether it has members in this cell, too
   * @returns null when one of this cell gets it
   */
  next(isHere: boolean): PeerTarget | null;
}

/** Who in other cells gets the messages of a topic; it holds until the next call. */
export interface PeerRoute {
  /** Of ordinary subscribers, one a cell. */
  readonly targets: readonly PeerTarget[];
  readonly groups: readonly PeerGroup[];
}

/** For whom in this cell a message is that came from another one. */
export interface ForwardedTo {
  /** Whether all ordinary subscribers get it. */
  readonly isPlain: boolean;
  /** Whole filters of the shared groups of which one member gets it. */
  readonly groups: readonly string[];
}

/** What the router needs of the other cells of a cluster. */
export interface Peers {
  /** What waits for all other cells together, and is stored or in memory. */
  readonly backlogBytes: number;
  /** @returns null when nobody elsewhere gets messages of the topic */
  routeOf(route: Pick<Route<BrokerSession>, 'topic' | 'topicBytes'>): PeerRoute | null;
  /** @returns null when a shared group, by its whole filter, has no members elsewhere */
  groupOf(wholeFilter: string): PeerGroup | null;
  /** The cell that keeps the retained messages of a topic; null when it is this one. */
  keeperOf(topic: string): PeerCell | null;
  /**
   * A retained message that this cell keeps has another one in its place, or none: the others are told when that is safe.
   *
   * @param message - kept; without payload where it is removed
   * @param position - of its record; -1 when there is none
   */
  onRetained(message: Message, position: number): void;
  /** A message of another cell found no room here among the retained ones, which that cell doesn't know. */
  onNotRetained(topic: string): void;
  /**
   * A retained message that another cell is to keep has its copy here already. Where its record is refused, that cell never hears of it, and
   * says again what it has.
   *
   * @param position - of the record by which the other cell gets it
   */
  onCopied(topic: string, position: number): void;
  /**
   * Calls back when the copies here have what was acknowledged by now, in any cell, of the retained messages that filters match.
   *
   * @param topicFilters - valid, and not shared
   * @param onDone - with false where another cell hasn't said so in time; may be called before this returns
   */
  whenRetainedKnown(topicFilters: readonly string[], onDone: (isKnown: boolean) => void): void;
  /** Has the cell that keeps it remove the retained message of a topic. */
  clearRetained(topic: string): void;
  /**
   * Sends the message to other cells at QoS 0. What can't be sent is dropped and counted.
   *
   * @param targets - one at least; not kept, and several may be of one cell
   * @param publisher - is held back where too much waits to be sent; null when nobody sends the message just now
   */
  sendQoS0(
    publication: Publication,
    targets: readonly PeerTarget[],
    publisher: HeldPublisher | null,
  ): void;
}
