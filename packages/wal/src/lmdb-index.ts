import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type {
  Checkpoint,
  CheckpointChange,
  CheckpointStore,
  SegmentState,
  SnapshotRange,
} from './checkpoint-store.ts';
import type { LogEventListener } from './events.ts';
import { LogError } from './log-error.ts';

/** Of the layout below. Version 1 had bare positions in `streams`, and no ends of segments. */
const INDEX_VERSION = 2;

const FILE_NAME = 'index.mdb';

const NO_META: Meta = { version: INDEX_VERSION, position: 0, segments: [], snapshot: null };

interface Meta {
  readonly version: number;
  readonly position: number;
  /** First position and state of each segment. */
  readonly segments: readonly (readonly [number, SegmentState])[];
  readonly snapshot: SnapshotRange | null;
}

/** Of version 1. */
interface FormerMeta {
  readonly version: 1;
  readonly position: number;
}

/**
 * The checkpoint and the index of streams in LMDB: `meta` holds the position, `state` the owner's
 * entries, `streams` lists of positions and origins by segment, stream and first position of the list.
 *
 * It is never the truth: a database that can't be read is put aside and made anew.
 */
export class LmdbIndex implements CheckpointStore {
  readonly #root: RootDatabase;
  readonly #meta: Database<Meta | FormerMeta, string>;
  readonly #state: Database<Buffer, string>;
  readonly #streams: Database<Buffer, string>;

  /**
   * Opens the index in a directory, which is made when missing.
   *
   * @throws {LogError} `newer-version`
   */
  constructor(directory: string, onEvent: LogEventListener = () => {}) {
    mkdirSync(directory, { recursive: true });
    const path = join(directory, FILE_NAME);
    let root: RootDatabase;
    try {
      root = open(options(path));
    } catch (error) {
      // The segments hold everything that it did.
      onEvent({ type: 'index-rebuilt', why: String(error) });
      for (const file of [path, `${path}-lock`]) if (existsSync(file)) rmSync(file);
      root = open(options(path));
    }
    this.#root = root;
    this.#meta = root.openDB<Meta | FormerMeta, string>({ name: 'meta', encoding: 'json' });
    this.#state = root.openDB<Buffer, string>({ name: 'state', encoding: 'binary' });
    this.#streams = root.openDB<Buffer, string>({ name: 'streams', encoding: 'binary' });
    const version = this.#meta.get('meta')?.version ?? INDEX_VERSION;
    if (version > INDEX_VERSION) {
      void root.close();
      throw new LogError(
        'newer-version',
        `${path} has version ${version}, this package reads ${INDEX_VERSION}`,
      );
    }
  }

  /** Where the last checkpoint of a directory's index was taken, only reading; 0 when there is none. */
  static async peek(directory: string): Promise<number> {
    const path = join(directory, FILE_NAME);
    if (!existsSync(path)) return 0;
    const root = open({ ...options(path), readOnly: true });
    try {
      const meta: Database<Meta, string> | undefined = root.openDB({
        name: 'meta',
        encoding: 'json',
      });
      return meta?.get('meta')?.position ?? 0;
    } finally {
      await root.close();
    }
  }

  load(): Checkpoint {
    let meta = this.#meta.get('meta');
    if (meta?.version === 1) meta = this.#migrate(meta as FormerMeta);
    const { position, segments, snapshot } = (meta as Meta | undefined) ?? NO_META;
    return {
      position,
      segments: new Map(segments),
      snapshot,
      entries: this.#state.getRange({}).map(({ key, value }) => [key, value] as const),
    };
  }

  #migrate({ position }: FormerMeta): Meta {
    const meta: Meta = { version: INDEX_VERSION, position, segments: [], snapshot: null };
    this.#root.transactionSync(() => {
      for (const { key, value } of [...this.#streams.getRange({})]) {
        const start = 2 + value.readUInt16LE(0);
        const pairs: number[] = [];
        for (let offset = start; offset < value.length; offset += 8) {
          const position = value.readDoubleLE(offset);
          pairs.push(position, position);
        }
        void this.#streams.put(key, encodePairs(value.toString('latin1', 2, start), pairs));
      }
      void this.#meta.put('meta', meta);
    });
    return meta;
  }

  async commit(change: CheckpointChange): Promise<void> {
    // One transaction: LMDB shows and keeps it whole or not at all.
    await this.#root.transaction(() => {
      if (change.isWhole) this.#state.clearSync();
      for (const [key, value] of change.entries) {
        if (value === null) void this.#state.remove(key);
        else void this.#state.put(key, Buffer.from(value.buffer, value.byteOffset, value.length));
      }
      for (const [segment, streams] of change.streams) {
        for (const [name, pairs] of streams) {
          const key = `${listPrefix(segment, name)}${hex(pairs[0] as number)}`;
          void this.#streams.put(key, encodePairs(name, pairs));
        }
      }
      for (const segment of change.removedSegments) {
        const start = `${hex(segment)}:`;
        for (const key of this.#streams.getKeys({ start, end: `${hex(segment)};` })) {
          void this.#streams.remove(key);
        }
      }
      void this.#meta.put('meta', {
        version: INDEX_VERSION,
        position: change.position,
        segments: [...change.segments],
        snapshot: change.snapshot,
      });
    });
    // The transaction's promise means visible; only this one means durable.
    await this.#root.flushed;
  }

  streamPairs(segment: number, stream: Uint8Array): number[] {
    const name = Buffer.from(stream).toString('latin1');
    const prefix = listPrefix(segment, name);
    const pairs: number[] = [];
    for (const { value } of this.#streams.getRange({ start: prefix, end: `${prefix}~` })) {
      for (const number of decodePairs(name, value)) pairs.push(number);
    }
    return pairs;
  }

  async clear(): Promise<void> {
    await this.#root.clearAsync();
  }

  close(): Promise<void> {
    return this.#root.close();
  }
}

function options(path: string) {
  return { path, noSubdir: true, maxDbs: 4, cache: false } as const;
}

function hex(position: number): string {
  return position.toString(16).padStart(16, '0');
}

/** Names may be longer than a key can be: they are hashed, and compared when they are read. */
function listPrefix(segment: number, name: string): string {
  const hash = createHash('sha1').update(name, 'latin1').digest('hex');
  return `${hex(segment)}:${hash}:`;
}

function encodePairs(name: string, pairs: readonly number[]): Buffer {
  const nameBytes = Buffer.from(name, 'latin1');
  const buffer = Buffer.allocUnsafe(2 + nameBytes.length + 8 * pairs.length);
  buffer.writeUInt16LE(nameBytes.length, 0);
  nameBytes.copy(buffer, 2);
  let offset = 2 + nameBytes.length;
  for (const number of pairs) offset = buffer.writeDoubleLE(number, offset);
  return buffer;
}

function decodePairs(name: string, value: Buffer): number[] {
  const start = 2 + value.readUInt16LE(0);
  if (value.toString('latin1', 2, start) !== name) return [];
  const pairs: number[] = [];
  for (let offset = start; offset < value.length; offset += 8) {
    pairs.push(value.readDoubleLE(offset));
  }
  return pairs;
}
