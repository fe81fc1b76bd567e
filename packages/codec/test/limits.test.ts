import { describe, expect, test } from '@jest/globals';
import {
  AckView,
  type DecodeLimits,
  decodePacket,
  encode,
  FrameDecoder,
  NO_LIMITS,
  type Packet,
  PacketError,
  PublishView,
} from '../src/index.ts';

/** Decodes an encoded packet as a server does; returns the reason code of a refusal, or 0. */
function refusalOf(bytes: Uint8Array, limits: Partial<DecodeLimits>): number {
  const all = { ...NO_LIMITS, ...limits };
  const decoder = new FrameDecoder({
    onFrame: (buffer, start, bodyStart, end) => {
      decodePacket(buffer, start, bodyStart, end, 5, 'server', all);
      const type = (buffer[start] as number) >> 4;
      if (type === 3) new PublishView().read(buffer, start, bodyStart, end, 5, 'server', all);
      if (type >= 4 && type <= 7) new AckView().read(buffer, start, bodyStart, end, 5, all);
      return true;
    },
  });
  try {
    decoder.push(bytes);
    return 0;
  } catch (error) {
    if (error instanceof PacketError) return error.reasonCode;
    throw error;
  }
}

const connect = {
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 5,
  clean: true,
  keepalive: 0,
  clientId: 'c',
};
const filter = { topic: 'a', qos: 0 };

const packets: Record<string, (properties: object) => object> = {
  connect: (properties) => ({ ...connect, properties }),
  will: (properties) => ({
    ...connect,
    will: { topic: 'w', payload: new Uint8Array(1), qos: 0, retain: false, properties },
  }),
  publish: (properties) => ({
    cmd: 'publish',
    qos: 0,
    dup: false,
    retain: false,
    topic: 't',
    payload: new Uint8Array(1),
    properties,
  }),
  puback: (properties) => ({ cmd: 'puback', messageId: 1, reasonCode: 0, properties }),
  pubrec: (properties) => ({ cmd: 'pubrec', messageId: 1, reasonCode: 0, properties }),
  pubrel: (properties) => ({ cmd: 'pubrel', messageId: 1, reasonCode: 0, properties }),
  pubcomp: (properties) => ({ cmd: 'pubcomp', messageId: 1, reasonCode: 0, properties }),
  subscribe: (properties) => ({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [filter],
    properties,
  }),
  unsubscribe: (properties) => ({
    cmd: 'unsubscribe',
    messageId: 1,
    unsubscriptions: ['a'],
    properties,
  }),
  disconnect: (properties) => ({ cmd: 'disconnect', reasonCode: 0, properties }),
  auth: (properties) => ({ cmd: 'auth', reasonCode: 0x18, properties }),
};

describe.each(Object.keys(packets))('%s', (name) => {
  const bytesOf = (properties: object) =>
    encode(packets[name]?.(properties) as Packet, { protocolVersion: 5 }) as Uint8Array;

  test('may have as many user properties as the limit says, and no more', () => {
    const userProperties = { k: ['1', '2', '3'] };
    const bytes = bytesOf({ userProperties });
    expect(refusalOf(bytes, { maxUserProperties: 3 })).toBe(0);
    expect(refusalOf(bytes, { maxUserProperties: 2 })).toBe(0x97);
    expect(refusalOf(bytesOf({}), { maxUserProperties: 0 })).toBe(0);
  });

  test('may have properties of as many bytes as the limit says, and no more', () => {
    // An identifier, and two strings with their lengths.
    const bytes = bytesOf({ userProperties: { key: 'value' } });
    expect(refusalOf(bytes, { maxPropertiesSize: 13 })).toBe(0);
    expect(refusalOf(bytes, { maxPropertiesSize: 12 })).toBe(0x97);
  });
});

test.each(['subscribe', 'unsubscribe'])('%s may have as many filters as the limit says', (cmd) => {
  const packet = (count: number) =>
    encode(
      {
        cmd,
        messageId: 1,
        subscriptions: Array.from({ length: count }, () => filter),
        unsubscriptions: Array.from({ length: count }, () => 'a'),
      } as unknown as Packet,
      { protocolVersion: 5 },
    ) as Uint8Array;
  expect(refusalOf(packet(5), { maxFiltersPerPacket: 5 })).toBe(0);
  expect(refusalOf(packet(6), { maxFiltersPerPacket: 5 })).toBe(0x97);
});

test('nothing after a limit is read: what follows may be malformed', () => {
  const bytes = encode(packets['subscribe']?.({}) as Packet, { protocolVersion: 5 }) as Uint8Array;
  const broken = Uint8Array.of(...bytes, 0xff, 0xff, 0xff);
  broken[1] = (broken[1] as number) + 3;
  expect(refusalOf(broken, { maxFiltersPerPacket: 1 })).toBe(0x97);
  expect(refusalOf(broken, {})).toBe(0x81);
});
