import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '@promptmq/wal/testing';
import { EngineError, type EngineLog } from '../../src/engine/engine.ts';
import { NatsEngine } from '../../src/engine/nats/nats-engine.ts';
import { APP, NatsCluster } from '../support/nats-cluster.ts';
import { untilThere } from '../support/until-there.ts';
import { StreamJudge } from './stream-judge.ts';
import type { WriterOptions } from './writer-options.ts';

const scripts = join(import.meta.dirname, '../../../../scripts/index.js');

export interface FencingOptions {
  readonly seed: number;
  /** SIGKILLs and SIGSTOPs of writers and servers, together. */
  readonly kills: number;
  /** The program of the servers. */
  readonly command: readonly string[];
  /** Entries under way at once. */
  readonly window: number;
  readonly cells?: number;
  readonly onProgress?: (report: FencingReport) => void;
}

/** Counts. */
export interface FencingReport {
  kills: number;
  writersKilled: number;
  writersStopped: number;
  serversKilled: number;
  serversStopped: number;
  majoritiesKilled: number;
  /** Entries of which an owner was told that they count. */
  acknowledged: number;
  /** Owners that began. */
  claims: number;
  /** Owners that learned that another one has the cell. */
  fenced: number;
  /** Entries that the judge has read, and those that don't count. */
  entries: number;
  voidEntries: number;
}

/**
 * Two processes want to own the same cells, on three servers of NATS; all are killed and stopped, by seed, again and again.
 *
 * @throws what was lost, came twice, or in another order
 */
export async function runFencing(options: FencingOptions): Promise<FencingReport> {
  const cluster = await NatsCluster.start({ command: options.command });
  const run = new FencingRun(cluster, options);
  try {
    await run.run();
    return run.report;
  } finally {
    await run.stop();
    await cluster.stop();
  }
}

class FencingRun {
  readonly #cluster: NatsCluster;
  readonly #options: FencingOptions;
  readonly #random: Random;
  readonly #engine: NatsEngine;
  readonly #engineOptions: WriterOptions['engine'];
  readonly #cells: readonly number[];
  readonly #judges = new Map<number, StreamJudge>();
  readonly #logs = new Map<number, EngineLog>();
  readonly #writers: (Writer | null)[] = [null, null];
  /** What is put right some time later. */
  readonly #repairs = new Set<Promise<void>>();
  #violation: Error | null = null;
  readonly report: FencingReport = {
    kills: 0,
    writersKilled: 0,
    writersStopped: 0,
    serversKilled: 0,
    serversStopped: 0,
    majoritiesKilled: 0,
    acknowledged: 0,
    claims: 0,
    fenced: 0,
    entries: 0,
    voidEntries: 0,
  };

  constructor(cluster: NatsCluster, options: FencingOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#engineOptions = {
      servers: cluster.urls,
      credentials: APP,
      name: 'fencing',
      logBytesMax: 1_000_000_000,
      sync: 'assumed',
    };
    this.#engine = new NatsEngine(this.#engineOptions);
    this.#cells = Array.from({ length: options.cells ?? 3 }, (_, cell) => cell);
  }

  async run(): Promise<void> {
    await untilThere(() => this.#engine.connect());
    for (const cell of this.#cells) {
      this.#judges.set(cell, new StreamJudge(cell));
      this.#logs.set(cell, await untilThere(() => this.#engine.openLog(cell)));
    }
    for (const index of this.#writers.keys()) this.#startWriter(index);
    let judgedAt = 0;
    while (this.report.kills < this.#options.kills) {
      await sleep(this.#random.next() * 500);
      await this.#harm();
      this.#throwViolation();
      if (this.report.kills - judgedAt < 25) continue;
      judgedAt = this.report.kills;
      await this.#untilAppended();
      await this.#judge();
      this.#options.onProgress?.(this.report);
    }
    await Promise.all(this.#repairs);
    await this.#untilAppended();
    for (const index of this.#writers.keys()) await this.#killWriter(index);
    await this.#judge();
    for (const judge of this.#judges.values()) judge.finish();
    this.#throwViolation();
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#repairs);
    for (const index of this.#writers.keys()) await this.#killWriter(index);
    await this.#engine.close();
  }

  async #harm(): Promise<void> {
    const what = this.#random.below(20);
    const index = this.#random.below(2);
    if (what < 12) {
      // One that owns nothing yet would show nothing.
      if (this.#writers[index]?.hasClaimed !== true) return;
      this.report.writersKilled++;
      this.report.kills++;
      await this.#killWriter(index);
      this.#startWriter(index);
    } else if (what < 16) this.#stopWriter(index);
    else await this.#harmServers(what);
  }

  async #harmServers(what: number): Promise<void> {
    if (what < 18) await this.#killServers([this.#random.below(3)]);
    else if (what < 19) this.#stopServer(this.#random.below(3));
    else {
      this.report.majoritiesKilled++;
      const spared = this.#random.below(4);
      await this.#killServers([0, 1, 2].filter((server) => server !== spared));
    }
    // Else writers would hardly ever own anything.
    if (this.#random.chance(0.7)) await this.#untilAppended();
  }

  #startWriter(index: number): void {
    this.#writers[index] = new Writer(
      {
        name: `w${index}`,
        cells: this.#cells,
        window: this.#options.window,
        engine: this.#engineOptions,
      },
      (line) => this.#onLine(line),
    );
  }

  async #killWriter(index: number): Promise<void> {
    const writer = this.#writers[index];
    this.#writers[index] = null;
    await writer?.kill();
  }

  /** The other one takes over meanwhile, and this one still believes that it owns the cells. */
  #stopWriter(index: number): void {
    const writer = this.#writers[index];
    if (writer == null || writer.isStopped || !writer.hasClaimed) return;
    this.report.writersStopped++;
    this.report.kills++;
    writer.isStopped = true;
    writer.process.kill('SIGSTOP');
    this.#later(this.#random.next() * 4_000, async () => {
      writer.isStopped = false;
      writer.process.kill('SIGCONT');
    });
  }

  async #killServers(indexes: readonly number[]): Promise<void> {
    const running = indexes.filter((index) => this.#cluster.isRunning(index));
    this.report.serversKilled += running.length;
    this.report.kills += running.length;
    await Promise.all(running.map((index) => this.#cluster.signal(index, 'SIGKILL')));
    for (const index of running) {
      this.#later(this.#random.next() * 1_000, () => this.#cluster.startServer(index));
    }
  }

  #stopServer(index: number): void {
    if (!this.#cluster.isRunning(index)) return;
    this.report.serversStopped++;
    this.report.kills++;
    void this.#cluster.signal(index, 'SIGSTOP');
    this.#later(this.#random.next() * 6_000, () => this.#cluster.signal(index, 'SIGCONT'));
  }

  #later(afterMs: number, repair: () => Promise<void>): void {
    const repaired = sleep(afterMs)
      .then(repair)
      .catch((error) => {
        this.#violation ??= error;
      })
      .finally(() => this.#repairs.delete(repaired));
    this.#repairs.add(repaired);
  }

  /** Waits until something is acknowledged: what was harmed is well again, as far as it has to be. */
  async #untilAppended(): Promise<void> {
    const { acknowledged } = this.report;
    while (this.report.acknowledged < acknowledged + 3) {
      this.#throwViolation();
      await sleep(20);
    }
  }

  async #judge(): Promise<void> {
    let entries = 0;
    let voidEntries = 0;
    for (const [cell, judge] of this.#judges) {
      await this.#judgeCell(cell, judge);
      entries += judge.entries;
      voidEntries += judge.voidEntries;
    }
    Object.assign(this.report, { entries, voidEntries });
  }

  async #judgeCell(cell: number, judge: StreamJudge): Promise<void> {
    for (;;) {
      try {
        await judge.judge(this.#logs.get(cell) as EngineLog);
        break;
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        await sleep(100);
      }
    }
    if (judge.trimmable === null) return;
    for (const writer of this.#writers) writer?.say(`trim ${cell} ${judge.trimmable}`);
  }

  #onLine(line: string): void {
    const [what, ...rest] = line.split(' ');
    const [cell = 0, epoch = 0, position = 0, size = 0] = rest.map(Number);
    try {
      if (what === 'a') {
        this.report.acknowledged++;
        this.#judges.get(cell)?.onTold(epoch, position, size);
      } else if (what === 'c') this.report.claims++;
      else if (what === 'f') this.report.fenced++;
      else if (what !== 'ready') throw new Error(line);
    } catch (error) {
      this.#violation ??= error as Error;
    }
  }

  #throwViolation(): void {
    if (this.#violation !== null) throw this.#violation;
  }
}

class Writer {
  readonly process: ChildProcess;
  isStopped = false;
  hasClaimed = false;

  constructor(options: WriterOptions, onLine: (line: string) => void) {
    this.process = spawn(process.execPath, [scripts, 'fencing/writer', JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // One that is being killed takes no more.
    this.process.stdin?.on('error', () => {});
    createInterface({ input: this.process.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      if (line.startsWith('c ')) this.hasClaimed = true;
      onLine(line);
    });
    createInterface({ input: this.process.stderr as NodeJS.ReadableStream }).on('line', (line) =>
      onLine(`! ${line}`),
    );
  }

  say(line: string): void {
    if (!this.isStopped) this.process.stdin?.write(`${line}\n`);
  }

  /** Resolves when all that it said has been read. */
  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const closed = once(this.process, 'close');
    this.process.kill('SIGKILL');
    await closed;
  }
}
