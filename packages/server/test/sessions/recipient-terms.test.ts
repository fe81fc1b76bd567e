import { expect, test } from '@jest/globals';
import { Delivery, type Message, STORED_MESSAGE } from '@promptmq/session';
import type { Recipient, Subscription } from '@promptmq/topics';
import {
  INSIDE_PUBLISHER,
  namedInsideIdentifier,
  unnamedInsideIdentifier,
} from '../../src/sessions/inside-identifiers.ts';
import {
  expiryTime,
  flagsFor,
  handedOver,
  isOwedRetainedOf,
  recipientOf,
  remainingExpiry,
  retainedDelivery,
} from '../../src/sessions/recipient-terms.ts';

const EMPTY = new Uint8Array(0);
const NEVER = Number.POSITIVE_INFINITY;

function message(fields: Partial<Message> = {}): Message {
  const topicBytes = Buffer.from('t');
  const own = { qos: 1, retain: false, expiresAt: NEVER, publisherId: 'publisher' } as const;
  return { topic: 't', topicBytes, properties: EMPTY, payload: EMPTY, ...own, ...fields };
}

type Terms = Partial<Omit<Recipient<{ clientId: string }>, 'session'>>;

function recipient(clientId: string, terms: Terms = {}): Recipient<{ clientId: string }> {
  const made = {
    session: { clientId },
    qos: 2,
    retainAsPublished: false,
    identifiers: [],
  } as const;
  const self: Recipient<{ clientId: string }> = { ...made, whenOwn: null, ...terms };
  return 'whenOwn' in terms ? self : Object.assign(self, { whenOwn: self });
}

function subscription(fields: Partial<Subscription> = {}): Subscription {
  const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  return { topicFilter: 't', qos: 1, ...options, subscriptionIdentifier: 0, ...fields };
}

test('the lower QoS of message and subscription is granted [MQTT-3.8.4-8]', () => {
  const granted = ([0, 1, 2] as const).map((published) =>
    ([0, 1, 2] as const).map((qos) => flagsFor(published, false, recipient('a', { qos })) >> 1),
  );
  expect(granted).toEqual([
    [0, 0, 0],
    [0, 1, 1],
    [0, 1, 2],
  ]);
});

test('what the program has published is its own wherever it subscribes, and no client’s [MQTT-3.8.3-3]', () => {
  const own = message({ publisherId: INSIDE_PUBLISHER });
  const inside = recipient(namedInsideIdentifier('a'), { whenOwn: null });
  const other = recipient('a', { whenOwn: null });
  expect(recipientOf(inside, own)).toBeNull();
  expect(recipientOf(inside, message())).toBe(inside);
  expect(recipientOf(other, own)).toBe(other);
  const withNoLocal = subscription({ noLocal: true });
  expect(isOwedRetainedOf(INSIDE_PUBLISHER, withNoLocal, unnamedInsideIdentifier('1'))).toBe(false);
  expect(isOwedRetainedOf(INSIDE_PUBLISHER, withNoLocal, 'a')).toBe(true);
});

test.each([
  [true, true, 1],
  [true, false, 0],
  [false, true, 0],
  [false, false, 0],
])(
  'RETAIN %s for a subscription with Retain As Published %s is sent as %d [MQTT-3.3.1-12] [MQTT-3.3.1-13]',
  (retain, retainAsPublished, sent) => {
    expect(flagsFor(0, retain, recipient('a', { retainAsPublished }))).toBe(sent);
  },
);

test('No Local withholds what a session published itself, and nothing else [MQTT-3.8.3-3]', () => {
  const withNoLocal = recipient('publisher', { whenOwn: null });
  expect(recipientOf(withNoLocal, message())).toBeNull();
  expect(recipientOf(withNoLocal, message({ publisherId: 'another' }))).toBe(withNoLocal);
  const without = recipient('publisher');
  expect(recipientOf(without, message())).toBe(without);
  const other = recipient('publisher', { qos: 0 });
  expect(recipientOf(recipient('publisher', { whenOwn: other }), message())).toBe(other);
});

test('another member of a shared subscription gets a message by its own terms', () => {
  const member = recipient('b', { qos: 1, retainAsPublished: true, identifiers: [7] });
  const former = new Delivery(message({ qos: 2, retain: true }), 0, false, [3], '$share/g/t');
  expect(handedOver(former, member)).toMatchObject({
    qos: 1,
    retain: true,
    identifiers: [7],
    group: '$share/g/t',
  });
});

test('of a message that is in the store only, what its former delivery had is known', () => {
  const former = new Delivery(STORED_MESSAGE, 1, true, [], '$share/g/t');
  const member = recipient('b', { qos: 2, retainAsPublished: true });
  expect(handedOver(former, member)).toMatchObject({ qos: 1, retain: true });
  expect(handedOver(former, recipient('b', { qos: 2 }))).toMatchObject({ qos: 1, retain: false });
});

test('a retained message is sent with RETAIN to a new subscription, whatever that asks for (§3.3.1.3)', () => {
  const retained = message({ qos: 2, retain: true });
  expect(retainedDelivery(retained, subscription({ qos: 1 }))).toMatchObject({
    qos: 1,
    retain: true,
    identifiers: [],
  });
  const identified = subscription({ subscriptionIdentifier: 5 });
  expect(retainedDelivery(retained, identified).identifiers).toEqual([5]);
});

test('a subscription with No Local is not owed the retained messages of its own client [MQTT-3.8.3-3]', () => {
  const noLocal = subscription({ noLocal: true });
  expect(isOwedRetainedOf('a', noLocal, 'a')).toBe(false);
  expect(isOwedRetainedOf('b', noLocal, 'a')).toBe(true);
  expect(isOwedRetainedOf('a', subscription(), 'a')).toBe(true);
});

test.each([
  ['neither', -1, NEVER, NEVER],
  ['its interval', 5, NEVER, 6000],
  ['the limit', -1, 3000, 4000],
  ['the shorter of both', 5, 3000, 4000],
  ['an interval of 0', 0, NEVER, 1000],
])('a message expires by %s', (_what, interval, maxMs, at) => {
  expect(expiryTime(interval, maxMs, 1000)).toBe(at);
});

test.each([
  [NEVER, -1],
  [5000, 4],
  [5001, 5],
  [1000, 0],
  [500, 0],
])('of a message that expires at %d, %d seconds are left at 1000 [MQTT-3.3.2-6]', (at, left) => {
  expect(remainingExpiry(at, 1000)).toBe(left);
});
