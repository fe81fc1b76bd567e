import { invariant } from '@promptmq/topics';
import type { Config } from '../../config/index.ts';
import type { Logger } from '../../log/index.ts';
import type { Faults, Faulty } from '../../runtime/faults.ts';
import { type BrokerStats, countIn } from '../../runtime/stats.ts';

/** What is done about it: each level does what those before it do, too. */
export const OverloadLevel = {
  /** Nothing. */
  none: 0,
  /** New clients are refused. */
  refusing: 1,
  /** Whoever publishes or subscribes waits a while after each message. */
  slowing: 2,
  /** Whoever publishes or subscribes waits until it is over. */
  stopping: 3,
} as const;
export type OverloadLevel = (typeof OverloadLevel)[keyof typeof OverloadLevel];

const LEVEL_NAMES = ['none', 'refusing', 'slowing', 'stopping'] as const;

/** How long who is slowed waits, in milliseconds. */
const SLOW_MS = 100;

/** A level ends when memory is this much below where it began: else it would begin and end all the time. */
const HYSTERESIS = 0.05;

/** New clients are refused when there was too much all the time for this long, in milliseconds: what is garbage may be collected first. */
const SUSTAINED_MS = 1000;

/** The same of turns that take too long: this many looks in a row. */
const LATE_LOOKS = 5;

/** Who waited is let go in steps: not all publish at once again. */
const RELEASED_MAX = 500;

/** What was found when the process was looked at. */
export interface ProcessLook {
  /** Milliseconds of a clock. */
  readonly now: number;
  /** Of the memory that there is, how much is used: 0 to 1. */
  readonly memoryPart: number;
  /** How much later than it should have been the look was, in milliseconds: for so long the event loop did something else. */
  readonly lagMs: number;
}

/** What overload sees of a connection. */
export interface OverloadingConnection extends Faulty {
  suspend(): void;
  resume(): void;
}

/** What overload needs of the house. */
export interface OverloadHost {
  readonly config: Pick<Config, 'limits'>;
  readonly stats: Pick<BrokerStats, 'limitsReached' | 'publishersHeldBack'>;
  readonly log: Logger;
  readonly faults: Pick<Faults, 'contain'>;
  /** Those who publish or subscribe are to be held from now on, or no longer: `Overload.isHolding` says which. */
  onHolding(): void;
}

/**
 * Whether the process has more than it can cope with, and who waits for that: memory or time run short. First new clients are
 * refused, then those who publish or subscribe are slowed, then stopped until it is over; those who only take what they are sent
 * are served all the time, which is what makes room.
 *
 * Invariant: connections are held only while the level is `slowing` or `stopping`, or until they have been let go in steps.
 */
export class Overload {
  readonly #host: OverloadHost;
  /** Connections that wait, with when they began to, in that order. */
  readonly #held: Map<OverloadingConnection, number>;
  #memoryLevel: OverloadLevel;
  #lagLevel: OverloadLevel;
  #now: number;
  #memoryPart: number;
  /** Since when memory has been above what new clients are refused at; Infinity while it isn't. */
  #highSince: number;
  /** The lags of the last looks, newest last. */
  readonly #lags: number[];
  /** The highest level since there was none. */
  #loggedLevel: OverloadLevel;
  #since: number;

  constructor(host: OverloadHost) {
    this.#host = host;
    this.#held = new Map();
    this.#memoryLevel = OverloadLevel.none;
    this.#lagLevel = OverloadLevel.none;
    this.#now = 0;
    this.#memoryPart = 0;
    this.#highSince = Number.POSITIVE_INFINITY;
    this.#lags = [];
    this.#loggedLevel = OverloadLevel.none;
    this.#since = 0;
  }

  get level(): OverloadLevel {
    return this.#memoryLevel > this.#lagLevel ? this.#memoryLevel : this.#lagLevel;
  }

  /** Of the memory that there is, how much was used at the last look: 0 to 1; 0 before the first. */
  get memoryPart(): number {
    return this.#memoryPart;
  }

  /** Whether those who publish or subscribe wait. */
  get isHolding(): boolean {
    return this.level >= OverloadLevel.slowing;
  }

  get refusesConnects(): boolean {
    return this.level >= OverloadLevel.refusing;
  }

  /** Whether so little memory is left that garbage had better be collected, whatever that takes. */
  get isShortOfMemory(): boolean {
    return this.#memoryPart >= marksOf(this.#host.config)[1];
  }

  /** Connections that wait. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** What is wrong, for people; empty when nothing is. */
  get text(): string {
    const { level } = this;
    if (level === OverloadLevel.none) return '';
    const doing = ['', 'new clients are refused', 'publishers are slowed', 'publishers wait'];
    const lagMs = Math.round(this.#leastLag());
    return `${doing[level]}: ${percentOf(this.#memoryPart)} % of memory used, turns of ${lagMs} ms`;
  }

  /** The process was looked at. */
  look({ now, memoryPart, lagMs }: ProcessLook): void {
    this.#now = now;
    this.#memoryPart = memoryPart;
    this.#lags.push(lagMs);
    if (this.#lags.length > LATE_LOOKS) this.#lags.shift();
    const former = this.level;
    this.#setMemoryLevel(this.#levelByMemory());
    this.#setLagLevel(this.#levelByLag());
    this.#onLevel(former);
    this.#release();
  }

  /** A connection has published or subscribed: while that is to be held, nothing more of it is processed. */
  hold(connection: OverloadingConnection): void {
    if (!this.isHolding || this.#held.has(connection)) return;
    this.#held.set(connection, this.#now);
    this.#host.stats.publishersHeldBack++;
    connection.suspend();
  }

  /**
   * A connection is over.
   *
   * @returns whether it was held, and is suspended on that account
   */
  forget(connection: OverloadingConnection): boolean {
    return this.#held.delete(connection);
  }

  #levelByMemory(): OverloadLevel {
    const [refuse, slow, stop] = marksOf(this.#host.config);
    const isAbove = (level: OverloadLevel, mark: number) =>
      this.#memoryPart >= (this.#memoryLevel >= level ? mark - HYSTERESIS : mark);
    if (!isAbove(OverloadLevel.refusing, refuse)) {
      this.#highSince = Number.POSITIVE_INFINITY;
      return OverloadLevel.none;
    }
    this.#highSince = Math.min(this.#highSince, this.#now);
    if (isAbove(OverloadLevel.stopping, stop)) return OverloadLevel.stopping;
    if (isAbove(OverloadLevel.slowing, slow)) return OverloadLevel.slowing;
    const isSustained = this.#memoryLevel > 0 || this.#now - this.#highSince >= SUSTAINED_MS;
    return isSustained ? OverloadLevel.refusing : OverloadLevel.none;
  }

  #levelByLag(): OverloadLevel {
    const { lagRefuse, lagSlow } = this.#host.config.limits.overload;
    const lagMs = this.#leastLag();
    const isAbove = (level: OverloadLevel, markMs: number) =>
      lagMs >= (this.#lagLevel >= level ? markMs / 2 : markMs);
    if (isAbove(OverloadLevel.slowing, lagSlow)) return OverloadLevel.slowing;
    return isAbove(OverloadLevel.refusing, lagRefuse) ? OverloadLevel.refusing : OverloadLevel.none;
  }

  /** The shortest lag of the last looks: one long turn alone says nothing. */
  #leastLag(): number {
    if (this.#lags.length < LATE_LOOKS) return 0;
    return this.#lags.reduce((least, lagMs) => Math.min(least, lagMs));
  }

  #setMemoryLevel(level: OverloadLevel): void {
    if (level > this.#memoryLevel) this.#count(MEMORY_LIMITS[level]);
    this.#memoryLevel = level;
  }

  #setLagLevel(level: OverloadLevel): void {
    if (level > this.#lagLevel) this.#count(level > 1 ? 'lag-slow' : 'lag-refuse');
    this.#lagLevel = level;
  }

  #count(name: string): void {
    countIn(this.#host.stats.limitsReached, `limits.overload.${name}`);
  }

  #onLevel(former: OverloadLevel): void {
    const { level } = this;
    if (level === former) return;
    if (former === OverloadLevel.none) this.#since = this.#now;
    this.#log(level);
    const isHolding = level >= OverloadLevel.slowing;
    if (isHolding !== former >= OverloadLevel.slowing) this.#host.onHolding();
  }

  #log(level: OverloadLevel): void {
    const { log } = this.#host;
    const memoryPercent = percentOf(this.#memoryPart);
    if (level > this.#loggedLevel) {
      this.#loggedLevel = level;
      const lagMs = Math.round(this.#leastLag());
      log.warn('overloaded', { level: LEVEL_NAMES[level], memoryPercent, lagMs });
    } else if (level === OverloadLevel.none) {
      this.#loggedLevel = OverloadLevel.none;
      const seconds = Math.round((this.#now - this.#since) / 1000);
      log.info('overload-ended', { memoryPercent, seconds });
    }
  }

  #release(): void {
    const { level } = this;
    if (level === OverloadLevel.stopping) return;
    const heldMs = level === OverloadLevel.slowing ? SLOW_MS : 0;
    let left = RELEASED_MAX;
    for (const [connection, since] of this.#held) {
      if (left-- === 0 || this.#now - since < heldMs) break;
      this.#held.delete(connection);
      // What it had sent after that may break a rule.
      this.#host.faults.contain(connection, 'receiving', () => connection.resume());
    }
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    for (const since of this.#held.values()) {
      invariant(since <= this.#now, `a connection is held since ${since}, after ${this.#now}`);
    }
  }
}

/** By level, the option that has it begin. */
const MEMORY_LIMITS = ['', 'memory-refuse', 'memory-slow', 'memory-stop'] as const;

/** Where each level begins: 0 to 1, or more where it never does. One never begins before those below it. */
function marksOf({ limits }: Pick<Config, 'limits'>): readonly [number, number, number] {
  const { memoryRefuse, memorySlow, memoryStop } = limits.overload;
  const stop = markOf(memoryStop);
  const slow = Math.min(markOf(memorySlow), stop);
  return [Math.min(markOf(memoryRefuse), slow), slow, stop];
}

function markOf(percent: number): number {
  return percent === 100 ? Number.POSITIVE_INFINITY : percent / 100;
}

function percentOf(part: number): number {
  return Math.round(part * 100);
}
