import { ReasonCode } from '@promptmq/codec';
import type { Clock } from '@promptmq/wal';
import { FaultyFiles, MemoryIndex, type Random, type Survival } from '@promptmq/wal/testing';
import { Broker, type Interceptor } from '../../src/broker.ts';
import type { Config } from '../../src/config/index.ts';
import type { Logger } from '../../src/log/index.ts';
import { ProcessLife } from '../../src/testing/clock/process-life.ts';
import type { SimulatedClock } from '../../src/testing/clock/simulated-clock.ts';
import { PacketLink } from '../../src/testing/link/packet-link.ts';
import { PacketLog } from '../../src/testing/log/packet-log.ts';
import { Violation } from '../model/publication.ts';
import type { SimulatedWallClock } from './simulated-wall-clock.ts';
import { slowHooks } from './slow-hooks.ts';

/** Longest that an operation of the disk takes, in milliseconds: of faster and of slower disks. */
const DISK_MS_MAX = [1, 4, 12];

/**
 * Operations of the disk, one after the other, until something is written, and synced if each write is: those
 * that were under way, those of a checkpoint or of compaction in between, and its own.
 */
const OPERATIONS_UNTIL_WRITTEN = 20;

/** Turns of the promises between two events; more than any chain of them is long. */
const PROMISE_TURNS = 12;

/** Longest that an orderly stop waits for connections to close, in milliseconds. */
const STOP_TIMEOUT_MS = 500;

/** Events of the log that a full disk explains. */
const FULL_DISK_EVENTS = [
  'storage-full',
  'storage-refused',
  'storage-compaction-failed',
  'storage-checkpoint-failed',
];

/** Events that a wall clock explains which was set, or isn't right. */
const CLOCK_EVENTS = ['clock-jumped', 'downtime-not-counted'];

/** How much room is left on a disk that is about to be full, in bytes. */
const ROOM_MAX = [1, 1000, 10_000];

/** Whoever has to know what becomes of the disk. */
export interface DiskListener {
  /** @param unsafeMs - as `SimulatedHost.writtenMs` */
  onFull(unsafeMs: number): void;
  onRoom(): void;
}

/** A process that another one has been put in the place of, though it goes on. */
export interface AbandonedProcess {
  /** Ends it; returns what its machine has then. */
  kill(survival: Survival): SimulatedDisk;
}

/** What a machine keeps when its process ends. */
export interface SimulatedDisk {
  readonly files: FaultyFiles;
  readonly index: MemoryIndex;
}

/** How a process gets its broker's log, and parts with it, where that is more than the disk's concern. */
export interface SimulatedStorage {
  /** Has the broker recover, in the process whose clock it gets. */
  recover(
    broker: Broker,
    resources: SimulatedDisk & { readonly clock: ProcessLife },
  ): Promise<void>;
  /** Stops the broker in order. */
  stop(broker: Broker, timeoutMs: number, reasonCode: number): Promise<void>;
  /** The process is killed. */
  end(): void;
  /** For how long, in milliseconds, what the broker writes may have waited to be where no crash takes it, beside its way to the disk. */
  readonly waitedMs: number;
}

/** What a crash is worth being aimed at. */
export const DISK_OPERATIONS = [
  ...(['write', 'sync', 'sync', 'sync'] as const),
  ...(['rename', 'remove', 'sync directory'] as const),
];
export type DiskOperation = (typeof DISK_OPERATIONS)[number];

/** The clocks of the machine, for whatever runs on it: what is ready now is an event of now. */
function machineClock(clock: SimulatedClock, wall: SimulatedWallClock): Clock {
  const setTimer = (delayMs: number, callback: () => void) =>
    clock.schedule(Math.ceil(delayMs), callback);
  const defer = (callback: () => void) => void setTimer(0, callback);
  return { now: clock.now, wallNow: wall.now, defer, setTimer };
}

/** The machine that the broker runs on: its process, which can be killed, and its disk, which stays. */
export class SimulatedHost {
  readonly #clock: SimulatedClock;
  readonly #wall: SimulatedWallClock;
  readonly #random: Random;
  readonly #diskMsMax: number;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #disk: DiskListener;
  /** Since when the broker could not write, in milliseconds; null when it has written all that it knows. */
  #unwrittenSinceMs: number | null = null;
  /** When there was room again; Infinity while there isn't. */
  #roomMs = Number.NEGATIVE_INFINITY;
  /** When the disk was given room again, in milliseconds. */
  #limitedUntilMs = Number.NEGATIVE_INFINITY;
  /** The last process stopped in order, and left nothing to replay. */
  #isCheckpointed = false;
  /** The disk; what it does takes its time. */
  #files = new FaultyFiles();
  #index = new MemoryIndex();
  readonly #machine: Clock;
  #life: ProcessLife;
  /** What it stores goes elsewhere, too; null: to the disk alone. */
  storage: SimulatedStorage | null = null;
  /** Serving; null while there is none. */
  broker: Broker | null = null;
  /** There is a process, which serves or is about to. */
  isRunning = false;
  /** Stands between clients and the broker as in a test broker, and does nothing. */
  readonly #isThroughLinks: boolean;
  /** Of what its hooks answer when; null: it has none. */
  readonly #hookRandom: Random | null;
  readonly #link: Interceptor = (transport, accept) =>
    PacketLink.intercept(
      {
        machine: this.#machine,
        packetLog: new PacketLog(1),
        fates: { of: () => null },
        packetSizeMax: Number.POSITIVE_INFINITY,
        onActivity: () => {},
        onNamed: () => {},
        onClosed: () => {},
      },
      transport,
      accept,
    );
  /** What went wrong in a promise that nobody waits for. */
  failure: unknown = null;

  constructor(
    clock: SimulatedClock,
    wall: SimulatedWallClock,
    random: Random,
    config: Config,
    log: Logger,
    disk: DiskListener,
    isThroughLinks = false,
    hookRandom: Random | null = null,
  ) {
    this.#isThroughLinks = isThroughLinks;
    this.#hookRandom = hookRandom;
    this.#clock = clock;
    this.#random = random;
    this.#disk = disk;
    this.#diskMsMax = random.pick(DISK_MS_MAX);
    this.#config = config;
    this.#log = log;
    this.#wall = wall;
    this.#machine = machineClock(clock, wall);
    this.#life = this.#newLife();
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
    const unsafeMs =
      this.#writtenMs + (isSynced ? 0 : syncInterval) + (this.storage?.waitedMs ?? 0);
    return (
      unsafeMs + (this.#isUnwritten ? this.#clock.time - (this.#unwrittenSinceMs as number) : 0)
    );
  }

  /** How long it takes until what the broker writes for itself is written. */
  get #writtenMs(): number {
    return OPERATIONS_UNTIL_WRITTEN * Math.max(4, this.#diskMsMax);
  }

  /** A full disk took nothing, and the checkpoint that makes up for it may not be there yet. */
  get #isUnwritten(): boolean {
    return this.#unwrittenSinceMs !== null && this.#clock.time <= this.#roomMs + this.#writtenMs;
  }

  #newLife(): ProcessLife {
    let ids = 0;
    return new ProcessLife(this.#machine, () => `unique-${ids++}`);
  }

  #equip(): void {
    const delay = () =>
      new Promise<void>((resolve) => {
        this.#clock.schedule(this.#random.below(this.#diskMsMax), resolve);
      });
    this.#files.delay = delay;
    this.#index.delay = delay;
  }

  /**
   * Begins to start a broker; `broker` is set when it serves, `onServing` told.
   *
   * @param onMade - told before it recovers
   */
  start(onServing: () => void, onMade: (broker: Broker) => void = () => {}): void {
    const life = this.#newLife();
    this.#life = life;
    this.isRunning = true;
    const hooks = this.#hookRandom === null ? null : slowHooks(life, this.#hookRandom);
    const log = this.#watchedLog(life);
    const broker = new Broker(this.#config, life, log, [], hooks);
    broker.onStorageFailed = (error) => this.#fail(life, error);
    if (this.#isThroughLinks) broker.intercept = this.#link;
    onMade(broker);
    if (!this.isDurable) {
      this.broker = broker;
      onServing();
      return;
    }
    const resources = { files: this.#files, index: this.#index, clock: life };
    const { storage } = this;
    (storage?.recover(broker, resources) ?? broker.recover(resources)).then(
      () => {
        if (life !== this.#life || life.isOver) return;
        this.#checkReplay(broker);
        this.broker = broker;
        onServing();
      },
      (error: unknown) => this.#fail(life, error),
    );
  }

  /** An orderly stop ends with a checkpoint. */
  #checkReplay(broker: Broker): void {
    const records = broker.storage?.logStats.recoveredRecords ?? 0;
    if (this.#isCheckpointed && this.storage === null && records > 0) {
      this.#fail(this.#life, new Violation(`${records} records to replay after an orderly stop`));
    }
    this.#isCheckpointed = false;
  }

  /** Nothing was damaged here: a broker that says that it found something damaged or lost has lost it itself. */
  #watchedLog(life: ProcessLife): Logger {
    const log = this.#log;
    const isOwn = () => life === this.#life && !life.isOver;
    const fail = (event: string, fields: object = {}) => {
      // What was under way in a process that is killed comes to nothing, and it says nothing any more.
      if (life.isOver) return;
      this.#fail(life, new Violation(`the broker logs ${event} ${JSON.stringify(fields)}`));
    };
    return {
      ...log,
      info: (event, fields) => {
        log.info(event, fields);
        if (event === 'storage-has-room' && isOwn()) this.#noteRoom();
      },
      warn: (event, fields) => {
        log.warn(event, fields);
        if (event === 'storage-full' && isOwn()) this.#noteFull();
        if (event.startsWith('storage-') && !this.#isExplained(event)) fail(event, fields);
        if (CLOCK_EVENTS.includes(event) && this.#wall.isRight) fail(event, fields);
      },
      error: (event, fields) => {
        log.error(event, fields);
        if (!this.#isExplained(event)) fail(event, fields);
      },
      fatal: (event, fields) => {
        log.fatal(event, fields);
        fail(event, fields);
      },
    };
  }

  #isExplained(event: string): boolean {
    return this.#isUnwritten && FULL_DISK_EVENTS.includes(event);
  }

  #noteFull(): void {
    const isLimited = this.#files.capacity < Number.POSITIVE_INFINITY;
    // The log may have had something to sync before it says so.
    if (!isLimited && this.#clock.time > this.#limitedUntilMs + this.#writtenMs) return;
    if (!this.#isUnwritten) this.#unwrittenSinceMs = this.#clock.time;
    this.#roomMs = Number.POSITIVE_INFINITY;
    this.#disk.onFull(this.#writtenMs);
  }

  #noteRoom(): void {
    this.#roomMs = this.#clock.time;
    this.#disk.onRoom();
  }

  #fail(life: ProcessLife, error: unknown): void {
    if (life === this.#life) this.failure ??= error;
  }

  /** Ends the process, and with `survival` what the disk had not been told to keep. */
  kill(survival: Survival): void {
    this.#life.end();
    this.storage?.end();
    this.#leave();
    this.#files = this.#files.crash(survival, this.#random);
    this.#index = this.#index.crash();
    this.#equip();
  }

  #leave(): void {
    this.isRunning = false;
    this.broker = null;
    if (this.isFull) this.#noteRoom();
    // What it had not written is lost, and the next process knows nothing of it.
    this.#unwrittenSinceMs = null;
    this.#isCheckpointed = false;
  }

  /** The process goes on, and is nobody's concern any more. The next one needs another disk. */
  abandon(): AbandonedProcess {
    const [life, { files, index }] = [this.#life, this.disk];
    const random = this.#random;
    this.#life = this.#newLife();
    this.#leave();
    return {
      kill: (survival) => {
        life.end();
        return { files: files.crash(survival, random), index: index.crash() };
      },
    };
  }

  /** Changed while there is no process. */
  get disk(): SimulatedDisk {
    return { files: this.#files, index: this.#index };
  }

  set disk({ files, index }: SimulatedDisk) {
    this.#files = files;
    this.#index = index;
    this.#equip();
  }

  /**
   * Stops the broker in order; it serves nobody any more. The power is cut as soon as it has stopped.
   *
   * @param onStopped - told before that: null when everything is safe, or what is left of a disk that was full
   */
  stop(onStopped: (lossy: Survival | null) => void): void {
    const { broker } = this;
    const life = this.#life;
    if (broker === null) return;
    this.broker = null;
    const onEnd = () => {
      if (life !== this.#life || life.isOver) return;
      const isWritten = !this.isFull;
      const survival = isWritten || this.losesPower ? 'nothing' : 'everything';
      onStopped(isWritten ? null : survival);
      this.kill(survival);
      this.#isCheckpointed = isWritten;
    };
    const terms = [STOP_TIMEOUT_MS, ReasonCode.ServerShuttingDown] as const;
    const stopped = this.storage?.stop(broker, ...terms) ?? broker.stop(...terms);
    stopped.then(onEnd, (error: unknown) => {
      // What it had to write at the end may have been what filled the disk.
      if (this.isFull) onEnd();
      else this.#fail(life, error);
    });
  }

  /** Leaves hardly any room on the disk. */
  fillDisk(): void {
    this.#files.capacity = this.#files.used + this.#random.below(this.#random.pick(ROOM_MAX));
  }

  makeRoom(): void {
    this.#limitedUntilMs = this.#clock.time;
    this.#files.capacity = Number.POSITIVE_INFINITY;
  }

  /** The broker has found the disk full, and no room since. */
  get isFull(): boolean {
    return this.#roomMs === Number.POSITIVE_INFINITY;
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

  /** Lets promises continue that can, as they do between two turns of a real process. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < PROMISE_TURNS; turn++) await null;
    if (this.failure !== null) throw this.failure;
  }
}
