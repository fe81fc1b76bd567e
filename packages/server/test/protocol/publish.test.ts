import { describe, expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { Simulation } from '../support/simulation.ts';

type Publish = Packet & { cmd: 'publish' };

function publishes(packets: Packet[]): Publish[] {
  return packets.filter((packet): packet is Publish => packet.cmd === 'publish');
}

describe('QoS 2 from a client', () => {
  test('a message is delivered once, at whatever point it is repeated [MQTT-4.3.3-10]', () => {
    const simulation = new Simulation();
    const subscriber = simulation.connect('s');
    subscriber.subscribe('t');
    const publisher = simulation.connect('p');
    const publish = { qos: 2, messageId: 5 };
    publisher.publish('t', 'a', publish);
    publisher.publish('t', 'a', { ...publish, dup: true });
    publisher.publish('t', 'a', publish);
    expect(publisher.brief()).toEqual(['pubrec 0', 'pubrec 0', 'pubrec 0']);
    publisher.send({ cmd: 'pubrel', messageId: 5 }, { cmd: 'pubrel', messageId: 5 });
    expect(publisher.brief()).toEqual(['pubcomp 0', 'pubcomp 146']);
    publisher.publish('t', 'b', publish);
    expect(publishes(subscriber.take()).map(({ payload }) => `${payload}`)).toHaveLength(2);
  });

  test('the exchange continues over a reconnection [MQTT-4.4.0-1]', () => {
    const simulation = new Simulation();
    const subscriber = simulation.connect('s');
    subscriber.subscribe('t');
    const fields = { clean: false, properties: { sessionExpiryInterval: 60 } };
    const first = simulation.connect('p', fields);
    first.publish('t', 'a', { qos: 2, messageId: 5 });
    first.drop();
    const second = simulation.connect('p', fields);
    second.publish('t', 'a', { qos: 2, messageId: 5, dup: true });
    second.send({ cmd: 'pubrel', messageId: 5 });
    expect(second.brief()).toEqual(['pubrec 0', 'pubcomp 0']);
    expect(publishes(subscriber.take())).toHaveLength(1);
  });

  test('more than the Receive Maximum is 0x93 [MQTT-3.3.4-7]', () => {
    const simulation = new Simulation({ mqtt: { receiveMaximum: 2 } });
    const client = simulation.connect('c');
    for (const messageId of [1, 2, 1]) client.publish('t', 'x', { qos: 2, messageId });
    expect(client.brief()).toEqual(['pubrec 16', 'pubrec 16', 'pubrec 0']);
    client.send({ cmd: 'pubrel', messageId: 1 });
    client.publish('t', 'x', { qos: 2, messageId: 3 });
    expect(client.brief()).toEqual(['pubcomp 0', 'pubrec 16']);
    client.publish('t', 'x', { qos: 2, messageId: 4 });
    expect(client.brief()).toEqual(['disconnect 147']);
  });

  test('a QoS 1 message counts against the Receive Maximum, too [MQTT-3.3.4-7]', () => {
    const client = new Simulation({ mqtt: { receiveMaximum: 2 } }).connect('c');
    client.publish('t', 'x', { qos: 2, messageId: 1 });
    for (const messageId of [2, 3]) client.publish('t', 'x', { qos: 1, messageId });
    expect(client.brief()).toEqual(['pubrec 16', 'puback 16', 'puback 16']);
    client.publish('t', 'x', { qos: 2, messageId: 4 });
    client.publish('t', 'x', { qos: 1, messageId: 5 });
    expect(client.brief()).toEqual(['pubrec 16', 'disconnect 147']);
  });

  test('its packet identifier is in use for others (0x91)', () => {
    const client = new Simulation().connect('c');
    client.publish('t', 'x', { qos: 2, messageId: 1 });
    client.publish('t', 'x', { qos: 1, messageId: 1 });
    client.subscribe('t');
    client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['t'] });
    expect(client.brief()).toEqual(['pubrec 16', 'puback 145', 'suback 145', 'unsuback 145']);
  });
});

describe('acknowledgements from a client', () => {
  test('PUBREC for an unknown identifier is answered with PUBREL 0x92, and the client stays', () => {
    const client = new Simulation().connect('c');
    client.send({ cmd: 'pubrec', messageId: 9 }, { cmd: 'puback', messageId: 9 });
    client.send({ cmd: 'pubcomp', messageId: 9 });
    expect(client.brief()).toEqual(['pubrel 146']);
    expect(client.isClosed).toBe(false);
  });

  test('PUBACK for a QoS 2 message is a protocol error', () => {
    const simulation = new Simulation();
    const client = simulation.connect('c');
    client.subscribe('t');
    simulation.connect('p').publish('t', 'x', { qos: 2, messageId: 1 });
    client.take();
    client.send({ cmd: 'puback', messageId: 1 });
    expect(client.brief()).toEqual(['disconnect 130']);
  });
});

describe('refused publishes', () => {
  test.each([
    ['a QoS that is not supported', { maxQos: 0 }, { qos: 1, messageId: 1 }, 't', 'disconnect 155'],
    [
      'retain where it is not available',
      { retainAvailable: false },
      { retain: true },
      't',
      'disconnect 154',
    ],
    ['a topic that is too deep', { maxTopicLevels: 2 }, {}, 'a/b/c', 'disconnect 144'],
    ['a topic below $SYS', {}, { qos: 1, messageId: 1 }, '$SYS/x', 'puback 135'],
    ['a topic below $SYS at QoS 2', {}, { qos: 2, messageId: 1 }, '$SYS', 'pubrec 135'],
    [
      'an alias above the maximum [MQTT-3.3.2-9]',
      {},
      { properties: { topicAlias: 11 } },
      't',
      'disconnect 148',
    ],
    ['an alias that was not set', {}, { properties: { topicAlias: 3 } }, '', 'disconnect 130'],
    [
      'one retained message too many',
      { maxRetained: 0 },
      { qos: 1, messageId: 1, retain: true },
      't',
      'puback 151',
    ],
    [
      'a payload that is not the text it is said to be',
      { checkPayloadFormat: true },
      {
        qos: 1,
        messageId: 1,
        payload: Buffer.of(0xff),
        properties: { payloadFormatIndicator: true },
      },
      't',
      'puback 153',
    ],
  ])('%s', (_name, options, fields, topic, answer) => {
    const client = new Simulation({ mqtt: options }).connect('c');
    client.publish(topic, 'x', fields);
    expect(client.brief()).toEqual([answer]);
    expect(client.isClosed).toBe(answer.startsWith('disconnect'));
  });

  test('3.1.1 has no reason codes: the message is acknowledged and not delivered', () => {
    const simulation = new Simulation();
    const subscriber = simulation.connect('s');
    subscriber.subscribe('$SYS/#');
    const client = simulation.connect('c', { protocolVersion: 4 });
    client.publish('$SYS/x', 'x', { qos: 2, messageId: 1 });
    client.send({ cmd: 'pubrel', messageId: 1 });
    expect(client.brief()).toEqual(['pubrec', 'pubcomp']);
    expect(subscriber.brief()).toEqual(['suback 2']);
  });

  test('3.1.1 clients are closed without a DISCONNECT', () => {
    const client = new Simulation().connect('c', { protocolVersion: 4 });
    client.send(Buffer.from('3003000123', 'hex'));
    expect(client.take()).toEqual([]);
    expect(client.isClosed).toBe(true);
  });
});

describe('topic aliases', () => {
  test('a client’s alias stands for its topic until the connection ends [MQTT-3.3.2-7]', () => {
    const simulation = new Simulation();
    const subscriber = simulation.connect('s');
    subscriber.subscribe('#');
    const publisher = simulation.connect('p');
    publisher.publish('first', '1', { properties: { topicAlias: 10 } });
    publisher.publish('', '2', { properties: { topicAlias: 10 } });
    publisher.publish('second', '3', { properties: { topicAlias: 10 } });
    publisher.publish('', '4', { properties: { topicAlias: 10 }, qos: 2, messageId: 1 });
    expect(subscriber.brief()).toEqual([
      'suback 2',
      'publish first 1',
      'publish first 2',
      'publish second 3',
      'publish second 4',
    ]);
    const again = simulation.connect('p');
    again.publish('', '5', { properties: { topicAlias: 10 } });
    expect(again.brief()).toEqual(['disconnect 130']);
  });

  test('an alias holds that was set by a repeated or a refused message (§3.3.2.3.4)', () => {
    const simulation = new Simulation({ mqtt: { checkPayloadFormat: true } });
    const subscriber = simulation.connect('s');
    subscriber.subscribe('#');
    const publisher = simulation.connect('p');
    publisher.publish('a', 'once', { qos: 2, messageId: 1 });
    publisher.publish('a', 'once', {
      qos: 2,
      messageId: 1,
      dup: true,
      properties: { topicAlias: 1 },
    });
    publisher.publish('b', '', {
      payload: Buffer.of(0xff),
      properties: { topicAlias: 2, payloadFormatIndicator: true },
    });
    publisher.publish('', '1', { properties: { topicAlias: 1 } });
    publisher.publish('', '2', { properties: { topicAlias: 2 } });
    expect(subscriber.brief()).toEqual([
      'suback 2',
      'publish a once',
      'publish a 1',
      'publish b 2',
    ]);
  });

  test('the broker uses aliases for a client that allows them, up to its maximum [MQTT-3.1.2-26]', () => {
    const simulation = new Simulation();
    const subscriber = simulation.connect('s', { properties: { topicAliasMaximum: 1 } });
    subscriber.subscribe('#', { qos: 1 });
    const publisher = simulation.connect('p');
    for (const topic of ['a', 'b', 'a', 'b']) publisher.publish(topic, topic);
    publisher.publish('a', 'a', { qos: 1, messageId: 1 });
    const received = publishes(subscriber.take());
    expect(received.map(({ topic, properties }) => [topic, properties?.topicAlias])).toEqual([
      ['a', 1],
      ['b', undefined],
      ['', 1],
      ['b', undefined],
      ['', 1],
    ]);
  });

  test('none for one that does not [MQTT-3.1.2-27]', () => {
    const simulation = new Simulation();
    const subscriber = simulation.connect('s');
    subscriber.subscribe('#');
    simulation.connect('p').publish('a', 'x', { properties: { topicAlias: 1 } });
    expect(publishes(subscriber.take())[0]?.properties).toBeUndefined();
  });
});

describe('maximum packet size', () => {
  test.each([0, 1, 2])(
    'a message too large for one subscriber at QoS %d goes to the others [MQTT-3.1.2-24] [MQTT-3.1.2-25]',
    (qos) => {
      const simulation = new Simulation();
      const small = simulation.connect('small', { properties: { maximumPacketSize: 30 } });
      const large = simulation.connect('large');
      for (const client of [small, large]) client.subscribe('t', { qos });
      const publisher = simulation.connect('p');
      publisher.publish('t', 'x'.repeat(30), { qos, ...(qos > 0 ? { messageId: 1 } : {}) });
      publisher.publish('t', 'fits', { qos, ...(qos > 0 ? { messageId: 2 } : {}) });
      expect(small.brief()).toEqual([`suback ${qos}`, 'publish t fits']);
      expect(publishes(large.take())).toHaveLength(2);
      expect(simulation.broker.stats.dropped['packet-too-large']).toBe(1);
    },
  );
});

describe('message expiry', () => {
  test('the interval is what is left of it when the message is sent [MQTT-3.3.2-6]', () => {
    const simulation = new Simulation();
    const fields = { clean: false, properties: { sessionExpiryInterval: 1000 } };
    const first = simulation.connect('s', fields);
    first.subscribe('t');
    first.drop();
    const publisher = simulation.connect('p');
    for (const seconds of [10, 100]) {
      publisher.publish('t', `${seconds}`, {
        qos: 1,
        messageId: seconds,
        properties: { messageExpiryInterval: seconds },
      });
    }
    simulation.advance(30);
    const second = simulation.open();
    second.connect('s', fields);
    const received = publishes(second.take());
    expect(
      received.map(({ payload, properties }) => [
        `${Buffer.from(payload)}`,
        properties?.messageExpiryInterval,
      ]),
    ).toEqual([['100', 70]]);
    expect(simulation.broker.stats.dropped.expired).toBe(1);
  });

  test('a retained message is gone when it has expired [MQTT-3.3.2-5]', () => {
    const simulation = new Simulation();
    const publisher = simulation.connect('p');
    publisher.publish('t', 'x', { retain: true, properties: { messageExpiryInterval: 10 } });
    simulation.advance(9);
    const early = simulation.connect('early');
    early.subscribe('t');
    expect(publishes(early.take())[0]?.properties?.messageExpiryInterval).toBe(1);
    simulation.advance(2);
    expect(simulation.broker.router.retained.count).toBe(0);
    const late = simulation.connect('late');
    late.subscribe('t');
    expect(late.brief()).toEqual(['suback 2']);
  });
});

test('properties are forwarded unaltered and in order [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-18] [MQTT-3.3.2-20]', () => {
  const simulation = new Simulation();
  const subscriber = simulation.connect('s');
  subscriber.subscribe('t', {}, { subscriptionIdentifier: 42 });
  const properties = {
    payloadFormatIndicator: true,
    responseTopic: 'answer',
    correlationData: Uint8Array.from([105, 100]),
    userProperties: { z: ['1', '2'], a: '3' },
    contentType: 'text/plain',
  };
  const publisher = simulation.connect('p');
  publisher.publish('t', 'x', { properties });
  publisher.publish('t', 'x', { properties, qos: 2, messageId: 1, retain: true });
  const received = publishes(subscriber.take());
  const late = simulation.connect('late');
  late.subscribe('t', {}, { subscriptionIdentifier: 42 });
  for (const packet of [...received, ...publishes(late.take())]) {
    expect(JSON.stringify({ ...packet.properties, subscriptionIdentifier: 0 })).toBe(
      JSON.stringify({ subscriptionIdentifier: 0, ...properties }),
    );
    expect(packet.properties?.subscriptionIdentifier).toBe(42);
  }
  expect(received).toHaveLength(2);
});

test('a slow subscriber keeps QoS 1 messages queued, and gets them all when it reads on', () => {
  const simulation = new Simulation({ mqtt: { maxOutputBuffer: '300KB' } });
  const subscriber = simulation.connect('s', { properties: { receiveMaximum: 65_535 } });
  subscriber.subscribe('t', { qos: 1 });
  subscriber.take();
  subscriber.isStalled = true;
  const publisher = simulation.connect('p');
  const payload = 'x'.repeat(10_000);
  for (let index = 1; index <= 100; index++) {
    publisher.publish('t', payload, { qos: 1, messageId: index });
    publisher.publish('t', payload);
  }
  expect(simulation.broker.stats.dropped['slow-subscriber']).toBeGreaterThan(50);
  subscriber.isStalled = false;
  const received = publishes(subscriber.take());
  expect(received.filter(({ qos }) => qos === 1)).toHaveLength(100);
});

test('a client that takes nothing for the write timeout is cut', () => {
  const simulation = new Simulation({ server: { writeTimeout: '30s' } });
  const subscriber = simulation.connect('s');
  subscriber.subscribe('t');
  subscriber.take();
  subscriber.isStalled = true;
  simulation.connect('p').publish('t', 'x');
  simulation.advance(29);
  expect(subscriber.isClosed).toBe(false);
  simulation.advance(2);
  expect(subscriber.isClosed).toBe(true);
});

describe('congestion', () => {
  function setUp() {
    const simulation = new Simulation();
    const subscriber = simulation.connect('s', { properties: { receiveMaximum: 1 } });
    subscriber.subscribe('t', { qos: 1 });
    subscriber.take();
    const publisher = simulation.connect('p');
    for (let index = 1; index <= 1500 && !publisher.isPaused; index++) {
      publisher.publish('t', 'x', { qos: 1, messageId: index });
    }
    return { simulation, subscriber, publisher };
  }

  function acknowledge(subscriber: ReturnType<Simulation['connect']>, count: number): void {
    for (let index = 0; index < count; index++) {
      for (const { messageId } of publishes(subscriber.take())) {
        subscriber.send({ cmd: 'puback', messageId: messageId as number });
      }
    }
  }

  test('publishers are not read from until a slow subscriber has caught up', () => {
    const { simulation, subscriber, publisher } = setUp();
    expect(publisher.isPaused).toBe(true);
    expect(simulation.broker.stats.publishersHeldBack).toBe(1);
    acknowledge(subscriber, 80);
    expect(publisher.isPaused).toBe(true);
    acknowledge(subscriber, 50);
    expect(publisher.isPaused).toBe(false);
  });

  test('one that does not catch up in time holds nobody back, until it has', () => {
    const { simulation, subscriber, publisher } = setUp();
    simulation.advance(0.2);
    expect(publisher.isPaused).toBe(false);
    publisher.publish('t', 'x', { qos: 1, messageId: 1 });
    expect(publisher.isPaused).toBe(false);
    acknowledge(subscriber, 150);
    for (let index = 1; index <= 1000; index++) {
      publisher.publish('t', 'x', { qos: 1, messageId: index });
    }
    expect(publisher.isPaused).toBe(true);
  });

  test('one that goes away lets its publishers go', () => {
    const { subscriber, publisher } = setUp();
    subscriber.drop();
    expect(publisher.isPaused).toBe(false);
  });

  test('a client does not wait for itself', () => {
    const client = new Simulation().connect('c', { properties: { receiveMaximum: 1 } });
    client.subscribe('t', { qos: 1 });
    for (let index = 1; index <= 1500; index++) {
      client.publish('t', 'x', { qos: 1, messageId: index });
    }
    expect(client.isPaused).toBe(false);
  });
});
