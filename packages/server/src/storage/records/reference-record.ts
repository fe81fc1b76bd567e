import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import {
  type DeliveryFields,
  type NamedDelivery,
  readDeliveryFields,
  writeDeliveryFields,
} from './delivery-fields.ts';
import { RecordKind } from './record-kind.ts';

/*
 * References:
 *
 *   u8        2
 *   f64       session
 *   u32       count, and as many references
 *
 * HandOver:
 *
 *   u8        10
 *   f64       session that had the deliveries
 *   u32       count, and as often:
 *     f64     the sequence that it had there
 *     f64     the session that has it now
 *     ...     a reference
 *
 * A reference:
 *
 *   f64       position of the Message
 *   u32       share: bytes of the Message's record that are released with it
 *   f64       sequence
 *   ...       as in delivery-fields.ts
 */

/** A delivery that is written apart from its message. */
interface ReferringDelivery extends DeliveryFields {
  readonly position: number;
  readonly share: number;
  readonly sequence: number;
}

/** It as it is read. */
export interface Reference extends NamedDelivery, ReferringDelivery {}

/** A delivery that has become another session's, where it has a number of its own. */
interface HandedOver {
  readonly former: { readonly sequence: number };
  /** The number of the session that has it now. */
  readonly to: number;
  readonly delivery: ReferringDelivery;
}

export function writeReferences(
  writer: ByteWriter,
  session: number,
  deliveries: readonly ReferringDelivery[],
): void {
  writer.reset().u8(RecordKind.References).f64(session).u32(deliveries.length);
  for (const delivery of deliveries) writeReference(writer, delivery);
}

/** @param reader - after the session's number */
export function* readReferences(reader: ByteReader, session: number): Generator<Reference> {
  for (let count = reader.u32(); count > 0; count--) yield readReference(reader, session);
}

export function writeHandOver(
  writer: ByteWriter,
  session: number,
  moved: readonly HandedOver[],
): void {
  writer.reset().u8(RecordKind.HandOver).f64(session).u32(moved.length);
  for (const { former, to, delivery } of moved) {
    writer.f64(former.sequence).f64(to);
    writeReference(writer, delivery);
  }
}

/** @param reader - after the session's number */
export function* readHandOver(
  reader: ByteReader,
): Generator<readonly [formerSequence: number, reference: Reference]> {
  for (let count = reader.u32(); count > 0; count--) {
    const formerSequence = reader.f64();
    yield [formerSequence, readReference(reader, reader.f64())];
  }
}

function writeReference(writer: ByteWriter, delivery: ReferringDelivery): void {
  writer.f64(delivery.position).u32(delivery.share).f64(delivery.sequence);
  writeDeliveryFields(writer, delivery);
}

function readReference(reader: ByteReader, session: number): Reference {
  const position = reader.f64();
  const share = reader.u32();
  const sequence = reader.f64();
  return { session, position, share, sequence, ...readDeliveryFields(reader) };
}
