import { afterEach, expect, test } from '@jest/globals';
import type { QoS } from '@promptmq/codec';
import { SimulatedCells, topicOf } from '../support/simulated-cells.ts';
import type { SimulatedClient } from '../support/simulation.ts';

let cells: SimulatedCells;

afterEach(() => cells.checkInvariants());

/** A client that has subscribed, and was told so. */
function subscriber(
  cell: number,
  clientId: string,
  topicFilter: string,
  qos: QoS = 0,
  version: 4 | 5 = 5,
  options: object = {},
): SimulatedClient {
  const client = cells.at(cell).connect(clientId, { protocolVersion: version });
  client.subscribe(topicFilter, { qos, ...options });
  cells.settle();
  client.take();
  return client;
}

function droppedAt(cell: number, reason: 'cell-away' | 'cell-behind'): number {
  return cells.at(cell).simulation.broker.stats.dropped[reason];
}

test.each([
  [4, 4],
  [4, 5],
  [5, 4],
  [5, 5],
] as const)(
  'what a client of version %i publishes comes to one of version %i in another cell',
  (from, to) => {
    cells = SimulatedCells.linked(2);
    // What is retained goes to the cell that keeps it in another way.
    const topic = topicOf(1, 2, 'a');
    const client = subscriber(0, 'subscriber', 'a/#', 0, to, { rap: true });
    const publisher = cells.at(1).connect('publisher', { protocolVersion: from });
    const properties =
      from === 5 ? { properties: { contentType: 'x', messageExpiryInterval: 60 } } : {};
    publisher.publish(topic, 'first', { ...properties, retain: true });
    publisher.publish('c', 'nobody’s');
    publisher.publish(topic, '');
    cells.settle();
    const came = client.take();
    expect(came).toMatchObject([
      { topic, qos: 0, retain: to === 5, payload: Buffer.from('first') },
      { topic, qos: 0, retain: false, payload: Buffer.alloc(0) },
    ]);
    const [first] = came as { properties?: object }[];
    const passed = { contentType: 'x', messageExpiryInterval: 60 };
    if (to === 5) expect(first?.properties ?? {}).toEqual(from === 5 ? passed : {});
  },
);

test('QoS 1 and 2 go at QoS 0 where nobody there has more, else by the session that stands for the cell', () => {
  cells = SimulatedCells.linked(3);
  const zero = subscriber(0, 'zero', 't', 0);
  const one = subscriber(1, 'one', 't', 1);
  const publisher = cells.at(2).connect('publisher');
  publisher.publish('t', 'x', { qos: 2, messageId: 1 });
  cells.settle();
  expect(zero.brief()).toEqual(['publish t x']);
  expect(one.take()).toMatchObject([{ topic: 't', qos: 1 }]);
  const { applied } = cells.at(0).simulation.broker.stats.forwarding;
  expect([applied, cells.at(1).simulation.broker.stats.forwarding.applied]).toEqual([0, 1]);
});

test('an alias, a will and what the broker says of itself: a name, a message, and nothing', () => {
  cells = SimulatedCells.linked(2);
  const client = subscriber(0, 'subscriber', '#');
  const system = subscriber(0, 'system', '$SYS/#');
  const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0, retain: false } as const;
  const publisher = cells.at(1).connect('publisher', { will });
  publisher.publish('t', '1', { properties: { topicAlias: 1 } });
  publisher.publish('', '2', { properties: { topicAlias: 1 } });
  publisher.drop();
  cells.settle();
  expect(client.brief()).toEqual(['publish t 1', 'publish t 2', 'publish will gone']);
  system.take();
  const { router } = cells.at(1).simulation.broker;
  const bytes = { topicBytes: Buffer.from('$SYS/x'), payload: Buffer.from('1') };
  const own = { qos: 0, retain: false, publisherId: '', properties: new Uint8Array(0) } as const;
  const expiresAt = Number.POSITIVE_INFINITY;
  router.publishMessage({ topic: '$SYS/x', ...bytes, ...own, expiresAt });
  cells.settle();
  expect(system.brief()).toEqual([]);
});

test('No Local holds for a publisher in another cell that has the same identifier as no one here', () => {
  cells = SimulatedCells.linked(2);
  const client = subscriber(0, 'client', 't', 0, 5, { nl: true });
  cells.at(1).connect('client').publish('t', 'own');
  cells.at(1).connect('other').publish('t', 'other');
  cells.settle();
  expect(client.brief()).toEqual(['publish t other']);
});

test('one member of a shared group gets each message, wherever it is, by turns', () => {
  cells = SimulatedCells.linked(3);
  const members = [0, 0, 1, 2].map((cell, index) =>
    subscriber(cell, `member-${index}`, '$share/g/t'),
  );
  cells.advance(0.1);
  const publisher = cells.at(1).connect('publisher');
  for (let number = 0; number < 40; number++) publisher.publish('t', `${number}`);
  cells.settle();
  const came = members.map((member) => member.brief());
  expect(came.map(({ length }) => length)).toEqual([10, 10, 10, 10]);
  expect(new Set(came.flat()).size).toBe(40);
});

test('what is for a cell without a link is dropped and counted; what is published after is not', () => {
  cells = SimulatedCells.linked(3);
  const away = subscriber(0, 'away', 't');
  const there = subscriber(1, 'there', 't');
  cells.cut(0, 2);
  const publisher = cells.at(2).connect('publisher');
  publisher.publish('t', 'lost');
  cells.settle();
  expect(droppedAt(2, 'cell-away')).toBe(1);
  cells.link(0, 2);
  publisher.publish('t', 'comes');
  cells.settle();
  expect(away.brief()).toEqual(['publish t comes']);
  expect(there.brief()).toEqual(['publish t lost', 'publish t comes']);
});

test('before a cell has said what it wants it is sent everything, and gives its clients what they want', () => {
  cells = new SimulatedCells(2);
  const publisher = cells.at(1).connect('publisher');
  publisher.publish('t', 'kept', { qos: 1, messageId: 1 });
  expect(publisher.brief()).toEqual(['puback 0']);
  const waiting = () => cells.at(1).forwarding.sessionOf(0).queuedCount;
  expect(waiting()).toBe(1);
  let isWhole = false;
  cells.at(1).peers.whenWhole(() => {
    isWhole = true;
  });
  cells.linkAll();
  expect(isWhole).toBe(false);
  cells.settle();
  expect([isWhole, cells.at(1).peers.isWhole]).toEqual([true, true]);
  publisher.publish('t', 'nobody’s', { qos: 1, messageId: 2 });
  expect(publisher.brief()).toEqual(['puback 16']);
  expect(waiting()).toBe(0);
});

test('who publishes more than a link takes is not read from until it does; what is too much for it is dropped and counted', () => {
  const options = { mqtt: { maxOutputBuffer: 10_000 } };
  cells = SimulatedCells.linked(2, options, 2000);
  const client = subscriber(0, 'subscriber', 't');
  const publisher = cells.at(1).connect('publisher');
  const packet = (number: number) =>
    ({
      cmd: 'publish',
      qos: 0,
      dup: false,
      retain: false,
      topic: 't',
      payload: Buffer.alloc(1000, `${number % 10}`),
    }) as const;
  publisher.send(...Array.from({ length: 30 }, (_, number) => packet(number)));
  expect(publisher.isPaused).toBe(true);
  expect(cells.at(1).simulation.broker.stats.publishersHeldBack).toBe(1);
  const dropped = droppedAt(1, 'cell-behind');
  expect(dropped).toBeGreaterThan(10);
  cells.settle();
  expect(publisher.isPaused).toBe(false);
  const { dropped: there } = cells.at(0).simulation.broker.stats;
  expect(client.take()).toHaveLength(30 - dropped - there['slow-subscriber']);
  publisher.send(...Array.from({ length: 5 }, (_, number) => packet(number)));
  expect(publisher.isPaused).toBe(true);
  cells.cut(0, 1);
  expect(publisher.isPaused).toBe(false);
});

test('a frame that is none costs the link nothing, and is counted as an error of the broker’s', () => {
  cells = SimulatedCells.linked(2);
  const client = subscriber(0, 'subscriber', 't');
  const link = cells.at(1).links.of('node-0');
  for (const body of [[], [4], [3, 0, 0, 0], [4, 1, 0, 0, 0, 0, 0, 0, 0, 0x30]]) {
    link?.send(48, Uint8Array.from(body));
  }
  cells.settle();
  expect(cells.at(0).simulation.broker.stats.internalErrors.get('receiving')).toBe(4);
  cells.at(1).connect('publisher').publish('t', 'x');
  cells.settle();
  expect(client.brief()).toEqual(['publish t x']);
});
