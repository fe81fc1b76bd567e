import type { Clock } from '@promptmq/wal';
import {
  type AppendOutcome,
  type ClusterEngine,
  type EngineBounds,
  type EngineEntry,
  EngineError,
  type EngineFacts,
  type EngineLog,
  type EngineMap,
  type MapListener,
  type MapValue,
} from './engine.ts';

const APPEND_BYTES_MAX = 8 << 20;

/** Numbers that decide what goes wrong, from 0 and below 1, such as `Random` of `@promptmq/wal/testing`. */
export interface MemoryRandom {
  next(): number;
}

/** How often something goes wrong, each from 0, never, to 1; times in milliseconds. */
export interface MemoryFaults {
  /** A request arrives after up to this time, and so does its answer. Requests may overtake each other. */
  readonly delayMsMax: number;
  /** An append or put that never arrives: `unknown`. */
  readonly lostRequests: number;
  /** An append or put that arrives, and whose answer doesn't: `unknown`. */
  readonly lostAnswers: number;
  /** An append or put that is given up, `unknown`, and arrives up to `lateMsMax` later. */
  readonly lateRequests: number;
  readonly lateMsMax: number;
  /** After this time a request without an answer is `unknown`. */
  readonly timeoutMs: number;
  /** A read that fails before its end, `unavailable`. */
  readonly brokenReads: number;
  /** A read, or bounds, of a replica that lacks the last entries. */
  readonly staleReads: number;
  /** A value of the map that was replaced already. */
  readonly staleValues: number;
}

export const NO_FAULTS: MemoryFaults = {
  delayMsMax: 0,
  lostRequests: 0,
  lostAnswers: 0,
  lateRequests: 0,
  lateMsMax: 10_000,
  timeoutMs: 1_000,
  brokenReads: 0,
  staleReads: 0,
  staleValues: 0,
};

export interface MemoryOptions {
  readonly clock: Clock;
  readonly random: MemoryRandom;
  readonly faults?: Partial<MemoryFaults>;
  /** What a log holds at most, in bytes; more is `full`. */
  readonly logBytesMax?: number;
}

/** Between a client and the servers. */
interface Way {
  /** Nothing passes now, in either direction. */
  readonly isCut: boolean;
  /** The client's process is over: what it had sent arrives all the same. */
  readonly isEnded: boolean;
}

/**
 * The servers of an engine in memory, for tests and simulations: `client` gives each node its own. What goes wrong is decided
 * by `random`, so that a seed determines it. All effects happen at one moment each, as if there were one server that never fails.
 */
export class MemoryServers {
  readonly #clock: Clock;
  readonly #random: MemoryRandom;
  readonly #logs = new Map<number, MemoryLog>();
  readonly #map = new MemoryMap();
  readonly logBytesMax: number;
  /** May be replaced at any time. */
  faults: MemoryFaults;
  #electionUntil = Number.NEGATIVE_INFINITY;

  constructor({ clock, random, faults, logBytesMax = Number.POSITIVE_INFINITY }: MemoryOptions) {
    this.#clock = clock;
    this.#random = random;
    this.faults = { ...NO_FAULTS, ...faults };
    this.logBytesMax = logBytesMax;
  }

  /** An engine for one node. */
  client(): MemoryEngine {
    return new MemoryEngine(this);
  }

  /** For this time, in milliseconds, nothing is answered and nothing has an effect, as when a leader is elected. */
  elect(forMs: number): void {
    this.#electionUntil = Math.max(this.#electionUntil, this.#clock.now() + forMs);
  }

  /** The election is over. */
  endElection(): void {
    this.#electionUntil = Number.NEGATIVE_INFINITY;
  }

  /** What no engine may do and a cluster has to notice: a log forgets its last entries, acknowledged or not. */
  loseTail(cell: number, count: number): void {
    this.log(cell).loseTail(count);
  }

  /** A cell's log, made if it isn't there: what a test compares with. */
  log(cell: number): MemoryLog {
    let log = this.#logs.get(cell);
    if (log === undefined) {
      log = new MemoryLog();
      this.#logs.set(cell, log);
    }
    return log;
  }

  /** What a test compares with. */
  get map(): MemoryMap {
    return this.#map;
  }

  chance(probability: number): boolean {
    return probability > 0 && this.#random.next() < probability;
  }

  below(limit: number): number {
    return this.#random.next() * limit;
  }

  get isElecting(): boolean {
    return this.#clock.now() < this.#electionUntil;
  }

  /** After a time, or at once where there is none; returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void {
    if (delayMs > 0) return this.#clock.setTimer(delayMs, callback);
    callback();
    return () => {};
  }

  /**
   * Brings a request to where it has its effect, and the answer back.
   *
   * @param way - between the client and the servers
   * @param effect - called at most once
   * @param onAnswer - called once: with null when nobody knows
   */
  request<T>(way: Way, effect: () => T, onAnswer: (answer: T | null) => void): void {
    if (way.isEnded) return;
    const { faults } = this;
    let isAnswered = false;
    let cancelTimeout = () => {};
    const answer = (value: T | null) => {
      if (isAnswered || way.isEnded) return;
      isAnswered = true;
      cancelTimeout();
      onAnswer(value);
    };
    const arrive = (answers: boolean) => {
      if (this.isElecting || way.isCut) return;
      const value = effect();
      if (!answers) return;
      this.after(this.below(faults.delayMsMax), () => {
        if (!way.isCut) answer(value);
      });
    };
    const isLate = this.chance(faults.lateRequests);
    if (!isLate && !this.chance(faults.lostRequests)) {
      const answers = !this.chance(faults.lostAnswers);
      this.after(this.below(faults.delayMsMax), () => arrive(answers));
    }
    if (isAnswered) return;
    cancelTimeout = this.after(faults.timeoutMs, () => {
      answer(null);
      if (isLate) this.after(this.below(faults.lateMsMax), () => arrive(false));
    });
  }
}

/** A node's way to the servers. */
export class MemoryEngine implements ClusterEngine {
  readonly #servers: MemoryServers;
  readonly map: EngineMap;
  #isCut = false;
  #isEnded = false;

  /** `MemoryServers.client` makes it. */
  constructor(servers: MemoryServers) {
    this.#servers = servers;
    this.map = new MapClient(servers, this);
  }

  /** Whether nothing passes between this node and the servers, in either direction; set by tests. */
  get isCut(): boolean {
    return this.#isCut;
  }

  set isCut(isCut: boolean) {
    this.#isCut = isCut;
  }

  /** Whether the node's process was killed: it asks for nothing any more and hears no answer. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Its process is killed. */
  end(): void {
    this.#isEnded = true;
  }

  async connect(): Promise<EngineFacts> {
    return {
      name: 'memory',
      version: '1',
      replicas: 3,
      syncsBeforeAck: true,
      appendBytesMax: APPEND_BYTES_MAX,
    };
  }

  async openLog(cell: number): Promise<EngineLog> {
    return new LogClient(this.#servers, this, cell);
  }

  async close(): Promise<void> {
    this.#isCut = true;
  }
}

/** Entries of one cell, as the servers have them. */
export class MemoryLog {
  readonly #entries: Uint8Array[] = [];
  #first = 1;
  /** Bytes that it holds. */
  size = 0;

  get bounds(): EngineBounds {
    return { first: this.#first, last: this.#first + this.#entries.length - 1 };
  }

  append(after: number, data: Uint8Array, bytesMax: number): AppendOutcome {
    const { last } = this.bounds;
    if (after !== last) return { kind: 'conflict', last };
    if (this.size + data.length > bytesMax) return { kind: 'full' };
    this.#entries.push(data);
    this.size += data.length;
    return { kind: 'appended', sequence: last + 1 };
  }

  /** An entry, or null where there is none or it was trimmed. */
  at(sequence: number): Uint8Array | null {
    return this.#entries[sequence - this.#first] ?? null;
  }

  trim(before: number): void {
    const count = Math.min(before - this.#first, this.#entries.length);
    if (count <= 0) return;
    for (const data of this.#entries.splice(0, count)) this.size -= data.length;
    this.#first += count;
  }

  loseTail(count: number): void {
    if (count <= 0) return;
    for (const data of this.#entries.splice(-count)) this.size -= data.length;
  }
}

/** The map as the servers have it. */
export class MemoryMap {
  readonly #values = new Map<string, MapValue>();
  readonly #before = new Map<string, MapValue | null>();
  readonly #watches = new Set<{ prefix: string; onChange: MapListener }>();
  #revision = 0;

  get(key: string): MapValue | null {
    return this.#values.get(key) ?? null;
  }

  /** What a key had before its last change. */
  before(key: string): MapValue | null {
    return this.#before.get(key) ?? null;
  }

  /** @param value - null removes the key */
  set(key: string, value: Uint8Array | null, revision: number): number | 'conflict' {
    const now = this.get(key);
    if ((now?.revision ?? 0) !== revision) return 'conflict';
    this.#before.set(key, now);
    this.#revision++;
    // In the order of their changes, as who begins to watch gets them.
    this.#values.delete(key);
    if (value !== null) this.#values.set(key, { value, revision: this.#revision });
    for (const { prefix, onChange } of [...this.#watches]) {
      if (key.startsWith(prefix)) onChange(key, value, this.#revision);
    }
    return this.#revision;
  }

  watch(prefix: string, onChange: MapListener): () => void {
    const watch = { prefix, onChange };
    this.#watches.add(watch);
    for (const [key, { value, revision }] of [...this.#values]) {
      if (key.startsWith(prefix)) onChange(key, value, revision);
    }
    return () => this.#watches.delete(watch);
  }
}

/** A cell's log as a node sees it. */
class LogClient implements EngineLog, Way {
  readonly #servers: MemoryServers;
  readonly #engine: MemoryEngine;
  readonly #cell: number;
  #isClosed = false;

  constructor(servers: MemoryServers, engine: MemoryEngine, cell: number) {
    this.#servers = servers;
    this.#engine = engine;
    this.#cell = cell;
  }

  append(after: number, parts: readonly Uint8Array[]): Promise<AppendOutcome> {
    const data = new Uint8Array(Buffer.concat(parts));
    return new Promise((resolve) => {
      this.#servers.request<AppendOutcome>(
        this,
        () => this.#log.append(after, data, this.#servers.logBytesMax),
        (outcome) => resolve(outcome ?? { kind: 'unknown', why: 'no answer' }),
      );
    });
  }

  async *read(from: number): AsyncIterable<EngineEntry> {
    const { last } = await this.bounds();
    for (let sequence = from; sequence <= last; sequence++) {
      if (this.#servers.chance(this.#servers.faults.brokenReads)) throw unavailable();
      if (this.isCut || this.isEnded) throw unavailable();
      const data = this.#log.at(sequence);
      if (data !== null) yield { sequence, data: data.slice() };
      else sequence = Math.max(sequence, this.#log.bounds.first - 1);
    }
  }

  async bounds(): Promise<EngineBounds> {
    await this.#arrive();
    const { first, last } = this.#log.bounds;
    if (!this.#servers.chance(this.#servers.faults.staleReads)) return { first, last };
    const lacks = Math.floor(this.#servers.below(5));
    return { first, last: Math.max(first - 1, last - lacks) };
  }

  async trim(before: number): Promise<void> {
    await this.#arrive();
    this.#log.trim(before);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  get #log(): MemoryLog {
    return this.#servers.log(this.#cell);
  }

  get isCut(): boolean {
    return this.#isClosed || this.#engine.isCut;
  }

  get isEnded(): boolean {
    return this.#engine.isEnded;
  }

  async #arrive(): Promise<void> {
    await pause(this.#servers);
    if (this.isCut || this.isEnded || this.#servers.isElecting) throw unavailable();
  }
}

/** The map as a node sees it. */
class MapClient implements EngineMap {
  readonly #servers: MemoryServers;
  readonly #engine: MemoryEngine;

  constructor(servers: MemoryServers, engine: MemoryEngine) {
    this.#servers = servers;
    this.#engine = engine;
  }

  async get(key: string): Promise<MapValue | null> {
    await pause(this.#servers);
    if (this.#engine.isCut || this.#servers.isElecting) throw unavailable();
    const { map, faults } = this.#servers;
    const found = this.#servers.chance(faults.staleValues) ? map.before(key) : map.get(key);
    return found === null ? null : { ...found, value: found.value.slice() };
  }

  put(key: string, value: Uint8Array, revision: number): Promise<number | 'conflict' | 'unknown'> {
    const copy = value.slice();
    return this.#set(key, copy, revision);
  }

  async remove(key: string, revision: number): Promise<'removed' | 'conflict' | 'unknown'> {
    const answer = await this.#set(key, null, revision);
    return typeof answer === 'number' ? 'removed' : answer;
  }

  watch(prefix: string, onChange: MapListener): () => void {
    let isEnded = false;
    let isWaiting = false;
    /** What was changed, in the order of the changes; the first `due` of it may come. */
    const changes: (() => void)[] = [];
    let due = 0;
    const pass = () => {
      if (isEnded || this.#engine.isEnded || isWaiting) return;
      // What changes meanwhile comes when the node reaches the servers again.
      if (this.#engine.isCut || this.#servers.isElecting) {
        isWaiting = true;
        this.#servers.after(RETRY_MS, () => {
          isWaiting = false;
          pass();
        });
        return;
      }
      for (const change of changes.splice(0, due)) change();
      due = 0;
    };
    const end = this.#servers.map.watch(prefix, (key, value, revision) => {
      const bytes = value === null ? null : value.slice();
      changes.push(() => {
        if (!isEnded) onChange(key, bytes, revision);
      });
      this.#servers.after(this.#servers.faults.delayMsMax, () => {
        due++;
        pass();
      });
    });
    return () => {
      isEnded = true;
      end();
    };
  }

  #set(
    key: string,
    value: Uint8Array | null,
    revision: number,
  ): Promise<number | 'conflict' | 'unknown'> {
    return new Promise((resolve) => {
      this.#servers.request<number | 'conflict'>(
        this.#engine,
        () => this.#servers.map.set(key, value, revision),
        (answer) => resolve(answer ?? 'unknown'),
      );
    });
  }
}

/** How often a watch looks whether the servers are there again. */
const RETRY_MS = 100;

function pause(servers: MemoryServers): Promise<void> {
  const delayMs = servers.below(servers.faults.delayMsMax);
  return new Promise((resolve) => servers.after(delayMs, resolve));
}

function unavailable(): EngineError {
  return new EngineError('unavailable', 'the engine does not answer');
}
