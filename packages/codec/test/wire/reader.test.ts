import { describe, expect, test } from '@jest/globals';
import { NO_LIMITS } from '../../src/index.ts';
import { PacketReader } from '../../src/wire/reader.ts';
import { rules } from '../../src/wire/rules.ts';
import { errorOf } from '../support/error-of.ts';

/** Reads in the middle of a buffer, in a packet that starts at 1. */
function readerOf(...bytes: readonly number[]): PacketReader {
  const all = Uint8Array.from([0xff, 0xff, 0xff, ...bytes, 0xff]);
  return new PacketReader().begin(all, 1, 3, all.length - 1, 5);
}

describe('fields', () => {
  test('are read in order, up to the end', () => {
    const reader = readerOf(
      7,
      1,
      2,
      0xff,
      0xfe,
      0xfd,
      0xfc,
      0,
      1,
      0x61,
      0,
      2,
      0,
      9,
      0xc8,
      0x01,
      5,
      6,
    );
    expect(reader.byte()).toBe(7);
    expect(reader.uint16()).toBe(0x0102);
    expect(reader.uint32()).toBe(0xfffefdfc);
    expect(reader.string()).toBe('a');
    expect([...reader.binary()]).toEqual([0, 9]);
    expect(reader.variableByteInteger()).toBe(200);
    expect(reader.isAtEnd).toBe(false);
    expect([...reader.rest()]).toEqual([5, 6]);
    expect(reader.isAtEnd).toBe(true);
    reader.expectEnd();
  });

  test.each([
    ['byte', 1, (reader: PacketReader) => reader.byte()],
    ['uint16', 2, (reader: PacketReader) => reader.uint16()],
    ['uint32', 4, (reader: PacketReader) => reader.uint32()],
    ['variableByteInteger', 1, (reader: PacketReader) => reader.variableByteInteger()],
    ['packetId', 2, (reader: PacketReader) => reader.packetId()],
    ['string', 2, (reader: PacketReader) => reader.string()],
    ['binary', 2, (reader: PacketReader) => reader.binary()],
  ] as const)('%s is not read beyond the end', (_name, size, read) => {
    for (let present = 0; present < size; present++) {
      const reader = readerOf(...new Array(present).fill(1));
      expect(errorOf(() => read(reader))).toMatchObject({ reasonCode: 0x81, rule: '§2.1.4' });
    }
  });

  test.each([
    [[0x00], 0],
    [[0x7f], 127],
    [[0x80, 0x01], 128],
    [[0xff, 0xff, 0xff, 0x7f], 268_435_455],
  ])('a variable byte integer %j is %i', (bytes, value) => {
    expect(readerOf(...bytes).variableByteInteger()).toBe(value);
  });

  test.each([
    [[0x80, 0x00], 'MQTT-1.5.5-1'],
    [[0xff, 0xff, 0xff, 0x00], 'MQTT-1.5.5-1'],
    [[0x80, 0x80, 0x80, 0x80, 0x01], '§1.5.5'],
  ])('a variable byte integer %j is refused by %s', (bytes, rule) => {
    const error = errorOf(() => readerOf(...bytes).variableByteInteger());
    expect(error).toMatchObject({ reasonCode: 0x81, rule, offset: 2 });
  });

  test('a string is refused at the byte that is wrong, counted from the packet', () => {
    const invalid = errorOf(() => readerOf(0, 3, 0x61, 0xff, 0x62).string('MQTT-9'));
    expect(invalid).toMatchObject({ reasonCode: 0x81, rule: 'MQTT-9', offset: 5 });
    const zero = errorOf(() => readerOf(0, 2, 0x61, 0).skipString('MQTT-9'));
    expect(zero).toMatchObject({ reasonCode: 0x81, rule: 'MQTT-1.5.4-2', offset: 5 });
  });

  test('packet identifier 0 is refused where it is [MQTT-2.2.1-3]', () => {
    expect(errorOf(() => readerOf(0, 0).packetId())).toMatchObject({
      reasonCode: 0x82,
      rule: 'MQTT-2.2.1-3',
      offset: 2,
    });
  });

  test('reason codes are those that the packet has', () => {
    expect(readerOf(0, 0x80, 0).reasonCodes([0, 0x80], '§1')).toEqual([0, 0x80, 0]);
    const error = errorOf(() => readerOf(0, 0x81).reasonCodes([0, 0x80], '§1'));
    expect(error).toMatchObject({ reasonCode: 0x82, rule: '§1', offset: 3 });
  });

  test('bytes after the last field are refused', () => {
    const reader = readerOf(1, 2);
    reader.byte();
    expect(errorOf(() => reader.expectEnd())).toMatchObject({ rule: '§2.1.4', offset: 3 });
  });
});

test('a rule is cited as the version of the packet has it, and checked where it has one', () => {
  const bytes = Uint8Array.of(0, 0);
  const cited = ([3, 4, 5] as const).map((version) => {
    const reader = new PacketReader().begin(bytes, 0, 0, 2, version);
    return [reader.checks(rules.connectFlag0), errorOf(() => reader.packetId()).rule];
  });
  expect(cited).toEqual([
    [false, '§2.4'],
    [true, 'MQTT-2.3.1-1'],
    [true, 'MQTT-2.2.1-3'],
  ]);
});

test('nothing of one packet counts towards the limits of the next', () => {
  const limits = { ...NO_LIMITS, maxUserProperties: 2, maxFiltersPerPacket: 2 };
  const reader = new PacketReader();
  for (let packet = 0; packet < 3; packet++) {
    reader.begin(new Uint8Array(8), 0, 0, 8, 5, 'server', limits);
    for (let count = 0; count < 2; count++) {
      reader.countFilter();
      reader.countUserProperty();
    }
    expect(errorOf(() => reader.countFilter()).reasonCode).toBe(0x97);
    expect(errorOf(() => reader.countUserProperty()).reasonCode).toBe(0x97);
    reader.beginProperties(8); // of a will
    reader.countUserProperty();
    reader.release();
  }
});
