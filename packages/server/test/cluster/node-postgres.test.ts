import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { nodeClock } from '@promptmq/wal';
import { PostgresEngine } from '../../../cluster/src/engine/postgres/postgres-engine.ts';
import { readCluster, requestMove } from '../../../cluster/src/map/requests.ts';
import { PostgresServer, postgresPrograms } from '../../../cluster/test/support/postgres-server.ts';
import { clientIdOf } from '../support/client-ids.ts';
import type { Command } from '../support/command.ts';
import { connected, endClients, STORED, until, untilItServes } from './node-clients.ts';
import { type TestNode, TestNodes } from './node-cluster.ts';

// Restoring takes seconds on a busy machine.
jest.setTimeout(240_000);

const CELLS = 3;
const SYNCHRONOUS = ['synchronous_standby_names=*'];
const programs = postgresPrograms();

/** @returns an identifier that begins so, of a client of the cell */
function idOf(cell: number, name: string): string {
  return clientIdOf(cell, CELLS, name);
}

if (programs === null) {
  test.skip('servers of PostgreSQL: not installed; `node scripts clients` installs it, as root', () => {});
} else {
  describe('three nodes on PostgreSQL with a synchronous standby', () => testNodes(programs));
}

/** Publishers of all cells that go on until they are ended; each payload begins with the number of the cell. */
class Publishers {
  readonly acknowledged: string[] = [];
  #isOver = false;
  readonly #publishing: Promise<unknown>;

  constructor(node: TestNode, topic: string) {
    const cells = Array.from({ length: CELLS }, (_, cell) => cell);
    this.#publishing = Promise.all(
      cells.map(async (cell) => {
        const { client } = await connected(node, idOf(cell, `${topic}-from`), STORED);
        for (let number = 0; !this.#isOver; number++) {
          const payload = `${cell}-${number}`;
          await client.publishAsync(topic, payload, { qos: 1 });
          this.acknowledged.push(payload);
        }
        await client.endAsync();
      }),
    );
  }

  /** Those of every cell have had something acknowledged that was published from now on. */
  async untilHeard(): Promise<void> {
    // Each may have one under way.
    const from = this.acknowledged.length + CELLS;
    const isHeard = (cell: number) =>
      this.acknowledged.slice(from).some((payload) => payload.startsWith(`${cell}-`));
    await until(() => Array.from({ length: CELLS }, (_, cell) => cell).every(isHeard));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#publishing;
  }
}

function testNodes(folder: string): void {
  const servers: PostgresServer[] = [];
  let nodes: TestNodes;
  let one: TestNode;
  let two: TestNode;
  let urls: readonly string[];

  beforeAll(async () => {
    const primary = await PostgresServer.start(folder, SYNCHRONOUS);
    servers.push(primary);
    servers.push(await primary.follower(SYNCHRONOUS));
    urls = servers.map(({ url }) => url);
    nodes = await TestNodes.prepare({
      cells: CELLS,
      nodes: ['one', 'two', 'three'],
      args: [
        ...['--cluster-engine', 'postgres', '--cluster-engine-url', urls.join(',')],
        ...['--shutdown-timeout', '1s', '--cluster-hold-time', '6s'],
        ...['--cluster-fence-time', '8s'],
      ],
    });
    [one, two] = nodes.all as [TestNode, TestNode, TestNode];
    const commands = nodes.all.map((node) => node.start());
    await Promise.all(commands.map((command) => command.waitFor(/"event":"ready"/)));
    await Promise.all(nodes.all.map((node) => untilItServes(node, 1)));
  });

  afterAll(async () => {
    endClients();
    await nodes?.stop();
    for (const server of servers) await server.stop();
  });

  /** What stored sessions of all cells get when their clients come back. */
  async function expectAll(topic: string, acknowledged: readonly string[]): Promise<void> {
    for (let cell = 0; cell < CELLS; cell++) {
      const { client, got } = await connected(two, idOf(cell, `${topic}-to`), STORED);
      await until(() => new Set(got).size >= acknowledged.length);
      await client.endAsync();
      expect(new Set(got)).toEqual(new Set(acknowledged));
      // Of one publisher in the order in which they were published.
      for (let from = 0; from < CELLS; from++) {
        const first = [...new Set(got)].filter((payload) => payload.startsWith(`${from}-`));
        expect(first).toEqual(acknowledged.filter((payload) => payload.startsWith(`${from}-`)));
      }
    }
  }

  async function subscribeAll(topic: string): Promise<void> {
    for (let cell = 0; cell < CELLS; cell++) {
      const { client } = await connected(one, idOf(cell, `${topic}-to`), STORED);
      await client.subscribeAsync(topic, { qos: 1 });
      await client.endAsync();
    }
  }

  test('clients of any cell are served by any node, and each message reaches all once', async () => {
    const subscribers: { readonly got: string[] }[] = [];
    for (const node of nodes.all) {
      for (let cell = 0; cell < CELLS; cell++) {
        const subscriber = await connected(node, idOf(cell, `sub-${node.id}`));
        await subscriber.client.subscribeAsync('all/#', { qos: 1 });
        subscribers.push(subscriber);
      }
    }
    const expected: string[] = [];
    for (const node of nodes.all) {
      for (let cell = 0; cell < CELLS; cell++) {
        const { client } = await connected(node, idOf(cell, `pub-${node.id}`));
        for (const qos of [0, 1, 2] as const) {
          const payload = `${node.id}-${cell}-${qos}`;
          await client.publishAsync(`all/${qos}`, payload, { qos });
          expected.push(payload);
        }
      }
    }
    await until(() => subscribers.every(({ got }) => got.length >= expected.length));
    for (const { got } of subscribers) expect([...got].sort()).toEqual([...expected].sort());
  });

  test('a cell that an operator moves takes all with it', async () => {
    await subscribeAll('moved');
    const publishers = new Publishers(two, 'moved');
    await publishers.untilHeard();
    const engine = new PostgresEngine({ urls });
    await engine.connect();
    try {
      const before = await readCluster(engine.map, nodeClock);
      const cell = before?.cells.findIndex(({ node }) => node === 'three') as number;
      expect(await requestMove(engine.map, nodeClock, cell, 'one')).toEqual({ kind: 'done' });
      await untilItServes(one, 2);
    } finally {
      await engine.close();
    }
    await publishers.untilHeard();
    await publishers.end();
    await expectAll('moved', publishers.acknowledged);
    // The node that gave it gets another one.
    await Promise.all(nodes.all.map((node) => untilItServes(node, 1)));
  });

  test('while the server is away nobody is disconnected, QoS 0 goes on, and what is stored waits', async () => {
    const { client: subscriber, got } = await connected(one, idOf(0, 'live'));
    await subscriber.subscribeAsync('live/#', { qos: 1 });
    const { client: publisher } = await connected(two, idOf(1, 'live'));
    const closed: string[] = [];
    for (const client of [subscriber, publisher]) client.on('close', () => closed.push('closed'));
    const froms = nodes.all.map(({ command }) => (command as Command).output.length);
    await servers[0]?.kill();
    for (const [index, { command }] of nodes.all.entries()) {
      await (command as Command).waitFor(/"event":"node-not-active"/, froms[index]);
    }
    let isAcknowledged = false;
    const stored = publisher.publishAsync('live/stored', 'stored', { qos: 1 }).then(() => {
      isAcknowledged = true;
    });
    // Beyond the times after which a node that is cut off alone serves nothing any more.
    for (let number = 0; number < 10; number++) {
      await publisher.publishAsync('live/0', `${number}`, { qos: 0 });
      await until(() => got.includes(`${number}`));
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    expect(isAcknowledged).toBe(false);
    await servers[0]?.serve();
    await stored;
    await until(() => got.includes('stored'));
    for (const [index, { command }] of nodes.all.entries()) {
      await (command as Command).waitFor(/"event":"node-active"/, froms[index]);
      expect((command as Command).output.slice(froms[index])).not.toContain('"cell-ended"');
    }
    expect(closed).toEqual([]);
  });

  test('what a killed node has served is served elsewhere, and nothing is lost', async () => {
    await subscribeAll('kept');
    const publishers = new Publishers(two, 'kept');
    await publishers.untilHeard();
    await one.kill();
    one.wipe();
    await publishers.untilHeard();
    await publishers.end();
    await expectAll('kept', publishers.acknowledged);
    const command = one.start();
    await command.waitFor(/"event":"cell-serving"/);
  });

  test('a standby takes the place of a server that is lost: nothing acknowledged is', async () => {
    await subscribeAll('after');
    const publishers = new Publishers(two, 'after');
    await publishers.untilHeard();
    const [first, second] = servers as [PostgresServer, PostgresServer];
    await first.kill();
    second.promote();
    servers.push(await second.follower(SYNCHRONOUS));
    await publishers.untilHeard();
    await publishers.end();
    await expectAll('after', publishers.acknowledged);
  });
}
