import { expect, test } from '@jest/globals';
import {
  decodeEntry,
  decodeOwner,
  ENTRY_HEADER_SIZE,
  EntryFlag,
  EntryKind,
  encodeHeader,
  encodeOwner,
} from '../../src/log/entry.ts';

const FIELDS = {
  kind: EntryKind.bytes,
  flags: EntryFlag.segmentStart | EntryFlag.sealed,
  epoch: 7,
  previous: 2 ** 40 + 1,
  position: 2 ** 40 + 8,
  segment: 2 ** 40 + 8,
  chain: 0xdeadbeef,
};

const OWNER = {
  node: 'a-ü',
  incarnation: '01',
  identity: 'f'.repeat(32),
  level: 3,
  timeMs: 1_790_000_000_123,
};

test('an entry lies byte by byte as its description says', () => {
  const { header } = encodeHeader(FIELDS, [Buffer.from('ab'), Buffer.from('c')]);
  const data = Buffer.concat([header, Buffer.from('abc')]);
  expect(data.toString('hex')).toBe(
    '504d5145 01 02 0300 0700000000000000 0100000000010000 0800000000010000 0800000000010000 efbeadde'
      .replaceAll(' ', '')
      .concat(data.toString('hex', 44, 48), '616263'),
  );
});

test('what is encoded in parts is decoded as one body', () => {
  const { header, head } = encodeHeader(FIELDS, [Buffer.from('ab'), Buffer.from('c')]);
  const entry = decodeEntry(Buffer.concat([header, Buffer.from('abc')]));
  expect(entry).toEqual({ ...head, ...FIELDS, bodySize: 3, body: Buffer.from('abc') });
});

test('an entry of an owner says who it is', () => {
  const body = encodeOwner(OWNER);
  const { header } = encodeHeader({ ...FIELDS, kind: EntryKind.owner, flags: 0 }, [body]);
  const entry = decodeEntry(Buffer.concat([header, body]));
  expect(decodeOwner(entry?.body ?? Buffer.alloc(0))).toEqual(OWNER);
});

test('an owner that is cut short at any byte is none', () => {
  const body = encodeOwner(OWNER);
  for (let size = 0; size < body.length; size++) {
    expect(decodeOwner(body.subarray(0, size))).toBeNull();
  }
});

test('an entry that is cut short at any byte is refused', () => {
  const body = Buffer.from('some bytes');
  const { header } = encodeHeader(FIELDS, [body]);
  const data = Buffer.concat([header, body]);
  for (let size = 0; size < data.length; size++) {
    expect(decodeEntry(data.subarray(0, size))).toBeNull();
  }
});

test('an entry with any bit flipped is refused', () => {
  const body = Buffer.from('some bytes');
  const { header } = encodeHeader(FIELDS, [body]);
  const data = Buffer.concat([header, body]);
  for (let bit = 0; bit < data.length * 8; bit++) {
    const flipped = Buffer.from(data);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(decodeEntry(flipped)).toBeNull();
  }
});

test('a header alone is an entry without bytes', () => {
  const { header } = encodeHeader(FIELDS, []);
  expect(header).toHaveLength(ENTRY_HEADER_SIZE);
  expect(decodeEntry(header)?.bodySize).toBe(0);
});
