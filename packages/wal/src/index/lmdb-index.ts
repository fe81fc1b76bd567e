import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import type { SnapshotRange } from '../format/snapshot.ts';
import { decodeFormerPairs, decodePairs, encodePairs } from '../format/stream-pairs.ts';
import type {
  Checkpoint,
  CheckpointChange,
  CheckpointStore,
  IndexSummary,
  SegmentState,
  TimeMark,
} from '../ports/checkpoint-store.ts';
import { LogError } from '../ports/log-error.ts';
import type { LogEventListener } from '../ports/log-event.ts';
import { IndexSum } from './index-sum.ts';
import { isPlausible } from './lmdb-pages.ts';

/**
 * Of the layout below. Version 3 didn't say which log it is of, versions 1 and 2 had other lists in `streams`, too,
 * and version 1 no ends of segments.
 */
const INDEX_VERSION = 4;

const FILE_NAME = 'index.mdb';
const MARKER_NAME = 'index.opening';

/**
 * What LMDB says when it comes upon what can't be: no such page, corrupted, panic, invalid, a page that is full, a bad
 * transaction, a problem.
 */
const DAMAGE_CODES: readonly unknown[] = [
  -30_797, -30_796, -30_795, -30_793, -30_786, -30_782, -30_779,
];

const NO_META: Meta = {
  version: INDEX_VERSION,
  logId: null,
  position: 0,
  segments: [],
  snapshot: null,
};

interface Meta {
  readonly version: number;
  /** Identity of the log; null in one that was migrated, until its next checkpoint. */
  readonly logId: string | null;
  readonly position: number;
  /** First position and state of each segment. */
  readonly segments: readonly (readonly [number, SegmentState])[];
  readonly snapshot: SnapshotRange | null;
  /** Missing where an older package wrote it. */
  readonly time?: TimeMark;
}

type Lmdb = typeof import('lmdb');

/** Loads LMDB, which is native code: only who has an index waits for it. */
function loadLmdb(): Promise<Lmdb> {
  return import('lmdb');
}

interface Databases {
  readonly root: RootDatabase;
  readonly meta: Database<Meta | FormerMeta, string>;
  readonly state: Database<Buffer, string>;
  readonly streams: Database<Buffer, string>;
}

/** Of version 1; versions 2 and 3 had the present one without `logId`. */
interface FormerMeta {
  readonly version: 1;
  readonly position: number;
}

/**
 * The checkpoint and the index of streams in LMDB. `meta` holds, as JSON under the key `meta`, the version, the
 * identity of the log, the position, the segments, the place of the last snapshot and the time; `state` the owner's
 * entries; `streams` lists of positions and origins by segment, stream and first position of the list.
 *
 * It is never the truth: a database that isn't as it was left is put aside and made again.
 */
export class LmdbIndex implements CheckpointStore {
  readonly #directory: string;
  readonly #path: string;
  /** The file that is there while the database is read for the first time. */
  readonly #marker: string;
  readonly #sum: IndexSum;
  readonly #onEvent: LogEventListener;
  /** Set by `prepare`. */
  #lmdb: Lmdb | null;
  #databases: Databases | null;
  /** What it has of the streams is not all: the next process is to make it again. */
  #isPartial: boolean;

  /** @param directory - is made when missing, when the log is opened */
  constructor(directory: string, onEvent: LogEventListener = () => {}) {
    this.#directory = directory;
    this.#path = join(directory, FILE_NAME);
    this.#marker = join(directory, MARKER_NAME);
    this.#sum = new IndexSum(this.#path);
    this.#onEvent = onEvent;
    this.#lmdb = null;
    this.#databases = null;
    this.#isPartial = false;
  }

  async prepare(isLogWhole: () => Promise<boolean>): Promise<void> {
    this.#lmdb = await loadLmdb();
    if (!existsSync(this.#path)) {
      this.#sum.forget();
      return;
    }
    const soundness = this.#sum.check();
    switch (soundness) {
      case 'unknown':
        return;
      case 'sound':
        this.#sum.settle();
        return;
      case 'interrupted':
        // LMDB's lock file names the last transaction: it may be the one that is undone.
        rmSync(`${this.#path}-lock`, { force: true });
        this.#sum.revert();
        return;
      case 'damaged':
        if (!(await isLogWhole())) return;
        this.#discard(`${this.#path} is not as it was left: it is damaged, or another file`);
        return;
      case 'unfinished':
        if (!(await isLogWhole())) return;
        // It isn't whole, as a power cut may leave it.
        for (const path of [this.#path, `${this.#path}-lock`]) rmSync(path, { force: true });
        this.#sum.forget();
        this.#onEvent({ type: 'index-unfinished', file: this.#path });
        return;
      default:
        soundness satisfies never;
    }
  }

  open(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const why = whyUnusable(this.#path, this.#marker);
    // The segments hold everything that it did.
    if (why !== null) this.#discard(why);
    // Should the process die while the database is read, the next one doesn't try that again.
    writeFileSync(this.#marker, '', { mode: 0o600 });
    let root: RootDatabase;
    try {
      root = openPrivate(this.#library, this.#path);
    } catch (error) {
      this.#discard(String(error));
      root = openPrivate(this.#library, this.#path);
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

  get #library(): Lmdb {
    if (this.#lmdb === null) throw new LogError('closed', `${this.#path} was not prepared`);
    return this.#lmdb;
  }

  get #opened(): Databases {
    if (this.#databases === null) throw new LogError('closed', `${this.#path} is not open`);
    return this.#databases;
  }

  /** What the index in a directory says of itself, only reading; null when there is none. */
  static async peek(directory: string): Promise<IndexSummary | null> {
    const path = join(directory, FILE_NAME);
    if (!existsSync(path) || !isPlausible(path)) return null;
    const soundness = new IndexSum(path).check();
    if (soundness !== 'sound' && soundness !== 'unknown') return null;
    const { open } = await loadLmdb();
    const root = open({ ...options(path), readOnly: true });
    try {
      const meta: Database<Meta, string> | undefined = root.openDB({
        name: 'meta',
        encoding: 'json',
      });
      const { logId = null, position = 0 }: Partial<Meta> = meta?.get('meta') ?? {};
      return { file: path, logId, position };
    } finally {
      await root.close();
    }
  }

  load(): Checkpoint {
    let meta = this.#opened.meta.get('meta');
    if (meta !== undefined && meta.version < INDEX_VERSION) meta = this.#migrate(meta);
    const { logId, position, segments, snapshot, time } = (meta as Meta | undefined) ?? NO_META;
    return {
      logId,
      position,
      segments: new Map(segments),
      snapshot,
      time: time ?? null,
      entries: this.#entries(),
    };
  }

  *#entries(): Generator<readonly [key: string, value: Buffer]> {
    for (const { key, value } of this.#opened.state.getRange({})) yield [key, value];
    rmSync(this.#marker, { force: true });
  }

  #migrate(former: Meta | FormerMeta): Meta {
    const { version, position } = former;
    const known = version === 1 ? NO_META : (former as Meta);
    const meta: Meta = { ...known, version: INDEX_VERSION, logId: null, position };
    const { root, streams, meta: metas } = this.#opened;
    root.transactionSync(() => {
      for (const { key, value } of version === 3 ? [] : [...streams.getRange({})]) {
        const { name, pairs } = decodeFormerPairs(value, version === 1 ? 1 : 2);
        void streams.put(key, encodePairs(name, pairs));
      }
      void metas.put('meta', meta);
    });
    return meta;
  }

  async setAside(): Promise<string> {
    const meta = this.#opened.meta.get('meta') as Meta | undefined;
    const aside = `${this.#path}.of-${meta?.logId ?? 'another'}`;
    await this.close();
    renameSync(this.#path, aside);
    rmSync(`${this.#path}-lock`, { force: true });
    this.#sum.forget();
    this.open();
    return aside;
  }

  /** Keeps one copy, for whoever wants to know what happened. */
  #discard(why: string): void {
    this.#onEvent({ type: 'index-rebuilt', why });
    if (existsSync(this.#path)) renameSync(this.#path, `${this.#path}.damaged`);
    rmSync(`${this.#path}-lock`, { force: true });
    this.#sum.forget();
  }

  async commit(change: CheckpointChange): Promise<void> {
    rmSync(this.#marker, { force: true });
    // Writing to a damaged database can end the process.
    if (!(await this.#sum.isRight())) {
      await this.close();
      throw this.#beginAgain();
    }
    await this.#sum.begin();
    try {
      await this.#write(change);
    } catch (error) {
      const cause = await causeOf(error);
      // It is not closed: that waits for what was to be written.
      throw saysDamaged(cause) ? this.#beginAgain(cause) : cause;
    }
    if (!this.#isPartial) await this.#sum.end();
  }

  /** It was damaged while it was in use: it begins empty, and the next checkpoint holds everything. */
  #beginAgain(cause?: unknown): LogError {
    const why = `${this.#path} was damaged while it was in use`;
    this.#discard(cause === undefined ? why : `${why}: ${cause}`);
    this.#sum.spoil();
    this.#isPartial = true;
    this.open();
    return new LogError('corrupt', why, { cause });
  }

  async #write(change: CheckpointChange): Promise<void> {
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
          const prefix = listPrefix(segment, name);
          for (const [first, bytes] of pairs.encoded()) {
            void streams.put(`${prefix}${hex(first)}`, bytes);
          }
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
        logId: change.logId,
        position: change.position,
        segments: [...change.segments],
        snapshot: change.snapshot,
        time: change.time,
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

/** Why a transaction failed: LMDB's package says so by a promise of the error that it throws. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { readonly commitError?: Promise<never> };
  return commitError === undefined ? error : commitError.catch((cause: unknown) => cause);
}

function saysDamaged(error: unknown): boolean {
  return DAMAGE_CODES.includes((error as { readonly code?: unknown }).code);
}

/** Why a database had better not be opened; null when nothing speaks against it. */
function whyUnusable(path: string, marker: string): string | null {
  if (!existsSync(path)) return null;
  if (existsSync(marker)) return 'the last process ended while it read the index';
  return isPlausible(path) ? null : `${path} is no database, or not a whole one`;
}

/** Opens or makes a database that only its user can read: LMDB's own files would be everybody's. */
function openPrivate({ open }: Lmdb, path: string): RootDatabase {
  for (const file of [path, `${path}-lock`]) closeSync(openSync(file, 'a', 0o600));
  return open(options(path));
}

/** Without batches of a turn: one that fails rejects a promise that nobody has. */
function options(path: string) {
  return { path, noSubdir: true, maxDbs: 4, cache: false, eventTurnBatching: false } as const;
}

function hex(position: number): string {
  return position.toString(16).padStart(16, '0');
}

/** Names may be longer than a key can be: they are hashed, and compared when they are read. */
function listPrefix(segment: number, name: string): string {
  const hash = createHash('sha1').update(name, 'latin1').digest('hex');
  return `${hex(segment)}:${hash}:`;
}
