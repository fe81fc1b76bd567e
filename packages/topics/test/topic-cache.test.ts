import { expect, test } from '@jest/globals';
import { SubscriptionTrie, TopicCache } from '../src/index.ts';
import { Member, newSubscription } from './support/members.ts';

const decode = (buffer: Uint8Array, start: number, end: number) =>
  Buffer.from(buffer.subarray(start, end)).toString();

test('it stays within its bound and finds every topic again', () => {
  const trie = new SubscriptionTrie<Member>();
  trie.subscribe(new Member('a'), newSubscription('t/+'));
  const cache = new TopicCache(trie, decode, { routesMax: 512, hashSeed: 12_345 });
  for (let index = 0; index < 5000; index++) {
    expect(cache.lookupTopic(`t/${index}`).recipients).toHaveLength(1);
    expect(cache.lookupTopic(`u/${index}`).recipients).toHaveLength(0);
  }
  expect(cache.count).toBeLessThanOrEqual(512);
  expect(cache.count).toBeGreaterThan(256);
});

test('a known topic is not decoded again, and a refused one is not kept', () => {
  const trie = new SubscriptionTrie<Member>();
  let decoded = 0;
  const cache = new TopicCache(trie, (buffer, start, end) => {
    decoded++;
    if (buffer[start] === 0x21) throw new Error('refused');
    return decode(buffer, start, end);
  });
  const packet = Buffer.from('..topic/a..');
  const route = cache.lookup(packet, 2, 9);
  packet.fill(0x78, 2, 9);
  expect(cache.lookupTopic('topic/a')).toBe(route);
  expect(cache.lookupTopic('topic/b').topic).toBe('topic/b');
  expect(cache.lookupTopic('topic/a')).toBe(route);
  expect(decoded).toBe(2);
  expect(() => cache.lookupTopic('!')).toThrow('refused');
  expect(cache.count).toBe(2);
});

test('it takes no more bytes than it may, and those of others count, too', () => {
  const trie = new SubscriptionTrie<Member>();
  const memory = { bytes: 1000, max: 5000, refusals: 0 };
  const cache = new TopicCache(trie, decode, { memory });
  for (let index = 0; index < 100; index++) {
    expect(cache.lookupTopic(`topic/${index % 50}`).topic).toBe(`topic/${index % 50}`);
    cache.checkInvariants();
    expect(memory.bytes).toBeLessThanOrEqual(memory.max);
  }
  expect(cache.count).toBeGreaterThan(5);
  expect(cache.count).toBeLessThan(20);
});
