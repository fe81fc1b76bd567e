import { join } from 'node:path';
import {
  type Delivery,
  DeliveryState,
  type DeliveryStore,
  type Message,
  STORED_MESSAGE,
  type Subscription,
} from '@promptmq/session';
import {
  type CheckpointEntry,
  type CheckpointStore,
  type Clock,
  type CompactionOptions,
  type Files,
  LmdbIndex,
  Log,
  type LogError,
  type LogEvent,
  type LogEventListener,
  type LogOwner,
  type LogRecord,
  type LogStats,
  recordBytes,
} from '@promptmq/wal';
import type { Broker } from '../broker.ts';
import type { Config } from '../config/index.ts';
import type { Connection } from '../connection.ts';
import type { BrokerSession } from '../router.ts';
import type { SessionEntry } from '../session-entry.ts';
import { ByteReader, ByteWriter } from './byte-writer.ts';
import { CommitQueue, type Pending } from './commit-queue.ts';
import { keepMessage, moveMessage } from './compaction.ts';
import {
  type Origin,
  ProgressKind,
  RecordKind,
  readMessageOnly,
  writeDelivery,
  writeMessageHead,
  writeReferences,
  writeSession,
  writeSubscriptions,
  writeUnsubscriptions,
} from './records.ts';
import { releaseAll, replayRecord, restoreState } from './recovery.ts';
import type { RetainedPlace } from './retained-places.ts';
import { type Release, shareOut } from './share.ts';
import { Change, StoredState, toSessionRecord } from './stored-state.ts';

/** What a simulation puts in the place of the machine's. */
export interface StorageResources {
  readonly files?: Files;
  readonly index?: CheckpointStore;
  readonly clock?: Clock;
  /** Is told what the log reports, beside the broker. */
  readonly onEvent?: LogEventListener;
}

/** A retained message that took another's place and is not safe yet. */
interface RetainedChange {
  readonly position: number;
  readonly topic: string;
  readonly formerMessage: Message | undefined;
  readonly formerPlace: RetainedPlace | null;
}

/** Counters beside those of the log. */
export interface StorageStats {
  /** Queued messages that could not be read back. */
  lostMessages: number;
  /** How often a publisher was not read from for a while, because too much waited to be written. */
  publishersHeldBack: number;
}

/**
 * Keeps sessions, their messages and retained messages in a log. The broker changes its state and
 * writes the record in the same turn; what tells a client of it waits until the record is safe.
 *
 * Invariants: an acknowledgement leaves after the record it stands for is committed; a stored delivery is
 * sent after its message's record is, and PUBREL after that of PUBREC.
 */
export class Storage implements LogOwner, DeliveryStore<Connection> {
  readonly memory: { readonly bytesMax: number; bytes: number };
  readonly stats: StorageStats;
  committedPosition: number;
  readonly #broker: Broker;
  readonly #state: StoredState;
  readonly #queue: CommitQueue;
  readonly #writer: ByteWriter;
  readonly #reader: ByteReader;
  readonly #release: Release;
  #log: Log | null;
  /** Sessions that wait for a commit to go on sending. */
  #waiting: Set<BrokerSession>;
  readonly #loading: Set<BrokerSession>;
  /** Positions that could not be read, until the session that asked has heard. */
  readonly #lost: Set<number>;
  readonly #progress: ByteWriter;
  #progressCount: number;
  readonly #sent: Set<BrokerSession>;
  #isProgressScheduled: boolean;
  #retainedChanges: RetainedChange[];
  /** What had to wait for room on the disk. */
  #whenRoom: (() => void)[];
  readonly #held: Set<Connection>;
  #isClosing: boolean;
  /** Position of the last record that somebody has been or will be told of. */
  #lastPosition: number;

  private constructor(broker: Broker) {
    const { storage } = broker.config;
    this.memory = {
      get bytesMax() {
        return storage.memoryBuffer;
      },
      bytes: 0,
    };
    this.stats = { lostMessages: 0, publishersHeldBack: 0 };
    this.committedPosition = Number.POSITIVE_INFINITY;
    this.#broker = broker;
    this.#state = new StoredState();
    this.#queue = new CommitQueue();
    this.#writer = new ByteWriter();
    this.#reader = new ByteReader(new Uint8Array(0));
    this.#release = (position, bytes) => this.log.release(position, bytes);
    this.#log = null;
    this.#waiting = new Set();
    this.#loading = new Set();
    this.#lost = new Set();
    this.#progress = new ByteWriter();
    this.#progressCount = 0;
    this.#sent = new Set();
    this.#isProgressScheduled = false;
    this.#retainedChanges = [];
    this.#whenRoom = [];
    this.#held = new Set();
    this.#isClosing = false;
    this.#lastPosition = -1;
  }

  /**
   * Opens the log, and gives the broker back what it holds.
   *
   * @throws {LogError} when another process has it, it is damaged and may not be, or of a newer version
   */
  static async open(broker: Broker, resources: StorageResources): Promise<Storage> {
    const { storage } = broker.config;
    const { wal, compaction } = storage;
    const self = new Storage(broker);
    broker.storage = self;
    const onEvent = (event: LogEvent) => {
      resources.onEvent?.(event);
      self.#onLogEvent(event);
    };
    self.#log = await Log.open({
      directory: storage.walDir,
      index: resources.index ?? new LmdbIndex(join(storage.dataDir, 'index'), onEvent),
      owner: self,
      syncMode: wal.syncMode,
      syncInterval: wal.syncInterval,
      batchSyncSize: wal.batchSyncSize,
      forceSync: wal.forceFsync,
      segmentSize: wal.segmentSize,
      checkpointSize: wal.checkpointSize,
      onCorruption: wal.onCorruption,
      validate: wal.crashRecoveryValidation,
      compaction: compactionOptions(compaction),
      onCommitted: () => self.#onCommitted(),
      onRefused: (from, error) => self.#onRefused(from, error),
      onEvent,
      ...(resources.files === undefined ? {} : { files: resources.files }),
      ...(resources.clock === undefined ? {} : { clock: resources.clock }),
    });
    self.committedPosition = self.log.acknowledgedPosition;
    for (const { session } of self.#state.entries.values()) {
      session.storedQueue?.markSent(session.sentSequence);
    }
    await self.#loadRetained();
    return self;
  }

  /** The configuration was changed: has the log sync and be compacted as it says now. */
  reconfigure(): void {
    const { wal, compaction } = this.#broker.config.storage;
    const { syncMode, syncInterval, batchSyncSize, forceFsync } = wal;
    this.log.setSyncMode({ syncMode, syncInterval, batchSyncSize, forceSync: forceFsync });
    this.log.setCompaction(compactionOptions(compaction));
  }

  get log(): Log {
    return this.#log as Log;
  }

  get logStats(): LogStats {
    return this.log.stats;
  }

  /** Whether records can be written. */
  get isOpen(): boolean {
    return !this.#isClosing && !this.log.isFull && this.log.failure === null;
  }

  get entries(): Iterable<SessionEntry> {
    return this.#state.entries.values();
  }

  /** Everything that was written before now is safe when this position is. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  // ---------------------------------------------------------------------- sessions

  /** A number for a session that is going to be stored. */
  takeNumber(): number {
    return this.#state.nextSession++;
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
    writeSession(this.#writer, toSessionRecord(entry));
    return this.#append();
  }

  endSession(entry: SessionEntry): void {
    releaseAll(entry, this.#release);
    this.#state.remove(entry);
    this.#waiting.delete(entry.session);
    if (!this.isOpen) return;
    this.#append(this.#writer.reset().u8(RecordKind.End).f64(entry.number));
  }

  /** @returns the record's position */
  writeSubscriptions(entry: SessionEntry, subscriptions: readonly Subscription[]): number {
    this.#state.mark(entry, Change.Subscriptions);
    writeSubscriptions(this.#writer, entry.number, subscriptions);
    return this.#append();
  }

  /** @returns the record's position */
  writeUnsubscriptions(entry: SessionEntry, topicFilters: readonly string[]): number {
    this.#state.mark(entry, Change.Subscriptions);
    writeUnsubscriptions(this.#writer, entry.number, topicFilters);
    return this.#append();
  }

  // ---------------------------------------------------------------------- messages

  /**
   * Writes a message, once for all who are to get it. Its deliveries are numbered and know their record
   * afterwards.
   *
   * @param sessions - whose the deliveries are
   * @param isRetained - it has taken the place of its topic's retained message
   * @param former - what that was
   * @returns the record's position
   */
  writeMessage(
    message: Message,
    sessions: readonly BrokerSession[],
    deliveries: readonly Delivery[],
    origin: Origin | null,
    isRetained: boolean,
    former: Message | undefined,
  ): number {
    const writer = this.#writer;
    writeMessageHead(writer, message, origin, isRetained, deliveries.length);
    for (let index = 0; index < deliveries.length; index++) {
      const session = sessions[index] as BrokerSession;
      const delivery = deliveries[index] as Delivery;
      delivery.sequence = ++session.lastSequence;
      writeDelivery(writer, session.number, delivery.sequence, delivery);
    }
    const isStored = isRetained && message.payload.length > 0;
    const users = deliveries.length + (isStored ? 1 : 0);
    const { log } = this;
    const parts = users === 0 ? [writer.bytes] : [writer.bytes, message.payload];
    const position = log.append(parts, null, message.topicBytes);
    this.#lastPosition = position;
    const dataLength = writer.length + (users === 0 ? 0 : message.payload.length);
    const size = recordBytes(dataLength, message.topicBytes.length);
    const share = shareOut(position, size, users, this.#release);
    for (let index = 0; index < deliveries.length; index++) {
      const delivery = deliveries[index] as Delivery;
      delivery.position = position;
      delivery.share = share;
      this.#markProgress(sessions[index] as BrokerSession);
    }
    if (isRetained) this.#noteRetained(message.topic, position, share, isStored, former);
    if (origin?.kind === 'received') this.#markNumber(origin.session, Change.Progress);
    if (origin?.kind === 'will') this.#markNumber(origin.session, Change.Session);
    return position;
  }

  #noteRetained(
    topic: string,
    position: number,
    share: number,
    isStored: boolean,
    formerMessage: Message | undefined,
  ): void {
    const formerPlace = isStored
      ? this.#state.setRetained(topic, position, share)
      : this.#state.removeRetained(topic);
    if (formerPlace !== null) this.log.release(formerPlace.position, formerPlace.share);
    this.#retainedChanges.push({ position, topic, formerMessage, formerPlace });
  }

  /**
   * Writes that a session is to get retained messages, or messages that had been another's: they are
   * in the log already, or are written with it.
   *
   * @param deliveries - of QoS 1 and 2; numbered afterwards
   */
  writeReferences(session: BrokerSession, deliveries: readonly Delivery[]): void {
    const referring: Delivery[] = [];
    for (const delivery of deliveries) {
      if (delivery.position > 0) {
        delivery.sequence = ++session.lastSequence;
        delivery.isReference = true;
        referring.push(delivery);
      } else {
        this.writeMessage(delivery.message, [session], [delivery], null, false, undefined);
      }
    }
    if (referring.length === 0) return;
    writeReferences(this.#writer, session.number, referring);
    for (const { position: target, sequence } of referring) {
      this.#state.addReference(target, session.number, sequence);
    }
    this.#markProgress(session);
    const at = this.#append();
    session.referencePosition = at;
    this.#queue.add({
      position: at,
      onCommitted: () => {},
      onRefused: () => {
        for (const { sequence } of referring) session.removeStored(sequence);
      },
    });
  }

  /** Where the retained message of a topic lies; 0 when it isn't stored. */
  retainedPosition(topic: string): number {
    return this.#state.retained.get(topic)?.position ?? 0;
  }

  /**
   * A retained message has expired, or can't be read. The log says so before the message's segment may go, as soon as
   * there is room for that: the last checkpoint still has it.
   */
  dropRetained(topic: string): void {
    const place = this.#state.removeRetained(topic);
    if (place !== null && this.#log !== null) this.#writeRemoval(topic, place);
  }

  #writeRemoval(topic: string, place: RetainedPlace): void {
    // It was never stored, and the one before it is in its place again.
    if (this.#state.retained.has(topic)) return;
    if (!this.isOpen) {
      this.#whenRoom.push(() => this.#writeRemoval(topic, place));
      return;
    }
    this.#release(place.position, place.share);
    const removal: Message = {
      ...STORED_MESSAGE,
      topic,
      topicBytes: Buffer.from(topic),
      retain: true,
    };
    writeMessageHead(this.#writer, removal, null, true, 0);
    this.#queue.add({
      position: this.#append(this.#writer, removal.topicBytes),
      onCommitted: () => {},
      onRefused: () => {
        this.#release(place.position, -place.share);
        this.#writeRemoval(topic, place);
      },
    });
  }

  /** PUBREL came: a QoS 2 packet identifier of the client is free. Returns the record's position. */
  writeFree(session: BrokerSession, packetId: number): number {
    this.#markProgress(session);
    return this.#append(this.#writer.reset().u8(RecordKind.Free).f64(session.number).u16(packetId));
  }

  // ----------------------------------------------------------------- delivery store

  awaitCommit(session: BrokerSession): void {
    this.#waiting.add(session);
  }

  fetch(session: BrokerSession, position: number): Message | null | 'lost' {
    const record = this.log.viewNow(position);
    if (record !== null) {
      const { bytes, streamStart, dataStart, end } = record;
      const reader = this.#reader.reset(bytes, dataStart, end);
      return readMessageOnly(reader, bytes, streamStart, record.streamEnd);
    }
    if (this.#lost.delete(position)) return 'lost';
    if (this.#loading.has(session)) return null;
    this.#loading.add(session);
    this.log.read(position).then(
      () => this.#onLoaded(session),
      (error: unknown) => this.#onUnreadable(session, position, error),
    );
    return null;
  }

  /** Reads a message for somebody who keeps it in memory only; one that can't be read is counted. */
  readBack(position: number, onRead: (message: Message) => void): void {
    this.log.read(position).then(
      ({ data, stream }) => onRead(readMessageOnly(new ByteReader(data), stream)),
      (error: unknown) => {
        this.stats.lostMessages++;
        this.#broker.log.error('message-lost', { position, why: String(error) });
      },
    );
  }

  #onLoaded(session: BrokerSession): void {
    this.#loading.delete(session);
    session.pump(this.#broker.runtime.now());
  }

  #onUnreadable(session: BrokerSession, position: number, error: unknown): void {
    // It may have been moved while it was read; then it is asked for at another position.
    this.#lost.add(position);
    this.#onLoaded(session);
    if (this.#lost.delete(position)) return;
    this.stats.lostMessages++;
    this.#broker.log.error('message-lost', {
      clientId: session.clientId,
      position,
      why: error instanceof Error ? error.message : String(error),
    });
  }

  onSettled(session: BrokerSession, delivery: Delivery): void {
    const { number } = session;
    const entry = this.#state.entries.get(number);
    if (entry === undefined) return;
    this.#state.mark(entry, Change.Progress);
    this.#progress.u8(ProgressKind.Settled).f64(number).f64(delivery.sequence);
    this.#progressCount++;
    this.#writeProgressSoon();
    if (delivery.state !== DeliveryState.Released) this.#giveUp(session, delivery);
  }

  /**
   * Deliveries have become other sessions', as was written in this turn: this is written with it, in one
   * batch, so that no crash leaves them with both.
   */
  onHandedOver(session: BrokerSession, deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      if (delivery.sequence > 0) this.onSettled(session, delivery);
    }
    this.#writeProgress();
  }

  #giveUp(session: BrokerSession, { position, share, sequence, isReference }: Delivery): void {
    this.log.release(position, share);
    if (isReference) this.#state.removeReference(position, session.number, sequence);
  }

  onSent(session: BrokerSession): void {
    this.#markProgress(session);
    this.#sent.add(session);
    this.#writeProgressSoon();
  }

  #writeProgressSoon(): void {
    if (this.#isProgressScheduled) return;
    this.#isProgressScheduled = true;
    this.#broker.runtime.defer(() => this.#writeProgress());
  }

  /** One record for all that was sent and settled in a turn; nobody waits for it. */
  #writeProgress(): void {
    this.#isProgressScheduled = false;
    for (const { number, sentSequence } of this.#sent) {
      this.#progress.u8(ProgressKind.Sent).f64(number).f64(sentSequence);
      this.#progressCount++;
    }
    this.#sent.clear();
    if (this.isOpen && this.#progressCount > 0) {
      const head = this.#writer.reset().u8(RecordKind.Progress).u32(this.#progressCount).bytes;
      const size = recordBytes(head.length + this.#progress.length);
      const position = this.log.appendLazily([head, this.#progress.bytes]);
      shareOut(position, size, 0, this.#release);
    }
    this.#progress.reset();
    this.#progressCount = 0;
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
      this.#whenRoom.push(() => {
        if (session.isInflight(delivery)) this.#writeReleased(session, delivery);
      });
      return;
    }
    const record = this.#writer.reset().u8(RecordKind.Release).f64(session.number).f64(sequence);
    const position = this.#append(record.u16(packetId));
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
  awaitAcks(connection: Connection): void {
    this.#queue.addConnection(connection);
  }

  /** Has something done when the disk has room again. */
  whenRoom(action: () => void): void {
    this.#whenRoom.push(action);
  }

  /** Stops reading from a publisher while too much waits to be written. */
  holdBack(publisher: Connection): void {
    const { maxPendingBytes } = this.#broker.config.storage.wal;
    if (this.log.pendingBytes < maxPendingBytes || this.#held.has(publisher)) return;
    this.#held.add(publisher);
    this.stats.publishersHeldBack++;
    publisher.pauseReading();
  }

  #letGo(): void {
    if (this.#held.size === 0) return;
    const { maxPendingBytes } = this.#broker.config.storage.wal;
    if (this.isOpen && this.log.pendingBytes > maxPendingBytes / 2) return;
    for (const publisher of this.#held) publisher.resumeReading();
    this.#held.clear();
  }

  #onCommitted(): void {
    const position = this.log.acknowledgedPosition;
    this.committedPosition = position;
    const changes = this.#retainedChanges;
    let safe = 0;
    while (safe < changes.length && (changes[safe] as RetainedChange).position < position) safe++;
    if (safe > 0) this.#retainedChanges = changes.slice(safe);
    this.#queue.commit(position);
    const waiting = this.#waiting;
    this.#waiting = new Set();
    const now = this.#broker.runtime.now();
    for (const session of waiting) session.pump(now);
    this.#letGo();
  }

  /** The disk is full, or failed: takes back what was appended and never came to be. */
  #onRefused(from: number, error: LogError): void {
    for (const change of this.#retainedChanges.splice(0).reverse()) {
      if (change.position < from) this.#retainedChanges.unshift(change);
      else this.#restoreRetained(change);
    }
    for (const { session } of this.#state.entries.values()) session.removeStoredFrom(from);
    this.#broker.log.error('storage-refused', { position: from, why: error.message });
    // Nobody is to wait for what never comes.
    this.#lastPosition = Math.min(this.#lastPosition, from - 1);
    this.#queue.refuse(from);
    this.#letGo();
  }

  #restoreRetained({ topic, formerMessage, formerPlace }: RetainedChange): void {
    const { retained } = this.#broker.router;
    if (formerMessage === undefined) retained.delete(topic);
    else retained.set(formerMessage);
    if (formerPlace === null) {
      this.#state.removeRetained(topic);
    } else {
      this.#state.setRetained(topic, formerPlace.position, formerPlace.share);
      this.#release(formerPlace.position, -formerPlace.share);
    }
  }

  #onLogEvent(event: LogEvent): void {
    this.#broker.onStorageEvent(event);
    if (event.type !== 'has-room') return;
    this.committedPosition = this.log.acknowledgedPosition;
    for (const action of this.#whenRoom.splice(0)) action();
    // What changed meanwhile is in no record: a checkpoint holds it.
    this.log.checkpoint().catch(() => {});
  }

  // ---------------------------------------------------------------------- log owner

  restore(entries: Iterable<readonly [key: string, value: Uint8Array]>): void {
    restoreState(this.#state, this.#broker, entries);
  }

  replay(record: LogRecord, release: (position: number, bytes: number) => void): void {
    replayRecord(this.#state, this.#broker, record, release);
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
    const isAwaited = this.#retainedChanges.some(
      ({ formerPlace }) => formerPlace?.position === record.position,
    );
    return keepMessage(this.#state, record, isAwaited, this.#writer, this.#reader);
  }

  moved(from: number, to: number, record: LogRecord): void {
    moveMessage(this.#state, from, to, record);
    this.#retainedChanges = this.#retainedChanges.map((change) =>
      change.formerPlace?.position === from
        ? { ...change, formerPlace: { ...change.formerPlace, position: to } }
        : change,
    );
  }

  // -------------------------------------------------------------------- start, stop

  /** Reads the retained messages back, in the order in which they lie. */
  async #loadRetained(): Promise<void> {
    const { router, runtime, log: logger } = this.#broker;
    const now = runtime.now();
    const places = [...this.#state.retained].sort(([, a], [, b]) => a.position - b.position);
    for (const [topic] of places) {
      // Compaction may have moved it, and moves it while it is read.
      const position = this.retainedPosition(topic);
      try {
        const record = this.log.readNow(position) ?? (await this.log.read(position));
        const message = readMessageOnly(this.#reader.reset(record.data), record.stream);
        if (message.expiresAt <= now) {
          this.dropRetained(topic);
          continue;
        }
        // Copies: what they are read from is much larger. Small ones share a page of Node's, which costs less
        // than a buffer for each.
        router.retained.set({
          ...message,
          properties: Buffer.from(message.properties),
          payload: Buffer.from(message.payload),
        });
      } catch (error) {
        if (this.retainedPosition(topic) !== position) {
          places.push([topic, this.#state.retained.get(topic) as RetainedPlace]);
          continue;
        }
        this.stats.lostMessages++;
        this.dropRetained(topic);
        logger.error('retained-message-lost', { topic, position, why: String(error) });
      }
    }
  }

  /** Writes what is left, takes a checkpoint and closes the log. */
  async close(): Promise<void> {
    if (this.#progressCount > 0 || this.#sent.size > 0) this.#writeProgress();
    this.#isClosing = true;
    await this.#log?.close();
  }

  // ------------------------------------------------------------------------ private

  /** Appends what is in the writer as a record that is dispensable once a checkpoint holds its effect. */
  #append(writer: ByteWriter = this.#writer, stream?: Uint8Array): number {
    const { bytes } = writer;
    const position = this.log.append(bytes, null, stream);
    shareOut(position, recordBytes(bytes.length, stream?.length), 0, this.#release);
    this.#lastPosition = position;
    return position;
  }

  #markProgress(session: BrokerSession): void {
    this.#markNumber(session.number, Change.Progress);
  }

  #markNumber(number: number, change: number): void {
    const entry = this.#state.entries.get(number);
    if (entry !== undefined) this.#state.mark(entry, change);
  }
}

function compactionOptions(compaction: Config['storage']['compaction']): CompactionOptions {
  const { maxWalSize, maxMessageAge, checkInterval, concurrentWorkers, batchSize } = compaction;
  return {
    maxSize: maxWalSize,
    maxAge: maxMessageAge,
    checkInterval,
    concurrentWorkers,
    batchSize,
  };
}
