import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  encode,
  FrameDecoder,
  messageProperties,
  type Packet,
  PacketError,
  type ProtocolVersion,
  PublishView,
  type Receiver,
} from '../../src/index.ts';
import { publish as publishPackets } from '../arbitraries.ts';
import { plain } from '../plain.ts';
import { bytes, frame, type Part } from '../vector.ts';

const FIELDS = [
  'start',
  'end',
  'qos',
  'dup',
  'retain',
  'topicStart',
  'topicEnd',
  'packetId',
  'propertiesStart',
  'propertiesEnd',
  'payloadStart',
  'payloadEnd',
  'topicAlias',
  'messageExpiryInterval',
  'payloadFormatIndicator',
  'hasVolatileProperties',
  'forwardedStart',
  'forwardedEnd',
  'isScattered',
  'hasPaddedLength',
] as const;

/** All that a view says. */
function said(view: PublishView): unknown {
  return [FIELDS.map((field) => [field, view[field]]), [...view.forwardedProperties()]];
}

function read(view: PublishView, packet: Uint8Array, receiver: Receiver = 'client'): PublishView {
  view.read(packet, 0, 2, packet.length, 5, receiver);
  return view;
}

/** A PUBLISH at QoS 1 with encoded properties. */
function publish(...properties: readonly Part[]): Uint8Array {
  const encoded = bytes(...properties);
  return frame(0x32, ['t'], 0, 7, encoded.length, ...encoded, 'x');
}

const EXPIRY = [0x02, 0, 0, 0, 60];
const ALIAS = [0x23, 0, 3];
const IDENTIFIER = [0x0b, 0x81, 0x01];
const FORMAT = [0x01, 1];
const TYPE = [0x03, 0, 1, 0x63];
const USER = [0x26, 0, 1, 0x6b, 0, 1, 0x76];

const packets: Record<string, Uint8Array> = {
  'none, at QoS 0': frame(0x30, ['t'], 0, 'x'),
  'none, DUP at QoS 2, RETAIN': frame(0x3d, ['t'], 0, 9, 0, 'x'),
  'all that are not forwarded': publish(...EXPIRY, ...ALIAS, ...IDENTIFIER),
  'all that are': publish(...FORMAT, ...TYPE, ...USER),
  'one between others': publish(...FORMAT, ...EXPIRY, ...TYPE),
  'an alias alone, without a topic': frame(0x32, [''], 0, 7, 3, ...ALIAS, 'x'),
};

describe('a view that is used again', () => {
  test.each(Object.keys(packets))('says nothing of the packet before: %s', (name) => {
    for (const before of Object.values(packets)) {
      const view = read(new PublishView(), before);
      read(view, packets[name] as Uint8Array);
      expect(said(view)).toEqual(said(read(new PublishView(), packets[name] as Uint8Array)));
    }
  });

  test.each(Object.keys(packets))('says nothing of one that was refused: %s', (name) => {
    const view = new PublishView();
    for (const last of [ALIAS, [0x7f], [0x26, 0, 9]]) {
      const refused = publish(...ALIAS, ...EXPIRY, ...TYPE, ...IDENTIFIER, ...FORMAT, ...last);
      expect(() => read(view, refused)).toThrow(PacketError);
      read(view, packets[name] as Uint8Array);
      expect(said(view)).toEqual(said(read(new PublishView(), packets[name] as Uint8Array)));
    }
  });
});

describe('the properties that are forwarded', () => {
  test.each([
    ['are none', [], [], false, false],
    ['are none of those that are a hop’s own', [EXPIRY, ALIAS, IDENTIFIER], [], true, false],
    [
      'are all others, as they came',
      [FORMAT, TYPE, USER, USER],
      [FORMAT, TYPE, USER, USER],
      false,
      false,
    ],
    ['lie side by side after others', [ALIAS, FORMAT, TYPE], [FORMAT, TYPE], true, false],
    ['lie side by side before others', [FORMAT, TYPE, EXPIRY], [FORMAT, TYPE], true, false],
    ['lie scattered', [USER, EXPIRY, TYPE, ALIAS, USER], [USER, TYPE, USER], true, true],
  ])('%s', (_name, properties, forwarded, hasVolatileProperties, isScattered) => {
    const view = read(new PublishView(), publish(...properties.flat()));
    expect([...view.forwardedProperties()]).toEqual(forwarded.flat());
    expect(view).toMatchObject({ hasVolatileProperties, isScattered });
  });
});

test('what is said of numbers and offsets is where it is in the bytes', () => {
  const packet = publish(...EXPIRY, ...ALIAS, ...FORMAT);
  const view = read(new PublishView(), packet);
  expect(view).toMatchObject({
    qos: 1,
    packetId: 7,
    messageExpiryInterval: 60,
    topicAlias: 3,
    payloadFormatIndicator: 1,
  });
  const text = (start: number, end: number) => Buffer.from(packet.subarray(start, end)).toString();
  expect(text(view.topicStart, view.topicEnd)).toBe('t');
  expect(text(view.payloadStart, view.payloadEnd)).toBe('x');
  expect(view.propertiesEnd - view.propertiesStart).toBe(10);
});

test('a server refuses a subscription identifier, a client takes several [MQTT-3.3.4-6]', () => {
  const packet = publish(...IDENTIFIER, ...IDENTIFIER);
  expect(() => read(new PublishView(), packet, 'server')).toThrow('[MQTT-3.3.4-6]');
  expect(read(new PublishView(), packet).toPacket(5).properties).toEqual({
    subscriptionIdentifier: [129, 129],
  });
});

test('a padded remaining length is known, as MQTT 5 does not have it', () => {
  const packet = Uint8Array.of(0x30, 0x84, 0x80, 0, 0, 1, 0x74, 0x78);
  const view = new PublishView();
  view.read(packet, 0, 4, packet.length, 4, 'server');
  expect(view.hasPaddedLength).toBe(true);
  view.read(Uint8Array.of(0x30, 4, 0, 1, 0x74, 0x78), 0, 2, 6, 4, 'server');
  expect(view.hasPaddedLength).toBe(false);
});

test('what is said is what the packet was encoded from, in each version', () => {
  const view = new PublishView();
  fc.assert(
    fc.property(publishPackets, fc.constantFrom(3, 4, 5), (value, number) => {
      const version = number as ProtocolVersion;
      const packet = value as Packet & { cmd: 'publish' };
      new FrameDecoder({
        onFrame: (buffer, start, bodyStart, end) => {
          view.read(buffer, start, bodyStart, end, version, 'server');
          return true;
        },
      }).push(encode(packet, { protocolVersion: version }) as Uint8Array);
      const { properties, ...others } = packet;
      const expected: typeof packet = version === 5 ? packet : others;
      expect(plain(view.toPacket(version))).toEqual(plain(expected));
      const { topicAlias = 0, messageExpiryInterval = -1 } = expected.properties ?? {};
      expect(view).toMatchObject({ topicAlias, messageExpiryInterval });
    }),
    { numRuns: 1000 },
  );
});

test('the properties that are forwarded are read as an object, whatever they are', () => {
  const properties = {
    payloadFormatIndicator: true,
    contentType: 'text/plain',
    responseTopic: 'answers',
    correlationData: Uint8Array.of(1, 2),
    userProperties: { once: 'a', twice: ['b', 'c'] },
  };
  const packet = encode(
    {
      cmd: 'publish',
      qos: 0,
      dup: false,
      retain: false,
      topic: 't',
      payload: bytes([]),
      properties,
    },
    { protocolVersion: 5 },
  ) as Uint8Array;
  const view = read(new PublishView(), packet);
  const forwarded = packet.slice(view.forwardedStart, view.forwardedEnd);
  expect(plain(messageProperties(forwarded))).toEqual(plain(properties));
  expect(messageProperties(new Uint8Array(0))).toEqual({});
});
