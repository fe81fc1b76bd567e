import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AdminWeb, basic, SECRET } from '../support/admin-web.ts';
import { TestClient } from '../support/mqtt-client.ts';

let web: AdminWeb;
beforeAll(async () => {
  web = await AdminWeb.open({ maxBodySize: '2KiB', rate: 'none', failedLogins: 'none' });
});
afterAll(() => web.broker.stop());

const STATUS = '/api/v5/status';
const ALL = basic('all');

test.each([
  ['no key', 'GET', '/api/v5/stats', {}, undefined, 401, 'UNAUTHORIZED'],
  ['a wrong secret', 'GET', STATUS, basic('all', 'wrong'), undefined, 401, 'BAD_API_KEY_OR_SECRET'],
  [
    'a key that there is not',
    'GET',
    STATUS,
    basic('nobody'),
    undefined,
    401,
    'BAD_API_KEY_OR_SECRET',
  ],
  ['another scheme', 'GET', STATUS, { authorization: 'Digest a' }, undefined, 401, 'UNAUTHORIZED'],
  [
    'no key, for a path that there is not',
    'GET',
    '/api/v5/nothing',
    {},
    undefined,
    401,
    'UNAUTHORIZED',
  ],
  [
    'a scope that it does not have',
    'GET',
    '/api/v5/audit',
    basic('reader'),
    undefined,
    403,
    'NOT_ALLOWED',
  ],
  ['a path that there is not', 'GET', '/api/v5/nothing', ALL, undefined, 404, 'NOT_FOUND'],
  ['another method', 'POST', STATUS, ALL, undefined, 405, 'METHOD_NOT_ALLOWED'],
  ['another method for a page', 'POST', '/', ALL, undefined, 405, 'METHOD_NOT_ALLOWED'],
  [
    'a body that is too large',
    'POST',
    '/api/v5/login',
    {},
    { key: 'x'.repeat(3000) },
    413,
    'TOO_LARGE',
  ],
  [
    'a body of another type',
    'POST',
    '/api/v5/login',
    { 'content-type': 'text/plain' },
    '{}',
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  [
    'a form',
    'POST',
    '/api/v5/login',
    { 'content-type': 'application/x-www-form-urlencoded' },
    'key=a',
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  ['a body that is no JSON', 'POST', '/api/v5/login', {}, '{"key":', 400, 'BAD_REQUEST'],
  ['a body without what is needed', 'POST', '/api/v5/login', {}, {}, 400, 'BAD_REQUEST'],
  ['a body that is null', 'POST', '/api/v5/login', {}, 'null', 400, 'BAD_REQUEST'],
  ['a parameter out of range', 'GET', '/api/v5/audit?limit=0', ALL, undefined, 400, 'BAD_REQUEST'],
  [
    'a time that is none',
    'GET',
    '/api/v5/audit?gte_created_at=now',
    ALL,
    undefined,
    400,
    'BAD_REQUEST',
  ],
] as const)('%s: %s %s', async (_, method, path, headers, body, status, code) => {
  const answer = await web.ask(method, path, headers, body as never);
  expect(answer).toMatchObject({ status, body: { code, message: expect.any(String) } });
  expect(Object.keys(answer.body)).toEqual(['code', 'message']);
  expect(answer.text).not.toMatch(/at .*\.[jt]s:\d/);
});

test('an error names the field and what it takes', async () => {
  const { body } = await web.ask('GET', '/api/v5/audit?page=1&limit=1000000', ALL);
  expect(body.message).toBe('limit takes a whole number from 1 to 10000, not "1000000"');
});

test.each([
  ['POST', '/api/v5/dynamic_security/import', (deep: string) => `{"a":${deep}}`],
  [
    'POST',
    '/api/v5/dynamic_security',
    (deep: string) => `{"commands":[{"command":"a","b":${deep}}]}`,
  ],
  ['POST', '/api/v5/users', (deep: string) => `{"username":${deep}}`],
  ['POST', '/api/v5/publish', (deep: string) => `{"topic":${deep}}`],
  ['POST', '/api/v5/login', (deep: string) => deep],
])('%s %s answers 400 to a body that is too deep', async (method, path, bodyOf) => {
  await using deep = await AdminWeb.open({ rate: 'none' });
  const levels = 200_000;
  for (const [open, close] of [
    ['[', ']'],
    ['{"\\"]":', '}'],
  ] as const) {
    const body = bodyOf(`${open.repeat(levels)}1${close.repeat(levels)}`);
    const headers = { ...ALL, 'content-type': 'application/json' };
    const answer = await deep.ask(method, path, headers, body.slice(0, 1_000_000));
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'BAD_REQUEST', message: expect.stringContaining('within each other') },
    });
  }
  // Brackets in texts are no levels.
  const flat = await deep.ask(
    method,
    path,
    { ...ALL, 'content-type': 'application/json' },
    `"${'['.repeat(100)}"`,
  );
  expect(flat.body.message).not.toContain('within each other');
});

test('405 says which methods there are', async () => {
  expect((await web.ask('DELETE', STATUS, ALL)).headers['allow']).toBe('GET');
});

test.each([
  '//api/v5/status',
  '/api/v5//status',
  '/api/v5/../status',
  '/api/v5/%2e%2e/status',
  '/./api/v5/status',
  '/..%2f..%2fetc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/api-docs/../../etc/passwd',
  '/api-docs/%00',
  '/index.html%00.png',
  '/\\..\\x',
  '/%5c..%5cx',
])('%s leads nowhere', async (path) => {
  const { status, text } = await web.ask('GET', path, ALL);
  expect([400, 404]).toContain(status);
  expect(text).not.toContain('root:');
});

const head = (...lines: string[]) => `${[...lines, 'Host: x', '', ''].join('\r\n')}`;

test('a head that is too large is 431', async () => {
  const answer = await web.raw(head(`GET ${STATUS} HTTP/1.1`, `X-A: ${'a'.repeat(20_000)}`));
  expect(answer).toMatch(/^HTTP\/1.1 431 /);
});

test.each([
  ['garbage', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc'],
  ['MQTT', Buffer.from('101000044d5154540402003c000474657374', 'hex')],
  ['two lengths', head(`POST /api/v5/login HTTP/1.1`, 'Content-Length: 1', 'Content-Length: 2')],
  [
    'a length and chunks',
    head(`POST /api/v5/login HTTP/1.1`, 'Content-Length: 1', 'Transfer-Encoding: chunked'),
  ],
  ['a target that is none', head('GET nothing HTTP/1.1')],
  ['no host', `GET ${STATUS} HTTP/1.1\r\n\r\n`],
])('%s is 400', async (_, sent) => {
  expect(await web.raw(sent)).toMatch(/^HTTP\/1.1 400 /);
});

test('an address of another host as the target is 400', async () => {
  const request = head('GET http://evil.example/api/v5/status HTTP/1.1', 'Connection: close');
  expect(await web.raw(request)).toMatch(/^HTTP\/1.1 400 /);
});

test('a body in pieces without a length is refused when it gets too large, and its sender reads why', async () => {
  const request = head('POST /api/v5/login HTTP/1.1', 'Transfer-Encoding: chunked');
  const piece = `400\r\n${'a'.repeat(1024)}\r\n`;
  expect(await web.raw(request, piece, piece, piece, '0\r\n\r\n')).toMatch(
    /^HTTP\/1.1 413 .*TOO_LARGE/s,
  );
});

test('garbage behind a request is 400, and ends the connection', async () => {
  const request = head(`GET ${STATUS} HTTP/1.1`, `Authorization: ${ALL.authorization}`);
  const answer = await web.raw(`${request}\x00\x01garbage\r\n\r\n`);
  expect(answer.match(/HTTP\/1\.1 \d+/g)?.at(-1)).toBe('HTTP/1.1 400');
});

test('requests one behind the other are answered in their order', async () => {
  const path = (name: string) =>
    head(`GET /api/v5/${name} HTTP/1.1`, `Authorization: ${ALL.authorization}`);
  const last = head(
    `GET ${STATUS} HTTP/1.1`,
    `Authorization: ${ALL.authorization}`,
    'Connection: close',
  );
  const answer = await web.raw(path('status') + path('nothing') + last);
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
});

test('a body that never comes is cut after admin.request-timeout, and so is a head; clients notice nothing', async () => {
  await using slow = await AdminWeb.open({ requestTimeout: '300ms' });
  const client = await TestClient.connect(slow.broker.url as string, { clientId: 'c' });
  const body = head(
    'POST /api/v5/login HTTP/1.1',
    'Content-Length: 100',
    'Content-Type: application/json',
  );
  const [first, second] = await Promise.all([
    slow.raw(body, '{'),
    slow.raw(`GET ${STATUS} HTTP/1.1\r\nHost:`),
  ]);
  expect(first).not.toMatch(/200/);
  expect(second).toMatch(/^(HTTP\/1.1 408 .*)?$/s);
  expect(slow.lines).toContainEqual({ event: 'admin-connection-cut', why: 'late' });
  await client.mqtt.publishAsync('a', 'b', { qos: 1 });
  await client.end();
});

test('of more connections than admin.max-connections, the one that is idle for longest is closed', async () => {
  await using few = await AdminWeb.open({ maxConnections: 2 });
  const first = await few.connect();
  const closed = once(first, 'close');
  const others = [await few.connect(), await few.connect()];
  await closed;
  expect(few.lines).toContainEqual({ event: 'admin-connection-cut', why: 'room' });
  for (const other of others) other.destroy();
});

test('a connection that is half open takes its answer', async () => {
  const socket = await web.connect();
  socket.setEncoding('latin1');
  const answer: string[] = [];
  socket.on('data', (chunk) => answer.push(`${chunk}`));
  socket.end(head(`GET ${STATUS} HTTP/1.1`, `Authorization: ${ALL.authorization}`));
  await once(socket, 'close');
  expect(answer.join('')).toMatch(/^HTTP\/1.1 200 /);
});

test('an address that asks too often is answered 429, with the seconds to wait', async () => {
  await using limited = await AdminWeb.open({ rate: '3/1m' });
  const ask = () => limited.ask('GET', STATUS, ALL);
  expect([await ask(), await ask(), await ask()].map(({ status }) => status)).toEqual([
    200, 200, 200,
  ]);
  const { status, headers, body } = await ask();
  expect([status, headers['retry-after'], body.code]).toEqual([429, '20', 'TOO_MANY_REQUESTS']);
  expect(limited.lines).toContainEqual(
    expect.objectContaining({ event: 'admin-refused', status: 429 }),
  );
});

test('an address that has tried wrong secrets too often is answered 429, the right one as well', async () => {
  await using limited = await AdminWeb.open({ failedLogins: '2/1m' });
  const { cookie } = await limited.login();
  const wrong = basic('all', 'wrong');
  const login = () => limited.ask('POST', '/api/v5/login', {}, { key: 'all', secret: 'wrong' });
  expect((await limited.ask('GET', STATUS, wrong)).status).toBe(401);
  expect((await login()).status).toBe(401);
  expect((await login()).status).toBe(429);
  const { status, headers } = await limited.ask('GET', STATUS, ALL);
  expect([status, headers['retry-after']]).toEqual([429, '30']);
  // Who is logged in isn't kept out by others of the address.
  expect((await limited.ask('GET', STATUS, { cookie })).status).toBe(200);
  expect(JSON.stringify(limited.lines)).not.toContain(SECRET);
});
