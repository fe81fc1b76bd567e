import { expect, test } from '@jest/globals';
import { type SimulatedClient, Simulation } from '../support/simulation.ts';

const KILOBYTE = 'x'.repeat(1000);

/** Clients that subscribe to everything, and then take nothing. */
function stalled(simulation: Simulation, count: number): SimulatedClient[] {
  return Array.from({ length: count }, (_, index) => {
    const client = simulation.connect(`stalled ${index}`);
    client.subscribe('#', { qos: 0 });
    client.take();
    client.isStalled = true;
    return client;
  });
}

test('what waits for all clients has a bound; one that takes what it is sent gets everything', () => {
  const simulation = new Simulation({ mqtt: { maxOutputTotal: 2_000_000 } });
  const { memory, stats } = simulation.broker;
  const clients = stalled(simulation, 20);
  const reader = simulation.connect('reader');
  reader.subscribe('#', { qos: 0 });
  const publisher = simulation.connect('publisher');
  reader.take();
  let received = 0;
  for (let count = 0; count < 5000; count++) {
    publisher.publish('t', KILOBYTE);
    received += reader.take().length;
    expect(memory.output.bytes).toBeLessThan(2_000_000 + 20 * 65_536);
  }
  expect(received).toBe(5000);
  expect(stats.dropped['output-full']).toBeGreaterThan(50_000);
  expect(stats.dropped['slow-subscriber']).toBe(0);
  expect(memory.output.refusals).toBe(stats.dropped['output-full']);
  for (const client of clients) client.drop();
  expect(memory.output.bytes).toBe(0);
});

test('who has most waiting is the first to lose messages', () => {
  const simulation = new Simulation({ mqtt: { maxOutputTotal: 1_000_000 } });
  const [first] = stalled(simulation, 1) as [SimulatedClient];
  const publisher = simulation.connect('publisher');
  for (let count = 0; count < 2000; count++) publisher.publish('t', KILOBYTE);
  const late = simulation.connect('late');
  late.subscribe('t', { qos: 0 });
  late.take();
  late.isStalled = true;
  for (let count = 0; count < 100; count++) publisher.publish('t', KILOBYTE);
  first.isStalled = false;
  late.isStalled = false;
  expect(late.take()).toHaveLength(100);
  const { length } = first.take();
  expect(length).toBeGreaterThan(400);
  expect(length).toBeLessThan(700);
  expect(simulation.broker.memory.output.bytes).toBe(0);
});

test('a large payload that waits for many counts once', () => {
  const simulation = new Simulation({ mqtt: { maxOutputTotal: 1_000_000 } });
  const { memory, stats } = simulation.broker;
  const clients = stalled(simulation, 50);
  simulation.connect('publisher').publish('t', 'x'.repeat(400_000));
  expect(stats.dropped['output-full']).toBe(0);
  expect(memory.output.bytes).toBeGreaterThan(400_000);
  expect(memory.output.bytes).toBeLessThan(700_000);
  simulation.connect('other').publish('u', 'x'.repeat(700_000));
  expect(stats.dropped['output-full']).toBe(50);
  for (const client of clients) {
    client.isStalled = false;
    expect(client.take()).toHaveLength(1);
  }
  expect(memory.output.bytes).toBe(0);
});

test('messages of a few bytes, each in a turn of its own, share the buffers that wait', () => {
  const simulation = new Simulation();
  const { memory } = simulation.broker;
  const [client] = stalled(simulation, 1) as [SimulatedClient];
  const publisher = simulation.connect('publisher');
  for (let count = 0; count < 5000; count++) publisher.publish('t', 'x');
  // 6 bytes each.
  expect(memory.output.bytes).toBeLessThan(90_000);
  client.isStalled = false;
  expect(client.take()).toHaveLength(5000);
});

test.each([
  ['PINGREQ', Uint8Array.of(0xc0, 0)],
  ['PUBREL', Uint8Array.of(0x62, 2, 0, 1)],
])('a client that does not read its answers is not read from until it does (%s)', (_, packet) => {
  const simulation = new Simulation({ mqtt: { maxOutputBuffer: 100_000 } });
  const client = simulation.connect('client');
  client.isStalled = true;
  const packets = Buffer.concat(Array.from({ length: 1000 }, () => packet));
  let sent = 0;
  for (; !client.isPaused && sent < 1000; sent++) client.send(packets);
  expect(sent).toBeLessThan(60);
  expect(simulation.broker.memory.output.bytes).toBeLessThan(200_000);
  client.isStalled = false;
  expect(client.take()).toHaveLength(sent * 1000);
  expect(client.isPaused).toBe(false);
});

test('a client that reads its answers is read from all the time, and so is one that is behind with messages', () => {
  const simulation = new Simulation({ mqtt: { maxOutputBuffer: 100_000 } });
  const client = simulation.connect('client');
  const [slow] = stalled(simulation, 1) as [SimulatedClient];
  const pings = Buffer.concat(Array.from({ length: 1000 }, () => Uint8Array.of(0xc0, 0)));
  for (let count = 0; count < 1000; count++) {
    client.send(pings);
    expect(client.isPaused).toBe(false);
    expect(client.take()).toHaveLength(1000);
  }
  for (let count = 0; count < 200; count++) slow.publish('t', KILOBYTE);
  expect(slow.isPaused).toBe(false);
});

test('what comes of packets that are not whole has a bound for all clients: who has sent most is disconnected', () => {
  const simulation = new Simulation({ mqtt: { maxInputTotal: 1_000_000 } });
  const { memory } = simulation.broker;
  const head = Uint8Array.of(0x30, 0x80, 0x80, 0x80, 1, 0, 1, 0x61);
  const part = new Uint8Array(100_000);
  const clients = Array.from({ length: 8 }, (_, index) => simulation.connect(`client ${index}`));
  for (const client of clients) client.send(head);
  const [first, ...others] = clients as [SimulatedClient, ...SimulatedClient[]];
  for (let count = 0; count < 5; count++) first.send(part);
  expect(first.brief()).toEqual(['disconnect 151']);
  for (const client of others) client.send(part);
  expect(others.map((client) => client.brief())).toEqual(others.map(() => []));
  expect(memory.input.bytes).toBeLessThan(1_000_000);
  for (const client of others) client.send(part, part);
  expect(memory.input.bytes).toBeLessThan(1_000_000);
  expect(memory.input.refusals).toBeGreaterThan(1);
  for (const client of clients) client.drop();
  expect(memory.input.bytes).toBe(0);
});
