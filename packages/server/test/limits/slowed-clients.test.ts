import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../src/config/index.ts';
import { createBroker } from '../../src/index.ts';
import { PacketClient } from '../support/packet-client.ts';
import { type SimulatedClient, Simulation } from '../support/simulation.ts';

const packet = (payload: string, fields: object = {}) =>
  ({
    cmd: 'publish',
    qos: 0,
    dup: false,
    retain: false,
    topic: 't',
    payload: Buffer.from(payload),
    ...fields,
  }) as never;
const packets = (count: number) => Array.from({ length: count }, (_, index) => packet(`${index}`));

/** A subscriber that counts what has come in all. */
function counter(simulation: Simulation): () => number {
  const subscriber = simulation.connect('counter');
  subscriber.subscribe('t');
  subscriber.take();
  let count = 0;
  return () => {
    count += subscriber.take().length;
    simulation.broker.checkInvariants();
    return count;
  };
}

function connectAs(
  simulation: Simulation,
  clientId: string,
  userName: string | null,
  address?: string,
) {
  const client = simulation.open(5, userName, address);
  client.connect(clientId);
  expect(client.brief()).toEqual(['connack 0']);
  return client;
}

describe('messages', () => {
  const limits = { client: { messages: '10/10s' } };

  test('a client that sends more is slowed: nothing is lost, and the next is read when there is room', () => {
    const simulation = new Simulation({ limits });
    const received = counter(simulation);
    const client = simulation.connect('c');
    client.send(...packets(30));
    expect(received()).toBe(10);
    expect(client.isPaused).toBe(true);
    simulation.advance(1);
    expect(received()).toBe(11);
    simulation.advance(9);
    expect(received()).toBe(20);
    simulation.advance(11);
    expect(received()).toBe(30);
    expect(client.isPaused).toBe(false);
  });

  test('other clients, and what this one is sent, are not held up', () => {
    const simulation = new Simulation({ limits });
    const received = counter(simulation);
    const slowed = simulation.connect('slowed');
    slowed.subscribe('t');
    slowed.take();
    slowed.send(...packets(11));
    expect(received()).toBe(10);
    simulation.connect('other').publish('t', 'x');
    expect(received()).toBe(11);
    expect(slowed.take()).toHaveLength(11);
  });

  test('order and answers are as without: QoS 1 and 2 are acknowledged when they were read', () => {
    const simulation = new Simulation({ limits: { client: { messages: '2/2s' } } });
    const client = simulation.connect('c');
    client.send(
      packet('a', { qos: 1, messageId: 1 }),
      packet('b', { qos: 2, messageId: 2 }),
      packet('c', { qos: 1, messageId: 3 }),
      { cmd: 'pingreq' },
    );
    expect(client.brief()).toEqual(['puback 16', 'pubrec 16']);
    simulation.advance(1);
    expect(client.brief()).toEqual(['puback 16']);
    simulation.advance(1);
    expect(client.brief()).toEqual(['pingresp']);
  });

  test('a client that comes back has what was left of its rate', () => {
    const simulation = new Simulation({ limits });
    const received = counter(simulation);
    const first = simulation.connect('c');
    first.send(...packets(10));
    first.drop();
    simulation.connect('c').send(...packets(5));
    expect(received()).toBe(11);
  });

  test('what it had sent before it closed its side is published, with its will after that', () => {
    const simulation = new Simulation({ limits });
    const received = counter(simulation);
    const client = simulation.connect('c', {
      will: { topic: 't', payload: Buffer.from('will'), qos: 0, retain: false },
    });
    client.send(...packets(12));
    client.halfClose();
    expect(received()).toBe(10);
    simulation.advance(1);
    expect(received()).toBe(11);
    expect(simulation.broker.stats.connectionsCurrent).toBe(2);
    simulation.advance(2);
    expect(received()).toBe(13);
    expect(simulation.broker.stats.connectionsCurrent).toBe(1);
  });

  test('the same when its connection is gone', () => {
    const simulation = new Simulation({ limits });
    const received = counter(simulation);
    const client = simulation.connect('c');
    client.send(...packets(12), { cmd: 'disconnect', reasonCode: 0 } as never);
    client.drop();
    expect(received()).toBe(10);
    simulation.advance(2);
    expect(received()).toBe(12);
    simulation.advance(1);
    expect(received()).toBe(12);
    expect(simulation.broker.stats.connectionsCurrent).toBe(1);
  });

  test('one that is taken over while it waits is over at once', () => {
    const simulation = new Simulation({ limits });
    const received = counter(simulation);
    const client = simulation.connect('c');
    client.send(...packets(12));
    simulation.connect('c');
    expect(client.brief()).toEqual(['disconnect 142']);
    expect(client.isPaused).toBe(false);
    client.drop();
    simulation.advance(100);
    expect(received()).toBe(10);
  });

  test('one that breaks a rule after what it waits for is refused then', () => {
    const simulation = new Simulation({ limits: { client: { messages: '1/10s' } } });
    const client = simulation.connect('c');
    client.send(packet('x'), Uint8Array.of(0xf8, 0));
    expect(client.brief()).toEqual([]);
    simulation.advance(10);
    expect(client.brief()).toEqual(['disconnect 129']);
    simulation.broker.checkInvariants();
  });

  test('it is not late by keep alive while it is not read from', () => {
    const simulation = new Simulation({ limits: { client: { messages: '1/1h' } } });
    const client = simulation.connect('c', { keepalive: 10 });
    client.send(...packets(2));
    simulation.advance(1000);
    expect(client.isClosed).toBe(false);
    // It may send again, and doesn't.
    simulation.advance(6215);
    expect(client.isClosed).toBe(true);
  });
});

test('all clients of a user share a rate, in turns; one without a user has none', () => {
  const simulation = new Simulation({ limits: { user: { messages: '10/10s' } } });
  const received = counter(simulation);
  const ann = [1, 2].map((number) => connectAs(simulation, `ann-${number}`, 'ann')) as [
    SimulatedClient,
    SimulatedClient,
  ];
  connectAs(simulation, 'bob', 'bob').send(...packets(10));
  connectAs(simulation, 'nobody', null).send(...packets(20));
  expect(received()).toBe(30);
  ann[0].send(...packets(20));
  expect(received()).toBe(40);
  ann[1].send(...packets(20));
  expect(received()).toBe(41);
  simulation.advance(10);
  // Each was one ahead of what there was, which all have to wait for.
  expect(received()).toBe(51);
  simulation.advance(20);
  expect(received()).toBe(70);
});

test('all clients of an address share a rate, of IPv6 those of a /64', () => {
  const simulation = new Simulation({ limits: { address: { messages: '10/10s' } } });
  const received = counter(simulation);
  connectAs(simulation, 'a', null, '[2001:db8::1]:1000').send(...packets(10));
  connectAs(simulation, 'b', null, '[2001:db8::2:3]:1001').send(...packets(10));
  expect(received()).toBe(11);
  connectAs(simulation, 'c', null, '[2001:db8:0:1::1]:1002').send(...packets(10));
  expect(received()).toBe(21);
});

test('bytes are those of all packets; who sends more is not read from for as long as they take', () => {
  const simulation = new Simulation({ limits: { client: { bytes: '1000/s' } } });
  const received = counter(simulation);
  const client = simulation.connect('c');
  client.publish('t', 'x'.repeat(900));
  expect(client.isPaused).toBe(false);
  client.publish('t', 'x'.repeat(2000));
  expect(received()).toBe(2);
  expect(client.isPaused).toBe(true);
  simulation.advance(1.9);
  expect(client.isPaused).toBe(true);
  simulation.advance(0.1);
  expect(client.isPaused).toBe(false);
});

test('each filter of a SUBSCRIBE counts', () => {
  const simulation = new Simulation({ limits: { client: { subscribes: '3/3s' } } });
  const client = simulation.connect('c');
  const subscriptions = ['a', 'b', 'c', 'd'].map((topic) => ({ topic, qos: 0 }));
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions, properties: {} } as never, {
    cmd: 'pingreq',
  });
  expect(client.brief()).toEqual(['suback 0,0,0,0']);
  simulation.advance(1.9);
  expect(client.brief()).toEqual([]);
  simulation.advance(0.1);
  expect(client.brief()).toEqual(['pingresp']);
});

describe('CONNECTs', () => {
  function answerOf(
    simulation: Simulation,
    clientId: string,
    userName: string | null,
    address: string,
    version: 4 | 5 = 5,
  ) {
    const client = simulation.open(version, userName, address);
    client.connect(clientId);
    return client.take()[0];
  }

  test.each([
    ['client', 'c', 'c', 'd', 'u', 'u', '192.0.2.1:1', '192.0.2.2:1'],
    ['user', 'c', 'd', 'e', 'u', 'v', '192.0.2.1:1', '192.0.2.2:1'],
    ['address', 'c', 'd', 'e', 'u', 'v', '192.0.2.1:1', '192.0.2.1:2'],
  ])(
    'beyond the rate of a %s are refused with 0x9F',
    (scope, first, second, third, user, other, address, otherAddress) => {
      const simulation = new Simulation({ limits: { [scope]: { connects: '1/10s' } } });
      expect(answerOf(simulation, first, user, address)).toMatchObject({ reasonCode: 0 });
      const sameAddress = scope === 'address' ? otherAddress : address;
      expect(answerOf(simulation, second, user, sameAddress)).toMatchObject({
        reasonCode: 0x9f,
        properties: { reasonString: `limits.${scope}.connects reached` },
      });
      expect(simulation.broker.stats.limitsReached.get(`limits.${scope}.connects`)).toBe(1);
      expect(answerOf(simulation, third, other, '192.0.2.9:1')).toMatchObject({ reasonCode: 0 });
      simulation.advance(10);
      expect(answerOf(simulation, second, user, sameAddress)).toMatchObject({ reasonCode: 0 });
    },
  );

  test('before MQTT 5 with return code 3', () => {
    const simulation = new Simulation({ limits: { address: { connects: '1/10s' } } });
    answerOf(simulation, 'c', null, '192.0.2.1:1');
    expect(answerOf(simulation, 'd', null, '192.0.2.1:1', 4)).toMatchObject({ returnCode: 3 });
  });

  test('who is refused leaves the session and the connection of the client as they are', () => {
    const simulation = new Simulation({ limits: { client: { connects: '1/10s' } } });
    const client = simulation.connect('c');
    expect(answerOf(simulation, 'c', null, '192.0.2.1:1')).toMatchObject({ reasonCode: 0x9f });
    client.send({ cmd: 'pingreq' });
    expect(client.brief()).toEqual(['pingresp']);
  });
});

test('all clients of a listener share its rates; those of another one have none', async () => {
  const broker = await createBroker({
    listeners: [
      {
        name: 'narrow',
        kind: 'tcp',
        bind: '127.0.0.1:0',
        rates: { messages: '3/1h', connects: '2/1h' },
      },
      { name: 'wide', kind: 'tcp', bind: '127.0.0.1:0' },
    ],
  });
  const [narrow = '', wide = ''] = broker.listeners.map(({ url }) => url);
  const clients: PacketClient[] = [];
  const connectTo = async (url: string, clientId: string) => {
    const client = await PacketClient.open(url);
    clients.push(client);
    client.connect(clientId);
    return { client, connack: await client.next() };
  };
  const { client: a } = await connectTo(narrow, 'a');
  const { client: b } = await connectTo(narrow, 'b');
  expect((await connectTo(narrow, 'c')).connack).toMatchObject({ reasonCode: 0x9f });
  const { client: d, connack } = await connectTo(wide, 'd');
  expect(connack).toMatchObject({ reasonCode: 0 });
  a.publish('t', 'x', 1, 1);
  a.publish('t', 'x', 1, 2);
  expect(await a.sentSoFar()).toHaveLength(2);
  // The third uses up what there is, and the fourth waits.
  b.publish('t', 'x', 1, 1);
  b.publish('t', 'x', 1, 2);
  expect(await b.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
  for (let messageId = 1; messageId < 10; messageId++) d.publish('t', 'x', 1, messageId);
  expect(await d.sentSoFar()).toHaveLength(9);
  expect(broker.stats.messagesReceived).toBe(12);
  expect([...broker.stats.limitsReached]).toEqual([
    ['listeners.rates.connects', 1],
    ['listeners.rates.messages', 1],
  ]);
  for (const client of clients) await client.cut();
  await broker.stop();
});

test('it is counted, and logged once a minute for each client', () => {
  const simulation = new Simulation({ limits: { client: { messages: '1/s' } } });
  const lines: unknown[] = [];
  Object.assign(simulation.broker.clientLog, {
    warn: (event: string, fields: object) => lines.push([event, fields]),
  });
  const client = simulation.connect('c');
  client.send(...packets(10));
  simulation.advance(20);
  expect(simulation.broker.stats.limitsReached.get('limits.client.messages')).toBe(10);
  expect(lines).toEqual([
    [
      'limit-reached',
      { limit: 'limits.client.messages', clientId: 'c', user: null, address: 'simulated' },
    ],
  ]);
  simulation.advance(40);
  client.send(...packets(2));
  expect(lines).toHaveLength(2);
});

test('a reload changes rates at once, and ends the wait for those that there were', () => {
  const simulation = new Simulation({ limits: { client: { messages: '1/1h' } } });
  const received = counter(simulation);
  const client = simulation.connect('c');
  client.send(...packets(5));
  expect(received()).toBe(1);
  const { broker } = simulation;
  const change = (messages: string) => {
    Object.assign(
      broker.config.limits.client,
      parseConfig({ limits: { client: { messages } } }).limits.client,
    );
    broker.reconfigure(broker.access);
  };
  change('2/1h');
  expect(received()).toBe(3);
  change('none');
  expect(received()).toBe(5);
  expect(client.isPaused).toBe(false);
});
