import { once } from 'node:events';
import type { Client } from 'pg';
import type { SetPostgresOptions } from './postgres-options.ts';
import { connectToPrimary, type PostgresModule, type Succession } from './primary.ts';

/** Before it connects again, in milliseconds. */
const RETRY_MS = 1_000;

/** How often a connection is asked whether it is one still, in milliseconds. */
const PING_MS = 5_000;

/**
 * What the server says of its own accord: that the map has changed. There is a connection for it while anybody follows. What is changed while there is none isn't
 * told: who follows has to look by itself as well.
 */
export class PostgresNotices {
  readonly #module: PostgresModule;
  readonly #options: SetPostgresOptions;
  readonly #succession: Succession;
  readonly #channel: string;
  readonly #followers = new Set<() => void>();
  #isRunning = false;
  #isListening = false;
  #wake = () => {};

  /** @param channel - of NOTIFY */
  constructor(
    module: PostgresModule,
    options: SetPostgresOptions,
    succession: Succession,
    channel: string,
  ) {
    this.#module = module;
    this.#options = options;
    this.#succession = succession;
    this.#channel = channel;
  }

  /** Whether changes are told, as far as is known. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /**
   * @param onNotice - called when something has changed, and when something may have
   * @returns ends it
   */
  follow(onNotice: () => void): () => void {
    this.#followers.add(onNotice);
    if (!this.#isRunning) void this.#run();
    return () => {
      this.#followers.delete(onNotice);
      if (this.#followers.size === 0) this.#wake();
    };
  }

  close(): void {
    this.#followers.clear();
    this.#wake();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#followers.size > 0) {
      await this.#listen().catch(() => {});
      this.#isListening = false;
      if (this.#followers.size > 0) await this.#pause(RETRY_MS);
    }
    this.#isRunning = false;
  }

  /** Until the connection breaks, or nobody follows any more. */
  async #listen(): Promise<void> {
    const { client, branch } = await connectToPrimary(
      this.#module,
      this.#options,
      this.#succession,
      async () => null,
    );
    let isEnded = false;
    client.once('end', () => {
      isEnded = true;
      this.#wake();
    });
    client.on('notification', () => this.#tell());
    try {
      await client.query(`listen ${this.#channel}`);
      this.#isListening = true;
      // What changed before is told to nobody.
      this.#tell();
      while (!isEnded && this.#followers.size > 0) {
        await this.#pause(PING_MS);
        if (isEnded || this.#succession.whyOutdated(branch) !== null) return;
        await client.query('select 1');
      }
    } finally {
      await end(client);
    }
  }

  #tell(): void {
    for (const onNotice of [...this.#followers]) onNotice();
  }

  /** Until some time has passed, or something has happened. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** A server that doesn't answer isn't waited for. */
async function end(client: Client): Promise<void> {
  const { stream } = client.connection;
  if (stream.destroyed) return;
  const closed = once(stream, 'close');
  stream.destroy();
  await closed;
}
