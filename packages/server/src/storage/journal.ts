import type { Delivery, DeliveryStore, Message, Session, SessionLink } from '@promptmq/session';
import type { Subscription } from '@promptmq/topics';
import type { Faulty } from '../runtime/faults.ts';
import type { AppliedMark } from './cells/applied-marks.ts';
import type { Origin } from './records/message-record.ts';
import type { WillRecord } from './records/session-record.ts';

/** What is known here of the connection of a session. */
export interface JournalPeer extends SessionLink, Faulty {
  /** Something is given up that it was owed. Only those of other cells want to know. */
  onGivenUp?(): void;
}

export type JournalSession = Session<JournalPeer>;

/** Who publishes, as far as reading from it goes. */
export interface Publisher {
  pauseReading(): void;
  resumeReading(): void;
}

/** The acknowledgements of one connection that wait for records, in the order in which they are to leave. */
export interface AwaitedAcks {
  /** For whom they are. */
  readonly connection: Faulty;
  /** Sends those whose records are before a position; returns whether none waits any more. */
  sendCommittedAcks(position: number): boolean;
  /** There will be no records from a position on: answers so. */
  refuseAcks(position: number): void;
}

/** What of a session is written, beside its messages. */
export interface JournalEntry {
  readonly session: JournalSession;
  readonly subscriptions: { values(): Iterable<Subscription> };
  /** What the journal knows it by; 0 when nothing of it is written. */
  readonly number: number;
  /** User name; null when it belongs to nobody. */
  readonly owner: string | null;
  /** Milliseconds of the broker's time; -1 while connected. */
  readonly disconnectedAt: number;
  /** Milliseconds of the broker's time; Infinity while no will is due. */
  readonly willDueAt: number;
  will: WillRecord | null;
}

/** Something that may happen when a record is committed. */
export interface Pending {
  /** Of the record. */
  readonly position: number;
  /** Whose answer it is, if it is one. */
  readonly connection?: Faulty;
  onCommitted(): void;
  /** There will be no such record: the disk is full, or the log has failed. */
  onRefused(): void;
}

/** A delivery that has become another session's, where it has a number of its own. */
export interface MovedDelivery {
  readonly former: Delivery;
  readonly session: JournalSession;
  readonly delivery: Delivery;
}

/** Those who wait for records. */
export interface Commits {
  /** Whether records can be written: the disk isn't full, and the log has not failed. */
  readonly isOpen: boolean;
  /** Records before this position are committed. */
  readonly committedPosition: number;
  /** Of the last record: once it is committed, all that was written before now is. -1: there is none to wait for. */
  readonly lastPosition: number;
  /** Has something done when a record is committed, or refused; at once when it is, be it that others are committed after it. */
  whenCommitted(pending: Pending): void;
  /** Has something done when the disk has room again; at once when it has. */
  whenRoom(action: () => void): void;
  /** A connection has acknowledgements to send when their records are committed. */
  awaitAcks(acks: AwaitedAcks): void;
  /** Stops reading from a publisher while too much waits to be written. */
  holdBack(publisher: Publisher): void;
}

/** Messages, and what becomes of their deliveries. */
export interface MessageJournal {
  /**
   * The retained message of a topic, which is going to be replaced. It is back in its place when the record of the other one
   * is refused.
   */
  formerRetained(topic: string): Message | undefined;
  /**
   * Writes a message, once for all who are to get it. Its deliveries are numbered and know their record
   * afterwards.
   *
   * @param sessions - whose the deliveries are
   * @param isRetained - it has taken the place of its topic's retained message
   * @param former - what that was, as `formerRetained` says
   * @returns the record's position; -1 when none was needed
   */
  writeMessage(
    message: Message,
    sessions: readonly JournalSession[],
    deliveries: readonly Delivery[],
    origin: Origin | null,
    isRetained: boolean,
    former: Message | undefined,
  ): number;
  /**
   * Writes that a session is to get messages that are there already, as retained messages or as another's. What isn't in
   * a record is written with it.
   *
   * @param deliveries - of QoS 1 and 2; numbered afterwards
   */
  writeReferences(session: JournalSession, deliveries: readonly Delivery[]): void;
  /**
   * Writes that deliveries have become other sessions': one record, so that no crash leaves them with both or with
   * none. When the disk refuses it, they are the session's again.
   *
   * @param moved - numbered afterwards
   * @returns the record's position
   */
  handOver(session: JournalSession, moved: readonly MovedDelivery[]): number;
  /**
   * Reads a message for somebody who keeps it in memory only; one that can't be read is counted. Messages
   * come in the order in which they were asked for.
   *
   * @param positionOf - asked when its turn comes, as the record may have been moved; -1 when it isn't wanted any more
   * @param onDone - called last, whatever became of it
   */
  readBack(positionOf: () => number, onRead: (message: Message) => void, onDone: () => void): void;
  /** Where the retained message of a topic lies; 0 when it isn't written. */
  retainedPositionOf(topic: string): number;
  /** A retained message has expired. */
  dropRetained(topic: string): void;
  /** Writes what has been sent and settled by now, which nobody waits for otherwise, before what is written next. */
  writeProgress(): void;
  /** PUBREL came: a QoS 2 packet identifier of the client is free. Returns the record's position. */
  writeFree(session: JournalSession, packetId: number): number;
}

/** Sessions, from CONNECT to their end. */
export interface SessionJournal {
  /** A number for a session of which something is to outlive the process; 0 when nothing can. */
  takeNumber(): number;
  /** Whether a session has been written, and has not ended. */
  hasSession(number: number): boolean;
  /**
   * Writes a session as it is: new, connected or disconnected.
   *
   * @returns the position that has to be committed for the session to be safe: the record's, or on a full disk, where the next checkpoint
   * holds what has changed, that of the last one that was written; -1 when there is none
   */
  writeSession(entry: JournalEntry): number;
  /** @returns the record's position */
  writeSubscriptions(entry: JournalEntry, subscriptions: readonly Subscription[]): number;
  /** @returns the record's position */
  writeUnsubscriptions(entry: JournalEntry, topicFilters: readonly string[]): number;
  /**
   * A session has ended for its client, but not all of what waits has been handed over: that continues at the next start.
   *
   * @param keptSequence - QoS 2 up to it isn't handed over
   */
  noteEnding(entry: JournalEntry, keptSequence: number): void;
  /** Nothing is left of a session. */
  endSession(entry: JournalEntry): void;
  /** Of the last record of an end: once it is committed, no session comes back that has ended. -1: there is none. */
  readonly lastEndPosition: number;
  /** Whether a session of the client has ended and would be back after a crash, as the disk is full. */
  hasUnwrittenEnd(clientId: string): boolean;
  /**
   * Whether a message that nobody stores can be acknowledged while there is no room: not where a session that has ended would be back after a
   * crash, and miss it, or another process may have the log by now.
   */
  readonly acknowledgesUnstored: boolean;
  /**
   * Of the record that has to be committed before a message is acknowledged that was routed now, and that nobody stores: the last end of a
   * session; where another process could take the log, one that shows that it had not when the message was routed. -1: there is none.
   */
  unstoredPosition(): number;
}

/** What the broker keeps by keys, beside sessions and messages: users, groups, roles, bans. */
export interface DocumentJournal {
  /** All that there are. */
  documents(): Iterable<readonly [key: string, document: Uint8Array]>;
  /**
   * Keeps a document in the place of the former one of its key. When the disk refuses it, it holds for this process, and is
   * written when there is room.
   *
   * @param document - kept; null when there is to be none
   * @returns the record's position; -1 when there is none
   */
  writeDocument(key: string, document: Uint8Array | null): number;
}

/** What the messages that go to other cells and come from them need. */
export interface CellJournal {
  /** Which log it is that numbers them; 0 when nothing outlives the process. */
  readonly generation: number;
  /**
   * Up to where what another cell has forwarded is applied by records: committed or not, but not refused.
   *
   * @returns null when nothing of it ever was
   */
  appliedOf(cell: number): AppliedMark | null;
}

/**
 * The port through which the broker writes what outlives the process. The broker changes its state and writes the record in
 * the same turn; what tells a client of it waits until the record is committed.
 *
 * `Storage` is the one that writes; `MemoryJournal` takes its place where nothing outlives the process, so that nobody
 * has to ask. Positions are those of the log: -1 stands for no record, which is committed as soon as anything is.
 */
export interface Journal
  extends Commits,
    MessageJournal,
    SessionJournal,
    DocumentJournal,
    CellJournal,
    DeliveryStore<JournalSession> {
  /** The wall clock may have been set. */
  noteTime(): void;
  /** The configuration was changed. */
  reconfigure(): void;
  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void;
  /** Writes what is left; nothing can be written afterwards. */
  close(): Promise<void>;
}
