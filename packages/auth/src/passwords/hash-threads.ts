import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { HASH_PROGRAM } from './hash-program.ts';
import {
  formatScryptHash,
  HASH_SIZE,
  type HashCost,
  type PasswordHash,
  SALT_SIZE,
  SCRYPT_COST,
} from './password-hash.ts';

/** How long a thread that has nothing to do is kept: starting one takes some 30 ms. */
const IDLE_MS = 10_000;

/** Of hashes that are made for their work only. */
const NO_SALT = new Uint8Array(SALT_SIZE);

/** What a check found, and how many hashes were made for it. */
export interface Verification {
  readonly isRight: boolean;
  readonly count: number;
}

/** What a thread is to make: as `HASH_PROGRAM` reads it. */
interface Target {
  readonly cost: HashCost;
  readonly salt: Uint8Array;
  readonly size: number;
  readonly hash: Uint8Array | null;
  /** Where the library is that makes it; null where Node does. */
  readonly library: string | null;
}

type Answer = Verification | { readonly key: Uint8Array } | { readonly error: string };

interface Job {
  readonly resolve: (answer: Exclude<Answer, { readonly error: string }>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Hashes passwords in threads of its own. Node's threads are those of the log's files, too: hashes that take 60 ms each
 * would hold back its syncs.
 */
export class HashThreads {
  /** Threads that have nothing to do; the last one did something last. */
  readonly #idle: HashThread[];
  /** All that run. */
  readonly #running: Set<HashThread>;
  #isClosed: boolean;

  constructor() {
    this.#idle = [];
    this.#running = new Set();
    this.#isClosed = false;
  }

  /**
   * Whether a password is the one that was hashed; takes as long when it isn't.
   *
   * @param password - copied before this returns
   * @param others - hashes of these costs are made, too, when it isn't
   */
  async verify(
    password: Uint8Array,
    kept: PasswordHash,
    others: readonly HashCost[] = [],
  ): Promise<Verification> {
    const { cost, salt, hash } = kept;
    const answer = await this.#ask(password, [
      target(cost, salt, hash.length, hash),
      ...others.map((other) => target(other, NO_SALT, HASH_SIZE, null)),
    ]);
    if (!('isRight' in answer)) throw new Error('a thread answered what it was not asked');
    return answer;
  }

  /**
   * Hashes a password for a password file, as `$scrypt$ln=15,r=8,p=1$SALT$HASH`.
   *
   * @param password - copied before this returns
   */
  async hash(password: Uint8Array): Promise<string> {
    const salt = randomBytes(SALT_SIZE);
    const answer = await this.#ask(password, [target(SCRYPT_COST, salt, HASH_SIZE, null)]);
    if (!('key' in answer)) throw new Error('a thread answered what it was not asked');
    return formatScryptHash(salt, answer.key);
  }

  /** Ends the threads, those that are at work when they are done; resolves when there are none. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const thread of this.#idle.splice(0)) thread.end();
    await Promise.all([...this.#running].map(({ ended }) => ended));
  }

  /** Threads that there are. */
  get count(): number {
    return this.#running.size;
  }

  async #ask(password: Uint8Array, targets: readonly Target[]) {
    const thread = this.#idle.pop() ?? this.#start();
    try {
      return await thread.ask(password, targets);
    } finally {
      if (this.#isClosed) thread.end();
      else if (thread.isRunning) this.#rest(thread);
    }
  }

  #start(): HashThread {
    const thread = new HashThread((ended) => this.#forget(ended));
    this.#running.add(thread);
    return thread;
  }

  #rest(thread: HashThread): void {
    this.#idle.push(thread);
    thread.endAfter(IDLE_MS);
  }

  #forget(thread: HashThread): void {
    this.#running.delete(thread);
    const index = this.#idle.indexOf(thread);
    if (index >= 0) this.#idle.splice(index, 1);
  }
}

/** Hashes a password for a password file, in a thread that ends then: `HashThreads` is for many. */
export async function hashPassword(password: string | Uint8Array): Promise<string> {
  const threads = new HashThreads();
  try {
    return await threads.hash(Buffer.from(password));
  } finally {
    await threads.close();
  }
}

function target(cost: HashCost, salt: Uint8Array, size: number, hash: Uint8Array | null): Target {
  const isLibrarys = cost.algorithm === 'argon2id' || cost.algorithm === 'bcrypt';
  // Copies of their own: what is sent would otherwise be the whole buffers that they lie in.
  return {
    cost,
    salt: Uint8Array.from(salt),
    size,
    hash: hash === null ? null : Uint8Array.from(hash),
    library: isLibrarys ? createRequire(import.meta.url).resolve('hash-wasm') : null,
  };
}

/** One thread, which does one thing at a time, and keeps the process running while it does. */
class HashThread {
  readonly #worker: Worker;
  #job: Job | null;
  #timer: NodeJS.Timeout | null;
  isRunning: boolean;
  readonly ended: Promise<void>;

  constructor(onEnded: (thread: HashThread) => void) {
    this.#job = null;
    this.#timer = null;
    this.isRunning = true;
    this.#worker = new Worker(HASH_PROGRAM, { eval: true, env: {}, execArgv: [] });
    this.#worker.on('message', (answer: Answer) => {
      const job = this.#take();
      if ('error' in answer) job?.reject(new Error(answer.error));
      else job?.resolve(answer);
    });
    this.#worker.on('error', (error) => this.#take()?.reject(error));
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.isRunning = false;
        this.#take()?.reject(new Error('the thread that hashes passwords has ended'));
        onEnded(this);
        resolve();
      });
    });
    this.#worker.unref();
  }

  ask(
    password: Uint8Array,
    targets: readonly Target[],
  ): Promise<Exclude<Answer, { readonly error: string }>> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    return new Promise((resolve, reject) => {
      this.#job = { resolve, reject };
      const copy = Uint8Array.from(password);
      this.#worker.ref();
      this.#worker.postMessage({ password: copy, targets }, [copy.buffer]);
    });
  }

  endAfter(delayMs: number): void {
    this.#timer = setTimeout(() => this.end(), delayMs);
    this.#timer.unref();
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#worker.ref();
    void this.#worker.terminate();
  }

  #take(): Job | null {
    const job = this.#job;
    this.#job = null;
    this.#worker.unref();
    return job;
  }
}
