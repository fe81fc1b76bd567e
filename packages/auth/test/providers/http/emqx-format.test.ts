import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { HttpOptions, Provider } from '../../../src/index.ts';
import { TemporaryFiles } from '../support/temporary-files.ts';
import { json, WebServer } from '../support/web-server.ts';
import { asked, authorized, HttpProviders } from './support.ts';

const files = new TemporaryFiles();
const providers = new HttpProviders();
let server: WebServer;

beforeAll(async () => {
  server = await WebServer.start(json({ result: 'allow' }));
});
beforeEach(() => {
  server.answer = json({ result: 'allow' });
  server.requests.length = 0;
});
afterEach(() => providers.close());
afterAll(async () => {
  files.remove();
  await server.close();
});

function open(given: Partial<HttpOptions> = {}): Provider {
  return providers.open({ url: server.url('/mqtt/auth'), ...given });
}

const certificate = {
  subject: { CN: 'device-1', O: 'Example, Inc.' },
  issuer: { CN: 'CA' },
  subjectAltNames: [],
  serialNumber: '01',
  fingerprint256: 'AA',
  validTo: 0,
};

describe('requests', () => {
  test('by default all that is known is posted as JSON', async () => {
    await asked(open(), { userName: 'alice', password: 'pä"ss', certificate });
    expect(server.requests).toMatchObject([
      { method: 'POST', path: '/mqtt/auth', headers: { 'content-type': 'application/json' } },
    ]);
    expect(JSON.parse(server.requests[0]?.body as string)).toEqual({
      clientid: 'client-1',
      username: 'alice',
      password: 'pä"ss',
      peerhost: '192.0.2.7',
      cert_common_name: 'device-1',
      cert_subject: 'CN=device-1,O=Example\\, Inc.',
    });
  });

  test('what there is not is an empty text', async () => {
    await asked(open(), {});
    expect(JSON.parse(server.requests[0]?.body as string)).toMatchObject({
      username: '',
      password: '',
      cert_common_name: '',
    });
  });

  test('POST of the documentation: placeholders in the URL, the body and headers', async () => {
    const provider = open({
      url: server.url('/auth?clientid=${clientid}'),
      body: { username: '${username}', password: '${password}', kind: 'mqtt ${proto_ver}' },
      headers: {
        'Content-Type': 'application/json',
        'X-Request-Source': 'EMQX',
        'X-Client': '${clientid}',
      },
    });
    await asked(provider, { clientId: 'a&b=c/d é\n', userName: 'u', password: 'p' });
    expect(server.requests).toMatchObject([
      {
        path: '/auth?clientid=a%26b%3Dc%2Fd%20%C3%A9%0A',
        headers: { 'x-request-source': 'EMQX', 'x-client': 'a&b=c/d%20%C3%A9%0A' },
        body: '{"username":"u","password":"p","kind":"mqtt 5"}',
      },
    ]);
  });

  test('GET of the documentation: the body is the query', async () => {
    const provider = open({
      method: 'get',
      url: server.url('/auth?v=1'),
      body: { username: '${username}', password: '${password}' },
    });
    await asked(provider, { userName: "o'neil&admin=1", password: 'p w' });
    expect(server.requests).toMatchObject([
      { method: 'GET', path: '/auth?v=1&username=o%27neil%26admin%3D1&password=p+w', body: '' },
    ]);
  });

  test('as a form', async () => {
    const provider = open({ encoding: 'form', body: { u: '${username}', p: '${password}' } });
    await asked(provider, { userName: 'a&b', password: '${username}' });
    expect(server.requests).toMatchObject([
      {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'u=a%26b&p=%24%7Busername%7D',
      },
    ]);
  });

  test('a secret for the server comes from a file', async () => {
    const authorizationFile = files.write('token', 'Bearer abc\n');
    await asked(open({ authorizationFile }));
    expect(server.requests[0]?.headers['authorization']).toBe('Bearer abc');
  });

  test.each(['..', '.', '%2e%2e', '../admin', 'a/../../x', '?x', '#x', '\\..\\'])(
    'a client that is called %s reaches no other URL',
    async (clientId) => {
      const provider = open({ url: server.url('/users/${clientid}/auth') });
      await asked(provider, { clientId });
      for (const { path } of server.requests) {
        expect(path).toMatch(/^\/users\/[^/?#]+\/auth$/);
        expect(decodeURIComponent(path)).toBe(`/users/${clientId}/auth`);
      }
      expect(server.requests.length).toBe(clientId === '.' || clientId === '..' ? 0 : 1);
    },
  );

  test('names with quotes and brackets are sent', async () => {
    const provider = open({ url: server.url('/auth?u=${username}') });
    expect(await asked(provider, { userName: "O'(Brien)*!" })).toMatchObject({ result: 'allow' });
    expect(server.requests[0]?.path).toBe('/auth?u=O%27%28Brien%29%2A%21');
  });

  test('a password that is no text is not sent as another one', async () => {
    const password = Buffer.from([0x70, 0xff]);
    expect(await asked(open(), { userName: 'a', password })).toMatchObject({ result: 'pass' });
    expect(server.requests.length).toBe(0);
  });
});

describe('answers', () => {
  test('200 of the documentation, with all that it may have', async () => {
    server.answer = json({
      result: 'allow',
      is_superuser: false,
      client_attrs: { role: 'admin', sn: '10c61f1a1f47' },
      expire_at: 1_654_254_601,
      acl: [
        { permission: 'allow', action: 'subscribe', topic: 'eq t/1/#', qos: [1] },
        { permission: 'deny', action: 'all', topic: 't/3' },
      ],
    });
    expect(await asked(open())).toMatchObject({
      result: 'allow',
      isSuperuser: false,
      attributes: { role: 'admin', sn: '10c61f1a1f47' },
      expiresAt: 1_654_254_601_000,
      acl: [
        { permission: 'allow', filters: [{ filter: 't/1/#', isLiteral: true }], qos: [1] },
        { permission: 'deny', filters: [{ filter: 't/3' }] },
      ],
    });
  });

  test('200 with superuser, and rules in the older form', async () => {
    server.answer = json(
      { result: 'allow', is_superuser: true, acl: { pub: ['a'], sub: [], all: [] } },
      200,
      { 'content-type': 'application/json; charset=utf-8' },
    );
    expect(await asked(open())).toMatchObject({ result: 'allow', isSuperuser: true });
  });

  test.each([
    ['deny', 'deny'],
    ['ignore', 'pass'],
    [undefined, 'pass'],
  ])('result %s is %s', async (result, meant) => {
    server.answer = json({ result, is_superuser: true });
    expect(await asked(open())).toMatchObject({ result: meant });
  });

  test('204 allows', async () => {
    server.answer = (_request, response) => response.writeHead(204).end();
    expect(await asked(open())).toEqual({ result: 'allow' });
  });

  test.each([400, 401, 403, 404, 429])(
    '%d denies, or passes where that was chosen',
    async (status) => {
      server.answer = json({ result: 'allow' }, status);
      expect(await asked(open())).toMatchObject({ result: 'deny' });
      expect(await asked(open({ onError: 'pass' }))).toMatchObject({ result: 'pass' });
    },
  );

  test.each([201, 301, 302, 500, 502, 503])('%d is a failure', async (status) => {
    server.answer = json({ result: 'allow' }, status, { location: '/' });
    await expect(asked(open())).rejects.toThrow(`status ${status}`);
    expect(server.requests.length).toBe(1);
  });

  const broken: [string, unknown][] = [
    ['another result', { result: 'yes' }],
    ['true', { result: true }],
    ['a superuser that is a text', { result: 'allow', is_superuser: 'false' }],
    ['attributes that are no texts', { result: 'allow', client_attrs: { a: 1 } }],
    ['attributes that are a list', { result: 'allow', client_attrs: [] }],
    ['an end that is a text', { result: 'allow', expire_at: '1654254601' }],
    ['rules that are none', { result: 'allow', acl: 'all' }],
    ['a rule that is none', { result: 'allow', acl: [{ permission: 'allow' }] }],
    ['a list', []],
    ['null', null],
  ];
  test.each(broken)('%s in it lets nobody in', async (_, body) => {
    server.answer = json(body);
    await expect(asked(open())).rejects.toThrow();
  });

  test.each([
    ['text/plain', '{"result":"allow"}'],
    ['application/json', 'allow'],
    ['application/json', ''],
  ])('%s with %s lets nobody in', async (type, body) => {
    server.answer = (_request, response) =>
      response.writeHead(200, { 'content-type': type }).end(body);
    await expect(asked(open())).rejects.toThrow();
  });
});

describe('authorisation', () => {
  const withUrl = () => open({ authorizeUrl: server.url('/authz') });

  test('is not asked without a URL for it', () => {
    expect(open()).not.toHaveProperty('authorize');
  });

  test('what is asked, and the answers', async () => {
    expect(await authorized(withUrl(), { retain: true })).toEqual({
      result: 'allow',
      holdsMs: 60_000,
    });
    expect(JSON.parse(server.requests[0]?.body as string)).toEqual({
      clientid: 'client-1',
      username: 'alice',
      peerhost: '192.0.2.7',
      action: 'publish',
      topic: 'a/b',
      qos: '1',
      retain: 'true',
    });
    for (const [said, result] of [
      ['deny', 'deny'],
      ['ignore', 'pass'],
    ]) {
      server.answer = json({ result: said });
      expect(await authorized(withUrl(), { action: 'subscribe' })).toMatchObject({ result });
    }
    server.answer = (_request, response) => response.writeHead(204).end();
    expect(await authorized(withUrl())).toMatchObject({ result: 'allow' });
    server.answer = json({}, 403);
    expect(await authorized(withUrl())).toMatchObject({ result: 'deny' });
    server.answer = json({}, 500);
    await expect(authorized(withUrl())).rejects.toThrow('status 500');
  });

  test('POST of the documentation, with attributes', async () => {
    const provider = open({
      authorizeUrl: server.url('/authz/${username}?clientid=${clientid}'),
      authorizeBody: { topic: '${topic}', action: '${action}', site: '${client_attrs.site}' },
    });
    await authorized(provider, { topic: '$share/g/a/+', action: 'subscribe' });
    expect(server.requests).toMatchObject([
      {
        path: '/authz/alice?clientid=client-1',
        body: '{"topic":"a/+","action":"subscribe","site":"berlin"}',
      },
    ]);
  });
});

describe('options that can not be used are refused at once', () => {
  const url = 'http://127.0.0.1/';
  const cases: [string, Partial<HttpOptions>, string][] = [
    ['no URL', { url: 'app/auth' }, 'url'],
    ['a URL that is not of HTTP', { url: 'file:///etc/passwd' }, 'url'],
    ['a password in the URL', { url: 'http://u:p@app/' }, 'url'],
    ['a placeholder in the host', { url: 'http://${clientid}.example/' }, 'url'],
    ['a placeholder in the port', { url: 'http://app:${clientid}/' }, 'url'],
    ['a fragment', { url: 'http://app/#a' }, 'url'],
    ['an unknown placeholder', { url: 'http://app/${user}' }, 'url'],
    ['one in a body', { body: { a: '${topic}' } }, 'body'],
    [
      'the password where nothing is authenticated',
      { authorizeUrl: `${url}\${password}` },
      'authorize-url',
    ],
    ['a secret among the headers', { headers: { authorization: 'Bearer x' } }, 'headers'],
    ['a header of the connection', { headers: { Host: 'x' } }, 'headers'],
    ['a header with a line end', { headers: { 'x-a': 'a\r\nb: c' } }, 'headers'],
    ['a name that is none', { headers: { 'x a': 'b' } }, 'headers'],
    [
      'another content type',
      { headers: { 'content-type': 'text/plain' }, encoding: 'form' },
      'headers',
    ],
    ['a superuser URL', { superuserUrl: url }, 'superuser-url'],
    ['a response mode', { responseMode: 'json' }, 'response-mode'],
    ['a body for VerneMQ', { format: 'vernemq', body: {} }, 'body'],
    ['GET for VerneMQ', { format: 'vernemq', method: 'get' }, 'method'],
    ['no CA file', { caFile: '/nowhere/ca.pem' }, 'ca'],
    ['no file of the secret', { authorizationFile: '/nowhere/secret' }, 'authorization-file'],
  ];
  test.each(cases)('%s', (_, given, option) => {
    expect(() => providers.open({ url, ...given })).toThrow(expect.objectContaining({ option }));
  });
});
