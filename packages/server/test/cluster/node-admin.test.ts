import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { otherProgram } from '../../../cluster/test/support/other-programs.ts';
import { ApiSocket } from '../support/api-broker.ts';
import { clientIdOf } from '../support/client-ids.ts';
import { everythingOf, mosquittoPassword } from '../support/mosquitto-users.ts';
import { TestClient } from '../support/mqtt-client.ts';
import { NodeCluster, type TestNode } from './node-cluster.ts';

jest.setTimeout(240_000);

const CELLS = 3;
const program = otherProgram('nats-server');
const withServers = program.missing === null ? describe : describe.skip;

/** @returns an identifier that begins so, of a client of the cell */
function idOf(cell: number, name: string): string {
  return clientIdOf(cell, CELLS, name);
}

const CONTROL = '$CONTROL/dynamic-security/v1';

const USERS = {
  clients: [{ username: 'boss', ...mosquittoPassword('b'), roles: [{ rolename: 'boss' }] }],
  groups: [],
  roles: [{ rolename: 'boss', acls: everythingOf('$CONTROL/dynamic-security/#') }],
};

interface Page<T> {
  readonly data: readonly T[];
  readonly meta: { readonly missing?: readonly string[] };
}

withServers('the admin API of two nodes', () => {
  let cluster: NodeCluster;
  let nodes: readonly TestNode[];
  let apis: readonly ApiSocket[];
  const clients: TestClient[] = [];
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'promptmq-node-admin-'));
    const users = join(folder, 'users.json');
    const config = join(folder, 'config.json');
    const chain = [{ 'dynamic-security': { import: users } }];
    writeFileSync(users, JSON.stringify(USERS));
    writeFileSync(config, JSON.stringify({ auth: { 'allow-anonymous': true, chain } }));
    cluster = await NodeCluster.prepare({
      nats: { command: program.command },
      cells: CELLS,
      nodes: ['one', 'two'],
      args: ['--config', config],
    });
    nodes = cluster.nodes;
    const commands = nodes.map((node) => node.start());
    await Promise.all(commands.map((command) => command.waitFor(/"event":"ready"/)));
    apis = nodes.map(({ adminSocket }) => new ApiSocket(adminSocket));
    await spread();
  });

  afterAll(async () => {
    for (const { mqtt } of clients) mqtt.end(true);
    await cluster.stop();
    rmSync(folder, { recursive: true });
  });

  /** Waits until all cells are served, and each node has one: both say so of all. */
  async function spread(): Promise<void> {
    for (;;) {
      const answers = await Promise.all(apis.map((api) => api.get<{ node: string }[]>('/nodes')));
      const pages = await Promise.all(apis.map((api) => api.get<Page<unknown>>('/clients')));
      const isDone =
        answers.every(({ status, body }) => status === 200 && body.length === nodes.length) &&
        pages.every(({ status, body }) => status === 200 && body.meta.missing === undefined);
      if (isDone) return;
    }
  }

  async function clientOf(node: TestNode, clientId: string, user = {}): Promise<TestClient> {
    const client = await TestClient.connect(node.url, { clientId, protocolVersion: 5, ...user });
    clients.push(client);
    return client;
  }

  test('each node answers for the clients of all', async () => {
    const ids: string[] = [];
    for (let cell = 0; cell < CELLS; cell++) {
      const id = idOf(cell, 'client');
      ids.push(id);
      await clientOf(nodes[cell % 2] as TestNode, id);
    }
    for (const api of apis) {
      const { body } = await api.get<Page<{ clientid: string }>>('/clients?fields=clientid');
      expect(body.data.map(({ clientid }) => clientid).sort()).toEqual([...ids].sort());
      expect(await api.get('/status')).toMatchObject({ body: { connections: CELLS } });
      for (const id of ids) {
        expect(await api.get(`/clients/${id}`)).toMatchObject({ body: { clientid: id } });
      }
    }
  });

  test('a ban that one node makes holds in all cells', async () => {
    const [one] = apis as [ApiSocket];
    expect(await one.post('/banned', { as: 'clientid_re', who: '^bad' })).toMatchObject({
      status: 200,
    });
    for (let cell = 0; cell < CELLS; cell++) {
      for (const node of nodes) {
        await expect(clientOf(node, idOf(cell, 'bad'))).rejects.toThrow();
      }
    }
  });

  test('a user that a client makes over MQTT at one node is let in by all, until it is disabled', async () => {
    const [one] = nodes as [TestNode];
    const boss = await clientOf(one, idOf(1, 'boss'), { username: 'boss', password: 'b' });
    await boss.mqtt.subscribeAsync(`${CONTROL}/response`);
    const ask = async (command: object) => {
      const count = boss.received.length + 1;
      await boss.mqtt.publishAsync(CONTROL, JSON.stringify({ commands: [command] }), { qos: 1 });
      return JSON.parse((await boss.messages(count)).at(-1)?.payload ?? '').responses[0];
    };
    const carol = { username: 'carol', password: 'c' };
    expect((await ask({ command: 'createClient', ...carol })).error).toBeUndefined();
    const closed: Promise<void>[] = [];
    for (const [index, node] of nodes.entries()) {
      for (let cell = 0; cell < CELLS; cell++) {
        closed.push((await clientOf(node, idOf(cell, `carol-${index}`), carol)).closed());
      }
    }
    expect((await ask({ command: 'disableClient', username: 'carol' })).error).toBeUndefined();
    await Promise.all(closed);
  });

  test('events of all nodes come in one stream', async () => {
    const events = await (apis[1] as ApiSocket).events('/events?type=connect');
    for (let cell = 0; cell < CELLS; cell++) {
      const id = idOf(cell, 'event');
      await clientOf(nodes[0] as TestNode, id);
      expect((await events.nextOf('connect')).data).toMatchObject({ clientid: id });
    }
    events.close();
  });

  test('listeners are not stopped one by one', async () => {
    expect(await (apis[0] as ApiSocket).post('/listeners/tcp:default/stop')).toMatchObject({
      status: 501,
    });
  });

  test('who does not know the secret of the cluster is not answered', async () => {
    const { doorPort } = nodes[0] as TestNode;
    const socket = connect(doorPort, '127.0.0.1');
    socket.write('GET /api/v5/clients HTTP/1.1\r\nHost: x\r\nx-promptmq-cell: 0\r\n\r\n');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    expect(text).not.toContain('HTTP');
  });
});
