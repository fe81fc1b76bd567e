import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { HttpOptions, Provider } from '../../../src/index.ts';
import { json, WebServer } from '../support/web-server.ts';
import { asked, authorized, HttpProviders } from './support.ts';

const providers = new HttpProviders();
let server: WebServer;

beforeAll(async () => {
  server = await WebServer.start(json({}));
});
beforeEach(() => {
  server.requests.length = 0;
});
afterEach(() => providers.close());
afterAll(() => server.close());

function lastBody(): unknown {
  return JSON.parse(server.requests.at(-1)?.body as string);
}

describe("VerneMQ's webhooks", () => {
  const open = (given: Partial<HttpOptions> = {}): Provider =>
    providers.open({
      format: 'vernemq',
      url: server.url('/hooks'),
      authorizeUrl: server.url('/hooks'),
      ...given,
    });
  beforeEach(() => {
    server.answer = json({ result: 'ok' });
  });

  test('auth_on_register', async () => {
    expect(
      await asked(open(), { version: 4, userName: 'u', password: 'p', cleanStart: false }),
    ).toEqual({
      result: 'allow',
    });
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      headers: { 'vernemq-hook': 'auth_on_register', 'content-type': 'application/json' },
    });
    expect(lastBody()).toEqual({
      peer_addr: '192.0.2.7',
      peer_port: 0,
      username: 'u',
      password: 'p',
      mountpoint: '',
      client_id: 'client-1',
      clean_session: false,
    });
  });

  test('auth_on_register_m5', async () => {
    await asked(open(), {});
    expect(server.requests[0]?.headers['vernemq-hook']).toBe('auth_on_register_m5');
    expect(lastBody()).toMatchObject({
      username: null,
      password: null,
      clean_start: true,
      properties: {},
    });
  });

  test('next, errors, and how long yes holds', async () => {
    server.answer = json({ result: 'next' });
    expect(await asked(open())).toMatchObject({ result: 'pass' });
    server.answer = json({ result: { error: 'not_allowed' } });
    expect(await asked(open())).toMatchObject({ result: 'deny', why: 'http: not_allowed' });
    for (const [header, cacheSeconds] of [
      ['max-age=300, private', 300],
      ['private,MAX-AGE=5', 5],
      ['no-store', 0],
    ] as const) {
      server.answer = json({ result: 'ok' }, 200, { 'cache-control': header });
      expect(await asked(open())).toEqual({ result: 'allow', cacheSeconds });
    }
  });

  test('limits in modifiers have no effect; another identity lets nobody in', async () => {
    server.answer = json({ result: 'ok', modifiers: { max_message_size: 65_535 } });
    expect(await asked(open())).toEqual({ result: 'allow' });
    server.answer = json({ result: 'ok', modifiers: { client_id: 'x', mountpoint: 'm' } });
    await expect(asked(open())).rejects.toThrow('client_id');
  });

  test.each([{ result: 'OK' }, {}, { result: null }, { result: 'ok', modifiers: 7 }])(
    '%j lets nobody in',
    async (body) => {
      server.answer = json(body);
      await expect(asked(open())).rejects.toThrow();
    },
  );

  test('auth_on_publish', async () => {
    server.answer = json({ result: 'ok' }, 200, { 'cache-control': 'max-age=7' });
    expect(await authorized(open(), { version: 4, qos: 2, retain: true })).toEqual({
      result: 'allow',
      holdsMs: 7000,
    });
    expect(server.requests[0]?.headers['vernemq-hook']).toBe('auth_on_publish');
    expect(lastBody()).toEqual({
      username: 'alice',
      client_id: 'client-1',
      mountpoint: '',
      qos: 2,
      topic: 'a/b',
      payload: '',
      retain: true,
    });
  });

  test.each([
    [{ topic: 'a/b', qos: 1, retain: false }, 'allow'],
    [{ topic: 'rewritten' }, 'deny'],
    [{ qos: 0 }, 'deny'],
    [{ retain: true }, 'deny'],
    [{ payload: 'other' }, 'deny'],
  ])('a message that would be another one is refused: %j', async (modifiers, result) => {
    server.answer = json({ result: 'ok', modifiers });
    expect(await authorized(open())).toMatchObject({ result });
  });

  test('auth_on_subscribe_m5', async () => {
    const subscribe = { action: 'subscribe', topic: 'a/+', qos: 1 } as const;
    expect(await authorized(open(), subscribe)).toEqual({ result: 'allow', holdsMs: 60_000 });
    expect(server.requests[0]?.headers['vernemq-hook']).toBe('auth_on_subscribe_m5');
    expect(lastBody()).toEqual({
      username: 'alice',
      client_id: 'client-1',
      mountpoint: '',
      topics: [{ topic: 'a/+', qos: 1 }],
      properties: {},
    });
    server.answer = json({ result: 'ok', modifiers: { topics: [{ topic: 'a/+', qos: 135 }] } });
    expect(await authorized(open(), subscribe)).toMatchObject({ result: 'deny' });
    server.answer = json({ result: 'ok', topics: [{ topic: 'a/+', qos: 128 }] });
    expect(await authorized(open(), { ...subscribe, version: 4 })).toMatchObject({
      result: 'deny',
    });
    server.answer = json({ result: 'ok', topics: [{ topic: 'other', qos: 1 }] });
    expect(await authorized(open(), { ...subscribe, version: 4 })).toMatchObject({
      result: 'deny',
    });
    server.answer = json({ result: { error: 'no' } });
    expect(await authorized(open(), subscribe)).toMatchObject({ result: 'deny' });
    server.answer = json({ result: 'next' });
    expect(await authorized(open(), subscribe)).toMatchObject({ result: 'pass' });
  });
});

describe('mosquitto-go-auth', () => {
  const open = (given: Partial<HttpOptions> = {}): Provider =>
    providers.open({
      format: 'go-auth',
      url: server.url('/user'),
      superuserUrl: server.url('/superuser'),
      authorizeUrl: server.url('/acl'),
      ...given,
    });
  /** Yes to some paths, no to the others. */
  const yesTo = (...paths: string[]) => {
    server.answer = ({ path }, response) =>
      response.writeHead(paths.includes(path) ? 200 : 403).end();
  };

  test('user and superuser by status', async () => {
    yesTo('/user');
    expect(await asked(open())).toEqual({ result: 'allow', isSuperuser: false });
    expect(server.requests.map(({ path, body }) => [path, JSON.parse(body)])).toEqual([
      ['/user', { username: 'alice', password: 'secret', clientid: 'client-1' }],
      ['/superuser', { username: 'alice' }],
    ]);
    yesTo('/user', '/superuser');
    expect(await asked(open())).toEqual({ result: 'allow', isSuperuser: true });
    expect(await asked(open({ superuserUrl: null }))).toEqual({ result: 'allow' });
    yesTo('/superuser');
    expect(await asked(open())).toMatchObject({ result: 'deny' });
  });

  test('a superuser that can not be asked about lets nobody in', async () => {
    server.answer = ({ path }, response) => response.writeHead(path === '/user' ? 200 : 500).end();
    await expect(asked(open())).rejects.toThrow('status 500');
  });

  test('what they may do: write is 2, subscribe 4', async () => {
    yesTo('/acl');
    expect(await authorized(open())).toEqual({ result: 'allow', holdsMs: 60_000 });
    expect(lastBody()).toEqual({ username: 'alice', clientid: 'client-1', topic: 'a/b', acc: 2 });
    await authorized(open({ encoding: 'form' }), { action: 'subscribe', topic: 'a/#' });
    expect(server.requests.at(-1)?.body).toBe(
      'username=alice&clientid=client-1&topic=a%2F%23&acc=4',
    );
    yesTo();
    expect(await authorized(open())).toMatchObject({ result: 'deny' });
  });

  test.each([
    ['json', '{"ok":true,"error":""}', 'allow'],
    ['json', '{"Ok":true}', 'allow'],
    ['json', '{"ok":false,"error":"no"}', 'deny'],
    ['json', '{"ok":"true"}', 'deny'],
    ['text', 'ok', 'allow'],
    ['text', 'ok\n', 'allow'],
    ['text', 'not ok', 'deny'],
    ['text', '', 'deny'],
  ] as const)('%s %s is %s', async (responseMode, body, result) => {
    server.answer = (_request, response) => response.end(body);
    expect(await asked(open({ responseMode, superuserUrl: null }))).toMatchObject({ result });
  });

  test('nobody without a name is asked about', async () => {
    expect(await asked(open(), {})).toMatchObject({ result: 'pass' });
    expect(server.requests.length).toBe(0);
  });
});
