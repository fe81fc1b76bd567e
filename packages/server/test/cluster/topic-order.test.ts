import { expect, test } from '@jest/globals';
import { TopicOrder } from '../../src/cluster/forwarding/topic-order.ts';

test('a topic is behind until the last that is stored of it has been sent', () => {
  const order = new TopicOrder();
  order.note('a', 1);
  order.note('b', 2);
  order.note('a', 3);
  order.noteSent(2);
  expect([order.isBehind('a'), order.isBehind('b'), order.isBehind('c')]).toEqual([
    true,
    false,
    false,
  ]);
  order.noteSent(3);
  expect(order.isBehind('a')).toBe(false);
});

test('on a new link all topics are, until what there was has been sent', () => {
  const order = new TopicOrder();
  order.noteSent(5);
  order.begin(7);
  order.note('a', 8);
  expect([order.isBehind('a'), order.isBehind('b')]).toEqual([true, true]);
  order.noteSent(7);
  expect([order.isBehind('a'), order.isBehind('b')]).toEqual([true, false]);
});

test('topics of what has been sent are forgotten when there are many', () => {
  const order = new TopicOrder();
  for (let number = 1; number <= 5000; number++) {
    order.note(`t/${number}`, number);
    order.noteSent(number - 10);
    order.checkInvariants();
  }
  expect([order.isBehind('t/4990'), order.isBehind('t/4991')]).toEqual([false, true]);
});
