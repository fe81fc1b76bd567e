import { describe, expect, test } from '@jest/globals';
import { type RetainedMessage, RetainedStore } from '../src/index.ts';
import type { RetainedWalk } from '../src/retained/retained-walk.ts';

const NEVER = Number.POSITIVE_INFINITY;

function storeOf(...topics: readonly string[]): RetainedStore<RetainedMessage> {
  const store = new RetainedStore<RetainedMessage>({ messagesMax: 1000, bytesMax: 1_000_000 });
  for (const topic of topics) put(store, topic);
  return store;
}

function put(store: RetainedStore<RetainedMessage>, topic: string, payload = 'x'): void {
  store.set({ topic, payload: Buffer.from(payload), expiresAt: NEVER });
}

/** What one step of a walk finds. */
function step(
  store: RetainedStore<RetainedMessage>,
  walk: RetainedWalk<RetainedMessage>,
  nodesMax: number,
): string[] {
  const found: RetainedMessage[] = [];
  store.step(walk, nodesMax, found, 0);
  store.checkInvariants();
  return found.map(({ topic, payload }) => `${topic} ${Buffer.from(payload).toString()}`);
}

test('a step visits no more nodes than it may, and the last one says that it is done', () => {
  const store = storeOf('a/1', 'a/2', 'a/3');
  const walk = store.walk('a/+');
  const found: RetainedMessage[] = [];
  // The node `a`, then its children.
  expect(store.step(walk, 1, found, 0)).toBe(1);
  expect([found.length, walk.isDone]).toEqual([0, false]);
  expect(store.step(walk, 2, found, 0)).toBe(2);
  expect([found.length, walk.isDone]).toEqual([2, false]);
  expect(store.step(walk, 5, found, 0)).toBe(1);
  expect(walk.isDone).toBe(true);
  expect(found.map(({ topic }) => topic).sort()).toEqual(['a/1', 'a/2', 'a/3']);
});

test('a filter without wildcards goes straight to its topic', () => {
  const store = storeOf(...Array.from({ length: 100 }, (_, index) => `a/${index}`));
  const found: RetainedMessage[] = [];
  expect(store.step(store.walk('a/77'), 1000, found, 0)).toBeLessThan(4);
  expect(found.map(({ topic }) => topic)).toEqual(['a/77']);
});

test('# matches its parent, too, and no wildcard a topic that starts with $ [MQTT-4.7.2-1]', () => {
  const store = storeOf('a', 'a/b/c', '$SYS/a', '$SYS');
  expect(step(store, store.walk('a/#'), 100).sort()).toEqual(['a x', 'a/b/c x']);
  expect(step(store, store.walk('#'), 100).sort()).toEqual(['a x', 'a/b/c x']);
  expect(step(store, store.walk('+'), 100)).toEqual(['a x']);
  expect(step(store, store.walk('$SYS/#'), 100).sort()).toEqual(['$SYS x', '$SYS/a x']);
});

test('a wildcard that is not the first level matches a level that starts with $', () => {
  const store = storeOf('a/$b', 'a/c');
  expect(step(store, store.walk('a/+'), 100).sort()).toEqual(['a/$b x', 'a/c x']);
});

describe('between two steps', () => {
  test('a node that is to be visited is split: its levels are matched all the same', () => {
    const store = storeOf('a/b/c/d', 'z');
    const walk = store.walk('+/b/#');
    const first = step(store, walk, 0);
    put(store, 'a/b/e');
    put(store, 'a/q');
    expect([...first, ...step(store, walk, 100)]).toEqual(['a/b/c/d x']);
  });

  test('a node that is to be visited is joined with its child', () => {
    const store = storeOf('a/b/c', 'a/b/d', 'z');
    const walk = store.walk('a/#');
    const first = step(store, walk, 0);
    store.delete('a/b/c');
    expect([...first, ...step(store, walk, 100)]).toEqual(['a/b/d x']);
  });

  test('a message that is replaced is found as it was, once', () => {
    const store = storeOf('a/1', 'a/2');
    const walk = store.walk('a/+');
    const first = step(store, walk, 2);
    for (const topic of ['a/1', 'a/2', 'a/3']) put(store, topic, 'new');
    expect([...first, ...step(store, walk, 100)].sort()).toEqual(['a/1 x', 'a/2 x']);
    expect(step(store, store.walk('a/+'), 100).sort()).toEqual(['a/1 new', 'a/2 new', 'a/3 new']);
  });

  test('of a map of children only one is left', () => {
    const topics = Array.from({ length: 12 }, (_, index) => `a/${index}`);
    const store = storeOf(...topics);
    const walk = store.walk('a/+');
    const first = step(store, walk, 2);
    for (const topic of topics.slice(0, -1)) store.delete(topic);
    expect([...first, ...step(store, walk, 100)].sort()).toEqual(['a/0 x', 'a/11 x']);
  });
});
