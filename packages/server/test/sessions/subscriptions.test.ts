import { expect, test } from '@jest/globals';
import { MemoryAccount, Session } from '@promptmq/session';
import { type Subscription, SubscriptionTrie } from '@promptmq/topics';
import { parseConfig } from '../../src/config/index.ts';
import type { Peer } from '../../src/connection/peer.ts';
import type { BrokerSession } from '../../src/sessions/broker-session.ts';
import { Subscriptions } from '../../src/sessions/subscriptions.ts';

function house(mqtt: object = {}) {
  const cancelled: string[] = [];
  return {
    config: parseConfig({ mqtt }),
    stats: { subscriptionsCurrent: 0 },
    memory: { subscriptions: new MemoryAccount({ clientMax: 10_000, max: 20_000 }) },
    router: { trie: new SubscriptionTrie<BrokerSession>({ overlapping: 'merge' }) },
    announcements: null,
    retainedReplays: {
      cancel: (_: BrokerSession, topicFilter: string) => void cancelled.push(topicFilter),
    },
    cancelled,
  };
}

function subscriber(host: ReturnType<typeof house>, clientId = 'client') {
  const session: BrokerSession = new Session<Peer>(clientId, {
    messagesMax: 1,
    bytesMax: 1,
    overflow: 'drop-newest',
    onDrop: () => {},
  });
  return { session, subscriptions: new Subscriptions(host, session) };
}

function to(topicFilter: string, more: Partial<Subscription> = {}): Subscription {
  return {
    topicFilter,
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifier: 0,
    ...more,
  };
}

test('a subscription is in the trie, counted in memory and reported, until it is removed', () => {
  const host = house();
  const { session, subscriptions } = subscriber(host);
  subscriptions.add(to('a/+', { qos: 1 }));
  expect(host.router.trie.match('a/b').recipients).toMatchObject([{ session, qos: 1 }]);
  expect(host.stats.subscriptionsCurrent).toBe(1);
  expect(host.memory.subscriptions.bytes).toBeGreaterThan(0);
  expect([...subscriptions.filters()]).toEqual(['a/+']);
  expect(subscriptions.remove('a/+')).toBe(true);
  expect(host.router.trie.match('a/b').recipients).toEqual([]);
  expect(host.stats.subscriptionsCurrent).toBe(0);
  expect(host.memory.subscriptions.bytes).toBe(0);
  expect(host.cancelled).toEqual(['a/+']);
});

test('one of the same filter takes the place of the one before, and counts once [MQTT-3.8.4-3]', () => {
  const host = house();
  const { subscriptions } = subscriber(host);
  subscriptions.add(to('a', { qos: 0 }));
  const { bytes } = host.memory.subscriptions;
  subscriptions.add(to('a', { qos: 2 }));
  expect(host.memory.subscriptions.bytes).toBe(bytes);
  expect(subscriptions.size).toBe(1);
  expect(subscriptions.get('a')?.qos).toBe(2);
  expect(host.router.trie.match('a').recipients).toMatchObject([{ qos: 2 }]);
});

test('a filter that nobody subscribed to changes nothing [MQTT-3.10.4-1]', () => {
  const host = house();
  const { subscriptions } = subscriber(host);
  subscriptions.add(to('a'));
  const { bytes } = host.memory.subscriptions;
  expect(subscriptions.remove('b')).toBe(false);
  expect(host.memory.subscriptions.bytes).toBe(bytes);
  expect(host.cancelled).toEqual([]);
});

test('the end of a session takes its subscriptions with it, and nobody else’s', () => {
  const host = house();
  const one = subscriber(host, 'one');
  const other = subscriber(host, 'other');
  one.subscriptions.add(to('a'));
  one.subscriptions.add(to('$share/group/a'));
  other.subscriptions.add(to('a'));
  one.subscriptions.clear();
  expect(one.subscriptions.size).toBe(0);
  expect(host.stats.subscriptionsCurrent).toBe(1);
  expect(host.router.trie.match('a').recipients).toMatchObject([{ session: other.session }]);
  other.subscriptions.clear();
  expect(host.memory.subscriptions.bytes).toBe(0);
});

test('there is room up to the limits of number and bytes; that there is none is counted', () => {
  const host = house({ maxSubscriptions: 2 });
  const { subscriptions } = subscriber(host);
  subscriptions.add(to('a'));
  subscriptions.add(to('b'));
  expect(subscriptions.hasRoomFor('a')).toBe(true); // It is there.
  expect(subscriptions.hasRoomFor('c')).toBe(false);
  expect(host.memory.subscriptions.refusals).toBe(1);
  const other = subscriber(host, 'other');
  expect(other.subscriptions.hasRoomFor('c')).toBe(true);
  expect(other.subscriptions.hasRoomFor('c'.repeat(5000))).toBe(false);
  expect(host.memory.subscriptions.refusals).toBe(2);
});
