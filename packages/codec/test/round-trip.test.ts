import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encode, type Packet, PacketDecoder } from '../src/index.ts';
import { connect, publish, subscribe } from './arbitraries.ts';
import { plain } from './plain.ts';

describe('what is encoded decodes to the same packet', () => {
  test.each([
    ['PUBLISH', publish],
    ['CONNECT', connect],
    ['SUBSCRIBE', subscribe],
  ] as const)('%s', (_name, arbitrary) => {
    fc.assert(
      fc.property(arbitrary as fc.Arbitrary<unknown>, (value) => {
        const packet = value as Packet;
        const bytes = encode(packet, { protocolVersion: 5 }) as Uint8Array;
        const [decoded] = new PacketDecoder({ protocolVersion: 5 }).push(bytes) as [Packet];
        if (decoded.cmd === 'connect') delete decoded.will?.forwardedProperties; // of the decoder's own
        expect(plain(decoded)).toEqual(plain(packet));
      }),
      { numRuns: 1000 },
    );
  });
});
