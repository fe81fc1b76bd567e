import { expect, test } from '@jest/globals';
import { SubscriptionTrie } from '../src/index.ts';
import { Member, newSubscription } from './support/members.ts';

function names(trie: SubscriptionTrie<Member>, topic: string, count: number): string[] {
  const [group] = trie.match(topic).groups;
  return Array.from({ length: count }, () => group?.next()?.session.name ?? 'nobody');
}

test('members take turns, and each group gets a copy (§4.8.2)', () => {
  const trie = new SubscriptionTrie<Member>();
  for (const name of ['a', 'b']) {
    trie.subscribe(new Member(name), newSubscription('$share/one/t/+'));
    trie.subscribe(new Member(name), newSubscription('$share/two/t/+'));
  }
  expect(trie.match('t/x').groups).toHaveLength(2);
  expect(trie.match('t/x').recipients).toHaveLength(0);
  expect(names(trie, 't/x', 4)).toEqual(['a', 'b', 'a', 'b']);
});

test('a member that is ready goes before one that is connected, and that before one that is not', () => {
  const trie = new SubscriptionTrie<Member>();
  const [away, busy, ready] = ['away', 'busy', 'ready'].map((name) => new Member(name)) as [
    Member,
    Member,
    Member,
  ];
  away.isConnected = away.isReady = busy.isReady = false;
  for (const member of [away, busy, ready]) {
    trie.subscribe(member, newSubscription('$share/g/t'));
  }
  expect(names(trie, 't', 3)).toEqual(['ready', 'ready', 'ready']);
  ready.isReady = false;
  expect(new Set(names(trie, 't', 4))).toEqual(new Set(['busy', 'ready']));
  busy.isConnected = ready.isConnected = false;
  expect(new Set(names(trie, 't', 6)).size).toBe(3);
});

test('the one that went away is passed over, and the last one leaves nobody', () => {
  const trie = new SubscriptionTrie<Member>();
  const member = new Member('a');
  trie.subscribe(member, newSubscription('$share/g/t'));
  const [group] = trie.match('t').groups;
  expect(group?.next(member)).toBeNull();
  trie.unsubscribe(member, '$share/g/t');
  expect(group?.next()).toBeNull();
  expect(trie.match('t').groups).toEqual([]);
});
