import { Delivery, STORED_MESSAGE } from '@promptmq/session';
import { NO_IDENTIFIERS } from '@promptmq/topics';
import type { LogRecord, Release } from '@promptmq/wal';
import type { RecoveryHost } from '../host.ts';
import type { JournalEntry } from '../journal.ts';
import { ByteReader } from '../records/byte-reader.ts';
import type { NamedDelivery } from '../records/delivery-fields.ts';
import { readDocument } from '../records/document-record.ts';
import { readMessage } from '../records/message-record.ts';
import { ProgressKind, readFree, readProgress, readRelease } from '../records/progress-record.ts';
import { RecordKind, readSessionNumber } from '../records/record-kind.ts';
import { shareOf, shareOut, sizeOf } from '../records/record-share.ts';
import { type Reference, readHandOver, readReferences } from '../records/reference-record.ts';
import { readEnding, readSession } from '../records/session-record.ts';
import { readSubscriptions, readUnsubscriptions } from '../records/subscription-record.ts';
import { Change, type StoredState } from '../stored-state.ts';

/** Applies one record of the log that is not a copy of another. The next checkpoint holds what it changes. */
export function replayRecord(
  state: StoredState,
  host: RecoveryHost,
  record: LogRecord,
  release: Release,
): void {
  const reader = new ByteReader(record.data);
  const kind = record.data[0];
  if (kind === RecordKind.Message) {
    replayMessage(state, record, reader, release);
    return;
  }
  shareOut(record.position, sizeOf(record), 0, release);
  switch (kind) {
    case RecordKind.References:
      for (const reference of readReferences(reader, readSessionNumber(reader))) {
        restoreReference(state, reference, release);
      }
      break;
    case RecordKind.Session: {
      const session = readSession(reader);
      const entry = state.entries.get(session.number);
      if (entry === undefined) {
        const restored = host.restoreEntry(session);
        state.add(restored);
        state.mark(restored, ~0);
      } else {
        host.updateEntry(entry, session);
        state.mark(entry, Change.Session);
      }
      break;
    }
    case RecordKind.Document: {
      const { key, document } = readDocument(reader);
      state.documents.set(key, document);
      break;
    }
    default:
      replaySessionRecord(state, host, kind as number, reader, release);
  }
}

function restoreReference(state: StoredState, reference: Reference, release: Release): void {
  const { position, share, session, sequence } = reference;
  if (restoreDelivery(state, reference, position, share, true)) {
    state.references.add(position, session, sequence);
  } else {
    release(position, share);
  }
}

function replaySessionRecord(
  state: StoredState,
  host: RecoveryHost,
  kind: number,
  reader: ByteReader,
  release: Release,
): void {
  if (kind === RecordKind.Progress) {
    replayProgress(state, reader, release);
    return;
  }
  const entry = state.entries.get(readSessionNumber(reader));
  if (entry === undefined) return;
  const { session } = entry;
  switch (kind) {
    case RecordKind.End:
      state.remove(entry, release);
      host.dropEntry(entry);
      // What waited counts no more.
      session.forgetAll();
      break;
    case RecordKind.Subscribe:
      for (const subscription of readSubscriptions(reader)) {
        host.restoreSubscription(entry, subscription);
      }
      state.mark(entry, Change.Subscriptions);
      break;
    case RecordKind.Unsubscribe:
      for (const topicFilter of readUnsubscriptions(reader)) {
        host.dropSubscription(entry, topicFilter);
      }
      state.mark(entry, Change.Subscriptions);
      break;
    case RecordKind.Release: {
      const { sequence, packetId } = readRelease(reader);
      settle(state, entry, sequence, release);
      session.stored?.restoreReleased(sequence, packetId, 0);
      state.mark(entry, Change.Progress);
      break;
    }
    case RecordKind.HandOver:
      for (const [sequence, reference] of readHandOver(reader)) {
        restoreReference(state, reference, release);
        settle(state, entry, sequence, release);
      }
      state.mark(entry, Change.Progress);
      break;
    case RecordKind.Ending:
      state.setEnding(entry, readEnding(reader));
      host.dropEntry(entry);
      break;
    case RecordKind.Free:
      session.received.delete(readFree(reader));
      state.mark(entry, Change.Progress);
      break;
    default:
      throw new Error(`a record of kind ${kind}, which this version doesn't know`);
  }
}

function replayMessage(
  state: StoredState,
  record: LogRecord,
  reader: ByteReader,
  release: Release,
): void {
  const { message, origin, isRetained, deliveries } = readMessage(reader, record.stream);
  const isStored = isRetained && message.payload.length > 0;
  const { position } = record;
  const size = sizeOf(record);
  const users = deliveries.length + (isStored ? 1 : 0);
  shareOut(position, size, users, release);
  for (const [index, delivery] of deliveries.entries()) {
    const share = shareOf(size, users, index);
    const isRestored = restoreDelivery(state, delivery, position, share, false);
    if (!isRestored) release(position, share);
  }
  if (isRetained) {
    const former = isStored
      ? state.setRetained(message.topic, position, shareOf(size, users, users - 1))
      : state.removeRetained(message.topic);
    if (former !== null) release(former.position, former.share);
  }
  if (origin === null) return;
  if (origin.kind === 'cell') {
    state.applied.replay(origin);
    return;
  }
  const entry = state.entries.get(origin.session);
  if (entry === undefined) return;
  if (origin.kind === 'will') {
    entry.will = null;
    state.mark(entry, Change.Session);
  } else {
    entry.session.received.restore(origin.packetId);
    state.mark(entry, Change.Progress);
  }
}

/** @returns false when its session isn't there, or stores nothing: nobody will ever need it */
function restoreDelivery(
  state: StoredState,
  named: NamedDelivery,
  position: number,
  share: number,
  isReference: boolean,
): boolean {
  const entry = state.entries.get(named.session);
  const stored = entry?.session.stored ?? null;
  if (entry === undefined || stored === null) return false;
  state.mark(entry, Change.Progress);
  const { qos, retain, identifiers, group } = named;
  const ids = identifiers.length === 0 ? NO_IDENTIFIERS : identifiers;
  const delivery = new Delivery(STORED_MESSAGE, qos, retain, ids, group);
  delivery.sequence = named.sequence;
  delivery.position = position;
  delivery.share = share;
  delivery.isReference = isReference;
  stored.lastSequence = Math.max(stored.lastSequence, named.sequence);
  stored.queue.restoreDelivery(delivery);
  return true;
}

function replayProgress(state: StoredState, reader: ByteReader, release: Release): void {
  readProgress(reader, (kind, number, sequence) => {
    const entry = state.entries.get(number);
    if (entry === undefined) return;
    const { stored } = entry.session;
    state.mark(entry, Change.Progress);
    switch (kind) {
      case ProgressKind.Sent:
        if (stored !== null) stored.sentSequence = Math.max(stored.sentSequence, sequence);
        break;
      case ProgressKind.SettledUpTo:
        for (const delivery of stored?.takeUpTo(sequence) ?? []) {
          giveUp(state, number, delivery, release);
        }
        break;
      default:
        settle(state, entry, sequence, release);
    }
  });
}

function settle(
  state: StoredState,
  { number, session }: JournalEntry,
  sequence: number,
  release: Release,
): void {
  const { stored } = session;
  const delivery = stored?.find(sequence) ?? null;
  if (delivery !== null) giveUp(state, number, delivery, release);
  stored?.restoreSettled(sequence);
}

function giveUp(state: StoredState, number: number, delivery: Delivery, release: Release): void {
  const { position, share, sequence, isReference } = delivery;
  release(position, share);
  if (isReference) state.references.remove(position, number, sequence);
}
