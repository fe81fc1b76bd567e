import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../support/free-port.ts';

/** It starts in moments, and looks every few seconds whether it should connect to another broker again. */
const WAIT_MS_MAX = 30_000;

/** A mosquitto of its own on a free loopback port, that logs each packet. */
export class MosquittoBroker {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'promptmq-mosquitto-'));
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #said: string[] = [];
  #waitedFor = 0;
  #wake: () => void = () => {};

  private constructor(port: number, configuration: readonly string[]) {
    this.port = port;
    const file = join(this.#folder, 'mosquitto.conf');
    // As root it would become another user, who may not read the folder.
    const user = process.getuid?.() === 0 ? ['user root'] : [];
    const listener = [`listener ${port} 127.0.0.1`, 'allow_anonymous true'];
    writeFileSync(file, `${[...user, ...listener, ...configuration].join('\n')}\n`);
    this.#child = spawn('mosquitto', ['-v', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#closed = once(this.#child, 'close');
    const lines = createInterface({ input: this.#child.stderr as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      this.#said.push(line);
      this.#wake();
    });
    lines.on('close', () => {
      this.#said.push('ended');
      this.#wake();
    });
  }

  /** @param configuration - more lines of its file */
  static async start(configuration: readonly string[]): Promise<MosquittoBroker> {
    const mosquitto = new MosquittoBroker(await freePort(), configuration);
    await mosquitto.says(/ running$/);
    return mosquitto;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Waits for a line after the one that was waited for last. */
  async says(pattern: RegExp): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, WAIT_MS_MAX);
    for (;;) {
      const index = this.#said.findIndex((line, at) => at >= this.#waitedFor && pattern.test(line));
      if (index >= 0) {
        this.#waitedFor = index + 1;
        clearTimeout(timer);
        return;
      }
      if (isLate || this.#said.at(-1) === 'ended') {
        throw new Error(`waited for ${pattern}; mosquitto said:\n${this.#said.join('\n')}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#closed;
    rmSync(this.#folder, { recursive: true });
  }
}
