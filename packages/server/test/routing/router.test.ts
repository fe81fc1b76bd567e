import { expect, test } from '@jest/globals';
import type { PacketError, ProtocolVersion } from '@promptmq/codec';
import { Code, message, publisher, routerOf, Subscriber, view } from '../support/router.ts';

test('the outcome says whether anybody was there to get a message (§3.4.2.1)', () => {
  const { router, subscribe } = routerOf();
  expect(router.publish(view(), publisher(), null)).toEqual({
    reasonCode: Code.NoMatching,
    position: -1,
  });
  subscribe(new Subscriber('a'));
  expect(router.publish(view(), publisher(), null).reasonCode).toBe(Code.Success);
  expect(router.publishMessage(message()).reasonCode).toBe(Code.Success);
});

test('a PUBLISH, a will and a topic of $SYS come alike to a subscriber', () => {
  const { router, subscribe } = routerOf();
  const subscriber = subscribe(new Subscriber('a'), { qos: 1, subscriptionIdentifier: 7 });
  subscribe(subscriber, { topicFilter: '$SYS/#', qos: 1, subscriptionIdentifier: 7 });
  router.publish(view({ qos: 2 }), publisher(), null);
  router.publishMessage(message({ qos: 2 }));
  router.publishMessage(message({ topic: '$SYS/x', qos: 2 }));
  const [first, ...others] = subscriber.delivered.map(({ qos, retain, identifiers, message }) => ({
    ...{ qos, retain, identifiers, payload: Buffer.from(message.payload).toString() },
  }));
  expect(first).toEqual({ qos: 1, retain: false, identifiers: [7], payload: 'payload' });
  expect(others).toEqual([first, first]);
});

test('No Local withholds a client’s messages from itself, and its will [MQTT-3.8.3-3]', () => {
  const { router, subscribe } = routerOf();
  const own = subscribe(new Subscriber('publisher'), { noLocal: true });
  const other = subscribe(new Subscriber('other'), { noLocal: true });
  router.publish(view(), publisher(), null);
  router.publishMessage(message());
  expect(own.delivered).toHaveLength(0);
  expect(other.delivered).toHaveLength(2);
});

test('one record is written for all stored sessions, and its position is the outcome’s', () => {
  const { router, journal, subscribe } = routerOf();
  for (const id of ['a', 'b']) subscribe(new Subscriber(id, true));
  const inMemory = subscribe(new Subscriber('c'));
  const { position } = router.publish(view(), publisher(), null);
  expect(position).toBe(10);
  expect(journal.written).toMatchObject([{ ids: ['a', 'b'], origin: null, isRetained: false }]);
  expect(inMemory.delivered).toHaveLength(1);
  router.checkInvariants();
  expect(router.publish(view({ qos: 0 }), publisher(), null).position).toBe(-1);
  expect(journal.written).toHaveLength(1);
});

test('what only has to be known is written, too: a QoS 2 exchange, a will, a retained message', () => {
  const { router, journal } = routerOf();
  const received = { kind: 'received', session: 3, packetId: 1 } as const;
  const will = { kind: 'will', session: 3 } as const;
  expect(router.publish(view({ qos: 2 }), publisher(), received).position).toBe(10);
  expect(router.publishMessage(message(), will).position).toBe(20);
  expect(router.publish(view({ retain: true }), publisher(), null).position).toBe(30);
  expect(journal.written.map(({ origin, isRetained }) => [origin, isRetained])).toEqual([
    [received, false],
    [will, false],
    [null, true],
  ]);
});

test('what the broker says of itself is retained, and not written', () => {
  const { router, journal } = routerOf({ maxRetained: 0 });
  const { position } = router.publishMessage(message({ topic: '$SYS/x', qos: 0, retain: true }));
  expect(position).toBe(-1);
  expect(journal.written).toEqual([]);
  expect(router.retained.get('$SYS/x')).toBeDefined();
});

test('on a full disk, what would be written is refused, and nobody gets it', () => {
  const { router, journal, stats, subscribe } = routerOf();
  const stored = subscribe(new Subscriber('a', true));
  const inMemory = subscribe(new Subscriber('b'), { topicFilter: '#' });
  journal.fill();
  expect(router.publish(view(), publisher(), null).reasonCode).toBe(Code.QuotaExceeded);
  expect(router.publishMessage(message()).reasonCode).toBe(Code.QuotaExceeded);
  expect(stored.delivered).toHaveLength(0);
  expect(inMemory.delivered).toHaveLength(0);
  expect(stats.refused['storage-full']).toBe(1);
  const received = { kind: 'received', session: 3, packetId: 1 } as const;
  const elsewhere = view({ topic: 'u', qos: 2 });
  expect(router.publish(elsewhere, publisher(), received).reasonCode).toBe(Code.QuotaExceeded);
  expect(router.publish(elsewhere, publisher(), null).reasonCode).toBe(Code.Success);
  router.checkInvariants();
});

test('on a full disk, QoS 0 is delivered and not retained', () => {
  const { router, journal, subscribe } = routerOf();
  const subscriber = subscribe(new Subscriber('a'));
  journal.fill();
  const { reasonCode } = router.publish(view({ qos: 0, retain: true }), publisher(), null);
  expect(reasonCode).toBe(Code.Success);
  expect(subscriber.delivered).toHaveLength(1);
  expect(router.retained.count).toBe(0);
});

test('before MQTT 5, a message that has no room ends the connection: there is no other way to refuse it', () => {
  const { router, journal, subscribe } = routerOf();
  subscribe(new Subscriber('a', true));
  journal.fill();
  const old = publisher({ version: 4 as ProtocolVersion });
  const publish = () => router.publish(view(), old, null);
  expect(publish).toThrow(expect.objectContaining({ reasonCode: Code.QuotaExceeded }));
});

test('a retained message for which there is no room is refused; a will is delivered, and neither retained nor written so', () => {
  const { router, journal, stats, subscribe } = routerOf({ maxRetained: 0 });
  const subscriber = subscribe(new Subscriber('a'));
  const refused = router.publish(view({ retain: true }), publisher(), null);
  expect(refused.reasonCode).toBe(Code.QuotaExceeded);
  expect(subscriber.delivered).toHaveLength(0);
  const will = { kind: 'will', session: 3 } as const;
  expect(router.publishMessage(message({ retain: true }), will).reasonCode).toBe(Code.Success);
  expect(subscriber.delivered).toHaveLength(1);
  expect(journal.written).toMatchObject([{ isRetained: false }]);
  expect(stats.refused['retained-full']).toBe(2);
});

test('clients can’t publish to $SYS, but for the states of bridges', () => {
  const { router, stats } = routerOf();
  expect(router.publish(view({ topic: '$SYS/x' }), publisher(), null).reasonCode).toBe(
    Code.NotAuthorized,
  );
  const state = view({ topic: '$SYS/broker/connection/b/state' });
  expect(router.publish(state, publisher(), null).reasonCode).toBe(Code.NoMatching);
  expect(stats.refused['not-authorized']).toBe(1);
});

test('with mqtt.queue-overflow reject, a message is for all who match, or for nobody', () => {
  const { router, stats, subscribe } = routerOf({ queueOverflow: 'reject' });
  const full = subscribe(new Subscriber('full'));
  const other = subscribe(new Subscriber('other'));
  full.isFull = true;
  expect(router.publish(view(), publisher(), null).reasonCode).toBe(Code.QuotaExceeded);
  expect(other.delivered).toHaveLength(0);
  expect(stats.refused['queue-full']).toBe(1);
  expect(router.publish(view({ qos: 0 }), publisher(), null).reasonCode).toBe(Code.Success);
  expect(router.publishMessage(message()).reasonCode).toBe(Code.Success);
});

test('an alias that comes with a topic stands for it from then on, whatever becomes of the message (§3.3.2.3.4)', () => {
  const { router, subscribe } = routerOf();
  const subscriber = subscribe(new Subscriber('a'));
  const client = publisher();
  const outcome = router.skip(view({ topicAlias: 2 }), client, Code.QuotaExceeded);
  expect(outcome).toEqual({ reasonCode: Code.QuotaExceeded, position: -1 });
  expect(subscriber.delivered).toHaveLength(0);
  router.publish(view({ topic: '', topicAlias: 2 }), client, null);
  expect(subscriber.delivered.map(({ message }) => message.topic)).toEqual(['t']);
});

test.each([
  ['that was never set', 3, '§3.3.2.3.4'],
  ['larger than CONNACK allows', 6, 'MQTT-3.3.2-9'],
])('a topic alias %s ends the connection', (_what, topicAlias, rule) => {
  const { router } = routerOf();
  let thrown: unknown = null;
  try {
    router.publish(view({ topic: '', topicAlias }), publisher(), null);
  } catch (error) {
    thrown = error;
  }
  expect((thrown as PacketError).rule).toBe(rule);
});

test('what was prepared for a message that was not routed to its end is not the next one’s', () => {
  const { router, journal, subscribe } = routerOf();
  subscribe(new Subscriber('a', true), { topicFilter: 'fails' });
  const failing = subscribe(new Subscriber('b'), { topicFilter: 'fails' });
  failing.deliver = () => {
    throw new Error('out of order');
  };
  expect(() => router.publish(view({ topic: 'fails' }), publisher(), null)).toThrow('out of order');
  expect(() => router.checkInvariants()).toThrow('still to be written');
  router.abandon();
  router.checkInvariants();
  router.publish(view(), publisher(), null);
  expect(journal.written).toEqual([]);
});

test('what is sent to many counts in the budget of a turn', () => {
  const { router, turns, subscribe } = routerOf();
  for (let index = 0; index < 80; index++) subscribe(new Subscriber(`${index}`));
  router.publish(view(), publisher(), null);
  const used = turns.used;
  expect(used).toBeGreaterThanOrEqual(10);
  router.publishMessage(message());
  expect(turns.used).toBeGreaterThanOrEqual(used + 10);
});
