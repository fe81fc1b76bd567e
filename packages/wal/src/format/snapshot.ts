import {
  BATCH_HEADER_SIZE,
  type Batch,
  eachRecord,
  isData,
  RECORD_HEADER_SIZE,
  RecordKind,
  readPosition,
  recordKind,
  recordSize,
  writePosition,
} from './format.ts';

/** Where a snapshot lies: from the begin of its first batch to the end of its last. */
export interface SnapshotRange {
  readonly start: number;
  readonly end: number;
}

/** What the end of a snapshot says. */
export interface SnapshotEnd {
  readonly begin: number;
  readonly count: number;
  /** By a segment's first position. */
  readonly releasedBytes: ReadonlyMap<number, number>;
}

export function encodeSnapshotEnd({ begin, count, releasedBytes }: SnapshotEnd): Buffer {
  const data = Buffer.alloc(16 + 16 * releasedBytes.size);
  writePosition(data, 0, begin);
  data.writeUInt32LE(count, 8);
  data.writeUInt32LE(releasedBytes.size, 12);
  let offset = 16;
  for (const [first, bytes] of releasedBytes) {
    writePosition(data, offset, first);
    writePosition(data, offset + 8, bytes);
    offset += 16;
  }
  return data;
}

/** Null when it isn't one. */
export function decodeSnapshotEnd(data: Buffer): SnapshotEnd | null {
  if (data.length < 16) return null;
  const segmentCount = data.readUInt32LE(12);
  if (data.length !== 16 + 16 * segmentCount) return null;
  const releasedBytes = new Map<number, number>();
  for (let offset = 16; offset < data.length; offset += 16) {
    releasedBytes.set(readPosition(data, offset), readPosition(data, offset + 8));
  }
  return { begin: readPosition(data, 0), count: data.readUInt32LE(8), releasedBytes };
}

/** A snapshot of which all is there. */
export interface WholeSnapshot extends SnapshotRange {
  readonly releasedBytes: ReadonlyMap<number, number>;
}

/** Looks for the last whole snapshot among the batches of a log, which it is given in order. */
export class SnapshotFinder {
  /** The last whole one so far. */
  last: WholeSnapshot | null = null;
  #start = -1;
  #count = 0;

  add(buffer: Buffer, offset: number, batch: Batch): void {
    if (batch.count === 0) return;
    const kind = recordKind(buffer, offset + BATCH_HEADER_SIZE);
    if (kind === RecordKind.snapshotBegin) {
      this.#start = batch.position;
      this.#count = 0;
    } else if (isData(kind)) {
      this.#start = -1;
    }
    if (this.#start === -1) return;
    eachRecord(buffer, offset, batch, (start) => {
      const recordedKind = recordKind(buffer, start);
      if (recordedKind === RecordKind.snapshotEntry) this.#count++;
      if (recordedKind === RecordKind.snapshotEnd) this.#onEnd(buffer, start, batch);
    });
  }

  #onEnd(buffer: Buffer, start: number, batch: Batch): void {
    const end = decodeSnapshotEnd(
      buffer.subarray(start + RECORD_HEADER_SIZE, start + recordSize(buffer, start)),
    );
    const begin = this.#start + BATCH_HEADER_SIZE;
    if (end !== null && end.begin === begin && end.count === this.#count) {
      this.last = {
        start: this.#start,
        end: batch.position + batch.size,
        releasedBytes: end.releasedBytes,
      };
    }
    this.#start = -1;
  }
}

/** Bytes of a segment that lie in a snapshot. */
export function overlap(
  { first, end }: { readonly first: number; readonly end: number },
  snapshot: SnapshotRange | null,
): number {
  if (snapshot === null) return 0;
  return Math.max(0, Math.min(end, snapshot.end) - Math.max(first, snapshot.start));
}
