import { describe, expect, test } from '@jest/globals';
import { encode, type Packet, PacketDecoder } from '../src/index.ts';

test('as many user properties are encoded as there are, also more than a call has arguments', () => {
  const userProperties = { key: Array.from({ length: 200_000 }, (_, index) => `${index}`) };
  const packet: Packet = {
    cmd: 'puback',
    messageId: 1,
    reasonCode: 0,
    properties: { userProperties },
  };
  const bytes = encode(packet, { protocolVersion: 5 }) as Uint8Array;
  const decoder = new PacketDecoder({ protocolVersion: 5, receiver: 'client' });
  expect(decoder.push(bytes)).toEqual([packet]);
});

describe('maximum packet size', () => {
  const properties = { reasonString: 'because', userProperties: { key: 'value' } };

  test.each([
    ['connack', { sessionPresent: false, reasonCode: 0x87 }],
    ['puback', { messageId: 1, reasonCode: 0x87 }],
    ['suback', { messageId: 1, granted: [0] }],
    ['unsuback', { messageId: 1, granted: [0] }],
    ['disconnect', { reasonCode: 0x87 }],
    ['auth', { reasonCode: 0x18 }],
  ])(
    '%s loses user properties first, then its reason string [MQTT-3.4.2-2] [MQTT-3.4.2-3]',
    (cmd, fields) => {
      const packet = { cmd, ...fields, properties } as Packet;
      const sizes = new Set<number>();
      const whole = encode(packet, { protocolVersion: 5 }) as Uint8Array;
      for (let maximumPacketSize = whole.length; maximumPacketSize > 1; maximumPacketSize--) {
        const bytes = encode(packet, { protocolVersion: 5, maximumPacketSize });
        if (bytes === null) break;
        expect(bytes.length).toBeLessThanOrEqual(maximumPacketSize);
        sizes.add(bytes.length);
      }
      expect(sizes.size).toBe(3);
      const least = Math.min(...sizes);
      expect(encode(packet, { protocolVersion: 5, maximumPacketSize: least - 1 })).toBeNull();
    },
  );

  test('a PUBLISH is whole or not there [MQTT-3.1.2-25]', () => {
    const packet: Packet = {
      cmd: 'publish',
      qos: 0,
      dup: false,
      retain: false,
      topic: 't',
      payload: Buffer.from('x'),
      properties: { userProperties: { a: 'b' } },
    };
    const { length } = encode(packet, { protocolVersion: 5 }) as Uint8Array;
    expect(encode(packet, { protocolVersion: 5, maximumPacketSize: length })).toHaveLength(length);
    expect(encode(packet, { protocolVersion: 5, maximumPacketSize: length - 1 })).toBeNull();
  });
});
