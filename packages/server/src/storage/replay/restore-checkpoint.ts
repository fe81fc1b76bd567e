import type { QueueBlock } from '@promptmq/session';
import type { RecoveryHost } from '../host.ts';
import type { JournalEntry } from '../journal.ts';
import { ByteReader } from '../records/byte-reader.ts';
import { readBlock } from '../records/checkpoint/block.ts';
import { readFormerBlock, readFormerRetained } from '../records/checkpoint/former.ts';
import { KeyLetter, keyNumbers, readNumber } from '../records/checkpoint/keys.ts';
import { readUnderWay } from '../records/checkpoint/under-way.ts';
import { readSessionNumber } from '../records/record-kind.ts';
import { readSession, type SessionRecord } from '../records/session-record.ts';
import { readSubscriptions } from '../records/subscription-record.ts';
import { Change, type StoredState } from '../stored-state.ts';

/** What blocks of restored entries are numbered from when there are no others. */
const BLOCK_NUMBER = 0x7fff_ffff;

/** Applies a checkpoint: the entries in the order of their keys. */
export function restoreCheckpoint(
  state: StoredState,
  host: RecoveryHost,
  entries: Iterable<readonly [key: string, value: Uint8Array]>,
): void {
  const underWay = new Map<number, Uint8Array>();
  const subscriptions = new Map<number, Uint8Array>();
  const blocks = new Map<number, QueueBlock[]>();
  /** Sessions with blocks of a form that is no longer written: the next checkpoint writes them in the new one. */
  const former = new Set<number>();
  const ending = new Map<number, number>();
  for (const [key, value] of entries) {
    const [first = 0, second = 0] = keyNumbers(key);
    switch (key[0]) {
      case KeyLetter.Meta:
        state.nextSession = Math.max(state.nextSession, readNumber(value));
        break;
      case KeyLetter.UnderWay:
        underWay.set(first, value.slice());
        break;
      case KeyLetter.Block: {
        const block = readBlock(new ByteReader(value), second);
        state.noteBlock(block, value);
        addBlock(blocks, first, block);
        break;
      }
      case KeyLetter.FormerBlock:
        addBlock(blocks, first, readFormerBlock(new ByteReader(value), second));
        state.removeKey(key);
        former.add(first);
        break;
      case KeyLetter.FormerRetained:
        restoreFormerRetained(state, first, value);
        state.removeKey(key);
        break;
      case KeyLetter.RetainedChunk:
        state.restoreRetained(first, value);
        break;
      case KeyLetter.Document:
        state.documents.restore(first, value);
        break;
      case KeyLetter.Applied:
        state.applied.restore(first, value);
        break;
      case KeyLetter.Ending:
        ending.set(first, readNumber(value));
        break;
      case KeyLetter.Session:
        state.add(host.restoreEntry(readStored(value, ending.has(first))));
        break;
      case KeyLetter.Subscriptions:
        subscriptions.set(first, value.slice());
        break;
    }
  }
  for (const entry of state.entries.values()) {
    const { number } = entry;
    restoreSubscriptions(host, entry, subscriptions.get(number));
    restoreUnderWay(state, entry, underWay.get(number), blocks.get(number) ?? []);
    if (former.has(number)) state.mark(entry, Change.Progress);
  }
  for (const [number, keptSequence] of ending) {
    const entry = state.entries.get(number);
    if (entry === undefined) continue;
    state.setEnding(entry, keptSequence);
    host.dropEntry(entry);
  }
}

function addBlock(blocks: Map<number, QueueBlock[]>, session: number, block: QueueBlock): void {
  const list = blocks.get(session);
  if (block.length === 0) return;
  if (list === undefined) blocks.set(session, [block]);
  else list.push(block);
}

function restoreFormerRetained(state: StoredState, number: number, value: Uint8Array): void {
  const { position, share, topic } = readFormerRetained(new ByteReader(value));
  state.restoreFormerRetained(topic, { number, position, share });
}

/** A session of a checkpoint. One of which something is left was stored, however it ended. */
function readStored(value: Uint8Array, isEnding: boolean): SessionRecord {
  const session = readSession(new ByteReader(value));
  return isEnding ? { ...session, expiryInterval: Math.max(1, session.expiryInterval) } : session;
}

function restoreSubscriptions(
  host: RecoveryHost,
  entry: JournalEntry,
  value: Uint8Array | undefined,
): void {
  if (value === undefined) return;
  const reader = new ByteReader(value);
  readSessionNumber(reader);
  for (const subscription of readSubscriptions(reader)) {
    host.restoreSubscription(entry, subscription);
  }
}

function restoreUnderWay(
  state: StoredState,
  { number, session }: JournalEntry,
  value: Uint8Array | undefined,
  blocks: readonly QueueBlock[],
): void {
  const { stored } = session;
  if (stored === null || value === undefined) return;
  const { queue } = stored;
  const firstNumber = blocks[0]?.number ?? BLOCK_NUMBER;
  const underWay = readUnderWay(new ByteReader(value), firstNumber - 1);
  stored.lastSequence = underWay.lastSequence;
  stored.sentSequence = underWay.sentSequence;
  for (const packetId of underWay.receivedIds) session.received.restore(packetId);
  for (const { sequence, packetId } of underWay.released) {
    stored.restoreReleased(sequence, packetId, 0);
  }
  const { sent } = underWay;
  const isBefore =
    sent === null || blocks[0] === undefined || sent.lastSequence < blocks[0].sequenceAt(0);
  if (sent !== null && isBefore) queue.restore(sent);
  for (const block of blocks) queue.restore(block);
  if (sent !== null && !isBefore) queue.mergeBlock(sent);
  for (const { position, sequence } of queue.references()) {
    state.references.add(position, number, sequence);
  }
}
