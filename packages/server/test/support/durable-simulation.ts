import type { CompactionResult, Log } from '@promptmq/wal';
import { FaultyFiles, MemoryIndex, Random } from '@promptmq/wal/testing';
import type { Storage } from '../../src/storage/storage.ts';
import { Simulation } from './simulation.ts';

/** Turns in which a promise chain of the log comes to its end. */
const SETTLE_TURNS = 200;

/** A broker without sockets and real time on a disk that outlives it. */
export class DurableSimulation extends Simulation {
  readonly #files: FaultyFiles;
  readonly #index: MemoryIndex;

  private constructor(files: FaultyFiles, index: MemoryIndex) {
    super({ storage: { dataDir: '/data', walDir: '/wal', compaction: { checkInterval: '1d' } } });
    this.#files = files;
    this.#index = index;
  }

  /**
   * @param ms - time of the clock beyond its beginning
   * @param wallAheadMs - what the wall clock is ahead of it
   */
  static async start(
    files = new FaultyFiles(),
    index = new MemoryIndex(),
    ms = 0,
    wallAheadMs = 0,
  ): Promise<DurableSimulation> {
    const simulation = new DurableSimulation(files, index);
    const { broker, runtime } = simulation;
    runtime.time += ms;
    runtime.wallAheadMs = wallAheadMs;
    // Much smaller than a configuration may have it.
    Object.assign(broker.config.storage.wal, { segmentSize: 4096 });
    const recovered = broker.recover({ files, index, clock: runtime });
    await simulation.settle();
    await recovered;
    return simulation;
  }

  /** What has been begun comes to its end, and what that begins. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < SETTLE_TURNS; turn++) {
      this.runtime.endTurn();
      await null;
    }
  }

  get #log(): Log {
    return (this.broker.storage as Storage).log;
  }

  get segments(): Log['segments'] {
    return this.#log.segments;
  }

  async checkpoint(): Promise<void> {
    const taken = this.#log.checkpoint();
    await this.settle();
    await taken;
  }

  /** Compacts what anything can be gained from. @param maxSize - bytes; below it only what is old */
  async compact(maxSize = 1): Promise<CompactionResult> {
    this.#log.setCompaction({ maxSize, maxAge: 0, checkInterval: 0 });
    const compacted = this.#log.compact();
    await this.settle();
    return await compacted;
  }

  /** Cuts the power, and starts another broker on what is left, `ms` later; the wall clock may have been set by then. */
  async restart(ms = 0, wallSetByMs = 0): Promise<DurableSimulation> {
    return await this.#startNext(ms, wallSetByMs, this.#index.crash());
  }

  /** The same without what the index has: all is made of the segments. */
  async restartWithoutIndex(ms = 0, wallSetByMs = 0): Promise<DurableSimulation> {
    return await this.#startNext(ms, wallSetByMs, new MemoryIndex());
  }

  /** Stops in order, and starts another broker. */
  async stopAndStart(ms = 0, wallSetByMs = 0): Promise<DurableSimulation> {
    const stopped = this.broker.stop(0, 0);
    this.runtime.advance(0);
    await this.settle();
    await stopped;
    return await this.#startNext(ms, wallSetByMs, this.#index.crash());
  }

  async #startNext(
    ms: number,
    wallSetByMs: number,
    index: MemoryIndex,
  ): Promise<DurableSimulation> {
    const files = this.#files.crash('nothing', new Random(1));
    const { time, wallAheadMs } = this.runtime;
    const later = time - 1_000_000 + ms;
    return await DurableSimulation.start(files, index, later, wallAheadMs + wallSetByMs);
  }
}
