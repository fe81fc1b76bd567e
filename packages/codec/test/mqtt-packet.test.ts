import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Packet as ForeignPacket, generate, parser } from 'mqtt-packet';
import { encode, type Packet, PacketDecoder, PacketError } from '../src/index.ts';
import { publish } from './arbitraries.ts';
import { plain } from './plain.ts';

test('our encoding is what mqtt-packet reads, and its is what we read', () => {
  fc.assert(
    fc.property(publish, (value) => {
      const packet = value as unknown as Packet;
      // mqtt-packet loses empty values of a key that repeats.
      fc.pre(
        !Object.values(value.properties?.userProperties ?? {}).some((one) => one.includes('')),
      );
      const ours = encode(packet, { protocolVersion: 5 }) as Uint8Array;
      const foreign: ForeignPacket[] = [];
      const reader = parser({ protocolVersion: 5 });
      reader.on('packet', (one) => foreign.push(one));
      reader.on('error', (error) => {
        throw error;
      });
      reader.parse(Buffer.from(ours));
      const { length, ...read } = foreign[0] as ForeignPacket & { length: number };
      expect(length).toBeGreaterThan(0);
      expect(plain(read)).toMatchObject(plain(packet) as object);

      const theirs = generate(toForeign(value), { protocolVersion: 5 });
      expect(plain(new PacketDecoder({ protocolVersion: 5 }).push(theirs))).toEqual([
        plain(packet),
      ]);
    }),
    { numRuns: 500 },
  );
});

function toForeign(value: { payload: Uint8Array; properties?: object }): ForeignPacket {
  const properties: Record<string, unknown> = { ...value.properties };
  if (properties['correlationData'] !== undefined) {
    properties['correlationData'] = Buffer.from(properties['correlationData'] as Uint8Array);
  }
  return { ...value, payload: Buffer.from(value.payload), properties } as unknown as ForeignPacket;
}

/** Malformed packets that mqtt-packet 9 takes: should it learn to refuse one, the list says so. */
const LENIENCIES: readonly [string, number[]][] = [
  ['a remaining length that is not minimal', [0xc0, 0x80, 0x00]],
  ['invalid UTF-8 in a topic', [0x30, 4, 0, 1, 0xff, 0]],
  ['U+0000 in a topic', [0x30, 4, 0, 1, 0, 0]],
  ['topic alias 0', [0x30, 7, 0, 1, 0x61, 3, 0x23, 0, 0]],
  ['topic alias twice', [0x30, 10, 0, 1, 0x61, 6, 0x23, 0, 1, 0x23, 0, 2]],
  ['packet identifier 0', [0x32, 6, 0, 1, 0x61, 0, 0, 0]],
];

test.each(LENIENCIES)('mqtt-packet takes %s, and we refuse it', (_name, bytes) => {
  const reader = parser({ protocolVersion: 5 });
  let packets = 0;
  reader.on('packet', () => packets++);
  reader.on('error', () => {});
  reader.parse(Buffer.from(bytes));
  expect(packets).toBe(1);
  expect(() => new PacketDecoder({ protocolVersion: 5 }).push(Buffer.from(bytes))).toThrow(
    PacketError,
  );
});
