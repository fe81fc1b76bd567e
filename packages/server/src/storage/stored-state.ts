import type { QueueBlock } from '@promptmq/session';
import { invariant } from '@promptmq/topics';
import type { CheckpointEntry, Release } from '@promptmq/wal';
import { AppliedMarks } from './cells/applied-marks.ts';
import { StoredDocuments } from './documents/stored-documents.ts';
import type { JournalEntry, JournalSession } from './journal.ts';
import { MessageReferences } from './message-references.ts';
import { ByteReader } from './records/byte-reader.ts';
import { ByteWriter } from './records/byte-writer.ts';
import { writeBlock } from './records/checkpoint/block.ts';
import { KeyLetter, stateKey, writeNumber } from './records/checkpoint/keys.ts';
import { writeUnderWay } from './records/checkpoint/under-way.ts';
import { type SessionRecord, writeSession } from './records/session-record.ts';
import { writeSubscriptions } from './records/subscription-record.ts';
import { type RetainedPlace, RetainedPlaces } from './retained/retained-places.ts';

/** What of a session has changed since the last checkpoint; bits of a number. */
export const Change = { Session: 1, Subscriptions: 2, Progress: 4 } as const;

/** Of the entries that a session has one of each. */
const SESSION_LETTERS = [
  KeyLetter.Ending,
  KeyLetter.Session,
  KeyLetter.Subscriptions,
  KeyLetter.UnderWay,
];

/**
 * What the storage knows beside the broker's own objects, and what of all that the next checkpoint has
 * to hold.
 *
 * Invariant: between turns, it is what replaying the log up to its head would make of an empty state.
 */
export class StoredState {
  readonly entries: Map<number, JournalEntry>;
  readonly #retained: RetainedPlaces;
  /** Blocks as they were written last, while they haven't changed since. */
  readonly #blockBytes: WeakMap<QueueBlock, Uint8Array>;
  readonly references: MessageReferences;
  readonly documents: StoredDocuments;
  /** What is applied of the messages of other cells. */
  readonly applied: AppliedMarks;
  /** Sessions that have ended, and of which something is to be handed over: as in their Ending records. */
  readonly #ending: Map<number, number>;
  nextSession: number;
  readonly #changes: Map<JournalEntry, number>;
  #removedKeys: string[];
  readonly #writer: ByteWriter;

  constructor() {
    this.entries = new Map();
    this.#retained = new RetainedPlaces();
    this.#blockBytes = new WeakMap();
    this.references = new MessageReferences();
    this.documents = new StoredDocuments();
    this.applied = new AppliedMarks();
    this.#ending = new Map();
    this.nextSession = 1;
    this.#changes = new Map();
    this.#removedKeys = [];
    this.#writer = new ByteWriter();
  }

  // ---------------------------------------------------------------------- sessions

  add(entry: JournalEntry): void {
    this.entries.set(entry.number, entry);
    this.nextSession = Math.max(this.nextSession, entry.number + 1);
  }

  /** A session has ended: gives up what it holds of the log. */
  remove({ number, session }: JournalEntry, release: Release): void {
    releaseAll(session, release);
    const entry = this.entries.get(number);
    if (entry === undefined) return;
    this.entries.delete(number);
    this.#ending.delete(number);
    this.#changes.delete(entry);
    for (const letter of SESSION_LETTERS) this.#removedKeys.push(stateKey(letter, number));
    const { stored } = session;
    if (stored === null) return;
    const { queue } = stored;
    for (const { isReference, position, sequence } of stored.underWay()) {
      if (isReference) this.references.remove(position, number, sequence);
    }
    for (const { position, sequence } of queue.references()) {
      this.references.remove(position, number, sequence);
    }
    for (const block of queue.blocks)
      this.#removedKeys.push(stateKey(KeyLetter.Block, number, block.number));
    for (const block of queue.takeRemovedNumbers()) {
      this.#removedKeys.push(stateKey(KeyLetter.Block, number, block));
    }
  }

  /** A session has ended for its client, but not all that waits is handed over. */
  setEnding(entry: JournalEntry, keptSequence: number): void {
    this.#ending.set(entry.number, keptSequence);
    this.mark(entry, Change.Session);
  }

  endingOf(number: number): number | null {
    return this.#ending.get(number) ?? null;
  }

  /** By number: up to which sequence QoS 2 of the sessions that have ended isn't handed over. */
  get endings(): ReadonlyMap<number, number> {
    return this.#ending;
  }

  mark(entry: JournalEntry, change: number): void {
    const known = this.#changes.get(entry) ?? 0;
    if ((known & change) !== change) this.#changes.set(entry, known | change);
  }

  /** The same by number; nothing happens when there is no such session. */
  markNumber(number: number, change: number): void {
    const entry = this.entries.get(number);
    if (entry !== undefined) this.mark(entry, change);
  }

  // ---------------------------------------------------------------------- retained

  get retained(): ReadonlyMap<string, RetainedPlace> {
    return this.#retained.places;
  }

  /** Notes where a topic's retained message lies; returns where the former one does. */
  setRetained(topic: string, position: number, share: number): RetainedPlace | null {
    return this.#retained.set(topic, position, share);
  }

  /** The topic has no retained message any more; returns where it lay. */
  removeRetained(topic: string): RetainedPlace | null {
    return this.#retained.remove(topic);
  }

  /** As the last checkpoint has it, of this version or of a former one. */
  restoreRetained(chunkNumber: number, value: Uint8Array): void {
    this.#retained.restore(chunkNumber, new ByteReader(value), value);
  }

  restoreFormerRetained(topic: string, place: RetainedPlace): void {
    this.#retained.restoreFormer(topic, place);
  }

  // ------------------------------------------------------------------- checkpoints

  /** Has the next checkpoint remove an entry, of a form that is no longer written. */
  removeKey(key: string): void {
    this.#removedKeys.push(key);
  }

  /** What has changed since the last call. */
  *changes(): Generator<CheckpointEntry> {
    yield this.#meta();
    for (const key of this.#removedKeys.splice(0)) yield [key, null];
    for (const [entry, change] of this.#changes) yield* this.#session(entry, change, false);
    this.#changes.clear();
    yield* this.#retained.changes(this.#writer);
    yield* this.documents.changes(this.#writer);
    yield* this.applied.changes(this.#writer);
  }

  /** All there is; what has changed since the last checkpoint stays noted. */
  *snapshot(): Generator<readonly [key: string, value: Uint8Array]> {
    yield this.#meta();
    for (const entry of this.entries.values()) {
      for (const [key, value] of this.#session(entry, ~0, true)) {
        if (value !== null) yield [key, value];
      }
    }
    yield* this.#retained.snapshot(this.#writer);
    yield* this.documents.snapshot(this.#writer);
    yield* this.applied.snapshot(this.#writer);
  }

  /** The next checkpoint holds everything: forgets what had changed. */
  forgetChanges(): void {
    this.#removedKeys = [];
    this.#changes.clear();
    this.#retained.forgetChanges();
    this.documents.forgetChanges();
    this.applied.forgetChanges();
    for (const { session } of this.entries.values()) {
      if (session.stored === null) continue;
      const { queue } = session.stored;
      queue.takeRemovedNumbers();
      for (const block of queue.blocks) block.isChanged = false;
    }
  }

  #meta(): readonly [string, Uint8Array] {
    return [KeyLetter.Meta, writeNumber(this.#writer, this.nextSession)];
  }

  *#session(entry: JournalEntry, change: number, isSnapshot: boolean): Generator<CheckpointEntry> {
    const { number, session } = entry;
    const writer = this.#writer;
    if ((change & Change.Session) !== 0) {
      const keptSequence = this.endingOf(number);
      if (keptSequence !== null) {
        yield [stateKey(KeyLetter.Ending, number), writeNumber(writer, keptSequence)];
      }
      writeSession(writer, toSessionRecord(entry));
      yield [stateKey(KeyLetter.Session, number), writer.take()];
    }
    const { stored } = session;
    if (stored === null) return;
    const { queue } = stored;
    if ((change & Change.Subscriptions) !== 0) {
      writeSubscriptions(writer, number, entry.subscriptions.values());
      yield [stateKey(KeyLetter.Subscriptions, number), writer.take()];
    }
    if ((change & Change.Progress) === 0) return;
    writeUnderWay(writer, session);
    yield [stateKey(KeyLetter.UnderWay, number), writer.take()];
    if (!isSnapshot) {
      for (const block of queue.takeRemovedNumbers())
        yield [stateKey(KeyLetter.Block, number, block), null];
    }
    for (const block of queue.blocks) {
      if (!isSnapshot && !block.isChanged) continue;
      yield [stateKey(KeyLetter.Block, number, block.number), this.#bytesOf(block)];
      if (!isSnapshot) block.isChanged = false;
    }
  }

  /** A large queue is written at once, in one turn: blocks that are the same as before are at hand. */
  #bytesOf(block: QueueBlock): Uint8Array {
    const known = block.isChanged ? undefined : this.#blockBytes.get(block);
    if (known !== undefined) return known;
    writeBlock(this.#writer, block);
    const bytes = this.#writer.take();
    this.#blockBytes.set(block, bytes);
    return bytes;
  }

  /** A block was made of these bytes. */
  noteBlock(block: QueueBlock, bytes: Uint8Array): void {
    this.#blockBytes.set(block, new Uint8Array(bytes));
  }
  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    for (const [number, { session }] of this.entries) {
      invariant(number < this.nextSession, `the number of session ${number} may be given again`);
      const its = session.stored?.number ?? number;
      invariant(its === number, `session ${its} is there as ${number}`);
    }
    for (const number of this.#ending.keys()) {
      invariant(this.entries.has(number), `session ${number} is ending, and not there`);
    }
    for (const { number } of this.#changes.keys()) {
      invariant(this.entries.has(number), `session ${number} has changed, and is not there`);
    }
    this.#retained.checkInvariants();
    this.references.checkInvariants(this.entries);
    this.documents.checkInvariants();
    this.applied.checkInvariants();
  }
}

export function toSessionRecord(entry: JournalEntry): SessionRecord {
  return {
    number: entry.number,
    clientId: entry.session.clientId,
    expiryInterval: entry.session.expiryInterval,
    disconnectedAt: entry.disconnectedAt,
    willDueAt: entry.willDueAt,
    will: entry.will,
    owner: entry.owner,
  };
}

function releaseAll({ stored }: JournalSession, release: Release): void {
  if (stored === null) return;
  for (const delivery of stored.underWay()) {
    if (delivery.sequence > 0) release(delivery.position, delivery.share);
  }
  for (const block of stored.queue.blocks) {
    for (let index = block.start; index < block.end; index++) {
      if (block.isTransient(index)) continue;
      release(block.positionAt(index), block.shareAt(index));
    }
  }
}
