import { BenchError } from '../bench-error.ts';
import { Client, type ClientOptions } from '../client/client.ts';
import { sourceAddress, type Target } from '../client/target.ts';
import { Histogram } from '../report/histogram.ts';
import { type ProcessUsage, readProcessUsage } from '../report/process-usage.ts';
import type { BrokerUsage, GeneratorUsage, ProgressListener } from '../report/result.ts';
import type { Scenario } from '../scenario.ts';

/** Connections that are being opened at the same time. */
export const OPENING_AT_ONCE = 100;

/** How long a broker may take to close connections that have said DISCONNECT. */
const CLOSE_MS = 5000;

/** From this share of a core on, the generator may be what limits a measurement. */
const GENERATOR_CPU_LIMIT = 0.9;

/** Fixed rate: a generator whose messages leave later than this spoils the latencies. */
const LATE_MICROS_MAX = 1000;

export interface RunOptions {
  /** The broker's process, to report its CPU and memory. */
  readonly brokerPid?: number | null;
  readonly onProgress?: ProgressListener;
  /** Where subscribers connect, if not to the same address: another node of a cluster. */
  readonly subscriberTarget?: Target | null;
}

/** One measurement under way: its connections, and what fails it. */
export class Run {
  readonly target: Target;
  readonly scenario: Scenario;
  readonly latency = new Histogram();
  readonly clients: Client[] = [];
  /** What was found on the way, for `Result.extra`. */
  readonly found: Record<string, number> = {};
  readonly brokerPid: number | null;
  readonly onProgress: ProgressListener;
  /** Rejects when a connection fails that should last. */
  readonly failure: Promise<never>;
  readonly fail: (error: BenchError) => void;
  readonly #subscriberTarget: Target;
  #sourceIndex = 0;
  #connectionCount: number;

  constructor(target: Target, scenario: Scenario, options: RunOptions) {
    this.target = target;
    this.#subscriberTarget = options.subscriberTarget ?? target;
    this.scenario = scenario;
    this.brokerPid = options.brokerPid ?? null;
    this.onProgress = options.onProgress ?? (() => {});
    const { publishers, subscribers, connections, pattern } = scenario;
    this.#connectionCount =
      pattern === 'idle' || pattern === 'connect' ? connections : publishers + subscribers;
    let reject: (error: BenchError) => void = () => {};
    this.failure = new Promise((_, rejectFailure) => {
      reject = rejectFailure;
    });
    this.failure.catch(() => {}); // It may fail while nobody waits for it.
    this.fail = reject;
  }

  /** Opens a connection that is closed with the others. */
  open(options: Omit<ClientOptions, 'version'>): Promise<Client> {
    return this.#open(this.target, options);
  }

  /** The same for one that subscribes. */
  openSubscriber(options: Omit<ClientOptions, 'version'>): Promise<Client> {
    return this.#open(this.#subscriberTarget, options);
  }

  async #open(target: Target, options: Omit<ClientOptions, 'version'>): Promise<Client> {
    const { scenario } = this;
    const client = new Client({
      version: scenario.version,
      payloadBytes: scenario.payloadBytes,
      latency: this.latency,
      localAddress: this.nextSource(),
      onFailure: this.fail,
      ...options,
    });
    this.clients.push(client);
    await client.connect(target);
    return client;
  }

  nextSource(): string | undefined {
    const { sources } = this.scenario;
    return sourceAddress(this.target, this.#sourceIndex++, this.#connectionCount, sources);
  }

  /** Waits for a promise, or throws what failed in the meantime. */
  orFail<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.failure]);
  }

  /** Disconnects everyone; cuts what the broker doesn't close in time. */
  async close(): Promise<void> {
    const cut = setTimeout(() => this.destroy(), CLOSE_MS);
    await inParallel(this.clients.length, 1000, async (index) => this.clients[index]?.close());
    clearTimeout(cut);
  }

  destroy(): void {
    for (const client of this.clients) client.destroy();
  }
}

/** Does a task for each index, a number of them at the same time; the first failure ends it. */
export async function inParallel(
  count: number,
  concurrency: number,
  task: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      try {
        await task(index);
      } catch (error) {
        next = count;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, concurrency) }, worker));
}

/** What generator and broker have used up to a moment. */
export interface UsageSnapshot {
  readonly atMs: number;
  readonly generatorCpuMicros: number;
  readonly broker: ProcessUsage | null;
}

export function takeUsage(brokerPid: number | null): UsageSnapshot {
  const { user, system } = process.cpuUsage();
  return {
    atMs: performance.now(),
    generatorCpuMicros: user + system,
    broker: brokerPid === null ? null : readProcessUsage(brokerPid),
  };
}

/** @param lateness - of messages at a fixed rate, in microseconds; null without one */
export function generatorUsage(
  before: UsageSnapshot,
  after: UsageSnapshot,
  lateness: Histogram | null,
): GeneratorUsage {
  const micros = Math.max(1, (after.atMs - before.atMs) * 1000);
  const cpu = (after.generatorCpuMicros - before.generatorCpuMicros) / micros;
  const lateP99 = lateness?.percentile(99) ?? 0;
  // At a fixed rate it spins in order to be on time: then its CPU says nothing.
  const isLimit = lateness === null ? cpu > GENERATOR_CPU_LIMIT : lateP99 > LATE_MICROS_MAX;
  return { cpu, lateP99, isLimit };
}

export function brokerUsage(before: UsageSnapshot, after: UsageSnapshot): BrokerUsage | null {
  if (before.broker === null || after.broker === null) return null;
  const seconds = Math.max(0.001, (after.atMs - before.atMs) / 1000);
  return {
    cpu: (after.broker.cpuSeconds - before.broker.cpuSeconds) / seconds,
    residentBytes: after.broker.residentBytes,
    peakResidentBytes: after.broker.peakResidentBytes,
  };
}

/** @throws {BenchError} when a known process can't be looked at */
export function checkBrokerPid(brokerPid: number | null): void {
  if (brokerPid !== null && readProcessUsage(brokerPid) === null) {
    throw new BenchError(`there is no process ${brokerPid} to be seen in /proc (--broker-pid)`);
  }
}
