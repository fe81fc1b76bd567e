import type { MapValue } from '../engine/engine.ts';
import {
  type CellRecord,
  cellKey,
  cellOfKey,
  cellOfLogKey,
  type DrainRecord,
  decodeCell,
  decodeDrain,
  decodeLog,
  decodeMeta,
  decodeNode,
  FREE_CELL,
  KeyPrefix,
  type LogRecord,
  META_KEY,
  type MetaRecord,
  type NodeRecord,
} from './records.ts';

/** A record with the revision that a change of it has to name: 0 when there is none. */
export interface Revised<T> {
  readonly record: T;
  readonly revision: number;
}

/**
 * What a node knows of the map of the engine: what it has watched, read and written, the newest of each key.
 */
export class MapView {
  readonly #cells = new Map<number, Revised<CellRecord>>();
  readonly #nodes = new Map<string, Revised<NodeRecord>>();
  readonly #drains = new Map<string, Revised<DrainRecord>>();
  readonly #logs = new Map<number, Revised<LogRecord>>();
  /** Of each key's last value, also when it was removed. */
  readonly #revisions = new Map<string, number>();
  readonly #unreadable = new Set<string>();
  meta: MetaRecord | null = null;

  /** By name. */
  get nodes(): ReadonlyMap<string, Revised<NodeRecord>> {
    return this.#nodes;
  }

  /** What operators want drained, by name. */
  get drains(): ReadonlyMap<string, Revised<DrainRecord>> {
    return this.#drains;
  }

  /** A cell that has no record is free, and was never claimed. */
  cell(cell: number): Revised<CellRecord> {
    return this.#cells.get(cell) ?? { record: FREE_CELL, revision: 0 };
  }

  /** Of a cell that only its home has the log of; undefined while nobody has begun one. */
  log(cell: number): Revised<LogRecord> | undefined {
    return this.#logs.get(cell);
  }

  /** Whether a cell's last record could be read: else `cell` has the one before, and nobody may act on it. */
  isReadable(cell: number): boolean {
    return !this.#unreadable.has(cellKey(cell));
  }

  /** Whether operators want a node to own no cell, as long as it runs. */
  isDrained(node: string): boolean {
    const found = this.#nodes.get(node)?.record;
    return found !== undefined && this.#drains.get(node)?.record.incarnation === found.incarnation;
  }

  /**
   * Takes what a key has, or had, in any order.
   *
   * @param value - null when it was removed
   * @param revision - of the change
   * @returns whether that is news
   * @throws {RecordError} when it is not a record: what was known before is kept
   */
  take(key: string, value: Uint8Array | null, revision: number): boolean {
    const known = this.#revisions.get(key) ?? 0;
    if (revision <= known) return false;
    if (value === null) {
      this.#unreadable.delete(key);
      return this.#remove(key);
    }
    // A removal may have the number that the next change of another key has, so only those of values are kept.
    this.#revisions.set(key, revision);
    this.#unreadable.add(key);
    const cell = cellOfKey(key);
    const logOf = cellOfLogKey(key);
    if (cell !== null) this.#cells.set(cell, { record: decodeCell(key, value), revision });
    else if (logOf !== null) this.#logs.set(logOf, { record: decodeLog(key, value), revision });
    else if (key === META_KEY) this.meta = decodeMeta(value);
    else if (key.startsWith(KeyPrefix.node)) {
      this.#nodes.set(idOf(key), { record: decodeNode(key, value), revision });
    } else if (key.startsWith(KeyPrefix.drain)) {
      this.#drains.set(idOf(key), { record: decodeDrain(key, value), revision });
    }
    this.#unreadable.delete(key);
    return true;
  }

  /** As `take`, of what was read. */
  takeValue(key: string, found: MapValue | null): boolean {
    return found !== null && this.take(key, found.value, found.revision);
  }

  #remove(key: string): boolean {
    const cell = cellOfKey(key);
    if (cell !== null) return this.#cells.delete(cell);
    const logOf = cellOfLogKey(key);
    if (logOf !== null) return this.#logs.delete(logOf);
    if (key.startsWith(KeyPrefix.node)) return this.#nodes.delete(idOf(key));
    if (key.startsWith(KeyPrefix.drain)) return this.#drains.delete(idOf(key));
    return false;
  }
}

function idOf(key: string): string {
  return key.slice(key.indexOf('.') + 1);
}
