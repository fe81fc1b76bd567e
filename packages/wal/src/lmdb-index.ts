import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
import { isPlausible } from './lmdb-check.ts';
import { LogError } from './log-error.ts';
import { decodeFormerPairs, decodePairs, encodePairs } from './stream-pairs.ts';

/** Of the layout below. Versions 1 and 2 had other lists in `streams`, version 1 no ends of segments. */
const INDEX_VERSION = 3;

const FILE_NAME = 'index.mdb';
const MARKER_NAME = 'index.opening';

const NO_META: Meta = { version: INDEX_VERSION, position: 0, segments: [], snapshot: null };

interface Meta {
  readonly version: number;
  readonly position: number;
  /** First position and state of each segment. */
  readonly segments: readonly (readonly [number, SegmentState])[];
  readonly snapshot: SnapshotRange | null;
}

interface Databases {
  readonly root: RootDatabase;
  readonly meta: Database<Meta | FormerMeta, string>;
  readonly state: Database<Buffer, string>;
  readonly streams: Database<Buffer, string>;
}

/** Of version 1; version 2 had the present one. */
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
  readonly #directory: string;
  readonly #path: string;
  /** The file that is there while the database is read for the first time. */
  readonly #marker: string;
  readonly #onEvent: LogEventListener;
  #databases: Databases | null;

  /** @param directory - is made when missing, when the log is opened */
  constructor(directory: string, onEvent: LogEventListener = () => {}) {
    this.#directory = directory;
    this.#path = join(directory, FILE_NAME);
    this.#marker = join(directory, MARKER_NAME);
    this.#onEvent = onEvent;
    this.#databases = null;
  }

  open(): void {
    mkdirSync(this.#directory, { recursive: true });
    const why = whyUnusable(this.#path, this.#marker);
    // The segments hold everything that it did.
    if (why !== null) setAside(this.#path, why, this.#onEvent);
    // Should the process die while the database is read, the next one doesn't try that again.
    writeFileSync(this.#marker, '');
    let root: RootDatabase;
    try {
      root = open(options(this.#path));
    } catch (error) {
      setAside(this.#path, String(error), this.#onEvent);
      root = open(options(this.#path));
    }
    const meta = root.openDB<Meta | FormerMeta, string>({ name: 'meta', encoding: 'json' });
    this.#databases = {
      root,
      meta,
      state: root.openDB<Buffer, string>({ name: 'state', encoding: 'binary' }),
      streams: root.openDB<Buffer, string>({ name: 'streams', encoding: 'binary' }),
    };
    const version = meta.get('meta')?.version ?? INDEX_VERSION;
    if (version > INDEX_VERSION) {
      throw new LogError(
        'newer-version',
        `${this.#path} has version ${version}, this package reads ${INDEX_VERSION}`,
      );
    }
  }

  get #opened(): Databases {
    if (this.#databases === null) throw new LogError('closed', `${this.#path} is not open`);
    return this.#databases;
  }

  /** Where the last checkpoint of a directory's index was taken, only reading; 0 when there is none. */
  static async peek(directory: string): Promise<number> {
    const path = join(directory, FILE_NAME);
    if (!existsSync(path) || !isPlausible(path)) return 0;
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
    let meta = this.#opened.meta.get('meta');
    if (meta !== undefined && meta.version < INDEX_VERSION) meta = this.#migrate(meta);
    const { position, segments, snapshot } = (meta as Meta | undefined) ?? NO_META;
    return {
      position,
      segments: new Map(segments),
      snapshot,
      entries: this.#entries(),
    };
  }

  *#entries(): Generator<readonly [key: string, value: Buffer]> {
    for (const { key, value } of this.#opened.state.getRange({})) yield [key, value];
    rmSync(this.#marker, { force: true });
  }

  #migrate(former: Meta | FormerMeta): Meta {
    const { position } = former;
    const isFirst = former.version === 1;
    const known = isFirst ? NO_META : (former as Meta);
    const meta: Meta = { ...known, version: INDEX_VERSION, position };
    const { root, streams, meta: metas } = this.#opened;
    root.transactionSync(() => {
      for (const { key, value } of [...streams.getRange({})]) {
        const { name, pairs } = decodeFormerPairs(value, isFirst ? 1 : 2);
        void streams.put(key, encodePairs(name, pairs));
      }
      void metas.put('meta', meta);
    });
    return meta;
  }

  async commit(change: CheckpointChange): Promise<void> {
    rmSync(this.#marker, { force: true });
    const { root, meta, state, streams } = this.#opened;
    // One transaction: LMDB shows and keeps it whole or not at all.
    await root.transaction(() => {
      if (change.isWhole) state.clearSync();
      for (const [key, value] of change.entries) {
        if (value === null) void state.remove(key);
        else void state.put(key, Buffer.from(value.buffer, value.byteOffset, value.length));
      }
      for (const [segment, names] of change.streams) {
        for (const [name, pairs] of names) {
          const key = `${listPrefix(segment, name)}${hex(pairs[0] as number)}`;
          void streams.put(key, encodePairs(name, pairs));
        }
      }
      for (const segment of change.removedSegments) {
        const start = `${hex(segment)}:`;
        for (const key of streams.getKeys({ start, end: `${hex(segment)};` })) {
          void streams.remove(key);
        }
      }
      void meta.put('meta', {
        version: INDEX_VERSION,
        position: change.position,
        segments: [...change.segments],
        snapshot: change.snapshot,
      });
    });
    // The transaction's promise means visible; only this one means durable.
    await root.flushed;
  }

  streamPairs(segment: number, stream: Uint8Array): number[] {
    const name = Buffer.from(stream).toString('latin1');
    const prefix = listPrefix(segment, name);
    const pairs: number[] = [];
    for (const { value } of this.#opened.streams.getRange({ start: prefix, end: `${prefix}~` })) {
      for (const number of decodePairs(name, value)) pairs.push(number);
    }
    return pairs;
  }

  async close(): Promise<void> {
    if (this.#databases === null) return;
    await this.#databases.root.close();
    this.#databases = null;
    rmSync(this.#marker, { force: true });
  }
}

/** Why a database had better not be opened; null when nothing speaks against it. */
function whyUnusable(path: string, marker: string): string | null {
  if (!existsSync(path)) return null;
  if (existsSync(marker)) return 'the last process ended while it read the index';
  return isPlausible(path) ? null : `${path} is no database, or not a whole one`;
}

/** Keeps one copy, for whoever wants to know what happened. */
function setAside(path: string, why: string, onEvent: LogEventListener): void {
  onEvent({ type: 'index-rebuilt', why });
  if (existsSync(path)) renameSync(path, `${path}.damaged`);
  rmSync(`${path}-lock`, { force: true });
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
