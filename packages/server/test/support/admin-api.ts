import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { AdminServer } from '../../src/admin/index.ts';
import {
  type BrokerSeams,
  openBroker,
  parseEmbeddedConfig,
} from '../../src/embed/create-broker.ts';
import type { BrokerExtras, ConfigInput, RunningBroker } from '../../src/index.ts';

export interface ApiAnswer {
  readonly status: number | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  readonly body: any;
}

/** A broker with its Unix domain socket, and what is asked there. */
export class AdminApi implements AsyncDisposable {
  readonly broker: RunningBroker;
  readonly socketPath: string;
  readonly #admin: AdminServer;
  readonly #folder: string;

  private constructor(broker: RunningBroker, admin: AdminServer, folder: string) {
    this.broker = broker;
    this.socketPath = join(folder, 'admin.sock');
    this.#admin = admin;
    this.#folder = folder;
  }

  /** @param seams - such as a clock that the test advances */
  static async open(
    options: ConfigInput = {},
    extras: BrokerExtras = {},
    seams: BrokerSeams = {},
  ): Promise<AdminApi> {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-api-'));
    const server = { wsBind: 'none', ...options.server };
    const config = parseEmbeddedConfig({ ...options, server });
    const { running } = await openBroker(config, extras, seams);
    const admin = await AdminServer.start(running, join(folder, 'admin.sock'));
    return new AdminApi(running, admin, folder);
  }

  get = (path: string) => this.ask('GET', path);
  delete = (path: string) => this.ask('DELETE', path);
  post = (path: string, body?: unknown) => this.ask('POST', path, body);

  /** @param path - below `/api/v5`, sent as it is */
  ask(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const { socketPath } = this;
    return new Promise((resolve, reject) => {
      const asked = request(
        { socketPath, method, path: `/api/v5${path}`, agent: false },
        (answer) => {
          text(answer).then((read) => {
            resolve({ status: answer.statusCode, body: read === '' ? null : JSON.parse(read) });
          }, reject);
        },
      );
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close();
    await this.broker.stop();
    rmSync(this.#folder, { recursive: true });
  }
}
