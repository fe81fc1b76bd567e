import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { APP, NatsCluster } from '../../../cluster/test/support/nats-cluster.ts';
import { otherProgram } from '../../../cluster/test/support/other-programs.ts';
import { PostgresServer, postgresPrograms } from '../../../cluster/test/support/postgres-server.ts';
import { clientIdOf } from '../support/client-ids.ts';
import { Command } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { connected, endClients, STORED, until, untilItServes } from './node-clients.ts';
import { TestNodes } from './node-cluster.ts';

// Processes start in seconds on a busy machine.
jest.setTimeout(400_000);

const CELLS = 2;

interface TestEngine {
  /** Options of a node. */
  readonly args: readonly string[];
  stop(): Promise<void>;
}

const nats = otherProgram('nats-server 2.15.1');
const programs = postgresPrograms();

if (nats.missing !== null) test.skip(`servers of NATS: ${nats.missing}`, () => {});
else describe('from a single broker to nodes on NATS', () => testImport(onNats));

if (programs === null) {
  test.skip('a server of PostgreSQL: not installed; `node scripts clients` installs it, as root', () => {});
} else {
  describe('from a single broker to nodes on PostgreSQL', () =>
    testImport(() => onPostgres(programs)));
}

async function onNats(): Promise<TestEngine> {
  const servers = await NatsCluster.start({ command: nats.command });
  const args = [
    ...['--cluster-engine-url', servers.urls.join(',')],
    ...['--cluster-engine-credentials', `${APP.user}:${APP.password}`],
    ...['--cluster-engine-monitors', servers.monitors.join(',')],
  ];
  return { args, stop: () => servers.stop() };
}

async function onPostgres(folder: string): Promise<TestEngine> {
  const server = await PostgresServer.start(folder);
  const args = [
    ...['--cluster-engine', 'postgres', '--cluster-engine-url', server.url],
    ...['--cluster-replicas', '1'],
  ];
  return { args, stop: () => server.stop() };
}

function testImport(start: () => Promise<TestEngine>): void {
  const cells = Array.from({ length: CELLS }, (_, cell) => cell);
  const idOf = (cell: number, name: string) => clientIdOf(cell, CELLS, name);
  let folder: string;
  let engine: TestEngine;
  let nodes: TestNodes;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'promptmq-import-'));
    engine = await start();
    nodes = await TestNodes.prepare({ cells: CELLS, nodes: ['one', 'two'], args: engine.args });
  });

  afterAll(async () => {
    endClients();
    await nodes?.stop();
    await engine?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('clients find their sessions, what waits for them, what is retained, and their QoS 2 exchanges', async () => {
    const port = await freePort();
    const wal = join(folder, 'wal');
    const broker = new Command(
      [
        ...['--bind', `127.0.0.1:${port}`, '--ws-bind', 'none', '--admin-bind', 'none'],
        ...['--metrics-bind', 'none', '--admin-socket', join(folder, 'admin.sock')],
        ...['--data-dir', join(folder, 'data'), '--wal-dir', wal, '--log-format', 'json'],
      ],
      folder,
    );
    await broker.waitFor(/"event":"ready"/);
    const single = { url: `mqtt://127.0.0.1:${port}` };
    for (const cell of cells) {
      const { client } = await connected(single, idOf(cell, 'to'), STORED);
      await client.subscribeAsync('queued/#', { qos: 2 });
      await client.endAsync();
    }
    const { client: publisher } = await connected(single, 'publisher');
    const queued: string[] = [];
    for (let number = 0; number < 30; number++) {
      const qos = number % 2 === 0 ? 1 : 2;
      await publisher.publishAsync(`queued/${number}`, `${number}`, { qos });
      await publisher.publishAsync(`kept/${number}`, `kept ${number}`, { qos: 1, retain: true });
      queued.push(`${number}`);
    }
    await publisher.endAsync();
    for (const cell of cells) {
      const half = await Exchange.open(port, idOf(cell, 'half'));
      expect(half.isPresent).toBe(false);
      expect(await half.publish(`queued/half`, `half ${cell}`, false)).toBe(0x50);
      half.cut();
      queued.push(`half ${cell}`);
    }
    broker.child.kill('SIGTERM');
    expect(await broker.exitCode()).toBe(0);

    const [one, two] = nodes.all;
    if (one === undefined || two === undefined) throw new Error('there are two nodes');
    const imported = one.run(['cluster', 'import', wal, '--json']);
    expect([await imported.exitCode(), imported.errors]).toEqual([0, '']);
    const counts = imported.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(counts).toMatchObject(cells.map((cell) => ({ cell, sessions: 2 })));
    expect(counts.reduce((sum, { retained }) => sum + retained, 0)).toBe(30);
    for (const node of nodes.all) await node.start().waitFor(/"event":"ready"/);
    await Promise.all(nodes.all.map((node) => untilItServes(node, 1)));

    for (const cell of cells) {
      // [MQTT-4.3.3-10] What was sent again is not delivered again.
      const half = await Exchange.open(one.port, idOf(cell, 'half'));
      expect(half.isPresent).toBe(true);
      expect(await half.publish('queued/half', `half ${cell}`, true)).toBe(0x50);
      expect(await half.release()).toBe(0x70);
      half.cut();
    }
    for (const [index, cell] of cells.entries()) {
      const node = nodes.all[1 - index] ?? one;
      const { client, got } = await connected(node, idOf(cell, 'to'), STORED);
      await until(() => got.length >= queued.length);
      const { client: asker, got: kept } = await connected(node, idOf(cell, 'asks'));
      await asker.subscribeAsync('kept/#', { qos: 1 });
      await until(() => kept.length >= 30);
      // All that was under way before has come by now.
      await client.publishAsync('queued/last', 'last', { qos: 1 });
      await until(() => got.includes('last'));
      expect(got.filter((payload) => payload !== 'last').sort()).toEqual([...queued].sort());
      expect(new Set(kept)).toEqual(new Set(Array.from({ length: 30 }, (_, n) => `kept ${n}`)));
      await client.endAsync();
    }
  });
}

/** A client of MQTT 3.1.1 with a stored session, in the middle of an exchange of QoS 2: byte by byte, as no library stops there. */
class Exchange {
  readonly #socket: Socket;
  readonly #read: (length: number) => Promise<Buffer>;
  isPresent = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    this.#read = async (length) => {
      for (;;) {
        const bytes = socket.read(length);
        if (bytes !== null) return bytes;
        if (socket.readableEnded) throw new Error('the connection was closed');
        await once(socket, 'readable');
      }
    };
  }

  static async open(port: number, clientId: string): Promise<Exchange> {
    const exchange = new Exchange(connect(port, '127.0.0.1'));
    const rest = [...lengthed('MQTT'), 4, 0, 0, 60, ...lengthed(clientId)];
    exchange.#socket.write(Buffer.from([0x10, rest.length, ...rest]));
    const connack = await exchange.#read(4);
    if (connack[3] !== 0) throw new Error(`it was refused with ${connack[3]}`);
    exchange.isPresent = connack[2] === 1;
    return exchange;
  }

  /** @returns the type of the answer */
  async publish(topic: string, payload: string, isAgain: boolean): Promise<number | undefined> {
    const rest = [...lengthed(topic), 0, 7, ...Buffer.from(payload)];
    this.#socket.write(Buffer.from([isAgain ? 0x3c : 0x34, rest.length, ...rest]));
    return (await this.#read(4))[0];
  }

  async release(): Promise<number | undefined> {
    this.#socket.write(Buffer.from([0x62, 2, 0, 7]));
    return (await this.#read(4))[0];
  }

  cut(): void {
    this.#socket.destroy();
  }
}

function lengthed(text: string): number[] {
  return [0, text.length, ...Buffer.from(text)];
}
