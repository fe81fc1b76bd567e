import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { IClientOptions } from 'mqtt';
import type { Peer } from '../../../src/connection/peer.ts';
import {
  type ConfigInput,
  createBroker,
  type Hooks,
  type RunningBroker,
} from '../../../src/index.ts';
import { noopLogger } from '../../../src/log/index.ts';
import { mayFollow } from '../../../src/sessions/followers.ts';
import { TestClient } from '../../support/mqtt-client.ts';

const NODE = 'promptmq@127.0.0.1';

const RULES = `rules:
  - { user: watcher, subscribe: ['$SYS/brokers/#', '$SYS/broker/clients/+/state', '$SYS/#', fence] }
  - { user: other, subscribe: ['$SYS/#', '#', '+/brokers/#', '$SYS/+/+/clients/#'] }
  - { user: half, subscribe: ['$SYS/#', '$SYS/brokers/+/clients/a/#'] }
  - { publish: a/#, subscribe: [a/#, fence] }
`;

let folder: string;
let broker: RunningBroker;
let warnings: { event: string; fields: object }[];
const open: TestClient[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'presence-'));
  warnings = [];
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.end()));
  await broker.stop();
  rmSync(folder, { recursive: true });
});

/** Whoever says who he is, is. */
const hooks: Hooks = { authenticate: (_, { userName }) => ({ allow: true, userName }) };

async function start(
  presence: ConfigInput['presence'],
  options: ConfigInput = {},
  rules: string | null = RULES,
): Promise<void> {
  const aclFile = join(folder, 'acl.yaml');
  if (rules !== null) writeFileSync(aclFile, rules);
  broker = await createBroker(
    {
      server: { wsBind: 'none' },
      ...(rules === null ? {} : { auth: { aclFile } }),
      ...options,
      presence,
    },
    {
      hooks,
      logger: {
        ...noopLogger,
        warn: (event, fields) => warnings.push({ event, fields: { ...fields } }),
      },
    },
  );
}

async function connect(clientId: string, options: IClientOptions = {}): Promise<TestClient> {
  const client = await TestClient.connect(`${broker.url}`, {
    clientId,
    protocolVersion: 5,
    ...options,
  });
  open.push(client);
  return client;
}

async function watcher(filters: string[], username = 'watcher'): Promise<TestClient> {
  const client = await connect(`of-${username}`, { username });
  await client.mqtt.subscribeAsync(filters);
  return client;
}

/** What has come so far of other clients, as `CLIENT/EVENT`, with the client identifier as it stands in the topic. */
function events(client: TestClient): string[] {
  return client.received
    .map(({ topic }) => topic.split('/'))
    .filter(
      ([, brokers, , , clientId]) => brokers === 'brokers' && clientId?.startsWith('of-') === false,
    )
    .map((levels) => levels.slice(4).join('/'));
}

/** All that was said before has come when this has. */
async function fence(client: TestClient): Promise<void> {
  const count = client.received.filter(({ topic }) => topic === 'fence').length;
  // What is said of clients is published when the turn ends.
  await new Promise((resolve) => setImmediate(resolve));
  await broker.publish({ topic: 'fence', payload: '' });
  while (client.received.filter(({ topic }) => topic === 'fence').length === count) {
    await client.messages(client.received.length + 1);
  }
}

function payloadOf(client: TestClient, topicEnd: string): Record<string, unknown> {
  const found = client.received.find(({ topic }) => topic.endsWith(topicEnd));
  return JSON.parse(`${found?.payload}`);
}

test('who connects, subscribes and goes is said as EMQX says it', async () => {
  await start({ events: 'all' });
  const client = await watcher(['$SYS/brokers/+/clients/#', 'fence']);
  const before = Date.now();
  const other = await connect('a', {
    username: 'alice',
    keepalive: 30,
    clean: false,
    properties: { sessionExpiryInterval: 60 },
  });
  const { port } = new URL(`${broker.url}`);
  await other.mqtt.subscribeAsync('a/b', {
    qos: 1,
    nl: true,
    rap: true,
    rh: 1,
    properties: { subscriptionIdentifier: 7 },
  });
  await other.mqtt.subscribeAsync('$share/g/a/c');
  await other.mqtt.unsubscribeAsync('a/b');
  await other.end();
  await fence(client);
  expect(events(client)).toEqual([
    'a/connected',
    'a/subscribed',
    'a/subscribed',
    'a/unsubscribed',
    'a/disconnected',
  ]);
  const prefix = `$SYS/brokers/${NODE}/clients/a`;
  expect(client.received.find(({ topic }) => topic === `${prefix}/connected`)).toMatchObject({
    qos: 0,
    retain: false,
  });
  const connected = payloadOf(client, 'a/connected');
  expect(connected).toEqual({
    clientid: 'a',
    username: 'alice',
    protocol: 'mqtt',
    ts: expect.any(Number),
    ipaddress: '127.0.0.1',
    sockport: Number(port),
    proto_name: 'MQTT',
    proto_ver: 5,
    connected_at: expect.any(Number),
    keepalive: 30,
    clean_start: false,
    expiry_interval: 60_000,
    connack: 0,
  });
  expect(connected['ts']).toBeGreaterThanOrEqual(before);
  expect(
    Math.abs((connected['connected_at'] as number) - (connected['ts'] as number)),
  ).toBeLessThan(60_000);
  expect(payloadOf(client, 'a/subscribed')).toEqual({
    clientid: 'a',
    username: 'alice',
    protocol: 'mqtt',
    ts: expect.any(Number),
    topic: 'a/b',
    subopts: { qos: 1, nl: 1, rap: 1, rh: 1, subid: 7 },
  });
  expect(payloadOf(client, 'a/unsubscribed')).toEqual({
    clientid: 'a',
    username: 'alice',
    protocol: 'mqtt',
    ts: expect.any(Number),
    topic: 'a/b',
  });
  expect(payloadOf(client, 'a/disconnected')).toEqual({
    clientid: 'a',
    username: 'alice',
    protocol: 'mqtt',
    ts: expect.any(Number),
    ipaddress: '127.0.0.1',
    sockport: Number(port),
    proto_name: 'MQTT',
    proto_ver: 5,
    connected_at: expect.any(Number),
    disconnected_at: expect.any(Number),
    reason: 'normal',
  });
});

test('why connections end has EMQX’s names, and earlier versions and unknown users theirs', async () => {
  await start({ events: 'connections' });
  const client = await watcher(['$SYS/brokers/#', 'fence']);
  const old = await connect('old', { protocolVersion: 3, protocolId: 'MQIsdp' });
  await old.mqtt.subscribeAsync('a/b');
  await old.crash();
  await connect('twice');
  await (await connect('twice', { protocolVersion: 4 })).end();
  await connect('kicked');
  await broker.clients.disconnect('kicked');
  await fence(client);
  const said = client.received
    .filter(({ topic }) => topic.endsWith('/disconnected'))
    .map(({ payload }) => JSON.parse(payload))
    .map(({ clientid, reason, proto_name, proto_ver, username }) => [
      clientid,
      reason,
      proto_name,
      proto_ver,
      username,
    ]);
  expect(said).toEqual([
    ['old', 'tcp_closed', 'MQIsdp', 3, 'undefined'],
    ['twice', 'takenover', 'MQTT', 5, 'undefined'],
    ['twice', 'normal', 'MQTT', 4, 'undefined'],
    ['kicked', 'kicked', 'MQTT', 5, 'undefined'],
  ]);
  expect(events(client).some((event) => event.endsWith('subscribed'))).toBe(false);
});

describe('only those get it whose rules name these topics', () => {
  test('not by a rule for all below $SYS, nor by # or +', async () => {
    await start({ events: 'all', state: true });
    const named = await watcher(['$SYS/brokers/#', '$SYS/broker/clients/+/state', 'fence']);
    const other = await connect('of-other', { username: 'other' });
    const granted = await other.mqtt.subscribeAsync([
      '$SYS/#',
      '#',
      '+/brokers/#',
      '$SYS/+/+/clients/#',
    ]);
    expect(granted.map(({ qos }) => qos)).toEqual([0, 0, 0, 0]);
    for (const filter of [
      '$SYS/brokers/#',
      `$SYS/brokers/${NODE}/clients/+/connected`,
      '$share/g/$SYS/brokers/#',
      '$SYS/broker/clients/+/state',
    ]) {
      await expect(other.mqtt.subscribeAsync(filter)).rejects.toThrow('Not authorized');
    }
    const denied = warnings.filter(({ event }) => event === 'access-refused');
    expect(denied).toHaveLength(4);
    expect(denied[0]?.fields).toMatchObject({ action: 'subscribe', reason: 'reserved' });
    await connect('a');
    await fence(named);
    await fence(other);
    expect(events(named)).toEqual(['a/connected']);
    expect(events(other)).toEqual([]);
    expect(other.received.filter(({ topic }) => topic.endsWith('/state'))).toEqual([]);
    // What else is below $SYS comes as before.
    expect(other.received.some(({ topic }) => topic === '$SYS/broker/clients/total')).toBe(true);
    // That something was withheld is not said for each message.
    expect(warnings.filter(({ event }) => event === 'access-refused')).toHaveLength(4);
    expect(broker.stats.dropped['not-authorized']).toBe(0);
  });

  test('whoever asks why nothing comes is told that a rule is missing', async () => {
    await start({ events: 'connections' });
    const topic = `$SYS/brokers/${NODE}/clients/a/connected`;
    const rule = 'the topic is the broker’s own: only a rule that names it opens it.';
    const other = await connect('of-other', { username: 'other' });
    await expect(other.mqtt.subscribeAsync('$SYS/brokers/#')).rejects.toThrow('Not authorized');
    const refused = broker.explainDelivery({ clientId: 'of-other', topic }).cause;
    expect(refused.code).toBe('subscribe-denied');
    expect(refused.text.endsWith(`: ${rule}`)).toBe(true);
    await other.mqtt.subscribeAsync('$SYS/#');
    expect(broker.explainDelivery({ clientId: 'of-other', topic }).cause).toEqual({
      code: 'receive-denied',
      text: `"of-other" may not have messages of this topic: ${rule}`,
      evidence: [],
    });
    await watcher(['$SYS/#']);
    const { cause, also } = broker.explainDelivery({ clientId: 'of-watcher', topic });
    expect([cause, ...also].map(({ code }) => code)).toEqual(['subscribed-later', 'sent']);
  });

  test('of $SYS/#, a client gets what a rule names', async () => {
    await start({ events: 'connections' });
    const half = await connect('of-half', { username: 'half' });
    await half.mqtt.subscribeAsync(['$SYS/#', 'fence']);
    await connect('a');
    await connect('b');
    await fence(half);
    expect(events(half)).toEqual(['a/connected']);
  });

  test('without rules, nobody but superusers and the program', async () => {
    await start({ events: 'connections', state: true }, {}, null);
    const inside = broker.subscribe('$SYS/brokers/#');
    await inside.ready;
    const plain = await connect('of-plain', { username: 'eve' });
    await expect(plain.mqtt.subscribeAsync('$SYS/brokers/#')).rejects.toThrow('Not authorized');
    await plain.mqtt.subscribeAsync(['#', '$SYS/#']);
    await connect('a');
    await new Promise((resolve) => setImmediate(resolve));
    const seen: string[] = [];
    for await (const { topic } of inside) {
      seen.push(topic);
      if (topic.endsWith('/a/connected')) break;
    }
    expect(seen).toContain(`$SYS/brokers/${NODE}/clients/of-plain/connected`);
    expect(plain.received.filter(({ topic }) => /brokers|state$/.test(topic))).toEqual([]);
    const peer = (isSuperuser: boolean) =>
      ({ permissions: null, rights: { identity: { isSuperuser } } }) as unknown as Peer;
    expect(mayFollow(peer(true), '$SYS/brokers/#')).toBe(true);
    expect(mayFollow(peer(false), '$SYS/brokers/#')).toBe(false);
  });

  test('one of a shared subscription that may', async () => {
    await start({ events: 'connections' });
    const one = await watcher(['$share/g/$SYS/brokers/#', 'fence']);
    const other = await connect('of-watcher-2', { username: 'watcher' });
    await other.mqtt.subscribeAsync(['$share/g/$SYS/brokers/#', 'fence']);
    for (const clientId of ['a', 'b', 'c', 'd']) await connect(clientId);
    await fence(one);
    await fence(other);
    expect([...events(one), ...events(other)].sort()).toEqual(
      ['a', 'b', 'c', 'd'].map((id) => `${id}/connected`),
    );
    expect(events(one).length).toBeGreaterThan(0);
    expect(events(other).length).toBeGreaterThan(0);
  });
});

test('nothing is said, and nothing refused, where it is not asked for', async () => {
  await start({});
  const other = await connect('of-other', { username: 'other' });
  await other.mqtt.subscribeAsync(['$SYS/brokers/#', '$SYS/broker/clients/+/state', '#']);
  await connect('a');
  await fence(other);
  expect(events(other)).toEqual([]);
});

test('identifiers that are no level of a topic are written as in URLs', async () => {
  await start({ events: 'connections', state: true });
  const client = await watcher(['$SYS/brokers/#', '$SYS/broker/clients/+/state', 'fence']);
  for (const clientId of ['a/b', '+', '#', '100%', '%2F', 'ü<b>', '../x']) await connect(clientId);
  await fence(client);
  expect(events(client)).toEqual(
    ['a%2Fb', '%2B', '%23', '100%25', '%252F', 'ü<b>', '..%2Fx'].map((id) => `${id}/connected`),
  );
  expect(payloadOf(client, '/a%2Fb/connected')).toMatchObject({ clientid: 'a/b' });
  expect(payloadOf(client, '/%23/connected')).toMatchObject({ clientid: '#' });
  const states = client.received
    .filter(({ topic }) => topic.endsWith('/state'))
    .map(({ topic }) => topic);
  expect(states).toContain('$SYS/broker/clients/a%2Fb/state');
});

describe('the state of a client', () => {
  const STATE = '$SYS/broker/clients/a/state';

  async function states(client: TestClient): Promise<[string, boolean][]> {
    await fence(client);
    return client.received
      .filter(({ topic }) => topic === STATE)
      .map(({ payload, retain }) => [payload, retain]);
  }

  test('is 1, 0 while its session is kept, and gone with that', async () => {
    await start({ state: true });
    const client = await watcher(['$SYS/broker/clients/+/state', 'fence']);
    const kept = { clean: false, properties: { sessionExpiryInterval: 600 } };
    await (await connect('a', kept)).end();
    expect(await states(client)).toEqual([
      ['1', false],
      ['0', false],
    ]);
    const late = await connect('of-late', { username: 'watcher' });
    await late.mqtt.subscribeAsync([STATE, 'fence']);
    expect(await states(late)).toEqual([['0', true]]);
    await connect('a', kept);
    expect((await states(client)).slice(2)).toEqual([['1', false]]);
    await broker.clients.disconnect('a', { dropSession: true });
    expect((await states(client)).slice(3)).toEqual([['', false]]);
    expect(broker.retained.get(STATE)).toBeNull();
    const later = await connect('of-later', { username: 'watcher' });
    await later.mqtt.subscribeAsync([STATE, 'fence']);
    expect(await states(later)).toEqual([]);
    // Nothing was said of events.
    expect(events(client)).toEqual([]);
  });

  test('of a session that ends with its connection is never 0', async () => {
    await start({ state: true });
    const client = await watcher(['$SYS/broker/clients/+/state', 'fence']);
    await (await connect('a')).end();
    expect(await states(client)).toEqual([
      ['1', false],
      ['', false],
    ]);
  });

  test('is there after a restart, though it is not in the log', async () => {
    const storage = { enabled: true, dataDir: folder, walDir: folder };
    await start({ state: true }, { storage });
    const kept = { clean: false, properties: { sessionExpiryInterval: 600 } };
    await connect('a', kept);
    await Promise.all(open.splice(0).map((client) => client.crash()));
    await broker.stop();
    await start({ state: true }, { storage });
    const client = await watcher(['$SYS/broker/clients/+/state', 'fence']);
    expect(await states(client)).toEqual([['0', true]]);
  });
});

test('what there is no room for (presence.max-unpublished-bytes) is left out, counted and logged; states are not', async () => {
  await start(
    { events: 'connections', state: true, maxUnpublishedBytes: 65_536 },
    { mqtt: { maxClientIdLen: 65_535 } },
  );
  const client = await watcher(['$SYS/brokers/#', '$SYS/broker/clients/+/state', 'fence']);
  const long = 'x'.repeat(33_000);
  await connect(long);
  await fence(client);
  expect(broker.stats.presenceLeftOut).toBe(1);
  expect(warnings.filter(({ event }) => event === 'presence-left-out')).toEqual([
    { event: 'presence-left-out', fields: { count: 1 } },
  ]);
  expect(client.received.some(({ topic }) => topic === `$SYS/broker/clients/${long}/state`)).toBe(
    true,
  );
  // One of which no topic can be made.
  await connect('+'.repeat(30_000));
  await fence(client);
  expect(broker.stats.presenceLeftOut).toBe(2);
  await connect('a');
  await fence(client);
  expect(events(client)).toEqual(['a/connected']);
});
