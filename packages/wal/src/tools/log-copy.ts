import { nodeFiles } from '../files/node-files.ts';
import { alignUp, decodeSegmentHeader, SEGMENT_HEADER_SIZE } from '../format/format.ts';
import { scan } from '../format/scan.ts';
import { logIdOf } from '../open/log-id.ts';
import type { Files, OpenFile } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import { Segment } from '../segments/segment.ts';
import { isDirectlyBefore, listSegments, readSegment } from '../segments/segment-list.ts';

/** What became of a log that was compared with its replica. */
export interface LogCopyReport {
  /** Bytes that were there and are the same. */
  readonly sameBytes: number;
  /** Bytes that were written. */
  readonly writtenBytes: number;
  /** Bytes that were there, and that the replica doesn't have: nobody had been told that they were safe. */
  readonly droppedBytes: number;
}

/**
 * Makes a folder the log that a replica has: the other direction of `Replica`. What is there already, and the same, stays, and with
 * it the index, which never knows more than the replica; from the first difference on, the replica's bytes take its place.
 *
 * It holds the lock of the folder until `finish` or `close`.
 *
 * Invariant: of the segments that were written, all but the last are synced and closed.
 */
export class LogCopy {
  readonly directory: string;
  /** Identity of the log that is or was there, in hexadecimal; null when nothing says. */
  logId: string | null;
  readonly #files: Files;
  readonly #unlock: () => Promise<void>;
  readonly #segments: Segment[];
  /** From here on nothing is compared any more. */
  #isWriting: boolean;
  #sameBytes: number;
  #writtenBytes: number;
  #droppedBytes: number;
  /** The last that was compared, and the last that was written. */
  #compared: Segment | null;
  #written: Segment | null;
  /** Segments that were written between others that were there. */
  readonly #filled: Set<Segment>;
  /** Up to where the replica's bytes were taken, and the first position of their segment; -1 before the first. */
  #taken: number;
  #takenFirst: number;
  #isClosed: boolean;

  private constructor(
    directory: string,
    files: Files,
    unlock: () => Promise<void>,
    segments: Segment[],
  ) {
    this.directory = directory;
    this.#files = files;
    this.#unlock = unlock;
    this.#segments = segments;
    this.logId = logIdOf(segments);
    this.#isWriting = false;
    this.#sameBytes = 0;
    this.#writtenBytes = 0;
    this.#droppedBytes = 0;
    this.#compared = null;
    this.#written = null;
    this.#filled = new Set();
    this.#taken = 0;
    this.#takenFirst = -1;
    this.#isClosed = false;
  }

  /**
   * @param directory - made when missing
   * @throws {LogError} `locked`, `newer-version`; `foreign` when the segments are of several logs
   */
  static async open(directory: string, files: Files = nodeFiles): Promise<LogCopy> {
    await files.makeDirectory(directory);
    const unlock = await files.lock(directory);
    let segments: Segment[] = [];
    try {
      segments = await listSegments(files, directory);
      for (const [index, segment] of segments.entries()) {
        const next = segments[index + 1];
        if (next === undefined) segment.end = await endOfBatches(files, segment);
        else if (isDirectlyBefore(segment, next)) segment.end = next.previousEnd;
        await segment.close();
      }
      return new LogCopy(directory, files, unlock, segments);
    } catch (error) {
      for (const segment of segments) await segment.close();
      await unlock();
      throw error;
    }
  }

  /**
   * Takes bytes of the replica, which follow those of the call before.
   *
   * @param position - of the first byte
   * @param segmentFirst - first position of their segment; equal to `position` where they begin with its header
   * @throws {LogError} `foreign` when the folder has another log; the system's error
   */
  async take(position: number, segmentFirst: number, bytes: Uint8Array): Promise<void> {
    if (position === segmentFirst) {
      this.#checkId(bytes);
      if (!this.#isWriting) await this.#cutStrays(segmentFirst);
    }
    if (!this.#isWriting && (await this.#isThere(position, segmentFirst, bytes))) {
      this.#sameBytes += bytes.length;
    } else {
      await this.#write(position, segmentFirst, bytes);
    }
    this.#taken = position + bytes.length;
    this.#takenFirst = segmentFirst;
  }

  /** A segment of the replica begins: what is here between the one before it and this one, the replica doesn't have. */
  async #cutStrays(first: number): Promise<void> {
    const before = this.#segments.filter((segment) => segment.first < first);
    if (this.#takenFirst === -1) {
      await this.#removeTrimmed(before);
      return;
    }
    const stray = before.find((segment) => segment.first > this.#takenFirst);
    if (stray !== undefined) await this.#cutAt(stray.first);
    else if ((before.at(-1)?.end ?? 0) > first) await this.#cutAt(this.#taken);
  }

  /** Of what the replica has trimmed nothing is needed, and nothing says whether it is the same log's. */
  async #removeTrimmed(segments: readonly Segment[]): Promise<void> {
    for (const segment of segments) await this.#files.remove(segment.path);
    this.#segments.splice(0, segments.length);
    if (segments.length > 0) await this.#files.syncDirectory(this.directory);
  }

  async #cutAt(position: number): Promise<void> {
    await this.#cut(position);
    this.#isWriting = true;
  }

  #checkId(bytes: Uint8Array): void {
    const logId = decodeSegmentHeader(asBuffer(bytes))?.logId ?? null;
    if (this.logId !== null && logId !== null && logId !== this.logId) {
      const what = `${this.directory} has log ${this.logId}, and the replica has log ${logId}`;
      throw new LogError('foreign', `${what}; move what is in the folder to another one`);
    }
    this.logId ??= logId;
  }

  /** Whether bytes need not be written; cuts the log before them where they are different, and then all that follows is written. */
  async #isThere(position: number, segmentFirst: number, bytes: Uint8Array): Promise<boolean> {
    const next = this.#segments.find(({ first }) => first > segmentFirst);
    const segment = this.#segments.find(({ first }) => first === segmentFirst);
    if (segment === undefined || this.#filled.has(segment)) {
      // One that compaction has removed comes back, and is known to be dead then; one that was lost is needed.
      const hasRoom = next !== undefined && position + bytes.length <= next.first;
      if (!hasRoom) await this.#cutAt(position);
      return false;
    }
    if (position + bytes.length <= segment.end && (await this.#isSame(segment, position, bytes)))
      return true;
    await this.#cutAt(position);
    return false;
  }

  async #isSame(segment: Segment, position: number, bytes: Uint8Array): Promise<boolean> {
    if (segment !== this.#compared) await this.#compared?.close();
    this.#compared = segment;
    const there = Buffer.alloc(bytes.length);
    await segment.read(this.#files, there, position - segment.first);
    return there.equals(bytes);
  }

  /** What lies at a position or after it goes. */
  async #cut(position: number): Promise<void> {
    let hasRemoved = false;
    for (let last = this.#segments.at(-1); last !== undefined; last = this.#segments.at(-1)) {
      this.#droppedBytes += Math.max(0, last.end - Math.max(position, last.first));
      if (last.first < position) {
        last.end = Math.min(last.end, position);
        const file = await last.open(this.#files);
        await file.truncate(last.size);
        await file.sync();
        break;
      }
      await last.close();
      await this.#files.remove(last.path);
      this.#segments.pop();
      hasRemoved = true;
    }
    if (hasRemoved) await this.#files.syncDirectory(this.directory);
  }

  async #write(position: number, segmentFirst: number, bytes: Uint8Array): Promise<void> {
    const found = this.#segments.find(({ first }) => first === segmentFirst);
    const segment = found ?? (await this.#begin(segmentFirst, bytes));
    const file = await segment.open(this.#files);
    await file.write(bytes, position - segment.first);
    segment.isDirty = true;
    segment.end = position + bytes.length;
    this.#written = segment;
    this.#writtenBytes += bytes.length;
  }

  async #begin(first: number, bytes: Uint8Array): Promise<Segment> {
    const header = decodeSegmentHeader(asBuffer(bytes));
    if (header === null || header.firstPosition !== first) {
      throw new LogError('corrupt', `the replica's segment ${first} has no header`);
    }
    await this.#closeWritten();
    const { previousEnd, previousFirst, logId, version } = header;
    const segment = new Segment(this.directory, first, previousEnd, previousFirst, logId, version);
    segment.file = await this.#files.open(segment.path, 'create');
    const next = this.#segments.findIndex((other) => other.first > first);
    this.#segments.splice(next === -1 ? this.#segments.length : next, 0, segment);
    if (next !== -1) this.#filled.add(segment);
    return segment;
  }

  /** Makes durable what was written so far, so that less is left for `finish`. */
  async sync(): Promise<void> {
    const written = this.#written;
    if (written === null || !written.isDirty) return;
    written.isDirty = false;
    try {
      await (written.file as OpenFile).sync();
    } catch (error) {
      written.isDirty = true;
      throw error;
    }
  }

  async #closeWritten(): Promise<void> {
    const written = this.#written;
    if (written === null) return;
    if (written.isDirty) await (written.file as OpenFile).sync();
    written.isDirty = false;
    await written.close();
  }

  /**
   * All that the replica has was taken: the folder is a log that ends there, durably, and is not locked any more.
   *
   * @param end - up to where the replica has the log. Where that lies in a batch whose owner came to no more of it, the log continues in
   * a new segment after it
   * @throws {LogError} `corrupt` when that isn't where what was taken ends
   */
  async finish(end: number): Promise<LogCopyReport> {
    try {
      await this.#finish(end);
    } finally {
      await this.close();
    }
    return {
      sameBytes: this.#sameBytes,
      writtenBytes: this.#writtenBytes,
      droppedBytes: this.#droppedBytes,
    };
  }

  async #finish(end: number): Promise<void> {
    if (!this.#isWriting) await this.#cut(this.#taken);
    await this.#closeWritten();
    const last = this.#segments.at(-1);
    if (last !== undefined) {
      const batches = await endOfBatches(this.#files, last);
      if (batches < last.end || batches < end) await this.#continueAfter(last, batches, end);
    } else if (end > 0) {
      throw new LogError('corrupt', `the replica ends at ${end}, and has nothing`);
    }
    await this.#files.syncDirectory(this.directory);
  }

  async #continueAfter(last: Segment, batches: number, end: number): Promise<void> {
    await this.#cut(batches);
    const logId = last.logId ?? this.logId ?? '';
    const next = Segment.after(last, this.directory, alignUp(end), logId);
    const file = await this.#files.open(next.path, 'create');
    next.file = file;
    this.#segments.push(next);
    await file.write(next.header, 0);
    await file.sync();
  }

  /** Gives the lock back, without the promise that the folder is a log; after `finish` it does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const segment of this.#segments) await segment.close();
    await this.#unlock();
  }
}

/** Where the batches of a segment end, from its beginning to the first that can't be read. */
async function endOfBatches(files: Files, segment: Segment): Promise<number> {
  const buffer = await readSegment(files, segment);
  await segment.close();
  for (const stretch of scan(buffer, segment.first, SEGMENT_HEADER_SIZE, buffer.length)) {
    if (stretch.kind !== 'batch') return segment.first + stretch.offset;
  }
  return segment.first + Math.max(SEGMENT_HEADER_SIZE, buffer.length);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
