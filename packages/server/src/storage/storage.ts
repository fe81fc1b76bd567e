import { join } from 'node:path';
import { type Delivery, DeliveryState, type DeliveryStore, type Message } from '@promptmq/session';
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
  type LogStats,
  type Release,
} from '@promptmq/wal';
import type { Peer } from '../connection/peer.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';
import type { SessionEntry } from '../sessions/session-entry.ts';
import type { StorageHost } from './host.ts';
import { type AwaitedAcks, CommitQueue, type Pending } from './log/commit-queue.ts';
import { keepMessage, moveMessage } from './log/compaction.ts';
import { HeldPublishers } from './log/held-publishers.ts';
import { compactionOptions, logOptions, syncOptions } from './log/log-options.ts';
import { MessageReader } from './log/message-reader.ts';
import { RecordLog } from './log/record-log.ts';
import { ByteReader } from './records/byte-writer.ts';
import {
  type MovedDelivery,
  RecordKind,
  writeSession,
  writeSubscriptions,
  writeUnsubscriptions,
} from './records/records.ts';
import { releaseAll, replayRecord, restoreState } from './replay/recovery.ts';
import { loadRetained } from './retained/retained-loader.ts';
import { RetainedRecords } from './retained/retained-records.ts';
import type { StorageStats } from './storage-stats.ts';
import { Change, StoredState, toSessionRecord } from './stored-state.ts';
import { MessageWriter } from './write/message-writer.ts';
import { ProgressWriter } from './write/progress-writer.ts';
import { SessionEnds } from './write/session-ends.ts';

/** What a simulation puts in the place of the machine's. */
export interface StorageResources {
  readonly files?: Files;
  readonly index?: CheckpointStore;
  readonly clock?: Clock;
  /** Is told what the log reports, beside the broker. */
  readonly onEvent?: LogEventListener;
}

/**
 * Keeps sessions, their messages and retained messages in a log. The broker changes its state and
 * writes the record in the same turn; what tells a client of it waits until the record is safe.
 *
 * Invariants: an acknowledgement leaves after the record it stands for is committed; a stored delivery is
 * sent after its message's record is, and PUBREL after that of PUBREC.
 */
export class Storage implements LogOwner, DeliveryStore<Peer> {
  readonly memory: { readonly bytesMax: number; bytes: number };
  readonly stats: StorageStats;
  /** Everything before it is safe. */
  committedPosition: number;
  readonly messages: MessageWriter;
  readonly retained: RetainedRecords;
  readonly reader: MessageReader;
  readonly ends: SessionEnds;
  readonly publishers: HeldPublishers;
  readonly #host: StorageHost;
  readonly #state: StoredState;
  readonly #records: RecordLog;
  readonly #queue: CommitQueue;
  readonly #progress: ProgressWriter;
  readonly #keepReader: ByteReader;
  /** Sessions that wait for a commit to go on sending. */
  #waiting: Set<BrokerSession>;

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
    this.#records = new RecordLog(host.faults);
    this.#queue = new CommitQueue(host.faults);
    this.#progress = new ProgressWriter(this.#records, host.runtime);
    this.#keepReader = new ByteReader(new Uint8Array(0));
    this.#waiting = new Set();
    const { retained } = host.router;
    this.retained = new RetainedRecords(retained, this.#state, this.#records, this.#queue);
    this.messages = new MessageWriter(this.#state, this.#records, this.#queue, this.retained);
    this.reader = new MessageReader(host, this.#records, this.stats);
    this.ends = new SessionEnds(this.#records, this.#queue);
    this.publishers = new HeldPublishers(host.config, this.#records, host.stats);
  }

  /**
   * Opens the log, and gives the broker back what it holds; to be called once, before anything else. Sessions that are
   * made meanwhile are stored here.
   *
   * @throws {LogError} when another process has it, it is damaged and may not be, or of a newer version
   */
  async open(resources: StorageResources): Promise<void> {
    const { config, runtime } = this.#host;
    const onEvent = (event: LogEvent) => {
      resources.onEvent?.(event);
      this.#onLogEvent(event);
    };
    const log = await Log.open({
      ...logOptions(config),
      index: resources.index ?? new LmdbIndex(join(config.storage.dataDir, 'index'), onEvent),
      owner: this,
      onCommitted: () => this.#onCommitted(),
      onRefused: (from, error) => this.#onRefused(from, error),
      onEvent,
      time: runtime.time,
      ...(resources.files === undefined ? {} : { files: resources.files }),
      ...(resources.clock === undefined ? {} : { clock: resources.clock }),
    });
    this.#records.begin(log);
    this.committedPosition = this.log.acknowledgedPosition;
    for (const { session } of this.#state.entries.values()) {
      session.storedQueue?.markSent(session.sentSequence);
    }
    await loadRetained(this.#host, this, this.#state.retained);
  }

  /** The wall clock may have been set: the log has to know. */
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

  /** Whether records can be written. */
  get isOpen(): boolean {
    return this.#records.isOpen;
  }

  get entries(): Iterable<SessionEntry> {
    return this.#state.entries.values();
  }

  /** Everything that was written before now is safe when this position is. */
  get lastPosition(): number {
    return this.#records.lastPosition;
  }

  // ---------------------------------------------------------------------- sessions

  /** A number for a session that is going to be stored. */
  takeNumber(): number {
    return this.#state.nextSession++;
  }

  /** Whether a session has been written, and has not ended. */
  hasSession(number: number): boolean {
    return this.#state.entries.has(number);
  }

  /**
   * Writes a session as it is: new, connected or disconnected.
   *
   * @returns the record's position; -1 when the disk is full: the next checkpoint holds it
   */
  writeSession(entry: SessionEntry): number {
    const isNew = !this.#state.entries.has(entry.number);
    if (isNew) this.#state.add(entry);
    this.#state.mark(entry, isNew ? ~0 : Change.Session);
    if (!this.isOpen) return -1;
    writeSession(this.#records.writer, toSessionRecord(entry));
    return this.#records.append();
  }

  endSession(entry: SessionEntry): void {
    releaseAll(entry, this.#records.release);
    const isNoted = this.#state.endingOf(entry.number) !== null;
    this.#state.remove(entry);
    this.#waiting.delete(entry.session);
    if (isNoted) this.ends.finish(entry.number);
    else this.ends.write(entry.session.clientId, entry.number);
  }

  /**
   * A session has ended for its client, but not all of what waits has been handed over: it goes on at the next start.
   *
   * @param keptSequence - QoS 2 up to it isn't handed over
   */
  noteEnding(entry: SessionEntry, keptSequence: number): void {
    const { number, session } = entry;
    if (this.#state.endingOf(number) !== null) return;
    // The next process doesn't know what this one has sent.
    const kept = Math.max(keptSequence, session.sentSequence);
    this.#state.setEnding(entry, kept);
    this.#waiting.delete(session);
    this.ends.write(session.clientId, number, kept);
  }

  /** Up to which sequence QoS 2 of a session that has ended isn't handed over; null when it hasn't ended. */
  endingOf({ number }: SessionEntry): number | null {
    return this.#state.endingOf(number);
  }

  /** @returns the record's position */
  writeSubscriptions(entry: SessionEntry, subscriptions: readonly Subscription[]): number {
    this.#state.mark(entry, Change.Subscriptions);
    writeSubscriptions(this.#records.writer, entry.number, subscriptions);
    return this.#records.append();
  }

  /** @returns the record's position */
  writeUnsubscriptions(entry: SessionEntry, topicFilters: readonly string[]): number {
    this.#state.mark(entry, Change.Subscriptions);
    writeUnsubscriptions(this.#records.writer, entry.number, topicFilters);
    return this.#records.append();
  }

  /** PUBREL came: a QoS 2 packet identifier of the client is free. Returns the record's position. */
  writeFree(session: BrokerSession, packetId: number): number {
    this.#markProgress(session);
    const record = this.#records.writer.reset().u8(RecordKind.Free).f64(session.number);
    return this.#records.append(record.u16(packetId));
  }

  // ----------------------------------------------------------------- delivery store

  awaitCommit(session: BrokerSession): void {
    this.#waiting.add(session);
  }

  fetch(session: BrokerSession, position: number): Message | null | 'lost' {
    return this.reader.fetch(session, position);
  }

  onSettled(session: BrokerSession, delivery: Delivery): void {
    const { number } = session;
    const entry = this.#state.entries.get(number);
    if (entry === undefined) return;
    this.#state.mark(entry, Change.Progress);
    this.#progress.addSettled(number, delivery.sequence);
    if (delivery.state !== DeliveryState.Released) this.#giveUp(session, delivery);
  }

  /**
   * Writes that deliveries have become other sessions': one record, so that no crash leaves them with both or with
   * none. When the disk refuses it, they are the session's again.
   *
   * @param moved - numbered afterwards
   * @returns the record's position
   */
  handOver(session: BrokerSession, moved: readonly MovedDelivery[]): number {
    const position = this.messages.writeHandOver(session, moved);
    const former = moved.map((one) => one.former);
    for (const delivery of former) this.#giveUp(session, delivery);
    this.#queue.add({
      position,
      onCommitted: () => {},
      onRefused: () => this.#takeBack(session, former),
    });
    return position;
  }

  #takeBack(session: BrokerSession, deliveries: readonly Delivery[]): void {
    if (this.#state.entries.get(session.number)?.session !== session) return;
    const safe = deliveries.filter(
      ({ position, sequence }) =>
        position < this.committedPosition && !this.messages.isRefused(session, sequence),
    );
    for (const { position, share, sequence, isReference } of safe) {
      this.#records.release(position, -share);
      if (isReference) this.#state.addReference(position, session.number, sequence);
    }
    session.storedQueue?.putBack(safe);
    this.#markProgress(session);
    session.pump(this.#host.runtime.now());
  }

  #giveUp(session: BrokerSession, { position, share, sequence, isReference }: Delivery): void {
    this.#records.release(position, share);
    if (isReference) this.#state.removeReference(position, session.number, sequence);
  }

  onSent(session: BrokerSession): void {
    this.#markProgress(session);
    this.#progress.addSent(session);
  }

  onReleased(session: BrokerSession, delivery: Delivery): void {
    this.#giveUp(session, delivery);
    this.#writeReleased(session, delivery);
  }

  #writeReleased(session: BrokerSession, delivery: Delivery): void {
    const { sequence, packetId } = delivery;
    this.#markProgress(session);
    // Unsafe until it is written, however long the disk is full.
    delivery.position = Number.POSITIVE_INFINITY;
    if (!this.isOpen) {
      this.#records.whenRoom(() => {
        if (session.isInflight(delivery)) this.#writeReleased(session, delivery);
      });
      return;
    }
    const record = this.#records.writer.reset().u8(RecordKind.Release).f64(session.number);
    const position = this.#records.append(record.f64(sequence).u16(packetId));
    delivery.position = position;
    this.#queue.add({
      position,
      onCommitted: () => {
        if (session.isInflight(delivery)) session.link?.sendPubrel(packetId); // [MQTT-4.3.3-4]
      },
      onRefused: () => this.#writeReleased(session, delivery),
    });
  }

  // ------------------------------------------------------------------------ commits

  /** Has something done when a record is safe; at once when it is. */
  whenCommitted(pending: Pending): void {
    if (pending.position < this.committedPosition) pending.onCommitted();
    else this.#queue.add(pending);
  }

  /** The connection has acknowledgements to send when their records are safe. */
  awaitAcks(acks: AwaitedAcks): void {
    this.#queue.addAcks(acks);
  }

  /** Has something done when the disk has room again. */
  whenRoom(action: () => void): void {
    this.#records.whenRoom(action);
  }

  #onCommitted(): void {
    const position = this.log.acknowledgedPosition;
    this.committedPosition = position;
    this.#host.faults.contain(null, 'committing', () => this.retained.commit(position));
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
    this.publishers.letGo();
  }

  /** The disk is full, or failed: takes back what was appended and never came to be. */
  #onRefused(from: number, error: LogError): void {
    this.retained.takeBack(from);
    for (const { session } of this.#state.entries.values()) session.removeStoredFrom(from);
    this.#host.log.error('storage-refused', { position: from, why: error.message });
    this.#records.takeBack(from);
    this.#queue.refuse(from, this.committedPosition);
    this.messages.endRefusal();
    this.publishers.letGo();
  }

  #onLogEvent(event: LogEvent): void {
    this.#host.onStorageEvent(event);
    if (event.type !== 'has-room') return;
    this.committedPosition = this.log.acknowledgedPosition;
    this.ends.onHasRoom();
    this.#records.onHasRoom();
    // What changed meanwhile is in no record: a checkpoint holds it.
    this.log.checkpoint().catch(() => {});
  }

  // ---------------------------------------------------------------------- log owner

  restore(entries: Iterable<readonly [key: string, value: Uint8Array]>): void {
    restoreState(this.#state, this.#host.sessions, entries);
  }

  replay(record: LogRecord, release: Release): void {
    replayRecord(this.#state, this.#host.sessions, record, release);
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
    const isAwaited = this.retained.isAwaited(record.position);
    return keepMessage(this.#state, record, isAwaited, this.#records.writer, this.#keepReader);
  }

  moved(from: number, to: number, record: LogRecord): void {
    moveMessage(this.#state, from, to, record);
    this.retained.move(from, to);
  }

  // -------------------------------------------------------------------------- stop

  /** Writes what is left, takes a checkpoint and closes the log. */
  async close(): Promise<void> {
    this.#progress.write();
    await this.#records.close();
  }

  #markProgress(session: BrokerSession): void {
    this.#state.markNumber(session.number, Change.Progress);
  }
}
