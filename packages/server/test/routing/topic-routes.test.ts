import { expect, test } from '@jest/globals';
import { encode, PublishView } from '@promptmq/codec';
import { InboundTopicAliases } from '@promptmq/session';
import { SubscriptionTrie } from '@promptmq/topics';
import { type ConfigInput, parseConfig } from '../../src/config/index.ts';
import type { Peer } from '../../src/connection/peer.ts';
import { isTooDeep, TopicRoutes } from '../../src/routing/topic-routes.ts';
import { MemoryLedger } from '../../src/runtime/memory-ledger.ts';
import type { Turns } from '../../src/runtime/turns.ts';
import type { BrokerSession } from '../../src/sessions/broker-session.ts';

function routesOf(mqtt: ConfigInput['mqtt'] = {}) {
  const config = parseConfig({ storage: { enabled: false }, mqtt });
  const trie = new SubscriptionTrie<BrokerSession>();
  const turns = { used: 0 } as Turns;
  const routes = new TopicRoutes(trie, config, new MemoryLedger(config), turns);
  const subscribe = (topicFilter: string) => {
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    const session = { clientId: topicFilter } as unknown as BrokerSession;
    const own = { topicFilter, qos: 0, subscriptionIdentifier: 0 } as const;
    trie.subscribe(session, { ...own, ...options });
  };
  return { routes, turns, subscribe };
}

/** A client that may set three aliases. */
function peerOf(): Peer {
  return {
    mountPoint: null,
    inboundAliases: new InboundTopicAliases<Uint8Array>(3),
  } as unknown as Peer;
}

function viewOf(topic: string, topicAlias?: number): PublishView {
  const properties = topicAlias === undefined ? {} : { properties: { topicAlias } };
  const packet = {
    cmd: 'publish',
    qos: 0,
    dup: false,
    retain: false,
    topic,
    payload: Buffer.alloc(0),
  } as const;
  const bytes = encode({ ...packet, ...properties }, { protocolVersion: 5 }) as Uint8Array;
  const view = new PublishView();
  view.read(bytes, 0, 2, bytes.length, 5, 'server');
  return view;
}

test('a topic of a packet and the same as a text have one route', () => {
  const { routes, subscribe } = routesOf();
  subscribe('a/+');
  const route = routes.ofPacket(viewOf('a/b'), peerOf());
  expect([route.topic, route.recipients.length]).toEqual(['a/b', 1]);
  expect(routes.ofTopic('a/b')).toBe(route);
  expect(routes.ofTopic('b').recipients.length).toBe(0);
  routes.checkInvariants();
});

test('a route is looked for again when subscriptions have changed', () => {
  const { routes, subscribe } = routesOf();
  expect(routes.ofPacket(viewOf('a/b'), peerOf()).recipients.length).toBe(0);
  subscribe('a/#');
  expect(routes.ofPacket(viewOf('a/b'), peerOf()).recipients.length).toBe(1);
});

test('an alias stands for the topic that it came with last, on its connection (§3.3.2.3.4)', () => {
  const { routes } = routesOf();
  const [peer, other] = [peerOf(), peerOf()];
  expect(routes.ofPacket(viewOf('a', 1), peer).topic).toBe('a');
  expect(routes.ofPacket(viewOf('', 1), peer).topic).toBe('a');
  expect(routes.ofPacket(viewOf('b', 1), peer).topic).toBe('b');
  expect(routes.ofPacket(viewOf('', 1), peer).topic).toBe('b');
  expect(() => routes.ofPacket(viewOf('', 1), other)).toThrow(
    expect.objectContaining({ reasonCode: 0x82, rule: '§3.3.2.3.4' }),
  );
});

test('an alias above the maximum ends the connection [MQTT-3.3.2-9]', () => {
  const { routes } = routesOf();
  expect(routes.ofPacket(viewOf('a', 3), peerOf()).topic).toBe('a');
  expect(() => routes.ofPacket(viewOf('a', 4), peerOf())).toThrow(
    expect.objectContaining({ reasonCode: 0x94, rule: 'MQTT-3.3.2-9' }),
  );
});

test('a topic with more levels or bytes than are allowed is refused (0x90), and nothing is kept of it', () => {
  const { routes } = routesOf({ maxTopicLevels: 3, maxTopicLen: 10 });
  expect(routes.ofPacket(viewOf('a/b/c'), peerOf()).topic).toBe('a/b/c');
  for (const topic of ['a/b/c/d', 'elevenbytes', 'äöüäöü']) {
    const peer = peerOf();
    expect(() => routes.ofPacket(viewOf(topic, 1), peer)).toThrow(
      expect.objectContaining({ reasonCode: 0x90 }),
    );
    expect(peer.inboundAliases.get(1)).toBeUndefined();
  }
  routes.checkInvariants();
});

test('length counts in bytes, depth in levels', () => {
  const limits = { maxTopicLen: 6, maxTopicLevels: 2 };
  expect(['abcdef', 'äöü', 'a/b', '/'].map((topic) => isTooDeep(topic, limits))).toEqual(
    Array(4).fill(false),
  );
  expect(['abcdefg', 'äöüa', 'a/b/c', '//'].map((topic) => isTooDeep(topic, limits))).toEqual(
    Array(4).fill(true),
  );
});

test('what a search takes counts in the turn, and what is known already takes nothing', () => {
  const { routes, turns, subscribe } = routesOf();
  // Each level may be matched in two ways: 64 filters, and the nodes above them.
  for (let bits = 0; bits < 64; bits++) {
    const levels = Array.from({ length: 6 }, (_, index) => ((bits >> index) & 1 ? '+' : 'z'));
    subscribe(levels.join('/'));
  }
  const topic = 'z/z/z/z/z/z';
  expect(routes.ofPacket(viewOf(topic), peerOf()).recipients.length).toBe(64);
  const { used } = turns;
  expect(used).toBeGreaterThan(64 >> 2);
  routes.ofPacket(viewOf(topic), peerOf());
  routes.ofTopic(topic);
  expect(turns.used).toBe(used);
});
