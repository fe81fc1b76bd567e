import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { FaultyFiles } from '@promptmq/wal/testing';
import { DurableSimulation } from '../support/durable-simulation.ts';
import { brief, Machine } from '../support/machine.ts';
import type { PacketClient } from '../support/packet-client.ts';
import { Simulation } from '../support/simulation.ts';

/** More than two steps. */
const COUNT = 1200;

const GROUP = '$share/group/t';

let machine: Machine;

beforeEach(async () => {
  machine = new Machine();
  await machine.start();
});

afterEach(async () => {
  await machine.cutClients();
  await machine.broker.stop();
});

async function connected(
  on: Machine,
  clientId: string,
  properties: object,
  clean = false,
): Promise<PacketClient> {
  const client = await on.open();
  client.connect(clientId, { clean, properties });
  expect(await client.next()).toMatchObject({ cmd: 'connack' });
  return client;
}

/** `first` is away, and everything waits for it; of `second` nothing is known. */
async function fill(): Promise<void> {
  const first = await connected(machine, 'first', { sessionExpiryInterval: 1000 });
  first.subscribe(GROUP, 1);
  await first.next();
  await first.cut();
  const publisher = await machine.connected('publisher');
  // Not more than are under way before they have to be acknowledged.
  for (let from = 1; from <= COUNT; from += 20) {
    const ids = Array.from({ length: 20 }, (_, index) => from + index);
    for (const id of ids) publisher.publish('t', `${id}`, id % 2 === 0 ? 2 : 1, id);
    for (const id of ids) {
      expect(await publisher.next()).toMatchObject({ messageId: id, reasonCode: 0 });
      if (id % 2 === 0) publisher.send({ cmd: 'pubrel', messageId: id });
    }
    for (const id of ids) if (id % 2 === 0) await publisher.next();
  }
}

/** What comes, up to a number of messages. */
async function take(client: PacketClient, count: number, got: number[]): Promise<void> {
  while (got.length < count) {
    const packet = await client.next();
    if (packet === null) throw new Error('closed');
    if (packet.cmd === 'publish') got.push(Number(Buffer.from(packet.payload).toString()));
  }
}

/** What waits for a client that nothing is handed over to. */
async function drain(on: Machine, client: PacketClient, got: number[]): Promise<void> {
  const helper = await connected(on, 'helper', {});
  client.subscribe('end', 99);
  let packet = await client.next();
  for (; packet?.cmd === 'publish'; packet = await client.next()) {
    got.push(Number(Buffer.from(packet.payload).toString()));
  }
  expect(packet).toMatchObject({ cmd: 'suback' });
  helper.publish('end', 'marker', 1, 1);
  for (;;) {
    packet = await client.next();
    if (packet?.cmd !== 'publish') throw new Error(brief([packet]).join());
    if (packet.topic === 'end') return;
    got.push(Number(Buffer.from(packet.payload).toString()));
  }
}

const all = Array.from({ length: COUNT }, (_, index) => index + 1);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

test('a long queue is handed over whole and once, whenever the power is cut while its session ends [MQTT-4.8.2-5]', async () => {
  await fill();
  const second = await connected(machine, 'second', { sessionExpiryInterval: 1000 });
  second.subscribe(GROUP, 1);
  await second.next();
  // It is not sent anything that another process would have to take for sent.
  await second.cut();
  const cuts: FaultyFiles[] = [];
  machine.files.beforeOperation = () => void cuts.push(machine.files.afterPowerCut());
  const clean = await connected(machine, 'first', { sessionExpiryInterval: 1000 }, true);
  const got: number[] = [];
  const again = await connected(machine, 'second', {
    sessionExpiryInterval: 1000,
    receiveMaximum: 65_535,
  });
  machine.files.beforeOperation = () => {};
  await take(again, COUNT, got);
  expect(sorted(got)).toEqual(all);
  await clean.cut();
  expect(cuts.length).toBeGreaterThan(5);

  for (let index = 0; index < cuts.length; index += Math.ceil(cuts.length / 8)) {
    const next = new Machine();
    next.files = cuts[index] as FaultyFiles;
    await next.start();
    const found: number[] = [];
    const properties = { sessionExpiryInterval: 1000, receiveMaximum: 65_535 };
    await drain(next, await connected(next, 'first', properties), found);
    await take(await connected(next, 'second', properties), COUNT, found);
    expect(sorted(found)).toEqual(all);
    await next.cutClients();
    await next.broker.stop();
  }
}, 60_000);

test('a session of a former process that expires is handed over, with what it was sent at QoS 1 [MQTT-4.8.2-5]', async () => {
  await fill();
  const second = await connected(machine, 'second', { sessionExpiryInterval: 1000 });
  second.subscribe(GROUP, 1);
  await second.next();
  const first = await connected(machine, 'first', { sessionExpiryInterval: 1, receiveMaximum: 1 });
  // Of what was sent, QoS 1 is handed over.
  expect(brief([await first.next()])).toEqual(['t 1']);
  machine.files.beforeOperation = () => {};
  await machine.cutClients();
  await machine.broker.stop();
  await machine.start();
  await machine.event('recovered');
  const properties = { sessionExpiryInterval: 1000, receiveMaximum: 65_535 };
  const again = await connected(machine, 'second', properties);
  const got: number[] = [];
  for (let count = 0; count < COUNT / 2; count++) {
    const packet = await again.next();
    if (packet?.cmd === 'publish') got.push(Number(Buffer.from(packet.payload).toString()));
  }
  expect(got).toContain(1);
});

test('on a full disk, a session that ends keeps what waits until there is room', async () => {
  await fill();
  const second = await connected(machine, 'second', {
    sessionExpiryInterval: 1000,
    receiveMaximum: 65_535,
  });
  second.subscribe(GROUP, 1);
  await second.next();
  const first = await connected(machine, 'first', {
    sessionExpiryInterval: 1000,
    receiveMaximum: 1,
  });
  expect(brief([await first.next()])).toEqual(['t 1']);
  await machine.becomeFull();
  first.send({ cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } });
  expect(await first.next()).toBeNull();
  await machine.makeRoom();
  const got: number[] = [];
  await take(second, COUNT, got);
  expect(sorted(got)).toEqual(all);
});

test('a queue in memory is handed over in steps, a turn each', () => {
  const simulation = new Simulation();
  const first = simulation.connect('first', { properties: { sessionExpiryInterval: 100 } });
  const second = simulation.connect('second');
  first.subscribe(GROUP);
  first.drop();
  const publisher = simulation.connect('publisher');
  for (let id = 1; id <= COUNT; id++) publisher.publish('t', `${id}`, { qos: 1, messageId: id });
  second.subscribe(GROUP);
  second.take();
  simulation.runtime.endsByHand = true;
  const clean = simulation.open();
  clean.connect('first');
  let received = 0;
  let turns = 0;
  while (simulation.runtime.endOneTurn()) {
    const packets = second.take();
    const count = packets.filter(({ cmd }) => cmd === 'publish').length;
    expect(count).toBeLessThanOrEqual(500);
    if (count > 0) turns++;
    received += count;
    for (const packet of packets) {
      if (packet.cmd === 'publish') {
        second.send({ cmd: 'puback', messageId: packet.messageId as number });
      }
    }
  }
  expect(received).toBe(COUNT);
  expect(turns).toBeGreaterThanOrEqual(3);
});

test('a session is over once it was handed over, also where some of it was read for one member and went to another', async () => {
  const simulation = await DurableSimulation.start();
  const { broker } = simulation;
  const enter = async (clientId: string, sessionExpiryInterval: number, clean = false) => {
    const client = simulation.open();
    client.connect(clientId, { clean, properties: { sessionExpiryInterval } });
    await simulation.settle();
    return client;
  };
  const join = async (clientId: string, sessionExpiryInterval: number) => {
    const client = await enter(clientId, sessionExpiryInterval);
    client.subscribe(GROUP, { qos: 1 });
    await simulation.settle();
    return client;
  };
  (await join('first', 1000)).drop();
  const publisher = await enter('publisher', 0, true);
  for (let messageId = 1; messageId <= 7; messageId++) {
    publisher.publish('t', `${messageId}`, { qos: 1, messageId });
  }
  await simulation.settle();
  // Members take turns: what is meant for the one that isn't stored is read first, and then it may be the other's turn.
  await join('stored', 1000);
  await join('not stored', 0);
  (await enter('first', 0, true)).drop();
  await simulation.settle();
  broker.checkInvariants();
  await simulation.checkpoint();
  const next = await simulation.restart();
  expect([...next.broker.sessions.all()].map(({ clientId }) => clientId)).toEqual(['stored']);
});
