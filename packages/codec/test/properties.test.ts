import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Packet as ForeignPacket, generate, parser } from 'mqtt-packet';
import {
  AckView,
  decodePacket,
  encode,
  FrameDecoder,
  MessageBytes,
  type Packet,
  PacketDecoder,
  PacketError,
  type ProtocolVersion,
  PublishOwn,
  PublishView,
  publishSize,
  writeAck,
  writePublish,
} from '../src/index.ts';

const text = fc
  .string({ unit: 'binary', maxLength: 20 })
  .filter((value) => !/[\0\ud800-\udfff]/u.test(value));
const topic = text.filter((value) => value !== '' && !/[+#]/.test(value));
const binary = fc.uint8Array({ maxLength: 300 });
const packetId = fc.integer({ min: 1, max: 0xffff });
const userProperties = fc.dictionary(
  text.filter((key) => !/^\d+$/.test(key) && key !== '__proto__'),
  fc.oneof(text, fc.array(text, { minLength: 2, maxLength: 3 })),
  { maxKeys: 3 },
);

/** A record in which every field may be missing. */
function optional<T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return fc.record(fields, { requiredKeys: [] });
}

const publishProperties = optional({
  payloadFormatIndicator: fc.boolean(),
  messageExpiryInterval: fc.nat(0xffff_ffff),
  topicAlias: packetId,
  responseTopic: topic,
  correlationData: binary,
  contentType: text,
  userProperties,
});

const publish = fc
  .record({
    qos: fc.constantFrom(0, 1, 2),
    dup: fc.boolean(),
    retain: fc.boolean(),
    topic,
    payload: binary,
    messageId: packetId,
    properties: publishProperties,
  })
  .map(({ messageId, properties, ...fields }) => ({
    cmd: 'publish',
    ...fields,
    dup: fields.dup && fields.qos > 0,
    ...(fields.qos > 0 ? { messageId } : {}),
    ...(hasKeys(properties) ? { properties } : {}),
  }));

const connect = fc
  .record({
    clean: fc.boolean(),
    keepalive: fc.nat(0xffff),
    clientId: text,
    username: fc.option(text, { nil: undefined }),
    password: fc.option(binary, { nil: undefined }),
    properties: optional({
      sessionExpiryInterval: fc.nat(0xffff_ffff),
      receiveMaximum: packetId,
      maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
      topicAliasMaximum: fc.nat(0xffff),
      requestResponseInformation: fc.boolean(),
      requestProblemInformation: fc.boolean(),
      userProperties,
      authenticationMethod: text,
    }),
  })
  .map(({ properties, username, password, ...fields }) => ({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    ...fields,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(hasKeys(properties) ? { properties } : {}),
  }));

const subscribe = fc
  .record({
    messageId: packetId,
    subscriptions: fc.array(
      fc.record({
        topic: fc.constantFrom('a', '#', 'a/+/b', '/', '$SYS/#'),
        qos: fc.constantFrom(0, 1, 2),
        nl: fc.boolean(),
        rap: fc.boolean(),
        rh: fc.constantFrom(0, 1, 2),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }),
  })
  .map(({ subscriptionIdentifier, ...fields }) => ({
    cmd: 'subscribe',
    ...fields,
    properties: { subscriptionIdentifier },
  }));

function hasKeys(value: { userProperties?: object }): boolean {
  if (value.userProperties !== undefined && Object.keys(value.userProperties).length === 0) {
    delete value.userProperties;
  }
  return Object.keys(value).length > 0;
}

function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, one) => {
      if (one?.type === 'Buffer') return Buffer.from(one.data).toString('latin1');
      return one instanceof Uint8Array ? Buffer.from(one).toString('latin1') : one;
    }),
  );
}

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
        expect(plain(new PacketDecoder({ protocolVersion: 5 }).push(bytes))).toEqual([
          plain(packet),
        ]);
      }),
      { numRuns: 1000 },
    );
  });
});

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

test('the views of the hot path say what the packet objects say', () => {
  fc.assert(
    fc.property(publish, fc.constantFrom(3, 4, 5), (value, version) => {
      const packet = value as unknown as Packet & { cmd: 'publish' };
      const bytes = encode(packet, { protocolVersion: version as ProtocolVersion }) as Uint8Array;
      const view = new PublishView();
      new FrameDecoder({
        onFrame: (buffer, start, bodyStart, end) => {
          view.read(buffer, start, bodyStart, end, version as ProtocolVersion, 'server');
          const decoded = decodePacket(
            buffer,
            start,
            bodyStart,
            end,
            version as ProtocolVersion,
            'server',
          );
          expect(plain(view.toPacket(version as ProtocolVersion))).toEqual(plain(decoded));
          return true;
        },
      }).push(bytes);
      expect(view.topicAlias).toBe(version === 5 ? (packet.properties?.topicAlias ?? 0) : 0);
      expect(view.messageExpiryInterval).toBe(
        version === 5 ? (packet.properties?.messageExpiryInterval ?? -1) : -1,
      );

      // What the broker sends on: everything but alias, expiry and identifiers, which are its own.
      const properties = view.forwardedProperties();
      const topicBytes = Buffer.from(packet.topic);
      const message = new MessageBytes();
      message.set(topicBytes, properties, packet.payload);
      const own = Object.assign(new PublishOwn(), {
        flags: packet.qos << 1,
        packetId: 77,
        expiry: 5,
        alias: 3,
        identifiers: [1, 200],
      });
      const size = publishSize(message, own);
      const target = Buffer.alloc(size + 10);
      const end = writePublish(target, 4, message, own);
      expect(end).toBe(4 + size);
      const [sent] = new PacketDecoder({ protocolVersion: 5, receiver: 'client' }).push(
        target.subarray(4, end),
      ) as [Packet & { cmd: 'publish' }];
      const { topicAlias, messageExpiryInterval, ...kept } =
        version === 5 ? (packet.properties ?? {}) : {};
      expect([topicAlias, messageExpiryInterval].length).toBe(2);
      expect(plain(sent.properties)).toEqual(
        plain({
          ...kept,
          topicAlias: 3,
          messageExpiryInterval: 5,
          subscriptionIdentifier: [1, 200],
        }),
      );
      expect(Buffer.from(sent.payload)).toEqual(Buffer.from(packet.payload));
    }),
    { numRuns: 1000 },
  );
});

test('acknowledgements are written as they are read', () => {
  const codes = fc.constantFrom([4, 0], [4, 0x97], [5, 0x10], [6, 0x92], [7, 0]);
  fc.assert(
    fc.property(codes, packetId, fc.constantFrom(4, 5), ([type, code], id, version) => {
      const target = Buffer.alloc(8);
      const end = writeAck(
        target,
        1,
        type as number,
        id,
        code as number,
        version as ProtocolVersion,
      );
      const view = new AckView();
      view.read(target, 1, 3, end, version as ProtocolVersion);
      expect([view.packetId, view.reasonCode]).toEqual([id, version === 5 ? code : 0]);
      expect((target[1] as number) >> 4).toBe(type);
      expect(target[2]).toBe(end - 3);
    }),
  );
});

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
