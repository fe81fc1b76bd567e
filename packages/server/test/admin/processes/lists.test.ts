import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mergedOperations } from '../../../src/admin/processes/index.ts';
import { OPERATIONS } from '../../../src/admin/routes/index.ts';
import { ApiProcesses } from '../../support/api-processes.ts';

interface Page<T> {
  readonly data: readonly T[];
  readonly meta: { count?: number; hasnext: boolean; cursor?: string; missing?: string[] };
}

let api: ApiProcesses;

beforeEach(async () => {
  api = await ApiProcesses.start();
});

afterEach(() => api.stop());

/** Reads all pages. */
async function all<T>(path: string, next: (page: number, cursor: string) => string): Promise<T[]> {
  const found: T[] = [];
  let cursor = 'none';
  for (let page = 1; ; page++) {
    const { status, body } = await api.get<Page<T>>(`${path}&${next(page, cursor)}`);
    expect(status).toBe(200);
    found.push(...body.data);
    cursor = body.meta.cursor ?? 'none';
    if (!body.meta.hasnext) return found;
  }
}

const byNumber = (page: number) => `page=${page}`;
const byCursor = (_: number, cursor: string) => `cursor=${cursor}`;

/** Five clients in one process, and two in the other. */
async function sevenClients(): Promise<string[]> {
  const ids: string[] = [];
  for (let number = 0; number < 7; number++) {
    const kind = number % 2 === 0 ? 'even' : 'odd';
    const id = api.idOf(number < 5 ? 0 : 1, `c${number}-${kind}`);
    ids.push(id);
    const { mqtt } = await api.client(id);
    await mqtt.subscribeAsync(['all/#', `own/${number}`].slice(0, 1 + (number % 2)), { qos: 1 });
  }
  return ids.sort();
}

test('each operation of the API is carried out over processes, under the same path', () => {
  const merged = mergedOperations(api);
  expect(merged.map(({ id, path }) => [id, path])).toEqual(
    OPERATIONS.map(({ id, path }) => [id, path]),
  );
});

describe('a list has each thing of all processes once', () => {
  test.each([
    ['by number', byNumber],
    ['by cursor', byCursor],
  ])('clients, %s', async (_, next) => {
    const ids = await sevenClients();
    for (const limit of [1, 2, 5, 7, 100]) {
      const found = await all<{ clientid: string }>(`/clients?limit=${limit}`, next);
      expect(found.map(({ clientid }) => clientid).sort()).toEqual(ids);
    }
    const odd = await all<{ clientid: string }>('/clients?limit=2&like_clientid=odd', next);
    expect(odd.map(({ clientid }) => clientid).sort()).toEqual(ids.filter((id) => /odd/.test(id)));
  });

  test.each([
    ['by number', byNumber],
    ['by cursor', byCursor],
  ])('subscriptions, %s', async (_, next) => {
    await sevenClients();
    const found = await all<{ clientid: string; topic: string }>('/subscriptions?limit=3', next);
    expect(new Set(found.map(({ clientid, topic }) => `${clientid} ${topic}`)).size).toBe(10);
    expect(found).toHaveLength(10);
  });

  test.each([
    ['by number', byNumber],
    ['by cursor', byCursor],
  ])('topic filters, %s', async (_, next) => {
    await sevenClients();
    const found = await all<{ topic: string }>('/topics?limit=2', next);
    expect(found.map(({ topic }) => topic).sort()).toEqual(['all/#', 'own/1', 'own/3', 'own/5']);
  });

  test('shared groups, with the members of all', async () => {
    for (const cell of [0, 1, 1]) {
      const { mqtt } = await api.client(api.idOf(cell, `m${Math.random()}`));
      await mqtt.subscribeAsync('$share/g/t');
    }
    const { mqtt } = await api.client(api.idOf(1, 'alone'));
    await mqtt.subscribeAsync('$share/other/t');
    const groups = await all<{ share_group: string; members: object[] }>(
      '/shared_groups?limit=1',
      byNumber,
    );
    expect(groups).toMatchObject([
      { share_group: 'g', members_cnt: 3, next: null },
      { share_group: 'other', members_cnt: 1, next: expect.stringMatching(/^alone/) },
    ]);
    expect(groups[0]?.members).toHaveLength(3);
  });
});

test('the number of clients is that of all processes', async () => {
  await sevenClients();
  const { body } = await api.get<Page<unknown>>('/clients?limit=2');
  expect(body.meta).toEqual({ page: 1, limit: 2, count: 7, hasnext: true });
  expect((await api.get<Page<unknown>>('/subscriptions?limit=2')).body.meta.count).toBe(10);
});

test('clients are sorted over all processes', async () => {
  await sevenClients();
  const { body } = await api.get<Page<{ clientid: string }>>(
    '/clients?sort=subscriptions_cnt&limit=4&fields=clientid',
  );
  expect(
    body.data
      .map(({ clientid }) => clientid.slice(0, 2))
      .slice(0, 3)
      .sort(),
  ).toEqual(['c1', 'c3', 'c5']);
  expect(Object.keys(body.data[0] as object)).toEqual(['clientid']);
  expect(body.meta.hasnext).toBe(true);
  const oldest = await api.get<Page<{ connected_at: string }>>(
    '/clients?sort=connected_at&order=asc',
  );
  const times = oldest.body.data.map(({ connected_at }) => connected_at);
  expect(times).toHaveLength(7);
  expect([...times].sort()).toEqual(times);
});

test('clients that are named come in the order in which they are named', async () => {
  const ids = (await sevenClients()).reverse();
  const named = ids.map((id) => `clientid=${id}`).join('&');
  const { body } = await api.get<Page<{ clientid: string }>>(`/clients?${named}&limit=4&page=1`);
  expect(body.data.map(({ clientid }) => clientid)).toEqual(ids.slice(0, 4));
  expect(body.meta).toMatchObject({ count: 7, hasnext: true });
  const users = await api.get<Page<object>>(`/clients?${named}&fields=username&limit=1`);
  expect(users.body.data).toEqual([{ username: null }]);
});

test('retained messages, which all have, are those of one process, and its cursors are good', async () => {
  const publisher = await api.client(api.idOf(0, 'p'));
  for (let number = 0; number < 5; number++) {
    await publisher.mqtt.publishAsync(`r/${number}`, 'x', { retain: true, qos: 1 });
  }
  for (const next of [byNumber, byCursor]) {
    const path = '/mqtt/retainer/messages?limit=2&topic=r/%23';
    const found = await all<{ topic: string }>(path, next);
    expect(found.map(({ topic }) => topic).sort()).toEqual([0, 1, 2, 3, 4].map((n) => `r/${n}`));
  }
  expect(await api.get('/mqtt/retainer/messages?cursor=7.x')).toMatchObject({ status: 400 });
});

test('cursors that nobody has answered are refused', async () => {
  for (const path of ['/clients', '/subscriptions']) {
    expect(await api.get(`${path}?cursor=x`)).toMatchObject({ status: 400 });
  }
});

test('while a process is away, lists say so, and have the others', async () => {
  await sevenClients();
  api.serve(1);
  const { status, body } = await api.get<Page<unknown>>('/clients');
  expect(status).toBe(200);
  expect(body.data).toHaveLength(2);
  expect(body.meta.missing).toEqual(['worker 0']);
  api.serve();
  expect(await api.get('/clients')).toMatchObject({ status: 503 });
  expect(await api.get('/status')).toMatchObject({ status: 503, body: { code: 'PROCESS_AWAY' } });
});
