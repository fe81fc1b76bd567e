import { expect, test } from '@jest/globals';
import { copyBytes } from '../../src/index.ts';
import { PacketReader } from '../../src/wire/reader.ts';
import {
  packetIdBytes,
  packetOf,
  prefixedField,
  variableByteIntegerSize,
  writeVariableByteInteger,
} from '../../src/wire/writer.ts';

test.each([
  [0, 1],
  [127, 1],
  [128, 2],
  [16_383, 2],
  [16_384, 3],
  [2_097_151, 3],
  [2_097_152, 4],
  [268_435_455, 4],
])('a variable byte integer of %i has %i bytes (§1.5.5, table 1-1)', (value, size) => {
  const target = new Uint8Array(6);
  expect(variableByteIntegerSize(value)).toBe(size);
  expect(writeVariableByteInteger(target, 1, value)).toBe(1 + size);
  const reader = new PacketReader().begin(target, 0, 1, 1 + size, 5);
  expect(reader.variableByteInteger()).toBe(value);
  reader.expectEnd();
});

test('bytes are copied whole, however many they are', () => {
  const source = Uint8Array.from({ length: 300 }, (_, index) => index & 0xff);
  for (let size = 0; size <= 200; size++) {
    const target = new Uint8Array(210).fill(0xee);
    copyBytes(target, 5, source, 7, 7 + size);
    expect([...target.subarray(5, 5 + size)]).toEqual([...source.subarray(7, 7 + size)]);
    expect([target[4], target[5 + size]]).toEqual([0xee, 0xee]);
  }
});

test('a packet has its fixed header and the parts of its body', () => {
  expect([...packetOf(0xc0, [])]).toEqual([0xc0, 0]);
  const large = packetOf(0x30, [Uint8Array.of(1), new Uint8Array(200), Uint8Array.of(2)]);
  expect(large).toHaveLength(3 + 202);
  expect([...large.subarray(0, 4), large[204]]).toEqual([0x30, 0xca, 0x01, 1, 2]);
});

test('what the protocol has no encoding for is refused', () => {
  expect([...packetIdBytes(0xffff)]).toEqual([255, 255]);
  for (const packetId of [undefined, 0, -1, 0x1_0000]) {
    expect(() => packetIdBytes(packetId)).toThrow('from 1 to 65,535');
  }
  expect(prefixedField('x'.repeat(65_535), 'x')).toHaveLength(65_537);
  expect(() => prefixedField('x'.repeat(65_536), 'clientId')).toThrow('clientId is longer');
  expect(() => prefixedField(5, 'clientId')).toThrow('clientId must be text or bytes');
});
