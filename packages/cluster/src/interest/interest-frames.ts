import { FrameBodyReader } from '../forward/frame-body-reader.ts';

/*
 * What one cell says to the processes of the others of what its clients have subscribed to, as the bodies of frames; numbers are
 * little-endian:
 *
 *   RESET     u16 cell, f64 epoch: what was said of the cell before may be outdated, and all that holds follows
 *   CHANGE    u16 cell, f64 epoch, f64 version, u32 count of filters, and for each:
 *     u8      flags: 1, 2 highest Maximum QoS; 4 a shared group; 8 nobody subscribes to it any more
 *     [u32    members of the group, u32 those that are connected, if flag 4 and not 8]
 *     u16     size of the filter, and the filter in UTF-8, with `$share/NAME/` if flag 4
 *   SYNC      u16 cell, f64 epoch, f64 version: all that holds has been said
 *   ACK       u16 cell, f64 epoch, f64 version: whoever sends it routes by what was said up to this version
 */

/** Bytes before the filters of a CHANGE. */
export const CHANGE_HEAD_SIZE = 22;
/** Bytes of a filter beside its name, at most. */
const FILTER_HEAD_SIZE = 11;

const Flag = { QoS: 3, Shared: 4, Gone: 8 } as const;

/** What holds of one filter of a cell. */
export interface FilterInterest {
  /** The whole filter, `$share/NAME/` included. */
  readonly filter: string;
  /** The highest Maximum QoS of its subscriptions; -1: there are none any more. */
  readonly qos: -1 | 0 | 1 | 2;
  readonly isShared: boolean;
  /** Of a shared group: how many, and how many of them are connected. */
  readonly members: number;
  readonly connected: number;
}

/** Which state of a cell's interest is spoken of. */
export interface InterestVersion {
  readonly cell: number;
  /** Grows with each owner of the cell. */
  readonly epoch: number;
  /** Grows with each change, within an epoch. */
  readonly version: number;
}

export interface InterestChange extends InterestVersion {
  readonly filters: readonly FilterInterest[];
}

/** The body of a RESET. */
export function encodeReset({ cell, epoch }: Omit<InterestVersion, 'version'>): Buffer {
  const body = Buffer.allocUnsafe(10);
  body.writeUInt16LE(cell, 0);
  body.writeDoubleLE(epoch, 2);
  return body;
}

/** @throws {RangeError} when it ends too early or too late, or says what there is not */
export function decodeReset(body: Uint8Array): Omit<InterestVersion, 'version'> {
  const reader = new FrameBodyReader(body);
  const reset = { cell: reader.u16(), epoch: reader.f64() };
  reader.end();
  return reset;
}

/** The body of a SYNC or an ACK. */
export function encodeVersion({ cell, epoch, version }: InterestVersion): Buffer {
  const body = Buffer.allocUnsafe(18);
  writeVersion(body, cell, epoch, version);
  return body;
}

/** @throws {RangeError} when it ends too early or too late, or says what there is not */
export function decodeVersion(body: Uint8Array): InterestVersion {
  const reader = new FrameBodyReader(body);
  const version = { cell: reader.u16(), epoch: reader.f64(), version: reader.f64() };
  reader.end();
  return version;
}

/** About what a filter takes in a CHANGE, in bytes; never less than it does. */
export function filterSizeMax(filter: string): number {
  return FILTER_HEAD_SIZE + filter.length * 3;
}

/** The body of a CHANGE. */
export function encodeChange({ cell, epoch, version, filters }: InterestChange): Buffer {
  let size = CHANGE_HEAD_SIZE;
  for (const { filter } of filters) size += filterSizeMax(filter);
  const body = Buffer.allocUnsafe(size);
  writeVersion(body, cell, epoch, version);
  body.writeUInt32LE(filters.length, 18);
  let offset = CHANGE_HEAD_SIZE;
  for (const one of filters) offset = writeFilter(body, offset, one);
  return body.subarray(0, offset);
}

function writeVersion(body: Buffer, cell: number, epoch: number, version: number): void {
  body.writeUInt16LE(cell, 0);
  body.writeDoubleLE(epoch, 2);
  body.writeDoubleLE(version, 10);
}

function writeFilter(
  body: Buffer,
  start: number,
  { filter, qos, isShared, members, connected }: FilterInterest,
): number {
  let offset = start;
  const flags = (qos < 0 ? Flag.Gone : qos) | (isShared ? Flag.Shared : 0);
  offset = body.writeUInt8(flags, offset);
  if (isShared && qos >= 0) {
    offset = body.writeUInt32LE(members, offset);
    offset = body.writeUInt32LE(connected, offset);
  }
  const size = body.write(filter, offset + 2, 'utf8');
  body.writeUInt16LE(size, offset);
  return offset + 2 + size;
}

/** @throws {RangeError} when it ends too early or too late, or says what there is not */
export function decodeChange(body: Uint8Array): InterestChange {
  const reader = new FrameBodyReader(body);
  const cell = reader.u16();
  const epoch = reader.f64();
  const version = reader.f64();
  const count = reader.u32();
  const filters: FilterInterest[] = [];
  for (let index = 0; index < count; index++) filters.push(readFilter(reader));
  reader.end();
  return { cell, epoch, version, filters };
}

function readFilter(reader: FrameBodyReader): FilterInterest {
  const flags = reader.u8();
  const isShared = (flags & Flag.Shared) !== 0;
  const isGone = (flags & Flag.Gone) !== 0;
  const qos = flags & Flag.QoS;
  if (qos === 3 || flags > 15) throw new RangeError(`a filter with the flags ${flags}`);
  const hasCounts = isShared && !isGone;
  const members = hasCounts ? reader.u32() : 0;
  const connected = hasCounts ? reader.u32() : 0;
  const filter = reader.text(reader.u16());
  return { filter, qos: isGone ? -1 : (qos as 0 | 1 | 2), isShared, members, connected };
}
