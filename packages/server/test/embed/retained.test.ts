import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FaultyFiles, MemoryIndex, Random, systemError } from '@promptmq/wal/testing';
import { BrokerRetained } from '../../src/embed/retained/retained.ts';
import { createBroker, EmbedError, type RunningBroker } from '../../src/index.ts';
import { PacketClient } from '../support/packet-client.ts';
import { Simulation } from '../support/simulation.ts';

let broker: RunningBroker;
let publisher: PacketClient;

async function connect(): Promise<void> {
  publisher = await PacketClient.open(`${broker.url}`);
  publisher.connect('publisher', { properties: {} });
  await publisher.next();
}

beforeEach(async () => {
  broker = await createBroker({ server: { wsBind: 'none' } });
  await connect();
});

afterEach(async () => {
  await publisher.cut();
  await broker.stop();
});

/** Retains messages, and waits until the broker has them. */
async function retain(messages: Record<string, string>, fields: object = {}): Promise<void> {
  for (const [topic, payload] of Object.entries(messages)) {
    publisher.publish(topic, payload, 0, 0, { retain: true, ...fields });
  }
  await publisher.sentSoFar();
}

const many = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`many/${index % 7}/${index}`, 'x']),
  );

/** Topics of all pages; `between` is done after each page but the last. */
async function topics(
  filter: string,
  limit: number,
  between: () => Promise<void> | void = () => {},
): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const page = broker.retained.match(filter, { limit, cursor });
    expect(page.messages.length).toBeLessThanOrEqual(limit);
    found.push(...page.messages.map(({ topic }) => topic));
    cursor = page.cursor;
    if (cursor !== null) await between();
  } while (cursor !== null);
  return found;
}

const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    if (error instanceof EmbedError) return `${error.code}: ${error.message}`;
  }
  return 'nothing was thrown';
};

describe('one message', () => {
  test('is returned with all that it was published with, as a copy', async () => {
    const correlationData = Buffer.from([1, 2]);
    await retain(
      { 'a/b': 'hello' },
      {
        qos: 1,
        messageId: 1,
        properties: {
          contentType: 'text/plain',
          correlationData,
          userProperties: { k: ['v', 'w'] },
          messageExpiryInterval: 1000,
        },
      },
    );
    const message = broker.retained.get('a/b');
    expect(message).toEqual({
      publisherId: 'publisher',
      topic: 'a/b',
      payload: Buffer.from('hello'),
      qos: 1,
      retain: true,
      properties: {
        contentType: 'text/plain',
        correlationData: Uint8Array.from(correlationData),
        userProperties: expect.anything(),
        messageExpiryInterval: 1000,
      },
    });
    message?.payload.fill(0);
    message?.properties.correlationData?.fill(0);
    expect(broker.retained.get('a/b')).toMatchObject({
      payload: Buffer.from('hello'),
      properties: { correlationData: Uint8Array.from(correlationData) },
    });
    expect(broker.retained.get('a')).toBeNull();
  });

  test('that has expired is none', async () => {
    await retain({ t: 'x' }, { properties: { messageExpiryInterval: 0 } });
    expect(broker.retained.get('t')).toBeNull();
    expect(broker.retained.match('t').messages).toEqual([]);
  });

  test('of the broker is found by its topic', async () => {
    const { messages } = broker.retained.match('$SYS/#', { limit: 1 });
    expect(messages.length).toBe(1);
    expect(broker.retained.get(`${messages[0]?.topic}`)?.topic).toMatch(/^\$SYS\//);
    const before = broker.stats.retainedCurrent;
    expect(await broker.retained.clear('$SYS/#')).toBe(0);
    expect(await broker.retained.clear('#')).toBe(0);
    expect(broker.stats.retainedCurrent).toBe(before);
  });
});

describe('messages that match a filter', () => {
  test('come in pages of at most `limit`, each once', async () => {
    const all = many(500);
    await retain({ ...all, other: 'x' });
    for (const limit of [1, 7, 100, 10_000]) {
      expect((await topics('many/#', limit)).sort()).toEqual(Object.keys(all).sort());
    }
    expect(broker.retained.match('many/#').messages.length).toBe(100);
    expect((await topics('many/3/+', 10)).length).toBe(71);
    expect(await topics('none/+', 10)).toEqual([]);
  });

  test('are as they were when the first page was asked for', async () => {
    await retain(many(100));
    let round = 0;
    const found = await topics('many/#', 10, () =>
      retain({ [`many/new/${round++}`]: 'x', 'many/0/0': 'changed', 'many/5/5': 'changed' }),
    );
    expect(found.sort()).toEqual(Object.keys(many(100)).sort());
    expect(broker.retained.get('many/0/0')?.payload.toString()).toBe('changed');
  });

  test('a page is full with 4 MB of payloads', async () => {
    await broker.stop();
    broker = await createBroker({ server: { wsBind: 'none' } });
    await publisher.cut();
    await connect();
    const payload = 'x'.repeat(1_500_000);
    await retain({ a: payload, b: payload, c: payload, d: payload });
    const { messages, cursor } = broker.retained.match('+');
    expect(messages.length).toBe(3);
    expect(broker.retained.match('+', { cursor })).toMatchObject({ cursor: null });
  });

  test('a cursor is good for one call, and for the last 16 searches', async () => {
    await retain({ a: 'x', b: 'x', c: 'x' });
    const first = broker.retained.match('+', { limit: 1 });
    const second = broker.retained.match('+', { limit: 1, cursor: first.cursor });
    expect(codeOf(() => broker.retained.match('+', { cursor: first.cursor }))).toMatch(
      /^cursor-expired: broker.retained.match: cursor is good for one call/,
    );
    for (let count = 0; count < 15; count++) broker.retained.match('+', { limit: 1 });
    const another = broker.retained.match('+', { limit: 1 });
    expect(codeOf(() => broker.retained.match('+', { cursor: second.cursor }))).toMatch(
      /^cursor-expired/,
    );
    expect(codeOf(() => broker.retained.match('#', { cursor: another.cursor }))).toBe(
      "invalid-argument: broker.retained.match: cursor is another filter's",
    );
    expect(broker.retained.match('+', { cursor: another.cursor }).messages.length).toBe(2);
  });

  test('a cursor is good for a minute', () => {
    const simulation = new Simulation();
    const client = simulation.connect('c');
    for (const topic of ['a', 'b', 'c']) client.publish(topic, 'x', { retain: true });
    const retained = new BrokerRetained(simulation.broker);
    const first = retained.match('+', { limit: 1 });
    simulation.advance(40);
    const other = retained.match('+', { limit: 1 });
    simulation.advance(30);
    expect(codeOf(() => retained.match('+', { cursor: first.cursor }))).toMatch(/^cursor-expired/);
    expect(retained.match('+', { cursor: other.cursor }).messages.length).toBe(2);
    // Nobody needs to know any more what has changed.
    client.publish('a', 'changed', { retain: true });
    expect(simulation.broker.router.retained.historyBytes).toBe(0);
  });

  test('what is no filter, topic or option is refused', async () => {
    for (const filter of ['', 'a#', 'a+/b', '#/a', '$share/g/a', 'a\0b', 7]) {
      expect(codeOf(() => broker.retained.match(filter as string))).toMatch(/^invalid-argument/);
      await expect(broker.retained.clear(filter as string)).rejects.toMatchObject({
        code: 'invalid-argument',
      });
    }
    expect(codeOf(() => broker.retained.match('$share/g/a'))).toMatch(/takes no \$share/);
    expect(codeOf(() => broker.retained.get('a/+'))).toMatch(/"a\/\+" has wildcards/);
    expect(codeOf(() => broker.retained.get(7 as unknown as string))).toMatch(/^invalid-argument/);
    expect(codeOf(() => broker.retained.match('#', { limit: 10_001 }))).toMatch(/1 to 10000/);
    expect(codeOf(() => broker.retained.match('#', { first: 1 } as object))).toMatch(
      /first is no option; there are cursor, limit$/,
    );
  });
});

describe('clear', () => {
  test('removes what matches, in parts, and nobody is sent anything', async () => {
    await retain({ ...many(3000), other: 'x' });
    const watching = await PacketClient.open(`${broker.url}`);
    watching.connect('watching', { properties: {} });
    watching.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: 'many/#', qos: 0, rh: 2 }],
    });
    await watching.next();
    await watching.next();
    const cleared = broker.retained.clear('many/#');
    // A part of them at once, others after what clients have sent meanwhile.
    expect(broker.stats.retainedCurrent).toBeGreaterThan(2000);
    expect(broker.stats.retainedCurrent).toBeLessThan(3000);
    expect(await cleared).toBe(3000);
    expect(await topics('#', 10)).toEqual(['other']);
    expect(await watching.sentSoFar()).toEqual([]);
    expect(await broker.retained.clear('many/#')).toBe(0);
    await watching.cut();
  });

  test('leaves what is retained while it works', async () => {
    await retain(many(3000));
    const cleared = broker.retained.clear('many/#');
    const survivors = (await topics('many/#', 10_000)).slice(-2);
    await retain({ [`${survivors[0]}`]: 'later', 'many/new': 'x' });
    const count = await cleared;
    expect(broker.retained.get('many/new')).not.toBeNull();
    const kept = broker.retained.get(`${survivors[0]}`);
    expect(count + (kept === null ? 0 : 1)).toBe(3000);
  });

  test('ends with an error when the broker stops in between', async () => {
    await retain(many(3000));
    const cleared = broker.retained.clear('#');
    const stopped = broker.stop();
    await expect(cleared).rejects.toMatchObject({ code: 'stopped' });
    await stopped;
    await expect(broker.retained.clear('#')).rejects.toMatchObject({ code: 'stopped' });
  });
});

describe('with storage', () => {
  let files: FaultyFiles;
  let index: MemoryIndex;

  async function start(): Promise<void> {
    const storage = { dataDir: '/data', walDir: '/wal', wal: { syncMode: 'immediate' as const } };
    broker = await createBroker(
      { storage, server: { wsBind: 'none' } },
      { storage: { files, index } },
    );
    await connect();
  }

  beforeEach(async () => {
    await publisher.cut();
    await broker.stop();
    files = new FaultyFiles();
    index = new MemoryIndex();
    await start();
  });

  test('what was cleared is gone after a power cut, too', async () => {
    await retain({ ...many(1500), other: 'kept' });
    expect(await broker.retained.clear('many/#')).toBe(1500);
    const former = broker;
    await publisher.cut();
    files = files.crash('nothing', new Random(1));
    index = index.crash();
    void former.stop();
    await start();
    expect(broker.retained.match('#').messages.map(({ topic }) => topic)).toEqual(['other']);
  });

  test('a full disk refuses it, before anything happens where it is known to be full', async () => {
    await retain({ a: 'x', b: 'x' }, { qos: 1, messageId: 1 });
    files.beforeOperation = (name) => {
      if (name === 'write') throw systemError('ENOSPC', name);
    };
    await expect(broker.retained.clear('a')).rejects.toMatchObject({
      code: 'storage-full',
      message: expect.stringMatching(/^1 retained messages are gone, but the disk is full/),
    });
    await expect(broker.retained.clear('b')).rejects.toMatchObject({ code: 'storage-full' });
    expect(broker.retained.get('b')).not.toBeNull();
    files.beforeOperation = () => {};
  });
});
