import { expect, test } from '@jest/globals';
import type { QueueLimits } from '../src/queues/delivery-queue.ts';
import { FRAME_DELIVERY, MemoryQueue } from '../src/queues/memory-queue.ts';
import { deliveryOf, payloadOf } from './support/deliveries.ts';
import { frameOf, QOS1, textOf } from './support/frames.ts';

function queueOf(limits: Partial<QueueLimits> = {}) {
  const dropped: string[] = [];
  const queue = new MemoryQueue(
    { messagesMax: 3, bytesMax: 10_000, overflow: 'drop-newest', ...limits },
    (reason, delivery) => dropped.push(`${reason} ${payloadOf(delivery)}`.trim()),
  );
  return { queue, dropped };
}

function drain(queue: MemoryQueue, now = 0): string[] {
  const taken: string[] = [];
  for (let one = queue.peek(now); one !== undefined; one = queue.peek(now)) {
    queue.shift();
    const { frames } = queue;
    taken.push(one === FRAME_DELIVERY && frames !== null ? textOf(frames) : payloadOf(one));
  }
  queue.checkInvariants();
  return taken;
}

test('deliveries come in their order, with what they count', () => {
  const { queue } = queueOf();
  for (const text of ['a', 'bb']) queue.push(deliveryOf(text), 0);
  queue.push(deliveryOf('c', { qos: 0 }), 0);
  expect([queue.length, queue.transientCount]).toEqual([3, 1]);
  const { bytes } = queue;
  queue.checkInvariants();
  expect(drain(queue)).toEqual(['a', 'bb', 'c']);
  expect(bytes).toBeGreaterThan(4);
  expect([queue.length, queue.bytes, queue.transientCount]).toEqual([0, 0, 0]);
});

test.each([
  ['drop-newest', ['a', 'b', 'c'], ['queue-full d']],
  ['drop-oldest', ['b', 'c', 'd'], ['queue-full a']],
  ['reject', ['a', 'b', 'c'], ['queue-full d']],
] as const)('a full queue with the policy %s', (overflow, kept, gone) => {
  const { queue, dropped } = queueOf({ overflow });
  expect(queue.isFullFor(1)).toBe(false);
  for (const text of ['a', 'b', 'c', 'd']) queue.push(deliveryOf(text), 0);
  expect(queue.isFullFor(1)).toBe(true);
  expect(drain(queue)).toEqual(kept);
  expect(dropped).toEqual(gone);
});

test('bytes are a limit, too, but not for the only message', () => {
  const { queue, dropped } = queueOf({ bytesMax: 100 });
  queue.push(deliveryOf('x'.repeat(500)), 0);
  queue.push(deliveryOf('b'), 0);
  expect([queue.length, dropped]).toEqual([1, ['queue-full b']]);
});

test('what all queues hold is a limit, and what leaves one makes room in another', () => {
  const totals = { messagesMax: 2, bytesMax: 10_000, messages: 0, bytes: 0 };
  const [one, other] = [queueOf({ totals }), queueOf({ totals })];
  for (const { queue } of [one, other, other]) queue.push(deliveryOf('a'), 0);
  expect([totals.messages, other.dropped]).toEqual([2, ['queue-full a']]);
  one.queue.shift();
  other.queue.push(deliveryOf('b'), 0);
  expect(other.queue.length).toBe(2);
  drain(other.queue);
  expect(totals).toMatchObject({ messages: 0, bytes: 0 });
});

test('what has expired is given up at the head, and makes room [MQTT-3.3.2-5]', () => {
  const { queue, dropped } = queueOf();
  for (const text of ['a', 'b', 'c']) queue.push(deliveryOf(text, { expiresAt: 10 }), 0);
  queue.push(deliveryOf('d'), 10);
  expect(dropped).toEqual(['expired a', 'expired b', 'expired c']);
  queue.push(deliveryOf('e', { expiresAt: 20 }), 10);
  expect(drain(queue, 20)).toEqual(['d']);
  expect(dropped.slice(3)).toEqual(['expired e']);
});

test('what has expired stays where it is to be retained by who gets it', () => {
  const expired = { expiresAt: 10, retain: true };
  const { queue, dropped } = queueOf({ keepsRetained: true });
  for (const retain of [false, true, false]) {
    queue.push(deliveryOf(`${retain}`, { ...expired, retain }), 0);
  }
  queue.push(deliveryOf('d'), 10);
  expect(drain(queue, 10)).toEqual(['true', 'd']);
  expect(dropped).toEqual(['expired false', 'expired false']);
  const { queue: other } = queueOf();
  other.push(deliveryOf('a', expired), 0);
  expect(drain(other, 10)).toEqual([]);
});

test('frames come before deliveries, and none is taken while a delivery waits', () => {
  const { queue } = queueOf();
  expect(queue.pushFrame(frameOf('1 frame'), QOS1, 0)).toBe(true);
  queue.push(deliveryOf('a'), 0);
  expect(queue.pushFrame(frameOf('2 frame'), QOS1, 0)).toBe(false);
  expect([queue.length, queue.frameCount]).toEqual([2, 1]);
  queue.checkInvariants();
  expect(queue.peek(0)).toBe(FRAME_DELIVERY);
  expect(drain(queue)).toEqual(['1 frame', 'a']);
});

test('a large frame has to be a delivery', () => {
  const { queue } = queueOf({ bytesMax: 1e9 });
  expect(queue.pushFrame(frameOf('x'.repeat(100_000)), QOS1, 0)).toBe(false);
  expect(queue.length).toBe(0);
});

test('QoS 0, and shared subscriptions, are taken out from between the others', () => {
  const { queue } = queueOf({ messagesMax: 10 });
  queue.push(deliveryOf('a'), 0);
  queue.push(deliveryOf('b', { qos: 0 }), 0);
  queue.push(deliveryOf('c', { group: '$share/g/t' }), 0);
  queue.push(deliveryOf('d', { group: '$share/h/t' }), 0);
  expect(queue.takeTransient().map(payloadOf)).toEqual(['b']);
  expect(queue.takeShared((group) => group === '$share/g/t').map(payloadOf)).toEqual(['c']);
  queue.checkInvariants();
  expect(drain(queue)).toEqual(['a', 'd']);
});

test('all that waits is given up at the end of the session', () => {
  const { queue, dropped } = queueOf();
  queue.pushFrame(frameOf('1 frame'), QOS1, 0);
  queue.push(deliveryOf('a'), 0);
  queue.clear();
  queue.checkInvariants();
  expect(dropped).toEqual(['session-ended', 'session-ended a']);
  expect([queue.length, queue.bytes]).toEqual([0, 0]);
});
