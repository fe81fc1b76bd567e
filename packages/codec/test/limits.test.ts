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

test('nothing behind a limit is read: what follows may be malformed', () => {
  const bytes = encode(packets['subscribe']?.({}) as Packet, { protocolVersion: 5 }) as Uint8Array;
  const broken = Uint8Array.of(...bytes, 0xff, 0xff, 0xff);
  broken[1] = (broken[1] as number) + 3;
  expect(refusalOf(broken, { maxFiltersPerPacket: 1 })).toBe(0x97);
  expect(refusalOf(broken, {})).toBe(0x81);
});

test('where a CONNECT has to come, any other type is refused at its first byte [MQTT-3.1.0-1]', () => {
  for (let type = 1; type <= 15; type++) {
    const decoder = new FrameDecoder({ onFrame: () => true }, { protocolVersion: null });
    const flags = [6, 8, 10].includes(type) ? 2 : 0;
    const push = () => decoder.push(Uint8Array.of((type << 4) | flags, 0xff));
    if (type === 1) push();
    else expect(push).toThrow(/not a CONNECT \[MQTT-3.1.0-1\] at byte 0/);
  }
});

test('a packet other than PUBLISH has a limit of its own, seen at its header', () => {
  const decoder = new FrameDecoder({ onFrame: () => true });
  decoder.maximumControlSize = 100;
  decoder.push(Uint8Array.of(0x30, 99));
  decoder.reset();
  decoder.push(Uint8Array.of(0x82, 98));
  decoder.reset();
  expect(() => decoder.push(Uint8Array.of(0x82, 99))).toThrow(/101 bytes, allowed are 100/);
});

test('whatever comes while the sink has stopped waits in its order, however often it stops', () => {
  const whole = Uint8Array.from(
    Array.from({ length: 50 }, (_, index) => [0x40, 2, 0, index + 1]).flat(),
  );
  for (let size = 1; size < 30; size++) {
    const seen: number[] = [];
    const decoder = new FrameDecoder({
      onFrame: (buffer, _start, _bodyStart, end) => {
        seen.push(buffer[end - 1] as number);
        return seen.length % 3 !== 0;
      },
    });
    let pushed = 0;
    for (let start = 0; start < whole.length; start += size) {
      decoder.push(whole.subarray(start, start + size));
      pushed = Math.min(whole.length, start + size);
      expect(decoder.bufferedBytes).toBe(pushed - 4 * seen.length);
      if (start % 7 === 0) decoder.resume();
    }
    while (decoder.isStopped) decoder.resume();
    expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(decoder.bufferedBytes).toBe(0);
    expect(decoder.stoppedBytes).toBe(0);
  }
});
