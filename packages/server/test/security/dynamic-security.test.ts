import { pbkdf2Sync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { FaultyFiles, MemoryIndex, Random, systemError } from '@promptmq/wal/testing';
import { createBroker, type RunningBroker, type UserCommand } from '../../src/index.ts';
import { PacketClient } from '../support/packet-client.ts';

const CONTROL = '$CONTROL/dynamic-security/v1';
const RESPONSE = `${CONTROL}/response`;
const NOT_AUTHORIZED = 0x87;

let folder: string;
let files: FaultyFiles;
let index: MemoryIndex;
let broker: RunningBroker;
let clients: PacketClient[];

/** As mosquitto 2.0 keeps it, with one iteration: cheap. */
function password(text: string): object {
  const salt = 'salt-of-12-b';
  const hash = pbkdf2Sync(text, salt, 1, 64, 'sha512').toString('base64');
  return { password: hash, salt: Buffer.from(salt).toString('base64'), iterations: 1 };
}

const acl = (acltype: string, topic: string, allow = true) => ({ acltype, topic, allow });

const everything = (topic: string) => [
  acl('publishClientSend', topic),
  acl('publishClientReceive', topic),
  acl('subscribePattern', topic),
];

const USERS = {
  clients: [
    { username: 'admin', ...password('a'), roles: [{ rolename: 'admin' }, { rolename: 'all' }] },
    { username: 'alice', ...password('a'), roles: [{ rolename: 'all' }] },
    { username: 'bob', ...password('b'), groups: [] },
  ],
  groups: [{ groupname: 'g', roles: [{ rolename: 'all' }], clients: [{ username: 'bob' }] }],
  roles: [
    { rolename: 'admin', acls: everything('$CONTROL/dynamic-security/#') },
    { rolename: 'all', acls: everything('#') },
  ],
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-users-'));
  writeFileSync(join(folder, 'users.json'), JSON.stringify(USERS));
});

afterAll(() => rmSync(folder, { recursive: true }));

async function start(allowAnonymous = false): Promise<void> {
  const options = {
    server: { bind: '127.0.0.1:0', wsBind: 'none' },
    storage: { dataDir: '/data', walDir: '/wal' },
    auth: {
      chain: [{ dynamicSecurity: { import: join(folder, 'users.json') } }],
      allowAnonymous,
    },
  };
  broker = await createBroker(options, { storage: { files, index } });
}

async function restart(): Promise<void> {
  for (const client of clients.splice(0)) await client.cut();
  await broker.stop();
  files = files.crash('everything', new Random(1));
  index = index.crash();
  await start();
}

beforeEach(async () => {
  files = new FaultyFiles();
  index = new MemoryIndex();
  clients = [];
  await start();
});

afterEach(async () => {
  files.beforeOperation = () => {};
  for (const client of clients) await client.cut();
  await broker.stop();
});

async function login(
  username: string | undefined,
  secret: string,
  fields: object = {},
  clientId = `${username}`,
): Promise<{ client: PacketClient; code: number | undefined }> {
  const client = await PacketClient.open(`${broker.url}`);
  clients.push(client);
  const named = username === undefined ? {} : { username, password: Buffer.from(secret) };
  client.connect(clientId, { ...named, ...fields });
  const packet = (await client.next()) as { reasonCode?: number } | null;
  return { client, code: packet?.reasonCode };
}

async function connected(...args: Parameters<typeof login>): Promise<PacketClient> {
  const { client, code } = await login(...args);
  expect(code).toBe(0);
  return client;
}

async function subscribed(client: PacketClient, filter: string): Promise<number[]> {
  client.subscribe(filter, 1, 1);
  return ((await client.next()) as { granted: number[] }).granted;
}

function publish(client: PacketClient, topic: string, payload: string, messageId = 7): void {
  client.publish(topic, payload, 1, messageId);
}

/** The reason code of PUBACK. */
async function publishedWith(client: PacketClient, topic: string, payload = 'x'): Promise<number> {
  publish(client, topic, payload);
  const packet = (await client.next()) as { cmd: string; reasonCode?: number };
  expect(packet.cmd).toBe('puback');
  return packet.reasonCode ?? 0;
}

async function ask(...commands: UserCommand[]) {
  const answers = await broker.users.ask(commands);
  for (const answer of answers) expect(answer.error).toBeUndefined();
  return answers;
}

function payloadOf(packet: Packet | null): unknown {
  const { payload } = packet as unknown as { payload: Uint8Array };
  return JSON.parse(Buffer.from(payload).toString());
}

describe('who is let in', () => {
  test('users of the file with their passwords; others are not', async () => {
    expect((await login('alice', 'a')).code).toBe(0);
    expect((await login('alice', 'b')).code).toBe(0x86);
    expect((await login('nobody', 'a')).code).toBe(0x86);
    expect((await login(undefined, '', {}, 'c')).code).toBe(NOT_AUTHORIZED);
  });

  test('a user that was added, also after a restart; one that was removed is not', async () => {
    await ask(
      { command: 'createClient', username: 'carol', password: 'c', roles: [{ rolename: 'all' }] },
      { command: 'deleteClient', username: 'alice' },
    );
    await restart();
    expect((await login('carol', 'c')).code).toBe(0);
    expect((await login('alice', 'a')).code).toBe(0x86);
    expect((await login('bob', 'b')).code).toBe(0);
  });
});

describe('$CONTROL/dynamic-security/v1', () => {
  test('is answered to who asked, and to nobody else', async () => {
    const admin = await connected('admin', 'a');
    const other = await connected('admin', 'a', {}, 'other');
    for (const client of [admin, other]) {
      expect(await subscribed(client, '$CONTROL/dynamic-security/#')).toEqual([1]);
    }
    const command = { command: 'getClient', username: 'bob', correlationData: 'x' };
    expect(await publishedWith(admin, CONTROL, JSON.stringify({ commands: [command] }))).toBe(0);
    const answer = await admin.next();
    expect(answer).toMatchObject({ cmd: 'publish', topic: RESPONSE, qos: 0, retain: false });
    expect(payloadOf(answer)).toEqual({
      responses: [
        {
          command: 'getClient',
          data: {
            client: { username: 'bob', roles: [], groups: [{ groupname: 'g' }], connections: [] },
          },
          correlationData: 'x',
        },
      ],
    });
    expect(await other.sentSoFar()).toEqual([]);
  });

  test('is answered when what it changes is committed', async () => {
    const admin = await connected('admin', 'a');
    await subscribed(admin, RESPONSE);
    const command = { command: 'createRole', rolename: 'new' };
    await publishedWith(admin, CONTROL, JSON.stringify({ commands: [command] }));
    expect(payloadOf(await admin.next())).toEqual({ responses: [{ command: 'createRole' }] });
    await restart();
    const [roles] = await ask({ command: 'listRoles' });
    expect(roles?.data?.['roles']).toEqual(['admin', 'all', 'new']);
  });

  test('takes nothing of who may not publish there; nothing else below $CONTROL is routed', async () => {
    const admin = await connected('admin', 'a');
    await subscribed(admin, '$CONTROL/dynamic-security/#');
    const alice = await connected('alice', 'a');
    const text = JSON.stringify({ commands: [{ command: 'deleteClient', username: 'bob' }] });
    expect(await publishedWith(alice, CONTROL, text)).toBe(NOT_AUTHORIZED);
    expect(await publishedWith(admin, RESPONSE, text)).toBe(NOT_AUTHORIZED);
    expect(await publishedWith(admin, `${CONTROL}/x`, text)).toBe(NOT_AUTHORIZED);
    expect(await publishedWith(admin, '$CONTROL', text)).toBe(NOT_AUTHORIZED);
    expect(await admin.sentSoFar()).toEqual([]);
    expect((await login('bob', 'b')).code).toBe(0);
    const topic = CONTROL;
    const will = { topic, payload: Buffer.from(text), qos: 0, retain: false };
    expect((await login('admin', 'a', { will }, 'dying')).code).toBe(NOT_AUTHORIZED);
  });

  test('requests are carried out one after the other, and what is no request is answered, too', async () => {
    const admin = await connected('admin', 'a');
    await subscribed(admin, RESPONSE);
    publish(
      admin,
      CONTROL,
      '{"commands":[{"command":"createClient","username":"d","password":"d"}]}',
      1,
    );
    publish(admin, CONTROL, 'nonsense', 2);
    publish(admin, CONTROL, '{"commands":[{"command":"deleteClient","username":"d"}]}', 3);
    const seen: unknown[] = [];
    for (let count = 0; count < 6; count++) {
      const packet = (await admin.next()) as Packet;
      seen.push(packet.cmd === 'publish' ? payloadOf(packet) : packet.cmd);
    }
    expect(seen).toEqual([
      'puback',
      { responses: [{ command: 'createClient' }] },
      'puback',
      { responses: [{ command: 'Unknown command', error: 'Payload not valid JSON' }] },
      'puback',
      { responses: [{ command: 'deleteClient' }] },
    ]);
  });
});

describe('what a change does to clients that are there', () => {
  test.each([
    { command: 'deleteClient' },
    { command: 'disableClient' },
    { command: 'setClientPassword', password: 'new' },
    { command: 'setClientId', clientid: 'other' },
  ])('%j disconnects the user', async (command) => {
    const alice = await connected('alice', 'a');
    const bob = await connected('bob', 'b');
    await ask({ ...command, username: 'alice' });
    expect(await alice.next()).toMatchObject({ cmd: 'disconnect', reasonCode: NOT_AUTHORIZED });
    expect(await alice.next()).toBeNull();
    expect(await publishedWith(bob, 'a')).toBe(0x10);
  });

  test('a right that is lost: what it may publish, what it has subscribed to, and what waits for it', async () => {
    const bob = await connected('bob', 'b', { clean: false });
    await subscribed(bob, 'secret/#');
    await subscribed(bob, 'open/#');
    const alice = await connected('alice', 'a');
    await ask(
      {
        command: 'createRole',
        rolename: 'less',
        acls: [
          acl('publishClientReceive', 'secret/#', false),
          acl('subscribePattern', 'secret/#', false),
          acl('publishClientSend', 'secret/#', false),
        ],
      },
      { command: 'addClientRole', username: 'bob', rolename: 'less' },
    );
    expect(await publishedWith(bob, 'secret/a')).toBe(NOT_AUTHORIZED);
    expect(await publishedWith(bob, 'open/b')).toBe(0);
    expect(await bob.next()).toMatchObject({ cmd: 'publish', topic: 'open/b' });
    expect(broker.clients.subscriptions('bob')?.map(({ topicFilter }) => topicFilter)).toEqual([
      'open/#',
    ]);
    expect(await subscribed(bob, 'secret/#')).toEqual([NOT_AUTHORIZED]);
    await bob.cut();
    await publishedWith(alice, 'open/queued');
    await ask({
      command: 'addRoleACL',
      rolename: 'less',
      ...acl('publishClientReceive', 'open/#', false),
    });
    const again = await connected('bob', 'b', { clean: false });
    expect(await again.sentSoFar()).toEqual([]);
    // That one, and the one that it had not acknowledged.
    expect(broker.stats.dropped['not-authorized']).toBe(2);
  });

  test('a right that is given', async () => {
    await ask(
      { command: 'createRole', rolename: 'none' },
      { command: 'removeGroupClient', groupname: 'g', username: 'bob' },
    );
    const bob = await connected('bob', 'b');
    expect(await publishedWith(bob, 'a')).toBe(NOT_AUTHORIZED);
    await ask({ command: 'addRoleACL', rolename: 'none', ...acl('publishClientSend', 'a') });
    await ask({ command: 'addGroupRole', groupname: 'g', rolename: 'none' });
    expect(await publishedWith(bob, 'a')).toBe(NOT_AUTHORIZED);
    await ask({ command: 'addGroupClient', groupname: 'g', username: 'bob' });
    expect(await publishedWith(bob, 'a')).toBe(0x10);
  });

  test('whoever takes a right from himself gets PUBACK and the answer first', async () => {
    const admin = await connected('admin', 'a');
    await subscribed(admin, RESPONSE);
    const text = JSON.stringify({ commands: [{ command: 'disableClient', username: 'admin' }] });
    expect(await publishedWith(admin, CONTROL, text)).toBe(0);
    expect(payloadOf(await admin.next())).toEqual({ responses: [{ command: 'disableClient' }] });
    expect(await admin.next()).toMatchObject({ cmd: 'disconnect', reasonCode: NOT_AUTHORIZED });
  });

  test('a will is published by the rules that hold when it is', async () => {
    const alice = await connected('alice', 'a');
    await subscribed(alice, 'wills/#');
    const will = { topic: 'wills/bob', payload: Buffer.from('gone'), qos: 0, retain: false };
    const bob = await connected('bob', 'b', { will });
    await ask({ command: 'removeGroupClient', groupname: 'g', username: 'bob' });
    await bob.cut();
    expect(await publishedWith(alice, 'wills/alice')).toBe(0);
    expect(await alice.next()).toMatchObject({ cmd: 'publish', topic: 'wills/alice' });
    expect(await alice.sentSoFar()).toEqual([]);
  });

  test('clients without a user name have what the anonymous group has', async () => {
    await broker.stop();
    files = new FaultyFiles();
    index = new MemoryIndex();
    await start(true);
    const nobody = await connected(undefined, '', {}, 'nobody');
    expect(await publishedWith(nobody, 'a')).toBe(NOT_AUTHORIZED);
    await ask({ command: 'setAnonymousGroup', groupname: 'g' });
    expect(await publishedWith(nobody, 'a')).toBe(0x10);
    await ask({ command: 'removeGroupRole', groupname: 'g', rolename: 'all' });
    expect(await publishedWith(nobody, 'a')).toBe(NOT_AUTHORIZED);
  });
});

test('the file is read where only a listener asks them', async () => {
  const own = await createBroker({
    server: { bind: 'none', wsBind: 'none' },
    listeners: [
      {
        name: 'inner',
        kind: 'tcp',
        bind: '127.0.0.1:0',
        auth: [{ dynamicSecurity: { import: join(folder, 'users.json') } }],
      },
    ],
    auth: { allowAnonymous: false },
  });
  try {
    const responses = await own.users.ask([{ command: 'listClients' }]);
    expect(JSON.stringify(responses)).toContain('"bob"');
  } finally {
    await own.stop();
  }
});

test('on a full disk nothing is changed; what fills it meanwhile is said, and written when there is room', async () => {
  files.beforeOperation = (name) => {
    if (name === 'write') throw systemError('ENOSPC', name);
  };
  const [first] = await broker.users.ask([{ command: 'createRole', rolename: 'a' }]);
  expect(first?.error).toBe('The disk is full: it holds until the broker is restarted');
  const [second, third] = await broker.users.ask([
    { command: 'createRole', rolename: 'b', correlationData: 'x' },
    { command: 'getRole', rolename: 'a' },
  ]);
  expect(second).toEqual({
    command: 'createRole',
    error: 'The disk is full',
    correlationData: 'x',
  });
  expect(third?.error).toBe('The disk is full');
  const [read] = await ask({ command: 'listRoles' });
  expect(read?.data?.['roles']).toEqual(['a', 'admin', 'all']);
});

test('calls of a program: what they are given, and where there are no users', async () => {
  await expect(broker.users.ask('x' as never)).rejects.toMatchObject({ code: 'invalid-argument' });
  await expect(broker.users.import('{}')).rejects.toMatchObject({ code: 'invalid-argument' });
  expect(JSON.parse(broker.users.export())).toMatchObject({
    clients: [{ username: 'admin' }, {}, {}],
  });
  const other = await createBroker({ server: { wsBind: 'none' } });
  const code = 'not-available';
  await expect(other.users.ask([])).rejects.toMatchObject({ code });
  await expect(other.users.import('{}')).rejects.toMatchObject({ code });
  expect(() => other.users.export()).toThrow('auth.chain has no dynamic-security');
  await other.stop();
});

test('passwords are in no line of the log', async () => {
  await broker.stop();
  const lines: string[] = [];
  const line = (event: string, fields: object = {}) =>
    void lines.push(`${event} ${JSON.stringify(fields)}`);
  const logger = { debug: line, info: line, warn: line, error: line };
  broker = await createBroker(
    { server: { wsBind: 'none' }, auth: { chain: [{ dynamicSecurity: {} }] } },
    { logger: logger as never },
  );
  await ask({ command: 'createClient', username: 'u', password: 'hidden-secret' });
  await broker.users.ask([
    { command: 'setClientPassword', username: 'zz', password: 'hidden-secret' },
  ]);
  expect(lines[0]).toMatch(/^dynamic-security-empty .*promptmq user add NAME --admin/);
  expect(lines.filter((text) => text.includes('createClient'))).toHaveLength(1);
  expect(lines.join('\n')).not.toContain('hidden-secret');
  expect(broker.stats).toMatchObject({ controlCommands: 1, controlCommandsRefused: 1 });
});

test('names that are none are cut in the log', async () => {
  await broker.stop();
  const lines: { event: string; [field: string]: unknown }[] = [];
  const line = (event: string, fields: object = {}) => void lines.push({ event, ...fields });
  const logger = { debug: line, info: line, warn: line, error: line };
  broker = await createBroker(
    { server: { wsBind: 'none' }, auth: { chain: [{ dynamicSecurity: {} }] } },
    { logger: logger as never },
  );
  const long = 'x'.repeat(100_000);
  await broker.users.ask([{ command: 'createClient', username: long }, { command: long }]);
  expect(lines.filter(({ event }) => event === 'dynamic-security')).toMatchObject([
    { command: 'createClient', subject: `${'x'.repeat(256)}…` },
    { command: `${'x'.repeat(256)}…`, subject: '' },
  ]);
});
