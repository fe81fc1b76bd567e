import { expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { type SimulatedClient, Simulation } from '../support/simulation.ts';

/** More than are looked at in a turn. */
const COUNT = 20_000;

/** A broker with that many retained messages; the turns end one by one when `endsByHand` is set. */
function retained(count = COUNT): Simulation {
  const simulation = new Simulation();
  const publisher = simulation.connect('first publisher');
  for (let index = 0; index < count; index++) {
    publisher.publish(`t/${index}`, 'first', { retain: true });
  }
  return simulation;
}

/** What is sent in a turn, as `topic payload`, with `retained` before it if it is. */
function sentInTurn(simulation: Simulation, client: SimulatedClient): string[] {
  simulation.runtime.endOneTurn();
  return client.take().map((packet: Packet) => {
    if (packet.cmd !== 'publish') return packet.cmd;
    return `${packet.retain ? 'retained ' : ''}${packet.topic} ${Buffer.from(packet.payload)}`;
  });
}

function sentInAllTurns(simulation: Simulation, client: SimulatedClient): string[] {
  const sent: string[] = [];
  for (let turn = 0; turn < 100; turn++) sent.push(...sentInTurn(simulation, client));
  return sent;
}

test('no turn is spent on very many retained messages, and all of them come, once, after SUBACK', () => {
  const simulation = retained();
  const client = simulation.connect('client');
  simulation.runtime.endsByHand = true;
  client.subscribe('t/#', { qos: 0 });
  expect(client.isPaused).toBe(false);
  const turns: string[][] = [];
  while (turns.flat().length < COUNT + 1) turns.push(sentInTurn(simulation, client));
  expect(turns.length).toBeGreaterThanOrEqual(COUNT / 5000);
  for (const turn of turns) expect(turn.length).toBeLessThan(COUNT / 2);
  const [first, ...rest] = turns.flat();
  expect(first).toBe('suback');
  expect(new Set(rest).size).toBe(COUNT);
  expect(rest.every((sent) => sent.startsWith('retained t/'))).toBe(true);
  expect(sentInAllTurns(simulation, client)).toEqual([]);
});

test.each([0, 1] as const)(
  'what changes meanwhile is sent as it was, and then as it is now; what is removed is not (QoS %d)',
  (qos) => {
    const simulation = retained();
    const client = simulation.connect('client', { properties: { receiveMaximum: 65_535 } });
    const publisher = simulation.connect('publisher');
    simulation.runtime.endsByHand = true;
    client.subscribe('t/#', { qos });
    const changes = { retain: true, qos, ...(qos === 0 ? {} : { messageId: 1 }) };
    // The last of them is looked at last.
    const [changed, removed] = [`t/${COUNT - 1}`, `t/${COUNT - 2}`];
    publisher.publish(changed, 'second', changes);
    publisher.publish(removed, '', changes);
    publisher.publish('t/new', 'second', changes);
    const sent = sentInAllTurns(simulation, client);
    expect(sent).toHaveLength(1 + COUNT - 1 + 3);
    expect(sent).toContain(`retained ${changed} first`);
    expect(sent).not.toContain(`retained ${removed} first`);
    expect(sent.slice(-3)).toEqual([`${changed} second`, `${removed} `, 't/new second']);
  },
);

test('many who subscribe at once share a turn, and one who is owed little does not wait for the others', () => {
  const simulation = retained();
  const clients = ['a', 'b', 'c'].map((clientId) => simulation.connect(clientId));
  const other = simulation.connect('other');
  simulation.runtime.endsByHand = true;
  for (const client of clients) client.subscribe('t/#', { qos: 0 });
  other.subscribe('t/7');
  simulation.runtime.endOneTurn();
  simulation.runtime.endOneTurn();
  expect(other.brief()).toEqual(['suback 2', 'publish t/7 first']);
  const soFar = clients.flatMap((client) => client.brief());
  expect(soFar.length).toBeLessThan(COUNT);
  let count = soFar.length;
  while (simulation.runtime.endOneTurn()) {
    for (const client of clients) count += client.brief().length;
  }
  expect(count).toBe(3 * (COUNT + 1));
});

test('a session that ends, and a subscription that goes, are owed nothing more', () => {
  const simulation = retained();
  const clients = ['ends', 'unsubscribed'].map((clientId) => simulation.connect(clientId));
  simulation.runtime.endsByHand = true;
  for (const client of clients) client.subscribe('t/#', { qos: 0 });
  const [ends, unsubscribed] = clients as [SimulatedClient, SimulatedClient];
  ends.drop();
  unsubscribed.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['t/#'] });
  expect(sentInAllTurns(simulation, unsubscribed).length).toBeLessThan(COUNT / 2);
  unsubscribed.subscribe('t/7');
  expect(sentInAllTurns(simulation, unsubscribed)).toEqual(['suback', 'retained t/7 first']);
});

test('a broker that stops looks for nothing more', async () => {
  const simulation = retained();
  const client = simulation.connect('client');
  simulation.runtime.endsByHand = true;
  client.subscribe('t/#', { qos: 0 });
  const stopped = simulation.broker.stop(0, 0x8b);
  let turns = 0;
  while (simulation.runtime.endOneTurn()) turns++;
  expect(turns).toBeLessThan(COUNT / 5000);
  simulation.runtime.endsByHand = false;
  simulation.advance(10);
  await stopped;
});
