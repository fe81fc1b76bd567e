import { timingSafeEqual } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { type PasswordHash, scryptOptions } from './password.ts';

/** How long a thread that has nothing to do is kept: starting one takes some 30 ms. */
const IDLE_MS = 10_000;

/**
 * What a thread runs. It has the lowest priority, where threads have one of their own: the broker and its log come
 * first. As text, because there is no file that both the sources and the build could name.
 */
const PROGRAM = `
const { parentPort } = require('node:worker_threads');
const { scryptSync } = require('node:crypto');
const os = require('node:os');
if (process.platform === 'linux') {
  try { os.setPriority(0, os.constants.priority.PRIORITY_LOW); } catch {}
}
parentPort.on('message', ({ password, salt, size, options }) => {
  try {
    parentPort.postMessage({ key: scryptSync(password, salt, size, options) });
  } catch (error) {
    parentPort.postMessage({ error: String(error) });
  }
  password.fill(0);
});
`;

type Answer = { readonly key: Uint8Array } | { readonly error: string };

interface Job {
  readonly resolve: (key: Uint8Array) => void;
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

  /** Whether a password is the one that was hashed; takes as long when it isn't. */
  async verify(password: Uint8Array, kept: PasswordHash): Promise<boolean> {
    const thread = this.#idle.pop() ?? this.#start();
    try {
      return timingSafeEqual(await thread.derive(password, kept), kept.hash);
    } finally {
      if (this.#isClosed) thread.end();
      else if (thread.isRunning) this.#rest(thread);
    }
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

/** One thread, which does one thing at a time and doesn't keep the process running. */
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
    this.#worker = new Worker(PROGRAM, { eval: true, env: {}, execArgv: [] });
    this.#worker.on('message', (answer: Answer) => {
      const job = this.#take();
      if ('error' in answer) job?.reject(new Error(answer.error));
      else job?.resolve(answer.key);
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

  derive(password: Uint8Array, kept: PasswordHash): Promise<Uint8Array> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    return new Promise((resolve, reject) => {
      this.#job = { resolve, reject };
      // A copy of its own: what is sent would otherwise be the whole buffer that the password came in.
      const copy = Uint8Array.from(password);
      this.#worker.postMessage(
        {
          password: copy,
          salt: Uint8Array.from(kept.salt),
          size: kept.hash.length,
          options: scryptOptions(kept),
        },
        [copy.buffer],
      );
    });
  }

  endAfter(delayMs: number): void {
    this.#timer = setTimeout(() => this.end(), delayMs);
    this.#timer.unref();
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    void this.#worker.terminate();
  }

  #take(): Job | null {
    const job = this.#job;
    this.#job = null;
    return job;
  }
}
