/**
 * What the map of the engine has of a cluster, as JSON in UTF-8, each with `format: 1`:
 *
 * | key          | record        | written by                                             |
 * | ------------ | ------------- | ------------------------------------------------------ |
 * | `meta`       | `MetaRecord`  | the first node of all, once                            |
 * | `cell.<n>`   | `CellRecord`  | who claims the cell or owns it; `target` also by operators |
 * | `node.<id>`  | `NodeRecord`  | the node, with each heartbeat                          |
 * | `drain.<id>` | `DrainRecord` | operators                                              |
 * | `log.<n>`    | `LogRecord`   | the home of the cell; only where logs are on the disks of nodes alone |
 * | `probe`      | random bytes  | who reads the whole map, and so knows that it has      |
 *
 * Fields that are not known are ignored. The map is a directory: who owns a cell, its log says.
 */

import type { Settings } from './agreement.ts';

const FORMAT = 1;

/** Cells that a cluster has at most. */
export const CELL_COUNT_MAX = 64;

const NODE_ID_LENGTH_MAX = 128;
const TEXT_LENGTH_MAX = 1_024;
const LIST_LENGTH_MAX = 256;
const SETTINGS_MAX = 1_024;
const LOG_ID = /^[0-9a-f]{32}$/;

/** Where what is acknowledged is. */
export type Durability =
  /** In the engine as well: any node can serve any cell. */
  | 'replicated'
  /** On the disk of the cell's home alone. */
  | 'node';

/** What was decided when the cluster was made. */
export interface MetaRecord {
  /** 1 to 64. */
  readonly cells: number;
  /** The newest format of records and entries that all nodes know. */
  readonly level: number;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  readonly durability: Durability;
  /** By cell: the only node that serves it, as it has the log; null where any may. */
  readonly homes: readonly string[] | null;
}

/** The log of a cell that only its home has. */
export interface LogRecord {
  /** In hexadecimal. */
  readonly identity: string;
  /** The node that has made it. */
  readonly node: string;
  /**
   * `begun`: it may not be on the disk yet, and nothing was acknowledged. `kept`: it is there. `lost`: its node has not found it there.
   */
  readonly state: 'begun' | 'kept' | 'lost';
}

export type CellState =
  /** Nobody has it. */
  | 'free'
  /** `node` has claimed it, and opens it. */
  | 'opening'
  /** `node` serves it. */
  | 'serving'
  /** `node` serves it until `target` has restored what it can, and then gives it away. */
  | 'moving';

export interface CellRecord {
  /** Of the last claim: 0 where there was none. */
  readonly epoch: number;
  /** Who claimed it last; null when it is free. */
  readonly node: string | null;
  /** Of that node. */
  readonly incarnation: string | null;
  readonly state: CellState;
  /** The node that is to have it; null when that is all the same. */
  readonly target: string | null;
  /** Whether `target` has restored what it can while the owner serves. */
  readonly isPrepared: boolean;
  /** An operator has given it up: nobody waits for it. */
  readonly isForgotten: boolean;
}

export const FREE_CELL: CellRecord = {
  epoch: 0,
  node: null,
  incarnation: null,
  state: 'free',
  target: null,
  isPrepared: false,
  isForgotten: false,
};

/** What a node says of itself. */
export interface NodeFacts {
  /** Where the others reach its links, `host:port`: cell n is at that port and n, the node's own process at that port and the number of cells. */
  readonly address: string;
  /** Where clients connect to, as URLs. */
  readonly clients: readonly string[];
  /** Of PromptMQ. */
  readonly version: string;
  /** The newest format of records and entries that it knows. */
  readonly level: number;
  /** Of the configuration that has to agree among nodes; null when nothing is compared. */
  readonly fingerprint: string | null;
  /** The same by key, so that a difference can be named; not there when nothing is compared. */
  readonly settings?: Settings;
}

export interface NodeRecord extends NodeFacts {
  /** Another one whenever the node starts. */
  readonly incarnation: string;
  /** Counts heartbeats. */
  readonly beat: number;
  /** By the node's wall clock, for people: milliseconds since 1970. */
  readonly timeMs: number;
  /** `leaving`: it gives its cells away, and ends. */
  readonly state: 'active' | 'leaving';
  /** It doesn't reach nodes that reach each other, and gives its cells away. */
  readonly isApart: boolean;
  /** Nodes that it reaches by links; null when it doesn't know. */
  readonly reaches: readonly string[] | null;
  /** Nodes at whose address nobody listens. */
  readonly refused: readonly string[];
}

/** A node is to own no cell until it starts again. */
export interface DrainRecord {
  /** Of the node. */
  readonly incarnation: string;
}

/** A record is not one, or of a format that this version doesn't know. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
  readonly key: string;

  constructor(key: string, why: string) {
    super(`${key}: ${why}`);
    this.key = key;
  }
}

export const META_KEY = 'meta';
export const PROBE_KEY = 'probe';

/** What keys of nodes and cells begin with. */
export const KeyPrefix = { cell: 'cell.', node: 'node.', drain: 'drain.', log: 'log.' } as const;

export function cellKey(cell: number): string {
  return `${KeyPrefix.cell}${cell}`;
}

export function nodeKey(node: string): string {
  return `${KeyPrefix.node}${node}`;
}

export function drainKey(node: string): string {
  return `${KeyPrefix.drain}${node}`;
}

export function logKey(cell: number): string {
  return `${KeyPrefix.log}${cell}`;
}

/** @returns the number of a cell's key; null when it is none */
export function cellOfKey(key: string): number | null {
  return key.startsWith(KeyPrefix.cell) ? cellNumber(key.slice(KeyPrefix.cell.length)) : null;
}

/** @returns the number of the cell that the key of a log is of; null when it is none */
export function cellOfLogKey(key: string): number | null {
  return key.startsWith(KeyPrefix.log) ? cellNumber(key.slice(KeyPrefix.log.length)) : null;
}

function cellNumber(digits: string): number | null {
  const cell = /^(0|[1-9][0-9]?)$/.test(digits) ? Number(digits) : CELL_COUNT_MAX;
  return cell < CELL_COUNT_MAX ? cell : null;
}

/** @returns whether a node may be called so: letters, digits, `-`, `_`, and `.` between them, 128 characters at most */
export function isNodeId(id: unknown): id is string {
  return (
    typeof id === 'string' &&
    id.length <= NODE_ID_LENGTH_MAX &&
    /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(id)
  );
}

export function encodeRecord(
  record: MetaRecord | CellRecord | NodeRecord | DrainRecord | LogRecord,
): Uint8Array {
  return new Uint8Array(Buffer.from(JSON.stringify({ format: FORMAT, ...record })));
}

/** @throws {RecordError} */
export function decodeMeta(value: Uint8Array): MetaRecord {
  const fields = fieldsOf(META_KEY, value);
  const { cells, level, createdMs, durability = 'replicated', homes = null } = fields;
  const isValid =
    isCount(cells) &&
    cells >= 1 &&
    cells <= CELL_COUNT_MAX &&
    isCount(level) &&
    isCount(createdMs) &&
    (durability === 'replicated' || durability === 'node') &&
    (homes === null || (isList(homes, isNodeId) && homes.length === cells)) &&
    // Only where each cell has a home its log is there alone.
    (durability === 'node') === (homes !== null);
  if (!isValid) throw new RecordError(META_KEY, 'not what is said of a cluster');
  return { cells, level, createdMs, durability, homes };
}

/** @throws {RecordError} */
export function decodeCell(key: string, value: Uint8Array): CellRecord {
  const fields = fieldsOf(key, value);
  const { epoch, node, incarnation, state, target, isPrepared, isForgotten } = fields;
  const isValid =
    isCount(epoch) &&
    (node === null || isNodeId(node)) &&
    (incarnation === null || isText(incarnation)) &&
    isCellState(state) &&
    // A free cell has no owner, and no other is without one.
    (state === 'free') === (node === null) &&
    (node === null) === (incarnation === null) &&
    (target === null || isNodeId(target)) &&
    typeof isPrepared === 'boolean' &&
    typeof isForgotten === 'boolean';
  if (!isValid) throw new RecordError(key, 'not what is said of a cell');
  return { epoch, node, incarnation, state, target, isPrepared, isForgotten };
}

/** @throws {RecordError} */
export function decodeNode(key: string, value: Uint8Array): NodeRecord {
  const fields = fieldsOf(key, value);
  const { address, clients, version, level, fingerprint, settings, incarnation } = fields;
  const { beat, timeMs, state, isApart, reaches, refused } = fields;
  const isValid =
    isNodeId(key.slice(KeyPrefix.node.length)) &&
    isText(address) &&
    isList(clients, isText) &&
    isText(version) &&
    isCount(level) &&
    (fingerprint === null || isText(fingerprint)) &&
    (settings === undefined || isSettings(settings)) &&
    isText(incarnation) &&
    isCount(beat) &&
    isCount(timeMs) &&
    (state === 'active' || state === 'leaving') &&
    typeof isApart === 'boolean' &&
    (reaches === null || isList(reaches, isNodeId)) &&
    isList(refused, isNodeId);
  if (!isValid) throw new RecordError(key, 'not what is said of a node');
  const compared = settings === undefined ? {} : { settings };
  const facts: NodeFacts = { address, clients, version, level, fingerprint, ...compared };
  return { ...facts, incarnation, beat, timeMs, state, isApart, reaches, refused };
}

/** @throws {RecordError} */
export function decodeDrain(key: string, value: Uint8Array): DrainRecord {
  const { incarnation } = fieldsOf(key, value);
  if (!isText(incarnation)) throw new RecordError(key, 'not what is said of a node to be drained');
  return { incarnation };
}

/** @throws {RecordError} */
export function decodeLog(key: string, value: Uint8Array): LogRecord {
  const { identity, node, state } = fieldsOf(key, value);
  const isValid =
    typeof identity === 'string' &&
    LOG_ID.test(identity) &&
    isNodeId(node) &&
    (state === 'begun' || state === 'kept' || state === 'lost');
  if (!isValid) throw new RecordError(key, 'not what is said of the log of a cell');
  return { identity, node, state };
}

function fieldsOf(key: string, value: Uint8Array): Record<string, unknown> {
  let fields: unknown;
  try {
    fields = JSON.parse(Buffer.from(value).toString());
  } catch {
    throw new RecordError(key, 'not JSON');
  }
  if (typeof fields !== 'object' || fields === null) throw new RecordError(key, 'not an object');
  const { format } = fields as { format?: unknown };
  if (format !== FORMAT) {
    throw new RecordError(key, `format ${String(format)}, and this version knows ${FORMAT}`);
  }
  return fields as Record<string, unknown>;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= TEXT_LENGTH_MAX;
}

function isList(
  value: unknown,
  isItem: (item: unknown) => item is string,
): value is readonly string[] {
  return Array.isArray(value) && value.length <= LIST_LENGTH_MAX && value.every(isItem);
}

function isSettings(value: unknown): value is Settings {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return entries.length <= SETTINGS_MAX && entries.every((entry) => entry.every(isText));
}

function isCellState(value: unknown): value is CellState {
  return value === 'free' || value === 'opening' || value === 'serving' || value === 'moving';
}
