import { expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { DurableSimulation } from '../support/durable-simulation.ts';
import { type SimulatedClient, Simulation } from '../support/simulation.ts';

const EXPIRY = { sessionExpiryInterval: 1000 };

type ConnectFields = Partial<Packet & { cmd: 'connect' }>;

function will(topicBytes: number, payloadBytes: number, userBytes = 0): ConnectFields {
  return {
    properties: EXPIRY,
    will: {
      topic: 'w'.repeat(topicBytes),
      payload: Buffer.alloc(payloadBytes),
      qos: 1,
      retain: false,
      properties: {
        willDelayInterval: 500,
        ...(userBytes > 0 ? { userProperties: { k: 'u'.repeat(userBytes) } } : {}),
      },
    },
  } as ConnectFields;
}

/** The reason code of CONNACK. */
function connectCode(simulation: Simulation, clientId: string, fields: ConnectFields): number {
  const client = simulation.open(fields.protocolVersion ?? 5);
  client.connect(clientId, fields);
  const [connack] = client.take();
  if (connack?.cmd !== 'connack') throw new Error(`not answered: ${connack?.cmd}`);
  return connack.reasonCode ?? connack.returnCode ?? -1;
}

/** The Reason String of CONNACK. */
function connectReason(simulation: Simulation, clientId: string, fields: object): string {
  const client = simulation.open(5);
  client.connect(clientId, fields);
  const [connack] = client.take();
  return (connack?.cmd === 'connack' && connack.properties?.reasonString) || '';
}

function subscribeCode(client: SimulatedClient, topicFilter: string): number {
  client.subscribe(topicFilter);
  const [suback] = client.take();
  return suback?.cmd === 'suback' ? Number(suback.granted[0]) : -1;
}

test('a will counts with its topic, payload and properties, and has a limit (0x97)', () => {
  const simulation = new Simulation({ mqtt: { maxWillSize: 10_000 } });
  const { wills } = simulation.broker.memory;
  expect(connectCode(simulation, 'payload', will(10, 11_000))).toBe(0x97);
  expect(connectCode(simulation, 'topic', will(11_000, 1))).toBe(0x97);
  expect(connectCode(simulation, 'properties', will(10, 1, 11_000))).toBe(0x97);
  expect(connectCode(simulation, 'old', { ...will(10, 11_000), protocolVersion: 4 })).toBe(3);
  expect(wills.refusals).toBe(4);
  expect(wills.bytes).toBe(0);
  expect(connectReason(simulation, 'told', will(10, 11_000))).toContain('mqtt.max-will-size');
  expect(simulation.broker.stats.connacks.get(0x97)).toBe(5);
  expect(connectCode(simulation, 'all', will(3000, 3000, 3000))).toBe(0);
  expect(wills.bytes).toBeGreaterThan(9000);
});

test('wills of all clients have a limit; one that was replaced, published or discarded gives its room back', () => {
  const simulation = new Simulation({ mqtt: { maxWillBytesTotal: 65_536 } });
  const { wills } = simulation.broker.memory;
  for (let index = 0; index < 3; index++) {
    const client = simulation.connect(`client ${index}`, will(1, 20_000));
    client.drop();
  }
  expect(wills.bytes).toBeGreaterThan(60_000);
  expect(connectCode(simulation, 'one more', will(1, 20_000))).toBe(0x97);
  expect(connectReason(simulation, 'told', will(1, 20_000))).toContain('will-bytes-total');
  expect(connectCode(simulation, 'without', {})).toBe(0);
  // In the place of its own.
  const again = simulation.connect('client 0', will(1, 20_000));
  again.send({ cmd: 'disconnect' });
  expect(connectCode(simulation, 'one more', will(1, 20_000))).toBe(0);
  simulation.advance(501);
  expect(wills.bytes).toBeLessThan(25_000);
});

test('subscriptions have a limit in memory, of one client and of all; what is unsubscribed gives its room back', () => {
  const mqtt = { maxSubscriptionBytes: 10_000, maxSubscriptionBytesTotal: 65_536 };
  const simulation = new Simulation({ mqtt });
  const { subscriptions } = simulation.broker.memory;
  const client = simulation.connect('client');
  const codes = Array.from({ length: 10 }, (_, index) =>
    subscribeCode(client, `${index}/${'f'.repeat(1000)}`),
  );
  expect(codes).toEqual([2, 2, 2, ...Array.from({ length: 7 }, () => 0x97)]);
  expect(subscribeCode(client, `0/${'f'.repeat(1000)}`)).toBe(2);
  expect(subscriptions.refusals).toBe(7);
  client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: [`0/${'f'.repeat(1000)}`] });
  client.take();
  expect(subscribeCode(client, `9/${'f'.repeat(1000)}`)).toBe(2);
  for (let index = 0; index < 10; index++) {
    const other = simulation.connect(`other ${index}`);
    for (const letter of 'abc') subscribeCode(other, letter.repeat(1000));
  }
  expect(subscriptions.bytes).toBeLessThanOrEqual(65_536);
  const late = simulation.connect('late', { protocolVersion: 4 });
  expect(subscribeCode(late, 'f'.repeat(1500))).toBe(0x80);
  client.drop();
  expect(subscribeCode(late, 'f'.repeat(1500))).toBe(2);
});

test('sessions without connection have a limit: who wants a new one is refused (0x97)', () => {
  const simulation = new Simulation({ mqtt: { maxSessions: 3 } });
  for (let index = 0; index < 3; index++) {
    simulation.connect(`client ${index}`, { clean: false, properties: EXPIRY }).drop();
  }
  const present = simulation.connect('client 0', { clean: false, properties: EXPIRY });
  expect(connectCode(simulation, 'clean', {})).toBe(0);
  expect(connectCode(simulation, 'fourth', { properties: EXPIRY })).toBe(0);
  present.drop();
  expect(connectCode(simulation, 'fifth', { properties: EXPIRY })).toBe(0x97);
  expect(connectCode(simulation, 'client 1', { clean: false, properties: EXPIRY })).toBe(0);
});

test('topics with an alias have a limit: none is set any more, a client that sets one is disconnected', () => {
  const simulation = new Simulation({ mqtt: { maxAliasBytesTotal: 65_536 } });
  const { aliases } = simulation.broker.memory;
  const properties = { topicAliasMaximum: 10 };
  const client = simulation.connect('client', { properties });
  client.subscribe('#', { qos: 0 });
  client.take();
  const publisher = simulation.connect('publisher');
  for (let index = 0; index < 8; index++) {
    for (let count = 0; count < 2; count++) publisher.publish(`${index}/${'t'.repeat(20_000)}`, '');
  }
  const packets = client.take();
  expect(packets).toHaveLength(16);
  expect(aliases.bytes).toBeGreaterThan(60_000);
  expect(aliases.bytes).toBeLessThanOrEqual(65_536);
  const withAlias = { properties: { topicAlias: 1 } };
  publisher.publish('a'.repeat(100), '', withAlias);
  expect(publisher.take()).toEqual([]);
  publisher.publish('b'.repeat(20_000), '', withAlias);
  expect(publisher.brief()).toEqual(['disconnect 151']);
  client.drop();
  publisher.drop();
  expect(aliases.bytes).toBe(0);
});

test('messages that wait in memory only have a limit for all sessions', () => {
  const simulation = new Simulation({ mqtt: { maxQueuedMemoryTotal: 100_000 } });
  for (let index = 0; index < 5; index++) {
    const client = simulation.connect(`client ${index}`, { clean: false, properties: EXPIRY });
    client.subscribe('t', { qos: 1 });
    client.drop();
  }
  const publisher = simulation.connect('publisher');
  for (let count = 0; count < 100; count++) {
    publisher.publish('t', 'x'.repeat(1000), { qos: 1, messageId: 1 });
  }
  const { sessions, stats } = simulation.broker;
  expect(sessions.queuedCount).toBeGreaterThan(70);
  expect(sessions.queuedCount).toBeLessThan(100);
  expect(stats.dropped['queue-full']).toBe(500 - sessions.queuedCount);
});

test('what a client was sent and has not acknowledged counts, where it may have to be sent again', () => {
  const simulation = new Simulation({ mqtt: { maxInflightBytes: 100_000 } });
  const properties = { receiveMaximum: 65_535, ...EXPIRY };
  const client = simulation.connect('client', { properties });
  client.subscribe('t', { qos: 2 });
  client.take();
  const publisher = simulation.connect('publisher');
  for (let messageId = 1; messageId <= 150; messageId++) {
    publisher.publish('t', 'x'.repeat(1000), { qos: 2, messageId });
  }
  const sent = client.take();
  expect(sent.length).toBeGreaterThan(70);
  expect(sent.length).toBeLessThan(100);
  for (const packet of sent) {
    if (packet.cmd !== 'publish') continue;
    client.send({ cmd: 'pubrec', messageId: packet.messageId } as Packet);
  }
  const more = client.take().filter(({ cmd }) => cmd === 'publish');
  expect(more.length).toBeGreaterThan(50);
  client.drop();
  simulation.advance(1001);
  expect(simulation.broker.memory.inflight.bytes).toBe(0);
});

test('what a restart brings back is counted, and leaves as much room as there was before', async () => {
  let simulation = await DurableSimulation.start();
  const held = ({ broker }: Simulation) => {
    const { subscriptions, wills } = broker.memory;
    return { subscriptions: subscriptions.bytes, wills: wills.bytes };
  };
  for (let index = 0; index < 5; index++) {
    const client = simulation.open(5);
    client.connect(`client ${index}`, { clean: false, ...will(10, 1000, 1000) });
    for (const filter of ['a', 'b/#', `$share/g/${'c'.repeat(1000)}`]) client.subscribe(filter);
    client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['a'] });
    await simulation.settle();
    if (index === 4) client.send({ cmd: 'disconnect' });
    client.drop();
  }
  await simulation.settle();
  const before = held(simulation);
  expect(before.wills).toBeGreaterThan(8000);
  expect(before.subscriptions).toBeGreaterThan(18_000);
  simulation = await simulation.restart();
  expect(held(simulation)).toEqual(before);
  await simulation.checkpoint();
  simulation = await simulation.restart();
  expect(held(simulation)).toEqual(before);
  simulation.advance(1001);
  await simulation.settle();
  expect(held(simulation)).toEqual({ subscriptions: 0, wills: 0 });
  simulation = await simulation.restart();
  expect(held(simulation)).toEqual({ subscriptions: 0, wills: 0 });
});
