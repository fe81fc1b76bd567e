import { totalmem } from 'node:os';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Logger } from '../../log/index.ts';
import type { Overload } from './overload.ts';

/** How often the process is looked at, in milliseconds; and while much memory is used, as it may fill up quickly then. */
const LOOK_MS = 100;
const LOOK_OFTEN_MS = 10;

/** From this part of memory on. */
const OFTEN_FROM = 0.5;

/** Memory has been short for this long, in milliseconds: then garbage is collected, as nothing makes V8 do so while all wait. */
const COLLECT_AFTER_MS = 500;

/** To be collected again, which stops everything for up to a second a gigabyte: this long after, and twice as long each time. */
const COLLECT_AGAIN_MS = 5000;
const COLLECT_AGAIN_MAX_MS = 60_000;

/** What a gauge reads of the machine; tests have one of their own. */
export interface ProcessMachine {
  /** Milliseconds of a clock. */
  now(): number;
  /** Of the memory that there is, how much is used: 0 to 1. */
  memoryPart(): number;
  /** Collects all garbage; takes up to a second for each gigabyte. */
  collectGarbage(): void;
  /** @returns a function that cancels it */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** Looks at the process now and then, for as long as a broker runs, and says what it finds. */
export class ProcessGauge {
  readonly #machine: ProcessMachine;
  readonly #overload: Overload;
  readonly #log: Logger;
  #cancel: () => void;
  /** When the next look is due. */
  #dueAt: number;
  #shortSince: number;
  #collectAt: number;
  #collectAgainMs: number;

  constructor(overload: Overload, log: Logger, machine: ProcessMachine = processMachine) {
    this.#machine = machine;
    this.#overload = overload;
    this.#log = log;
    this.#cancel = () => {};
    this.#dueAt = 0;
    this.#shortSince = Number.POSITIVE_INFINITY;
    this.#collectAt = 0;
    this.#collectAgainMs = COLLECT_AGAIN_MS;
    this.#schedule(LOOK_MS);
  }

  stop(): void {
    this.#cancel();
  }

  #schedule(delayMs: number): void {
    this.#dueAt = this.#machine.now() + delayMs;
    this.#cancel = this.#machine.setTimer(delayMs, () => this.#look());
  }

  #look(): void {
    const now = this.#machine.now();
    const lagMs = Math.max(0, now - this.#dueAt);
    const memoryPart = this.#machine.memoryPart();
    // Whatever becomes of this look, there is a next.
    this.#schedule(memoryPart < OFTEN_FROM ? LOOK_MS : LOOK_OFTEN_MS);
    this.#overload.look({ now, memoryPart, lagMs });
    this.#collect(now);
  }

  #collect(now: number): void {
    if (!this.#overload.isShortOfMemory) {
      this.#shortSince = Number.POSITIVE_INFINITY;
      if (now >= this.#collectAt) this.#collectAgainMs = COLLECT_AGAIN_MS;
      return;
    }
    this.#shortSince = Math.min(this.#shortSince, now);
    if (now - this.#shortSince < COLLECT_AFTER_MS || now < this.#collectAt) return;
    const before = this.#overload.memoryPart;
    this.#machine.collectGarbage();
    const endedAt = this.#machine.now();
    this.#collectAt = endedAt + this.#collectAgainMs;
    this.#collectAgainMs = Math.min(2 * this.#collectAgainMs, COLLECT_AGAIN_MAX_MS);
    // That the event loop has waited for this is no overload.
    this.#cancel();
    this.#schedule(LOOK_OFTEN_MS);
    this.#log.debug('garbage-collected', {
      memoryPercent: Math.round(100 * before),
      afterPercent: Math.round(100 * this.#machine.memoryPart()),
      durationMs: endedAt - now,
    });
  }
}

/** This process. */
const processMachine: ProcessMachine = {
  now: () => performance.now(),
  memoryPart,
  collectGarbage: () => {
    collector ??= makeCollector();
    collector();
  },
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

let collector: (() => void) | null = null;

/** V8 has it, and shows it to contexts that are made while this flag is set. */
function makeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}

/** What of `heap_size_limit` is for objects that have just been made, in MiB: more in the V8 of Node.js 23 and later. */
const YOUNG_MIB = Number(process.versions.node.split('.', 1)[0]) >= 23 ? 192 : 48;
const YOUNG_PART_MAX = 1 / 3;

const MIB = 1_048_576;

function memoryPart(): number {
  const heap = getHeapStatistics();
  // Not what is resident: what was freed stays so for as long as nobody else needs it, and files of the index are.
  const held = heap.total_physical_size + heap.external_memory + heap.malloced_memory;
  // What is young becomes old when it is still needed; when there is no room for that, V8 ends the process.
  const ofHeap = heap.used_heap_size / oldMax(heap.heap_size_limit);
  return Math.max(ofHeap, held / processMax());
}

/** What objects that are not young may have, in bytes. V8 doesn't say; what is estimated here is less rather than more. */
function oldMax(heapMax: number): number {
  knownOldMax ??= flaggedOldMax() ?? heapMax - Math.min(YOUNG_MIB * MIB, heapMax * YOUNG_PART_MAX);
  return knownOldMax;
}

let knownOldMax: number | null = null;

/** What `--max-old-space-size` says; null where nobody has said it. */
function flaggedOldMax(): number | null {
  const flags = [process.env['NODE_OPTIONS'] ?? '', ...process.execArgv].join(' ');
  // The last one counts.
  const [, mib] = /.*--max[-_]old[-_]space[-_]size[= ](\d+)/.exec(flags) ?? [];
  return mib === undefined || mib === '0' ? null : Number(mib) * MIB;
}

let knownMax = 0;

/** Bytes that the process may have: of the container where that is less than the machine has. */
function processMax(): number {
  if (knownMax > 0) return knownMax;
  const constrained = process.constrainedMemory?.() ?? 0;
  const total = totalmem();
  knownMax = constrained > 0 && constrained < total ? constrained : total;
  return knownMax;
}
