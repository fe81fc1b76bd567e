import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Admin, type AdminProcess } from '../../src/admin/admin.ts';
import { AdminServer } from '../../src/admin/index.ts';
import type { ConfigInput } from '../../src/config/index.ts';
import { createBroker } from '../../src/embed/create-broker.ts';
import type { RunningBroker } from '../../src/embed/running-broker.ts';
import { type Logger, noopLogger } from '../../src/log/index.ts';
import { TestClient } from './mqtt-client.ts';

export interface ApiAnswer<T> {
  readonly status: number;
  readonly body: T;
}

/** An event as Server-Sent Events have it. */
export interface SentEvent<T = Record<string, unknown>> {
  readonly name: string;
  readonly id: string | null;
  readonly data: T;
}

/** The API on a Unix domain socket. */
export class ApiSocket {
  readonly socketPath: string;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  get<T = unknown>(path: string): Promise<ApiAnswer<T>> {
    return this.ask('GET', path);
  }

  post<T = unknown>(path: string, body?: unknown): Promise<ApiAnswer<T>> {
    return this.ask('POST', path, body);
  }

  async ask<T>(method: string, path: string, body?: unknown): Promise<ApiAnswer<T>> {
    const response = await this.open(method, path, body);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return {
      status: response.statusCode as number,
      body: (text === '' ? undefined : JSON.parse(text)) as T,
    };
  }

  /** @returns the answer when it has begun */
  open(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          socketPath: this.socketPath,
          method,
          path: `/api/v5${path}`,
          headers: { 'content-type': 'application/json', ...headers },
          agent: false,
        },
        resolve,
      );
      asked.on('error', reject);
      asked.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
    });
  }

  /** Opens a stream of events; resolves when it has begun. */
  async events(path: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const response = await this.open('GET', path, undefined, headers);
    if (response.statusCode !== 200) throw new Error(`${path} is answered ${response.statusCode}`);
    return new EventReader(response);
  }
}

/** A broker with its API on a Unix domain socket. */
export class ApiBroker extends ApiSocket {
  readonly broker: RunningBroker;
  readonly folder: string;
  readonly #closeApi: () => Promise<void>;
  readonly #clients: TestClient[] = [];

  private constructor(broker: RunningBroker, folder: string, closeApi: () => Promise<void>) {
    super(join(folder, 'admin.sock'));
    this.broker = broker;
    this.folder = folder;
    this.#closeApi = closeApi;
  }

  /** @param options - of the broker, which has a log where it is told so (`storage: 'on'`) */
  static async start(
    { storage, ...options }: Omit<ConfigInput, 'storage'> & { storage?: 'on' } = {},
    log: Logger = noopLogger,
    process: AdminProcess = {},
  ): Promise<ApiBroker> {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-api-'));
    const broker = await createBroker({
      ...options,
      ...(storage === 'on'
        ? { storage: { dataDir: join(folder, 'data'), walDir: join(folder, 'wal') } }
        : {}),
    });
    const admin = await Admin.start(broker, log, process);
    const server = await AdminServer.start(broker, join(folder, 'admin.sock'), () => {}, admin);
    return new ApiBroker(broker, folder, async () => {
      await Promise.all([server.close(), admin.close()]);
    });
  }

  async client(options: Parameters<typeof TestClient.connect>[1] = {}): Promise<TestClient> {
    const client = await TestClient.connect(this.broker.url as string, {
      protocolVersion: 5,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** Closes the API first, as the command does. */
  async stop(): Promise<void> {
    await this.#closeApi();
    for (const client of this.#clients) client.mqtt.end(true);
    await this.broker.stop();
    rmSync(this.folder, { recursive: true });
  }

  closeApi(): Promise<void> {
    return this.#closeApi();
  }
}

/** Reads events one at a time. */
export class EventReader {
  readonly response: IncomingMessage;
  #text = '';
  #chunks: AsyncIterator<string> | null = null;

  constructor(response: IncomingMessage) {
    this.response = response;
    response.on('error', () => {});
  }

  async next<T = Record<string, unknown>>(): Promise<SentEvent<T>> {
    this.#chunks ??= this.response.setEncoding('utf8')[Symbol.asyncIterator]();
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end !== -1) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        // Comments.
        if (block.startsWith(':')) continue;
        const field = (name: string) =>
          block
            .split('\n')
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2) ?? null;
        return {
          name: field('event') as string,
          id: field('id'),
          data: JSON.parse(field('data') as string) as T,
        };
      }
      const { value, done } = await this.#chunks.next();
      if (done) throw new Error('the stream has ended');
      this.#text += value;
    }
  }

  async nextOf<T = Record<string, unknown>>(name: string): Promise<SentEvent<T>> {
    for (;;) {
      const event = await this.next<T>();
      if (event.name === name) return event;
    }
  }

  close(): void {
    this.response.destroy();
  }
}
