import cluster, { type Worker as Child } from 'node:cluster';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings, Witness } from '@promptmq/cluster';
import type { Logger } from '../log/index.ts';
import type { CellLoss } from './cell/lost-log.ts';
import type {
  CellPlace,
  FromWorker,
  ToWorker,
  UsersRequest,
  WorkerClaim,
  WorkerFigures,
  WorkerLabel,
  WorkerListener,
  WorkerStart,
} from './worker-messages.ts';

export interface WorkerPoolOptions {
  readonly log: Logger;
  /** Whether lines of the log for people are coloured. */
  readonly isColoured: boolean;
  /** Gets the lines of the log that a worker writes, each with its end. */
  readonly writeLine: (line: string) => void;
  /** Has all processes of the broker change users, groups and roles. @returns what is answered; @throws {Error} by rejection, for whoever asks */
  readonly changeUsers: (request: UsersRequest) => Promise<string>;
  /** How long workers that are to end in order may take, in milliseconds; then they are killed. */
  readonly stopMs: number;
  /** Of those that have links to each other. */
  readonly cluster: string;
  /** What only these know. */
  readonly secret: string;
  /** How many processes are kept that have begun nothing yet, so that the next workers are there sooner; none without it. */
  readonly spareCount?: () => number;
}

/** What is the worker's own of what it has to know. */
export type WorkerTask = Pick<
  WorkerStart,
  'label' | 'cell' | 'count' | 'epoch' | 'name' | 'node' | 'address' | 'witness'
> & { readonly isAhead?: boolean };

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

/** How a worker has ended. */
export interface WorkerEnd {
  /** The signal or the code. */
  readonly why: string;
  /** What it said when it could not begin. */
  readonly refusal: WorkerRefusal | null;
  /** What it said when its cell had another owner. */
  readonly taken: string | null;
  /** What is lost of its cell, so that it could not begin. */
  readonly loss: CellLoss | null;
  /** How long it has run, in milliseconds. */
  readonly ranMs: number;
}

/** Who has started a worker. */
export interface WorkerUser {
  onReady(listeners: readonly WorkerListener[]): void;
  /** What there is of its cell, which another node still has, was read. */
  onPrepared?(): void;
  /** Its cell may be had by another process; it ends. */
  onLeft?(): void;
  /** The engine has more of the log of its cell. */
  onWitness?(witness: Witness): void;
  /** Called once, when its process is over. */
  onEnd(end: WorkerEnd): void;
}

/** A process that runs, or has just ended. */
export class PooledWorker {
  readonly task: WorkerTask;
  readonly user: WorkerUser;
  readonly child: Child;
  readonly startedAt: number;
  #claim: WorkerClaim | null = null;
  /** Another node has its cell, and answers for it. */
  isPreparing: boolean;
  /** It has been told what it is to do: what is sent to it before, it doesn't hear. */
  hasBegun = false;
  isReady = false;
  /** It has prepared its cell, and waits until this node has claimed it. */
  isPrepared = false;
  refusal: WorkerRefusal | null = null;
  taken: string | null = null;
  loss: CellLoss | null = null;
  /** What it has said of itself last. */
  figures: WorkerFigures | null = null;
  /** What it has in force of what has to be the same on all nodes; null where it hasn't said so. */
  settings: Settings | null = null;
  /** Sockets that are on their way to it: if it ends first, nothing else closes them. */
  readonly given = new Set<Handle>();

  constructor(task: WorkerTask, user: WorkerUser, child: Child) {
    this.task = task;
    this.user = user;
    this.child = child;
    this.isPreparing = task.isAhead === true;
    this.startedAt = performance.now();
  }

  get label(): WorkerLabel {
    return this.task.label;
  }

  get pid(): number | null {
    return this.child.process.pid ?? null;
  }

  /** Tells it what it is to do, and what it could not hear before. */
  begin(...messages: readonly ToWorker[]): void {
    this.hasBegun = true;
    for (const message of messages) this.send(message);
    if (this.#claim !== null) this.send(this.#claim);
  }

  /** This node has claimed the cell that it prepares: it hears of that now, or when it begins. */
  claim(claim: WorkerClaim): void {
    this.isPreparing = false;
    if (this.hasBegun) this.send(claim);
    else this.#claim = claim;
  }

  send(message: ToWorker, handle?: Handle, onSent?: () => void): void {
    if (this.isHearing) send(this.child, message, handle, onSent);
  }

  get isHearing(): boolean {
    return this.hasBegun && this.child.isConnected();
  }

  /** Ends it at once. */
  kill(): void {
    this.child.process.kill('SIGKILL');
  }
}

/**
 * The processes of a broker that has several: starts them as it is told, passes sockets from one to another, collects what they log, and tells all of them
 * where the cells are. Which are to run, its caller decides.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Map<WorkerLabel, PooledWorker>();
  /** For the sockets between workers: only this user can open it. */
  readonly directory: string;
  readonly #followers = new Set<() => void>();
  #cells: readonly CellPlace[] = [];
  #isClosed = false;
  readonly #spares: Spare[] = [];
  #isStopping = false;
  #onEmpty: (() => void) | null = null;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.directory = mkdtempSync(join(tmpdir(), 'promptmq-'));
    // Each worker accepts by itself. What this process had accepted for a worker that is killed before it answers would stay open for ever.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({
      exec: process.argv[1] as string,
      args: process.argv.slice(2),
      silent: true,
    });
  }

  /** Those whose processes run. */
  get workers(): readonly PooledWorker[] {
    return [...this.#workers.values()];
  }

  /** Calls a listener whenever a worker serves, or does so no more. @returns what ends that */
  onChange(listener: () => void): () => void {
    this.#followers.add(listener);
    return () => void this.#followers.delete(listener);
  }

  of(label: WorkerLabel): PooledWorker | null {
    return this.#workers.get(label) ?? null;
  }

  /** @throws {Error} when one with this label runs */
  start(task: WorkerTask, user: WorkerUser): PooledWorker {
    const { label } = task;
    if (this.#workers.has(label)) throw new Error(`worker ${label} runs already`);
    // One that is there rather than one that still begins.
    const spare = this.#spares.find(({ isThere }) => isThere) ?? this.#spares[0];
    if (spare !== undefined) this.#dropSpare(spare);
    const { child, isThere } = spare ?? { child: this.#fork(), isThere: false };
    const worker = new PooledWorker(task, user, child);
    this.#workers.set(label, worker);
    child.on('message', (message: FromWorker, handle: unknown) =>
      this.#take(worker, message, handle as Handle | undefined),
    );
    child.on('exit', (code, signal) => this.#onExit(worker, signal ?? `code ${code}`));
    child.on('error', (error) =>
      this.#options.log.error('worker-failed', { worker: label, why: error.message }),
    );
    if (isThere) this.#begin(worker);
    return worker;
  }

  /**
   * Tells all workers where the cells are.
   *
   * @param isClosed - whether no client that connects is to be served
   */
  tell(cells: readonly CellPlace[], isClosed = false): void {
    this.#cells = cells;
    this.#isClosed = isClosed;
    this.#sendAll({ kind: 'cells', cells, isClosed });
  }

  /** Has all workers read the configuration again. */
  reload(cause: string): void {
    this.#sendAll({ kind: 'reload', cause });
  }

  /** Ends all workers in order, those that don't in time at once, and removes the folder; resolves when there are none any more. */
  async stop(signal: string): Promise<void> {
    this.#isStopping = true;
    this.#killSpares();
    this.#sendAll({ kind: 'stop', signal });
    const { stopMs, log } = this.#options;
    const timer = setTimeout(() => {
      for (const worker of this.workers) {
        log.error('worker-killed', { worker: worker.label, why: `not ended for ${stopMs} ms` });
        worker.kill();
      }
    }, stopMs);
    await this.#empty();
    clearTimeout(timer);
  }

  /** Ends all workers at once, and removes the folder; resolves when there are none any more. */
  async abandon(): Promise<void> {
    this.#isStopping = true;
    this.kill();
    await this.#empty();
  }

  /** Ends all workers at once. */
  kill(): void {
    this.#killSpares();
    for (const worker of this.#workers.values()) worker.kill();
  }

  async #empty(): Promise<void> {
    if (this.#workers.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  #fork(): Child {
    const child = cluster.fork();
    const { writeLine } = this.#options;
    splitLines(child.process.stdout, writeLine);
    splitLines(child.process.stderr, (line) => process.stderr.write(line));
    return child;
  }

  #killSpares(): void {
    for (const { child } of this.#spares) child.process.kill('SIGKILL');
  }

  #dropSpare(spare: Spare): void {
    const index = this.#spares.indexOf(spare);
    if (index !== -1) this.#spares.splice(index, 1);
    spare.leave();
  }

  /** Has processes begin that do nothing before they are needed; while others begin, they come first. */
  keepSpares(): void {
    const isBusy = this.workers.some(({ isReady, isPrepared }) => !isReady && !isPrepared);
    if (isBusy || this.#isStopping) return;
    const wanted = this.#options.spareCount?.() ?? 0;
    while (this.#spares.length < wanted) this.#addSpare();
  }

  #addSpare(): void {
    const child = this.#fork();
    const onMessage = ({ kind }: FromWorker) => {
      spare.isThere = kind === 'hello';
      if (spare.isThere) send(child, { kind: 'spare' });
    };
    // The next one follows when another worker begins.
    const onExit = () => this.#dropSpare(spare);
    const onError = () => {};
    const leave = () => {
      child.off('message', onMessage);
      child.off('exit', onExit);
      child.off('error', onError);
    };
    const spare: Spare = { child, isThere: false, leave };
    child.on('message', onMessage);
    child.on('exit', onExit);
    child.on('error', onError);
    this.#spares.push(spare);
  }

  #begin(worker: PooledWorker): void {
    const { task } = worker;
    const { isColoured, cluster: name, secret } = this.#options;
    const { directory } = this;
    worker.begin(
      {
        ...{ kind: 'start', isAhead: false, ...task },
        ...{ directory, cluster: name, secret, isColoured },
      },
      { kind: 'cells', cells: this.#cells, isClosed: this.#isClosed },
    );
  }

  #take(worker: PooledWorker, message: FromWorker, handle: Handle | undefined): void {
    switch (message.kind) {
      case 'hello':
        // It didn't hear that all are to stop, and has begun nothing.
        if (this.#isStopping) worker.kill();
        else this.#begin(worker);
        return;
      case 'ready':
        worker.isReady = true;
        worker.user.onReady(message.listeners);
        this.#changed();
        this.keepSpares();
        return;
      case 'prepared':
        worker.isPrepared = true;
        worker.user.onPrepared?.();
        this.keepSpares();
        return;
      case 'left':
        worker.user.onLeft?.();
        return;
      case 'refused':
        worker.refusal = new WorkerRefusal(message.why, message.isUsage);
        worker.loss = message.loss ?? null;
        return;
      case 'witness':
        worker.user.onWitness?.(message.witness);
        return;
      case 'taken':
        worker.taken = message.why;
        return;
      case 'figures':
        worker.figures = message.figures;
        worker.send({ kind: 'figures', others: this.#figuresBeside(worker) });
        return;
      case 'users':
        void this.#changeUsers(worker, message);
        return;
      case 'settings':
        worker.settings = message.settings;
        return;
      case 'give':
        this.#give(message, handle);
        return;
      default:
        message satisfies never;
    }
  }

  async #changeUsers(
    worker: PooledWorker,
    { number, request }: FromWorker & { kind: 'users' },
  ): Promise<void> {
    const answer = await this.#options.changeUsers(request).then(
      (response) => ({ response, why: '' }),
      (error: Error) => ({ response: null, why: error.message }),
    );
    worker.send({ kind: 'users', number, ...answer });
  }

  /** Passes a socket on; where its worker isn't there, its client is to connect again. */
  #give({ to, facts, read }: FromWorker & { kind: 'give' }, handle: Handle | undefined): void {
    if (handle === undefined) return;
    const worker = this.#workers.get(to);
    if (worker?.isHearing !== true) {
      handle.close();
      return;
    }
    worker.given.add(handle);
    send(worker.child, { kind: 'socket', facts, read }, handle, () => {
      worker.given.delete(handle);
      handle.close();
    });
  }

  #onExit(worker: PooledWorker, why: string): void {
    const { label, refusal, taken, loss, startedAt } = worker;
    worker.isReady = false;
    this.#workers.delete(label);
    for (const handle of worker.given) handle.close();
    worker.given.clear();
    worker.user.onEnd({ why, refusal, taken, loss, ranMs: performance.now() - startedAt });
    this.#changed();
    if (this.#workers.size > 0) return;
    this.#onEmpty?.();
    this.#onEmpty = null;
  }

  #figuresBeside(worker: PooledWorker): WorkerFigures[] {
    const others = this.workers.filter((one) => one !== worker);
    return others.map(({ figures }) => figures).filter((figures) => figures !== null);
  }

  #changed(): void {
    for (const follower of [...this.#followers]) follower();
  }

  #sendAll(message: ToWorker): void {
    for (const worker of this.#workers.values()) worker.send(message);
  }
}

/** A process that has no work yet. */
interface Spare {
  readonly child: Child;
  /** It waits for what it is to do. */
  isThere: boolean;
  /** Nobody here hears of it any more. */
  leave(): void;
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
