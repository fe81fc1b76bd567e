import { expect, test } from '@jest/globals';
import type { Message } from '@promptmq/session';
import {
  decodeKeeper,
  encodeKeeper,
  readRetainedSet,
  retainedSetParts,
} from '../../src/retained/retained-frames.ts';

const message: Message = {
  topic: 'a/ä',
  topicBytes: Buffer.from('a/ä'),
  properties: Buffer.from([1, 1]),
  payload: Buffer.from('payload'),
  qos: 2,
  retain: true,
  expiresAt: Number.POSITIVE_INFINITY,
  publisherId: 'publisher ä',
};

test.each([Number.POSITIVE_INFINITY, 0, 12.5])(
  'a retained message comes out as it went in, with %d ms left',
  (left) => {
    const { expiresInMs, message: read } = readRetainedSet(
      Buffer.concat(retainedSetParts(message, left)),
    );
    expect(expiresInMs).toBe(left);
    expect(read).toEqual(message);
  },
);

test('one that was cut before its payload, or a cell with more behind it, is an error', () => {
  const parts = retainedSetParts({ ...message, payload: new Uint8Array(0) }, 1);
  const body = Buffer.concat(parts);
  for (let size = 0; size < body.length; size++) {
    expect(() => readRetainedSet(body.subarray(0, size))).toThrow(RangeError);
  }
  expect(decodeKeeper(encodeKeeper(63))).toBe(63);
  expect(() => decodeKeeper(Buffer.from([1, 2]))).toThrow(RangeError);
});
