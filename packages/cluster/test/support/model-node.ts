import type { Clock } from '@promptmq/wal';
import type {
  ClusterEngine,
  EngineBounds,
  EngineEntry,
  EngineFacts,
  EngineLog,
  EngineMap,
} from '../../src/engine/engine.ts';
import type { MemoryEngine } from '../../src/engine/memory-engine.ts';

/**
 * A process of a model, which may be paused and killed: nothing that it waits for comes meanwhile. What comes while it is paused comes when it goes
 * on, in its order; what comes when it is dead never does.
 */
export class ModelProcess {
  readonly #clock: Clock;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #waiting: (() => void)[] = [];
  readonly clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.clock = {
      now: () => clock.now(),
      wallNow: () => clock.wallNow(),
      defer: (callback) => clock.defer(() => this.run(callback)),
      setTimer: (delayMs, callback) => this.#setTimer(delayMs, callback),
    };
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  /** Runs something in this process: at once, when it goes on, or never. */
  run(callback: () => void): void {
    if (this.#state === 'running') callback();
    else if (this.#state === 'paused') this.#waiting.push(callback);
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) this.#clock.defer(() => this.run(callback));
  }

  kill(): void {
    this.#state = 'dead';
    this.#waiting = [];
  }

  /** What was promised, as this process learns of it. */
  hear<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.run(() => resolve(value)),
        (error) => this.run(() => reject(error as Error)),
      );
    });
  }

  #setTimer(delayMs: number, callback: () => void): () => void {
    let isCancelled = false;
    const cancel = this.#clock.setTimer(delayMs, () =>
      this.run(() => {
        if (!isCancelled) callback();
      }),
    );
    return () => {
      isCancelled = true;
      cancel();
    };
  }
}

/** The engine of a process of a model. */
export class ModelEngine implements ClusterEngine {
  readonly #engine: MemoryEngine;
  readonly #process: ModelProcess;
  /** What the watch holds back; null when it is not behind. */
  #heldBack: (() => void)[] | null = null;
  /** By key: how often it was tried to set it. */
  readonly puts = new Map<string, number>();
  readonly map: EngineMap;

  constructor(engine: MemoryEngine, process: ModelProcess) {
    this.#engine = engine;
    this.#process = process;
    const { map } = engine;
    this.map = {
      get: (key) => process.hear(map.get(key)),
      put: (key, value, revision) => {
        this.puts.set(key, (this.puts.get(key) ?? 0) + 1);
        return process.hear(map.put(key, value, revision));
      },
      remove: (key, revision) => process.hear(map.remove(key, revision)),
      watch: (prefix, onChange) =>
        map.watch(prefix, (key, value, revision) => {
          const pass = () => process.run(() => onChange(key, value, revision));
          if (this.#heldBack === null) pass();
          else this.#heldBack.push(pass);
        }),
    };
  }

  /** Has the watch be behind until `catchUp`: all else goes on. */
  fallBehind(): void {
    this.#heldBack ??= [];
  }

  catchUp(): void {
    const heldBack = this.#heldBack ?? [];
    this.#heldBack = null;
    for (const pass of heldBack) pass();
  }

  connect(): Promise<EngineFacts> {
    return this.#process.hear(this.#engine.connect());
  }

  async openLog(cell: number): Promise<EngineLog> {
    return new ModelLog(await this.#process.hear(this.#engine.openLog(cell)), this.#process);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}

class ModelLog implements EngineLog {
  readonly #log: EngineLog;
  readonly #process: ModelProcess;

  constructor(log: EngineLog, process: ModelProcess) {
    this.#log = log;
    this.#process = process;
  }

  append(after: number, parts: readonly Uint8Array[]): ReturnType<EngineLog['append']> {
    return this.#process.hear(this.#log.append(after, parts));
  }

  async *read(from: number, bytesMax: number): AsyncIterable<EngineEntry> {
    const entries = this.#log.read(from, bytesMax)[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#process.hear(entries.next());
      if (next.done === true) return;
      yield next.value;
    }
  }

  bounds(): Promise<EngineBounds> {
    return this.#process.hear(this.#log.bounds());
  }

  trim(before: number): Promise<void> {
    return this.#process.hear(this.#log.trim(before));
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
