import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cellOf } from '@promptmq/cluster';
import { Admin, type AdminProcess } from '../../src/admin/admin.ts';
import { AdminServer } from '../../src/admin/index.ts';
import {
  followTargetIn,
  mergedOperations,
  PROCESS_OPERATIONS,
  type ServingProcess,
  type ServingProcesses,
} from '../../src/admin/processes/index.ts';
import type { ConfigInput } from '../../src/config/index.ts';
import { createBroker } from '../../src/embed/create-broker.ts';
import type { RunningBroker } from '../../src/embed/running-broker.ts';
import { LogTail, noopLogger, tailed } from '../../src/log/index.ts';
import { createStats } from '../../src/runtime/stats.ts';
import { ApiSocket } from './api-broker.ts';
import { TestClient } from './mqtt-client.ts';

const CELLS = 2;

/**
 * Two brokers without links, and the API over both, as if each were a process: what is published in one of them stays there.
 */
export class ApiProcesses extends ApiSocket implements ServingProcesses {
  readonly brokers: readonly RunningBroker[];
  readonly tails: readonly LogTail[];
  readonly cellCount = CELLS;
  haveAllListeners = true;
  serving: readonly ServingProcess[];
  readonly #folder: string;
  readonly #all: readonly ServingProcess[];
  readonly #listeners = new Set<() => void>();
  readonly #clients: TestClient[] = [];
  #close: () => Promise<void> = async () => {};

  private constructor(
    folder: string,
    brokers: readonly RunningBroker[],
    tails: readonly LogTail[],
  ) {
    super(join(folder, 'admin.sock'));
    this.#folder = folder;
    this.brokers = brokers;
    this.tails = tails;
    this.#all = brokers.map((_, cell) => ({
      name: this.nameOf(cell),
      cell,
      at: { socketPath: socketOf(folder, cell) },
    }));
    this.serving = this.#all;
  }

  static async start(
    options: Omit<ConfigInput, 'storage'> = {},
    process: AdminProcess = {},
  ): Promise<ApiProcesses> {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-processes-'));
    const brokers: RunningBroker[] = [];
    const closes: (() => Promise<void>)[] = [];
    const tails: LogTail[] = [];
    for (let cell = 0; cell < CELLS; cell++) {
      const storage = {
        dataDir: join(folder, `data-${cell}`),
        walDir: join(folder, `wal-${cell}`),
      };
      const logTail = new LogTail(() => 100);
      const logger = tailed({ ...noopLogger, isEnabled: () => true } as never, logTail);
      const broker = await createBroker({ ...options, storage }, { logger });
      const admin = await Admin.start(broker, noopLogger, {
        logTail,
        furtherOperations: PROCESS_OPERATIONS,
      });
      const server = await AdminServer.serveProcess(admin, socketOf(folder, cell), () => {});
      brokers.push(broker);
      tails.push(logTail);
      closes.push(async () => {
        await Promise.all([server.close(), admin.close()]);
        await broker.stop();
      });
    }
    const self = new ApiProcesses(folder, brokers, tails);
    const admin = await Admin.startOf(
      {
        config: structuredClone((brokers[0] as RunningBroker).config),
        stats: createStats().admin,
        followTarget: followTargetIn(self),
        serve: (host) => ({ operations: mergedOperations(self), host }),
      },
      noopLogger,
      process,
    );
    const server = await AdminServer.serve(admin, self.socketPath, () => {});
    self.#close = async () => {
      await Promise.all([server.close(), admin.close()]);
      await Promise.all(closes.map((close) => close()));
    };
    return self;
  }

  nameOf(cell: number): string {
    return `worker ${cell}`;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Only these serve from now on, by cell. A process that comes back is another one. */
  serve(...cells: readonly number[]): void {
    this.serving = cells.map((cell) => {
      const known = this.serving.find((one) => one.cell === cell);
      return known ?? { ...(this.#all[cell] as ServingProcess) };
    });
    for (const listener of this.#listeners) listener();
  }

  /** @returns an identifier that begins so, of a client of the cell */
  idOf(cell: number, name: string): string {
    for (let number = 0; ; number++) {
      const id = `${name}-${number}`;
      if (cellOf(id, CELLS) === cell) return id;
    }
  }

  /** Connects a client to the process that its identifier falls to. */
  async client(
    clientId: string,
    options: Parameters<typeof TestClient.connect>[1] = {},
  ): Promise<TestClient> {
    const broker = this.brokers[cellOf(clientId, CELLS)] as RunningBroker;
    const terms = { protocolVersion: 5, clientId, ...options } as const;
    const client = await TestClient.connect(broker.url as string, terms);
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.mqtt.end(true);
    await this.#close();
    rmSync(this.#folder, { recursive: true });
  }
}

function socketOf(folder: string, cell: number): string {
  return join(folder, `admin-${cell}.sock`);
}
