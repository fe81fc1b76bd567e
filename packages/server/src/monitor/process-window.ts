import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** How often the event loop is looked at: 50 timers a second, some 0.01 % of a processor. */
const RESOLUTION_MS = 20;

/** What a process needs, since `begin`. */
export interface ProcessWindow {
  /** Of one processor; more than 100 with several threads. */
  readonly cpuPercent: number;
  /** Milliseconds by which timers were late: 99 of 100, and all. */
  readonly lagP99Ms: number;
  readonly lagMaxMs: number;
  /** Bytes. */
  readonly residentBytes: number;
  readonly heapBytes: number;
  begin(): void;
  stop(): void;
}

/** This process. */
export class MachineWindow implements ProcessWindow {
  readonly #delay: IntervalHistogram;
  #cpu: NodeJS.CpuUsage;
  #beganAt: number;

  constructor() {
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delay.enable();
    this.#cpu = process.cpuUsage();
    this.#beganAt = performance.now();
  }

  get cpuPercent(): number {
    const { user, system } = process.cpuUsage(this.#cpu);
    const micros = 1000 * Math.max(1, performance.now() - this.#beganAt);
    return (100 * (user + system)) / micros;
  }

  get lagP99Ms(): number {
    return this.#delay.count === 0 ? 0 : lateness(this.#delay.percentile(99));
  }

  get lagMaxMs(): number {
    return this.#delay.count === 0 ? 0 : lateness(this.#delay.max);
  }

  get residentBytes(): number {
    return process.memoryUsage.rss();
  }

  get heapBytes(): number {
    return process.memoryUsage().heapUsed;
  }

  begin(): void {
    this.#delay.reset();
    this.#cpu = process.cpuUsage();
    this.#beganAt = performance.now();
  }

  stop(): void {
    this.#delay.disable();
  }
}

/** In the place of the machine where time is a test's. */
export const NO_PROCESS: ProcessWindow = {
  cpuPercent: 0,
  lagP99Ms: 0,
  lagMaxMs: 0,
  residentBytes: 0,
  heapBytes: 0,
  begin: () => {},
  stop: () => {},
};

/** Nanoseconds between two looks as the milliseconds by which the second was late. */
function lateness(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
}
