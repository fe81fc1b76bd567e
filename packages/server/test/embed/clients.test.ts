import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FaultyFiles, MemoryIndex, Random, systemError } from '@promptmq/wal/testing';
import { createBroker, EmbedError, type RunningBroker } from '../../src/index.ts';
import { PacketClient } from '../support/packet-client.ts';

let broker: RunningBroker;
let open: PacketClient[];

beforeEach(async () => {
  broker = await createBroker({ server: { wsBind: 'none' } });
  open = [];
});

afterEach(async () => {
  for (const client of open) await client.cut();
  await broker.stop();
});

async function connected(clientId: string, fields: object = {}): Promise<PacketClient> {
  const client = await PacketClient.open(`${broker.url}`);
  open.push(client);
  client.connect(clientId, fields);
  expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  return client;
}

/** Leaves a session without a connection; an MQTT 5 client's lives for 1,000 s. */
async function left(clientId: string, fields: object = {}): Promise<void> {
  const client = await connected(clientId, fields);
  client.send({ cmd: 'disconnect', reasonCode: 4 });
  expect(await client.next()).toBeNull();
}

const idsOf = (options: object = {}) =>
  broker.clients.list(options).clients.map(({ clientId }) => clientId);

const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    if (error instanceof EmbedError) return `${error.code}: ${error.message}`;
  }
  return 'nothing was thrown';
};

describe('what there is of a client', () => {
  test('one that is connected has all of its connection and its session', async () => {
    const before = Date.now();
    const client = await connected('c', { keepalive: 30, username: 'nobody-checks' });
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      properties: { subscriptionIdentifier: 7 },
      subscriptions: [
        { topic: 'a/+', qos: 1, nl: true, rap: true, rh: 2 },
        { topic: '$share/g/b', qos: 0 },
      ],
    });
    await client.next();
    client.publish('b', 'x', 0, 0);
    for (const id of [1, 2]) client.publish('a/1', 'x', 1, id);
    await client.sentSoFar();
    const info = broker.clients.get('c');
    expect(info).toEqual({
      clientId: 'c',
      userName: null,
      isConnected: true,
      version: 5,
      protocol: 'tcp',
      remoteAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      listener: 'tcp',
      createdAt: expect.any(Number),
      connectedAt: expect.any(Number),
      disconnectedAt: null,
      keepAlive: 30,
      cleanStart: false,
      isBridge: false,
      bytesReceived: expect.any(Number),
      bytesSent: expect.any(Number),
      sessionExpiryInterval: 1000,
      isStored: false,
      subscriptions: 2,
      queued: 0,
      queuedBytes: 0,
      attributes: {},
      inflight: 0,
      inflightMax: 1000,
      awaitingRelease: 0,
      dropped: 0,
    });
    // The clocks' own milliseconds are rounded.
    expect(info?.connectedAt).toBeGreaterThanOrEqual(before - 2);
    expect(info?.connectedAt).toBeLessThanOrEqual(Date.now() + 2);
    expect(JSON.parse(JSON.stringify(info))).toEqual(info);
    expect(broker.clients.subscriptions('c')).toEqual([
      {
        topicFilter: 'a/+',
        qos: 1,
        noLocal: true,
        retainAsPublished: true,
        retainHandling: 2,
        subscriptionIdentifier: 7,
      },
      {
        topicFilter: '$share/g/b',
        qos: 0,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
        subscriptionIdentifier: 7,
      },
    ]);
  });

  test('a session without a connection has what waits for it', async () => {
    const client = await connected('gone');
    client.subscribe('t', 1, 1);
    await client.next();
    client.send({ cmd: 'disconnect', reasonCode: 0 });
    await client.next();
    const publisher = await connected('publisher', { properties: {} });
    publisher.publish('t', 'x', 1, 1);
    await publisher.next();
    expect(broker.clients.get('gone')).toMatchObject({
      isConnected: false,
      version: null,
      protocol: null,
      remoteAddress: null,
      connectedAt: null,
      disconnectedAt: expect.any(Number),
      keepAlive: null,
      subscriptions: 1,
      queued: 1,
    });
    expect(broker.clients.get('nobody')).toBeNull();
    expect(broker.clients.subscriptions('nobody')).toBeNull();
    expect(broker.clients.subscriptions('publisher')).toEqual([]);
  });
});

describe('clients are listed', () => {
  test('in the order of their sessions, by a part of their identifier, and by user', async () => {
    await broker.stop();
    const method = (userName: string) => ({
      name: userName,
      begin: () => ({ next: () => ({ result: 'success' as const, userName }) }),
    });
    broker = await createBroker(
      { server: { wsBind: 'none' } },
      { authenticationMethods: [method('ann'), method('anna')] },
    );
    for (const clientId of ['dev-2', 'dev-1', 'other']) await left(clientId);
    await connected('dev-3');
    expect(idsOf()).toEqual(['dev-2', 'dev-1', 'other', 'dev-3']);
    expect(idsOf({ like: 'dev-' })).toEqual(['dev-2', 'dev-1', 'dev-3']);
    expect(idsOf({ like: 'v-1' })).toEqual(['dev-1']);
    expect(idsOf({ like: 'DEV' })).toEqual([]);
    const as = (authenticationMethod: string) => ({
      properties: { authenticationMethod, sessionExpiryInterval: 1000 },
    });
    await connected('of-ann', as('ann'));
    await left('left-by-ann', as('ann'));
    await connected('of-anna', as('anna'));
    expect(idsOf({ user: 'ann' })).toEqual(['of-ann', 'left-by-ann']);
    expect(idsOf({ user: 'ann', like: 'left' })).toEqual(['left-by-ann']);
    expect(broker.clients.get('left-by-ann')).toMatchObject({ userName: 'ann' });
  });

  test('a page at a time: who is there all the time is on one page, whoever comes and goes', async () => {
    for (const clientId of ['a', 'b', 'c', 'd', 'e']) await left(clientId);
    const first = broker.clients.list({ limit: 2 });
    expect(first.clients.map(({ clientId }) => clientId)).toEqual(['a', 'b']);
    // The first of the next page, and one of the page before, go; another one comes.
    await broker.clients.disconnect('a', { dropSession: true });
    await broker.clients.disconnect('c', { dropSession: true });
    await left('f');
    const second = broker.clients.list({ limit: 2, cursor: first.cursor });
    expect(second.clients.map(({ clientId }) => clientId)).toEqual(['d', 'e']);
    // The same page may be asked for again.
    expect(broker.clients.list({ limit: 2, cursor: first.cursor })).toEqual(second);
    const third = broker.clients.list({ limit: 2, cursor: second.cursor });
    expect(third.clients.map(({ clientId }) => clientId)).toEqual(['f']);
    expect(third.cursor).toBeNull();
  });

  test('the last page has no cursor, also when it is full', async () => {
    for (const clientId of ['a', 'b']) await left(clientId);
    expect(broker.clients.list({ limit: 2 }).cursor).toBeNull();
    expect(idsOf({ limit: 1 })).toEqual(['a']);
  });

  test('what is no option is refused, and named with what is allowed', () => {
    const list = (options: object) => codeOf(() => broker.clients.list(options));
    expect(list({ usr: 'x' })).toBe(
      'invalid-argument: broker.clients.list: usr is no option; there are like, user, likeUser, isConnected, address, version, cleanStart, connectedSince, connectedUntil, createdSince, createdUntil, cursor, limit',
    );
    expect(list({ limit: 0 })).toMatch(/limit takes a whole number from 1 to 10000, not 0$/);
    expect(list({ limit: 10_001 })).toMatch(/not 10001$/);
    expect(list({ limit: '5' })).toMatch(/not "5"$/);
    expect(list({ like: 7 })).toMatch(/like takes a string, not 7$/);
    expect(list({ user: {} })).toMatch(/user takes a string or an array of them, not a Object$/);
    for (const cursor of ['', '0', 'A', '1 ', '-1']) {
      expect(list({ cursor })).toMatch(/cursor takes what an earlier page returned$/);
    }
    expect(codeOf(() => broker.clients.get(undefined as unknown as string))).toMatch(/^invalid/);
    expect(codeOf(() => broker.clients.subscriptions(1 as unknown as string))).toMatch(/^invalid/);
  });
});

describe('a client is disconnected', () => {
  test('and gets 0x98; its session and will continue by the rules', async () => {
    const watching = await connected('watching');
    watching.subscribe('will', 1);
    await watching.next();
    const client = await connected('c', { will: { topic: 'will', payload: Buffer.from('x') } });
    expect(await broker.clients.disconnect('c')).toBe(true);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x98 });
    expect(await client.next()).toBeNull();
    expect(await watching.next()).toMatchObject({ cmd: 'publish', topic: 'will' });
    expect(broker.clients.get('c')).toMatchObject({ isConnected: false });
    expect(await broker.clients.disconnect('c')).toBe(false);
    expect(await broker.clients.disconnect('nobody', { dropSession: true })).toBe(false);
  });

  test('with a reason code that a server may send [MQTT-3.14.2-1]', async () => {
    const client = await connected('c');
    for (const reasonCode of [0x04, 0x8c, 1, 256, Number.NaN, '0x98']) {
      const options = { reasonCode } as { reasonCode: number };
      await expect(broker.clients.disconnect('c', options)).rejects.toMatchObject({
        code: 'invalid-argument',
        message: expect.stringMatching(/reasonCode takes what a server may send .*: 0x0, 0x80, /),
      });
    }
    await expect(
      broker.clients.disconnect('c', { dropSesion: true } as object),
    ).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(
      broker.clients.disconnect('c', { dropSession: 'no' as unknown as boolean }),
    ).rejects.toThrow('dropSession takes true or false, not "no"');
    // Nothing has happened.
    expect(await client.sentSoFar()).toEqual([]);
    await broker.clients.disconnect('c', { reasonCode: 0x8b });
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
  });

  test('with its session, whose will goes first, whatever its delay (§3.1.2.5)', async () => {
    const watching = await connected('watching');
    watching.subscribe('will', 1);
    await watching.next();
    const will = {
      topic: 'will',
      payload: Buffer.from('x'),
      properties: { willDelayInterval: 99 },
    };
    const client = await connected('c', { will });
    expect(await broker.clients.disconnect('c', { dropSession: true })).toBe(true);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect' });
    expect(await watching.next()).toMatchObject({ cmd: 'publish', topic: 'will' });
    expect(broker.clients.get('c')).toBeNull();
    await left('c', { will });
    expect(await broker.clients.disconnect('c', { dropSession: true })).toBe(true);
    expect(await watching.next()).toMatchObject({ cmd: 'publish', topic: 'will' });
    expect(broker.stats.sessionsCurrent).toBe(1);
  });

  test('without its will, also one that is still due', async () => {
    const watching = await connected('watching');
    watching.subscribe('will', 1);
    await watching.next();
    const will = {
      topic: 'will',
      payload: Buffer.from('x'),
      properties: { willDelayInterval: 99 },
    };
    await connected('here', { will });
    expect(await broker.clients.disconnect('here', { preventWill: true, dropSession: true })).toBe(
      true,
    );
    await left('gone', { will });
    expect(await broker.clients.disconnect('gone', { preventWill: true })).toBe(true);
    // It has none any more.
    expect(await broker.clients.disconnect('gone', { preventWill: true })).toBe(false);
    expect(broker.clients.get('gone')).toMatchObject({ isConnected: false });
    await broker.clients.disconnect('gone', { dropSession: true });
    expect(await watching.sentSoFar()).toEqual([]);
  });

  test('that is a consumer inside of the program: its loop ends, and its session with dropSession', async () => {
    const consumer = broker.subscribe('t', { name: 'worker', qos: 1 });
    await consumer.ready;
    expect(broker.clients.get('$inside/worker')).toMatchObject({
      isConnected: true,
      protocol: null,
      disconnectedAt: null,
    });
    const over = (async () => {
      for await (const message of consumer) message.ack();
    })();
    expect(await broker.clients.disconnect('$inside/worker')).toBe(true);
    await expect(over).rejects.toMatchObject({ code: 'disconnected' });
    expect(broker.clients.get('$inside/worker')).toMatchObject({ isConnected: false });
    expect(await broker.clients.disconnect('$inside/worker', { dropSession: true })).toBe(true);
    expect(broker.clients.get('$inside/worker')).toBeNull();
  });

  test('not after the broker has stopped', async () => {
    await left('c');
    await broker.stop();
    await expect(broker.clients.disconnect('c', { dropSession: true })).rejects.toMatchObject({
      code: 'stopped',
    });
    expect(idsOf()).toEqual(['c']);
  });
});

describe('with storage', () => {
  let files: FaultyFiles;
  let index: MemoryIndex;
  const isDue = { topic: 'w', payload: Buffer.from('x'), properties: { willDelayInterval: 99 } };

  async function start(): Promise<void> {
    const storage = { dataDir: '/data', walDir: '/wal', wal: { syncMode: 'immediate' as const } };
    broker = await createBroker(
      { storage, server: { wsBind: 'none' } },
      { storage: { files, index } },
    );
  }

  /** A power cut takes all that was not synced. */
  async function crash(): Promise<void> {
    const former = broker;
    files = files.crash('nothing', new Random(1));
    index = index.crash();
    void former.stop();
    await start();
  }

  beforeEach(async () => {
    await broker.stop();
    files = new FaultyFiles();
    index = new MemoryIndex();
    await start();
  });

  test('what disconnect has done is done after a power cut, too', async () => {
    await left('a', { will: isDue });
    await left('b', { will: isDue });
    await connected('c');
    expect(broker.clients.get('a')).toMatchObject({ isStored: true });
    await broker.clients.disconnect('a', { dropSession: true, preventWill: true });
    await broker.clients.disconnect('b', { preventWill: true });
    await broker.clients.disconnect('c', { dropSession: true });
    await crash();
    expect(idsOf()).toEqual(['b']);
    expect(await broker.clients.disconnect('b', { preventWill: true })).toBe(false);
  });

  test('on a full disk nothing happens, and the error says so', async () => {
    await left('a', { will: isDue });
    files.beforeOperation = (name) => {
      if (name === 'write') throw systemError('ENOSPC', name);
    };
    // The first to need the disk finds it full: for the client, the session has ended.
    await expect(broker.clients.disconnect('a', { dropSession: true })).rejects.toMatchObject({
      code: 'storage-full',
    });
    expect(broker.clients.get('a')).toBeNull();
    const here = await connected('here', { clean: true, properties: {} });
    expect(await broker.clients.disconnect('here', { dropSession: true })).toBe(true);
    await here.next();
    files.beforeOperation = () => {};
  });

  test('where the disk is full already, the session stays as it is', async () => {
    await left('a', { will: isDue });
    await left('b');
    files.beforeOperation = (name) => {
      if (name === 'write') throw systemError('ENOSPC', name);
    };
    await broker.clients.disconnect('b', { dropSession: true }).catch(() => {});
    for (const options of [{ dropSession: true }, { preventWill: true }]) {
      await expect(broker.clients.disconnect('a', options)).rejects.toMatchObject({
        code: 'storage-full',
        message: 'no room on the disk to write what a loses',
      });
    }
    expect(broker.clients.get('a')).toMatchObject({ isConnected: false });
    files.beforeOperation = () => {};
  });
});
