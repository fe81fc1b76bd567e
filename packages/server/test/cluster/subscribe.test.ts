import { afterEach, expect, test } from '@jest/globals';
import { SimulatedCells } from '../support/simulated-cells.ts';

let cells: SimulatedCells;

afterEach(() => cells.checkInvariants());

test('SUBACK comes when all other cells route to the subscription, and nothing that is published from then on is missed', () => {
  cells = SimulatedCells.linked(3);
  const subscriber = cells.at(0).connect('subscriber');
  const publishers = [1, 2].map((cell) => cells.at(cell).connect(`publisher-${cell}`));
  subscriber.subscribe('t/+', { qos: 0 });
  let answer: string[] = [];
  while (answer.length === 0) {
    expect(cells.step()).toBe(true);
    answer = subscriber.brief();
  }
  expect(answer).toEqual(['suback 0']);
  for (const [index, publisher] of publishers.entries()) publisher.publish('t/x', `${index}`);
  cells.settle();
  expect(subscriber.brief().sort()).toEqual(['publish t/x 0', 'publish t/x 1']);
});

test('what a client sends after SUBSCRIBE waits for SUBACK', () => {
  cells = SimulatedCells.linked(2);
  const client = cells.at(0).connect('client');
  client.subscribe('t', { qos: 0 });
  client.publish('t', 'own');
  expect(client.brief()).toEqual([]);
  cells.settle();
  expect(client.brief()).toEqual(['suback 0', 'publish t own']);
});

test('a subscription that is there already, or is the second of its filter, is acknowledged at once where no retained messages are owed', () => {
  cells = SimulatedCells.linked(2);
  const [one, other] = ['one', 'other'].map((id) => cells.at(0).connect(id));
  one?.subscribe('t', { qos: 1 });
  cells.settle();
  expect(one?.brief()).toEqual(['suback 1']);
  other?.subscribe('t', { qos: 1, rh: 2 });
  one?.subscribe('t', { qos: 0, rh: 1 });
  expect([one?.brief(), other?.brief()]).toEqual([['suback 0'], ['suback 1']]);
});

test('without a link, SUBSCRIBE is refused after five seconds, and the subscription is gone (0x80)', () => {
  cells = SimulatedCells.linked(2);
  cells.cut(0, 1);
  const client = cells.at(0).connect('client');
  client.subscribe('t', { qos: 1 });
  cells.advance(4.9);
  expect(client.brief()).toEqual([]);
  cells.advance(0.2);
  expect(client.brief()).toEqual(['suback 128']);
  const { broker } = cells.at(0).simulation;
  expect(broker.router.trie.subscriptionCount).toBe(0);
  expect(broker.stats.subscriptionsRefused.get(0x80)).toBe(1);
  client.publish('t', 'own');
  expect(client.brief()).toEqual([]);
  cells.link(0, 1);
  client.subscribe('t', { qos: 1 });
  cells.settle();
  expect(client.brief()).toEqual(['suback 1']);
});

test('where it would have replaced one, what there was holds again, also of a filter that was there twice', () => {
  cells = SimulatedCells.linked(2, { mqtt: { maxTopicLevels: 3 } });
  const client = cells.at(0).connect('client');
  client.subscribe('t', { qos: 0 });
  cells.settle();
  client.take();
  cells.cut(0, 1);
  client.send({
    cmd: 'subscribe',
    messageId: 2,
    subscriptions: [
      { topic: 't', qos: 2 },
      { topic: 'u', qos: 0 },
      { topic: 'u', qos: 2 },
      { topic: 't', qos: 1 },
      { topic: 'a/b/c/d', qos: 1 },
    ],
  });
  cells.advance(5);
  expect(client.brief()).toEqual(['suback 128,128,128,128,143']);
  const { trie } = cells.at(0).simulation.broker.router;
  const { session } = cells.at(0).simulation.broker.sessions.find('client') ?? {};
  expect(session && trie.subscriptionOf(session, 't')).toMatchObject({ qos: 0 });
  expect(trie.subscriptionCount).toBe(1);
});

test('SUBACK of MQTT 3.1 can’t refuse: the connection is closed instead', () => {
  cells = SimulatedCells.linked(2);
  cells.cut(0, 1);
  const client = cells.at(0).connect('client', { protocolVersion: 3 });
  client.subscribe('t', { qos: 1 });
  cells.advance(5);
  expect(client.brief()).toEqual([]);
  expect(client.isClosed).toBe(true);
});

test('a client that is gone while its SUBSCRIBE waits has subscribed all the same, and who resumes is told when it is so', () => {
  cells = SimulatedCells.linked(2);
  const properties = { sessionExpiryInterval: 100 };
  const client = cells.at(0).connect('client', { clean: false, properties });
  client.subscribe('t', { qos: 0 });
  client.drop();
  const again = cells.at(0).connect('client', { clean: false, properties });
  again.subscribe('t', { qos: 0 });
  expect(again.brief()).toEqual([]);
  cells.settle();
  expect(again.brief()).toEqual(['suback 0']);
});

test('where all other cells are over for good, nobody is waited for', () => {
  cells = SimulatedCells.linked(2);
  cells.cut(0, 1);
  const client = cells.at(0).connect('client');
  client.subscribe('t', { qos: 1, rh: 2 });
  expect(client.brief()).toEqual([]);
  cells.at(0).peers.forget('node-1');
  expect(client.brief()).toEqual(['suback 1']);
});
