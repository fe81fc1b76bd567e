import { describe, expect, test } from '@jest/globals';
import { PacketError, PacketType } from '../../src/index.ts';
import { encodeProperties, readProperties } from '../../src/wire/properties.ts';
import { propertyById, propertyByName, WILL } from '../../src/wire/property-table.ts';
import { PacketReader } from '../../src/wire/reader.ts';

const PACKETS: Record<string, number> = { ...PacketType, WILL };

/**
 * Table 2-4 of the standard, in its order: identifier, a value of each type with its bytes, and the packets. A property
 * is in as many packets as the standard says, and in no others.
 */
const TABLE: readonly [
  id: number,
  name: string,
  value: unknown,
  bytes: number[],
  packets: string,
][] = [
  [0x01, 'payloadFormatIndicator', true, [1], 'PUBLISH WILL'],
  [0x02, 'messageExpiryInterval', 0xfffefdfc, [0xff, 0xfe, 0xfd, 0xfc], 'PUBLISH WILL'],
  [0x03, 'contentType', 'c', [0, 1, 0x63], 'PUBLISH WILL'],
  [0x08, 'responseTopic', 'r/t', [0, 3, 0x72, 0x2f, 0x74], 'PUBLISH WILL'],
  [0x09, 'correlationData', Uint8Array.of(0, 255), [0, 2, 0, 255], 'PUBLISH WILL'],
  [0x0b, 'subscriptionIdentifier', 300, [0xac, 0x02], 'PUBLISH SUBSCRIBE'],
  [0x11, 'sessionExpiryInterval', 1, [0, 0, 0, 1], 'CONNECT CONNACK DISCONNECT'],
  [0x12, 'assignedClientIdentifier', 'i', [0, 1, 0x69], 'CONNACK'],
  [0x13, 'serverKeepAlive', 60, [0, 60], 'CONNACK'],
  [0x15, 'authenticationMethod', 'm', [0, 1, 0x6d], 'CONNECT CONNACK AUTH'],
  [0x16, 'authenticationData', Uint8Array.of(1), [0, 1, 1], 'CONNECT CONNACK AUTH'],
  [0x17, 'requestProblemInformation', false, [0], 'CONNECT'],
  [0x18, 'willDelayInterval', 5, [0, 0, 0, 5], 'WILL'],
  [0x19, 'requestResponseInformation', true, [1], 'CONNECT'],
  [0x1a, 'responseInformation', 'x', [0, 1, 0x78], 'CONNACK'],
  [0x1c, 'serverReference', 's', [0, 1, 0x73], 'CONNACK DISCONNECT'],
  [
    0x1f,
    'reasonString',
    'why',
    [0, 3, 0x77, 0x68, 0x79],
    'CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH',
  ],
  [0x21, 'receiveMaximum', 0xffff, [255, 255], 'CONNECT CONNACK'],
  [0x22, 'topicAliasMaximum', 0, [0, 0], 'CONNECT CONNACK'],
  [0x23, 'topicAlias', 1, [0, 1], 'PUBLISH'],
  [0x24, 'maximumQoS', 1, [1], 'CONNACK'],
  [0x25, 'retainAvailable', false, [0], 'CONNACK'],
  [
    0x26,
    'userProperties',
    { k: 'v' },
    [0, 1, 0x6b, 0, 1, 0x76],
    'CONNECT CONNACK PUBLISH WILL PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK DISCONNECT AUTH',
  ],
  [0x27, 'maximumPacketSize', 1, [0, 0, 0, 1], 'CONNECT CONNACK'],
  [0x28, 'wildcardSubscriptionAvailable', true, [1], 'CONNACK'],
  [0x29, 'subscriptionIdentifiersAvailable', true, [1], 'CONNACK'],
  [0x2a, 'sharedSubscriptionAvailable', true, [1], 'CONNACK'],
];

function read(bytes: readonly number[], packet: number): unknown {
  const all = Uint8Array.from([bytes.length, ...bytes]);
  const reader = new PacketReader().begin(all, 0, 0, all.length, 5);
  const properties = readProperties(reader, packet);
  reader.expectEnd();
  return properties;
}

function refusal(bytes: readonly number[], packet: number): unknown {
  try {
    return read(bytes, packet);
  } catch (error) {
    if (error instanceof PacketError) return [error.reasonCode, error.rule];
    throw error;
  }
}

describe.each(TABLE)('property %i', (id, name, value, encoded, packets) => {
  const bytes = [id, ...encoded];

  test.each(Object.keys(PACKETS))(`${name} in %s`, (packetName) => {
    const packet = PACKETS[packetName] as number;
    if (packets.split(' ').includes(packetName)) {
      expect(read(bytes, packet)).toMatchObject({ [name]: value });
      const written = encodeProperties({ [name]: value }, packet);
      expect([...written]).toEqual([bytes.length, ...bytes]);
    } else {
      expect(refusal(bytes, packet)).toEqual([0x81, '§2.2.2.2']);
      expect(() => encodeProperties({ [name]: value }, packet)).toThrow(TypeError);
    }
  });

  test('is refused when it is cut off', () => {
    const packet = PACKETS[packets.split(' ')[0] as string] as number;
    for (let length = 1; length < bytes.length; length++) {
      expect(refusal(bytes.slice(0, length), packet)).toEqual([0x81, '§2.1.4']);
    }
  });

  test('is refused when it is there twice, unless it may be', () => {
    for (const packetName of packets.split(' ')) {
      const twice = refusal([...bytes, ...bytes], PACKETS[packetName] as number);
      if (id === 0x26) expect(twice).toEqual({ userProperties: { k: ['v', 'v'] } });
      else if (id === 0x0b && packetName === 'PUBLISH')
        expect(twice).toEqual({ [name]: [300, 300] });
      else expect(twice).toEqual([0x82, '§2.2.2.2']);
    }
  });
});

test('there are no other properties', () => {
  const known = TABLE.map(([id]) => id);
  for (let id = 0; id < 256; id++) {
    if (!known.includes(id)) expect(propertyById(id)).toBeUndefined();
  }
  expect(propertyByName('topicalias')).toBeUndefined();
});

test.each([
  ['topicAlias', [0x23, 0, 0], 'PUBLISH', 0x94, 'MQTT-3.3.2-8'],
  ['receiveMaximum', [0x21, 0, 0], 'CONNECT', 0x82, '§2.2.2.2'],
  ['maximumPacketSize', [0x27, 0, 0, 0, 0], 'CONNECT', 0x82, '§2.2.2.2'],
  ['maximumQoS', [0x24, 2], 'CONNACK', 0x82, '§2.2.2.2'],
  ['retainAvailable', [0x25, 2], 'CONNACK', 0x82, '§2.2.2.2'],
  ['subscriptionIdentifier', [0x0b, 0], 'SUBSCRIBE', 0x82, '§2.2.2.2'],
])('%s out of its range is refused', (_name, bytes, packet, reasonCode, rule) => {
  expect(refusal(bytes, PACKETS[packet] as number)).toEqual([reasonCode, rule]);
});

test.each([
  ['topicAlias', 0x1_0000, 'PUBLISH', 'from 1 to 65535'],
  ['topicAliasMaximum', 0x1_0000, 'CONNECT', 'from 0 to 65535'],
  ['receiveMaximum', 0, 'CONNECT', 'from 1 to 65535'],
  ['subscriptionIdentifier', 268_435_456, 'SUBSCRIBE', 'from 1 to 268435455'],
  ['sessionExpiryInterval', -1, 'CONNECT', 'from 0 to 4294967295'],
  ['sessionExpiryInterval', 1.5, 'CONNECT', 'from 0 to 4294967295'],
  ['maximumQoS', 2, 'CONNACK', 'from 0 to 1'],
])('%s is not encoded with %s', (name, value, packet, range) => {
  const encode = () => encodeProperties({ [name]: value }, PACKETS[packet] as number);
  expect(encode).toThrow(`${name} must be ${range}`);
});

test('what is undefined is left out, and no properties are a length of 0', () => {
  expect([...encodeProperties({ topicAlias: undefined }, PacketType.PUBLISH)]).toEqual([0]);
  expect([...encodeProperties(undefined, PacketType.PUBLISH)]).toEqual([0]);
  expect(read([], PacketType.PUBLISH)).toBeUndefined();
});

test('a length beyond the packet is refused at the length', () => {
  const bytes = Uint8Array.of(9, 5, 0x01, 1);
  const reader = new PacketReader().begin(bytes, 0, 1, bytes.length, 5);
  expect(() => readProperties(reader, PacketType.PUBLISH)).toThrow('[§2.2.2.1] at byte 1');
});

test('names that objects have by themselves are keys like others', () => {
  const userProperties = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}');
  const written = encodeProperties({ userProperties }, PacketType.PUBLISH);
  const properties = read([...written.subarray(1)], PacketType.PUBLISH) as {
    userProperties: object;
  };
  expect(Object.entries(properties.userProperties)).toEqual(Object.entries(userProperties));
});
