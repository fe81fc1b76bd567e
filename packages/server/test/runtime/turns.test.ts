import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { FaultyFiles, systemError } from '@promptmq/wal/testing';
import { Access } from '../../src/access/index.ts';
import { DurableSimulation } from '../support/durable-simulation.ts';
import { Simulation } from '../support/simulation.ts';

test('a client that takes all at once is not sent all that waits for it in one turn', () => {
  const simulation = new Simulation();
  const publisher = simulation.connect('publisher');
  const subscriber = simulation.connect('subscriber');
  subscriber.isStalled = true;
  const count = 200;
  const payload = 'x'.repeat(40_000);
  for (let index = 0; index < count; index++) {
    publisher.publish(`t/${index}`, payload, { retain: true });
  }
  subscriber.subscribe('t/#', { qos: 0 });
  subscriber.isStalled = false;
  simulation.runtime.endsByHand = true;
  const first = subscriber.take().length;
  expect(first).toBeGreaterThan(1);
  expect(first).toBeLessThan(count / 2);
  let received = first;
  for (let turn = 0; turn < 100; turn++) {
    simulation.runtime.endOneTurn();
    const inTurn = subscriber.take().length;
    expect(inTurn).toBeLessThan(count / 2);
    received += inTurn;
  }
  expect(received).toBe(1 + count);
});

/** The same packet `count` times, in one chunk. */
function times(count: number, ...bytes: number[]): Uint8Array {
  const chunk = new Uint8Array(count * bytes.length);
  for (let offset = 0; offset < chunk.length; offset += bytes.length) chunk.set(bytes, offset);
  return chunk;
}

const PINGREQ = [0xc0, 0];

/** No more units than this are used by one client, or by all that wait, in a turn. */
const UNITS_MAX = 27_000;

/** Ends turns until nobody waits any more, each with what one client may do; returns how many. */
function endTurns({ broker, runtime }: Simulation, perTurn: () => void = () => {}): number {
  let turns = 0;
  while (broker.turns.waitingCount > 0) {
    const { used } = broker.turns;
    runtime.endOneTurn();
    expect(broker.turns.used - used).toBeLessThan(UNITS_MAX);
    perTurn();
    turns++;
  }
  // What was answered last is sent at the end of the turn.
  runtime.endOneTurn();
  return turns;
}

test('a chunk of 200,000 PINGREQs is answered in many turns; others are answered in each', () => {
  const simulation = new Simulation();
  const { broker, runtime } = simulation;
  const flood = simulation.connect('flood');
  const other = simulation.connect('other');
  runtime.endsByHand = true;
  const { used } = broker.turns;
  const answers = () => broker.stats.packetsSent[13] as number;
  flood.send(times(200_000, ...PINGREQ));
  // What follows at once waits with it, and is not put together with it.
  for (let count = 0; count < 100; count++) flood.send(Uint8Array.from(PINGREQ));
  expect(broker.turns.used - used).toBeLessThan(UNITS_MAX);
  expect(flood.isPaused).toBe(true);
  let last = answers();
  let received = 0;
  const turns = endTurns(simulation, () => {
    other.send(Uint8Array.from(PINGREQ));
    expect(answers()).toBeGreaterThan(last);
    last = answers();
    received += other.take().length;
    flood.take();
  });
  expect(turns).toBeGreaterThan(20);
  expect(received).toBeGreaterThan(turns - 3);
  expect(answers()).toBe(200_100 + turns);
  expect(flood.isPaused).toBe(false);
  expect(broker.stats.turnsWaited).toBe(1);
});

test('many clients that have too much to do share the turns', () => {
  const simulation = new Simulation();
  const { broker, runtime } = simulation;
  const clients = Array.from({ length: 20 }, (_, index) => simulation.connect(`c${index}`));
  runtime.endsByHand = true;
  for (const client of clients) client.send(times(10_000, ...PINGREQ));
  const received = clients.map(() => 0);
  endTurns(simulation, () => {
    for (const [index, client] of clients.entries()) {
      (received[index] as number) += client.take().length;
    }
  });
  for (const [index, client] of clients.entries()) {
    (received[index] as number) += client.take().length;
  }
  expect(received).toEqual(clients.map(() => 10_000));
  expect(broker.turns.waitingCount).toBe(0);
});

test('an ordinary chunk is done at once', () => {
  const simulation = new Simulation();
  const client = simulation.connect('client');
  simulation.runtime.endsByHand = true;
  client.send(times(1000, ...PINGREQ));
  expect(client.isPaused).toBe(false);
  expect(simulation.broker.turns.waitingCount).toBe(0);
});

const filters = (count: number) => Array.from({ length: count }, (_, index) => `a/${index}/+`);
const subscription = (count: number) => ({
  cmd: 'subscribe' as const,
  messageId: 1,
  subscriptions: filters(count).map((topic) => ({ topic, qos: 1 as const })),
});

test('SUBSCRIBE and UNSUBSCRIBE of 10,000 filters take several turns each, and are answered once', () => {
  const simulation = new Simulation();
  const { broker, runtime } = simulation;
  const client = simulation.connect('client');
  runtime.endsByHand = true;
  client.send(subscription(10_000), { cmd: 'pingreq' });
  expect(client.take()).toEqual([]);
  expect(endTurns(simulation)).toBeGreaterThan(5);
  const [suback, pingresp] = client.take();
  expect(suback).toMatchObject({ cmd: 'suback', granted: Array.from({ length: 10_000 }, () => 1) });
  expect(pingresp).toEqual({ cmd: 'pingresp' });
  expect(broker.stats.subscriptionsCurrent).toBe(10_000);
  client.send(
    { cmd: 'unsubscribe', messageId: 2, unsubscriptions: filters(10_000) },
    { cmd: 'pingreq' },
  );
  expect(endTurns(simulation)).toBeGreaterThan(5);
  expect(client.take().map(({ cmd }) => cmd)).toEqual(['unsuback', 'pingresp']);
  expect(broker.stats.subscriptionsCurrent).toBe(0);
});

test('a SUBSCRIBE that is broken off leaves what is in the log, and nothing of a session that ends', async () => {
  const simulation = await DurableSimulation.start();
  const { broker, runtime } = simulation;
  const stored = simulation.open();
  stored.connect('stored', { properties: { sessionExpiryInterval: 1000 } });
  await simulation.settle();
  const passing = simulation.connect('passing');
  runtime.endsByHand = true;
  stored.send(subscription(10_000));
  passing.send(subscription(10_000));
  runtime.endOneTurn();
  expect(broker.turns.waitingCount).toBe(2);
  // Another connection takes the session over; the other client is sent away.
  simulation
    .open()
    .connect('stored', { clean: false, properties: { sessionExpiryInterval: 1000 } });
  broker.sessions.connectionOf('passing')?.disconnect(0x98, 'administrative action');
  runtime.endsByHand = false;
  await simulation.settle();
  const { subscriptionsCurrent } = broker.stats;
  expect(subscriptionsCurrent).toBeGreaterThan(100);
  expect(subscriptionsCurrent).toBeLessThan(10_000);
  const next = await simulation.restart();
  expect(next.broker.stats.subscriptionsCurrent).toBe(subscriptionsCurrent);
});

/** Ends turns one by one until something is so; what promises do happens in between. */
async function endTurnsUntil({ runtime }: Simulation, isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20 && !isSo(); turn++) {
    runtime.endOneTurn();
    for (let step = 0; step < 50; step++) await null;
  }
  expect(isSo()).toBe(true);
}

test('what a SUBSCRIBE has got when the disk becomes full is in the log before another gets to know that it has it', async () => {
  const files = new FaultyFiles();
  const simulation = await DurableSimulation.start(files);
  const { broker, runtime } = simulation;
  const connect = (clean: boolean) => {
    const client = simulation.open();
    client.connect('client', { clean, properties: { sessionExpiryInterval: 1000 } });
    return client;
  };
  const first = connect(true);
  const publisher = simulation.connect('publisher');
  await simulation.settle();
  first.take();
  // The next one holds only what changes from here on.
  await simulation.checkpoint();
  runtime.endsByHand = true;
  first.send(subscription(10_000));
  files.beforeOperation = (name) => {
    if (name === 'write') throw systemError('ENOSPC', name);
  };
  publisher.publish('t', 'x', { qos: 1, messageId: 1, retain: true });
  await endTurnsUntil(simulation, () => broker.storage?.isOpen === false);
  expect(first.isPaused).toBe(true);
  runtime.endsByHand = false;
  await simulation.settle();
  expect(first.brief()).toEqual(['disconnect 151']);
  files.beforeOperation = () => {};
  simulation.advance(10);
  await simulation.settle();
  expect(broker.storage?.isOpen).toBe(true);
  const again = connect(false);
  await simulation.settle();
  expect(again.brief()).toEqual(['connack 0']);
  again.send({
    cmd: 'subscribe',
    messageId: 2,
    subscriptions: [{ topic: 'a/0/+', qos: 1 as const }],
  });
  await simulation.settle();
  expect(again.brief()).toEqual(['suback 1']);
  const { subscriptionsCurrent } = broker.stats;
  const next = await simulation.restart();
  expect(next.broker.stats.subscriptionsCurrent).toBe(subscriptionsCurrent);
});

test('retained messages that a stored session is owed when the disk becomes full are sent when there is room', async () => {
  const files = new FaultyFiles();
  const simulation = await DurableSimulation.start(files);
  const { broker, runtime } = simulation;
  const publisher = simulation.connect('publisher');
  const client = simulation.open();
  client.connect('client', { properties: { sessionExpiryInterval: 1000 } });
  publisher.publish('a/9999/x', 'kept', { qos: 1, messageId: 1, retain: true });
  await simulation.settle();
  client.take();
  runtime.endsByHand = true;
  client.send(subscription(10_000));
  await endTurnsUntil(simulation, () => broker.stats.subscriptionsCurrent === 10_000);
  runtime.endOneTurn();
  expect(client.isPaused).toBe(true);
  files.beforeOperation = (name) => {
    if (name === 'write') throw systemError('ENOSPC', name);
  };
  publisher.publish('t', 'x', { qos: 1, messageId: 1, retain: true });
  await endTurnsUntil(simulation, () => broker.storage?.isOpen === false);
  expect(client.isPaused).toBe(true);
  runtime.endsByHand = false;
  await simulation.settle();
  expect(client.brief()).toEqual(['disconnect 151']);
  files.beforeOperation = () => {};
  simulation.advance(10);
  await simulation.settle();
  const again = simulation.open();
  again.connect('client', { clean: false, properties: { sessionExpiryInterval: 1000 } });
  await simulation.settle();
  expect(again.brief()).toEqual(['connack 0', 'publish a/9999/x kept']);
  expect([...broker.stats.internalErrors.values()].every((count) => count === 0)).toBe(true);
});

test('retained messages that a stored session is owed are safe before SUBACK, however many turns they take', async () => {
  const simulation = await DurableSimulation.start();
  const { broker, runtime } = simulation;
  const publisher = simulation.connect('publisher');
  const client = simulation.open();
  client.connect('client', { properties: { sessionExpiryInterval: 1000 } });
  publisher.publish('a/9999/x', 'kept', { qos: 1, messageId: 1, retain: true });
  await simulation.settle();
  client.take();
  runtime.endsByHand = true;
  client.send(subscription(10_000));
  await endTurnsUntil(simulation, () => (broker.stats.packetsSent[9] as number) > 0);
  const next = await simulation.restart();
  const again = next.open();
  again.connect('client', { clean: false, properties: { sessionExpiryInterval: 1000 } });
  await next.settle();
  expect(again.brief()).toEqual(['connack 0', 'publish a/9999/x kept']);
});

test('what a reload takes away in the midst of a SUBSCRIBE is not in the log either', async () => {
  const simulation = await DurableSimulation.start();
  const { broker, runtime } = simulation;
  const client = simulation.open();
  client.connect('client', { properties: { sessionExpiryInterval: 1000 } });
  await simulation.settle();
  runtime.endsByHand = true;
  client.send(subscription(10_000));
  runtime.endOneTurn();
  expect(broker.stats.subscriptionsCurrent).toBeGreaterThan(100);
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-turns-'));
  try {
    const aclFile = join(folder, 'acl');
    writeFileSync(aclFile, 'rules: [{ subscribe: other }]\n');
    const { config } = broker;
    broker.reconfigure(Access.load({ ...config, auth: { ...config.auth, aclFile } }));
  } finally {
    rmSync(folder, { recursive: true });
  }
  runtime.endsByHand = false;
  await simulation.settle();
  expect(broker.stats.subscriptionsCurrent).toBe(0);
  const next = await simulation.restart();
  expect(next.broker.stats.subscriptionsCurrent).toBe(0);
});

test.each(['close', 'end'] as const)('what came before the peer’s %s is done first', (how) => {
  const simulation = new Simulation();
  const { runtime, broker } = simulation;
  const subscriber = simulation.connect('subscriber');
  subscriber.subscribe('#', { qos: 0 });
  subscriber.take();
  const will = { topic: 'will', payload: Buffer.from('w'), qos: 0 as const, retain: false };
  const publisher = simulation.connect('publisher', { will });
  runtime.endsByHand = true;
  // PUBLISH to t, and at last a DISCONNECT.
  const publishes = times(20_000, 0x30, 5, 0, 1, 0x74, 0, 0x78);
  publisher.send(Buffer.concat([publishes, Uint8Array.of(0xe0, 0)]));
  if (how === 'close') publisher.drop();
  else publisher.halfClose();
  expect(broker.stats.connectionsCurrent).toBe(2);
  const received: string[] = [];
  endTurns(simulation, () => received.push(...subscriber.brief()));
  received.push(...subscriber.brief());
  expect(received).toEqual(Array.from({ length: 20_000 }, () => 'publish t x'));
  expect(broker.stats.connectionsCurrent).toBe(1);
  expect(publisher.isClosed).toBe(true);
});

test('what came before the peer’s close is done, though the peer took no answers', () => {
  const simulation = new Simulation({ mqtt: { maxOutputBuffer: 65_536 } });
  const { broker, runtime } = simulation;
  const client = simulation.connect('client');
  client.isStalled = true;
  runtime.endsByHand = true;
  client.send(times(200_000, ...PINGREQ));
  endTurns(simulation);
  // It has more to do, and is owed more than one may be.
  expect(broker.stats.packetsSent[13]).toBeLessThan(100_000);
  expect(client.isPaused).toBe(true);
  client.drop();
  endTurns(simulation);
  expect(broker.stats.packetsReceived[12]).toBe(200_000);
  expect(broker.stats.connectionsCurrent).toBe(0);
  expect(broker.memory.output.bytes).toBe(0);
});

test('a client whose connection has closed is not waited for when the broker stops', async () => {
  const simulation = new Simulation();
  const client = simulation.connect('client');
  simulation.runtime.endsByHand = true;
  client.send(times(200_000, ...PINGREQ));
  client.drop();
  await simulation.broker.stop(1000, 0x8b);
  expect(simulation.broker.stats.connectionsCurrent).toBe(0);
});

test('topics that many filters match cost more of a turn', () => {
  const simulation = new Simulation();
  const { broker, runtime } = simulation;
  const client = simulation.connect('client');
  // All of +/+/…/# with a in places: a topic a/a/… visits each of their levels.
  const all = Array.from({ length: 4096 }, (_, bits) =>
    Array.from({ length: 12 }, (__, level) => ((bits >> level) & 1 ? '+' : 'a')).join('/'),
  );
  client.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: all.map((topic) => ({ topic, qos: 0 as const })),
  });
  client.take();
  const publisher = simulation.connect('publisher');
  const prefix = 'a/'.repeat(11);
  const packets = Array.from({ length: 200 }, (_, index) => {
    const topic = Buffer.from(`${prefix}${100 + index}`);
    return Buffer.concat([
      Uint8Array.of(0x30, topic.length + 3, 0, topic.length),
      topic,
      Uint8Array.of(0),
    ]);
  });
  runtime.endsByHand = true;
  publisher.send(Buffer.concat(packets));
  expect(endTurns(simulation)).toBeGreaterThan(5);
  expect(broker.stats.messagesReceived).toBe(200);
});

/** A PUBACK with 10,000 user properties, as large as a packet may be there. */
function largePuback(): Uint8Array {
  const pair = [0x26, 0, 1, 0x6b, 0, 1, 0x76];
  const properties = times(10_000, ...pair);
  const { length } = properties;
  const lengthBytes = [(length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14];
  const remaining = 2 + 1 + 3 + length;
  const header = [(remaining & 0x7f) | 0x80, ((remaining >> 7) & 0x7f) | 0x80, remaining >> 14];
  return Uint8Array.from([0x40, ...header, 0, 1, 0, ...lengthBytes, ...properties]);
}

test('large packets of many clients are read over several turns; who sends little is answered at once', () => {
  const simulation = new Simulation();
  const { broker, runtime } = simulation;
  const clients = Array.from({ length: 30 }, (_, index) => simulation.connect(`c${index}`));
  const other = simulation.connect('other');
  runtime.endsByHand = true;
  runtime.endOneTurn();
  const puback = largePuback();
  const acks = () => broker.stats.packetsReceived[4] as number;
  for (const client of clients) client.send(puback);
  expect(acks()).toBeGreaterThan(1);
  expect(acks()).toBeLessThan(clients.length / 2);
  const before = broker.stats.packetsSent[13] as number;
  other.send(Uint8Array.from(PINGREQ));
  expect(broker.stats.packetsSent[13]).toBe(before + 1);
  expect(endTurns(simulation)).toBeGreaterThan(5);
  expect(acks()).toBe(clients.length);
});

test('what is sent to many recipients counts: a burst of long messages takes several turns', () => {
  const simulation = new Simulation();
  const { broker, runtime } = simulation;
  const subscribers = Array.from({ length: 100 }, (_, index) => simulation.connect(`s${index}`));
  for (const subscriber of subscribers) subscriber.subscribe('t', { qos: 0 });
  const publisher = simulation.connect('publisher');
  runtime.endsByHand = true;
  runtime.endOneTurn();
  const count = 100;
  const publish = {
    cmd: 'publish' as const,
    topic: 't',
    payload: Buffer.alloc(10_000),
    qos: 0 as const,
    dup: false,
    retain: false,
  };
  const received = () => broker.stats.packetsReceived[3] as number;
  const before = received();
  publisher.send(...Array.from({ length: count }, () => publish));
  expect(received() - before).toBeLessThan(count / 5);
  expect(endTurns(simulation)).toBeGreaterThan(5);
  expect(received() - before).toBe(count);
});

test('long topic names count: a burst of them takes several turns', () => {
  const simulation = new Simulation();
  const { broker, runtime } = simulation;
  const publisher = simulation.connect('publisher');
  runtime.endsByHand = true;
  runtime.endOneTurn();
  const count = 100;
  const received = () => broker.stats.packetsReceived[3] as number;
  const before = received();
  publisher.send(
    ...Array.from({ length: count }, (_, index) => ({
      cmd: 'publish' as const,
      topic: `${index}${'x'.repeat(60_000)}`,
      payload: Buffer.alloc(0),
      qos: 0 as const,
      dup: false,
      retain: false,
    })),
  );
  expect(received() - before).toBeLessThan(count / 2);
  expect(endTurns(simulation)).toBeGreaterThan(1);
  expect(received() - before).toBe(count);
});

test('the slice of a client ends with a packet that breaks a rule, too', () => {
  const simulation = new Simulation();
  const client = simulation.connect('client');
  client.send(Uint8Array.of(0xc1, 0));
  expect(simulation.broker.turns.hasRoomFor(1_000_000)).toBe(true);
  simulation.broker.checkInvariants();
});
