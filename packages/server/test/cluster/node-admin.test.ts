import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { otherProgram } from '../../../cluster/test/support/other-programs.ts';
import { ApiSocket } from '../support/api-broker.ts';
import { clientIdOf } from '../support/client-ids.ts';
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

interface Page<T> {
  readonly data: readonly T[];
  readonly meta: { readonly missing?: readonly string[] };
}

withServers('the admin API of two nodes', () => {
  let cluster: NodeCluster;
  let nodes: readonly TestNode[];
  let apis: readonly ApiSocket[];
  const clients: TestClient[] = [];

  beforeAll(async () => {
    cluster = await NodeCluster.prepare({
      nats: { command: program.command },
      cells: CELLS,
      nodes: ['one', 'two'],
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

  async function clientOf(node: TestNode, clientId: string): Promise<TestClient> {
    const client = await TestClient.connect(node.url, { clientId, protocolVersion: 5 });
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
