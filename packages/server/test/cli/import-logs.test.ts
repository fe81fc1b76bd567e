import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { cellOf } from '@promptmq/cluster';
import { MemoryServers } from '@promptmq/cluster/testing';
import { nodeClock } from '@promptmq/wal';
import { FaultyFiles, MemoryIndex, Random } from '@promptmq/wal/testing';
import { type ImportedCell, importLogs } from '../../src/cli/cluster/import-logs.ts';
import type { HostedBroker } from '../../src/cluster/cell/cell-end.ts';
import { CellHost } from '../../src/cluster/cell/cell-host.ts';
import { parseConfig } from '../../src/config/index.ts';
import { openBroker, parseEmbeddedConfig } from '../../src/embed/create-broker.ts';
import { createBroker } from '../../src/index.ts';
import { PacketClient } from '../support/packet-client.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

const CELLS = 3;
/** Clients of all cells. */
const CLIENTS = Array.from({ length: 9 }, (_, index) => `client-${index}`);
const TOPICS = Array.from({ length: 9 }, (_, index) => `kept/${index}`);
const SHARED = 20;

let folder: string;
let servers: MemoryServers;
let epoch: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptmq-import-'));
  servers = new MemoryServers({ clock: nodeClock, random: new Random(1) });
  epoch = 1;
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** What a broker has of clients that are away: messages, what is retained, and messages of a shared subscription. */
async function fill(walDir: string, dataDir = join(folder, 'data')): Promise<void> {
  const broker = await createBroker({
    storage: { dataDir, walDir, wal: { segmentSize: 1_048_576 } },
  });
  const url = `${broker.url}`;
  for (const clientId of CLIENTS) {
    const client = await connected(url, clientId);
    client.subscribe(`to/${clientId}`, 1, 1);
    client.subscribe('$share/group/work', 2, 1);
    await client.next();
    await client.next();
    await client.cut();
  }
  const publisher = await connected(url, 'publisher');
  const publish = async (topic: string, payload: string, retain = false) => {
    publisher.publish(topic, payload, 1, 1, { retain });
    await publisher.next();
  };
  for (const clientId of CLIENTS) {
    for (const word of ['one', 'two']) await publish(`to/${clientId}`, `${word} ${clientId}`);
  }
  for (const topic of TOPICS) await publish(topic, `about ${topic}`, true);
  for (let index = 0; index < SHARED; index++) await publish('work', `work ${index}`);
  // The log has several segments.
  for (let index = 0; index < 8; index++) await publish('to/nobody', 'x'.repeat(300_000), true);
  await publisher.cut();
  await broker.stop();
}

async function connected(url: string, clientId: string): Promise<PacketClient> {
  const client = await PacketClient.open(url);
  client.connect(clientId);
  await client.next();
  return client;
}

async function imported(directory: string): Promise<ImportedCell[]> {
  const cells: ImportedCell[] = [];
  const config = parseConfig({ cluster: { cells: CELLS }, storage: { enabled: true } });
  const engine = servers.client();
  const workDirectory = join(folder, 'work');
  await importLogs({
    ...{ directory, workDirectory, engine, config },
    onCell: (cell) => cells.push(cell),
  });
  expect(await readdir(workDirectory)).toEqual([]);
  await rm(workDirectory, { recursive: true });
  return cells;
}

interface Hosted extends HostedBroker {
  readonly url: string;
  compact(): Promise<unknown>;
}

/** A machine that has nothing takes a cell over. */
async function hosted(cell: number): Promise<CellHost<Hosted>> {
  const files = new FaultyFiles();
  const host = await CellHost.open<Hosted>({
    ...{ engine: servers.client(), cell, claim: { epoch: ++epoch, witness: null } },
    ...{ node: 'n', incarnation: `${epoch}` },
    ...{ directory: '/wal', files },
    ...{ snapshotSize: 1_000_000, appendBytes: 100_000, appendWindow: 1 },
    openBroker: async (resources, onStorageFailed) => {
      const config = parseEmbeddedConfig({
        storage: { dataDir: '/data', walDir: '/wal' },
        server: { wsBind: 'none' },
      });
      const storage = { ...resources, files, index: new MemoryIndex() };
      const { broker, running } = await openBroker(config, { storage, onStorageFailed });
      return {
        url: running.url as string,
        fence: (why) => broker.storage?.log.fence(why),
        stop: () => running.stop(),
        compact: () => {
          broker.storage?.log.setCompaction({ maxSize: 0, maxAge: 0, checkInterval: 0 });
          return broker.storage?.log.compact() ?? Promise.resolve();
        },
      };
    },
  });
  if (host === null) throw new Error('taken');
  return host;
}

/** What each client has in a cell, and what is retained there. */
async function contents(cell: number): Promise<{ [client: string]: string[] }> {
  const host = await hosted(cell);
  try {
    await host.broker.compact();
    const found: { [client: string]: string[] } = {};
    for (const clientId of CLIENTS) {
      const client = await PacketClient.open(host.broker.url);
      client.connect(clientId);
      const connack = await client.next();
      if (connack?.cmd !== 'connack' || !connack.sessionPresent) continue;
      found[clientId] = await payloads(client);
    }
    const reader = await connected(host.broker.url, 'reader');
    reader.subscribe('kept/#', 1, 0);
    await reader.next();
    found['retained'] = await payloads(reader);
    return found;
  } finally {
    await host.stop();
  }
}

async function payloads(client: PacketClient): Promise<string[]> {
  const packets = await client.sentSoFar();
  return packets.flatMap((packet) =>
    packet.cmd === 'publish' ? [Buffer.from(packet.payload).toString()] : [],
  );
}

test('each session and each retained message of a broker is in the cell that it falls to, and in no other', async () => {
  const walDir = join(folder, 'wal');
  await fill(walDir);
  const before = await readdir(walDir);
  const cells = await imported(walDir);
  expect(await readdir(walDir)).toEqual(before);
  expect(cells.map(({ cell }) => cell)).toEqual([0, 1, 2]);
  const shared: string[] = [];
  for (const { cell, sessions } of cells) {
    const { retained = [], ...clients } = await contents(cell);
    const own = CLIENTS.filter((clientId) => cellOf(clientId, CELLS) === cell);
    expect(Object.keys(clients).sort()).toEqual(own.sort());
    expect(sessions).toBeGreaterThanOrEqual(own.length);
    for (const [clientId, messages] of Object.entries(clients)) {
      shared.push(...messages.filter((message) => message.startsWith('work')));
      expect(messages.filter((message) => !message.startsWith('work'))).toEqual([
        `one ${clientId}`,
        `two ${clientId}`,
      ]);
    }
    const kept = TOPICS.filter((topic) => cellOf(topic, CELLS) === cell);
    expect(retained.sort()).toEqual(kept.map((topic) => `about ${topic}`));
  }
  // Each once, at one member.
  expect(shared.sort()).toEqual(
    Array.from({ length: SHARED }, (_, index) => `work ${index}`).sort(),
  );
});

test('a cell that the engine has something of is not imported, and neither is a log in use', async () => {
  const walDir = join(folder, 'wal');
  await fill(walDir);
  const broker = await createBroker({ storage: { dataDir: join(folder, 'data'), walDir } });
  await expect(imported(walDir)).rejects.toThrow('in use');
  await broker.stop();
  await rm(join(folder, 'work'), { recursive: true });
  await (await hosted(2)).stop();
  await expect(imported(walDir)).rejects.toThrow('the engine has a log of cell 2 already');
});

test('logs of workers are imported as they are, and only by as many cells', async () => {
  for (const cell of [0, 1]) {
    await fill(join(folder, 'wals', `cell-${cell}`), join(folder, 'data', `cell-${cell}`));
  }
  await expect(imported(join(folder, 'wals'))).rejects.toThrow('the logs of 2 workers');
  await rm(join(folder, 'work'), { recursive: true });
  await fill(join(folder, 'wals', 'cell-2'), join(folder, 'data', 'cell-2'));
  const cells = await imported(join(folder, 'wals'));
  expect(cells.map(({ sessions }) => sessions)).toEqual([10, 10, 10]);
  const { retained = [], ...clients } = await contents(1);
  expect(Object.keys(clients)).toEqual(CLIENTS);
  expect(retained).toHaveLength(TOPICS.length);
});
