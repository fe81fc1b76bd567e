import type { Clock, LogSource, SourceEnd } from '@promptmq/wal';
import { EngineError } from '../engine/engine.ts';
import type { CellRestore } from './restore.ts';

/** Between two looks at what the owner has appended, in milliseconds. */
const FOLLOW_MS = 100;

export interface FollowedLogOptions<Claim> {
  readonly restore: CellRestore;
  readonly clock: Clock;
  /** This node has claimed the cell. */
  readonly claimed: Promise<Claim>;
  /** Called once when all was read that its owner had written. */
  readonly onPrepared: (position: number) => void;
  /** Ends the reading: the folder gets what is left of the log, which is this node's from then on. */
  readonly take: (claim: Claim) => Promise<SourceEnd>;
}

/** The log of a cell that another node still owns: it is read on behind the owner until this node claims the cell. */
export class FollowedLog<Claim> implements LogSource {
  readonly #options: FollowedLogOptions<Claim>;
  #isPrepared = false;
  #claim: Claim | null = null;
  /** Ends the pause that is under way. */
  #wake = () => {};

  constructor(options: FollowedLogOptions<Claim>) {
    this.#options = options;
    void options.claimed.then((claim) => {
      this.#claim = claim;
      this.#wake();
    });
  }

  get end(): number {
    return this.#options.restore.position;
  }

  /** @throws {FencedError} `corrupt`, `diverged`; what `take` throws */
  async more(): Promise<SourceEnd | null> {
    const { take } = this.#options;
    const before = this.end;
    while (this.#claim === null) {
      if (await this.#readOn()) {
        await this.#options.restore.sync();
        if (this.end > before) return null;
        this.#prepared();
      }
      if (this.#claim === null) await this.#pause();
    }
    return take(this.#claim);
  }

  #prepared(): void {
    if (this.#isPrepared) return;
    this.#isPrepared = true;
    this.#options.onPrepared(this.end);
  }

  /** @returns false while the engine doesn't answer */
  async #readOn(): Promise<boolean> {
    try {
      await this.#options.restore.readOn();
      return true;
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'unavailable') throw error;
      return false;
    }
  }

  /** Until there may be more, or the cell is claimed. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.setTimer(FOLLOW_MS, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
