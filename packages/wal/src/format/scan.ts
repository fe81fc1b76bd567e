import { BATCH_HEADER_SIZE, type Batch, readBatch } from './format.ts';

/** What a scan of a segment comes across, in the order of the file. */
export type Stretch =
  | { readonly kind: 'batch'; readonly batch: Batch; readonly offset: number }
  /** Bytes that are no valid batch, up to the next one. */
  | { readonly kind: 'damage'; readonly offset: number; readonly end: number }
  /** Bytes that are no valid batch, with none after them. */
  | { readonly kind: 'tail'; readonly offset: number; readonly end: number };

/** What preallocated bytes are compared with. */
const ZEROS = Buffer.alloc(65_536);

const MAGIC = Buffer.from('PMQB', 'latin1');

/**
 * Walks the batches of a segment.
 *
 * @param buffer - the segment's bytes from its beginning
 * @param first - position of the first of them
 * @param offset - where to start: the beginning of a batch
 * @param end - where the data ends
 */
export function* scan(
  buffer: Buffer,
  first: number,
  offset: number,
  end: number,
): Generator<Stretch> {
  let start = offset;
  while (start < end) {
    const batch = readBatch(buffer, start, first + start);
    if (batch !== null) {
      yield { kind: 'batch', batch, offset: start };
      start += batch.size;
      continue;
    }
    const next = findBatch(buffer, first, start + 8, end);
    if (next === -1) {
      yield { kind: 'tail', offset: start, end };
      return;
    }
    yield { kind: 'damage', offset: start, end: next };
    start = next;
  }
}

/** Offset of the next valid batch; -1 when there is none. */
function findBatch(buffer: Buffer, first: number, from: number, end: number): number {
  let offset = buffer.indexOf(MAGIC, from);
  while (offset !== -1 && offset + BATCH_HEADER_SIZE <= end) {
    if (offset % 8 === 0 && readBatch(buffer, offset, first + offset) !== null) return offset;
    offset = buffer.indexOf(MAGIC, offset + 1);
  }
  return -1;
}

/** Whether nothing was ever written in a stretch of a preallocated file. */
export function isUnused(buffer: Buffer, start: number, end: number): boolean {
  const last = Math.min(end, buffer.length);
  for (let offset = start; offset < last; offset += ZEROS.length) {
    const size = Math.min(ZEROS.length, last - offset);
    if (buffer.compare(ZEROS, 0, size, offset, offset + size) !== 0) return false;
  }
  return true;
}
