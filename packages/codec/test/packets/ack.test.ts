import { describe, expect, test } from '@jest/globals';
import {
  ACK_SIZE_MAX,
  AckView,
  NO_LIMITS,
  PacketError,
  PacketType,
  type ProtocolVersion,
  writeAck,
} from '../../src/index.ts';

/** The reason codes of MQTT 5 by acknowledgement (§3.4.2.1, §3.5.2.1, §3.6.2.1, §3.7.2.1). */
const CODES = {
  PUBACK: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  PUBREC: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  PUBREL: [0x00, 0x92],
  PUBCOMP: [0x00, 0x92],
} as const;

const RULES = {
  PUBACK: 'MQTT-3.4.2-1',
  PUBREC: 'MQTT-3.5.2-1',
  PUBREL: 'MQTT-3.6.2-1',
  PUBCOMP: 'MQTT-3.7.2-1',
} as const;

type Name = keyof typeof CODES;
const names = Object.keys(CODES) as Name[];

function written(
  type: number,
  packetId: number,
  code: number,
  version: ProtocolVersion,
): Uint8Array {
  const target = new Uint8Array(1 + ACK_SIZE_MAX).fill(0xee);
  return target.subarray(1, writeAck(target, 1, type, packetId, code, version));
}

describe.each(names)('%s', (name) => {
  const type = PacketType[name];
  const firstByte = (type << 4) | (name === 'PUBREL' ? 2 : 0);

  test('has two bytes in MQTT 3.1 and 3.1.1, whatever became of the message', () => {
    for (const version of [3, 4] as const) {
      expect([...written(type, 0x1234, 0x92, version)]).toEqual([firstByte, 2, 0x12, 0x34]);
    }
  });

  test('leaves out a reason code of success in MQTT 5', () => {
    expect([...written(type, 0x1234, 0, 5)]).toEqual([firstByte, 2, 0x12, 0x34]);
    expect([...written(type, 0xffff, 0x92, 5)]).toEqual([firstByte, 3, 0xff, 0xff, 0x92]);
  });

  test('has the reason codes of the standard, and no others', () => {
    const view = new AckView();
    for (let code = 0; code < 256; code++) {
      const packet = Uint8Array.of(firstByte, 3, 0, 7, code);
      const read = () => view.read(packet, 0, 2, packet.length, 5);
      if ((CODES[name] as readonly number[]).includes(code)) {
        read();
        expect([view.packetId, view.reasonCode]).toEqual([7, code]);
      } else {
        expect(read).toThrow(`[${RULES[name]}] at byte 4`);
      }
    }
  });
});

test.each([4, 5] as const)(
  'what is written is read, whatever its packet identifier, in version %i',
  (version) => {
    const view = new AckView();
    for (let packetId = 1; packetId <= 0xffff; packetId += 251) {
      for (const name of names) {
        for (const code of CODES[name]) {
          const packet = written(PacketType[name], packetId, code, version);
          view.read(packet, 0, 2, packet.length, version);
          expect(view).toMatchObject({ packetId, reasonCode: version === 5 ? code : 0 });
        }
      }
    }
  },
);

test('a view that is used again says nothing of the packet before', () => {
  const view = new AckView();
  view.read(Uint8Array.of(0x40, 3, 0, 7, 0x80), 0, 2, 5, 5);
  view.read(Uint8Array.of(0x40, 2, 0, 8), 0, 2, 4, 5);
  expect([view.packetId, view.reasonCode]).toEqual([8, 0]);
});

test('properties are checked, and nothing may follow them', () => {
  const view = new AckView();
  const read = (limit: number, ...body: readonly number[]) => {
    const packet = Uint8Array.of(0x40, body.length, ...body);
    const limits = { ...NO_LIMITS, maxUserProperties: limit };
    view.read(packet, 0, 2, packet.length, 5, limits);
  };
  const pair = [0x26, 0, 0, 0, 0];
  read(1, 0, 7, 0x10, 5, ...pair);
  expect(view.reasonCode).toBe(0x10);
  read(1, 0, 7, 0x10, 5, ...pair); // each packet is counted by itself
  expect(() => read(0, 0, 7, 0x10, 5, ...pair)).toThrow('more than 0 user properties');
  expect(() => read(1, 0, 7, 0x10, 5, ...pair, 0)).toThrow('after the end of the packet');
  expect(() => read(1, 0, 7, 0x10, 3, 0x23, 0, 1)).toThrow(PacketError); // a topic alias
});
