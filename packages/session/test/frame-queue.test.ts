import { expect, test } from '@jest/globals';
import { FrameQueue, QUEUED_FRAME_BYTES_MAX } from '../src/queues/frame-queue.ts';
import { frameOf, QOS1, QOS2, textOf } from './support/frames.ts';

test('gives back what was put in, in order, whatever the sizes and however it fills and drains', () => {
  const queue = new FrameQueue();
  const expected: string[] = [];
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48_271) % 0x7fff_ffff;
    return seed % below;
  };
  for (let round = 0; round < 20_000; round++) {
    if (expected.length === 0 || random(100) < (round % 2000 < 1000 ? 60 : 40)) {
      const text = String(round).padEnd(4 + random(QUEUED_FRAME_BYTES_MAX - 4), 'x');
      expected.push(text);
      queue.push(frameOf(text), QOS1 | (round & 1));
    } else {
      queue.shift();
      const text = expected.shift() as string;
      expect(textOf(queue)).toBe(text);
      expect(queue.flags & 1).toBe(Number.parseInt(text, 10) & 1);
      expect(queue.payloadSize).toBe(text.length - 1);
      expect(queue.packetIdOffset).toBe(3);
      if (queue.length === 0) queue.clear();
    }
    expect(queue.length).toBe(expected.length);
  }
  expect(queue.bytes).toBe(expected.reduce((sum, { length }) => sum + length, 0));
});

test('can be emptied and used again', () => {
  const queue = new FrameQueue();
  for (let count = 0; count < 100; count++) queue.push(frameOf('x'.repeat(1000)), QOS1);
  queue.shift();
  queue.clear();
  expect(queue).toMatchObject({ length: 0, bytes: 0 });
  queue.push(frameOf('again'), QOS2);
  queue.shift();
  expect(textOf(queue)).toBe('again');
  expect(queue.flags).toBe(QOS2);
});
