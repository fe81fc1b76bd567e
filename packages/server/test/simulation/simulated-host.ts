import type { Clock } from '@promptmq/wal';
import { FaultyFiles, type Survival } from '../../../wal/test/support/faulty-files.ts';
import { MemoryIndex } from '../../../wal/test/support/memory-index.ts';
import type { Random } from '../../../wal/test/support/random.ts';
import { Broker } from '../../src/broker.ts';
import type { Config } from '../../src/config/index.ts';
import type { Logger } from '../../src/log/index.ts';
import type { Runtime } from '../../src/runtime.ts';
import { Violation } from '../model/publication.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** Longest that an operation of the disk takes, in milliseconds: of faster and of slower disks. */
const DISK_MS_MAX = [1, 4, 12];

/**
 * Operations of the disk, one after the other, until something is written, and synced if each write is: those
 * that were under way, those of a checkpoint or of compaction in between, and its own.
 */
const OPERATIONS_UNTIL_WRITTEN = 20;

/** Turns of the promises between two events; more than any chain of them is long. */
const PROMISE_TURNS = 12;

/** What a crash is worth being aimed at. */
export const DISK_OPERATIONS = [
  ...(['write', 'sync', 'sync', 'sync'] as const),
  ...(['rename', 'remove', 'sync directory'] as const),
];
export type DiskOperation = (typeof DISK_OPERATIONS)[number];

/** A life of the broker's process: nothing that it asked for happens after its end. */
class Life implements Runtime, Clock {
  readonly #clock: SimulatedClock;
  #isOver = false;
  #ids = 0;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  now = (): number => this.#clock.time;

  defer = (callback: () => void): void => {
    this.setTimer(0, callback);
  };

  setTimer = (delayMs: number, callback: () => void): (() => void) =>
    this.#clock.schedule(Math.ceil(delayMs), () => {
      if (!this.#isOver) callback();
    });

  uniqueId = (): string => `unique-${this.#ids++}`;

  end(): void {
    this.#isOver = true;
  }
}

/** The machine that the broker runs on: its process, which can be killed, and its disk, which stays. */
export class SimulatedHost {
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  readonly #diskMsMax: number;
  readonly #config: Config;
  readonly #log: Logger;
  /** The disk; what it does takes its time. */
  #files = new FaultyFiles();
  #index = new MemoryIndex();
  #life: Life;
  /** Serving; null while there is none. */
  broker: Broker | null = null;
  /** There is a process, which serves or is about to. */
  isRunning = false;
  /** What went wrong in a promise that nobody waits for. */
  failure: unknown = null;

  constructor(clock: SimulatedClock, random: Random, config: Config, log: Logger) {
    this.#clock = clock;
    this.#random = random;
    this.#diskMsMax = random.pick(DISK_MS_MAX);
    this.#config = config;
    this.#log = log;
    this.#life = new Life(clock);
    this.#equip();
  }

  get isDurable(): boolean {
    return this.#config.storage.enabled;
  }

  /** Whether what was acknowledged has to survive a power cut, too. */
  get losesPower(): boolean {
    const { syncMode, forceFsync } = this.#config.storage.wal;
    return syncMode === 'immediate' || forceFsync;
  }

  /** For how long before its end, in milliseconds, what the broker has written for itself may be lost. */
  unsafeMs(survival: Survival): number {
    const { syncMode, syncInterval } = this.#config.storage.wal;
    const isSynced = survival === 'everything' || syncMode === 'immediate';
    const writtenMs = OPERATIONS_UNTIL_WRITTEN * Math.max(4, this.#diskMsMax);
    return writtenMs + (isSynced ? 0 : syncInterval);
  }

  #equip(): void {
    const delay = () =>
      new Promise<void>((resolve) => {
        this.#clock.schedule(this.#random.below(this.#diskMsMax), resolve);
      });
    this.#files.delay = delay;
    this.#index.delay = delay;
  }

  /** Begins to start a broker; `broker` is set when it serves, `onServing` told. */
  start(onServing: () => void): void {
    const life = new Life(this.#clock);
    this.#life = life;
    this.isRunning = true;
    const broker = new Broker(this.#config, life, this.#watchedLog(life));
    broker.onStorageFailed = (error) => this.#fail(life, error);
    if (!this.isDurable) {
      this.broker = broker;
      onServing();
      return;
    }
    broker.recover({ files: this.#files, index: this.#index, clock: life }).then(
      () => {
        if (life !== this.#life) return;
        this.broker = broker;
        onServing();
      },
      (error: unknown) => this.#fail(life, error),
    );
  }

  /** Nothing was damaged here: a broker that says that it found something damaged or lost has lost it itself. */
  #watchedLog(life: Life): Logger {
    const log = this.#log;
    const fail = (event: string, fields: object = {}) =>
      this.#fail(life, new Violation(`the broker logs ${event} ${JSON.stringify(fields)}`));
    return {
      ...log,
      warn: (event, fields) => {
        log.warn(event, fields);
        if (event.startsWith('storage-')) fail(event, fields);
      },
      error: (event, fields) => {
        log.error(event, fields);
        fail(event, fields);
      },
      fatal: (event, fields) => {
        log.fatal(event, fields);
        fail(event, fields);
      },
    };
  }

  #fail(life: Life, error: unknown): void {
    if (life === this.#life) this.failure ??= error;
  }

  /** Ends the process, and with `survival` what the disk had not been told to keep. */
  kill(survival: Survival): void {
    this.#life.end();
    this.isRunning = false;
    this.broker = null;
    this.#files = this.#files.crash(survival, this.#random);
    this.#index = this.#index.crash();
    this.#equip();
  }

  /**
   * Calls back at one of the next operations of the disk, before it takes effect.
   *
   * @param kind - which operations count; null for all
   */
  atOperation(kind: DiskOperation | null, count: number, callback: () => void): void {
    const files = this.#files;
    let left = count;
    files.beforeOperation = (name) => {
      if ((kind !== null && name !== kind) || --left > 0) return;
      files.beforeOperation = () => {};
      callback();
    };
  }

  /** Takes back `atOperation`. */
  spare(): void {
    this.#files.beforeOperation = () => {};
  }

  /** Lets promises go on that can, as they do between two turns of a real process. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < PROMISE_TURNS; turn++) await null;
    if (this.failure !== null) throw this.failure;
  }
}
