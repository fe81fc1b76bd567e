import { expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { DurableSimulation } from '../support/durable-simulation.ts';
import { type SimulatedClient, Simulation } from '../support/simulation.ts';

const COUNT = 5000;

/** Messages of QoS 1, and as many bytes that not all of them go to a client that takes nothing. */
const PADDING = ' '.repeat(200);

function retain(simulation: Simulation, payload: string, count = COUNT): void {
  const publisher = simulation.connect('publisher');
  for (let index = 0; index < count; index++) {
    publisher.publish(`t/${index}`, payload + PADDING, { retain: true, qos: 1, messageId: 1 });
  }
}

/** Topics of the messages that have come, acknowledged where they are to be. */
function taken(client: SimulatedClient): string[] {
  const topics: string[] = [];
  for (;;) {
    const packets = client.take();
    if (packets.length === 0) return topics;
    for (const packet of packets) {
      if (packet.cmd !== 'publish') continue;
      topics.push(packet.topic);
      if (packet.qos === 1) client.send({ cmd: 'puback', messageId: packet.messageId as number });
    }
  }
}

/** How many messages wait for a session, found and not sent. */
function waiting({ broker }: Simulation, clientId: string): number {
  return broker.sessions.connectionOf(clientId)?.session?.queuedCount ?? -1;
}

test.each([0, 1] as const)(
  'one that subscribes a thousand times and takes nothing holds little; in the end all come (QoS %d)',
  (qos) => {
    const simulation = new Simulation();
    retain(simulation, 'first');
    const client = simulation.connect('client');
    client.isStalled = true;
    for (let count = 0; count < 1000; count++) client.subscribe('t/#', { qos });
    for (const filter of ['#', '+/+', 't/+', '+/#']) client.subscribe(filter, { qos });
    expect(client.isPaused).toBe(false);
    expect(waiting(simulation, 'client')).toBeLessThan(500);
    expect(simulation.broker.memory.output.bytes).toBeLessThan(500_000);
    client.isStalled = false;
    const topics = taken(client);
    expect(new Set(topics).size).toBe(COUNT);
    // Each subscription's once, and what had been sent for those of the same filter that were begun again.
    expect(topics.length).toBeGreaterThanOrEqual(5 * COUNT);
    expect(topics.length).toBeLessThan(25 * COUNT);
    client.publish('t/0', 'second', { qos: 0 });
    expect(client.brief().filter((packet) => packet.startsWith('publish'))).toHaveLength(1);
  },
);

test('what changes while a client takes nothing is remembered once for all, up to a limit', () => {
  const simulation = new Simulation({ mqtt: { maxReplayBytesTotal: 1_000_000 } });
  const { memory } = simulation.broker;
  retain(simulation, 'first');
  const clients = Array.from({ length: 10 }, (_, index) => {
    const client = simulation.connect(`client ${index}`);
    client.isStalled = true;
    client.subscribe('t/#', { qos: 1 });
    return client;
  });
  const publisher = simulation.connect('publisher');
  for (const payload of ['second', 'third']) publisher.publish('t/4000', payload, { retain: true });
  const { bytes } = memory.replays;
  expect(bytes).toBeGreaterThan(200);
  expect(bytes).toBeLessThan(10_000);
  const [first, ...others] = clients as [SimulatedClient, ...SimulatedClient[]];
  const payloadsOf = (client: SimulatedClient) => {
    client.isStalled = false;
    const payloads: string[] = [];
    const note = (packet: Packet) => {
      if (packet.cmd !== 'publish') return;
      if (packet.topic === 't/4000') payloads.push(Buffer.from(packet.payload).toString().trim());
      if (packet.qos === 1) client.send({ cmd: 'puback', messageId: packet.messageId as number });
    };
    for (let packets = client.take(); packets.length > 0; packets = client.take()) {
      packets.forEach(note);
    }
    return payloads;
  };
  expect(payloadsOf(first)).toEqual(['first', 'second', 'third']);
  for (const payload of ['x', 'y']) {
    for (let index = 0; index < COUNT; index++) {
      publisher.publish(`t/${index}`, payload.repeat(400), { retain: true });
      expect(memory.replays.bytes).toBeLessThanOrEqual(1_000_000);
    }
  }
  expect(memory.replays.refusals).toBeGreaterThan(0);
  for (const client of others) expect(payloadsOf(client).at(-1)).toBe('y'.repeat(400));
  expect(memory.replays.bytes).toBe(0);
});

test('what is unsubscribed, and what ends, is not looked for any more', () => {
  const simulation = new Simulation();
  retain(simulation, 'first');
  const clients = ['a', 'b'].map((clientId) => simulation.connect(clientId));
  for (const client of clients) {
    client.isStalled = true;
    for (let count = 0; count < 100; count++) {
      client.subscribe('+/#', { qos: 0 });
      client.subscribe(`t/${count}/#`, { qos: 0 });
      client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [`t/${count}/#`, '+/#'] });
      client.subscribe('t/7', { qos: 1 });
    }
  }
  const [a, b] = clients as [SimulatedClient, SimulatedClient];
  a.drop();
  b.isStalled = false;
  expect(taken(b).length).toBeLessThan(COUNT);
  simulation.connect('publisher').publish('t/0', 'second', { retain: true });
  expect(simulation.broker.memory.replays.bytes).toBe(0);
});

/** What has come in the end, everything acknowledged. */
async function drained(simulation: DurableSimulation, client: SimulatedClient): Promise<Packet[]> {
  const all: Packet[] = [];
  for (;;) {
    await simulation.settle();
    const packets = client.take();
    if (packets.length === 0) return all;
    all.push(...packets);
    for (const packet of packets) {
      if (packet.cmd !== 'publish' || packet.qos === 0) continue;
      client.send({ cmd: 'puback', messageId: packet.messageId as number });
    }
  }
}

test.each([
  [5, 0x97],
  [4, 0x80],
] as const)(
  'a stored session is owed no more than it may: further SUBSCRIBEs are refused (MQTT %d, reason code %d)',
  async (version, code) => {
    const simulation = await DurableSimulation.start();
    retain(simulation, 'first', 200);
    await simulation.settle();
    const { mqtt } = simulation.broker.config;
    const { replays } = simulation.broker.memory;
    Object.assign(mqtt, { maxReplayBytes: 100_000, maxReplayBytesTotal: 250_000 });
    simulation.broker.memory.reconfigure(simulation.broker.config);
    const client = simulation.open(version);
    const properties = { sessionExpiryInterval: 1000 };
    client.connect('client', { clean: false, ...(version === 5 ? { properties } : {}) });
    await simulation.settle();
    client.take();
    client.isStalled = true;
    for (let count = 0; count < 20; count++) client.subscribe('t/#', { qos: 1 });
    await simulation.settle();
    expect(replays.bytes).toBeLessThan(160_000);
    client.subscribe('other', { qos: 0 });
    client.isStalled = false;
    const packets = await drained(simulation, client);
    const granted = packets.flatMap((packet) => (packet.cmd === 'suback' ? packet.granted : []));
    const accepted = granted.filter((reasonCode) => reasonCode === 1).length;
    expect(accepted).toBeGreaterThan(1);
    expect(accepted).toBeLessThan(5);
    expect(granted.filter((reasonCode) => reasonCode === code)).toHaveLength(20 - accepted);
    expect(replays.refusals).toBe(20 - accepted);
    expect(granted.at(-1)).toBe(0);
    expect(packets.filter(({ cmd }) => cmd === 'publish')).toHaveLength(accepted * 200);
    expect(replays.bytes).toBe(0);
    client.subscribe('t/#', { qos: 1 });
    expect(await drained(simulation, client)).toHaveLength(201);
  },
);

test('a SUBSCRIBE that changes nothing writes no record', async () => {
  const simulation = await DurableSimulation.start();
  const client = simulation.open(5);
  client.connect('client', { clean: false, properties: { sessionExpiryInterval: 1000 } });
  client.subscribe('t', { qos: 1 });
  await simulation.settle();
  const { logStats } = simulation.broker.storage as { logStats: { records: number } };
  const { records } = logStats;
  for (let count = 0; count < 10; count++) client.subscribe('t', { qos: 1 });
  await simulation.settle();
  expect(logStats.records).toBe(records);
  expect(client.brief().slice(2)).toEqual(Array.from({ length: 10 }, () => 'suback 1'));
  client.subscribe('t', { qos: 2 });
  await simulation.settle();
  expect(logStats.records).toBe(records + 1);
});
