import { expect, test } from '@jest/globals';
import { Delivery, type Message } from '../src/index.ts';
import { MemoryAccount } from '../src/memory-account.ts';
import { ReplayQueue } from '../src/queues/replay-queue.ts';
import { deliveryOf, messageOf, payloadOf } from './support/deliveries.ts';

function newQueue() {
  const memory = new MemoryAccount({ clientMax: 1e6, max: 1e6 });
  return { memory, queue: new ReplayQueue(memory) };
}

function drain(queue: ReplayQueue): string[] {
  const taken: string[] = [];
  for (let one = queue.peek(); one !== undefined; one = queue.peek()) {
    taken.push(payloadOf(one));
    queue.shift();
  }
  queue.checkInvariants();
  return taken;
}

test('deliveries are made of messages one by one, when they are about to be sent', () => {
  const { queue, memory } = newQueue();
  const made: string[] = [];
  const toDelivery = (message: Message) => {
    made.push(Buffer.from(message.payload).toString());
    return new Delivery(message, 1, true);
  };
  queue.pushLater(
    ['a', 'b'].map((text) => messageOf(text)),
    toDelivery,
  );
  queue.pushLater([], toDelivery);
  queue.pushLater([messageOf('c')], toDelivery);
  expect([queue.length, queue.bytes, made]).toEqual([3, 0, []]);
  expect(queue.peek()).toBe(queue.peek());
  expect([queue.length, made]).toEqual([3, ['a']]);
  expect(queue.bytes).toBeGreaterThan(0);
  expect(memory.bytes).toBe(queue.bytes);
  expect(drain(queue)).toEqual(['a', 'b', 'c']);
  expect([queue.length, memory.bytes]).toEqual([0, 0]);
});

test('stored deliveries are found by their sequences until they are taken', () => {
  const { queue } = newQueue();
  const stored = deliveryOf('a', { sequence: 7 });
  queue.push([stored, deliveryOf('b')]);
  queue.checkInvariants();
  expect([queue.find(7), queue.find(0), queue.find(8)]).toEqual([stored, null, null]);
  queue.peek();
  queue.shift();
  expect(queue.find(7)).toBeNull();
  queue.checkInvariants();
});

test('it is over when nothing is left, and no subscription looks for more', () => {
  const { queue } = newQueue();
  expect(queue.isOver).toBe(true);
  queue.open();
  expect(queue.isOver).toBe(false);
  queue.push([deliveryOf('a')]);
  queue.close();
  expect(queue.isOver).toBe(false);
  expect(drain(queue)).toEqual(['a']);
  expect(queue.isOver).toBe(true);
});

test('what is filtered out is neither found nor counted', () => {
  const { queue, memory } = newQueue();
  queue.push(['a', 'b', 'c'].map((text, index) => deliveryOf(text, { sequence: index + 1 })));
  const held = memory.bytes;
  queue.filter((delivery) => payloadOf(delivery) !== 'b');
  queue.checkInvariants();
  expect(queue.find(2)).toBeNull();
  expect(memory.bytes).toBe((held / 3) * 2);
  expect(drain(queue)).toEqual(['a', 'c']);
});

test('clearing gives everything back', () => {
  const { queue, memory } = newQueue();
  queue.open();
  queue.push([deliveryOf('a', { sequence: 1 })]);
  queue.pushLater([messageOf('b')], (message) => new Delivery(message, 1, true));
  queue.clear();
  queue.checkInvariants();
  expect([queue.length, memory.bytes, queue.isOver, queue.find(1)]).toEqual([0, 0, true, null]);
});
