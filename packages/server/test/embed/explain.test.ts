import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AdminServer } from '../../src/admin/index.ts';
import { createBroker, type PublishQuestion, type RunningBroker } from '../../src/index.ts';
import { Command } from '../support/command.ts';
import { PacketClient } from '../support/packet-client.ts';

let folder: string;
let broker: RunningBroker;
let admin: AdminServer;
const clients: PacketClient[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-explain-'));
  const aclFile = join(folder, 'acl.yaml');
  writeFileSync(
    aclFile,
    'rules:\n  - { publish: "#", subscribe: "#" }\n  - { permission: deny, client: blind, receive: a/# }\n  - { permission: deny, client: mute, publish: "#" }\n',
  );
  broker = await createBroker({ auth: { aclFile }, mqtt: { maxQueuedMessages: 1 } });
  admin = await AdminServer.start(broker, join(folder, 'admin.sock'));
  const own = await open('own');
  own.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [{ topic: 'a/+', qos: 1, nl: true, rap: true }],
  });
  await own.sentSoFar();
  for (const [clientId, filter, qos] of [
    ['blind', 'a/#', 1],
    ['left', 'a/#', 2],
    ['full', 'a/b', 1],
    ['one', '$share/g/a/#', 1],
    ['two', '$share/g/a/#', 0],
    ['mute', 'other', 0],
  ] as const) {
    const client = await open(clientId);
    client.subscribe(filter, 1, qos);
    await client.sentSoFar();
    if (clientId === 'left' || clientId === 'full') await client.cut();
  }
  await broker.publish({ topic: 'a/b', payload: '', qos: 1 });
});

afterAll(async () => {
  for (const client of clients) await client.cut();
  await admin.close();
  await broker.stop();
  rmSync(folder, { recursive: true });
});

async function open(clientId: string): Promise<PacketClient> {
  const client = await PacketClient.open(`${broker.url}`);
  clients.push(client);
  client.connect(clientId);
  await client.sentSoFar();
  return client;
}

/** Outcome by client, with QoS or why. */
function outcomes(question: PublishQuestion): Record<string, string> {
  const { recipients } = broker.explainPublish(question);
  return Object.fromEntries(
    recipients.map(({ clientId, outcome, qos, why, rule }) => [
      clientId,
      [outcome, qos, why, rule].filter((part) => part !== null).join(' '),
    ]),
  );
}

test('who gets a message, at which QoS, and who not and why', () => {
  expect(outcomes({ topic: 'a/c', qos: 2 })).toEqual({
    own: 'sent 1',
    blind: 'nothing denied acl.yaml:3',
    left: 'nothing queue-full',
    one: 'nothing not-chosen',
    two: 'sent 0',
  });
  expect(outcomes({ topic: 'a/b', from: 'own' })).toEqual({
    own: 'nothing no-local',
    blind: 'nothing denied acl.yaml:3',
    left: 'nothing offline',
    full: 'nothing offline',
    one: 'nothing not-chosen',
    two: 'sent 0',
  });
  expect(outcomes({ topic: 'nobody' })).toEqual({});
});

test('it is nobody’s turn in a shared subscription because of it, and what is said comes about', async () => {
  const isFirst = outcomes({ topic: 'a/c' })['one']?.startsWith('sent') === true;
  for (let index = 0; index < 3; index++) outcomes({ topic: 'a/c' });
  expect(outcomes({ topic: 'a/c' })['one']?.startsWith('sent')).toBe(isFirst);
  await broker.publish({ topic: 'a/x', payload: '' });
  expect(outcomes({ topic: 'a/c' })['one']?.startsWith('sent')).toBe(!isFirst);
});

test('filters, RETAIN and who publishes are in the answer', () => {
  const explained = broker.explainPublish({ topic: 'a/b', retain: true, from: 'own' });
  expect(explained.publisher).toEqual({
    clientId: 'own',
    isConnected: true,
    isAllowed: true,
    rule: 'acl.yaml:2',
  });
  expect(explained.count).toBe(6);
  expect(explained.recipients.find(({ clientId }) => clientId === 'blind')?.filters).toEqual([
    'a/#',
  ]);
  const other = broker.explainPublish({ topic: 'a/b', qos: 1, retain: true });
  expect(other.recipients.find(({ clientId }) => clientId === 'own')).toMatchObject({
    qos: 1,
    retain: true,
  });
});

test('who may not publish it has nobody get it', () => {
  expect(broker.explainPublish({ topic: 'a/b', from: 'mute' })).toMatchObject({
    publisher: { isAllowed: false, rule: 'acl.yaml:4' },
    count: 0,
    recipients: [],
  });
  expect(broker.explainPublish({ topic: '$SYS/x', from: 'gone' }).publisher).toMatchObject({
    isConnected: false,
    isAllowed: false,
  });
});

test.each([{ topic: 'a/#' }, { topic: '' }, { topic: 'a', qos: 3 }, { topic: 'a', to: 'b' }])(
  '%j is refused',
  (question) => {
    expect(() => broker.explainPublish(question as PublishQuestion)).toThrow(
      /broker\.explainPublish: /,
    );
  },
);

test('what the rules decide, and whose they are', () => {
  const ask = (clientId: string, action: 'publish' | 'receive' | 'subscribe', topic: string) =>
    broker.explainAccess({ userName: null, clientId, action, topic });
  expect(ask('blind', 'receive', 'a/b')).toEqual({
    isAllowed: false,
    rule: 'acl.yaml:3',
    isFiltered: false,
    of: 'connection',
  });
  expect(ask('blind', 'subscribe', '+/b')).toMatchObject({ isAllowed: true, isFiltered: true });
  expect(ask('gone', 'publish', 'x')).toMatchObject({ isAllowed: true, of: 'configuration' });
  expect(ask('gone', 'publish', '$SYS/x').isAllowed).toBe(false);
  expect(() => ask('gone', 'publish', 'a/#')).toThrow(/topic takes a topic name/);
});

test('acl test asks the running broker, too', async () => {
  const socket = ['--running', '--admin-socket', join(folder, 'admin.sock')];
  const command = new Command(['acl', 'test', '-', 'mute', 'publish', 'x', ...socket], folder);
  expect([await command.exitCode(), command.output]).toEqual([
    1,
    'denied: acl.yaml:4; as of its connection\n',
  ]);
});

test('as JSON it is what the API answers', async () => {
  const socket = ['--running', '--json', '--admin-socket', join(folder, 'admin.sock')];
  const command = new Command(['acl', 'test', '-', 'blind', 'receive', 'a/b', ...socket], folder);
  expect([await command.exitCode(), JSON.parse(command.output)]).toEqual([
    1,
    {
      allowed: false,
      result: 'deny',
      rule: 'acl.yaml:3',
      filtered: false,
      of: 'connection',
    },
  ]);
});

test('the command says of who is not connected that he is not', async () => {
  const socket = ['--admin-socket', join(folder, 'admin.sock')];
  const command = new Command(['explain', 'publish', 'a/b', '--from', 'away', ...socket], folder);
  expect([await command.exitCode(), command.output.split('\n')[0]]).toEqual([
    0,
    '"away" may publish it: acl.yaml:2; it is not connected',
  ]);
});

test('the command says it in words', async () => {
  const command = new Command(
    ['explain', 'publish', 'a/b', '--from', 'own', '--admin-socket', join(folder, 'admin.sock')],
    folder,
  );
  expect([await command.exitCode(), command.errors]).toEqual([0, '']);
  expect(command.output.split('\n')).toEqual(
    expect.arrayContaining([
      '"own" may publish it: acl.yaml:2',
      '"own" does not get it, by "a/+": it publishes it itself, and has subscribed with No Local',
      '"blind" does not get it, by "a/#": the rules deny it (acl.yaml:3)',
    ]),
  );
});

test('a topic that no client could publish to is refused, and said why', () => {
  for (const topic of ['a/'.repeat(20_000), 'x'.repeat(65_536)]) {
    expect(() => broker.explainPublish({ topic })).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        message: expect.stringContaining('longer or deeper'),
      }),
    );
  }
});
