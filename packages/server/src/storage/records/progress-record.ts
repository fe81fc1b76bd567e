import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { RecordKind } from './record-kind.ts';

/*
 * Progress:
 *
 *   u8        7
 *   u32       count, and as often:
 *     u8      what: 0 the delivery with this sequence is settled; 1 all up to it were sent; 2 all up to it are settled
 *     f64     session
 *     f64     sequence
 *
 * Release: PUBREC came:
 *
 *   u8        8
 *   f64       session
 *   f64       sequence
 *   u16       packet identifier
 *
 * Free: PUBREL came for a QoS 2 message of the client:
 *
 *   u8        9
 *   f64       session
 *   u16       packet identifier
 */

export const ProgressKind = { Settled: 0, Sent: 1, SettledUpTo: 2 } as const;

/** What a Progress record begins with; `count` entries follow. */
export function writeProgressHead(writer: ByteWriter, count: number): void {
  writer.reset().u8(RecordKind.Progress).u32(count);
}

/** Adds an entry of a Progress record. @param kind - as in `ProgressKind` */
export function addProgress(
  writer: ByteWriter,
  kind: number,
  session: number,
  sequence: number,
): void {
  writer.u8(kind).f64(session).f64(sequence);
}

/** @param onEntry - `kind` is as in `ProgressKind` */
export function readProgress(
  reader: ByteReader,
  onEntry: (kind: number, session: number, sequence: number) => void,
): void {
  reader.skip(1);
  for (let count = reader.u32(); count > 0; count--) {
    const kind = reader.u8();
    const session = reader.f64();
    onEntry(kind, session, reader.f64());
  }
}

export function writeRelease(
  writer: ByteWriter,
  session: number,
  sequence: number,
  packetId: number,
): void {
  writer.reset().u8(RecordKind.Release).f64(session).f64(sequence).u16(packetId);
}

/** @param reader - after the session's number */
export function readRelease(reader: ByteReader): { sequence: number; packetId: number } {
  const sequence = reader.f64();
  return { sequence, packetId: reader.u16() };
}

export function writeFree(writer: ByteWriter, session: number, packetId: number): void {
  writer.reset().u8(RecordKind.Free).f64(session).u16(packetId);
}

/**
 * Reads the packet identifier of a Free record.
 *
 * @param reader - after the session's number
 */
export function readFree(reader: ByteReader): number {
  return reader.u16();
}
