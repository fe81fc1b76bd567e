import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuthenticationMethod } from '@promptmq/auth';
import { connectAsync, type IClientOptions } from 'mqtt';
import { Access, plainTools } from '../../src/access/index.ts';
import { chainOf } from '../../src/config/index.ts';
import {
  type AuthenticateAnswer,
  ConfigError,
  type ConfigInput,
  createBroker,
  parseConfig,
  type RunningBroker,
} from '../../src/index.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { cheapHash } from '../support/cheap-hash.ts';
import { Gate, HookedBroker } from '../support/hooked-broker.ts';
import { TestClient } from '../support/mqtt-client.ts';
import { Simulation } from '../support/simulation.ts';

let folder: string;
let first: string;
let second: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-chain-'));
  const [sesame, builder] = [cheapHash('open sesame'), cheapHash('builder')];
  first = write(
    'first',
    `alice:${sesame}
`,
  );
  second = write(
    'second',
    `alice:${builder}
bob:${builder}
`,
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

let broker: RunningBroker | null = null;
let hooked: HookedBroker | null = null;

afterEach(async () => {
  await broker?.stop();
  await hooked?.stop();
  broker = null;
  hooked = null;
});

/** The reason code with which a client is answered. */
async function codeOf(url: string | null, options: IClientOptions): Promise<number> {
  try {
    const client = await connectAsync(`${url}`, {
      protocolVersion: 5,
      ...options,
      reconnectPeriod: 0,
    });
    await client.endAsync();
    return 0;
  } catch (error) {
    return (error as { code: number }).code;
  }
}

const login = (username: string, password: string): IClientOptions => ({ username, password });

describe('the configuration of a chain', () => {
  const chainFor = (auth: object) => chainOf(parseConfig({ auth } as ConfigInput));

  test('a provider is a section, a file, or a word', () => {
    const certificate = { userName: 'cn', clientId: 'none' };
    expect(chainFor({ chain: ['certificate', { 'password-file': 'a' }, 'custom'] })).toEqual([
      { certificate },
      { passwordFile: 'a' },
      { custom: true },
    ]);
    expect(chainFor({ chain: [{ certificate: { 'user-name': 'email' } }] })).toEqual([
      { certificate: { ...certificate, userName: 'email' } },
    ]);
    expect(chainFor({ chain: [{ certificate: null }, { custom: true }] })).toEqual([
      { certificate },
      { custom: true },
    ]);
    expect(chainFor({ chain: '[{"password-file": "a"}, "custom"]' })).toEqual([
      { passwordFile: 'a' },
      { custom: true },
    ]);
  });

  test('options that are older than chains are its first and its last provider', () => {
    const config = parseConfig({
      auth: { passwordFile: 'b', chain: [{ passwordFile: 'a' }] },
      server: { tls: { ca: 'c', clientCertificates: 'optional', useSubjectAsUserName: true } },
    });
    expect(chainOf(config)).toEqual([
      { certificate: { userName: 'cn', clientId: 'none' } },
      { passwordFile: 'a' },
      { passwordFile: 'b' },
    ]);
  });

  test.each([
    [[{}], 'auth.chain[0] (options): each has one provider, such as - password-file: FILE'],
    [
      [{ passwordFile: 'a', custom: true }],
      'auth.chain[0] (options): each has one provider, such as - password-file: FILE',
    ],
    [['jwt'], /auth\.chain\[0\]/],
    [['custom', { certifcate: {} }], /auth\.chain\[1\]\.certifcate .*did you mean certificate\?/],
    [[{ certificate: { userName: 'dn' } }], /auth\.chain\[0\]\.certificate\.user-name .*cn, ou/],
    [[{ custom: false }], /auth\.chain\[0\]\.custom .*true/],
  ])('%j is refused: %s', (chain, message) => {
    expect(() => chainFor({ chain })).toThrow(message);
  });

  test('what is wrong with the files of its providers is said at once, and where', async () => {
    const start = createBroker({
      auth: { chain: [{ passwordFile: '/no/a' }, 'custom', { passwordFile: '/no/b' }] },
    });
    const error = await start.catch((refusal: unknown) => refusal);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).message.split('\n')).toEqual([
      expect.stringContaining('/no/a'),
      'auth.chain[1].custom (auth): there is no program with a hook authenticate that could be asked',
      expect.stringContaining('/no/b'),
    ]);
  });
});

describe('providers are asked in their order', () => {
  test('who is known is decided on by the first that knows him, and whoever nobody knows is refused', async () => {
    broker = await createBroker({
      auth: { chain: [{ passwordFile: first }, { passwordFile: second }] },
    });
    const { url, stats } = broker;
    expect(await codeOf(url, login('alice', 'open sesame'))).toBe(0);
    expect(await codeOf(url, login('bob', 'builder'))).toBe(0);
    // The second file would take it.
    expect(await codeOf(url, login('alice', 'builder'))).toBe(0x86);
    expect(await codeOf(url, login('bob', 'open sesame'))).toBe(0x86);
    expect(await codeOf(url, login('carol', 'builder'))).toBe(0x86);
    // MQTT.js sends no password without a user name.
    expect(await codeOf(url, {})).toBe(0x87);
    expect(await codeOf(url, { ...login('carol', 'x'), protocolVersion: 4 })).toBe(4);
    expect(await codeOf(url, { protocolVersion: 4 })).toBe(5);
    expect([...stats.loginsRefused]).toEqual([
      ['password-file denied', 1],
      ['password-file-2 denied', 1],
      ['none unknown', 2],
      ['none anonymous', 2],
    ]);
  });

  test('certificates go before passwords, and may say which identifier a client gets', async () => {
    const authority = new CertificateAuthority();
    const server = authority.issue('localhost');
    broker = await createBroker({
      server: {
        tlsBind: '127.0.0.1:0',
        tls: {
          cert: write('cert.pem', server.cert),
          key: write('key.pem', server.key),
          ca: write('ca.pem', authority.cert),
          clientCertificates: 'optional',
        },
      },
      auth: { chain: [{ certificate: { clientId: 'cn' } }, { passwordFile: first }] },
    });
    const { tlsUrl } = broker;
    const ca = [authority.cert];
    expect(await codeOf(tlsUrl, { ca })).toBe(0x87);
    expect(await codeOf(tlsUrl, { ca, ...login('alice', 'open sesame') })).toBe(0);
    const client = await TestClient.connect(`${tlsUrl}`, {
      ca,
      ...authority.issue('device-1'),
      ...login('alice', 'wrong'),
      clientId: 'another',
      protocolVersion: 5,
    });
    expect(broker.clients.get('device-1')).toMatchObject({ userName: 'device-1' });
    expect(broker.clients.get('another')).toBeNull();
    await client.end();
  });
});

describe('a listener may have a chain of its own', () => {
  test('in the place of the common one, also one without anybody', async () => {
    const bind = '127.0.0.1:0';
    broker = await createBroker({
      server: { bind, wsBind: 'none' },
      auth: { chain: [{ passwordFile: first }] },
      listeners: [
        { name: 'own', kind: 'tcp', bind, auth: [{ passwordFile: second }] },
        { name: 'open', kind: 'tcp', bind, auth: 'none' },
        { name: 'common', kind: 'tcp', bind },
      ],
    });
    const { listeners } = broker;
    const [flat, own, open, common] = listeners.map(({ url }) => url);
    const alice = login('alice', 'open sesame');
    const bob = login('bob', 'builder');
    for (const url of [flat, common]) {
      expect(await codeOf(`${url}`, alice)).toBe(0);
      expect(await codeOf(`${url}`, bob)).toBe(0x86);
      expect(await codeOf(`${url}`, {})).toBe(0x87);
    }
    expect(await codeOf(`${own}`, alice)).toBe(0x86);
    expect(await codeOf(`${own}`, bob)).toBe(0);
    expect(await codeOf(`${open}`, {})).toBe(0);
    // Where nobody is asked, a user name says nothing.
    const nobody = await TestClient.connect(`${open}`, { ...alice, clientId: 'n' });
    expect(broker.clients.get('n')).toMatchObject({ userName: null });
    await nobody.end();
  });

  test('what is wrong with it is said with its place', () => {
    const listeners = [{ kind: 'tcp', bind: ':0', auth: [{ passwordFile: '/no/such' }, 'custom'] }];
    const config = parseConfig({ listeners } as ConfigInput);
    const tools = { ...plainTools, hasHook: false };
    expect(() => Access.load(config, tools)).toThrow(
      'listeners[0].auth[1].custom (auth): there is',
    );
    expect(() => Access.load(config, tools)).toThrow('/no/such');
  });

  test('at a reload its clients are judged by it', async () => {
    const bind = '127.0.0.1:0';
    const listener = { name: 'own', kind: 'tcp', bind } as const;
    broker = await createBroker({
      auth: { chain: [{ passwordFile: first }] },
      listeners: [{ ...listener, auth: [{ passwordFile: second }] }],
    });
    const url = `${broker.listeners[0]?.url}`;
    const bob = await TestClient.connect(url, { ...login('bob', 'builder'), protocolVersion: 5 });
    const told = new Promise((resolve) => bob.mqtt.once('disconnect', resolve));
    const auth = { chain: [{ passwordFile: first }] };
    broker.reconfigure(
      parseConfig({ auth, listeners: [{ ...listener, auth: [{ passwordFile: second }] }] }),
    );
    await bob.mqtt.publishAsync('still', 'here', { qos: 1 });
    broker.reconfigure(parseConfig({ auth, listeners: [listener] }));
    expect(await told).toMatchObject({ reasonCode: 0x87 });
  });
});

describe('the hook authenticate in the chain', () => {
  /** A broker whose hook answers with what is under the user name. */
  async function start(
    answers: Readonly<Record<string, AuthenticateAnswer | Promise<AuthenticateAnswer>>>,
    auth: ConfigInput['auth'],
  ): Promise<HookedBroker> {
    hooked = await HookedBroker.start(
      {
        authenticate: (_, { userName }) => answers[userName ?? 'nobody'] as AuthenticateAnswer,
      },
      { auth },
    );
    return hooked;
  }

  test('is asked in its place, and decides, or passes by saying that the client is nobody', async () => {
    const { running } = await start(
      {
        bob: { allow: false, reasonCode: 0x8a, reasonString: 'banned until tomorrow' },
        carol: true,
        dave: Promise.resolve({ allow: true, userName: 'the real dave' }),
        erin: { allow: true, userName: null },
        nobody: { allow: true, userName: null },
      },
      { chain: [{ passwordFile: first }, 'custom', { passwordFile: second }] },
    );
    const { url } = running;
    // The hook is not asked about whom the first file knows.
    expect(await codeOf(url, login('alice', 'open sesame'))).toBe(0);
    expect(await codeOf(url, login('alice', 'builder'))).toBe(0x86);
    // Nor is the second file about whom the hook refuses.
    expect(await codeOf(url, login('bob', 'builder'))).toBe(0x8a);
    expect(await codeOf(url, login('carol', ''))).toBe(0);
    expect(await codeOf(url, login('erin', 'x'))).toBe(0x86);
    expect(await codeOf(url, {})).toBe(0x87);
    const dave = await TestClient.connect(`${url}`, { ...login('dave', ''), clientId: 'd' });
    expect(running.clients.get('d')).toMatchObject({ userName: 'the real dave' });
    await dave.end();
    expect(hooked?.linesOf('connect-refused')).toContainEqual(
      expect.objectContaining({
        provider: 'custom',
        reason: 'denied',
        why: 'banned until tomorrow',
      }),
    );
  });

  test('no session is touched before it has answered, whatever Clean Start says', async () => {
    let answer = (_: AuthenticateAnswer) => {};
    const { running } = await start(
      {
        alice: true,
        mallory: new Promise<AuthenticateAnswer>((resolve) => {
          answer = resolve;
        }),
      },
      { chain: ['custom'] },
    );
    const broker = hooked as HookedBroker;
    const alice = await broker.connected('c', { username: 'alice', password: Buffer.of(1) });
    alice.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: 'a', qos: 1 }],
    } as never);
    expect(await alice.next()).toMatchObject({ cmd: 'suback' });
    const mallory = await broker.client();
    mallory.connect('c', { clean: true, username: 'mallory', password: Buffer.of(1) });
    // Alice is served as if nothing had happened.
    await running.publish({ topic: 'a', payload: '1', qos: 1 });
    expect(await alice.next()).toMatchObject({ cmd: 'publish', topic: 'a' });
    answer(false);
    expect(await mallory.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x87 });
    await running.publish({ topic: 'a', payload: '2', qos: 1 });
    expect(await alice.next()).toMatchObject({ cmd: 'publish', topic: 'a' });
    expect(running.stats.sessionsCurrent).toBe(1);
  });

  test('of a client that closes meanwhile nothing is left', async () => {
    let signal: AbortSignal | undefined;
    let isAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    hooked = await HookedBroker.start(
      {
        authenticate: (_client, _credentials, given) => {
          signal = given;
          isAsked();
          return new Promise(() => {});
        },
      },
      { auth: { chain: ['custom'] } },
    );
    const client = await hooked.client();
    client.connect('c', { username: 'a', password: Buffer.of(1) });
    await asked;
    const aborted = new Promise((resolve) => signal?.addEventListener('abort', resolve));
    await client.cut();
    await aborted;
    expect(hooked.running.stats.connectionsTotal).toBe(0);
  });
});

describe('a reload', () => {
  test('disconnects whom a provider let in that is not in the chain any more', async () => {
    broker = await createBroker({
      auth: { chain: [{ passwordFile: first }, { passwordFile: second }] },
    });
    const alice = await TestClient.connect(`${broker.url}`, login('alice', 'open sesame'));
    const bob = await TestClient.connect(`${broker.url}`, {
      ...login('bob', 'builder'),
      protocolVersion: 5,
    });
    const told = new Promise((resolve) => bob.mqtt.once('disconnect', resolve));
    broker.reconfigure(parseConfig({ auth: { chain: [{ passwordFile: first }] } }));
    expect(await told).toMatchObject({ reasonCode: 0x87 });
    await alice.mqtt.publishAsync('still', 'here', { qos: 1 });
    await alice.end();
  });

  test('refuses a client whose user it has removed while something else was awaited', async () => {
    const asked = new Gate<void>();
    const answer = new Gate<boolean>();
    hooked = await HookedBroker.start(
      {
        authenticate: () => {
          asked.open();
          return answer.promise;
        },
      },
      { auth: { chain: [{ passwordFile: second }] } },
    );
    const { running } = hooked;
    const code = codeOf(running.url, login('bob', 'builder'));
    await asked.promise;
    running.reconfigure(parseConfig({ auth: { chain: [{ passwordFile: first }] } }));
    answer.open(true);
    expect(await code).toBe(0x87);
    expect([...running.stats.loginsRefused]).toEqual([['none revoked', 1]]);
  });
});

describe('what a method of enhanced authentication says', () => {
  /** Lets everybody in for so many seconds, as the data says: `USER SECONDS`. */
  function timed(simulation: () => Simulation): AuthenticationMethod {
    return {
      name: 'timed',
      begin: () => ({
        next: (data) => {
          const [userName = '', seconds = ''] = Buffer.from(data).toString().split(' ');
          const expiresAt = simulation().runtime.wallNow() + Number(seconds) * 1000;
          return { result: 'success', userName, expiresAt };
        },
      }),
    };
  }

  function connected(data: string) {
    const simulation: Simulation = new Simulation({}, [timed(() => simulation)]);
    const client = simulation.open();
    client.connect('c', {
      properties: { authenticationMethod: 'timed', authenticationData: Buffer.from(data) },
    });
    return { simulation, client };
  }

  function again(client: ReturnType<Simulation['open']>, data: string): void {
    const properties = { authenticationMethod: 'timed', authenticationData: Buffer.from(data) };
    client.send({ cmd: 'auth', reasonCode: 0x19, properties } as never);
  }

  test('ends with a disconnection, 0x87', () => {
    const { simulation, client } = connected('alice 60');
    expect(client.brief()).toEqual(['connack 0']);
    simulation.advance(59);
    expect(client.brief()).toEqual([]);
    simulation.advance(1);
    expect(client.brief()).toEqual(['disconnect 135']);
    expect(simulation.broker.stats.disconnections.get('expired')).toBe(1);
  });

  test('is renewed by the same user, and by nobody else', () => {
    const { simulation, client } = connected('alice 60');
    expect(client.brief()).toEqual(['connack 0']);
    simulation.advance(30);
    again(client, 'alice 60');
    expect(client.brief()).toEqual(['auth 0']);
    simulation.advance(59);
    expect(client.brief()).toEqual([]);
    // To less than it was.
    again(client, 'alice 0.5');
    simulation.advance(0.5);
    expect(client.brief()).toEqual(['auth 0', 'disconnect 135']);
    const other = connected('alice 60');
    again(other.client, 'bob 600');
    expect(other.client.brief()).toEqual(['connack 0', 'disconnect 135']);
    expect([...other.simulation.broker.stats.loginsRefused]).toEqual([['method denied', 1]]);
  });

  test('lets nobody in when it has ended before', () => {
    const { client } = connected('alice 0');
    expect(client.brief()).toEqual(['connack 135']);
  });
});

test('snapshots of access close what they have opened when nobody is asked about any more', async () => {
  const config = parseConfig({ auth: { chain: [{ passwordFile: first }] } });
  const access = Access.load(config);
  const admission = access.admit(
    {
      clientId: 'c',
      userName: 'alice',
      password: Buffer.from('open sesame'),
      address: '::1',
      protocol: 'tcp',
      version: 5,
      cleanStart: true,
      keepAlive: 0,
      listener: '',
      certificate: null,
      pskIdentity: null,
      askHook: null,
    },
    false,
  );
  access.close();
  // It isn't answered that the broker is busy.
  expect(await admission).toMatchObject({ isAdmitted: true, userName: 'alice' });
});
