import { afterEach, expect, test } from '@jest/globals';
import { cellOf } from '@promptmq/cluster';
import { Random } from '@promptmq/wal/testing';
import { SimulatedCells, topicOf } from '../support/simulated-cells.ts';
import type { SimulatedClient } from '../support/simulation.ts';

let cells: SimulatedCells;

afterEach(() => cells.checkInvariants());

/** Publishes with RETAIN, and has it go everywhere. */
function retain(cell: number, topic: string, payload: string, fields: object = {}): void {
  const publisher = cells.at(cell).connect(`publisher-${cell}`);
  publisher.publish(topic, payload, { retain: true, ...fields });
  cells.settle();
}

/** What a new subscription in each cell is sent. */
function seenBy(topicFilter: string): string[][] {
  return cells.cells.map((cell, index) => {
    const client = cell.connect(`reader-${index}`);
    client.subscribe(topicFilter, { qos: 1 });
    cells.settle();
    const came = client.brief().filter((line) => line.startsWith('publish'));
    client.drop();
    return came;
  });
}

test('a retained message is there for subscribers of all cells, whichever cell publishes it and whichever keeps it', () => {
  cells = SimulatedCells.linked(3);
  for (const keeper of [0, 1, 2]) {
    const topic = topicOf(keeper, 3);
    for (const cell of [0, 1, 2]) {
      retain(cell, topic, `of ${cell}`, cell === 2 ? { qos: 1, messageId: 1 } : {});
      const all = `publish ${topic} of ${cell}`;
      expect(seenBy(topic)).toEqual([[all], [all], [all]]);
    }
  }
  expect(seenBy('t/+').map(({ length }) => length)).toEqual([3, 3, 3]);
});

test('one with an empty payload removes it everywhere, and so does an operator in any cell', () => {
  cells = SimulatedCells.linked(2);
  for (const keeper of [0, 1]) {
    const topic = topicOf(keeper, 2);
    retain(0, topic, 'x');
    retain(1, topic, '');
    expect(seenBy(topic)).toEqual([[], []]);
    for (const cell of [0, 1]) {
      retain(0, topic, 'x');
      const { router } = cells.at(cell).simulation.broker;
      const message = router.retained.get(topic);
      expect(message && router.clearRetained(message)).toBe(true);
      cells.settle();
      expect(seenBy(topic)).toEqual([[], []]);
    }
  }
});

test('its own cell finds it before the keeper has it, and the keeper decides which of two is the last', () => {
  cells = SimulatedCells.linked(3);
  const topic = topicOf(2, 3);
  for (const cell of [0, 1]) {
    const client = cells.at(cell).connect(`publisher-${cell}`);
    client.publish(topic, `of ${cell}`, { retain: true });
    client.subscribe(topic);
    cells.settle();
    expect(client.brief()).toContain(`publish ${topic} of ${cell}`);
  }
  cells.settle();
  const last = `publish ${topic} of 1`;
  expect(seenBy(topic)).toEqual([[last], [last], [last]]);
});

test('what was retained and removed while there was no link is so when there is one again, and a cell that begins gets all', () => {
  cells = SimulatedCells.linked(2);
  const [gone, kept, late] = ['gone', 'kept', 'late'].map((name) => topicOf(1, 2, name));
  const hidden = topicOf(1, 2, '$own');
  for (const topic of [gone, kept, hidden]) retain(1, `${topic}`, 'x');
  cells.cut(0, 1);
  const publisher = cells.at(1).connect('publisher-1');
  publisher.publish(`${gone}`, '', { retain: true });
  publisher.publish(`${late}`, 'y', { retain: true, properties: { messageExpiryInterval: 9 } });
  const readAt0 = () =>
    [gone, kept, late, hidden].map(
      (topic) => cells.at(0).simulation.broker.router.retained.get(`${topic}`)?.payload.length,
    );
  expect(readAt0()).toEqual([1, 1, undefined, 1]);
  cells.link(0, 1);
  cells.settle();
  expect(readAt0()).toEqual([undefined, 1, 1, 1]);
  cells.advance(10);
  expect(seenBy(`${late}`)).toEqual([[], []]);
});

test('what expires on its way to the cell that keeps it has taken the place of an older one, and so has a removal', () => {
  cells = SimulatedCells.linked(2);
  const [replaced, removed] = ['replaced', 'removed'].map((name) => topicOf(1, 2, name));
  for (const topic of [replaced, removed]) retain(0, `${topic}`, 'old');
  cells.cut(0, 1);
  const properties = { messageExpiryInterval: 1 };
  const publisher = cells.at(0).connect('publisher');
  for (const [messageId, topic, payload] of [
    [1, replaced, 'new'],
    [2, removed, ''],
  ] as const) {
    publisher.publish(`${topic}`, payload, { qos: 1, messageId, retain: true, properties });
  }
  cells.advance(2);
  cells.link(0, 1);
  cells.settle();
  expect(seenBy(`${replaced}`)).toEqual([[], []]);
  expect(seenBy(`${removed}`)).toEqual([[], []]);
});

test('very many are said as the link takes them, and what changes meanwhile is not lost', () => {
  cells = new SimulatedCells(2, {}, 4096);
  const publisher = cells.at(1).connect('publisher');
  const topics: string[] = [];
  for (let number = 0; topics.length < 2000; number++) {
    const topic = `many/${number}`;
    if (cellOf(topic, 2) === 1) topics.push(topic);
  }
  for (const topic of topics) publisher.publish(topic, 'old', { retain: true });
  cells.link(0, 1);
  for (let step = 0; step < 20; step++) cells.step();
  const { retained } = cells.at(0).simulation.broker.router;
  expect(retained.count).toBeLessThan(2000);
  const [first, last] = [topics[0], topics.at(-1)];
  publisher.publish(`${first}`, 'new', { retain: true });
  publisher.publish(`${last}`, '', { retain: true });
  cells.settle();
  expect(retained.count).toBe(1999);
  expect(Buffer.from(retained.get(`${first}`)?.payload ?? []).toString()).toBe('new');
  expect(retained.get(`${last}`)).toBeUndefined();
});

/** Somebody who has subscribed, and the last number that had been acknowledged before. */
interface Reader {
  readonly client: SimulatedClient;
  readonly acknowledged: number;
}

/** Retains numbers, one after the other, while others subscribe and frames between the cells arrive in any order. */
function retainAndSubscribe(random: Random): { readonly readers: Reader[]; readonly last: number } {
  const topic = topicOf(random.below(3), 3);
  const filters = [topic, '#', 't/+'];
  // Nobody who comes later waits for filters to be known.
  for (const cell of cells.cells) {
    for (const topicFilter of filters) cell.connect(`first ${topicFilter}`).subscribe(topicFilter);
    cells.settle();
  }
  cells.random = random;
  const publisher = cells.at(random.below(3)).connect('publisher');
  const readers: Reader[] = [];
  let last = 0;
  const publish = () => {
    last++;
    const qos = random.below(3);
    const terms = qos === 0 ? {} : { messageId: last };
    publisher.publish(topic, `${last}`, { qos, retain: true, ...terms });
  };
  const subscribe = () => {
    const client = cells.at(random.below(3)).connect(`reader ${readers.length}`);
    client.subscribe(random.pick(filters), { qos: random.below(3) });
    readers.push({ client, acknowledged: last });
  };
  const step = () => void cells.step();
  for (let count = 0; count < 60; count++) {
    random.pick([publish, subscribe, step, step, step, step])();
  }
  cells.settle();
  return { readers, last };
}

/** The numbers that a reader was sent. */
function numbersOf({ client }: Reader): number[] {
  const lines = client.brief().filter((line) => line.startsWith('publish'));
  return lines.map((line) => Number(line.split(' ')[2]));
}

test('who subscribes gets at least what was acknowledged before, and misses nothing that comes later, whatever arrives first', () => {
  for (let seed = 1; seed <= 60; seed++) {
    cells = SimulatedCells.linked(3);
    const { readers, last } = retainAndSubscribe(new Random(seed));
    for (const reader of readers) {
      const seen = numbersOf(reader);
      const first = seen[0] ?? last;
      expect(first).toBeGreaterThanOrEqual(reader.acknowledged);
      const later = Array.from({ length: last - first }, (_, index) => first + 1 + index);
      expect(seen).toEqual(expect.arrayContaining(later));
      if (last > 0) expect(seen.at(-1)).toBe(last);
    }
    cells.checkInvariants();
  }
});

test('a cell that is away is waited for, in case it has something that was acknowledged, but not for ever', () => {
  cells = SimulatedCells.linked(3);
  const topic = topicOf(2, 3);
  cells.cut(1, 2);
  const publisher = cells.at(1).connect('publisher');
  publisher.publish(topic, 'x', { qos: 1, messageId: 1, retain: true });
  const client = cells.at(0).connect('client');
  client.subscribe(topic, { qos: 1 });
  cells.settle();
  expect(client.brief()).toEqual([]);
  cells.link(1, 2);
  cells.settle();
  expect(client.brief()).toEqual(['suback 1', `publish ${topic} x`]);

  cells.cut(0, 2);
  const { stats } = cells.at(0).simulation.broker;
  // Its process is over, so that it routes nothing.
  cells.at(0).peers.forget('node-2');
  const others = ['one', 'other'].map((id) => cells.at(0).connect(id));
  others[0]?.subscribe('#', { qos: 1 });
  cells.settle();
  cells.advance(4.9);
  expect(others[0]?.brief()).toEqual([]);
  cells.advance(0.2);
  expect(others[0]?.brief()).toEqual(['suback 1', `publish ${topic} x`]);
  expect(stats.forwarding.barriersTimedOut).toBe(1);
  // Nobody waits for it again, until it is there.
  others[1]?.subscribe('#', { qos: 1 });
  cells.settle();
  expect(others[1]?.brief()).toEqual(['suback 1', `publish ${topic} x`]);
  cells.link(0, 2);
  cells.settle();
  expect(stats.forwarding.barriersTimedOut).toBe(1);
});

test('what is published while retained messages are looked for comes after them', () => {
  cells = SimulatedCells.linked(2);
  const topic = topicOf(1, 2);
  retain(0, topic, 'retained');
  const client = cells.at(0).connect('client');
  client.subscribe(topic, { qos: 1 });
  cells.at(0).connect('publisher').publish(topic, 'later');
  expect(client.brief()).toEqual([]);
  cells.settle();
  expect(client.brief()).toEqual([
    'suback 1',
    `publish ${topic} retained`,
    `publish ${topic} later`,
  ]);
});

test('a SUBSCRIBE that is broken off while it waits holds nothing back', () => {
  cells = SimulatedCells.linked(2);
  const properties = { sessionExpiryInterval: 100 };
  const terms = { clean: false, properties };
  cells.at(0).connect('client', terms).subscribe('t', { qos: 1 });
  const again = cells.at(0).connect('client', terms);
  cells.settle();
  cells.at(0).connect('publisher').publish('t', 'x', { qos: 1, messageId: 1 });
  cells.settle();
  expect(again.brief()).toEqual(['publish t x']);
});

test('only the cell that keeps them says what retained messages of a topic are', () => {
  cells = SimulatedCells.linked(2);
  const topic = topicOf(0, 2);
  retain(0, topic, 'x');
  cells.at(1).peers.onRetained(
    {
      topic,
      topicBytes: Buffer.from(topic),
      properties: new Uint8Array(0),
      payload: Buffer.from('false'),
      qos: 0,
      retain: true,
      expiresAt: Number.POSITIVE_INFINITY,
      publisherId: '',
    },
    -1,
  );
  cells.settle();
  const { retained } = cells.at(0).simulation.broker.router;
  expect(Buffer.from(retained.get(topic)?.payload ?? []).toString()).toBe('x');
});
