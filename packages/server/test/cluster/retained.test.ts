import { afterEach, expect, test } from '@jest/globals';
import { cellOf } from '@promptmq/cluster';
import { SimulatedCells, topicOf } from '../support/simulated-cells.ts';

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
