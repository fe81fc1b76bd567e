import { join } from 'node:path';
import { type Delivery, type Message, storedOf } from '@promptmq/session';
import type { Subscription } from '@promptmq/topics';
import {
  type CheckpointEntry,
  type CheckpointStore,
  type Clock,
  type Files,
  LmdbIndex,
  Log,
  type LogError,
  type LogEvent,
  type LogEventListener,
  type LogOwner,
  type LogRecord,
  type LogSource,
  type LogStats,
  type Release,
  type Replica,
} from '@promptmq/wal';
import type { AppliedMark } from './cells/applied-marks.ts';
import { generationOf } from './cells/generation.ts';
import { DocumentWriter } from './documents/document-writer.ts';
import type { StorageHost } from './host.ts';
import type {
  AwaitedAcks,
  Journal,
  JournalEntry,
  JournalSession,
  MovedDelivery,
  Pending,
  Publisher,
} from './journal.ts';
import { CommitQueue } from './log/commit-queue.ts';
import { keepMessage, moveMessage } from './log/compaction.ts';
import { HeldPublishers } from './log/held-publishers.ts';
import { compactionOptions, logOptions, syncOptions } from './log/log-options.ts';
import { MessageReader } from './log/message-reader.ts';
import { RecordLog } from './log/record-log.ts';
import { ByteReader } from './records/byte-reader.ts';
import type { Origin } from './records/message-record.ts';
import { writeFree, writeProgressHead } from './records/progress-record.ts';
import { writeSession } from './records/session-record.ts';
import { writeSubscriptions, writeUnsubscriptions } from './records/subscription-record.ts';
import { Recovery } from './replay/recovery.ts';
import { RetainedRecords } from './retained/retained-records.ts';
import type { StorageStats } from './storage-stats.ts';
import { Change, StoredState, toSessionRecord } from './stored-state.ts';
import { DeliveryRecords } from './write/delivery-records.ts';
import { MessageWriter } from './write/message-writer.ts';
import { ProgressWriter } from './write/progress-writer.ts';
import { SessionEnds } from './write/session-ends.ts';

/** What a simulation puts in the place of the machine's, and what a cluster adds. */
export interface StorageResources {
  readonly files?: Files;
  readonly index?: CheckpointStore;
  readonly clock?: Clock;
  /** Gets what the log reports, beside the broker. */
  readonly onEvent?: LogEventListener;
  /** Gets the log while it is written: nothing is acknowledged that it doesn't have. */
  readonly replica?: Replica;
  /** Where the log comes from while another process still writes it; names the replica, and the identity. */
  readonly source?: LogSource;
  /** Identity of a log that begins. */
  readonly logId?: string;
  /** Bytes of log after which the state is written to it. */
  readonly snapshotSize?: number;
  /** Called when what the log has is known, before anything of the broker's is written to it. */
  readonly onOpened?: (log: Log) => Promise<void>;
}

/**
 * The journal that keeps sessions, their messages and retained messages in a log.
 *
 * Invariants: an acknowledgement leaves after the record it stands for is committed; a stored delivery is
 * sent after its message's record is, and PUBREL after that of PUBREC.
 */
export class Storage implements LogOwner, Journal {
  readonly memory: { readonly bytesMax: number; bytes: number };
  readonly stats: StorageStats;
  committedPosition: number;
  readonly #host: StorageHost;
  readonly #messages: MessageWriter;
  readonly #retained: RetainedRecords;
  readonly #reader: MessageReader;
  readonly #deliveries: DeliveryRecords;
  readonly #ends: SessionEnds;
  readonly #documents: DocumentWriter;
  readonly #publishers: HeldPublishers;
  readonly #state: StoredState;
  readonly #recovery: Recovery;
  readonly #records: RecordLog;
  readonly #queue: CommitQueue;
  readonly #progress: ProgressWriter;
  readonly #keepReader: ByteReader;
  /** Another process can take the log: this one hears of it when nothing more is replicated. */
  #isReplicated: boolean;
  /** Sessions that wait for a commit to continue sending. */
  #waiting: Set<JournalSession>;

  /** Nothing can be written before `open` has returned. */
  constructor(host: StorageHost) {
    const { storage } = host.config;
    this.memory = {
      get bytesMax() {
        return storage.memoryBuffer;
      },
      bytes: 0,
    };
    this.stats = { lostMessages: 0 };
    this.committedPosition = Number.POSITIVE_INFINITY;
    this.#host = host;
    this.#state = new StoredState();
    this.#recovery = new Recovery(host, this.#state);
    this.#records = new RecordLog(host.faults);
    this.#queue = new CommitQueue(host.faults);
    this.#progress = new ProgressWriter(this.#records, host.runtime);
    this.#keepReader = new ByteReader(new Uint8Array(0));
    this.#isReplicated = false;
    this.#waiting = new Set();
    const { retained } = host.router;
    this.#retained = new RetainedRecords(retained, this.#state, this.#records, this.#queue);
    this.#messages = new MessageWriter(this.#state, this.#records, this.#queue, this.#retained);
    this.#reader = new MessageReader(host, this.#records, this.stats);
    this.#deliveries = new DeliveryRecords(host, this, {
      state: this.#state,
      records: this.#records,
      queue: this.#queue,
      messages: this.#messages,
      progress: this.#progress,
    });
    this.#ends = new SessionEnds(this.#records, this.#queue);
    this.#documents = new DocumentWriter(this.#state.documents, this.#records);
    this.#publishers = new HeldPublishers(host.config, this.#records, host.stats);
  }

  /**
   * Opens the log, and gives the host back what it holds; to be called once. Sessions that it makes have this as their
   * store. They continue, or end, with `takeUp`.
   *
   * @throws {LogError} when another process has it, it is damaged and may not be, or of a newer version
   */
  async open(resources: StorageResources): Promise<void> {
    const { config, runtime } = this.#host;
    const onEvent = (event: LogEvent) => {
      resources.onEvent?.(event);
      this.#onLogEvent(event);
    };
    const { files, clock, replica, source, logId, snapshotSize } = resources;
    const log = await Log.open({
      ...logOptions(config),
      index: resources.index ?? new LmdbIndex(join(config.storage.dataDir, 'index'), onEvent),
      owner: this,
      onCommitted: () => this.#onCommitted(),
      onRefused: (from, error) => this.#onRefused(from, error),
      onEvent,
      time: runtime.time,
      ...(files === undefined ? {} : { files }),
      ...(clock === undefined ? {} : { clock }),
      ...(replica === undefined ? {} : { replica }),
      ...(source === undefined ? {} : { source }),
      ...(logId === undefined ? {} : { id: logId }),
      ...(snapshotSize === undefined ? {} : { snapshotSize }),
    });
    this.#records.begin(log);
    this.#isReplicated = replica !== undefined || source !== undefined;
    this.committedPosition = log.acknowledgedPosition;
    await this.#recovery.finish(log, this.#retained, this.stats);
    await resources.onOpened?.(log);
  }

  /** The broker's time is known: has the sessions of the process before continue without a connection, or end. */
  takeUp(): void {
    this.#recovery.takeUp();
  }

  noteTime(): void {
    this.#records.noteTime();
  }

  /** The configuration was changed: has the log sync and be compacted as it says now. */
  reconfigure(): void {
    const { config } = this.#host;
    this.log.setSyncMode(syncOptions(config));
    this.log.setCompaction(compactionOptions(config));
  }

  get log(): Log {
    return this.#records.log;
  }

  get logStats(): LogStats {
    return this.log.stats;
  }

  get isOpen(): boolean {
    return this.#records.isOpen;
  }

  /** All that are written and have not ended, connected or not. */
  get entries(): Iterable<JournalEntry> {
    return this.#state.entries.values();
  }

  get lastPosition(): number {
    return this.#records.lastPosition;
  }

  // ---------------------------------------------------------------------- messages

  formerRetained(topic: string): Message | undefined {
    return this.#host.router.retained.get(topic);
  }

  writeMessage(
    message: Message,
    sessions: readonly JournalSession[],
    deliveries: readonly Delivery[],
    origin: Origin | null,
    isRetained: boolean,
    former: Message | undefined,
  ): number {
    return this.#messages.write(message, sessions, deliveries, origin, isRetained, former);
  }

  writeReferences(session: JournalSession, deliveries: readonly Delivery[]): void {
    this.#messages.writeReferences(session, deliveries);
  }

  readBack(positionOf: () => number, onRead: (message: Message) => void, onDone: () => void): void {
    this.#reader.readBack(positionOf, onRead, onDone);
  }

  retainedPositionOf(topic: string): number {
    return this.#retained.positionOf(topic);
  }

  dropRetained(topic: string): void {
    this.#retained.drop(topic);
  }

  // ---------------------------------------------------------------------- sessions

  takeNumber(): number {
    return this.#state.nextSession++;
  }

  hasSession(number: number): boolean {
    return this.#state.entries.has(number);
  }

  writeSession(entry: JournalEntry): number {
    const isNew = !this.#state.entries.has(entry.number);
    if (isNew) this.#state.add(entry);
    this.#state.mark(entry, isNew ? ~0 : Change.Session);
    // It may be one that was written before there was no room, and isn't safe yet.
    if (!this.isOpen) return this.lastPosition;
    writeSession(this.#records.writer, toSessionRecord(entry));
    return this.#records.append();
  }

  endSession(entry: JournalEntry): void {
    const isNoted = this.#state.endingOf(entry.number) !== null;
    this.#state.remove(entry, this.#records.release);
    this.#waiting.delete(entry.session);
    if (isNoted) this.#ends.finish(entry.number);
    else this.#ends.write(entry.session.clientId, entry.number);
  }

  noteEnding(entry: JournalEntry, keptSequence: number): void {
    const { number, session } = entry;
    if (this.#state.endingOf(number) !== null) return;
    // The next process doesn't know what this one has sent.
    const kept = Math.max(keptSequence, storedOf(session).sentSequence);
    this.#state.setEnding(entry, kept);
    this.#waiting.delete(session);
    this.#ends.write(session.clientId, number, kept);
  }

  get lastEndPosition(): number {
    return this.#ends.lastPosition;
  }

  hasUnwrittenEnd(clientId: string): boolean {
    return this.#ends.hasUnwritten(clientId);
  }

  get acknowledgesUnstored(): boolean {
    return !this.#isReplicated && this.#ends.unwrittenCount === 0;
  }

  unstoredPosition(): number {
    if (!this.#isReplicated || !this.isOpen) return this.#ends.lastPosition;
    // What is on its way may have got there before another process took the log, and the answer come after that.
    const { lastGathering, writer } = this.#records;
    if (lastGathering !== null) return lastGathering;
    writeProgressHead(writer, 0);
    return this.#records.append();
  }

  writeSubscriptions(entry: JournalEntry, subscriptions: readonly Subscription[]): number {
    this.#state.mark(entry, Change.Subscriptions);
    writeSubscriptions(this.#records.writer, entry.number, subscriptions);
    return this.#records.append();
  }

  writeUnsubscriptions(entry: JournalEntry, topicFilters: readonly string[]): number {
    this.#state.mark(entry, Change.Subscriptions);
    writeUnsubscriptions(this.#records.writer, entry.number, topicFilters);
    return this.#records.append();
  }

  handOver(session: JournalSession, moved: readonly MovedDelivery[]): number {
    return this.#deliveries.handOver(session, moved);
  }

  writeProgress(): void {
    this.#progress.write();
  }

  writeFree(session: JournalSession, packetId: number): number {
    this.#markProgress(session);
    writeFree(this.#records.writer, storedOf(session).number, packetId);
    return this.#records.append();
  }

  // ---------------------------------------------------------------------- documents

  documents(): Iterable<readonly [key: string, document: Uint8Array]> {
    return this.#state.documents.entries();
  }

  writeDocument(key: string, document: Uint8Array | null): number {
    return this.#documents.write(key, document);
  }

  // -------------------------------------------------------------------- other cells

  get generation(): number {
    return generationOf(this.log.id);
  }

  appliedOf(cell: number): AppliedMark | null {
    return this.#state.applied.of(cell);
  }

  // ----------------------------------------------------------------- delivery store

  awaitCommit(session: JournalSession): void {
    this.#waiting.add(session);
  }

  fetch(session: JournalSession, position: number): Message | null | 'lost' {
    return this.#reader.fetch(session, position);
  }

  onSettled(session: JournalSession, delivery: Delivery): void {
    this.#deliveries.onSettled(session, delivery);
  }

  onSettledUpTo(session: JournalSession, sequence: number, deliveries: readonly Delivery[]): void {
    this.#deliveries.onSettledUpTo(session, sequence, deliveries);
  }

  onSent(session: JournalSession): void {
    this.#deliveries.onSent(session);
  }

  onReleased(session: JournalSession, delivery: Delivery): void {
    this.#deliveries.onReleased(session, delivery);
  }

  // ------------------------------------------------------------------------ commits

  whenCommitted(pending: Pending): void {
    if (this.#records.isRefused(pending.position)) pending.onRefused();
    else if (pending.position < this.committedPosition) pending.onCommitted();
    else this.#queue.add(pending);
  }

  awaitAcks(acks: AwaitedAcks): void {
    this.#queue.addAcks(acks);
  }

  holdBack(publisher: Publisher): void {
    this.#publishers.holdBack(publisher);
  }

  whenRoom(action: () => void): void {
    this.#records.whenRoom(action);
  }

  #onCommitted(): void {
    const position = this.log.acknowledgedPosition;
    this.committedPosition = position;
    this.#host.faults.contain(null, 'committing', () => this.#retained.commit(position));
    this.#documents.commit(position);
    this.#state.applied.commit(position);
    this.#queue.commit(position);
    const waiting = this.#waiting;
    this.#waiting = new Set();
    const now = this.#host.runtime.now();
    for (const session of waiting) {
      try {
        session.pump(now);
      } catch (error) {
        this.#host.faults.caught(session.link, 'committing', error);
      }
    }
    this.#publishers.letGo();
  }

  /** The disk is full, or failed: takes back what was appended and was never written. */
  #onRefused(from: number, error: LogError): void {
    this.#retained.takeBack(from);
    for (const { session } of this.#state.entries.values()) {
      session.stored?.removeFrom(from);
      session.link?.onGivenUp?.();
    }
    this.#host.log.error('storage-refused', { position: from, why: error.message });
    this.#records.takeBack(from);
    this.#documents.takeBack(from);
    this.#state.applied.takeBack(from);
    this.#queue.refuse(from, this.committedPosition);
    this.#messages.endRefusal();
    this.#publishers.letGo();
  }

  #onLogEvent(event: LogEvent): void {
    this.#host.onStorageEvent(event);
    if (event.type !== 'has-room') return;
    this.committedPosition = this.log.acknowledgedPosition;
    this.#ends.onHasRoom();
    this.#documents.onHasRoom();
    this.#records.onHasRoom();
    // What changed meanwhile is in no record: a checkpoint holds it.
    this.log.checkpoint().catch(() => {});
  }

  // ---------------------------------------------------------------------- log owner

  restore(entries: Iterable<readonly [key: string, value: Uint8Array]>): void {
    this.#recovery.restore(entries);
  }

  replay(record: LogRecord, release: Release): void {
    this.#recovery.replay(record, release);
  }

  changes(isWhole: boolean): Iterable<CheckpointEntry> {
    if (!isWhole) return this.#state.changes();
    const entries = [...this.#state.snapshot()];
    this.#state.forgetChanges();
    return entries;
  }

  snapshot(): Iterable<readonly [key: string, value: Uint8Array]> {
    return this.#state.snapshot();
  }

  keep(record: LogRecord): readonly Uint8Array[] | null {
    const isAwaited = this.#retained.isAwaited(record.position);
    return keepMessage(this.#state, record, isAwaited, this.#records.writer, this.#keepReader);
  }

  moved(from: number, to: number, record: LogRecord): void {
    moveMessage(this.#state, from, to, record);
    this.#retained.move(from, to);
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    this.log.checkInvariants();
    this.#state.checkInvariants();
    this.#records.checkInvariants();
    this.#queue.checkInvariants();
    this.#progress.checkInvariants();
    this.#ends.checkInvariants();
    this.#documents.checkInvariants();
    this.#retained.checkInvariants();
    this.#publishers.checkInvariants();
  }

  // -------------------------------------------------------------------------- stop

  /** Writes what is left, takes a checkpoint and closes the log. */
  async close(): Promise<void> {
    this.#progress.write();
    await this.#records.close();
  }

  #markProgress(session: JournalSession): void {
    this.#state.markNumber(storedOf(session).number, Change.Progress);
  }
}
