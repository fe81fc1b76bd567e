import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { connectAsync, type IClientOptions } from 'mqtt';
import { json, WebServer } from '../../../auth/test/providers/support/web-server.ts';
import { Access } from '../../src/access/index.ts';
import {
  ConfigError,
  type ConfigInput,
  createBroker,
  parseConfig,
  type RunningBroker,
} from '../../src/index.ts';
import { type SimulatedClient, Simulation } from '../support/simulation.ts';

/*
 * Providers of @promptmq/auth as a broker's configuration has them; what they answer to what is tested there.
 */

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let folder: string;
let keyFile: string;
let server: WebServer;
let broker: RunningBroker | null = null;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-providers-'));
  keyFile = join(folder, 'issuer.pem');
  writeFileSync(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  server = await WebServer.start(json({}));
});
afterEach(async () => {
  await broker?.stop();
  broker = null;
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** A token with ES256. */
function tokenOf(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ alg: 'ES256' })}.${part({ sub: 'alice', ...claims })}`;
  const signature = sign('sha256', Buffer.from(input), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return `${input}.${signature.toString('base64url')}`;
}

const jwt = (more: object = {}) => ({
  jwt: { algorithms: ['ES256'], publicKey: keyFile, ...more },
});

async function start(...chain: object[]): Promise<string> {
  broker = await createBroker({ auth: { chain } } as ConfigInput);
  return `${broker.url}`;
}

function connected(url: string, options: IClientOptions) {
  return connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, ...options });
}

async function codeOf(url: string, options: IClientOptions): Promise<number> {
  try {
    await (await connected(url, options)).endAsync();
    return 0;
  } catch (error) {
    return (error as { code: number }).code;
  }
}

describe('the configuration', () => {
  const chainFor = (chain: unknown) => parseConfig({ auth: { chain } } as ConfigInput).auth.chain;

  test('of the documentation', () => {
    const chain = chainFor([
      {
        jwt: {
          from: 'password',
          algorithms: ['ES256', 'RS256'],
          'jwks-url': 'https://id.example/jwks.json',
          issuer: 'https://id.example',
          audience: 'mqtt',
          'user-name-claim': 'sub',
          'acl-claim': 'acl',
          verify: { client_id: '${clientid}' },
        },
      },
      {
        http: {
          url: 'http://app/mqtt/auth',
          method: 'post',
          timeout: '3s',
          cache: '60s',
          'on-error': 'deny',
          format: 'emqx',
        },
      },
      { ldap: { url: 'ldaps://ldap.example', 'user-dn': 'uid=${username},ou=people' } },
    ]);
    expect(chain).toMatchObject([
      {
        jwt: {
          from: ['password'],
          audience: ['mqtt'],
          verify: { client_id: '${clientid}' },
          disconnectAfterExpire: true,
        },
      },
      { http: { timeout: 3000, cache: 60_000, onError: 'deny', body: {} } },
      { ldap: { filter: '(uid=${username})', timeout: 5000 } },
    ]);
  });

  test.each([
    [{ jwt: { publicKey: 'k' } }, /auth\.chain\[0\]\.jwt\.algorithms/],
    [{ jwt: { algorithms: ['none'], publicKey: 'k' } }, /jwt\.algorithms .*one or more of HS256/],
    [{ jwt: { algorithms: ['ES256'], from: 'header', publicKey: 'k' } }, /jwt\.from/],
    [{ jwt: { algorithms: ['ES256'] } }, /one of secret-file, public-key, jwks-file and jwks-url/],
    [
      { jwt: { algorithms: ['ES256'], publicKey: 'k', jwksUrl: 'http://a' } },
      /one of secret-file, public-key/,
    ],
    [{ http: {} }, /http\.url/],
    [{ http: { url: 'http://a', format: 'mosquitto' } }, /http\.format .*emqx, vernemq, go-auth/],
    [{ ldap: { url: 'ldap://a' } }, /either user-dn or base-dn/],
    [{ ldap: { url: 'ldap://a', userDn: 'a', baseDn: 'b' } }, /either user-dn or base-dn/],
  ])('%j is refused', (item, message) => {
    expect(() => chainFor([item])).toThrow(message);
  });

  test('what is wrong with its keys and URLs is said at the start, and where', async () => {
    const error = await start(
      jwt({ algorithms: ['RS256'] }),
      { http: { url: 'ftp://a' } },
      { http: { url: server.url(), ca: '/no/ca' } },
      { ldap: { url: 'http://a', userDn: 'uid=${username}' } },
    ).catch((refusal: unknown) => refusal);
    expect(error).toBeInstanceOf(ConfigError);
    const [first, ...others] = (error as ConfigError).message.split('\n');
    expect(first).toMatch(/^auth\.chain\[0\]\.jwt\.public-key .*RS256 needs an RSA key/);
    expect(others).toEqual([
      expect.stringMatching(/^auth\.chain\[1\]\.http\.url /),
      expect.stringMatching(/^auth\.chain\[2\]\.http\.ca .*\/no\/ca/),
      expect.stringMatching(/^auth\.chain\[3\]\.ldap\.url /),
    ]);
  });
});

describe('tokens', () => {
  test('let their owners in, with what they allow', async () => {
    const url = await start(jwt({ verify: { client_id: '${clientid}' } }));
    const acl = [{ permission: 'allow', action: 'publish', topic: 'open/#' }];
    const password = tokenOf({ client_id: 'c', acl });
    const client = await connected(url, { clientId: 'c', username: 'anybody', password });
    expect(broker?.clients.get('c')).toMatchObject({ userName: 'alice' });
    await expect(client.publishAsync('secret/a', 'x', { qos: 1 })).rejects.toMatchObject({
      code: 0x87,
    });
    await client.publishAsync('open/a', 'x', { qos: 1 });
    await client.endAsync();
    expect(await codeOf(url, { clientId: 'd', username: 'x', password })).toBe(0x86);
    expect(await codeOf(url, { clientId: 'c', username: 'x', password: 'secret' })).toBe(0x86);
    expect(await codeOf(url, { clientId: 'c' })).toBe(0x87);
  });

  /** A broker without sockets, whose time is set. */
  function simulation(): Simulation {
    const auth = { chain: [jwt({ from: ['password', 'auth-method'] })] };
    return new Simulation({ auth } as ConfigInput);
  }

  const secondsOf = ({ runtime }: Simulation) => Math.floor(runtime.wallNow() / 1000);

  /** What comes next: signatures are checked in other threads. */
  async function next(client: SimulatedClient): Promise<string[]> {
    for (;;) {
      const packets = client.brief();
      if (packets.length > 0) return packets;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  test('have an end, at which the client is disconnected: 0x87', async () => {
    const broker = simulation();
    const client = broker.open();
    client.connect('c', {
      username: 'x',
      password: Buffer.from(tokenOf({ exp: secondsOf(broker) + 60 })),
    });
    expect(await next(client)).toEqual(['connack 0']);
    broker.advance(58);
    expect(client.brief()).toEqual([]);
    broker.advance(2);
    expect(client.brief()).toEqual(['disconnect 135']);
  });

  test.each(['JWT', 'CUSTOM-JWT'])('are renewed by AUTH with the method %s', async (method) => {
    const broker = simulation();
    const client = broker.open();
    const properties = (claims: object) => ({
      authenticationMethod: method,
      authenticationData: Buffer.from(tokenOf({ exp: secondsOf(broker) + 60, ...claims })),
    });
    client.connect('c', { properties: properties({}) });
    expect(await next(client)).toEqual(['connack 0']);
    broker.advance(50);
    client.send({ cmd: 'auth', reasonCode: 0x19, properties: properties({}) } as Packet);
    expect(await next(client)).toEqual(['auth 0']);
    broker.advance(50);
    expect(client.brief()).toEqual([]);
    client.send({
      cmd: 'auth',
      reasonCode: 0x19,
      properties: properties({ sub: 'bob' }),
    } as Packet);
    expect(await next(client)).toEqual(['disconnect 135']);
  });

  test('that are wrong are refused by AUTH as by CONNECT', async () => {
    const broker = simulation();
    for (const data of ['', 'no token', tokenOf({ exp: secondsOf(broker) - 1 })]) {
      const client = broker.open();
      const authenticationData = Buffer.from(data);
      client.connect('c', { properties: { authenticationMethod: 'JWT', authenticationData } });
      expect(await next(client)).toEqual(['connack 135']);
    }
  });

  test('are renewed by what a reload has configured', async () => {
    const broker = simulation();
    const client = broker.open();
    const authenticationData = Buffer.from(tokenOf({}));
    const properties = { authenticationMethod: 'JWT', authenticationData };
    client.connect('c', { properties });
    expect(await next(client)).toEqual(['connack 0']);
    const auth = { chain: [jwt({ from: ['auth-method'], maxTokenSize: 100 })] };
    broker.broker.reconfigure(Access.load(parseConfig({ auth } as ConfigInput)));
    client.send({ cmd: 'auth', reasonCode: 0x19, properties } as Packet);
    expect(await next(client)).toEqual(['disconnect 135']);
  });

  test('that were right are no longer after a reload that believes others', async () => {
    const url = await start(jwt());
    const client = await connected(url, { username: 'x', password: tokenOf({}) });
    const told = new Promise((resolve) => client.once('disconnect', resolve));
    const config = (more: object) => parseConfig({ auth: { chain: [jwt(more)] } } as ConfigInput);
    broker?.reconfigure(config({ maxWaiting: 7 }));
    await client.publishAsync('a', 'still here', { qos: 1 });
    broker?.reconfigure(config({ audience: ['mqtt'] }));
    expect(await told).toMatchObject({ reasonCode: 0x87 });
    await client.endAsync();
  });
});

describe('an HTTP server', () => {
  test('is asked once, and its answer holds as long as it was configured', async () => {
    server.answer = ({ body }, response) => {
      const { username, password } = JSON.parse(body);
      const result = password === 'secret' ? 'allow' : 'deny';
      const acl = [{ permission: 'deny', action: 'all', topic: 'secret/#' }];
      json({ result, acl, is_superuser: username === 'root' })(null as never, response);
    };
    server.requests.length = 0;
    const url = await start({ http: { url: server.url('/mqtt/auth'), cache: '60s' } });
    const login = (username: string, password: string, clientId = 'c') => ({
      clientId,
      username,
      password,
    });
    expect(await codeOf(url, login('alice', 'secret'))).toBe(0);
    expect(await codeOf(url, login('alice', 'secret'))).toBe(0);
    expect(await codeOf(url, login('alice', 'wrong'))).toBe(0x86);
    expect(server.requests.length).toBe(2);
    const alice = await connected(url, login('alice', 'secret', 'a'));
    await expect(alice.publishAsync('secret/a', '', { qos: 1 })).rejects.toMatchObject({
      code: 0x87,
    });
    const root = await connected(url, login('root', 'secret', 'r'));
    await root.publishAsync('secret/a', '', { qos: 1 });
    await Promise.all([alice.endAsync(), root.endAsync()]);
  });

  test('that fails lets nobody in, or is passed over', async () => {
    server.answer = json({}, 500);
    const url = server.url();
    expect(await codeOf(await start({ http: { url } }), { username: 'a', password: 'b' })).toBe(
      0x88,
    );
    await broker?.stop();
    const chain = [{ http: { url, onError: 'pass' } }, jwt()];
    expect(await codeOf(await start(...chain), { username: 'a', password: tokenOf({}) })).toBe(0);
  });
});

describe('an HTTP server that is asked what clients do', () => {
  const login = { clientId: 'c', username: 'alice', password: 'secret' };
  const asked = () => server.requests.filter(({ path }) => path === '/authz');

  /** Lets everybody in, and allows what is no secret. */
  function answer(): void {
    server.requests.length = 0;
    server.answer = ({ path, body }, response) => {
      const { topic = '', username } = JSON.parse(body);
      const result = path === '/authz' && topic.startsWith('secret') ? 'deny' : 'allow';
      const more = path === '/authz' ? {} : { is_superuser: username === 'root' };
      json({ result, ...more })(null as never, response);
    };
  }

  const http = (more: object = {}) => ({
    http: { url: server.url('/auth'), authorizeUrl: server.url('/authz'), ...more },
  });

  test('decides on each PUBLISH and filter, and is asked once while its answer holds', async () => {
    answer();
    const url = await start(http());
    const client = await connected(url, login);
    const got: string[] = [];
    client.on('message', (topic) => got.push(topic));
    await client.subscribeAsync('open/#', { qos: 1 });
    for (const filter of ['secret', '$share/group/secret']) {
      await expect(client.subscribeAsync(filter)).rejects.toThrow('Not authorized');
    }
    for (let count = 0; count < 3; count++) await client.publishAsync('open/a', '', { qos: 1 });
    for (let count = 0; count < 3; count++) {
      await expect(client.publishAsync('secret/a', '', { qos: 1 })).rejects.toMatchObject({
        code: 0x87,
      });
    }
    expect(asked().map(({ body }) => JSON.parse(body))).toMatchObject([
      { action: 'subscribe', topic: 'open/#', username: 'alice', clientid: 'c', qos: '1' },
      { action: 'subscribe', topic: 'secret' },
      { action: 'subscribe', topic: 'secret' },
      { action: 'publish', topic: 'open/a', peerhost: expect.stringMatching(/127\.0\.0\.1/) },
      { action: 'publish', topic: 'secret/a', retain: 'false' },
    ]);
    await client.endAsync();
    expect(got).toEqual(['open/a', 'open/a', 'open/a']);
  });

  test('whose place another one takes at a reload isn’t believed any more', async () => {
    answer();
    const of = (path: string) => http({ url: server.url(path), authorizeUrl: '' });
    const client = await connected(await start(of('/auth'), of('/other')), login);
    const reload = (...chain: object[]) =>
      broker?.reconfigure(parseConfig({ auth: { chain } } as ConfigInput));
    await reload(of('/auth'));
    await client.publishAsync('stays', '', { qos: 1 });
    const told = new Promise((resolve) => client.once('disconnect', resolve));
    await reload(of('/other'));
    expect(await told).toMatchObject({ reasonCode: 0x87 });
    await client.endAsync();
  });

  test('is asked each time about long topics: what they take in memory is not kept', async () => {
    answer();
    const client = await connected(await start(http()), login);
    const long = 'x'.repeat(1025);
    for (let count = 0; count < 2; count++) await client.publishAsync(long, '', { qos: 1 });
    expect(asked().length).toBe(2);
    await client.endAsync();
  });

  test('refuses a will, and is not asked about who may do everything', async () => {
    answer();
    const url = await start(http());
    const will = {
      topic: 'secret/will',
      payload: Buffer.from('x'),
      qos: 0,
      retain: false,
    } as const;
    expect(await codeOf(url, { ...login, will })).toBe(0x87);
    answer();
    const root = await connected(url, { ...login, username: 'root', will });
    await root.publishAsync('secret/a', '', { qos: 1 });
    expect(asked()).toEqual([]);
    await root.endAsync();
  });

  test('allows nothing when it fails, and all that rules allow where it may', async () => {
    answer();
    const failing = { authorizeUrl: server.url('/authz?fail') };
    const fail = () => {
      const { answer: usual } = server;
      server.answer = (request, response) =>
        request.path === '/authz?fail'
          ? json({}, 500)(request, response)
          : usual(request, response);
    };
    fail();
    const strict = await connected(await start(http(failing)), login);
    await expect(strict.publishAsync('open/a', '', { qos: 1 })).rejects.toMatchObject({
      code: 0x83,
    });
    await strict.endAsync();
    await broker?.stop();
    const lenient = await connected(await start(http({ ...failing, onError: 'pass' })), login);
    await lenient.publishAsync('open/a', '', { qos: 1 });
    await lenient.endAsync();
  });

  test('allows nothing to who can’t be asked about, also where what fails is passed over', async () => {
    answer();
    const authorizeUrl = `${server.url('/authz/')}\${clientid}/\${topic}`;
    const url = await start(http({ authorizeUrl, onError: 'pass' }));
    for (const [clientId, topic] of [
      ['..', 'open/a'],
      ['c', '..'],
    ] as const) {
      const client = await connected(url, { ...login, clientId });
      await expect(client.publishAsync(topic, '', { qos: 1 })).rejects.toMatchObject({
        code: 0x87,
      });
      await client.endAsync();
    }
  });

  test('from a reload on is asked about nobody whom it was not asked about before', async () => {
    answer();
    const url = await start(http({ authorizeUrl: '' }));
    const client = await connected(url, login);
    await client.publishAsync('secret/a', '', { qos: 1 });
    const told = new Promise((resolve) => client.once('disconnect', resolve));
    broker?.reconfigure(parseConfig({ auth: { chain: [http()] } } as ConfigInput));
    expect(await told).toMatchObject({ reasonCode: 0x98 });
    await client.endAsync();
    const again = await connected(url, login);
    await expect(again.publishAsync('secret/a', '', { qos: 1 })).rejects.toMatchObject({
      code: 0x87,
    });
    await again.endAsync();
  });
});
