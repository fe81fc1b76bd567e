import {
  decodeSegmentHeader,
  FORMAT_VERSION,
  parseSegmentName,
  SEGMENT_HEADER_SIZE,
} from '../format/format.ts';
import type { Files } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import { Segment } from './segment.ts';

/** The segments of a directory in order, opened, with the headers checked; each ends with its file. */
export async function listSegments(
  files: Files,
  directory: string,
  mode: 'write' | 'read' = 'write',
): Promise<Segment[]> {
  const firsts = (await files.list(directory))
    .map(parseSegmentName)
    .filter((first): first is number => first !== null)
    .sort((a, b) => a - b);
  const segments: Segment[] = [];
  try {
    for (const first of firsts) segments.push(await openSegment(files, directory, first, mode));
  } catch (error) {
    for (const segment of segments) await segment.close();
    throw error;
  }
  return segments;
}

async function openSegment(
  files: Files,
  directory: string,
  first: number,
  mode: 'write' | 'read',
): Promise<Segment> {
  const { path } = new Segment(directory, first, first, null, null);
  const file = await files.open(path, mode);
  const bytes = Buffer.alloc(SEGMENT_HEADER_SIZE);
  const header = (await file.read(bytes, 0)) < bytes.length ? null : decodeSegmentHeader(bytes);
  if (header !== null && header.version > FORMAT_VERSION) {
    await file.close();
    throw new LogError(
      'newer-version',
      `${path} has format version ${header.version}, this package reads ${FORMAT_VERSION}; ` +
        'use the version that wrote it, or a newer one',
    );
  }
  // The name says what a damaged header doesn't; only a gap before it can't be distinguished from a loss.
  const segment = new Segment(
    directory,
    first,
    header?.previousEnd ?? first,
    header?.previousFirst ?? null,
    header?.logId ?? null,
    header?.version ?? FORMAT_VERSION,
  );
  segment.file = file;
  segment.isHeaderDamaged = header === null;
  segment.end = first + Math.max(SEGMENT_HEADER_SIZE, await file.size());
  return segment;
}

/** The bytes of a segment's file, preallocated ones included. */
export async function readSegment(files: Files, segment: Segment): Promise<Buffer> {
  const file = await segment.open(files);
  const buffer = Buffer.allocUnsafeSlow(await file.size());
  const length = await segment.read(files, buffer, 0);
  return buffer.subarray(0, length);
}

/** Whether no segment between the two has been removed. */
export function isDirectlyBefore(segment: Segment, next: Segment): boolean {
  if (next.previousFirst !== null) return next.previousFirst === segment.first;
  // Version 1: its end lies in the file, which is cut to what is used.
  return next.previousEnd <= segment.end;
}
