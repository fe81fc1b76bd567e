import cluster, { type Worker as Child } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../log/index.ts';
import type { FromWorker, ToWorker, WorkerListener } from './worker-messages.ts';

/** How long to wait before a worker that has ended is started again: at first, and at most, in milliseconds. */
const RESTART_MS = 100;
const RESTART_MS_MAX = 10_000;

/** A worker that has run for so long starts with the first of these waits again. */
const STEADY_MS = 60_000;

/** One that ends so often without having run that long can't run here: the supervisor gives up, and whoever started it decides. */
const RESTARTS_MAX = 10;

export interface SupervisorOptions {
  /** How many workers. */
  readonly count: number;
  readonly log: Logger;
  /** Whether lines of the log for people are coloured. */
  readonly isColoured: boolean;
  /** Gets the lines of the log that a worker writes, each with its end. */
  readonly writeLine: (line: string) => void;
  /** Workers end again and again: nothing is served any more. */
  readonly onGivenUp: (why: string) => void;
}

/** A worker can't begin: what it says is for whoever started the broker. */
export class WorkerRefusal extends Error {
  override readonly name = 'WorkerRefusal';
  /** Whether the configuration is wrong, and not the machine. */
  readonly isUsage: boolean;

  constructor(why: string, isUsage: boolean) {
    super(why);
    this.isUsage = isUsage;
  }
}

/** A worker as its supervisor has it. */
class Place {
  readonly number: number;
  child: Child | null = null;
  isReady = false;
  /** How often it was started. */
  epoch = 0;
  /** When it was started, in milliseconds of the monotonic clock. */
  startedAt = 0;
  /** Ends in a row, each before it had run for long. */
  failures = 0;
  timer: NodeJS.Timeout | null = null;
  /** What it said when it could not begin. */
  refusal: WorkerRefusal | null = null;
  /** Sockets that are on their way to it: if it ends first, nothing else closes them. */
  readonly given = new Set<Handle>();

  constructor(number: number) {
    this.number = number;
  }
}

/**
 * Has a number of workers run: starts them, starts one again that has ended, gives sockets from one to another, and ends all in order.
 * It serves no client itself, so that hardly anything can end it.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #secret: string;
  readonly #places: Place[];
  /** For the sockets between workers: only this user can open it. */
  readonly directory: string;
  #isStopping = false;
  #begun: {
    readonly resolve: (listeners: readonly WorkerListener[]) => void;
    readonly reject: (error: Error) => void;
  } | null = null;
  #listeners: readonly WorkerListener[] = [];
  #ended: (() => void) | null = null;
  /** How often a worker was started again. */
  restarts = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#secret = randomBytes(32).toString('base64');
    this.#places = Array.from({ length: options.count }, (_, number) => new Place(number));
    this.directory = mkdtempSync(join(tmpdir(), 'promptmq-'));
  }

  get count(): number {
    return this.#places.length;
  }

  /** Whether each worker serves. */
  get isWhole(): boolean {
    return this.#places.every(({ isReady }) => isReady);
  }

  /** By number: the process of a worker, and whether it serves. */
  get workers(): readonly { readonly pid: number | null; readonly isReady: boolean }[] {
    return this.#places.map(({ child, isReady }) => ({ pid: child?.process.pid ?? null, isReady }));
  }

  /**
   * Starts all workers; resolves when all of them serve, with where they listen.
   *
   * @throws {WorkerRefusal} by rejection, when one can't begin; then none runs
   */
  start(): Promise<readonly WorkerListener[]> {
    // Each worker accepts by itself. What this process had accepted for a worker that is killed before it answers would stay open for ever.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({
      exec: process.argv[1] as string,
      args: process.argv.slice(2),
      silent: true,
    });
    const begun = new Promise<readonly WorkerListener[]>((resolve, reject) => {
      this.#begun = { resolve, reject };
    });
    for (const place of this.#places) this.#fork(place);
    return begun;
  }

  /** Has all workers read the configuration again. */
  reload(cause: string): void {
    this.#sendAll({ kind: 'reload', cause });
  }

  /** Ends all workers in order; resolves when there are none any more. */
  async stop(signal: string): Promise<void> {
    this.#isStopping = true;
    for (const place of this.#places) {
      if (place.timer !== null) clearTimeout(place.timer);
      place.timer = null;
    }
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    this.#sendAll({ kind: 'stop', signal });
    this.#lookWhetherEnded();
    await ended;
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Ends all workers at once. */
  kill(): void {
    for (const { child } of this.#places) child?.process.kill('SIGKILL');
  }

  // --------------------------------------------------------------------- workers

  #fork(place: Place): void {
    const child = cluster.fork();
    place.child = child;
    place.isReady = false;
    place.epoch++;
    place.startedAt = performance.now();
    const { writeLine } = this.#options;
    splitLines(child.process.stdout, writeLine);
    splitLines(child.process.stderr, (line) => process.stderr.write(line));
    child.on('message', (message: FromWorker, handle: unknown) =>
      this.#take(place, message, handle as Handle | undefined),
    );
    child.on('exit', (code, signal) => this.#onExit(place, code, signal));
    child.on('error', (error) =>
      this.#options.log.error('worker-failed', { worker: place.number, why: error.message }),
    );
  }

  #begin({ number, epoch, child }: Place): void {
    const { isColoured } = this.#options;
    const { directory } = this;
    const count = this.#places.length;
    const secret = this.#secret;
    const start = { number, count, epoch, directory, secret, isColoured };
    if (child !== null) send(child, { kind: 'start', ...start });
  }

  #take(place: Place, message: FromWorker, handle: Handle | undefined): void {
    switch (message.kind) {
      case 'hello':
        // It didn't hear that all are to stop, and has begun nothing.
        if (this.#isStopping) place.child?.process.kill('SIGKILL');
        else this.#begin(place);
        return;
      case 'ready':
        this.#onReady(place, message.listeners);
        return;
      case 'refused':
        place.refusal = new WorkerRefusal(message.why, message.isUsage);
        return;
      case 'give':
        this.#give(message, handle);
        return;
      default:
        message satisfies never;
    }
  }

  #onReady(place: Place, listeners: readonly WorkerListener[]): void {
    const { log } = this.#options;
    place.isReady = true;
    if (place.number === 0) this.#listeners = listeners;
    if (this.#begun === null) {
      log.info('worker-serves', { worker: place.number, pid: place.child?.process.pid });
    } else if (this.isWhole) {
      this.#begun.resolve(this.#listeners);
      this.#begun = null;
    }
  }

  /** Passes a socket on; where its worker isn't there, its client is to connect again. */
  #give({ to, facts, read }: FromWorker & { kind: 'give' }, handle: Handle | undefined): void {
    if (handle === undefined) return;
    const place = this.#places[to];
    const child = place?.child ?? null;
    if (place === undefined || child === null || !child.isConnected()) {
      handle.close();
      return;
    }
    place.given.add(handle);
    send(child, { kind: 'socket', facts, read }, handle, () => {
      place.given.delete(handle);
      handle.close();
    });
  }

  #onExit(place: Place, code: number | null, signal: string | null): void {
    const { log, onGivenUp } = this.#options;
    const why = signal ?? `code ${code}`;
    place.child = null;
    place.isReady = false;
    for (const handle of place.given) handle.close();
    place.given.clear();
    this.#sendAll({ kind: 'gone', number: place.number });
    if (this.#begun !== null) {
      const { reject } = this.#begun;
      this.#begun = null;
      this.#isStopping = true;
      this.kill();
      this.#ended = () => {
        rmSync(this.directory, { recursive: true, force: true });
        reject(place.refusal ?? new Error(`worker ${place.number} ended with ${why}`));
      };
    }
    if (this.#isStopping) {
      this.#lookWhetherEnded();
      return;
    }
    const isSteady = performance.now() - place.startedAt >= STEADY_MS;
    place.failures = isSteady ? 1 : place.failures + 1;
    const refusal = place.refusal === null ? {} : { refusal: place.refusal.message };
    place.refusal = null;
    if (place.failures > RESTARTS_MAX) {
      log.fatal('worker-given-up', { worker: place.number, why, ...refusal });
      onGivenUp(`worker ${place.number} ended ${place.failures} times in a row, last with ${why}`);
      return;
    }
    const waitMs = Math.min(RESTART_MS * 2 ** (place.failures - 1), RESTART_MS_MAX);
    log.error('worker-ended', { worker: place.number, why, ...refusal, restartMs: waitMs });
    this.restarts++;
    place.timer = setTimeout(() => this.#fork(place), waitMs);
  }

  #lookWhetherEnded(): void {
    if (this.#places.some(({ child }) => child !== null)) return;
    this.#ended?.();
    this.#ended = null;
  }

  #sendAll(message: ToWorker): void {
    for (const { child } of this.#places) if (child?.isConnected()) send(child, message);
  }
}

/** What the system has beneath a socket. */
interface Handle {
  close(): void;
}

/** A worker that is gone hears nothing: its end is reported by itself. */
function send(child: Child, message: ToWorker, handle?: Handle, onSent = () => {}): void {
  child.process.send(message, handle as never, {}, onSent);
}

function splitLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (text: string) => {
    rest += text;
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
      onLine(rest.slice(0, end + 1));
      rest = rest.slice(end + 1);
    }
  });
  stream?.on('error', () => {});
}
