import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type ConfigInput,
  createBroker,
  EmbedError,
  type InsidePublication,
  type RunningBroker,
} from '../../src/index.ts';
import { InsidePublisher } from '../../src/inside/inside-publisher.ts';
import { noopLogger } from '../../src/log/index.ts';
import { Machine } from '../support/machine.ts';
import { TestClient } from '../support/mqtt-client.ts';
import { Simulation } from '../support/simulation.ts';

let broker: RunningBroker | undefined;

afterEach(async () => {
  await broker?.stop();
  broker = undefined;
});

async function start(mqtt: ConfigInput['mqtt'] = {}): Promise<RunningBroker> {
  broker = await createBroker({ mqtt });
  return broker;
}

/** What `publish` is rejected with. */
async function refusalOf(published: Promise<unknown>): Promise<EmbedError> {
  const error = await published.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof EmbedError)) throw new Error(`not refused, but ${error}`);
  return error;
}

describe('a message of the program', () => {
  test.each([3, 4, 5] as const)(
    'goes to who has subscribed, at each QoS (MQTT level %d)',
    (version) => {
      const simulation = new Simulation();
      const publisher = new InsidePublisher(simulation.broker);
      const client = simulation.connect('c', { protocolVersion: version });
      client.subscribe('a/+');
      client.take();
      const published = ([0, 1, 2] as const).map((qos) =>
        publisher.publish({ topic: `a/${qos}`, payload: `at ${qos}`, qos }),
      );
      return Promise.all(published).then((outcomes) => {
        expect(outcomes).toEqual(Array(3).fill({ reasonCode: 0, matched: 1, position: null }));
        expect(client.take()).toMatchObject(
          [0, 1, 2].map((qos) => ({ cmd: 'publish', topic: `a/${qos}`, qos, retain: false })),
        );
        publisher.checkInvariants();
        simulation.broker.checkInvariants();
      });
    },
  );

  test('has the properties that it was given, and those of its subscription', async () => {
    const simulation = new Simulation();
    const publisher = new InsidePublisher(simulation.broker);
    const client = simulation.connect('c');
    client.subscribe('a', {}, { subscriptionIdentifier: 7 });
    client.take();
    const properties = {
      payloadFormatIndicator: true,
      messageExpiryInterval: 60,
      contentType: 'text/plain',
      responseTopic: 'b/c',
      correlationData: Buffer.from([1, 2, 3]),
      userProperties: { one: '1', two: ['2', 'zwei'] },
    };
    await publisher.publish({ topic: 'a', payload: 'grüß', properties });
    const [packet] = client.take();
    expect(packet).toMatchObject({
      cmd: 'publish',
      topic: 'a',
      properties: { ...properties, correlationData: expect.anything(), subscriptionIdentifier: 7 },
    });
    if (packet?.cmd !== 'publish') throw new Error('nothing came');
    expect(Buffer.from(packet.payload).toString()).toBe('grüß');
    expect([...(packet.properties?.correlationData ?? [])]).toEqual([1, 2, 3]);
  });

  test('counts subscriptions and groups that it matched; without any it is 0x10', async () => {
    const simulation = new Simulation();
    const publisher = new InsidePublisher(simulation.broker);
    expect(await publisher.publish({ topic: 'a' })).toEqual({
      reasonCode: 0x10,
      matched: 0,
      position: null,
    });
    for (const id of ['c1', 'c2', 'c3']) {
      const client = simulation.connect(id);
      client.subscribe(id === 'c3' ? 'a' : '$share/g/a');
      client.take();
    }
    expect(await publisher.publish({ topic: 'a' })).toMatchObject({ reasonCode: 0, matched: 2 });
    expect(simulation.broker.stats.insideMessages).toBe(2);
  });

  test('is retained for later subscribers until an empty one takes its place', async () => {
    const { url, publish } = bound(await start());
    await publish({ topic: 'a', payload: 'kept', retain: true });
    const client = await TestClient.connect(`${url}`);
    await client.mqtt.subscribeAsync('a');
    await client.messages(1);
    await publish({ topic: 'a', retain: true });
    await client.messages(2);
    expect(client.received.map(({ payload, retain }) => [payload, retain])).toEqual([
      ['kept', true],
      ['', false],
    ]);
    const later = await TestClient.connect(`${url}`);
    await later.mqtt.subscribeAsync('a');
    await later.mqtt.publishAsync('a', 'next', { qos: 1 });
    await later.messages(1);
    expect(later.payloads()).toEqual(['next']);
    await Promise.all([client.end(), later.end()]);
  });

  test('is a copy: what the program does with its bytes afterwards changes nothing', async () => {
    const { url, publish } = bound(await start());
    const client = await TestClient.connect(`${url}`);
    await client.mqtt.subscribeAsync('#');
    for (const size of [3, 100_000]) {
      const payload = Buffer.alloc(size, 'a');
      const published = publish({ topic: 'a', payload, retain: true });
      payload.fill('b');
      await published;
      payload.fill('c');
    }
    await client.messages(2);
    expect(client.payloads()).toEqual(['aaa', 'a'.repeat(100_000)]);
    await client.end();
  });

  test('expires when its interval has passed', async () => {
    const simulation = new Simulation();
    const publisher = new InsidePublisher(simulation.broker);
    await publisher.publish({
      topic: 'a',
      payload: 'x',
      retain: true,
      properties: { messageExpiryInterval: 10 },
    });
    simulation.advance(4);
    const early = simulation.connect('early');
    early.subscribe('a');
    expect(early.take()).toMatchObject([
      { cmd: 'suback' },
      { cmd: 'publish', properties: { messageExpiryInterval: 6 } },
    ]);
    simulation.advance(7);
    const late = simulation.connect('late');
    late.subscribe('a');
    expect(late.brief()).toEqual(['suback 2']);
  });
});

describe('what is no message is refused before anything happens', () => {
  const deep = Array(300).fill('a').join('/');
  test.each<[string, unknown, string, number | null]>([
    ['nothing', undefined, 'invalid-argument', null],
    ['a topic alone', 'a', 'invalid-argument', null],
    ['an unknown key', { topic: 'a', retained: true }, 'invalid-argument', null],
    ['no topic', { payload: 'x' }, 'invalid-topic', 0x90],
    ['an empty topic', { topic: '' }, 'invalid-topic', 0x90],
    ['a wildcard +', { topic: 'a/+/b' }, 'invalid-topic', 0x90],
    ['a wildcard #', { topic: '#' }, 'invalid-topic', 0x90],
    ['U+0000 in a topic', { topic: 'a\u0000b' }, 'invalid-topic', 0x81],
    ['half of a surrogate pair', { topic: 'a\ud800' }, 'invalid-topic', 0x90],
    ['a topic of 65,536 bytes', { topic: 'a'.repeat(65_536) }, 'invalid-topic', 0x90],
    ['a topic that is too deep', { topic: deep }, 'invalid-topic', 0x90],
    ['a topic of the broker', { topic: '$SYS/broker/uptime' }, 'not-allowed', 0x87],
    ['the topic $SYS', { topic: '$SYS' }, 'not-allowed', 0x87],
    ['QoS 3', { topic: 'a', qos: 3 }, 'invalid-qos', null],
    ['QoS as text', { topic: 'a', qos: '1' }, 'invalid-qos', null],
    ['retain as a number', { topic: 'a', retain: 1 }, 'invalid-argument', null],
    ['a payload that is an object', { topic: 'a', payload: { x: 1 } }, 'invalid-payload', null],
    ['a payload that is null', { topic: 'a', payload: null }, 'invalid-payload', null],
    ['a payload that is a number', { topic: 'a', payload: 1 }, 'invalid-payload', null],
    [
      'a payload of 16-bit numbers',
      { topic: 'a', payload: new Uint16Array(2) },
      'invalid-payload',
      null,
    ],
    ['properties that are text', { topic: 'a', properties: 'x' }, 'invalid-property', 0x82],
    ['an unknown property', property({ expiry: 1 }), 'invalid-property', 0x82],
    ['a property of CONNECT', property({ receiveMaximum: 1 }), 'invalid-property', 0x82],
    ['a topic alias', property({ topicAlias: 1 }), 'invalid-property', 0x82],
    ['an identifier', property({ subscriptionIdentifier: 1 }), 'invalid-property', 0x82],
    ['an indicator of 2', property({ payloadFormatIndicator: 2 }), 'invalid-property', 0x82],
    ['an expiry of -1', property({ messageExpiryInterval: -1 }), 'invalid-property', 0x82],
    ['an expiry of 1.5', property({ messageExpiryInterval: 1.5 }), 'invalid-property', 0x82],
    [
      'an expiry over 32 bits',
      property({ messageExpiryInterval: 2 ** 32 }),
      'invalid-property',
      0x82,
    ],
    ['a response topic with +', property({ responseTopic: 'a/+' }), 'invalid-property', 0x90],
    ['an empty response topic', property({ responseTopic: '' }), 'invalid-property', 0x90],
    ['U+0000 in a content type', property({ contentType: '\u0000' }), 'invalid-property', 0x81],
    ['half a surrogate there', property({ contentType: '\udc00' }), 'invalid-property', 0x82],
    [
      'correlation data of 64 KiB',
      property({ correlationData: Buffer.alloc(65_536) }),
      'invalid-property',
      0x82,
    ],
    ['user properties as a list', property({ userProperties: ['a'] }), 'invalid-property', 0x82],
    ['user properties of null', property({ userProperties: null }), 'invalid-property', 0x82],
    [
      'a number as a user property',
      property({ userProperties: { a: 1 } }),
      'invalid-property',
      0x82,
    ],
    [
      'too many user properties',
      property({ userProperties: { a: Array(11).fill('b') } }),
      'invalid-property',
      0x97,
    ],
    [
      '256 KiB of properties',
      property({ userProperties: { a: Array(5).fill('b'.repeat(60_000)) } }),
      'invalid-property',
      0x97,
    ],
  ])('%s', async (_, publication, code, reasonCode) => {
    const simulation = new Simulation({ mqtt: { maxUserProperties: 10 } });
    const publisher = new InsidePublisher(simulation.broker);
    const client = simulation.connect('c');
    client.subscribe('#');
    client.take();
    const error = await refusalOf(publisher.publish(publication as InsidePublication));
    expect(error).toMatchObject({
      code,
      reasonCode,
      message: expect.stringMatching(/^broker.publish: ./),
    });
    expect(client.take()).toEqual([]);
    expect(simulation.broker.stats.insideMessages).toBe(0);
    publisher.checkInvariants();
  });

  function property(properties: object): object {
    return { topic: 'a', properties };
  }

  test.each<[string, ConfigInput['mqtt'], InsidePublication, string, number]>([
    ['mqtt.max-qos', { maxQos: 1 }, { topic: 'a', qos: 2 }, 'invalid-qos', 0x9b],
    [
      'mqtt.retain-available',
      { retainAvailable: false },
      { topic: 'a', retain: true },
      'not-allowed',
      0x9a,
    ],
    [
      'mqtt.max-packet-size',
      { maxPacketSize: 100 },
      { topic: 'a', payload: 'x'.repeat(96) },
      'too-large',
      0x95,
    ],
    ['mqtt.max-topic-levels', { maxTopicLevels: 2 }, { topic: 'a/b/c' }, 'invalid-topic', 0x90],
    ['mqtt.max-topic-len', { maxTopicLen: 3 }, { topic: 'äa/' }, 'invalid-topic', 0x90],
    [
      'mqtt.check-payload-format',
      { checkPayloadFormat: true },
      { topic: 'a', payload: Buffer.of(0xff), properties: { payloadFormatIndicator: true } },
      'invalid-payload',
      0x99,
    ],
  ])('%s', async (_, mqtt, publication, code, reasonCode) => {
    const { publish } = bound(await start(mqtt));
    expect(await refusalOf(publish(publication))).toMatchObject({ code, reasonCode });
  });

  test('a topic below $SYS, where the broker has none there itself', async () => {
    broker = await createBroker({ metrics: { enabled: false, sysInterval: 0 } });
    const client = await TestClient.connect(broker.url as string);
    await client.mqtt.subscribeAsync('$SYS/mine/#');
    await broker.publish({ topic: '$SYS/mine/a', payload: 'x' });
    await client.messages(1);
    expect(client.received).toMatchObject([{ topic: '$SYS/mine/a', payload: 'x' }]);
    await client.mqtt.endAsync();
  });

  test('as large as a packet may be is not too large', async () => {
    // Fixed header, topic, no properties, payload.
    const { publish } = bound(await start({ maxPacketSize: 100 }));
    const published = publish({ topic: 'a', payload: 'x'.repeat(100 - 2 - 3 - 1) });
    expect(await published).toMatchObject({ reasonCode: 0x10 });
    const error = await refusalOf(publish({ topic: 'a', payload: 'x'.repeat(95) }));
    expect(error).toMatchObject({ code: 'too-large' });
  });
});

describe('a message that is published while another one is routed', () => {
  test('comes after it, and changes nothing of it', async () => {
    const published: Promise<unknown>[] = [];
    let publish: RunningBroker['publish'] = () => Promise.reject(new Error('too early'));
    const logger = {
      ...noopLogger,
      // In the midst of the message: one subscriber has no room for it, and others are still to get it.
      warn: (event: string) => {
        if (event === 'message-dropped') published.push(publish({ topic: 'b', payload: 'inner' }));
      },
    };
    broker = await createBroker({ mqtt: { maxQueuedMessages: 1 } }, { logger });
    ({ publish } = bound(broker));
    const away = await TestClient.connect(`${broker.url}`, { clientId: 'away', clean: false });
    await away.mqtt.subscribeAsync('a', { qos: 1 });
    await away.end();
    const others = await Promise.all(
      ([3, 4, 5] as const).map((protocolVersion) =>
        TestClient.connect(`${broker?.url}`, {
          protocolVersion,
          ...(protocolVersion === 3 ? { protocolId: 'MQIsdp' as const } : {}),
        }),
      ),
    );
    for (const client of others) await client.mqtt.subscribeAsync('#', { qos: 2 });
    await publish({ topic: 'a', payload: 'fills the queue', qos: 1 });
    const publisher = await TestClient.connect(`${broker.url}`, { protocolVersion: 5 });
    await publisher.mqtt.publishAsync('a', 'outer', { qos: 1 });
    expect(published.length).toBe(1);
    await Promise.all(published);
    for (const client of others) {
      await client.messages(3);
      expect(client.received.map(({ topic, payload }) => `${topic} ${payload}`)).toEqual([
        'a fills the queue',
        'a outer',
        'b inner',
      ]);
      await client.end();
    }
    await publisher.end();
    expect([...broker.stats.internalErrors.values()].every((count) => count === 0)).toBe(true);
  });

  test('comes after it, too, when a hook or a listener of events calls for it', async () => {
    broker = await createBroker(
      {},
      {
        hooks: {
          authorizePublish: (_client, { topic }) => {
            void broker?.publish({ topic: `hook/${topic}` });
            return true;
          },
        },
      },
    );
    broker.on('publish', ({ topic, client }) => {
      if (client !== null) void broker?.publish({ topic: `event/${topic}` });
    });
    const watcher = await TestClient.connect(`${broker.url}`);
    await watcher.mqtt.subscribeAsync('#');
    const publisher = await TestClient.connect(`${broker.url}`);
    for (const topic of ['a', 'b']) await publisher.mqtt.publishAsync(topic, 'x', { qos: 1 });
    await watcher.messages(6);
    const topics = watcher.received.map(({ topic }) => topic);
    expect([...topics].sort()).toEqual(['a', 'b', 'event/a', 'event/b', 'hook/a', 'hook/b']);
    for (const topic of ['a', 'b']) {
      expect(topics.indexOf(topic)).toBeLessThan(topics.indexOf(`hook/${topic}`));
      expect(topics.indexOf(topic)).toBeLessThan(topics.indexOf(`event/${topic}`));
    }
    await Promise.all([watcher.end(), publisher.end()]);
  });

  test('is routed later also when a trace calls for it, as often as it does', async () => {
    const { url, publish } = bound(await start());
    const client = await TestClient.connect(`${url}`, { clientId: 'c', protocolVersion: 5 });
    await client.mqtt.subscribeAsync('t/#');
    let count = 0;
    broker?.traceClient('c', ({ event }) => {
      // What is sent to it for that is traced, too.
      if (event === 'packet' && count < 5)
        void publish({ topic: `t/${++count}`, payload: 'traced' });
    });
    await client.mqtt.publishAsync('t/own', 'x', { qos: 1 });
    await client.messages(6);
    const topics = client.received.map(({ topic }) => topic);
    expect(topics.filter((topic) => topic !== 't/own')).toEqual([
      't/1',
      't/2',
      't/3',
      't/4',
      't/5',
    ]);
    await client.end();
  });
});

describe('many messages', () => {
  test('are routed in the order of the calls, over as many turns as they take', async () => {
    const simulation = new Simulation();
    simulation.runtime.endsByHand = true;
    const publisher = new InsidePublisher(simulation.broker);
    const client = simulation.open();
    client.connect('c');
    client.subscribe('#', { qos: 0 });
    simulation.runtime.endOneTurn();
    const count = 10_000;
    const published = Array.from({ length: count }, (_, index) =>
      publisher.publish({ topic: 'a', payload: `${index}` }),
    );
    await null;
    publisher.checkInvariants();
    const inFirstTurn = count - simulation.broker.stats.insidePublishesCurrent;
    simulation.runtime.endsByHand = false;
    simulation.runtime.endTurn();
    await Promise.all(published);
    expect(inFirstTurn).toBeLessThan(count);
    const got = client
      .take()
      .flatMap((packet) => (packet.cmd === 'publish' ? [Number(Buffer.from(packet.payload))] : []));
    expect(got).toEqual(Array.from({ length: count }, (_, index) => index));
    publisher.checkInvariants();
  });

  test('of a loop that awaits each leave others their turn', async () => {
    const { publish } = bound(await start());
    let isOthersTurn = false;
    setImmediate(() => setImmediate(() => (isOthersTurn = true)));
    let count = 0;
    while (!isOthersTurn && count < 1_000_000) {
      await publish({ topic: 'a' });
      count++;
    }
    expect(count).toBeLessThan(1_000_000);
  });
});

describe('a program that publishes faster than a subscriber takes', () => {
  let simulation: Simulation;
  let publisher: InsidePublisher;

  beforeEach(() => {
    simulation = new Simulation();
    publisher = new InsidePublisher(simulation.broker);
  });

  async function* flow(size: number): AsyncGenerator<boolean> {
    for (;;) {
      let isDone = false;
      const published = publisher.publish({ topic: 'a', payload: Buffer.alloc(size) });
      void published.then(() => {
        isDone = true;
      });
      for (let index = 0; index < 5; index++) await null;
      simulation.runtime.endTurn();
      for (let index = 0; index < 5; index++) await null;
      yield isDone;
    }
  }

  test('waits until that one has taken half of what is too much', async () => {
    const client = simulation.connect('slow');
    client.subscribe('a');
    client.take();
    client.isStalled = true;
    let count = 0;
    for await (const isDone of flow(100_000)) {
      count++;
      if (!isDone) break;
      expect(count).toBeLessThan(100);
    }
    // 1 MiB is the most that waits for a subscriber before its publishers do.
    expect(count).toBe(11);
    expect(simulation.broker.stats).toMatchObject({
      publishersHeldBack: 1,
      insidePublishesCurrent: 1,
    });
    client.isStalled = false;
    expect(client.take().length).toBe(11);
    for (let index = 0; index < 5; index++) await null;
    expect(simulation.broker.stats.insidePublishesCurrent).toBe(0);
    publisher.checkInvariants();
  });

  test.each([
    ['takes nothing for a while', () => simulation.advance(0.2)],
    ['is gone', (client: { drop(): void }) => client.drop()],
  ])('waits no longer when that one %s', async (_, happens) => {
    const client = simulation.connect('stuck');
    client.subscribe('a');
    client.take();
    client.isStalled = true;
    for await (const isDone of flow(100_000)) if (!isDone) break;
    happens(client);
    for (let index = 0; index < 5; index++) await null;
    expect(simulation.broker.stats.insidePublishesCurrent).toBe(0);
  });

  test('and awaits nothing is refused what is beyond the limits, and told so', async () => {
    const client = simulation.connect('stuck');
    client.subscribe('a');
    client.take();
    client.isStalled = true;
    Object.assign(simulation.broker.config.mqtt, {
      maxInsidePublishes: 12,
      maxInsidePublishBytes: 2_000_000,
    });
    const published = Array.from({ length: 12 }, () =>
      publisher.publish({ topic: 'a', payload: Buffer.alloc(100_000) }),
    );
    const thirteenth = await refusalOf(publisher.publish({ topic: 'a' }));
    expect(thirteenth).toMatchObject({
      code: 'too-many',
      reasonCode: 0x97,
      message: expect.stringContaining('mqtt.max-inside-publishes is 12'),
    });
    for (let index = 0; index < 5; index++) await null;
    // The eleventh and the twelfth wait for the subscriber.
    expect(simulation.broker.stats.insidePublishesCurrent).toBe(2);
    const large = { topic: 'a', payload: Buffer.alloc(1_900_000) };
    expect(await refusalOf(publisher.publish(large))).toMatchObject({
      code: 'too-many',
      message: expect.stringContaining('mqtt.max-inside-publish-bytes is 2000000'),
    });
    expect(simulation.broker.stats.refused['too-many-publishes']).toBe(2);
    client.isStalled = false;
    expect(client.take().length).toBe(12);
    await Promise.all(published);
    // By itself it may have any size.
    await publisher.publish({ topic: 'b', payload: Buffer.alloc(3_000_000) });
  });

  test('is refused what a queue has no room for, where mqtt.queue-overflow is reject', async () => {
    simulation = new Simulation({ mqtt: { queueOverflow: 'reject', maxQueuedMessages: 1 } });
    const running = simulation.broker;
    publisher = new InsidePublisher(running);
    const away = simulation.connect('away', { properties: { sessionExpiryInterval: 100 } });
    away.subscribe('a');
    away.drop();
    const other = simulation.connect('other');
    other.subscribe('a');
    other.take();
    await publisher.publish({ topic: 'a', qos: 1 });
    expect(await refusalOf(publisher.publish({ topic: 'a', qos: 1 }))).toMatchObject({
      code: 'queue-full',
      reasonCode: 0x97,
      message: expect.stringContaining('mqtt.queue-overflow'),
    });
    expect(other.take().length).toBe(1);
    expect(running.stats.refused['queue-full']).toBe(1);
  });

  test('is refused what the retained messages have no room for', async () => {
    simulation = new Simulation({ mqtt: { maxRetained: 1 } });
    publisher = new InsidePublisher(simulation.broker);
    await publisher.publish({ topic: 'a', payload: 'x', retain: true });
    expect(
      await refusalOf(publisher.publish({ topic: 'b', payload: 'x', retain: true })),
    ).toMatchObject({
      code: 'retained-full',
      message: expect.stringContaining('mqtt.max-retained'),
    });
    expect(simulation.broker.stats.refused['retained-full']).toBe(1);
  });
});

describe('with storage', () => {
  let machine: Machine;

  beforeEach(async () => {
    machine = new Machine();
    await machine.start();
  });

  afterEach(async () => {
    machine.files.beforeOperation = () => {};
    await machine.cutClients();
    await machine.broker.stop();
  });

  test('a message has a position, and is there after the power was cut when its promise has resolved', async () => {
    await machine.subscribed('away', 't/#');
    await machine.cutClients();
    const first = await machine.broker.publish({ topic: 't/1', payload: 'kept', qos: 1 });
    const retained = await machine.broker.publish({ topic: 'r', payload: 'kept', retain: true });
    expect(first).toMatchObject({ reasonCode: 0, matched: 1, position: expect.any(Number) });
    expect(retained).toMatchObject({ reasonCode: 0x10, matched: 0 });
    expect(retained.position).toBeGreaterThan(first.position as number);
    await machine.restart();
    const client = await machine.connected('away');
    expect(await client.next()).toMatchObject({ cmd: 'publish', topic: 't/1' });
    client.subscribe('r', 9);
    expect(await client.next()).toMatchObject({ cmd: 'suback' });
    expect(await client.next()).toMatchObject({ cmd: 'publish', topic: 'r' });
  });

  test('what needs no record has no position, and waits for nothing', async () => {
    const { position } = await machine.broker.publish({ topic: 'nobody', qos: 2 });
    expect(position).toBeNull();
  });

  test('it resolves after the record is committed', async () => {
    const { files } = machine;
    const done: string[] = [];
    files.beforeOperation = (name) => void done.push(name);
    const published = machine.broker.publish({ topic: 'r', payload: 'x', retain: true });
    await published.then(() => done.push('resolved'));
    const resolved = done.indexOf('resolved');
    expect(done.slice(0, resolved)).toEqual(expect.arrayContaining(['write', 'sync']));
  });

  test('what the disk has no room for is refused, in the moment in which it fills up and after it', async () => {
    const subscriber = await machine.subscribed('subscriber', 't/#');
    machine.fillDisk();
    const expected = {
      code: 'storage-full',
      reasonCode: 0x97,
      message: expect.stringContaining('disk'),
    };
    const first = machine.broker.publish({ topic: 't/1', payload: 'refused', qos: 1 });
    expect(await refusalOf(first)).toMatchObject(expected);
    const second = machine.broker.publish({ topic: 't/1', payload: 'refused', qos: 1 });
    expect(await refusalOf(second)).toMatchObject(expected);
    const retained = machine.broker.publish({ topic: 'r', payload: 'refused', retain: true });
    expect(await refusalOf(retained)).toMatchObject(expected);
    // QoS 0 needs no disk.
    await machine.broker.publish({ topic: 't/1', payload: 'needs none' });
    expect(await subscriber.next()).toMatchObject({ cmd: 'publish', qos: 0 });
    await machine.makeRoom();
    await machine.broker.publish({ topic: 't/1', payload: 'taken', qos: 1 });
    expect(await subscriber.next()).toMatchObject({ cmd: 'publish', qos: 1 });
  });
});

describe('a broker that stops', () => {
  test('refuses what comes, and what has not been routed', async () => {
    const running = await start();
    const waiting = refusalOf(running.publish({ topic: 'a' }));
    const stopped = running.stop();
    expect(await waiting).toMatchObject({ code: 'stopped', reasonCode: 0x8b });
    expect(await refusalOf(running.publish({ topic: 'a' }))).toMatchObject({ code: 'stopped' });
    await stopped;
    expect(await refusalOf(running.publish({ topic: 'a' }))).toMatchObject({ code: 'stopped' });
  });
});

/** Without `this`, as callbacks have it. */
function bound(running: RunningBroker): { url: string | null; publish: RunningBroker['publish'] } {
  return { url: running.url, publish: (publication) => running.publish(publication) };
}
