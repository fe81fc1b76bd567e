import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBroker, type RunningBroker } from '../../src/index.ts';

/** A broker with its log in a folder of its own, and the same ports after each restart. */
export class RestartableBroker {
  readonly #folder = mkdtempSync(join(tmpdir(), 'promptmq-interop-'));
  #broker!: RunningBroker;
  port = '0';
  wsPort = '0';

  async start(): Promise<void> {
    this.#broker = await createBroker({
      server: { bind: `127.0.0.1:${this.port}`, wsBind: `127.0.0.1:${this.wsPort}` },
      storage: { dataDir: join(this.#folder, 'data'), walDir: join(this.#folder, 'wal') },
    });
    this.port = new URL(`${this.#broker.url}`).port;
    this.wsPort = new URL(`${this.#broker.wsUrl}`).port;
  }

  get url(): string {
    return `${this.#broker.url}`;
  }

  async restart(): Promise<void> {
    await this.stopAlone();
    await this.start();
  }

  /** Stops so that it can be started again. */
  async stopAlone(): Promise<void> {
    await this.#broker.stop();
  }

  async stop(): Promise<void> {
    await this.stopAlone();
    rmSync(this.#folder, { recursive: true });
  }
}
