import { describe, expect, test } from '@jest/globals';
import { DurableSimulation } from '../support/durable-simulation.ts';
import type { SimulatedClient } from '../support/simulation.ts';

// Several users of one stored message, and when its bytes count as released.

const USERS = [1, 2, 3, 7];

const STORED = { clean: false, properties: { sessionExpiryInterval: 1000 } };

async function connect(simulation: DurableSimulation, clientId: string): Promise<SimulatedClient> {
  const client = simulation.open();
  client.connect(clientId, STORED);
  await simulation.settle();
  return client;
}

async function subscribers(
  simulation: DurableSimulation,
  count: number,
): Promise<SimulatedClient[]> {
  const clients: SimulatedClient[] = [];
  for (let number = 0; number < count; number++) {
    const client = await connect(simulation, `subscriber-${number}`);
    client.subscribe('t', { qos: 1 });
    clients.push(client);
  }
  await simulation.settle();
  for (const client of clients) client.take();
  return clients;
}

/** Payloads of lengths that no number of users divides evenly. */
async function publish(simulation: DurableSimulation, fields: object = {}): Promise<void> {
  const publisher = await connect(simulation, 'publisher');
  for (let length = 1; length <= 5; length++) {
    publisher.publish('t', 'x'.repeat(length), { qos: 1, messageId: length, ...fields });
  }
  await simulation.settle();
  publisher.drop();
  await simulation.settle();
}

async function acknowledge(
  simulation: DurableSimulation,
  clients: readonly SimulatedClient[],
): Promise<number> {
  let count = 0;
  for (const client of clients) {
    for (const packet of client.take()) {
      if (packet.cmd !== 'publish' || packet.qos === 0) continue;
      client.send({ cmd: 'puback', messageId: packet.messageId as number });
      count++;
    }
    await simulation.settle();
  }
  // Progress is written with what comes next, or a while later.
  simulation.runtime.advance(100);
  await simulation.settle();
  return count;
}

/** Bytes of records that are still needed, as the log counts them. */
function neededBytes({ segments }: DurableSimulation): number {
  let needed = 0;
  for (const { recordBytes, releasedBytes } of segments) needed += recordBytes - releasedBytes;
  return needed;
}

describe.each(USERS)('of a message with %i users', (users) => {
  test('nothing is needed when all have acknowledged it', async () => {
    const simulation = await DurableSimulation.start();
    const clients = await subscribers(simulation, users);
    expect(neededBytes(simulation)).toBe(0);
    await publish(simulation);
    expect(neededBytes(simulation)).toBeGreaterThan(0);
    expect(await acknowledge(simulation, clients.slice(1))).toBe(5 * (users - 1));
    expect(neededBytes(simulation)).toBeGreaterThan(0);
    expect(await acknowledge(simulation, clients.slice(0, 1))).toBe(5);
    expect(neededBytes(simulation)).toBe(0);
  });

  test('nor after a power cut, of what was replayed', async () => {
    const first = await DurableSimulation.start();
    await subscribers(first, users);
    await publish(first);
    const needed = neededBytes(first);
    const second = await first.restart();
    expect(neededBytes(second)).toBe(needed);
    const clients: SimulatedClient[] = [];
    for (let number = 0; number < users; number++) {
      clients.push(await connect(second, `subscriber-${number}`));
    }
    expect(await acknowledge(second, clients)).toBe(5 * users);
    expect(neededBytes(second)).toBe(0);
    expect(neededBytes(await second.restart())).toBe(0);
  });

  test('nor after a checkpoint and a power cut', async () => {
    const first = await DurableSimulation.start();
    await subscribers(first, users);
    await publish(first);
    await first.checkpoint();
    const second = await first.restart();
    const clients: SimulatedClient[] = [];
    for (let number = 0; number < users; number++) {
      clients.push(await connect(second, `subscriber-${number}`));
    }
    expect(await acknowledge(second, clients)).toBe(5 * users);
    expect(neededBytes(second)).toBe(0);
  });

  test('nor when it is retained as well, and that is removed', async () => {
    const first = await DurableSimulation.start();
    const clients = await subscribers(first, users);
    await publish(first, { retain: true });
    await acknowledge(first, clients);
    const needed = neededBytes(first);
    expect(needed).toBeGreaterThan(0);
    const second = await first.restart();
    expect(neededBytes(second)).toBe(needed);
    const publisher = await connect(second, 'publisher');
    publisher.publish('t', '', { qos: 1, messageId: 1, retain: true });
    for (let number = 0; number < users; number++) {
      await acknowledge(second, [await connect(second, `subscriber-${number}`)]);
    }
    expect(neededBytes(second)).toBe(0);
  });

  test('nor when compaction has moved it', async () => {
    const simulation = await DurableSimulation.start();
    const clients = await subscribers(simulation, users);
    await publish(simulation);
    const filler = await connect(simulation, 'filler');
    for (let messageId = 1; messageId <= 30; messageId++) {
      filler.publish('nobody', 'x'.repeat(500), { qos: 1, messageId, retain: true });
      await simulation.settle();
    }
    const before = neededBytes(simulation);
    const result = await simulation.compact();
    expect(result.movedRecords).toBeGreaterThanOrEqual(5);
    // What was moved has the same size as it had; the rest is the snapshot.
    const snapshot = neededBytes(simulation) - before;
    filler.publish('nobody', '', { qos: 1, messageId: 31, retain: true });
    expect(await acknowledge(simulation, clients)).toBe(5 * users);
    expect(neededBytes(simulation)).toBe(snapshot);
  });
});
