import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ConfigInput } from '../../src/config/index.ts';

const script = join(import.meta.dirname, '../../../../scripts/index.js');

/** Where a broker's process kills itself; scripts/crash/dying-files.ts says what the fields mean. */
export interface KillPoint {
  readonly name: string;
  readonly phase: 'recovery' | 'serving' | 'compaction' | 'any';
  readonly operation: string;
  readonly when: 'before' | 'middle' | 'after';
  readonly count: number;
}

export interface BrokerConfig {
  readonly options: ConfigInput;
  /** Sizes below those that a configuration may have. */
  readonly small: { readonly wal: object; readonly compaction: object };
}

interface FromBroker {
  readonly url?: string;
  readonly recoveryMs?: number;
  readonly ping?: number;
  readonly error?: string;
  readonly fields?: object;
}

/** A broker in a process of its own, which is killed sooner or later. */
export class BrokerProcess {
  readonly #child: ChildProcess;
  readonly exited: Promise<void>;
  hasExited = false;
  /** What it logged as errors. */
  readonly errors: string[] = [];
  #stderr = '';
  #pings = 0;
  readonly #onPong = new Map<number, () => void>();
  #onUrl: (message: FromBroker) => void = () => {};

  constructor() {
    this.#child = fork(script, ['crash/broker'], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child.stderr?.on('data', (text) => {
      this.#stderr += text;
    });
    this.#child.on('message', (message: FromBroker) => this.#onMessage(message));
    this.exited = once(this.#child, 'exit').then(() => {
      this.hasExited = true;
    });
  }

  #onMessage(message: FromBroker): void {
    if (message.url !== undefined) this.#onUrl(message);
    if (message.ping !== undefined) this.#onPong.get(message.ping)?.();
    if (message.error !== undefined) {
      this.errors.push(`${message.error} ${JSON.stringify(message.fields)}`);
    }
  }

  /**
   * Has it serve.
   *
   * @returns where, and how long it took to get there; null when it died on the way
   */
  async start(
    { options, small }: BrokerConfig,
    point: KillPoint | null,
  ): Promise<{ url: string; recoveryMs: number } | null> {
    const started = new Promise<FromBroker>((resolve) => {
      this.#onUrl = resolve;
    });
    this.#child.send({ start: { options, small, point } });
    const message = await Promise.race([started, this.exited]);
    if (!message) return null;
    return { url: message.url as string, recoveryMs: message.recoveryMs as number };
  }

  /** Whether it continues after everything that it has done so far. */
  async isAlive(): Promise<boolean> {
    if (this.hasExited || !this.#child.connected) return false;
    const ping = this.#pings++;
    const answered = new Promise<boolean>((resolve) => {
      this.#onPong.set(ping, () => resolve(true));
    });
    this.#child.send({ ping }, () => {});
    const isAlive = await Promise.race([answered, this.exited.then(() => false)]);
    this.#onPong.delete(ping);
    return isAlive;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Why it ended, if it wasn't killed; null if it was. */
  get failure(): string | null {
    const { exitCode } = this.#child;
    return exitCode === null ? null : `the broker ended with ${exitCode}: ${this.#stderr}`;
  }
}
