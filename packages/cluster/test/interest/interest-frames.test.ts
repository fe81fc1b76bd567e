import { expect, test } from '@jest/globals';
import {
  decodeChange,
  decodeReset,
  decodeVersion,
  encodeChange,
  encodeReset,
  encodeVersion,
} from '../../src/interest/interest-frames.ts';

const NONE = { members: 0, connected: 0 };

const change = {
  cell: 63,
  epoch: 2 ** 40,
  version: 7,
  filters: [
    { filter: 'a/+', qos: 0, isShared: false, ...NONE },
    { filter: '', qos: 2, isShared: false, ...NONE },
    { filter: '$share/g/ä/#', qos: 1, isShared: true, members: 70_000, connected: 3 },
    { filter: 'x'.repeat(65_535), qos: -1, isShared: false, ...NONE },
    { filter: '$share/g/a', qos: -1, isShared: true, ...NONE },
  ],
} as const;

test('what is said comes out as it went in', () => {
  expect(decodeChange(encodeChange(change))).toEqual(change);
  const { cell, epoch, version } = change;
  expect(decodeReset(encodeReset({ cell, epoch }))).toEqual({ cell, epoch });
  expect(decodeVersion(encodeVersion({ cell, epoch, version }))).toEqual({ cell, epoch, version });
});

test('a frame that was cut anywhere, or has more at its end, is an error', () => {
  const filters = change.filters.slice(0, 3);
  const frames = [
    [encodeChange({ ...change, filters }), decodeChange],
    [encodeReset(change), decodeReset],
    [encodeVersion(change), decodeVersion],
  ] as const;
  for (const [body, decode] of frames) {
    for (let size = 0; size < body.length; size++) {
      expect(() => decode(body.subarray(0, size))).toThrow(RangeError);
    }
    expect(() => decode(Buffer.concat([body, Buffer.alloc(1)]))).toThrow('1 bytes after the end');
  }
});

test('flags that there are not are an error', () => {
  for (const flags of [3, 7, 16, 255]) {
    const body = encodeChange({ ...change, filters: change.filters.slice(0, 1) });
    body.writeUInt8(flags, 22);
    expect(() => decodeChange(body)).toThrow(RangeError);
  }
});
