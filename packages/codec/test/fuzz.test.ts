import { expect, test } from '@jest/globals';
import { PacketDecoder, PacketError, type ProtocolVersion } from '../src/index.ts';
import { vectors } from './vectors.ts';

const RUNS = 1_000_000;
const LIMIT = 4096;

/** A small seeded generator (xorshift), so that a failure can be run again. */
function newRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

test('a million mutated packets are accepted or refused with a PacketError, and buffer no more than allowed', () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_124);
  const random = newRandom(seed);
  let refused = 0;
  for (let run = 0; run < RUNS; run++) {
    const vector = vectors[random(vectors.length)] as (typeof vectors)[number];
    const bytes = mutate(Uint8Array.from(vector.bytes), random);
    const decoder = new PacketDecoder({
      protocolVersion: ([3, 4, 5] as const)[random(3)] as ProtocolVersion,
      receiver: random(4) === 0 ? 'client' : 'server',
      maximumPacketSize: LIMIT,
    });
    const split = random(bytes.length + 1);
    try {
      decoder.push(bytes.subarray(0, split));
      decoder.push(bytes.subarray(split));
    } catch (error) {
      if (!(error instanceof PacketError)) {
        throw new Error(`seed ${seed}, run ${run}: ${Buffer.from(bytes).toString('hex')}`, {
          cause: error,
        });
      }
      refused++;
    }
    if (decoder.bufferedBytes > bytes.length) throw new Error(`seed ${seed}, run ${run}: buffered`);
  }
  expect(refused).toBeGreaterThan(RUNS / 4);
  expect(refused).toBeLessThan(RUNS);
}, 120_000);

function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  let mutated = bytes;
  for (let change = random(4); change >= 0; change--) {
    const at = random(mutated.length || 1);
    switch (random(4)) {
      case 0:
        mutated[at] = random(256);
        break;
      case 1:
        mutated[at] = (mutated[at] ?? 0) ^ (1 << random(8));
        break;
      case 2:
        mutated = Uint8Array.from([...mutated.subarray(0, at), ...mutated.subarray(at + 1)]);
        break;
      default:
        mutated = Uint8Array.from([
          ...mutated.subarray(0, at),
          random(256),
          ...mutated.subarray(at),
        ]);
    }
  }
  // Most often with a length that fits, so that the body is looked at.
  if (random(4) > 0 && mutated.length >= 2 && mutated.length < 129) mutated[1] = mutated.length - 2;
  return mutated;
}

test('random bytes do the same', () => {
  const random = newRandom(7);
  for (let run = 0; run < 50_000; run++) {
    const bytes = Uint8Array.from({ length: random(64) }, () => random(256));
    const decoder = new PacketDecoder({ protocolVersion: 5, maximumPacketSize: LIMIT });
    try {
      decoder.push(bytes);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
    }
    expect(decoder.bufferedBytes).toBeLessThanOrEqual(bytes.length);
  }
});
