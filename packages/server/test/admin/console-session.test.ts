import { once } from 'node:events';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type ConsoleSession, ConsoleSessions } from '../../src/admin/gate/console-sessions.ts';
import { KeyRing } from '../../src/admin/keys/key-ring.ts';
import { parseConfig } from '../../src/config/index.ts';
import { AdminWeb, basic, KEYS, SECRET } from '../support/admin-web.ts';

let web: AdminWeb;
beforeAll(async () => {
  web = await AdminWeb.open();
});
afterAll(() => web.broker.stop());

const LOGIN = '/api/v5/login';
const SESSION = '/api/v5/session';
const LOGOUT = '/api/v5/logout';
const KICK = '/api/v5/clients/nobody';

const cookieName = () => `promptmq_session_${new URL(web.url).port}`;

test('a key and its secret are a session, whose cookie no script can read and no other page sends', async () => {
  const { status, headers, body } = await web.ask(
    'POST',
    LOGIN,
    {},
    { key: 'reader', secret: SECRET },
  );
  expect(status).toBe(200);
  expect(body).toEqual({
    csrf: expect.any(String),
    name: 'reader',
    scopes: ['read'],
    readOnly: false,
  });
  const [cookie = ''] = headers['set-cookie'] as string[];
  const { port } = new URL(web.url);
  const [name = '', ...parts] = cookie.split('=');
  expect(name).toBe(`promptmq_session_${port}`);
  expect(parts.join('=')).toMatch(/^[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  const [sent = ''] = cookie.split(';');
  const again = await web.ask('GET', SESSION, { cookie: `other=1; ${sent}` });
  expect(again).toMatchObject({ status: 200, body });
  expect((await web.ask('GET', '/api/v5/status', { cookie: sent })).status).toBe(200);
});

test('who logs in is in the audit and in the log, and a secret never is', async () => {
  await web.login('reader');
  const { body } = await web.ask('GET', '/api/v5/audit?operation_id=login&limit=1', basic('all'));
  expect(body.data[0]).toMatchObject({
    source: 'reader',
    from: 'console',
    source_ip: '127.0.0.1',
    http_status_code: 200,
  });
  expect(web.lines).toContainEqual(
    expect.objectContaining({
      event: 'admin-request',
      who: 'reader',
      operation: 'login',
      status: 200,
    }),
  );
  expect(JSON.stringify([web.lines, body])).not.toContain(SECRET);
});

test('nobody is logged in without a cookie, with one that is wrong, and after a logout', async () => {
  expect((await web.ask('GET', SESSION)).status).toBe(401);
  expect((await web.ask('GET', SESSION, { cookie: `${cookieName()}=wrong` })).status).toBe(401);
  const { cookie, origin } = await web.login();
  const { status, headers } = await web.ask('POST', LOGOUT, { cookie, origin });
  expect(status).toBe(204);
  expect(headers['set-cookie']).toEqual([expect.stringContaining(`${cookieName()}=; `)]);
  expect((await web.ask('GET', SESSION, { cookie })).status).toBe(401);
  expect((await web.ask('GET', '/api/v5/status', { cookie })).status).toBe(401);
});

test('what could change something needs the token of the session, and a page of this server', async () => {
  const { cookie, csrf, origin } = await web.login();
  const kick = async (headers: Record<string, string>) => {
    const { status, body } = await web.ask('DELETE', KICK, { cookie, ...headers });
    return [status, body?.code];
  };
  expect(await kick({ origin, 'x-csrf-token': csrf })).toEqual([404, expect.any(String)]);
  expect(await kick({ origin })).toEqual([403, 'BAD_CSRF_TOKEN']);
  expect(await kick({ origin, 'x-csrf-token': `${csrf}x` })).toEqual([403, 'BAD_CSRF_TOKEN']);
  expect(await kick({ 'x-csrf-token': csrf })).toEqual([403, 'BAD_ORIGIN']);
  expect(await kick({ 'x-csrf-token': csrf, origin: 'http://evil.example' })).toEqual([
    403,
    'BAD_ORIGIN',
  ]);
  expect(await kick({ 'x-csrf-token': csrf, origin: 'null' })).toEqual([403, 'BAD_ORIGIN']);
});

test('a page of somebody else logs nobody in', async () => {
  const answer = await web.ask(
    'POST',
    LOGIN,
    { origin: 'http://evil.example' },
    { key: 'all', secret: SECRET },
  );
  expect(answer).toMatchObject({ status: 403, body: { code: 'BAD_ORIGIN' } });
  expect(answer.headers['set-cookie']).toBeUndefined();
});

test('scripts made for EMQX log in with username and password, and use the token as Bearer', async () => {
  const { status, headers, body } = await web.ask(
    'POST',
    LOGIN,
    {},
    { username: 'all', password: SECRET },
  );
  expect({ status, cookie: headers['set-cookie'] }).toEqual({ status: 200, cookie: undefined });
  const bearer = { authorization: `Bearer ${body.token}` };
  expect((await web.ask('GET', '/api/v5/status', bearer)).status).toBe(200);
  expect((await web.ask('DELETE', KICK, bearer)).status).toBe(404);
  // It is no cookie, and a cookie is no token.
  expect((await web.ask('GET', SESSION, { cookie: `${cookieName()}=${body.token}` })).status).toBe(
    401,
  );
  const [, cookie = ''] = (await web.login()).cookie.split('=');
  expect(
    (await web.ask('GET', '/api/v5/status', { authorization: `Bearer ${cookie}` })).status,
  ).toBe(401);
});

test('a session ends with its key', async () => {
  await using own = await AdminWeb.open();
  const { cookie } = await own.login('reader');
  const keys = [KEYS[0], { ...KEYS[1], secret: `${SECRET}-another` }];
  const input = { server: { bind: '127.0.0.1:0', wsBind: 'none' }, storage: { enabled: false } };
  const admin = { bind: '127.0.0.1:0', keyFile: 'none' };
  own.broker.reconfigure(parseConfig({ ...input, admin: { ...admin, keys: keys as never } }));
  expect((await own.ask('GET', SESSION, { cookie })).status).toBe(401);
  expect(own.lines).toContainEqual({ event: 'admin-session-ended', name: 'reader', why: 'key' });
});

/** A stream that has begun. */
async function openStream(own: AdminWeb, headers: Record<string, string>) {
  const { body } = await fetch(`${own.url}/api/v5/events`, { headers });
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  return reader;
}

test('a stream ends with the session in which it was opened, and those of others go on', async () => {
  await using own = await AdminWeb.open();
  const [one, other] = [await own.login(), await own.login()];
  const [ended, left] = [
    await openStream(own, { cookie: one.cookie }),
    await openStream(own, { cookie: other.cookie }),
  ];
  const { cookie, origin } = one;
  expect((await own.ask('POST', LOGOUT, { cookie, origin })).status).toBe(204);
  await expect(ended.read()).rejects.toThrow();
  expect(own.lines).toContainEqual({ event: 'admin-session-ended', name: 'all', why: 'logout' });
  const { body } = await own.ask('GET', '/api/v5/audit?operation_id=logout', basic('all'));
  expect(body.data).toMatchObject([{ source: 'all', from: 'console', http_status_code: 204 }]);
  const reading = left.read();
  await own.broker.stop();
  expect((await reading).done).toBe(false);
});

test('a stream ends when another session takes the place of its own', async () => {
  await using own = await AdminWeb.open({ maxSessions: 1 });
  const { cookie } = await own.login();
  const ended = await openStream(own, { cookie });
  await own.login('reader');
  await expect(ended.read()).rejects.toThrow();
});

test('a token is logged out as a cookie is, with its streams', async () => {
  await using own = await AdminWeb.open();
  const { body } = await own.ask('POST', LOGIN, {}, { username: 'all', password: SECRET });
  const bearer = { authorization: `Bearer ${body.token}` };
  const ended = await openStream(own, bearer);
  const { status, headers } = await own.ask('POST', LOGOUT, bearer);
  expect([status, headers['set-cookie']]).toEqual([204, undefined]);
  await expect(ended.read()).rejects.toThrow();
  expect((await own.ask('GET', '/api/v5/stats', bearer)).status).toBe(401);
  const audit = await own.ask('GET', '/api/v5/audit?limit=2', basic('all'));
  expect(audit.body.data).toMatchObject([
    { operation_id: 'logout', source: 'all', from: 'key' },
    { operation_id: 'login', source: 'all', from: 'key' },
  ]);
});

test('sessions of two brokers on one host do not meet, as their cookies have the port', async () => {
  await using other = await AdminWeb.open();
  const [here, there] = [await web.login(), await other.login()];
  const cookie = `${here.cookie}; ${there.cookie}`;
  expect((await web.ask('GET', SESSION, { cookie })).body.csrf).toBe(here.csrf);
  expect((await other.ask('GET', SESSION, { cookie })).body.csrf).toBe(there.csrf);
  // Where the port is the usual one, browsers leave it out.
  const { headers } = await web.ask('POST', LOGIN, { host: 'h' }, { key: 'all', secret: SECRET });
  expect(headers['set-cookie']).toEqual([expect.stringMatching(/^promptmq_session=/)]);
});

test('a stream ends with the key that it was opened with, and others go on', async () => {
  await using own = await AdminWeb.open();
  const open = async (name: string) => {
    const headers = { authorization: `Bearer ${name}:${SECRET}` };
    const { body } = await fetch(`${own.url}/api/v5/events`, { headers });
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    return reader;
  };
  const [ended, other] = [await open('reader'), await open('all')];
  const input = { server: { bind: '127.0.0.1:0', wsBind: 'none' }, storage: { enabled: false } };
  const admin = { bind: '127.0.0.1:0', keyFile: 'none', keys: [KEYS[0]] as never };
  own.broker.reconfigure(parseConfig({ ...input, admin }));
  await expect(ended.read()).rejects.toThrow();
  expect((await own.ask('GET', '/api/v5/status', basic('all'))).status).toBe(200);
  const reading = other.read();
  await own.broker.stop();
  expect((await reading).done).toBe(false);
});

test('a stream ends when its key may do less than it could when it was opened', async () => {
  await using own = await AdminWeb.open();
  const headers = basic('reader');
  const { body } = await fetch(`${own.url}/api/v5/events`, { headers });
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  own.broker.reconfigure(configWith([KEYS[0], { ...KEYS[1], scopes: ['publish'] }]));
  await expect(reader.read()).rejects.toThrow();
});

test('what arrives after its key was deleted is refused, also when it had begun before', async () => {
  await using own = await AdminWeb.open();
  const { authorization } = basic('reader');
  const socket = await own.connect();
  socket.setEncoding('latin1');
  const head = `GET /api/v5/events HTTP/1.1\r\nHost: h\r\nAuthorization: ${authorization}\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n`;
  socket.write(head);
  // The head was read.
  expect((await once(socket, 'data'))[0]).toMatch(/^HTTP\/1.1 100 /);
  own.broker.reconfigure(configWith([KEYS[0]]));
  socket.write(' ');
  expect((await once(socket, 'data'))[0]).toMatch(/^HTTP\/1.1 401 /);
  socket.destroy();
});

function configWith(keys: readonly object[]) {
  return parseConfig({
    server: { bind: '127.0.0.1:0', wsBind: 'none' },
    storage: { enabled: false },
    admin: { bind: '127.0.0.1:0', keyFile: 'none', keys: keys as never },
  });
}

/** Sessions with a clock of the test. */
class Sessions {
  readonly ended: string[] = [];
  readonly sessions: ConsoleSessions;
  readonly ring = new KeyRing(() => 0);
  now = 0;

  constructor(maxSessions: number, sessionTimeout: number) {
    this.ring.set([], KEYS as never);
    this.sessions = new ConsoleSessions(
      { maxSessions, sessionTimeout },
      this.ring,
      () => this.now,
      (name, why) => this.ended.push(`${name} ${why}`),
    );
  }

  begin(name: string): string {
    return this.sessions.begin(this.ring.verify(name, SECRET) as never, true).token;
  }
}

test('one more than admin.max-sessions ends the one that was idle for longest', () => {
  const one = new Sessions(2, 1000);
  const first = one.begin('reader');
  const second = one.begin('all');
  one.sessions.use(first);
  const third = one.begin('all');
  expect([first, second, third].map((token) => one.sessions.use(token) !== null)).toEqual([
    true,
    false,
    true,
  ]);
  expect(one.ended).toEqual(['all room']);
  expect(one.sessions.size).toBe(2);
});

test('a session that is idle for too long ends by itself, and others stay', () => {
  const one = new Sessions(3, 1000);
  const first = one.begin('reader');
  const second = one.begin('all');
  one.now = 800;
  const used = one.sessions.use(second);
  one.now = 1000;
  one.sessions.endIdle();
  expect(one.ended).toEqual([]);
  one.now = 1001;
  one.sessions.endIdle();
  expect(one.ended).toEqual(['reader idle']);
  expect(one.sessions.has(used as ConsoleSession)).toBe(true);
  one.now = 1801;
  one.sessions.endIdle();
  expect(one.ended).toEqual(['reader idle', 'all idle']);
  expect(one.sessions.has(used as ConsoleSession)).toBe(false);
  expect(one.sessions.use(first)).toBeNull();
});

test('that a session is idle is noticed without anybody asking', () => {
  jest.useFakeTimers();
  try {
    const one = new Sessions(2, 1000);
    one.begin('all');
    one.now = 700;
    one.begin('reader');
    one.now = 1001;
    jest.advanceTimersByTime(1001);
    expect(one.ended).toEqual(['all idle']);
    one.now = 1701;
    jest.advanceTimersByTime(700);
    expect(one.ended).toEqual(['all idle', 'reader idle']);
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});

test('a session lasts for admin.session-timeout without a request', () => {
  const one = new Sessions(2, 1000);
  const token = one.begin('all');
  one.now = 1000;
  expect(one.sessions.use(token)).not.toBeNull();
  one.now = 2000;
  expect(one.sessions.use(token)).not.toBeNull();
  one.now = 3001;
  expect(one.sessions.use(token)).toBeNull();
  expect(one.ended).toEqual(['all idle']);
  expect(one.sessions.size).toBe(0);
});
