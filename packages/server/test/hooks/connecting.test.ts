import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { hashPassword } from '@promptmq/auth';
import {
  type AuthenticateAnswer,
  ConfigError,
  createBroker,
  type HookClient,
  type HookConnection,
  type HookCredentials,
  type Hooks,
  parseConfig,
} from '../../src/index.ts';
import { Gate, HookedBroker } from '../support/hooked-broker.ts';

let hooked: HookedBroker | null = null;

afterEach(async () => {
  await hooked?.stop();
  hooked = null;
});

async function start(...parameters: Parameters<typeof HookedBroker.start>): Promise<HookedBroker> {
  hooked = await HookedBroker.start(...parameters);
  return hooked;
}

/** How CONNECT is answered. */
async function answerTo(
  broker: HookedBroker,
  clientId: string,
  fields: object = {},
  version: 3 | 4 | 5 = 5,
) {
  const client = await broker.client(version);
  client.connect(clientId, { clean: true, ...fields });
  return client.next();
}

const bob = { username: 'bob', password: Buffer.from('secret') };

test('preConnect sees the CONNECT before all else, and may refuse it', async () => {
  const asked: HookConnection[] = [];
  const broker = await start({
    preConnect(connection) {
      asked.push(connection);
      if (connection.clientId === 'no') return false;
      if (connection.clientId !== 'banned') return true;
      return { allow: false, reasonCode: 0x8a, reasonString: 'until tomorrow' };
    },
  });
  expect(await answerTo(broker, 'yes', { ...bob, keepalive: 7 })).toMatchObject({ reasonCode: 0 });
  expect(await answerTo(broker, 'no')).toMatchObject({ reasonCode: 0x87 });
  expect(await answerTo(broker, 'no', {}, 4)).toMatchObject({ returnCode: 5 });
  expect(await answerTo(broker, 'banned')).toMatchObject({
    reasonCode: 0x8a,
    properties: { reasonString: 'until tomorrow' },
  });
  expect(
    await answerTo(broker, 'banned', { properties: { requestProblemInformation: false } }),
  ).not.toHaveProperty('properties.reasonString');
  expect(asked[0]).toEqual({
    remoteAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    protocol: 'tcp',
    version: 5,
    clientId: 'yes',
    userName: 'bob',
    cleanStart: true,
    keepAlive: 7,
    certificateName: null,
  });
  expect(broker.linesOf('connect-refused')).toContainEqual(
    expect.objectContaining({ reasonCode: 0x8a, why: 'until tomorrow' }),
  );
  expect(broker.failures).toEqual({});
});

test('authenticate says who a client is, and rules are by that name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-hooks-'));
  const aclFile = join(folder, 'acl.yaml');
  writeFileSync(aclFile, 'rules: [{ user: robert, publish: [users/%u/#, other], subscribe: "#" }]');
  const asked: [HookClient, HookCredentials][] = [];
  const broker = await start(
    {
      async authenticate(client, credentials) {
        asked.push([{ ...client }, credentials]);
        return { allow: true, userName: 'robert', attributes: { tenant: 7 } };
      },
    },
    { auth: { aclFile } },
  );
  const client = await broker.connected('c', bob);
  client.publish('users/robert/x', '', 1, 1);
  client.publish('users/bob/x', '', 1, 2);
  expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1, reasonCode: 0x10 });
  expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 2, reasonCode: 0x87 });
  expect(asked).toEqual([
    [
      expect.objectContaining({
        clientId: 'c',
        userName: null,
        attributes: {},
        version: 5,
      }),
      { userName: 'bob', password: Buffer.from('secret'), certificateName: null },
    ],
  ]);
  rmSync(folder, { recursive: true });
});

test('what authenticate allows is the user of the CONNECT, unless it says another, or nobody', async () => {
  const seen: HookClient[] = [];
  let answer: AuthenticateAnswer = true;
  const broker = await start(
    {
      authenticate(client) {
        seen.push(client);
        return answer;
      },
    },
    { auth: { allowAnonymous: false, clientIds: ['%u'] } },
  );
  expect(await answerTo(broker, 'bob', bob)).toMatchObject({ reasonCode: 0 });
  expect(seen[0]).toMatchObject({ clientId: 'bob', userName: 'bob' });
  answer = { allow: true, userName: 'eve' };
  expect(await answerTo(broker, 'bob', bob)).toMatchObject({ reasonCode: 0x85 });
  expect(await answerTo(broker, 'eve')).toMatchObject({ reasonCode: 0 });
  answer = { allow: true, userName: null };
  expect(await answerTo(broker, 'bob', bob)).toMatchObject({ reasonCode: 0x87 });
  answer = true;
  expect(await answerTo(broker, '')).toMatchObject({
    reasonCode: 0x87,
    properties: { reasonString: 'anonymous clients are not allowed' },
  });
});

test('a client whose identifier the broker assigns is known by it from the beginning', async () => {
  const seen: string[] = [];
  const broker = await start({
    authenticate(client) {
      seen.push(client.clientId);
      return true;
    },
  });
  const connack = await answerTo(broker, '');
  expect(seen).toEqual([
    (connack as { properties: { assignedClientIdentifier: string } }).properties
      .assignedClientIdentifier,
  ]);
});

test('the password file is asked first, and a session belongs to the user that the hook named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-hooks-'));
  const passwordFile = join(folder, 'passwords');
  writeFileSync(passwordFile, `bob:${await hashPassword('secret')}\n`);
  const seen: (string | null)[] = [];
  const asked = new Gate<void>();
  const gate = new Gate<boolean>();
  const broker = await start(
    {
      authenticate({ userName, clientId }, credentials) {
        seen.push(userName);
        if (clientId === 'late') {
          asked.open();
          return gate.promise;
        }
        return credentials.userName === 'bob';
      },
    },
    { auth: { passwordFile } },
  );
  const wrong = { ...bob, password: Buffer.from('wrong') };
  expect(await answerTo(broker, 'c', wrong)).toMatchObject({ reasonCode: 0x86 });
  expect(seen).toEqual([]);
  expect(await answerTo(broker, 'c', { ...bob, clean: false })).toMatchObject({ reasonCode: 0 });
  expect(await answerTo(broker, 'd')).toMatchObject({ reasonCode: 0x87 });
  expect(seen).toEqual(['bob', null]);
  // Who is taken out of the file while the hook is awaited was admitted by neither.
  const client = await broker.client();
  client.connect('late', bob);
  await asked.promise;
  writeFileSync(passwordFile, '');
  broker.running.reconfigure(parseConfig({ auth: { passwordFile } }));
  gate.open(true);
  expect(await client.next()).toMatchObject({ reasonCode: 0x87 });
  rmSync(folder, { recursive: true });
});

test('attributes of both hooks are kept with the client', async () => {
  let known: HookClient | null = null;
  const broker = await start({
    preConnect: () => ({ allow: true, attributes: { a: 1, b: 1 } }),
    authenticate(client) {
      expect(client.attributes).toEqual({ a: 1, b: 1 });
      known = client;
      return { allow: true, attributes: { b: 2 } };
    },
  });
  await broker.connected('c');
  expect(known).toMatchObject({ attributes: { a: 1, b: 2 } });
  expect(Object.isFrozen((known as unknown as HookClient).attributes)).toBe(true);
});

test('acl narrows what the rules allow, also after a reload, and never adds to it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-hooks-'));
  const aclFile = join(folder, 'acl.yaml');
  writeFileSync(aclFile, 'rules: [{ publish: [a/#, b/#], subscribe: [a/#, b/#] }]');
  const broker = await start(
    {
      authenticate: () => ({
        allow: true,
        userName: 'u',
        acl: { publish: ['a/%u', 'c'], subscribe: ['b/%c/#'] },
      }),
    },
    { auth: { aclFile } },
  );
  const client = await broker.connected('c');
  const codes = async () => {
    const topics = ['a/u', 'a/v', 'b/u', 'c'];
    for (const [index, topic] of topics.entries()) client.publish(topic, '', 1, index + 1);
    client.send({
      cmd: 'subscribe',
      messageId: 9,
      subscriptions: ['b/c/#', 'b/#', 'a/u'].map((topic) => ({ topic, qos: 0 as const })),
    });
    const packets = await client.sentSoFar();
    return packets.map((packet) =>
      'granted' in packet ? packet.granted : (packet as { reasonCode?: number }).reasonCode,
    );
  };
  expect(await codes()).toEqual([0x10, 0x87, 0x87, 0x87, [0, 0x87, 0x87]]);
  writeFileSync(aclFile, 'rules: [{ publish: "#", subscribe: "#" }]');
  broker.running.reconfigure(parseConfig({ auth: { aclFile } }));
  expect(await codes()).toEqual([0x10, 0x87, 0x87, 0x10, [0, 0x87, 0x87]]);
  rmSync(folder, { recursive: true });
});

test('a client is disconnected when what it may expires: 0xA0, Maximum connect time (§3.14.2.1)', async () => {
  let inMs = 50;
  const broker = await start({
    authenticate: () => ({ allow: true, expiresAt: new Date(Date.now() + inMs) }),
  });
  const client = await broker.connected('c');
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0xa0 });
  expect(broker.running.stats.disconnections.get('expired')).toBe(1);
  inMs = -1;
  expect(await answerTo(broker, 'c')).toMatchObject({ reasonCode: 0x87 });
});

test.each<[name: string, hook: unknown, failure: string, told: string]>([
  [
    'throws',
    () => {
      throw new TypeError('oops');
    },
    'threw',
    'hook authenticate threw TypeError: oops',
  ],
  [
    'is rejected',
    () => Promise.reject(new Error('oops')),
    'threw',
    'hook authenticate threw Error: oops',
  ],
  [
    'throws what is no text',
    () => {
      throw Object.create(null);
    },
    'threw',
    'hook authenticate threw something that is no text',
  ],
  [
    'is rejected with what is no text',
    () => Promise.reject(Object.create(null)),
    'threw',
    'hook authenticate threw something that is no text',
  ],
  [
    'returns a password',
    (_: unknown, { password }: HookCredentials) => password,
    'invalid-answer',
    'hook authenticate returned 6 bytes; ',
  ],
  [
    'returns what it has of a user',
    () => ({ name: 'x', password: 'secret' }),
    'invalid-answer',
    'hook authenticate returned { name, password }; name is none of',
  ],
  [
    'returns nothing',
    () => undefined,
    'invalid-answer',
    'hook authenticate returned undefined; it may return true, false,',
  ],
  [
    'returns a text',
    async () => 'yes',
    'invalid-answer',
    'hook authenticate returned a text of 3 characters; it may',
  ],
  [
    'returns a list',
    () => [true],
    'invalid-answer',
    'hook authenticate returned a list of 1; it may',
  ],
  [
    'says nothing of allow',
    () => ({ userName: 'x' }),
    'invalid-answer',
    'it needs allow: true or false',
  ],
  [
    'misspells a key',
    () => ({ allow: true, username: 'x' }),
    'invalid-answer',
    'username is none of allow, reasonCode, reasonString, userName, attributes, acl, expiresAt',
  ],
  [
    'refuses with success',
    () => ({ allow: false, reasonCode: 0 }),
    'invalid-answer',
    'returned reasonCode: 0; it is one of 0x80, 0x81',
  ],
  [
    'refuses with a code of PUBACK alone',
    () => ({ allow: false, reasonCode: 0x91 }),
    'invalid-answer',
    'returned reasonCode: 145; it is one of',
  ],
  [
    'allows with a reason to refuse',
    () => ({ allow: true, reasonCode: 0x87 }),
    'invalid-answer',
    'returned reasonCode: 135; it is for refusals',
  ],
  [
    'names an empty user',
    () => ({ allow: true, userName: '' }),
    'invalid-answer',
    'returned userName: a text of 0 characters; it is a user name, or null',
  ],
  [
    'has a filter that is none',
    () => ({ allow: true, acl: { publish: ['a/#/b'] } }),
    'invalid-answer',
    "returned acl.publish: [ 'a/#/b' ]; it is a list of topic filters",
  ],
  [
    'has another action',
    () => ({ allow: true, acl: { read: [] } }),
    'invalid-answer',
    'read is none of publish, subscribe',
  ],
  [
    'expires at no time',
    () => ({ allow: true, expiresAt: new Date(Number.NaN) }),
    'invalid-answer',
    'returned expiresAt: Invalid Date; it is a date, or milliseconds',
  ],
])(
  'a hook that %s refuses (0x83), is logged and counted',
  async (_, authenticate, failure, told) => {
    const broker = await start({ authenticate } as Hooks);
    const reported = new Gate<Error>();
    broker.running.on('error', reported.open);
    expect(await answerTo(broker, 'c', bob)).toMatchObject({ reasonCode: 0x83 });
    expect(await reported.promise).toMatchObject({
      name: 'HookError',
      hook: 'authenticate',
      failure,
    });
    expect(broker.failures).toEqual({ [`authenticate ${failure}`]: 1 });
    expect(broker.linesOf('hook-failed')).toEqual([
      expect.objectContaining({
        hook: 'authenticate',
        failure,
        clientId: 'c',
        why: expect.stringContaining(told),
      }),
    ]);
    expect(broker.lines.map((line) => line.why).join()).not.toContain('secret');
  },
);

test('a hook that takes too long refuses (0x88) and is aborted; what it says then has no effect', async () => {
  const gate = new Gate<boolean>();
  const signals: AbortSignal[] = [];
  const broker = await start(
    {
      authenticate(_client, _credentials, signal) {
        signals.push(signal);
        return gate.promise;
      },
    },
    { hooks: { timeout: '20ms' } },
  );
  const client = await broker.client();
  client.connect('c');
  expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x88 });
  expect(await client.next()).toBeNull();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  expect(broker.failures).toEqual({ 'authenticate timeout': 1 });
  gate.open(true);
  await gate.promise;
  expect(broker.running.stats.connectionsTotal).toBe(0);
});

test('while a client waits for a hook, others are served, and what it has sent waits', async () => {
  const gate = new Gate<boolean>();
  const broker = await start({
    authenticate: ({ clientId }) => (clientId === 'slow' ? gate.promise : true),
  });
  const slow = await broker.client();
  slow.connect('slow', { clean: true });
  slow.subscribe('a', 1, 0);
  slow.publish('a', 'x', 0, 0);
  const other = await broker.connected('other');
  expect(await other.sentSoFar()).toEqual([]);
  gate.open(true);
  expect(await slow.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  expect(await slow.next()).toMatchObject({ cmd: 'suback' });
  expect(await slow.next()).toMatchObject({ cmd: 'publish', topic: 'a' });
});

test('the signal is aborted when the broker stops, which waits for no hook', async () => {
  const asked = new Gate<AbortSignal>();
  const broker = await start({
    preConnect(_connection, signal) {
      asked.open(signal);
      return new Promise(() => {});
    },
  });
  const client = await broker.client();
  client.connect('c');
  const signal = await asked.promise;
  expect(signal.aborted).toBe(false);
  await broker.running.stop();
  expect(signal.aborted).toBe(true);
  expect(broker.failures).toEqual({});
});

test('two clients with one identifier that wait for a hook: the one that came last has the session, whichever is let in first [MQTT-3.1.4-3]', async () => {
  const gates = [new Gate<boolean>(), new Gate<boolean>()];
  let count = 0;
  const broker = await start({ authenticate: () => gates[count++]?.promise ?? true });
  const first = await broker.client();
  first.connect('c');
  const second = await broker.client();
  while (count < 1) await new Promise((resolve) => setImmediate(resolve));
  second.connect('c');
  while (count < 2) await new Promise((resolve) => setImmediate(resolve));
  gates[1]?.open(true);
  expect(await second.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  gates[0]?.open(true);
  expect(await first.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x80 });
  second.send({ cmd: 'pingreq' });
  expect(await second.next()).toMatchObject({ cmd: 'pingresp' });
});

test('a client that a method of enhanced authentication admits is asked for by preConnect alone', async () => {
  const asked: string[] = [];
  const hooks: Hooks = {
    preConnect() {
      asked.push('preConnect');
      return true;
    },
    authenticate() {
      asked.push('authenticate');
      return false;
    },
  };
  const method = {
    name: 'M',
    begin: () => ({ next: () => ({ result: 'success' as const, userName: 'bob' }) }),
  };
  const broker = await start(hooks, {}, { authenticationMethods: [method] });
  const properties = { authenticationMethod: 'M' };
  expect(await answerTo(broker, 'c', { properties })).toMatchObject({ reasonCode: 0 });
  expect(asked).toEqual(['preConnect']);
});

test('hooks may be methods of an object that has a state', async () => {
  class Door {
    #guests = new Set(['c']);
    authenticate({ clientId }: HookClient): boolean {
      return this.#guests.has(clientId);
    }
  }
  const broker = await start(new Door());
  expect(await answerTo(broker, 'c')).toMatchObject({ reasonCode: 0 });
  expect(await answerTo(broker, 'd')).toMatchObject({ reasonCode: 0x87 });
});

test.each<[hooks: unknown, message: string]>([
  [
    { authenticat: () => true },
    'hooks.authenticat (extras): there is no such hook; there are preConnect, authenticate',
  ],
  [{ authenticat: () => true }, 'did you mean authenticate?'],
  [{ preConnect: true }, 'hooks.preConnect (extras): it takes a function, and got true'],
  [[], 'hooks (extras): [] is no object; it takes preConnect, authenticate'],
  ['x', "hooks (extras): 'x' is no object"],
])('hooks that are none are an error before anything starts: %j', async (hooks, message) => {
  const refused = createBroker({}, { hooks: hooks as Hooks });
  await expect(refused).rejects.toThrow(ConfigError);
  await expect(refused).rejects.toThrow(message);
});

test('failures of hooks that there are have a metric from the beginning', async () => {
  const broker = await start({ preConnect: () => true }, { metrics: {} });
  const scraped = await (await fetch(`${broker.running.metricsUrl}/metrics`)).text();
  expect(scraped).toContain('promptmq_hook_failures_total{hook="preConnect",reason="threw"} 0');
  expect(scraped).not.toContain('hook="authenticate"');
});
