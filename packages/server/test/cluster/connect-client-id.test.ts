import { describe, expect, test } from '@jest/globals';
import { encode, type Packet, PacketDecoder } from '@promptmq/codec';
import fc from 'fast-check';
import { findClientId } from '../../src/cluster/front/connect-client-id.ts';

const SIZE_MAX = 10_000;

function connect(version: 3 | 4 | 5, clientId: string, more: object = {}): Buffer {
  const packet = {
    cmd: 'connect',
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: version,
    clean: true,
    keepalive: 60,
    clientId,
    ...more,
  };
  return Buffer.from(encode(packet as Packet, { protocolVersion: version }) as Uint8Array);
}

const found = (bytes: Uint8Array, sizeMax = SIZE_MAX) => {
  const clientId = findClientId(bytes, sizeMax);
  return typeof clientId === 'string' ? clientId : `= ${Buffer.from(clientId)}`;
};

const WILL = { topic: 't', payload: Buffer.from('gone'), qos: 1, retain: false };
const PROPERTIES = { sessionExpiryInterval: 10, userProperties: { a: 'x'.repeat(200) } };

describe('the client identifier of a CONNECT', () => {
  test.each([
    ['MQTT 3.1', connect(3, 'a client')],
    ['MQTT 3.1.1', connect(4, 'a client')],
    ['MQTT 5', connect(5, 'a client')],
    ['MQTT 5 with properties', connect(5, 'a client', { properties: PROPERTIES })],
    ['a will and a user name', connect(5, 'a client', { will: WILL, username: 'u' })],
  ])('is found in %s as soon as it is there, and never before', (_, bytes) => {
    const last = bytes.indexOf('a client') + 'a client'.length;
    for (let size = 0; size <= bytes.length; size++) {
      expect(found(bytes.subarray(0, size))).toBe(size < last ? 'more' : '= a client');
    }
    expect(found(Buffer.concat([bytes, bytes]))).toBe('= a client');
  });

  test('is there in UTF-8, and may be as long as a client can have it', () => {
    expect(found(connect(4, 'Zürich'))).toBe('= Zürich');
    const long = 'x'.repeat(9000);
    expect(found(connect(4, long))).toBe(`= ${long}`);
  });

  test('an empty one is found, too: the broker draws one', () => {
    expect(found(connect(4, ''))).toBe('= ');
    expect(found(connect(5, ''))).toBe('= ');
  });

  test.each([
    ['another packet', Buffer.from([0xc0, 0])],
    ['text', Buffer.from('GET / HTTP/1.1\r\n')],
    ['a length that is none', Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff])],
    ['another protocol name', Buffer.from([0x10, 20, 0, 3, 1, 2, 3])],
    [
      'a CONNECT that ends within its header',
      Buffer.from([0x10, 9, 0, 4, 77, 81, 84, 84, 4, 2, 0]),
    ],
    [
      'one that ends before the identifier',
      Buffer.from([0x10, 10, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60]),
    ],
    [
      'an identifier beyond its end',
      Buffer.from([0x10, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 5, 65, 66, 67, 68, 69]),
    ],
    [
      'properties beyond its end',
      Buffer.from([0x10, 13, 0, 4, 77, 81, 84, 84, 5, 2, 0, 60, 100, 0, 0]),
    ],
    [
      'properties whose length is none',
      Buffer.from([0x10, 30, 0, 4, 77, 81, 84, 84, 5, 2, 0, 60, 255, 255, 255, 255]),
    ],
    ['a larger CONNECT than is accepted', connect(4, 'x'.repeat(SIZE_MAX))],
  ])('%s has none: the broker says what is wrong', (_, bytes) => {
    expect(found(bytes)).toBe('none');
    expect(found(bytes.subarray(0, 2))).toMatch(/none|more/);
  });

  test('one that is too large is known to be by its first bytes', () => {
    const bytes = connect(4, 'x'.repeat(300));
    expect(found(bytes.subarray(0, 3), 100)).toBe('none');
    expect(found(bytes, bytes.length - 3)).toMatch(/^= x+$/);
    expect(found(bytes, bytes.length - 4)).toBe('none');
  });

  test('whatever the bytes are, it is the one that the decoder finds, or none', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((rest) => Buffer.from([0x10, ...rest])),
      fc
        .tuple(fc.constantFrom<3 | 4 | 5>(3, 4, 5), fc.string(), fc.nat(), fc.nat(255))
        .map(([version, clientId, at, byte]) => {
          const packet = connect(version, clientId);
          packet[at % packet.length] = byte;
          return packet;
        }),
    );
    fc.assert(
      fc.property(bytes, (some) => {
        const decoded = decode(some);
        if (decoded !== null && decoded !== '') expect(found(some)).toBe(`= ${decoded}`);
      }),
      { numRuns: 5000 },
    );
  });
});

/** @returns the client identifier; null where there is no whole CONNECT */
function decode(bytes: Uint8Array): string | null {
  try {
    const [packet] = new PacketDecoder({ protocolVersion: 4, receiver: 'server' }).push(bytes);
    return packet?.cmd === 'connect' ? packet.clientId : null;
  } catch {
    return null;
  }
}
