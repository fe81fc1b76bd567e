import { expect, test } from '@jest/globals';
import { FairQueue } from '../../src/passwords/fair-queue.ts';

function taken(queue: FairQueue<string>): string {
  let text = '';
  while (queue.length > 0) text += `${queue.shift()} `;
  return text.trim();
}

test('groups have turns, then their members, and each member’s entries keep their order', () => {
  const queue = new FairQueue<string>();
  for (const entry of ['a1', 'a2', 'a3']) queue.push('a', 'x', entry);
  queue.push('a', 'y', 'ay');
  queue.push('b', 'x', 'b1');
  queue.push('b', 'x', 'b2');
  expect(queue.length).toBe(6);
  expect(taken(queue)).toBe('a1 b1 ay b2 a2 a3');
  expect(queue.shift()).toBeUndefined();
});

test('who has most makes room, unless the newcomer would then have as many', () => {
  const queue = new FairQueue<string>();
  for (const entry of ['a1', 'a2', 'a3']) queue.push('a', 'x', entry);
  queue.push('b', 'x', 'b1');
  expect(queue.popFromLargest('b')).toBe('a3');
  queue.push('b', 'x', 'b2');
  expect(queue.popFromLargest('b')).toBeUndefined();
  expect(queue.popFromLargest('a')).toBeUndefined();
  expect(queue.popFromLargest('c')).toBe('a2');
  expect(queue.length).toBe(3);
  expect(taken(queue)).toBe('a1 b1 b2');
});
