import {
  alignUp,
  CLOCK_DATA_SIZE,
  isData,
  type LogRecord,
  MOVED_HEADER_SIZE,
  RECORD_DATA_MAX,
  RECORD_HEADER_SIZE,
  RecordKind,
  recordBytes,
  SEGMENT_HEADER_SIZE,
  STREAM_NAME_MAX,
  writePosition,
} from '../format/format.ts';
import { type Streams, streamKey } from '../index/streams.ts';
import { invariant } from '../invariant.ts';
import type { Clock } from '../ports/clock.ts';
import { LogError } from '../ports/log-error.ts';
import { Segment } from '../segments/segment.ts';
import { BATCH_SIZE_MAX, BatchBuilder, type CommitListener } from './batch-builder.ts';
import type { LogState } from './log-state.ts';
import type { LogStats } from './log-stats.ts';
import type { LogTime } from './log-time.ts';

/** How long a record that nobody waits for may gather others. */
const LAZY_MS = 20;

/** A log to which nothing is appended gets the time written this often: nobody else may know later that it passed. */
const SILENCE_MS_MAX = 600_000;

/** Builders that are kept to be used again. */
const SPARE_MAX = 4;

const NO_STREAM = new Uint8Array(0);

/** What appending needs of its log. */
export interface AppendedLog {
  readonly id: string;
  readonly clock: Clock;
  readonly time: LogTime;
  readonly stats: LogStats;
  readonly state: LogState;
  readonly segments: Segment[];
  readonly streams: Streams;
  /** A segment is followed by another when it has this many bytes. */
  readonly segmentSize: number;
  /** Has what was appended written, unless that is under way. */
  readonly startWriting: () => void;
}

/** A batch on its way to its segment. */
export interface SealedBatch {
  readonly builder: BatchBuilder;
  readonly bytes: Buffer;
  readonly segment: Segment;
}

/**
 * Gathers what is appended in one turn into one batch, and gives batches their places in the segments.
 *
 * Invariant: the sealed batches and the one that gathers lie one after the other, and end at the head.
 */
export class Appender {
  readonly #id: string;
  readonly #clock: Clock;
  readonly #time: LogTime;
  readonly #stats: LogStats;
  readonly #state: LogState;
  readonly #segments: Segment[];
  readonly #streams: Streams;
  readonly #segmentSize: number;
  readonly #startWriting: () => void;
  #batch: BatchBuilder;
  /** Batches that wait to be written. */
  #sealed: SealedBatch[];
  /** Builders to be used again. */
  readonly #spare: BatchBuilder[];
  #isScheduled: boolean;
  /** Whether the batch that gathers has a record that is to be written as soon as it can be. */
  #isAwaited: boolean;
  /** When the last batch was closed, in milliseconds of the log's time. */
  #sealedMs: number;
  /** Of the batch that gathers, when it has only records that nobody waits for. */
  #cancelLazy: (() => void) | null;

  constructor(log: AppendedLog) {
    this.#id = log.id;
    this.#clock = log.clock;
    this.#time = log.time;
    this.#stats = log.stats;
    this.#state = log.state;
    this.#segments = log.segments;
    this.#streams = log.streams;
    this.#segmentSize = log.segmentSize;
    this.#startWriting = log.startWriting;
    this.#batch = new BatchBuilder();
    this.#sealed = [];
    this.#spare = [];
    this.#isScheduled = false;
    this.#isAwaited = false;
    this.#sealedMs = Number.NEGATIVE_INFINITY;
    this.#cancelLazy = null;
  }

  /** Whether there are batches to be written, or one that gathers and is waited for. */
  get isDue(): boolean {
    return this.#isAwaited || this.#sealed.length > 0;
  }

  /** Bytes of the batch that gathers. */
  get gatheredBytes(): number {
    return this.#batch.isEmpty ? 0 : this.#batch.length;
  }

  /** Whether a position lies in the batch that gathers, or after it. */
  isGathering(position: number): boolean {
    return !this.#batch.isEmpty && position >= this.#batch.position;
  }

  /** As `Log.append`. */
  append(
    data: Uint8Array | readonly Uint8Array[],
    onCommitted: CommitListener | null,
    stream: Uint8Array = NO_STREAM,
  ): number {
    const parts = data instanceof Uint8Array ? [data] : data;
    const position = this.add(parts, onCommitted, stream);
    this.#schedule();
    return position;
  }

  /** Has the batch that gathers written at the end of the turn. */
  #schedule(): void {
    this.#isAwaited = true;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.defer(() => {
      this.#isScheduled = false;
      this.#startWriting();
    });
  }

  /** As `Log.appendLazily`. */
  appendLazily(data: Uint8Array | readonly Uint8Array[]): number {
    const parts = data instanceof Uint8Array ? [data] : data;
    const position = this.add(parts, null, NO_STREAM);
    if (!this.#isAwaited && this.#cancelLazy === null) {
      this.#cancelLazy = this.#clock.setTimer(LAZY_MS, () => {
        this.#cancelLazy = null;
        this.#isAwaited = true;
        this.#startWriting();
      });
    }
    return position;
  }

  /** Nothing gathers company any more. */
  cancelLazy(): void {
    this.#cancelLazy?.();
    this.#cancelLazy = null;
  }

  /** For compaction: appends what is kept of a record. */
  appendMoved({ position, origin, stream }: LogRecord, parts: readonly Uint8Array[]): number {
    const header = Buffer.allocUnsafe(MOVED_HEADER_SIZE);
    writePosition(header, 0, position);
    writePosition(header, 8, origin);
    const to = this.add([header, ...parts], null, stream, RecordKind.moved, origin);
    this.#schedule();
    return to;
  }

  /**
   * Adds a record to the batch, which somebody else has to have written.
   *
   * @param origin - where it was first appended; -1: here
   */
  add(
    parts: readonly Uint8Array[],
    onCommitted: CommitListener | null,
    stream: Uint8Array,
    kind: RecordKind = RecordKind.data,
    origin = -1,
  ): number {
    if (this.#state.status !== 'open' || this.#state.isClosing) throw this.#state.refusal();
    let dataLength = 0;
    for (let index = 0; index < parts.length; index++) {
      dataLength += (parts[index] as Uint8Array).length;
    }
    if (dataLength > RECORD_DATA_MAX || stream.length > STREAM_NAME_MAX) {
      throw new LogError('too-large', `a record of ${dataLength} bytes`);
    }
    const needed = RECORD_HEADER_SIZE + stream.length + dataLength;
    if (!this.#batch.isEmpty && alignUp(this.#batch.length + needed) > BATCH_SIZE_MAX) {
      this.seal();
      this.#startWriting();
    }
    if (this.#batch.isEmpty) this.#beginBatch();
    const position = this.#batch.add(parts, dataLength, stream, kind);
    if (onCommitted !== null) this.#batch.listeners.push(onCommitted);
    if (stream.length > 0 && isData(kind)) {
      const segment = this.#segments[this.#segments.length - 1] as Segment;
      const name = streamKey(stream);
      this.#streams.note(segment.first, name, position, origin === -1 ? position : origin);
    }
    this.#stats.records++;
    return position;
  }

  #beginBatch(): void {
    const state = this.#state;
    const last = this.#segments.at(-1);
    const isFull = last === undefined || state.head - last.first >= this.#segmentSize;
    if (isFull || !last.isCurrent) {
      this.#segments.push(Segment.after(last, state.directory, state.head, this.#id));
      state.head += SEGMENT_HEADER_SIZE;
      // Those before it may be removed.
      this.#time.forgetMark();
    }
    this.#batch.reset(state.head);
  }

  /** Closes the batch that gathers, if any, so that it can be written. */
  seal(): void {
    const builder = this.#batch;
    if (builder.isEmpty) return;
    this.#isAwaited = false;
    this.cancelLazy();
    const state = this.#state;
    const segment = this.#segments.at(-1) as Segment;
    this.#markTime(builder, segment);
    const timeMs = this.#time.now();
    const bytes = builder.seal(state.durable, timeMs);
    this.#sealedMs = timeMs;
    this.#sealed.push({ builder, bytes, segment });
    state.pendingBytes += bytes.length;
    state.head = builder.position + bytes.length;
    segment.end = state.head;
    segment.recordBytes += builder.ownerBytes;
    segment.lastWriteMs = timeMs;
    this.#batch = this.#spare.pop() ?? new BatchBuilder();
    this.#batch.reset(state.head);
  }

  /** As late as can be: what is in the batch may have been caused by the wall clock's being set. */
  #markTime(builder: BatchBuilder, segment: Segment): void {
    const wallAheadMs = this.#time.takeMark();
    if (wallAheadMs === null) return;
    builder.addClock(wallAheadMs);
    // Nobody asks for it again.
    segment.releasedBytes += recordBytes(CLOCK_DATA_SIZE);
  }

  /** As `Log.noteTime`. */
  noteTime(): void {
    if (!this.#batch.isEmpty) return;
    const isSilent = this.#time.now() > this.#sealedMs + SILENCE_MS_MAX;
    if (!isSilent && !this.#time.isMarkDue) return;
    this.#time.forgetMark();
    this.#beginBatch();
    this.#markTime(this.#batch, this.#segments.at(-1) as Segment);
    this.#schedule();
  }

  /** Hands over the batches that are due, in their order; what nobody waits for may continue to gather. */
  takeDue(): SealedBatch[] {
    if (this.#isAwaited) this.seal();
    const group = this.#sealed;
    if (group.length > 0) this.#sealed = [];
    return group;
  }

  /** Hands over all that has not been written, in its order. */
  takeAll(): SealedBatch[] {
    this.seal();
    return this.takeDue();
  }

  /** Takes batches back that could not be written. */
  putBack(group: readonly SealedBatch[]): void {
    this.#sealed = [...group, ...this.#sealed];
  }

  /** Gets the builder of a batch of which nothing is needed any more. */
  reuse(builder: BatchBuilder): void {
    if (this.#spare.length < SPARE_MAX) this.#spare.push(builder);
  }

  /** @throws what doesn't hold */
  checkInvariants(): void {
    const { written, head, pendingBytes } = this.#state;
    let end = this.#sealed[0]?.builder.position ?? head;
    let sealedBytes = 0;
    let last: Segment | null = null;
    for (const { builder, bytes, segment } of this.#sealed) {
      const { position } = builder;
      const start = last === null || segment === last ? end : end + SEGMENT_HEADER_SIZE;
      invariant(position === start, `a batch lies at ${position}, the one before ends at ${end}`);
      builder.checkInvariants();
      end = position + bytes.length;
      sealedBytes += bytes.length;
      last = segment;
    }
    invariant(written <= end - sealedBytes, `${written} is written, and waits to be`);
    invariant(sealedBytes <= pendingBytes, `${pendingBytes} of ${sealedBytes} bytes are pending`);
    if (this.#batch.isEmpty) {
      invariant(last === null || end === head, `the last batch ends at ${end}, not at ${head}`);
    } else {
      const { position } = this.#batch;
      invariant(position === head, `the batch that gathers lies at ${position}, not at ${head}`);
      this.#batch.checkInvariants();
    }
  }

  /** The head has moved on while nothing gathered. */
  onHeadMoved(): void {
    this.#batch.reset(this.#state.head);
  }
}
