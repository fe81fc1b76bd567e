import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { EngineError } from '@promptmq/cluster';
import { type MemoryEngine, MemoryServers } from '@promptmq/cluster/testing';
import { type Packet, ReasonCode } from '@promptmq/codec';
import { nodeClock } from '@promptmq/wal';
import { FaultyFiles, MemoryIndex, Random } from '@promptmq/wal/testing';
import type { HostedBroker } from '../../src/cluster/cell/cell-end.ts';
import { CellHost } from '../../src/cluster/cell/cell-host.ts';
import { openBroker, parseEmbeddedConfig } from '../../src/embed/create-broker.ts';
import type { StorageResources } from '../../src/storage/storage.ts';
import { PacketClient } from '../support/packet-client.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

interface Hosted extends HostedBroker {
  readonly url: string;
  readonly sessionCount: number;
  isConnected(clientId: string): boolean;
}

async function openHosted(
  storage: StorageResources,
  onStorageFailed: (why: string) => void,
): Promise<Hosted> {
  const config = parseEmbeddedConfig({
    storage: { dataDir: '/data', walDir: '/wal' },
    server: { wsBind: 'none' },
  });
  const { broker, running } = await openBroker(config, { storage, onStorageFailed });
  return {
    url: running.url as string,
    get sessionCount() {
      return broker.sessions.count;
    },
    isConnected: (clientId) => broker.sessions.connectionOf(clientId) !== null,
    fence: (why) => broker.storage?.log.fence(why),
    stop: () => running.stop(),
  };
}

let servers: MemoryServers;
let epoch: number;
let hosts: CellHost<Hosted>[];
let clients: PacketClient[];
let machines: Machine[];

/** A machine with a disk, which may host the cell. */
class Machine {
  constructor() {
    machines.push(this);
  }

  files = new FaultyFiles();
  index = new MemoryIndex();
  engine: MemoryEngine = servers.client();
  /** Why the cell has ended here. */
  ended: Promise<string> = new Promise(() => {});
  host!: CellHost<Hosted>;

  async take(appendWindow = 1, onWaiting = (_why: string) => {}): Promise<void> {
    let onEnded: (why: string) => void = () => {};
    this.ended = new Promise((done) => {
      onEnded = done;
    });
    const host = await CellHost.open({
      ...{ engine: this.engine, cell: 0, claim: { epoch: ++epoch, witness: null } },
      ...{ node: 'n', incarnation: `${epoch}` },
      ...{ directory: '/wal', files: this.files, onEnded, onWaiting },
      ...{ snapshotSize: 256 << 20, appendBytes: 512 << 10, appendWindow },
      openBroker: (resources, onStorageFailed) =>
        openHosted({ ...resources, files: this.files, index: this.index }, onStorageFailed),
    });
    if (host === null) throw new Error('the cell was taken');
    this.host = host;
    hosts.push(host);
  }

  /** Killed, with a loss of power. */
  kill(): void {
    this.engine.isCut = true;
    this.files = this.files.crash('anything', new Random(1));
    this.index = this.index.crash();
    // The process ends, too; its files are dead.
    this.host.end('killed');
    this.engine = servers.client();
    hosts.splice(hosts.indexOf(this.host), 1);
  }

  /** A client whose session stays. */
  async connected(clientId: string): Promise<PacketClient> {
    const client = await PacketClient.open(this.host.broker.url);
    clients.push(client);
    client.connect(clientId);
    await client.next();
    return client;
  }

  async subscribed(clientId: string, topicFilter: string, qos: 0 | 1 | 2): Promise<PacketClient> {
    const client = await this.connected(clientId);
    client.subscribe(topicFilter, 1, qos);
    await client.next();
    return client;
  }
}

beforeEach(() => {
  const random = new Random(1);
  servers = new MemoryServers({ clock: nodeClock, random });
  epoch = 0;
  hosts = [];
  clients = [];
  machines = [];
});

afterEach(async () => {
  for (const client of clients) await client.cut();
  for (const { engine } of machines) engine.isCut = false;
  for (const host of hosts) await host.stop();
});

/** Publishes, and resolves when all are acknowledged. */
async function publish(client: PacketClient, qos: 1 | 2, ...payloads: string[]): Promise<void> {
  for (const [index, payload] of payloads.entries()) {
    client.publish('to/sub', payload, qos, index + 1);
    const answer = await client.next();
    expect(answer?.cmd).toBe(qos === 1 ? 'puback' : 'pubrec');
  }
}

async function payloads(client: PacketClient): Promise<string[]> {
  const packets = await client.sentSoFar();
  return packets.map((packet) =>
    packet.cmd === 'publish' ? Buffer.from(packet.payload).toString() : packet.cmd,
  );
}

test('a cell that is claimed while its log has no leader is served when there is one', async () => {
  const machine = new Machine();
  const { engine } = machine;
  const openLog = engine.openLog.bind(engine);
  let asked = 0;
  engine.openLog = async (cell) => {
    asked++;
    if (asked < 3) throw new EngineError('unavailable', 'nobody leads it');
    const log = await openLog(cell);
    const bounds = log.bounds.bind(log);
    let boundsAsked = 0;
    log.bounds = async () => {
      boundsAsked++;
      if (boundsAsked === 1) throw new EngineError('unavailable', 'nobody leads it');
      return bounds();
    };
    return log;
  };
  const waited: string[] = [];
  await machine.take(1, (why) => waited.push(why));
  expect({ asked, waited }).toEqual({ asked: 3, waited: ['nobody leads it'] });
  const client = await machine.subscribed('client', 't', 1);
  client.publish('t', 'x', 1, 1);
  expect(await client.next()).toMatchObject({ cmd: 'puback', reasonCode: 0 });
});

test('a machine that is lost with its disk: another one has sessions, messages and what is retained', async () => {
  const first = new Machine();
  await first.take();
  const subscriber = await first.subscribed('sub', 'to/#', 1);
  await subscriber.cut();
  const publisher = await first.connected('pub');
  await publish(publisher, 1, 'one', 'two');
  await publish(publisher, 2, 'three');
  publisher.publish('kept', 'retained', 1, 9, { retain: true });
  await publisher.next();
  first.kill();

  const second = new Machine();
  await second.take();
  expect(await payloads(await second.connected('sub'))).toEqual(['one', 'two', 'three']);
  const reader = await second.subscribed('reader', 'kept', 0);
  expect(await payloads(reader)).toEqual(['retained']);
  // The third has been received once, and isn't again: PUBREL completes it.
  const again = await second.connected('pub');
  again.send({ cmd: 'pubrel', messageId: 1 });
  expect(await again.next()).toMatchObject({ cmd: 'pubcomp', messageId: 1 });
});

test('nothing is acknowledged while the engine can not be reached, and all of it when it can', async () => {
  const machine = new Machine();
  await machine.take();
  await (await machine.subscribed('sub', 'to/#', 1)).cut();
  const publisher = await machine.connected('pub');
  machine.engine.isCut = true;
  for (const id of [1, 2]) publisher.publish('to/sub', `${id}`, 1, id);
  expect(await publisher.sentSoFar()).toEqual([]);
  machine.engine.isCut = false;
  expect(await publisher.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
  expect(await publisher.next()).toMatchObject({ cmd: 'puback', messageId: 2 });
});

test('an owner that has been replaced acknowledges nothing, and ends', async () => {
  const former = new Machine();
  await former.take();
  await (await former.subscribed('sub', 'to/#', 1)).cut();
  const publisher = await former.connected('pub');
  await publish(publisher, 1, 'before');

  const owner = new Machine();
  await owner.take();
  publisher.publish('to/sub', 'after', 1, 2);
  expect(await former.ended).toContain('another owner');
  const answers: Packet[] = [];
  for (let answer = await publisher.next(); answer !== null; answer = await publisher.next()) {
    answers.push(answer);
  }
  // It says that it has refused the message, and closes.
  expect(answers).toMatchObject([
    { cmd: 'puback', messageId: 2, reasonCode: ReasonCode.QuotaExceeded },
    { cmd: 'disconnect' },
  ]);
  expect(await payloads(await owner.connected('sub'))).toEqual(['before']);
  expect(former.host.failure).toContain('another owner');
});

test('a machine that is back goes on with what its disk has left', async () => {
  const machine = new Machine();
  await machine.take();
  await (await machine.subscribed('sub', 'to/#', 1)).cut();
  await publish(await machine.connected('pub'), 1, 'one', 'two');
  machine.kill();
  await machine.take();
  expect(await payloads(await machine.connected('sub'))).toEqual(['one', 'two']);
  await machine.host.stop();
  await machine.take();
  expect(await payloads(await machine.connected('sub'))).toEqual(['one', 'two']);
});

test('on a full disk a session is not resumed before the engine has it', async () => {
  const machine = new Machine();
  // What follows the session is written, though the engine doesn't answer.
  await machine.take(2);
  const { host } = machine;
  const other = await machine.connected('other');
  machine.engine.isCut = true;
  const first = await PacketClient.open(host.broker.url);
  clients.push(first);
  first.connect('new');
  while (host.broker.sessionCount < 2) await other.sentSoFar();
  await first.cut();
  machine.files.capacity = machine.files.used;
  other.publish('kept', 'x'.repeat(1000), 1, 1, { retain: true });
  expect(await other.next()).toMatchObject({ cmd: 'puback', reasonCode: ReasonCode.QuotaExceeded });

  const again = await PacketClient.open(host.broker.url);
  clients.push(again);
  again.connect('new');
  const answer = again.next();
  while (!host.broker.isConnected('new')) await other.sentSoFar();
  expect(await Promise.race([answer, other.sentSoFar()])).toEqual([]);
  machine.engine.isCut = false;
  expect(await answer).toMatchObject({ cmd: 'connack', sessionPresent: true });
});
