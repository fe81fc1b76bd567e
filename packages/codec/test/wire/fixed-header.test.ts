import { describe, expect, test } from '@jest/globals';
import type { ProtocolVersion } from '../../src/index.ts';
import {
  checkMinimalLength,
  firstByteError,
  possibleFirstBytes,
} from '../../src/wire/fixed-header.ts';

/** The first bytes that MQTT 3.1.1 and 5 have, one packet type after the other (§2.1.3, table 2-2). */
const STRICT: readonly number[] = [
  ...range(0x10, 0x1f), // CONNECT is checked when its version is known
  0x20,
  ...range(0x30, 0x35), // PUBLISH without DUP
  ...range(0x3a, 0x3d), // with DUP, at QoS 1 and 2 only [MQTT-3.3.1-2]
  ...[0x40, 0x50, 0x62, 0x70],
  ...[0x82, 0x90, 0xa2, 0xb0],
  ...[0xc0, 0xd0, 0xe0, 0xf0],
];

/** MQTT 3.1 ignores unused flags; QoS 3 is reserved there, too. */
const LENIENT: readonly number[] = range(0x10, 0xff).filter(
  (byte) => byte >> 4 !== 3 || (byte & 0x06) !== 0x06,
);

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function possible(version: ProtocolVersion | null): number[] {
  const bytes = possibleFirstBytes(version);
  return range(0, 255).filter((byte) => bytes[byte] === 1);
}

describe('the first bytes that a packet may have', () => {
  test('are those of the standard in MQTT 3.1.1 and 5 [MQTT-2.2.2-2] [MQTT-2.1.3-1]', () => {
    expect(possible(4)).toEqual(STRICT);
    expect(possible(5)).toEqual(STRICT);
  });

  test('may have any flags in MQTT 3.1, but for QoS 3', () => {
    expect(possible(3)).toEqual(LENIENT);
  });

  test('are those of CONNECT while no version is known [MQTT-3.1.0-1]', () => {
    expect(possible(null)).toEqual(range(0x10, 0x1f));
  });
});

test.each([
  [0x00, 3, 0x81, '§2.1'],
  [0x0f, 4, 0x81, '§2.2.1'],
  [0x00, 5, 0x81, '§2.1.2'],
  [0x36, 3, 0x81, '§2.1'],
  [0x36, 5, 0x81, 'MQTT-3.3.1-4'],
  [0x38, 4, 0x81, 'MQTT-3.3.1-2'],
  [0x60, 4, 0x81, 'MQTT-2.2.2-2'],
  [0xc1, 5, 0x81, 'MQTT-2.1.3-1'],
  [0x30, null, 0x82, 'MQTT-3.1.0-1'],
] as const)(
  'a first byte of %i, in version %s, is refused with %i by %s',
  (byte, version, reasonCode, rule) => {
    expect(firstByteError(byte, version)).toMatchObject({ reasonCode, rule, offset: 0 });
  },
);

test('a remaining length may have bytes that it does not need before MQTT 5 only [MQTT-1.5.5-1]', () => {
  const padded = Uint8Array.of(0xc0, 0x80, 0x00);
  expect(() => checkMinimalLength(padded, 0, 3, 5)).toThrow('at byte 2');
  for (const version of [3, 4] as const) checkMinimalLength(padded, 0, 3, version);
  checkMinimalLength(Uint8Array.of(0xc0, 0x00), 0, 2, 5);
});
