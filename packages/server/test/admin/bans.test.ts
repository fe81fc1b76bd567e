import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectAsync } from 'mqtt';
import { AdminApi } from '../support/admin-api.ts';
import { next } from '../support/mqtt-client.ts';

let api: AdminApi;

beforeEach(async () => {
  api = await AdminApi.open();
});

afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const connect = (clientId: string) =>
  connectAsync(`${api.broker.url}`, { clientId, protocolVersion: 5, reconnectPeriod: 0 });

test('a ban cuts off, keeps out, is listed and taken back', async () => {
  const client = await connect('bad/one');
  const ended = next(client, 'disconnect');
  const until = '2090-01-01T00:00:00.000Z';
  const ban = { as: 'clientid', who: 'bad/one', reason: 'too much', until };
  const made = await api.post('/banned', ban);
  expect(made.status).toBe(200);
  expect(made.body).toEqual({ ...ban, by: 'socket', at: expect.stringMatching(/Z$/) });
  await ended;
  await client.endAsync(true);
  await expect(connect('bad/one')).rejects.toThrow();
  expect((await api.get('/banned')).body).toEqual({
    data: [made.body],
    meta: { page: 1, limit: 100, count: 1, hasnext: false },
  });
  expect((await api.delete('/banned/clientid/bad%2Fone')).status).toBe(204);
  expect((await api.delete('/banned/clientid/bad%2Fone')).status).toBe(404);
  await (await connect('bad/one')).endAsync(true);
});

test('seconds since 1970 and infinity are taken for until', async () => {
  const forever = await api.post('/banned', { as: 'username', who: 'u', until: 'infinity' });
  expect(forever.body).toMatchObject({ until: 'infinity', reason: '' });
  const some = await api.post('/banned', {
    as: 'peerhost',
    who: '192.0.2.1',
    until: 4_000_000_000,
  });
  expect(some.body.until).toBe(new Date(4_000_000_000_000).toISOString());
});

test.each([
  ['clientid', 'dev-*', 'clientid_re', '^dev-'],
  ['clientid_re', '^dev-', 'clientid_re', '^dev-'],
  ['clientid_re', '^a\\.b.*', 'clientid_re', '^a\\.b'],
  ['clientid_re', '^a\\.b$', 'clientid', 'a.b'],
  ['username_re', '^x.*$', 'username_re', '^x'],
  ['peerhost_net', '192.0.2.0/24', 'peerhost_net', '192.0.2.0/24'],
  ['peerhost', '2001:db8::1', 'peerhost', '2001:db8::1'],
])('%s %s is listed as %s %s, and removed by both', async (as, who, shownAs, shownWho) => {
  for (const [removedAs, removedWho] of [
    [as, who],
    [shownAs, shownWho],
  ]) {
    const made = await api.post('/banned', { as, who });
    expect(made.body).toMatchObject({ as: shownAs, who: shownWho });
    const path = `/banned/${removedAs}/${encodeURIComponent(removedWho ?? '')}`;
    expect((await api.delete(path)).status).toBe(204);
  }
});

test('filters choose, and all are taken back at once', async () => {
  for (const [as, who] of [
    ['clientid', 'abc'],
    ['clientid_re', '^abd'],
    ['username', 'abc'],
    ['peerhost', '192.0.2.7'],
    ['peerhost_net', '192.0.2.0/24'],
  ]) {
    await api.post('/banned', { as, who });
  }
  const found = async (query: string) =>
    (await api.get(`/banned?${query}`)).body.data.map(({ who }: { who: string }) => who);
  expect(await found('clientid=abc')).toEqual(['abc']);
  expect(await found('like_clientid=ab')).toEqual(['abc', '^abd']);
  expect(await found('like_username=b')).toEqual(['abc']);
  expect(await found('like_peerhost=192')).toEqual(['192.0.2.7']);
  expect(await found('like_peerhost_net=192')).toEqual(['192.0.2.0/24']);
  expect(await found('limit=2&page=3')).toHaveLength(1);
  expect((await api.delete('/banned')).status).toBe(204);
  expect(await found('')).toEqual([]);
});

test.each([
  [{ as: 'clientid' }, 'who'],
  [{ as: 'x', who: 'a' }, 'as'],
  [{ as: 'clientid_re', who: 'a|b' }, 'who'],
  [{ as: 'clientid_re', who: '^(a+)+$' }, 'who'],
  [{ as: 'peerhost', who: 'nowhere' }, 'address'],
  [{ as: 'clientid', who: 'a', until: 'soon' }, 'until'],
  [{ as: 'clientid', who: 'a', until: 1 }, 'until'],
  [{ as: 'clientid', who: 'a', till: 1 }, 'till'],
])('%j is refused', async (ban, field) => {
  const { status, body } = await api.post('/banned', ban);
  expect([status, body.message]).toEqual([400, expect.stringContaining(field)]);
});
