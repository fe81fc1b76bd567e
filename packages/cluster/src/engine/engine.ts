/**
 * What a cluster needs of the system that it stands on, its engine: for each cell a log to which only the owner can append, and a
 * small map that is changed by compare and set. Consensus is the engine's; nothing here knows which engine it is.
 */

/** What became of an append. */
export type AppendOutcome =
  /** It is in the log, as safe as `EngineFacts` says. */
  | { readonly kind: 'appended'; readonly sequence: number }
  /** Nothing was appended: the last sequence was another one, `last` if the engine said so, else null. */
  | { readonly kind: 'conflict'; readonly last: number | null }
  /** Nothing was appended: the log has no room until it is trimmed. */
  | { readonly kind: 'full' }
  /** Nobody knows: it may be in the log, may get there later, or never. */
  | { readonly kind: 'unknown'; readonly why: string }
  /** Nothing was appended, and trying again is no use: somebody has to see to the engine first. `why` says what is wrong. */
  | { readonly kind: 'refused'; readonly why: string };

export interface EngineEntry {
  /** At least 1. */
  readonly sequence: number;
  /** Owned by who reads it. */
  readonly data: Uint8Array;
}

/** Entries that a log has. Of an empty one, `first` is `last + 1`. */
export interface EngineBounds {
  readonly first: number;
  readonly last: number;
}

/** The log of a cell: entries with sequences 1, 2, 3, …, of which only the first ones can be removed. */
export interface EngineLog {
  /**
   * Appends an entry if the last sequence is `after`. An `unknown` outcome may still come true at any time later, until an entry with
   * another sequence than `after` is the last one.
   *
   * @param after - a sequence, 0 for the first entry of all
   * @param parts - the entry's bytes, 1 to `appendBytesMax` together; borrowed until the promise resolves
   * @returns never rejects
   */
  append(after: number, parts: readonly Uint8Array[]): Promise<AppendOutcome>;

  /**
   * Reads entries in order, from `from` or the first that was not trimmed, to the last one that was there when reading began. It may end
   * before that where the server that answers is behind, as after an election: only an append that follows an entry shows that it was the
   * last one. What was read is as safe as what was acknowledged.
   *
   * @param bytesMax - about how much may wait in memory to be taken, in bytes
   * @throws {EngineError} `unavailable`
   */
  read(from: number, bytesMax: number): AsyncIterable<EngineEntry>;

  /**
   * As `read` has them.
   *
   * @throws {EngineError} `unavailable`
   */
  bounds(): Promise<EngineBounds>;

  /**
   * Entries before a sequence may go. Sequences continue as before, also when none is left.
   *
   * @throws {EngineError} `unavailable`
   */
  trim(before: number): Promise<void>;

  /** Gives back what the log holds of the process. Appends under way are `unknown`; nothing else may be called afterwards. */
  close(): Promise<void>;
}

export interface MapValue {
  /** Owned by who gets it. */
  readonly value: Uint8Array;
  /** At least 1; a key's later value has a higher one. */
  readonly revision: number;
}

/**
 * @param value - null when the key was removed
 * @param revision - of the change
 */
export type MapListener = (key: string, value: Uint8Array | null, revision: number) => void;

/** A map of few keys. Keys consist of `a` to `z`, `A` to `Z`, digits, `-`, `_` and `.`; values have at most 64 KB. */
export interface EngineMap {
  /**
   * A key's value, which may be older than the last one.
   *
   * @throws {EngineError} `unavailable`
   */
  get(key: string): Promise<MapValue | null>;

  /**
   * Sets a key whose revision is `revision`, 0 for one that isn't there. Never rejects.
   *
   * @returns the new revision; `unknown` when nobody knows whether it was set
   */
  put(key: string, value: Uint8Array, revision: number): Promise<number | 'conflict' | 'unknown'>;

  /**
   * Removes a key whose revision is `revision`. Never rejects.
   */
  remove(key: string, revision: number): Promise<'removed' | 'conflict' | 'unknown'>;

  /**
   * Calls back for each key there is that begins with `prefix`, and then for its changes: the last value of each comes in the end, those
   * before it may be left out.
   *
   * @returns ends it
   */
  watch(prefix: string, onChange: MapListener): () => void;
}

/** What an engine says of itself once it is connected. */
export interface EngineFacts {
  /** Such as `nats`. */
  readonly name: string;
  readonly version: string;
  /** How many servers keep an entry; 1 where there is no replication. */
  readonly replicas: number;
  /** Whether an entry is on the disks of most of them before it is acknowledged; `assumed` where the operator vouches for it. */
  readonly syncsBeforeAck: boolean | 'assumed';
  /** An entry's size at most, in bytes. */
  readonly appendBytesMax: number;
}

/** An engine's client in this process. */
export interface ClusterEngine {
  /**
   * Connects, and asks what there is.
   *
   * @throws {EngineError} `unavailable`, `unsuitable`
   */
  connect(): Promise<EngineFacts>;

  /**
   * The log of a cell, which is made if it isn't there.
   *
   * @param cell - from 0
   * @throws {EngineError} `unavailable`, `unsuitable`
   */
  openLog(cell: number): Promise<EngineLog>;

  /** After `connect`. */
  readonly map: EngineMap;

  /** Closes its logs, too. */
  close(): Promise<void>;
}

export type EngineErrorCode =
  /** The engine doesn't answer; later it may. */
  | 'unavailable'
  /** It answers, but can't give what the cluster promises, or is set up otherwise than told. The message says what to do. */
  | 'unsuitable'
  /** The client's package is not installed. */
  | 'not-installed'
  /** The engine's client is closed. */
  | 'closed';

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}
