import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Message, matchesFilter, RetainedStore } from '../src/index.ts';

const NEVER = Number.POSITIVE_INFINITY;

function newMessage(topic: string, payload = 'x', expiresAt = NEVER): Message {
  return {
    topic,
    topicBytes: Buffer.from(topic),
    properties: new Uint8Array(0),
    payload: Buffer.from(payload),
    qos: 0,
    retain: true,
    expiresAt,
    publisherId: '',
  };
}

function newStore(messagesMax = 1000, bytesMax = 1_000_000): RetainedStore {
  return new RetainedStore({ messagesMax, bytesMax });
}

const level = fc.constantFrom('a', 'b', 'c', '', '$x');
const topicArbitrary = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'))
  .filter((topic) => topic !== '');
const filterArbitrary = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([parts, hash]) => [...parts, ...(hash ? ['#'] : [])].join('/'))
  .filter((filter) => filter !== '');

test('it finds what comparing every topic finds, through any changes [MQTT-3.3.1-9]', () => {
  const operation = fc.record({
    topic: topicArbitrary,
    payload: fc.constantFrom('', 'x', 'longer'),
    expiresAt: fc.constantFrom(NEVER, 10, 20),
  });
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 40 }),
      fc.array(filterArbitrary, { minLength: 1, maxLength: 6 }),
      (operations, filters) => {
        const store = newStore();
        const model = new Map<string, Message>();
        for (const { topic, payload, expiresAt } of operations) {
          const message = newMessage(topic, payload, expiresAt);
          store.set(message);
          if (payload === '') model.delete(topic);
          else model.set(topic, message);
        }
        expect(store.count).toBe(model.size);
        for (const filter of [...filters, '#', '+/#', '$x/#']) {
          const expected = [...model.values()].filter(
            ({ topic, expiresAt }) => expiresAt > 15 && matchesFilter(filter, topic),
          );
          const found = store.match(filter, 15);
          expect(new Set(found)).toEqual(new Set(expected));
          expect(found).toHaveLength(expected.length);
        }
        store.removeExpired(20, 1000);
        store.removeExpired(20, 1000);
        for (const { topic, expiresAt } of model.values()) {
          if (expiresAt <= 20) model.delete(topic);
        }
        expect(store.count).toBe(model.size);
        for (const topic of model.keys()) store.set(newMessage(topic, ''));
        expect([store.count, store.bytes]).toEqual([0, 0]);
      },
    ),
    { numRuns: 500 },
  );
});

test('a message without payload removes the one before and is not kept [MQTT-3.3.1-6] [MQTT-3.3.1-7]', () => {
  const store = newStore();
  expect(store.set(newMessage('a'))).toBe('stored');
  expect(store.set(newMessage('a', ''))).toBe('removed');
  expect(store.get('a')).toBeUndefined();
});

test('limits refuse a new message and leave the former one', () => {
  const store = newStore(1, 400);
  expect(store.set(newMessage('a', 'one'))).toBe('stored');
  expect(store.set(newMessage('b'))).toBe('refused');
  expect(store.set(newMessage('a', 'x'.repeat(500)))).toBe('refused');
  expect(Buffer.from(store.get('a')?.payload ?? '').toString()).toBe('one');
  expect(store.set(newMessage('a', 'two'))).toBe('stored');
});

test('looking for expired messages goes on where it ended', () => {
  const store = newStore();
  for (let index = 0; index < 100; index++) store.set(newMessage(`t/${index}`, 'x', index));
  let removed = 0;
  for (let call = 0; call < 10; call++) removed += store.removeExpired(1000, 10);
  expect(removed).toBe(100);
  expect(store.count).toBe(0);
});

test('one branch is found among 100,000 topics, and all by #', () => {
  const store = newStore(100_000, 100_000_000);
  for (let index = 0; index < 100_000; index++) {
    store.set(newMessage(`site/${index % 100}/device/${index}`));
  }
  expect(store.match('site/7/device/+', 0)).toHaveLength(1000);
  expect(store.match('site/+/device/4242', 0)).toHaveLength(1);
  expect(store.match('#', 0)).toHaveLength(100_000);
});

test('a topic of 32,000 levels costs no stack', () => {
  const store = newStore();
  const topic = Array(32_000).fill('a').join('/');
  store.set(newMessage(topic));
  store.set(newMessage(`${topic}/b`));
  expect(store.match(`${'+/'.repeat(31_999)}+`, 0)).toHaveLength(1);
  expect(store.match(`${'a/'.repeat(31_000)}#`, 0)).toHaveLength(2);
});

test('messages that are exempt take no room from others, and find room when there is none', () => {
  const store = new RetainedStore({
    messagesMax: 1,
    bytesMax: 400,
    isExempt: ({ topic }) => topic.startsWith('own/'),
  });
  expect(store.set(newMessage('own/1', 'x'.repeat(1000)))).toBe('stored');
  expect(store.set(newMessage('own/2'))).toBe('stored');
  expect(store.set(newMessage('a'))).toBe('stored');
  expect(store.set(newMessage('b'))).toBe('refused');
  expect(store.set(newMessage('own/1', ''))).toBe('removed');
  expect(store.set(newMessage('own/3'))).toBe('stored');
  store.delete('a');
  expect(store.set(newMessage('b'))).toBe('stored');
  expect(store.set(newMessage('c'))).toBe('refused');
});
