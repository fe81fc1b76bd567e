import { describe, expect, test } from '@jest/globals';
import { encode, type Packet, PacketDecoder, PacketError } from '../src/index.ts';
import { rules } from '../src/wire/rules.ts';
import { plain } from './plain.ts';
import { errorOf } from './support/error-of.ts';
import type { Vector } from './vector.ts';
import { vectors } from './vectors.ts';

function newDecoder({ version, receiver }: Vector): PacketDecoder {
  return new PacketDecoder({ protocolVersion: version, receiver });
}

const accepted = vectors.filter(({ packet }) => packet !== undefined);
const refused = vectors.filter(({ packet }) => packet === undefined);

describe('accepted', () => {
  test.each(accepted)('$name', (vector) => {
    const packets = newDecoder(vector).push(vector.bytes);
    expect(packets.map(plain)).toEqual([plain(vector.packet)]);
  });

  test.each(accepted)('$name, split at every byte', (vector) => {
    for (let split = 0; split <= vector.bytes.length; split++) {
      const decoder = newDecoder(vector);
      const packets = [
        ...decoder.push(vector.bytes.subarray(0, split)),
        ...decoder.push(vector.bytes.subarray(split)),
      ];
      expect(packets.map(plain)).toEqual([plain(vector.packet)]);
      expect(decoder.bufferedBytes).toBe(0);
    }
  });

  test.each(accepted)('$name, byte by byte and three times', (vector) => {
    const decoder = newDecoder(vector);
    const packets: Packet[] = [];
    for (let copy = 0; copy < 3; copy++) {
      for (const byte of vector.bytes) packets.push(...decoder.push(Uint8Array.of(byte)));
    }
    expect(packets.map(plain)).toEqual([vector.packet, vector.packet, vector.packet].map(plain));
  });

  test.each(accepted)(
    '$name, shortened inside its frame, is refused or another packet',
    (vector) => {
      if (vector.bytes.length > 127) throw new Error('the header of a vector is two bytes');
      for (let length = 2; length < vector.bytes.length; length++) {
        const shortened = Uint8Array.from(vector.bytes.subarray(0, length));
        shortened[1] = length - 2;
        try {
          const packets = newDecoder(vector).push(shortened);
          // Only what has a shorter form can still be the same packet.
          const isSame =
            JSON.stringify(packets.map(plain)) === JSON.stringify([plain(vector.packet)]);
          if (isSame && vector.isCanonical) throw new Error(`accepted with ${length} bytes`);
        } catch (error) {
          if (!(error instanceof PacketError)) throw error;
        }
      }
    },
  );

  test.each(accepted.filter(({ isCanonical }) => isCanonical))('$name, encoded', (vector) => {
    const encoded = encode(vector.packet as Packet, { protocolVersion: vector.version });
    expect(Buffer.from(encoded as Uint8Array)).toEqual(Buffer.from(vector.bytes));
  });
});

describe('refused', () => {
  test.each(refused)('$name: $rule', (vector) => {
    const error = errorOf(() => newDecoder(vector).push(vector.bytes));
    expect([error.reasonCode, error.rule]).toEqual([vector.reasonCode, vector.rule]);
    expect(error.offset).toBeGreaterThanOrEqual(0);
    expect(error.offset).toBeLessThanOrEqual(vector.bytes.length);
  });

  test.each(refused)('$name, byte by byte', (vector) => {
    const decoder = newDecoder(vector);
    const error = errorOf(() => {
      for (const byte of vector.bytes) decoder.push(Uint8Array.of(byte));
    });
    expect([error.reasonCode, error.rule]).toEqual([vector.reasonCode, vector.rule]);
  });
});

test('every rule that differs between the versions is cited by a vector for each version that has it', () => {
  const cited = new Set(refused.map(({ version, rule }) => `${version} ${rule}`));
  const missing = Object.entries(rules).flatMap(([name, rule]) =>
    ([3, 4, 5] as const)
      .filter((version) => rule[version] !== null && !cited.has(`${version} ${rule[version]}`))
      .map((version) => `${name} ${version}`),
  );
  // Of a packet that is larger than the receiver's limit no vector can be made.
  expect(missing).toEqual(['packetSize 5']);
});
