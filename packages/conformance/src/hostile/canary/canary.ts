import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { CanaryMessage, CanaryOptions, CanaryReport } from './messages.ts';

/** What is built, as a thread can't run the sources; the same place from `src` and from `dist`. */
const thread = new URL('../../../dist/hostile/canary/thread.js', import.meta.url);

/** A client in a thread of its own that is served all the time, or isn't. */
export class Canary {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** @throws when the broker doesn't serve it */
  static async start(options: CanaryOptions): Promise<Canary> {
    const worker = new Worker(thread, { workerData: options });
    const refused = new AbortController();
    const timer = setTimeout(() => refused.abort(), 10_000);
    try {
      await once(worker, 'message', { signal: refused.signal });
      return new Canary(worker);
    } catch (error) {
      await worker.terminate();
      if (!refused.signal.aborted) throw error;
      throw new Error('a client that does nothing wrong is not served', { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** What it reports of begins here. */
  mark(): void {
    this.#worker.postMessage('mark');
  }

  /** What it saw since the mark, after one more round trip. */
  async report(): Promise<CanaryReport> {
    this.#worker.postMessage('report');
    const [message] = (await once(this.#worker, 'message')) as [CanaryMessage];
    return message as CanaryReport;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
