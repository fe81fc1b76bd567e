import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  matchesFilter,
  type Overlapping,
  type Recipient,
  type Subscription,
  SubscriptionTrie,
  TopicCache,
} from '../src/index.ts';
import { Member, newSubscription } from './support/members.ts';

/** What is comparable of a recipient. */
function plain(recipient: Recipient<Member>): unknown {
  const of = ({ session, qos, retainAsPublished, identifiers }: Recipient<Member>) => ({
    session: session.name,
    qos,
    retainAsPublished,
    identifiers: [...identifiers].sort((a, b) => a - b),
  });
  const own = recipient.whenOwn;
  return { ...of(recipient), whenOwn: own === null ? null : of(own) };
}

function sorted(values: readonly unknown[]): string[] {
  return values.map((value) => JSON.stringify(value)).sort();
}

test.each([
  ['sport/tennis/player1/#', 'sport/tennis/player1', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
  ['sport/#', 'sport', true],
  ['sport/#', 'sports', false],
  ['#', 'a/b', true],
  ['#', '/', true],
  ['+', 'a', true],
  ['+', '/a', false],
  ['+/+', '/finance', true],
  ['/+', '/finance', true],
  ['sport/+', 'sport', false],
  ['sport/+', 'sport/', true],
  ['sport/+/player1', 'sport/tennis/player1', true],
  ['a//b', 'a//b', true],
  ['a/+/b', 'a//b', true],
  ['a/b', 'a/b/', false],
  ['#', '$SYS/x', false],
  ['+/x', '$SYS/x', false],
  ['$SYS/#', '$SYS/x', true],
  ['$SYS/+', '$SYS/x', true],
  ['a/#', 'a/$b', true],
  ['Accounts', 'accounts', false],
  ['é/+', 'é/x', true],
])('%s and %s: %s [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.2-1]', (filter, topic, isMatch) => {
  const trie = new SubscriptionTrie<Member>();
  trie.subscribe(new Member('a'), newSubscription(filter));
  expect(trie.match(topic).recipients).toHaveLength(isMatch ? 1 : 0);
  expect(matchesFilter(filter, topic)).toBe(isMatch);
});

test('overlapping subscriptions give one delivery with the highest QoS and all identifiers [MQTT-3.3.4-2] [MQTT-3.3.4-4]', () => {
  const trie = new SubscriptionTrie<Member>();
  const member = new Member('a');
  trie.subscribe(member, newSubscription('a/#', { qos: 1, subscriptionIdentifier: 7 }));
  trie.subscribe(member, newSubscription('a/+', { qos: 2, subscriptionIdentifier: 9 }));
  trie.subscribe(member, newSubscription('a/b', { noLocal: true, subscriptionIdentifier: 3 }));
  expect(trie.match('a/b').recipients.map(plain)).toEqual([
    {
      session: 'a',
      qos: 2,
      retainAsPublished: false,
      identifiers: [3, 7, 9],
      whenOwn: { session: 'a', qos: 2, retainAsPublished: false, identifiers: [7, 9] },
    },
  ]);
});

test('a session that only has No Local subscriptions does not get its own messages [MQTT-3.8.3-3]', () => {
  const trie = new SubscriptionTrie<Member>();
  const member = new Member('a');
  trie.subscribe(member, newSubscription('a/#', { noLocal: true }));
  trie.subscribe(member, newSubscription('a/b', { noLocal: true }));
  expect(trie.match('a/b').recipients[0]?.whenOwn).toBeNull();
});

test('a subscription with the same filter replaces the former one [MQTT-3.8.4-3]', () => {
  const trie = new SubscriptionTrie<Member>();
  const member = new Member('a');
  const former = newSubscription('a', { subscriptionIdentifier: 1 });
  expect(trie.subscribe(member, former)).toBeNull();
  expect(trie.subscribe(member, newSubscription('a', { subscriptionIdentifier: 2 }))).toBe(former);
  expect(trie.match('a').recipients[0]?.identifiers).toEqual([2]);
  expect(trie.subscriptionCount).toBe(1);
});

const levels = fc.constantFrom('a', 'b', '', '$x', '+');
const filterArbitrary = fc
  .tuple(
    fc.constantFrom('', '', '$share/g/', '$share/h/'),
    fc.array(levels, { minLength: 1, maxLength: 4 }),
    fc.boolean(),
  )
  .map(([prefix, parts, hash]) => prefix + [...parts, ...(hash ? ['#'] : [])].join('/'))
  .filter((filter) => filter !== '' && !filter.endsWith('g/') && !filter.endsWith('h/'));
const topicArbitrary = fc
  .array(fc.constantFrom('a', 'b', '', '$x'), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join('/'))
  .filter((topic) => topic !== '');

test.each(['merge', 'each'] as const)(
  'it finds what comparing every filter finds, through any changes (%s)',
  (overlapping: Overlapping) => {
    const operation = fc.record({
      who: fc.nat(3),
      filter: filterArbitrary,
      isAdded: fc.boolean(),
      qos: fc.constantFrom(0, 1, 2),
      identifier: fc.nat(3),
      noLocal: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 40, size: 'max' }),
        fc.array(topicArbitrary, { minLength: 1, maxLength: 5 }),
        (operations, topics) => {
          const trie = new SubscriptionTrie<Member>({ overlapping });
          const cache = new TopicCache(
            trie,
            (buffer, start, end) => Buffer.from(buffer.subarray(start, end)).toString(),
            { routesMax: 4 },
          );
          const members = ['a', 'b', 'c', 'd'].map((name) => new Member(name));
          const model = members.map(() => new Map<string, Subscription>());
          for (const { who, filter, isAdded, qos, identifier, noLocal } of operations) {
            const member = members[who] as Member;
            if (isAdded) {
              const subscription = newSubscription(filter, {
                qos: qos as 0 | 1 | 2,
                subscriptionIdentifier: identifier,
                noLocal: noLocal && !filter.startsWith('$share/'),
              });
              trie.subscribe(member, subscription);
              model[who]?.set(filter, subscription);
            } else {
              expect(trie.unsubscribe(member, filter)).toBe(model[who]?.delete(filter));
            }
            for (const topic of topics) {
              const expected = expectedMatch(members, model, topic, overlapping);
              for (const found of [trie.match(topic), cache.lookupTopic(topic)]) {
                expect(sorted(found.recipients.map(plain))).toEqual(expected.recipients);
                expect(found.groups.length).toBe(expected.groupCount);
              }
            }
            trie.checkInvariants();
            cache.checkInvariants();
            for (const [filter, subscription] of model[who] ?? []) {
              expect(trie.subscriptionOf(member, filter)).toBe(subscription);
            }
            if (!isAdded) expect(trie.subscriptionOf(member, filter)).toBeNull();
          }
          expect(trie.subscriptionCount).toBe(model.reduce((sum, { size }) => sum + size, 0));
          for (const [index, filters] of model.entries()) {
            for (const filter of filters.keys()) trie.unsubscribe(members[index] as Member, filter);
          }
          expect([
            trie.subscriptionCount,
            trie.filterCount,
            trie.groupCount,
            trie.nodeCount,
          ]).toEqual([0, 0, 0, 0]);
        },
      ),
      { numRuns: 300 },
    );
  },
);

function expectedMatch(
  members: readonly Member[],
  model: readonly Map<string, Subscription>[],
  topic: string,
  overlapping: Overlapping,
): { recipients: string[]; groupCount: number } {
  const groups = new Set<string>();
  const recipients: unknown[] = [];
  for (const [index, member] of members.entries()) {
    const matching: Subscription[] = [];
    for (const subscription of (model[index] as Map<string, Subscription>).values()) {
      if (!matchesFilter(subscription.topicFilter, topic)) continue;
      if (subscription.topicFilter.startsWith('$share/')) groups.add(subscription.topicFilter);
      else matching.push(subscription);
    }
    const deliveries = overlapping === 'merge' ? [matching] : matching.map((one) => [one]);
    for (const merged of deliveries) {
      const all = mergeOf(member, merged);
      if (all === null) continue;
      recipients.push({
        ...all,
        whenOwn: mergeOf(
          member,
          merged.filter((one) => !one.noLocal),
        ),
      });
    }
  }
  return { recipients: sorted(recipients), groupCount: groups.size };
}

function mergeOf(member: Member, subscriptions: readonly Subscription[]) {
  if (subscriptions.length === 0) return null;
  return {
    session: member.name,
    qos: Math.max(...subscriptions.map(({ qos }) => qos)),
    retainAsPublished: false,
    identifiers: subscriptions
      .map(({ subscriptionIdentifier }) => subscriptionIdentifier)
      .filter((identifier) => identifier !== 0)
      .sort((a, b) => a - b),
  };
}

test('65,000 levels and filters full of wildcards cost no stack and little time', () => {
  const trie = new SubscriptionTrie<Member>();
  const member = new Member('a');
  const deep = '/'.repeat(65_000);
  const filters = [deep, Array(30_000).fill('+').join('/'), `${'+/'.repeat(30_000)}#`];
  for (let size = 1; size <= 40; size++) {
    filters.push(Array.from({ length: size }, (_, index) => (index % 2 ? '+' : 'a')).join('/'));
  }
  for (const filter of filters) trie.subscribe(member, newSubscription(filter));
  expect(trie.match(deep).recipients).toHaveLength(1);
  expect(trie.match(Array(40).fill('a').join('/')).recipients).toHaveLength(1);
  for (const filter of filters) expect(trie.unsubscribe(member, filter)).toBe(true);
  expect(trie.nodeCount).toBe(0);
});
