import { NO_IDENTIFIERS } from '@promptmq/topics';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

/*
 * What the records of messages and references say of a delivery:
 *
 *   u8        flags: 1, 2 QoS; 4 RETAIN; 8 details follow
 *   [details]
 *
 * Details, here and in checkpoints:
 *
 *   u16       count, and as many u32 Subscription Identifiers
 *   string    the whole filter of the shared subscription that it came through; empty when it didn't
 */

const DeliveryFlag = { QoS: 3, Retain: 4, Details: 8 } as const;

/** What of a delivery is its recipient's own. */
export interface DeliveryFields {
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  readonly group: string | null;
}

/** One of the deliveries that a record names. */
export interface NamedDelivery extends DeliveryFields {
  readonly session: number;
  readonly sequence: number;
}

export function writeDeliveryFields(
  writer: ByteWriter,
  { qos, retain, identifiers, group }: DeliveryFields,
): void {
  const hasDetails = identifiers.length > 0 || group !== null;
  writer.u8(qos | (retain ? DeliveryFlag.Retain : 0) | (hasDetails ? DeliveryFlag.Details : 0));
  if (hasDetails) writeDetails(writer, identifiers, group);
}

export function readDeliveryFields(reader: ByteReader): DeliveryFields {
  const flags = reader.u8();
  const { identifiers, group } =
    (flags & DeliveryFlag.Details) === 0
      ? { identifiers: NO_IDENTIFIERS, group: null }
      : readDetails(reader);
  return {
    qos: (flags & DeliveryFlag.QoS) as 0 | 1 | 2,
    retain: (flags & DeliveryFlag.Retain) !== 0,
    identifiers,
    group,
  };
}

export function skipDeliveryFields(reader: ByteReader): void {
  if ((reader.u8() & DeliveryFlag.Details) === 0) return;
  reader.skip(4 * reader.u16());
  reader.skip(reader.u32());
}

export function writeDetails(
  writer: ByteWriter,
  identifiers: readonly number[],
  group: string | null,
): void {
  writer.u16(identifiers.length);
  for (const identifier of identifiers) writer.u32(identifier);
  writer.string(group ?? '');
}

export function readDetails(reader: ByteReader): Pick<DeliveryFields, 'identifiers' | 'group'> {
  const count = reader.u16();
  const identifiers =
    count === 0 ? NO_IDENTIFIERS : Array.from({ length: count }, () => reader.u32());
  const group = reader.string();
  return { identifiers, group: group === '' ? null : group };
}
