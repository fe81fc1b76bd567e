import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { AdminApi } from '../../support/admin-api.ts';

let api: AdminApi;
let open: MqttClient[];

beforeEach(async () => {
  api = await AdminApi.open();
  open = [];
});

afterEach(async () => {
  for (const client of open) await client.endAsync(true);
  await api[Symbol.asyncDispose]();
});

async function connected(clientId: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(`${api.broker.url}`, {
    clientId,
    protocolVersion: 5,
    reconnectPeriod: 0,
    ...options,
  });
  open.push(client);
  return client;
}

const idsOf = async (query: string): Promise<string[]> =>
  (await api.get(`/clients?${query}`)).body.data.map(
    ({ clientid }: { clientid: string }) => clientid,
  );

test('with a cursor each is listed once, whoever comes and goes meanwhile', async () => {
  const clients = [];
  for (let n = 0; n < 5; n++) clients.push(await connected(`c${n}`));
  const read = async (cursor: string) =>
    (await api.get(`/clients?limit=2&fields=clientid&cursor=${cursor}`)).body;
  const first = await read('none');
  expect(first).toEqual({
    data: [{ clientid: 'c0' }, { clientid: 'c1' }],
    meta: { limit: 2, cursor: expect.any(String), hasnext: true },
  });
  // By its number, the next page would leave out two.
  for (const client of clients.slice(0, 2)) {
    const gone = new Promise((resolve) => api.broker.once('disconnect', resolve));
    await client.endAsync();
    await gone;
  }
  await connected('late');
  const second = await read(first.meta.cursor);
  expect(second.data).toEqual([{ clientid: 'c2' }, { clientid: 'c3' }]);
  const last = await read(second.meta.cursor);
  expect(last.data).toEqual([{ clientid: 'c4' }, { clientid: 'late' }]);
  expect([last.meta.cursor === 'none', last.meta.hasnext]).toEqual([
    !last.meta.hasnext,
    last.meta.cursor !== 'none',
  ]);
  for (const query of ['cursor=-', 'cursor=none&sort=mqueue_len', 'cursor=none&clientid=c2']) {
    expect((await api.get(`/clients?${query}`)).status).toBe(400);
  }
});

test('a client is answered with its connection, its session and what it may have', async () => {
  const client = await connected('c1', { keepalive: 30, properties: { receiveMaximum: 7 } });
  await client.subscribeAsync('a/#', { qos: 1 });
  const { status, body } = await api.get('/clients/c1');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    clientid: 'c1',
    username: null,
    node: 'promptmq@127.0.0.1',
    connected: true,
    ip_address: '127.0.0.1',
    port: expect.any(Number),
    proto_name: 'MQTT',
    proto_ver: 5,
    protocol: 'tcp',
    keepalive: 30,
    clean_start: true,
    is_bridge: false,
    expiry_interval: 0,
    durable: false,
    connected_at: expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    disconnected_at: null,
    subscriptions_cnt: 1,
    mqueue_len: 0,
    mqueue_dropped: 0,
    inflight_cnt: 0,
    inflight_max: 7,
    awaiting_rel_cnt: 0,
    recv_oct: expect.any(Number),
    send_oct: expect.any(Number),
    client_attrs: {},
  });
  expect(body.recv_oct).toBeGreaterThan(20);
  expect((await api.get('/clients')).body).toEqual({
    data: [body],
    meta: { page: 1, limit: 100, count: 1, hasnext: false },
  });
});

test('who is not there is not found', async () => {
  const answer = await api.get('/clients/nobody');
  expect(answer.status).toBe(404);
  expect(answer.body).toEqual({ code: 'CLIENTID_NOT_FOUND', message: 'Client ID not found' });
});

test('pages have the clients in their order, with and without a filter', async () => {
  for (let n = 0; n < 7; n++) await connected(n % 2 === 0 ? `even-${n}` : `odd-${n}`);
  expect(await idsOf('limit=3&page=2')).toEqual(['odd-3', 'even-4', 'odd-5']);
  const last = await api.get('/clients?limit=3&page=3');
  expect(last.body.meta).toEqual({ page: 3, limit: 3, count: 7, hasnext: false });
  expect((await api.get('/clients?limit=3&page=4')).body.data).toEqual([]);
  const even = await api.get('/clients?limit=2&page=1&like_clientid=even');
  expect(even.body.meta).toEqual({ page: 1, limit: 2, hasnext: true });
  expect(await idsOf('limit=2&page=2&like_clientid=even')).toEqual(['even-4', 'even-6']);
  // Asked for without the pages before it.
  expect(await idsOf('limit=1&page=3&like_clientid=odd')).toEqual(['odd-5']);
  const end = await api.get('/clients?limit=2&page=2&like_clientid=even');
  expect(end.body.meta).toEqual({ page: 2, limit: 2, count: 4, hasnext: false });
  expect(await idsOf('limit=2&page=3&like_clientid=even')).toEqual([]);
});

test('filters choose by what clients are', async () => {
  await connected('v5', { clean: false, properties: { sessionExpiryInterval: 100 } });
  await connected('v4', { protocolVersion: 4 });
  const gone = await connected('gone', { properties: { sessionExpiryInterval: 100 } });
  await gone.endAsync();
  expect(await idsOf('conn_state=disconnected')).toEqual(['gone']);
  expect(await idsOf('conn_state=connected')).toEqual(['v5', 'v4']);
  expect(await idsOf('proto_ver=4')).toEqual(['v4']);
  expect(await idsOf('clean_start=false')).toEqual(['v5']);
  expect(await idsOf('ip_address=127.0.0.1&proto_ver=5')).toEqual(['v5']);
  expect(await idsOf('ip_address=127.0.0.11')).toEqual([]);
  expect(await idsOf('clientid=gone&clientid=v4&clientid=none')).toEqual(['gone', 'v4']);
  expect(await idsOf('clientid=gone&clientid=v4&conn_state=connected')).toEqual(['v4']);
  expect(await idsOf('username=nobody')).toEqual([]);
  expect(await idsOf('node=promptmq@127.0.0.1&like_clientid=v')).toEqual(['v5', 'v4']);
  expect(await idsOf('node=other@127.0.0.1')).toEqual([]);
  const some = await api.get('/clients?clientid=gone&fields=clientid,connected');
  expect(some.body.data).toEqual([{ clientid: 'gone', connected: false }]);
});

test('users are found by name, and by a part of it', async () => {
  const hooks = {
    authenticate: (_: unknown, { userName }: { userName: string | null }) => ({
      allow: true,
      userName,
    }),
  };
  await using withUsers = await AdminApi.open({}, { hooks });
  const ends: MqttClient[] = [];
  for (const username of ['ann', 'anna']) {
    const options = { username, clientId: `of-${username}` };
    ends.push(await connectAsync(`${withUsers.broker.url}`, options));
  }
  const usersOf = async (query: string) =>
    (await withUsers.get(`/clients?${query}`)).body.data.map(
      ({ username }: { username: string }) => username,
    );
  expect(await usersOf('username=ann')).toEqual(['ann']);
  expect(await usersOf('username=ann&username=anna')).toEqual(['ann', 'anna']);
  expect(await usersOf('like_username=nn')).toEqual(['ann', 'anna']);
  for (const client of ends) await client.endAsync(true);
});

test('those for whom the most waits come first when the list is sorted', async () => {
  const counts = { a: 1, b: 3, c: 0, d: 2 };
  for (const [id, count] of Object.entries(counts)) {
    const client = await connected(id, { properties: { sessionExpiryInterval: 100 } });
    await client.subscribeAsync(`q/${id}`, { qos: 1 });
    await client.endAsync();
    for (let n = 0; n < count; n++) await api.broker.publish({ topic: `q/${id}`, qos: 1 });
  }
  expect(await idsOf('sort=mqueue_len')).toEqual(['b', 'd', 'a', 'c']);
  expect(await idsOf('sort=mqueue_len&order=asc')).toEqual(['c', 'a', 'd', 'b']);
  expect(await idsOf('sort=mqueue_len&limit=2&page=2')).toEqual(['a', 'c']);
  const first = await api.get('/clients?sort=mqueue_len&limit=2');
  expect(first.body.meta).toEqual({ page: 1, limit: 2, hasnext: true });
  const far = await api.get('/clients?sort=mqueue_len&limit=100&page=101');
  expect([far.status, far.body.message]).toEqual([400, expect.stringContaining('10000')]);
});

test.each([
  ['page=0', 'page'],
  ['limit=10001', 'limit'],
  ['conn_state=busy', 'conn_state'],
  ['ip_address=x', 'ip_address'],
  ['proto_ver=6', 'proto_ver'],
  ['clean_start=yes', 'clean_start'],
  ['sort=name', 'sort'],
  ['fields=secret', 'fields'],
  ['page=1&page=2', 'page'],
  ['like_cliendid=x', 'like_cliendid'],
])('what is wrong with %s is said', async (query, field) => {
  const { status, body } = await api.get(`/clients?${query}`);
  expect([status, body.code]).toEqual([400, 'BAD_REQUEST']);
  expect(body.message).toContain(field);
});

test('clients are found by when they connected, and by when their sessions were made', async () => {
  const old = await connected('old', {
    clean: false,
    properties: { sessionExpiryInterval: 1000 },
  });
  await old.endAsync();
  await connected('new');
  const of = (id: string) => api.get(`/clients/${id}`).then(({ body }) => body);
  const [away, there] = [await of('old'), await of('new')];
  expect(away).toMatchObject({ connected_at: null, created_at: expect.stringMatching(/Z$/) });
  const connectedAt = there.connected_at as string;
  const ms = Date.parse(connectedAt);
  expect(await idsOf(`gte_connected_at=${connectedAt}`)).toEqual(['new']);
  expect(await idsOf(`gte_connected_at=${ms}&lte_connected_at=${ms}`)).toEqual(['new']);
  expect(await idsOf(`gte_connected_at=${ms + 1}`)).toEqual([]);
  expect(await idsOf(`lte_connected_at=${ms - 1}`)).toEqual([]);
  const createdAt = Date.parse(away.created_at);
  expect(Math.abs(Date.parse(there.created_at) - ms)).toBeLessThan(1500);
  expect(await idsOf(`gte_created_at=${createdAt}`)).toEqual(['old', 'new']);
  expect(await idsOf(`lte_created_at=${createdAt - 1}`)).toEqual([]);
  expect(await idsOf(`clientid=old&clientid=new&gte_created_at=${createdAt}`)).toEqual([
    'old',
    'new',
  ]);
  expect(await idsOf(`clientid=old&clientid=new&gte_connected_at=0`)).toEqual(['new']);
  expect(await api.get('/clients?gte_created_at=yesterday')).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/^gte_created_at: takes a time such as /) },
  });
});

test('nobody is idle: before its CONNECT a connection is no client', async () => {
  await connected('one');
  expect((await api.get('/clients?conn_state=idle')).body).toEqual({
    data: [],
    meta: { page: 1, limit: 100, count: 0, hasnext: false },
  });
});
