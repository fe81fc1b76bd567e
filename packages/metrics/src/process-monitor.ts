import {
  constants,
  monitorEventLoopDelay,
  type NodeGCPerformanceDetail,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks';
import { BucketHistogram, exponentialBounds } from './histogram.ts';
import type { Sample } from './metrics-registry.ts';

/** How often the event loop's delay is sampled. */
const RESOLUTION_MS = 10;

/** What is read within this time sees the same values, so that scrapers don't take them from each other. */
const WINDOW_MS = 5000;

/** Seconds: 100 µs to 1.6 s. */
const GC_BOUNDS = exponentialBounds(0.0001, 2, 15);

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak-callbacks',
};

/** What Node reports of a collection; its types leave the detail out. */
type GCEntry = PerformanceEntry & { readonly detail: NodeGCPerformanceDetail };

/** How late timers were called, in seconds, since the values before. */
export interface EventLoopLag {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * Watches this process: event loop, garbage collection, memory. Ends with `close`.
 *
 * Sampling costs a timer of the event loop's own each 10 ms, and an entry for each collection.
 */
export class ProcessMonitor {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #observer: PerformanceObserver;
  readonly #collections: ReadonlyMap<string, BucketHistogram>;
  #lag: EventLoopLag;
  #lagAt: number;

  constructor() {
    this.#collections = new Map(
      Object.values(GC_KINDS).map((kind) => [kind, new BucketHistogram(GC_BOUNDS)]),
    );
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { detail, duration } = entry as GCEntry;
        const kind = GC_KINDS[detail.kind ?? -1];
        if (kind !== undefined) this.#collections.get(kind)?.observe(duration / 1000);
      }
    });
    this.#observer.observe({ entryTypes: ['gc'] });
    this.#delay.enable();
    this.#lag = { mean: 0, p50: 0, p99: 0, max: 0 };
    this.#lagAt = performance.now();
  }

  /** Event-loop lag of the time since it was asked for before; the same for some seconds. */
  eventLoopLag(): EventLoopLag {
    const now = performance.now();
    if (now - this.#lagAt < WINDOW_MS && this.#lag.max > 0) return this.#lag;
    const delay = this.#delay;
    if (delay.count === 0) return this.#lag;
    this.#lag = {
      mean: lateness(delay.mean),
      p50: lateness(delay.percentile(50)),
      p99: lateness(delay.percentile(99)),
      max: lateness(delay.max),
    };
    this.#lagAt = now;
    delay.reset();
    return this.#lag;
  }

  /** The same as samples, with a label `stat`. */
  eventLoopLagSamples(): Sample[] {
    return Object.entries(this.eventLoopLag()).map(([stat, value]) => ({
      labels: { stat },
      value,
    }));
  }

  /** Seconds since the start that the event loop was busy, and that it waited for input. */
  eventLoopSeconds(): { readonly active: number; readonly idle: number } {
    const { active, idle } = performance.eventLoopUtilization();
    return { active: active / 1000, idle: idle / 1000 };
  }

  /** Durations of garbage collections in seconds, with a label `kind`. */
  collections(): Sample<BucketHistogram>[] {
    return [...this.#collections].map(([kind, value]) => ({ labels: { kind }, value }));
  }

  /** Bytes of memory, with a label `kind`. */
  memory(): Sample[] {
    const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
    const kinds = {
      resident: rss,
      'heap-total': heapTotal,
      'heap-used': heapUsed,
      external,
      'array-buffers': arrayBuffers,
    };
    return Object.entries(kinds).map(([kind, value]) => ({ labels: { kind }, value }));
  }

  /** Seconds of processor time since the start, with a label `mode`. */
  cpuSeconds(): Sample[] {
    const { user, system } = process.cpuUsage();
    return [
      { labels: { mode: 'user' }, value: user / 1e6 },
      { labels: { mode: 'system' }, value: system / 1e6 },
    ];
  }

  close(): void {
    this.#delay.disable();
    this.#observer.disconnect();
  }
}

/** Nanoseconds between two samples as the seconds by which the second was late. */
function lateness(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
}
