import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { matchesFilter, type RetainedMessage, RetainedStore } from '../src/index.ts';

const NEVER = Number.POSITIVE_INFINITY;

function newMessage(topic: string, payload = 'x', expiresAt = NEVER): RetainedMessage {
  return { topic, payload: Buffer.from(payload), expiresAt };
}

function newStore(messagesMax = 1000, bytesMax = 1_000_000): RetainedStore<RetainedMessage> {
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
      fc.array(operation, { maxLength: 40, size: 'max' }),
      fc.array(filterArbitrary, { minLength: 1, maxLength: 6 }),
      (operations, filters) => {
        const store = newStore();
        const model = new Map<string, RetainedMessage>();
        for (const { topic, payload, expiresAt } of operations) {
          const message = newMessage(topic, payload, expiresAt);
          store.set(message);
          if (payload === '') model.delete(topic);
          else model.set(topic, message);
          store.checkInvariants();
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
        store.checkInvariants();
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

describe('a walk in steps finds what was there when it began', () => {
  // Enough of them that children are in maps, and few enough that nodes are split and joined.
  const wide = fc.constantFrom(...'0123456789ab$');
  const topics = fc
    .array(wide, { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join('/'))
    .filter((topic) => topic !== '');
  const filters = fc
    .tuple(fc.array(fc.oneof(wide, fc.constant('+')), { minLength: 0, maxLength: 3 }), fc.boolean())
    .map(([parts, hash]) => [...parts, ...(hash || parts.length === 0 ? ['#'] : [])].join('/'));
  const change = fc.record({ topic: topics, isRemoval: fc.boolean() });
  /** Topics that are there at first, and changes of them and of others. */
  const scenario = fc
    .array(topics, { minLength: 1, maxLength: 120, size: 'max' })
    .chain((atFirst) =>
      fc.tuple(
        fc.constant(atFirst),
        fc.array(
          fc.array(
            fc.oneof(
              change,
              fc.record({ topic: fc.constantFrom(...atFirst), isRemoval: fc.boolean() }),
            ),
            { maxLength: 8 },
          ),
          { maxLength: 60, size: 'max' },
        ),
      ),
    );

  type Changes = readonly (readonly { topic: string; isRemoval: boolean }[])[];

  /** What a walk finds that is made in steps of some nodes, with changes between them. */
  function walkThrough(
    store: RetainedStore<RetainedMessage>,
    changes: Changes,
    filter: string,
    nodesMax: number,
  ): RetainedMessage[] {
    const walk = store.walk(filter);
    const found: RetainedMessage[] = [];
    for (const step of changes) {
      if (walk.isDone) break;
      expect(store.step(walk, nodesMax, found, 0)).toBeLessThanOrEqual(nodesMax);
      for (const { topic, isRemoval } of step) {
        store.set(newMessage(topic, isRemoval ? '' : 'later'));
      }
      store.checkInvariants();
    }
    while (!walk.isDone) store.step(walk, nodesMax, found, 0);
    return found;
  }

  function expectWholeWalk(
    atFirst: readonly string[],
    changes: Changes,
    filter: string,
    nodesMax: number,
  ): void {
    const store = newStore();
    for (const topic of atFirst) store.set(newMessage(topic, 'first'));
    const expected = new Map(store.match(filter, 0).map((message) => [message.topic, message]));
    const found = walkThrough(store, changes, filter, nodesMax);
    for (const message of found) expect(expected.get(message.topic)).toBe(message);
    const topics = new Set(found.map(({ topic }) => topic));
    expect(topics.size).toBe(found.length);
    const removed = new Set(
      changes.flat().flatMap(({ topic, isRemoval }) => (isRemoval ? [topic] : [])),
    );
    expect(
      [...expected.keys()].filter((topic) => !topics.has(topic) && !removed.has(topic)),
    ).toEqual([]);
  }

  test('through any changes, each topic once; what is removed meanwhile may be found or not', () => {
    fc.assert(
      fc.property(
        scenario,
        fc.oneof(filters, fc.constantFrom('#', '+/#', '+/+/#')),
        fc.integer({ min: 1, max: 5 }),
        ([atFirst, changes], filter, nodesMax) =>
          expectWholeWalk(atFirst, changes, filter, nodesMax),
      ),
      { numRuns: 500 },
    );
  });

  const remove = (topic: string) => ({ topic, isRemoval: true });

  test('when all but the last of many siblings go, and it takes the place of its parent', () => {
    const topics = Array.from({ length: 12 }, (_, index) => `m/${index}`);
    const changes = [[], topics.slice(0, -1).map(remove)];
    expectWholeWalk(topics, changes, 'm/+', 4);
  });

  test('when a node is joined with its parent, and split from it again', () => {
    const changes = [[remove('n/c')], [{ topic: 'n/e', isRemoval: false }]];
    expectWholeWalk(['n/c', 'n/d'], [[], ...changes], 'n/+', 1);
    expectWholeWalk(['n/c', 'n/d'], [changes.flat()], 'n/+', 1);
  });

  test('a message that is replaced is found as it was, one that is removed not at all', () => {
    const store = newStore();
    const messages = ['a/1', 'a/2', 'a/3'].map((topic) => newMessage(topic));
    for (const message of messages) store.set(message);
    const walk = store.walk('#');
    store.set(newMessage('a/1', 'later'));
    store.set(newMessage('a/2', ''));
    store.set(newMessage('a/4', 'new'));
    const found: RetainedMessage[] = [];
    store.step(walk, 100, found, 0);
    expect(walk.isDone).toBe(true);
    expect(new Set(found)).toEqual(new Set([messages[0], messages[2]]));
  });

  test('a removal that is taken back leaves the message owed', () => {
    const store = newStore();
    const message = newMessage('a');
    store.set(message);
    const walk = store.walk('#');
    store.set(newMessage('a', ''));
    store.restore('a', message);
    const found: RetainedMessage[] = [];
    store.step(walk, 100, found, 0);
    expect(found).toEqual([message]);
  });

  test('a message that has expired takes none away that came in its place', () => {
    const store = newStore();
    store.set(newMessage('a', 'x', 10));
    const walk = store.walk('#');
    const next = newMessage('a', 'y');
    store.set(next);
    store.set(newMessage('b', 'x', 100));
    const found: RetainedMessage[] = [];
    store.step(walk, 100, found, 10);
    expect([found, store.get('a')]).toEqual([[], next]);
  });

  test('expired messages are removed, not found', () => {
    const store = newStore();
    store.set(newMessage('a', 'x', 10));
    const found: RetainedMessage[] = [];
    store.step(store.walk('#'), 100, found, 10);
    expect([found, store.count]).toEqual([[], 0]);
  });
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

test('looking for expired messages continues where it ended', () => {
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
