import type { KV, KvEntry } from '@nats-io/kv';
import type { MapListener } from '../engine.ts';

/** A watch that broke begins again after this time, in milliseconds. */
const RETRY_MS = 500;

/** What was put comes back by the watch within this time, in milliseconds, as long as the server that has the watch is there. */
const BEHIND_MS = 1_000;
/** So long it is waited for after the watch has begun again and again without anything. */
const BEHIND_MS_MAX = 8_000;

/** What a watch needs of the bucket and of time. */
export interface WatchHost {
  readonly bucket: Pick<KV, 'watch'>;
  /** Calls back once; the returned function prevents it. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/**
 * One watch, which begins again when it breaks. The server that has it may be lost, and the client library finds that after more than ten seconds: so
 * it begins again, too, when something that was put does not come back.
 */
export class NatsWatch {
  readonly #host: WatchHost;
  readonly #prefix: string;
  readonly #onChange: MapListener;
  /** Revisions that were passed on, by key. */
  readonly #seen = new Map<string, number>();
  /** The highest that has come, of any key. */
  #highest = 0;
  /** That has to come; 0 while nothing is waited for. */
  #awaited = 0;
  #behindMs = BEHIND_MS;
  #cancelTimer = () => {};
  #isEnded = false;
  /** It is to begin again at once. */
  #isBehind = false;
  #stop = () => {};

  constructor(host: WatchHost, prefix: string, onChange: MapListener) {
    this.#host = host;
    this.#prefix = prefix;
    this.#onChange = onChange;
  }

  async run(): Promise<void> {
    while (!this.#isEnded) {
      try {
        const entries = await this.#host.bucket.watch({ key: '>' });
        this.#isBehind = false;
        this.#stop = () => entries.stop();
        if (this.#isEnded) entries.stop();
        for await (const entry of entries) this.#pass(entry);
      } catch {
        // It begins again below, with the last value of each key.
      }
      if (this.#isEnded) return;
      if (this.#isBehind) continue;
      await new Promise<void>((resolve) => {
        const cancel = this.#host.setTimer(RETRY_MS, resolve);
        this.#stop = () => {
          cancel();
          resolve();
        };
      });
    }
  }

  /** Something was put with this revision: it has to come. */
  expect(revision: number): void {
    if (this.#isEnded || revision <= this.#highest || this.#awaited > 0) return;
    this.#awaited = revision;
    this.#wait();
  }

  end(): void {
    this.#isEnded = true;
    this.#cancelTimer();
    this.#stop();
  }

  #wait(): void {
    this.#cancelTimer = this.#host.setTimer(this.#behindMs, () => {
      this.#behindMs = Math.min(2 * this.#behindMs, BEHIND_MS_MAX);
      this.#isBehind = true;
      this.#stop();
      this.#wait();
    });
  }

  #pass({ key, operation, value, revision }: KvEntry): void {
    if (this.#isEnded) return;
    this.#noteCome(revision);
    if (!key.startsWith(this.#prefix)) return;
    const seen = this.#seen.get(key);
    if (seen !== undefined && seen >= revision) return;
    if (operation === 'PUT') {
      this.#seen.set(key, revision);
      this.#onChange(key, value, revision);
    } else if (seen !== undefined) {
      this.#seen.set(key, revision);
      this.#onChange(key, null, revision);
    }
  }

  #noteCome(revision: number): void {
    this.#highest = Math.max(this.#highest, revision);
    if (this.#awaited === 0 || this.#highest < this.#awaited) return;
    this.#awaited = 0;
    this.#behindMs = BEHIND_MS;
    this.#cancelTimer();
  }
}
