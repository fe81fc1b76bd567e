import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { UserProperties } from '@promptmq/codec';
import type { IClientOptions, IClientPublishOptions } from 'mqtt';
import { type ConfigInput, createBroker, type Hooks, type RunningBroker } from '../../src/index.ts';
import { Stamper } from '../../src/routing/stamper.ts';
import { TestClient } from '../support/mqtt-client.ts';

const FORGED = { 'x-publisher': 'boss', 'x-user': ['root', 'admin'], 'x-time': 'never', own: '1' };

let folder: string;
let broker: RunningBroker;
const open: TestClient[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stamps-'));
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.end()));
  await broker.stop();
  rmSync(folder, { recursive: true });
});

/** Whoever says who he is, is. */
const hooks: Hooks = { authenticate: (_, { userName }) => ({ allow: true, userName }) };

async function start(options: ConfigInput, hooked: Hooks = hooks): Promise<void> {
  broker = await createBroker({ server: { wsBind: 'none' }, ...options }, { hooks: hooked });
}

const ALL: ConfigInput = { mqtt: { stamp: ['publisher', 'user', 'time'] } };

async function connect(clientId: string, options: IClientOptions = {}) {
  const client = await TestClient.connect(`${broker.url}`, {
    clientId,
    protocolVersion: 5,
    ...options,
  });
  open.push(client);
  /** Waits for so many messages since the start. */
  const wait = async (count: number) => {
    await client.messages(count);
    return client.packets.map(({ topic, payload, properties }) => {
      const user = (properties?.userProperties ?? null) as UserProperties | null;
      return { topic, payload: `${payload}`, user: user === null ? null : { ...user } };
    });
  };
  return { mqtt: client.mqtt, client, wait };
}

function forged(options: IClientPublishOptions = {}): IClientPublishOptions {
  return { ...options, properties: { userProperties: FORGED } };
}

const TIME = expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

function stampOf(publisher: string, user: string) {
  return { 'x-publisher': publisher, 'x-user': user, 'x-time': TIME };
}

test.each([0, 1, 2] as const)(
  'a message of QoS %d says who published it, and nothing that its publisher made up',
  async (qos) => {
    await start(ALL);
    const all = await connect('all', { username: 'eve' });
    await all.mqtt.subscribeAsync('a/#', { qos });
    const old = await connect('old', { protocolVersion: 4, username: 'eve' });
    await old.mqtt.subscribeAsync('a/#', { qos });
    const publisher = await connect('dev-1', { username: 'alice' });
    await publisher.mqtt.publishAsync('a/forged', 'x', forged({ qos }));
    await publisher.mqtt.publishAsync('a/plain', 'y', { qos });
    const before5 = await connect('dev-4', { protocolVersion: 4, username: 'bob' });
    await before5.mqtt.publishAsync('a/old', 'z', { qos });
    const unknown = await connect('dev-?');
    await unknown.mqtt.publishAsync('a/nobody', '', forged({ qos }));
    expect(await all.wait(4)).toEqual([
      { topic: 'a/forged', payload: 'x', user: { own: '1', ...stampOf('dev-1', 'alice') } },
      { topic: 'a/plain', payload: 'y', user: stampOf('dev-1', 'alice') },
      { topic: 'a/old', payload: 'z', user: stampOf('dev-4', 'bob') },
      {
        topic: 'a/nobody',
        payload: '',
        user: { own: '1', 'x-publisher': 'dev-?', 'x-time': TIME },
      },
    ]);
    expect((await old.wait(4)).map(({ payload, user }) => [payload, user])).toEqual([
      ['x', null],
      ['y', null],
      ['z', null],
      ['', null],
    ]);
  },
);

test('what is asked for is added, and all three names are the broker’s', async () => {
  await start({ mqtt: { stamp: ['user'] } });
  const all = await connect('all', { username: 'eve' });
  await all.mqtt.subscribeAsync('a', { qos: 1, properties: { subscriptionIdentifier: 5 } });
  const publisher = await connect('dev-1', { username: 'alice' });
  await publisher.mqtt.publishAsync('a', 'x', forged({ qos: 1 }));
  expect(await all.wait(1)).toMatchObject([{ user: { own: '1', 'x-user': 'alice' } }]);
  expect((await all.wait(1))[0]?.user).toEqual({ own: '1', 'x-user': 'alice' });
});

test('nothing is added or taken out where it is not asked for', async () => {
  await start({});
  const all = await connect('all');
  await all.mqtt.subscribeAsync('a');
  await all.mqtt.publishAsync('a', 'x', forged());
  expect(await all.wait(1)).toMatchObject([{ user: FORGED }]);
});

test('a will says whose it was, and a message of the program only when it was published', async () => {
  await start(ALL);
  const all = await connect('all', { username: 'eve' });
  await all.mqtt.subscribeAsync('#');
  const mortal = await connect('dev-1', {
    username: 'alice',
    will: {
      topic: 'gone',
      payload: Buffer.from('bye'),
      qos: 1,
      retain: false,
      properties: { userProperties: FORGED },
    },
  });
  await mortal.client.crash();
  await all.wait(1);
  await broker.publish({ topic: 'inside', payload: 'i', properties: { userProperties: FORGED } });
  expect(await all.wait(2)).toEqual([
    { topic: 'gone', payload: 'bye', user: { own: '1', ...stampOf('dev-1', 'alice') } },
    { topic: 'inside', payload: 'i', user: { own: '1', 'x-time': TIME } },
  ]);
});

test('a message that a hook has changed is still its publisher’s', async () => {
  await start(ALL, {
    ...hooks,
    transform: () => ({ allow: true, payload: 'changed', properties: { userProperties: FORGED } }),
  });
  const all = await connect('all', { username: 'eve' });
  await all.mqtt.subscribeAsync('a');
  const publisher = await connect('dev-1', { username: 'alice' });
  await publisher.mqtt.publishAsync('a', 'x', { qos: 1 });
  expect(await all.wait(1)).toEqual([
    { topic: 'a', payload: 'changed', user: { own: '1', ...stampOf('dev-1', 'alice') } },
  ]);
});

test('retained messages and those that wait for a session keep it over a restart', async () => {
  const storage = { enabled: true, dataDir: folder, walDir: folder };
  await start({ ...ALL, storage });
  const session: IClientOptions = {
    username: 'eve',
    clean: false,
    properties: { sessionExpiryInterval: 3600 },
  };
  const away = await connect('away', session);
  await away.mqtt.subscribeAsync('queued', { qos: 1 });
  await away.client.end();
  const publisher = await connect('dev-1', { username: 'alice' });
  await publisher.mqtt.publishAsync('queued', 'q', forged({ qos: 1 }));
  await publisher.mqtt.publishAsync('kept', 'r', forged({ qos: 1, retain: true }));
  await publisher.client.end();
  open.length = 0;
  await broker.stop();
  await start({ ...ALL, storage });
  const back = await connect('away', session);
  await back.wait(1);
  await back.mqtt.subscribeAsync('kept', { qos: 1 });
  const user = { own: '1', ...stampOf('dev-1', 'alice') };
  expect(await back.wait(2)).toEqual([
    { topic: 'queued', payload: 'q', user },
    { topic: 'kept', payload: 'r', user },
  ]);
});

test('properties that are not forged stay the bytes that they are', () => {
  const stamper = new Stamper(['publisher'], () => 0);
  const none = new Uint8Array(0);
  expect(stamper.propertiesOf(none, null, null)).toBe(none);
  const property = (name: string, value: string) =>
    Buffer.concat([
      Buffer.from([0x26, 0, name.length]),
      Buffer.from(name),
      Buffer.from([0, value.length]),
      Buffer.from(value),
    ]);
  const contentType = Buffer.from([3, 0, 1, 0x78]);
  const kept = Buffer.concat([contentType, property('x-users', 'x-user'), property('x-use', '')]);
  expect(stamper.propertiesOf(kept, null, null)).toBe(kept);
  const mixed = Buffer.concat([property('x-time', 'a'), contentType, property('x-user', '')]);
  const before = Buffer.from(mixed);
  const stamped = stamper.propertiesOf(mixed, 'grün', 'alice');
  expect(Buffer.from(stamped)).toEqual(
    Buffer.concat([contentType, Buffer.from('&\0\x0bx-publisher\0\x05grün')]),
  );
  expect(mixed).toEqual(before);
});
