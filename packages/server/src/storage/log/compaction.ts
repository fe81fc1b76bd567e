import { type Delivery, DeliveryState } from '@promptmq/session';
import type { LogRecord } from '@promptmq/wal';
import { ByteReader } from '../records/byte-reader.ts';
import type { ByteWriter } from '../records/byte-writer.ts';
import {
  isRetainedOrNames,
  readMessage,
  writeDelivery,
  writeMessageHead,
} from '../records/message-record.ts';
import { RecordKind } from '../records/record-kind.ts';
import { shareOf, sizeOf } from '../records/record-share.ts';
import { Change, type StoredState } from '../stored-state.ts';

/** One who still needs a message. */
interface User {
  readonly session: number;
  readonly delivery: Delivery;
}

/**
 * What compaction has to keep of a record: a message with those who still need it. All other records are
 * in the snapshot with their effect.
 *
 * @param isAwaited - the message may have to become its topic's retained message again
 * @returns null when nobody needs it
 */
export function keepMessage(
  state: StoredState,
  record: LogRecord,
  isAwaited: boolean,
  writer: ByteWriter,
  reader: ByteReader,
): readonly Uint8Array[] | null {
  if (record.data[0] !== RecordKind.Message) return null;
  if (!isAwaited && !mayBeNeeded(state, record, reader)) return null;
  const { message, deliveries } = readMessage(reader.reset(record.data), record.stream);
  const isRetained = state.retained.get(message.topic)?.position === record.position;
  const users = usersOf(state, record.position, deliveries);
  if (users.length === 0 && !isRetained && !isAwaited) return null;
  writeMessageHead(writer, message, null, isRetained, users.length);
  for (const { session, delivery } of users) {
    writeDelivery(writer, session, delivery.sequence, delivery);
  }
  return [writer.bytes, message.payload];
}

/** Most records are looked at when nobody needs them any more: finding that out makes no objects. */
function mayBeNeeded(
  state: StoredState,
  { data, position }: LogRecord,
  reader: ByteReader,
): boolean {
  if (state.references.to(position).length > 0) return true;
  return isRetainedOrNames(
    reader.reset(data),
    (session, sequence) => state.entries.get(session)?.session.stored?.find(sequence) != null,
  );
}

/** The record of a message lies elsewhere now: all who need it have to know. */
export function moveMessage(state: StoredState, from: number, to: number, record: LogRecord): void {
  if (record.data[0] !== RecordKind.Message) return;
  const { message, isRetained, deliveries } = readMessage(
    new ByteReader(record.data),
    record.stream,
  );
  const users = usersOf(state, from, deliveries);
  const size = sizeOf(record);
  const count = users.length + (isRetained ? 1 : 0);
  for (const [index, { session, delivery }] of users.entries()) {
    const share = shareOf(size, count, index);
    const entry = state.entries.get(session);
    if (entry?.session.stored?.relocate(delivery.sequence, { position: to, share }) === true) {
      state.mark(entry, Change.Progress);
    }
  }
  if (state.retained.get(message.topic)?.position === from) {
    state.setRetained(message.topic, to, shareOf(size, count, users.length));
  }
  state.references.move(from, to);
}

/** Those of the deliveries that a record names, and of those that refer to it, which are not over. */
function usersOf(
  state: StoredState,
  position: number,
  named: readonly { readonly session: number; readonly sequence: number }[],
): User[] {
  const users: User[] = [];
  const add = (session: number, sequence: number) => {
    const delivery = state.entries.get(session)?.session.stored?.find(sequence) ?? null;
    if (delivery === null || delivery.position !== position) return;
    if (delivery.state !== DeliveryState.Released) users.push({ session, delivery });
  };
  for (const { session, sequence } of named) add(session, sequence);
  for (const { session, sequence } of state.references.to(position)) {
    const isNamed = named.some((one) => one.session === session && one.sequence === sequence);
    if (!isNamed) add(session, sequence);
  }
  return users;
}
