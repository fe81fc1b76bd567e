import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AuditLog } from '../../src/admin/gate/audit-log.ts';
import { RequestRates } from '../../src/admin/gate/request-rates.ts';
import { AdminApi } from '../support/admin-api.ts';
import { AdminWeb, basic, SECRET } from '../support/admin-web.ts';

const ALL = basic('all');
const STATUS = '/api/v5/status';
const KICK = '/api/v5/clients/a%2Fb';
const RELOAD = '/api/v5/api_key/reload';

describe('with a broker', () => {
  let web: AdminWeb;
  beforeAll(async () => {
    web = await AdminWeb.open({ origins: ['https://ops.example'] });
  });
  afterAll(() => web.broker.stop());

  test('a key is taken as Basic and as Bearer', async () => {
    expect((await web.ask('GET', STATUS, ALL)).status).toBe(200);
    const bearer = { authorization: `Bearer all:${SECRET}` };
    expect((await web.ask('GET', STATUS, bearer)).status).toBe(200);
    expect((await web.ask('GET', STATUS, { authorization: `bearer  all:${SECRET}` })).status).toBe(
      200,
    );
    expect((await web.ask('GET', STATUS, { authorization: 'Bearer all' })).status).toBe(401);
    expect((await web.ask('GET', STATUS, { authorization: 'Basic %%%' })).status).toBe(401);
  });

  test('a browser is never asked for a password that it would send along from then on', async () => {
    expect((await web.ask('GET', STATUS)).headers['www-authenticate']).toBeUndefined();
  });

  test('a page of somebody else changes nothing, whatever its browser knows', async () => {
    const from = (headers: Record<string, string>) =>
      web.ask('DELETE', KICK, { ...ALL, ...headers });
    expect((await from({ origin: 'https://evil.example' })).body.code).toBe('BAD_ORIGIN');
    expect((await from({ 'sec-fetch-site': 'cross-site' })).body.code).toBe('BAD_ORIGIN');
    expect((await from({ origin: 'https://ops.example' })).status).toBe(404);
    expect((await from({ origin: web.url })).status).toBe(404);
    expect((await from({})).status).toBe(404);
  });

  test('scripts of listed pages may read answers, and no others', async () => {
    const allowed = async (origin: string) =>
      (await web.ask('GET', STATUS, { ...ALL, origin })).headers['access-control-allow-origin'];
    expect(await allowed('https://ops.example')).toBe('https://ops.example');
    expect(await allowed('https://evil.example')).toBeUndefined();
    const preflight = { 'access-control-request-method': 'DELETE' };
    const { status, headers } = await web.ask('OPTIONS', KICK, {
      origin: 'https://ops.example',
      ...preflight,
    });
    expect([status, headers['access-control-allow-credentials']]).toEqual([204, undefined]);
    expect(headers['access-control-allow-methods']).toContain('DELETE');
    expect(
      (await web.ask('OPTIONS', KICK, { origin: 'https://evil.example', ...preflight })).status,
    ).toBe(401);
  });

  test('what could change something is in the audit and in the log: who, what, when, from where, what came of it', async () => {
    const before = new Date().toISOString();
    await web.ask('DELETE', `${KICK}?token=hidden`, basic('reader'));
    await web.ask('DELETE', KICK, ALL);
    await web.ask('GET', '/api/v5/clients', ALL);
    const { body } = await web.ask(
      'GET',
      `/api/v5/audit?operation_id=kickClient&gte_created_at=${before}`,
      ALL,
    );
    const common = {
      from: 'key',
      source_ip: '127.0.0.1',
      operation_result: 'failure',
      http_method: 'DELETE',
      path: KICK,
    };
    expect(body.data).toMatchObject([
      { ...common, source: 'all', http_status_code: 404 },
      { ...common, source: 'reader', http_status_code: 403 },
    ]);
    expect(body.meta).toEqual({ page: 1, limit: 100, count: 2, hasnext: false });
    expect(web.lines).toContainEqual({
      event: 'admin-request',
      who: 'reader',
      kind: 'key',
      address: '127.0.0.1',
      operation: 'kickClient',
      method: 'DELETE',
      path: KICK,
      status: 403,
      durationMs: expect.any(Number),
    });
    expect(JSON.stringify(web.lines)).not.toContain('hidden');
  });

  test.each([
    ['source=reader', 1],
    ['source=nobody', 0],
    ['source_ip=127.0.0.1', 2],
    ['source_ip=192.0.2.1', 0],
    ['operation_id=login', 0],
    ['operation_result=success', 0],
    ['http_method=DELETE', 2],
    ['http_method=POST', 0],
    ['http_status_code=404', 1],
    ['lte_created_at=2020-01-01T00:00:00Z', 0],
  ])('GET /audit?%s', async (query, count) => {
    await using own = await AdminWeb.open();
    await own.ask('DELETE', KICK, basic('reader'));
    await own.ask('DELETE', KICK, ALL);
    const { body } = await own.ask('GET', `/api/v5/audit?${query}`, ALL);
    expect(body.meta.count).toBe(count);
  });

  test('what only asks is not in the audit', async () => {
    await web.ask('POST', RELOAD, ALL);
    const { body } = await web.ask('GET', '/api/v5/audit?operation_id=reloadApiKeys', ALL);
    expect(body.data).toEqual([]);
  });
});

test('in read-only mode nobody changes anything, and everybody may ask and log in', async () => {
  await using web = await AdminWeb.open({ readOnly: true });
  const { status, body } = await web.ask('DELETE', KICK, ALL);
  expect([status, body.code]).toEqual([403, 'READ_ONLY']);
  expect((await web.ask('GET', STATUS, ALL)).status).toBe(200);
  expect((await web.ask('GET', '/api/v5/audit', ALL)).body.data).toHaveLength(1);
  expect((await web.ask('POST', RELOAD, ALL)).status).toBe(200);
  const login = await web.ask('POST', '/api/v5/login', {}, { key: 'all', secret: SECRET });
  expect(login).toMatchObject({ status: 200, body: { readOnly: true } });
});

test('read-only mode holds for the Unix domain socket, too', async () => {
  await using api = await AdminApi.open({ admin: { readOnly: true, bind: 'none' } });
  expect((await api.delete('/clients/a')).body.code).toBe('READ_ONLY');
  expect((await api.get('/audit')).body.data).toMatchObject([
    { from: 'socket', source: 'socket', source_ip: null, http_status_code: 403 },
  ]);
});

const entry = (at: number) =>
  ({
    at,
    who: 'a',
    kind: 'key',
    address: null,
    operation: 'o',
    method: 'PUT',
    path: '/',
    status: 200,
    durationMs: 0,
  }) as const;

test('the audit keeps admin.audit-entries of them, the newest, and none where it is 0', () => {
  let max = 3;
  const audit = new AuditLog(() => max);
  for (let at = 0; at < 100; at++) audit.add(entry(at));
  expect(audit.entries().map(({ at }) => at)).toEqual([99, 98, 97]);
  max = 0;
  audit.add(entry(100));
  expect(audit.entries()).toEqual([]);
});

test('who is quiet has all of his rate again; no more than 10,000 are remembered', () => {
  let now = 0;
  const rates = new RequestRates(
    () => ({ amount: 2, periodMs: 10_000 }),
    () => now,
  );
  expect([rates.take('a'), rates.take('a'), rates.take('a'), rates.ask('a')]).toEqual([0, 0, 5, 5]);
  expect([rates.take('b'), rates.ask('b')]).toEqual([0, 0]);
  now = 5000;
  expect([rates.ask('a'), rates.take('a'), rates.take('a')]).toEqual([0, 0, 5]);
  for (let one = 0; one < 20_000; one++) rates.take(`${one}`);
  expect(rates.size).toBe(10_000);
});

test('without a rate nothing is counted', () => {
  const rates = new RequestRates(
    () => null,
    () => 0,
  );
  for (let one = 0; one < 100; one++) expect(rates.take('a')).toBe(0);
  expect(rates.size).toBe(0);
});
