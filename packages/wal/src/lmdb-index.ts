import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { Checkpoint, CheckpointChange, CheckpointStore } from './checkpoint-store.ts';
import type { LogEventListener } from './events.ts';
import { LogError } from './log-error.ts';

/** Of the layout below. */
const INDEX_VERSION = 1;

const FILE_NAME = 'index.mdb';

interface Meta {
  readonly version: number;
  readonly position: number;
  /** Pairs of a segment's first position and its released bytes. */
  readonly releasedBytes: readonly (readonly [number, number])[];
}

/**
 * The checkpoint and the index of streams in LMDB: `meta` holds the position, `state` the owner's
 * entries, `streams` lists of positions by segment, stream and first position of the list.
 *
 * It is never the truth: a database that can't be read is put aside and made anew.
 */
export class LmdbIndex implements CheckpointStore {
  readonly #root: RootDatabase;
  readonly #meta: Database<Meta, string>;
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
    this.#meta = root.openDB<Meta, string>({ name: 'meta', encoding: 'json' });
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

  load(): Checkpoint {
    const meta = this.#meta.get('meta');
    return {
      position: meta?.position ?? 0,
      releasedBytes: new Map(meta?.releasedBytes ?? []),
      entries: this.#state.getRange({}).map(({ key, value }) => [key, value] as const),
    };
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
        for (const [name, positions] of streams) {
          const key = `${listPrefix(segment, name)}${hex(positions[0] as number)}`;
          void this.#streams.put(key, encodePositions(name, positions));
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
        releasedBytes: [...change.releasedBytes],
      });
    });
    // The transaction's promise means visible; only this one means durable.
    await this.#root.flushed;
  }

  streamPositions(segment: number, stream: Uint8Array): number[] {
    const name = Buffer.from(stream).toString('latin1');
    const prefix = listPrefix(segment, name);
    const positions: number[] = [];
    for (const { value } of this.#streams.getRange({ start: prefix, end: `${prefix}~` })) {
      positions.push(...decodePositions(name, value));
    }
    return positions;
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

function encodePositions(name: string, positions: readonly number[]): Buffer {
  const nameBytes = Buffer.from(name, 'latin1');
  const buffer = Buffer.allocUnsafe(2 + nameBytes.length + 8 * positions.length);
  buffer.writeUInt16LE(nameBytes.length, 0);
  nameBytes.copy(buffer, 2);
  let offset = 2 + nameBytes.length;
  for (const position of positions) offset = buffer.writeDoubleLE(position, offset);
  return buffer;
}

function decodePositions(name: string, value: Buffer): number[] {
  const start = 2 + value.readUInt16LE(0);
  if (value.toString('latin1', 2, start) !== name) return [];
  const positions: number[] = [];
  for (let offset = start; offset < value.length; offset += 8) {
    positions.push(value.readDoubleLE(offset));
  }
  return positions;
}
