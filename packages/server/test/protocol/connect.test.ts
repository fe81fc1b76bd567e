import { describe, expect, test } from '@jest/globals';
import { encode, type Packet } from '@promptmq/codec';
import { parseConfig } from '../../src/config/index.ts';
import { Simulation } from '../support/simulation.ts';

type ConnectFields = Partial<Packet & { cmd: 'connect' }>;

function connackOf(
  options: object,
  version: 3 | 4 | 5,
  clientId: string,
  fields: ConnectFields = {},
) {
  const client = new Simulation({ mqtt: options }).open(version);
  client.connect(clientId, fields);
  const [connack] = client.take() as [Packet & { cmd: 'connack' }];
  return { connack, client };
}

const will = (fields: object = {}) => ({
  topic: 'w',
  payload: Buffer.from('bye'),
  qos: 0 as const,
  retain: false,
  ...fields,
});

describe('response information', () => {
  const request = { properties: { requestResponseInformation: true } };

  test.each(["$'", '$&', '$`', '$$', '$1', '$<a>', '%c', '__proto__', '\\1'])(
    'has a client identifier such as %j as it is [MQTT-3.1.2-28]',
    (clientId) => {
      const { connack } = connackOf({ responseInformation: 'a/%c/b/%c' }, 5, clientId, request);
      expect(connack.reasonCode).toBe(0);
      expect(connack.properties?.responseInformation).toBe(`a/${clientId}/b/${clientId}`);
    },
  );

  test('is left out when no packet could carry it', () => {
    const options = { responseInformation: '%c'.repeat(500), maxClientIdLen: 65_535 };
    const atLimit = connackOf(options, 5, 'c'.repeat(131), request).connack;
    expect(atLimit.properties?.responseInformation).toBe('c'.repeat(65_500));
    const tooLong = connackOf(options, 5, 'c'.repeat(132), request).connack;
    expect(tooLong.reasonCode).toBe(0);
    expect(tooLong.properties).not.toHaveProperty('responseInformation');
    // Each would have been replaced by what follows it.
    const pattern = connackOf(options, 5, "$'", request).connack;
    expect(pattern.properties?.responseInformation).toBe("$'".repeat(500));
  });
});

describe('CONNACK announces what differs from the protocol', () => {
  test('nothing but the broker’s own limits by default', () => {
    const { connack } = connackOf({}, 5, 'c');
    expect(connack).toEqual({
      cmd: 'connack',
      sessionPresent: false,
      reasonCode: 0,
      properties: { receiveMaximum: 1000, topicAliasMaximum: 10 },
    });
  });

  test('every limit that is configured', () => {
    const { connack } = connackOf(
      {
        maxQos: 1,
        retainAvailable: false,
        wildcardAvailable: false,
        subscriptionIdentifiersAvailable: false,
        sharedSubAvailable: false,
        maxPacketSize: 5000,
        receiveMaximum: 65_535,
        maxTopicAlias: 0,
        maxKeepAlive: 10,
        maxSessionExpiry: '1m',
      },
      5,
      '',
      { keepalive: 60, properties: { sessionExpiryInterval: 3600 } },
    );
    expect(connack.properties).toEqual({
      maximumQoS: 1,
      retainAvailable: false,
      wildcardSubscriptionAvailable: false,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: false,
      maximumPacketSize: 5000,
      serverKeepAlive: 10,
      sessionExpiryInterval: 60,
      assignedClientIdentifier: 'unique-1',
    });
  });

  test.each([
    [64, 64],
    [268_435_455, 268_435_455],
    // paho-mqtt takes no larger number, and then there is no limit but the protocol's.
    [268_435_456, undefined],
    ['256MiB', undefined],
    [268_435_459, undefined],
    [268_435_460, undefined],
  ])('a largest packet of %p bytes as %p', (maxPacketSize, announced) => {
    const { connack } = connackOf({ maxPacketSize }, 5, 'c');
    expect(connack.properties?.maximumPacketSize).toBe(announced);
    const limit = parseConfig({ mqtt: { maxPacketSize } }).mqtt.maxPacketSize;
    expect(limit).toBe(announced ?? 268_435_460);
  });

  test('3.1.1 clients keep the keep alive that they chose', () => {
    expect(connackOf({ maxKeepAlive: 10 }, 4, 'c', { keepalive: 0 }).connack.returnCode).toBe(0);
  });

  test('it fits in 20 bytes for a client with a name', () => {
    const properties = { maximumPacketSize: 20 };
    expect(connackOf({}, 5, 'c', { properties }).connack.reasonCode).toBe(0);
  });

  test('a CONNACK that can’t fit closes the connection, and leaves no session [MQTT-3.1.2-24]', () => {
    const { connack, client } = connackOf({}, 5, '', { properties: { maximumPacketSize: 20 } });
    expect(connack).toBeUndefined();
    expect(client.isClosed).toBe(true);
  });
});

const REFUSALS: [string, object, 3 | 4 | 5, string, ConnectFields, number][] = [
  [
    'an authentication method [MQTT-4.12.0-1]',
    {},
    5,
    'c',
    { properties: { authenticationMethod: 'm' } },
    0x8c,
  ],
  ['a long client identifier [MQTT-3.1.3-8]', { maxClientIdLen: 23 }, 5, 'c'.repeat(24), {}, 0x85],
  ['a long client identifier', { maxClientIdLen: 23 }, 4, 'c'.repeat(24), {}, 2],
  ['no client identifier in 3.1.1 with a session to keep', {}, 4, '', { clean: false }, 2],
  ['no client identifier in 3.1', {}, 3, '', {}, 2],
  ['no client identifier where it is not allowed', { allowEmptyClientId: false }, 5, '', {}, 0x85],
  [
    'a will of a QoS that is too high [MQTT-3.2.2-12]',
    { maxQos: 0 },
    5,
    'c',
    { will: will({ qos: 1 }) },
    0x9b,
  ],
  [
    'a retained will [MQTT-3.2.2-13]',
    { retainAvailable: false },
    5,
    'c',
    { will: will({ retain: true }) },
    0x9a,
  ],
  ['a will below $SYS', {}, 5, 'c', { will: will({ topic: '$SYS/x' }) }, 0x87],
  [
    'a will that is not the text it is said to be (§3.1.3.2.3)',
    { checkPayloadFormat: true },
    5,
    'c',
    { will: will({ payload: Buffer.of(0xff), properties: { payloadFormatIndicator: true } }) },
    0x99,
  ],
  [
    'a will topic that is too deep',
    { maxTopicLevels: 2 },
    5,
    'c',
    { will: will({ topic: 'a/b/c' }) },
    0x90,
  ],
];

test.each(REFUSALS)(
  '%s is refused [MQTT-3.2.2-7]',
  (_name, options, version, clientId, fields, code) => {
    const { connack, client } = connackOf(options, version, clientId, fields);
    expect(connack.reasonCode ?? connack.returnCode).toBe(code);
    expect(client.isClosed).toBe(true);
  },
);

test('each refusal tells its own cause, in words', () => {
  const reasons = REFUSALS.filter(([, , version]) => version === 5).map(
    ([, options, version, clientId, fields]) =>
      connackOf(options, version, clientId, fields).connack.properties?.reasonString ?? '',
  );
  expect(reasons.filter((reason) => reason.split(' ').length < 4)).toEqual([]);
  expect(new Set(reasons).size).toBe(reasons.length);
});

test('an empty client identifier is allowed in 3.1.1 with a clean session', () => {
  expect(connackOf({}, 4, '').connack.returnCode).toBe(0);
});

test('one client more than allowed is refused, but may take over its own session', () => {
  const simulation = new Simulation({ mqtt: { maxConnections: 1 } });
  const first = simulation.connect('a');
  const second = simulation.open(5);
  second.connect('b');
  expect(second.brief()).toEqual(['connack 137']);
  expect(simulation.broker.stats.connectionsRefused).toBe(1);
  simulation.connect('a');
  expect(first.brief()).toEqual(['disconnect 142']);
});

describe('before and after CONNECT', () => {
  test('another packet first closes without an answer [MQTT-3.1.0-1]', () => {
    const client = new Simulation().open(5);
    client.send({ cmd: 'pingreq' });
    expect(client.take()).toEqual([]);
    expect(client.isClosed).toBe(true);
  });

  test('a second CONNECT is a protocol error [MQTT-3.1.0-2]', () => {
    const client = new Simulation().connect('c');
    client.connect('c');
    expect(client.brief()).toEqual(['disconnect 130']);
    expect(client.isClosed).toBe(true);
  });

  test('packets sent along with CONNECT are processed after it', () => {
    const client = new Simulation().open(5);
    const connect: Packet = {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: true,
      keepalive: 0,
      clientId: 'c',
    };
    client.send(connect, { cmd: 'pingreq' }, { cmd: 'pingreq' });
    expect(client.brief()).toEqual(['connack 0', 'pingresp', 'pingresp']);
  });

  test('nothing is processed after a refused CONNECT [MQTT-3.1.4-6]', () => {
    const client = new Simulation({ mqtt: { allowEmptyClientId: false } }).open(5);
    const connect: Packet = {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: true,
      keepalive: 0,
      clientId: '',
    };
    client.send(connect, { cmd: 'pingreq' });
    client.send({ cmd: 'pingreq' });
    expect(client.brief()).toEqual(['connack 133']);
  });

  test.each([
    [
      'MQTT level 6 is answered 0x84 [MQTT-3.1.2-2]',
      5,
      '100d00044d51545406020000000000',
      'connack 132',
    ],
    ['MQTT level 3 is answered return code 1', 4, '100c00044d5154540302000000', ''],
    ['the reserved flag is malformed [MQTT-3.1.2-3]', 5, '100d00044d515454050300000000', ''],
  ] as const)('%s', (_name, version, hex, answer) => {
    const client = new Simulation().open(version);
    const bytes = Buffer.from(hex, 'hex');
    bytes[1] = bytes.length - 2;
    client.send(bytes);
    if (answer !== '') expect(client.brief()).toEqual([answer]);
    expect(client.isClosed).toBe(true);
  });

  /** What the broker sends in answer to a CONNECT of a protocol name and level, in hexadecimal. */
  const answerTo = (name: string, level: number) => {
    const client = new Simulation().open(4);
    const written: Uint8Array[] = [];
    client.write = (chunk) => void written.push(Uint8Array.from(chunk));
    const variable = [0, name.length, ...Buffer.from(name), level, 2, 0, 60];
    const body = [...variable, ...(level === 5 ? [0] : []), 0, 1, 0x63];
    client.send(Uint8Array.of(0x10, body.length, ...body));
    expect(client.isClosed).toBe(true);
    return Buffer.concat(written).toString('hex');
  };

  test.each([6, 99, 0x7f])('MQTT of level %i is answered in MQTT 5: 0x84', (level) => {
    expect(answerTo('MQTT', level)).toMatch(/^20..0084/);
  });

  test.each([
    ...[0, 1, 2, 3, 0x80, 0x82, 0x83, 0x85, 0x86, 0xff].map((level) => ['MQTT', level] as const),
    ...[0, 2, 4, 5, 6, 99, 0x84, 0x85].map((level) => ['MQIsdp', level] as const),
  ])('%s of level %i is answered in 3.1.1: return code 1', (name, level) => {
    expect(answerTo(name, level)).toBe('20020001');
  });

  test.each(['mqtt', 'MQTT\0', 'MQTTX', 'MQIsdP', '', 'HTTP'])(
    'the protocol %p is closed without an answer',
    (name) => {
      for (const level of [3, 4, 5, 6]) expect(answerTo(name, level)).toBe('');
    },
  );

  test('a client that connects and says nothing is cut after the connect timeout', () => {
    const simulation = new Simulation({ mqtt: { connectTimeout: '10s' } });
    const client = simulation.open();
    simulation.advance(9.9);
    expect(client.isClosed).toBe(false);
    simulation.advance(0.2);
    expect(client.isClosed).toBe(true);
  });
});

describe('read timeout', () => {
  const half = Uint8Array.of(0x30, 10, 0, 1, 0x74);

  test('a packet that begins and does not continue closes the connection', () => {
    const simulation = new Simulation({ server: { readTimeout: '5s' } });
    const client = simulation.connect('c');
    client.send(half);
    simulation.advance(4);
    expect(client.isClosed).toBe(false);
    simulation.advance(2);
    expect(client.brief()).toEqual(['disconnect 131']);
  });

  test('a byte now and then does not keep a packet open, nor does a packet before it', () => {
    const simulation = new Simulation({ server: { readTimeout: '5s' } });
    const client = simulation.connect('c');
    client.send(half);
    simulation.advance(4);
    // The rest of one packet, and the beginning of the next: its time begins now.
    client.send(Uint8Array.of(0, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, ...half));
    for (let count = 0; count < 4; count++) {
      simulation.advance(1.1);
      client.send(Uint8Array.of(0x78));
    }
    expect(client.isClosed).toBe(false);
    simulation.advance(1);
    expect(client.brief()).toEqual(['disconnect 131']);
    expect(simulation.broker.stats.disconnections.get('read timeout')).toBe(1);
  });

  test('a large packet has that time for each 64 KiB', () => {
    const simulation = new Simulation({ server: { readTimeout: '5s' } });
    const client = simulation.connect('c');
    const payload = new Uint8Array(300_000);
    const packet = encode({
      cmd: 'publish',
      topic: 't',
      payload,
      qos: 0,
      dup: false,
      retain: false,
    }) as Uint8Array;
    // 70,000 bytes each 4 s are enough, for all of 17 s.
    for (let offset = 0; offset < packet.length; offset += 70_000) {
      client.send(packet.subarray(offset, offset + 70_000));
      if (offset + 70_000 < packet.length) simulation.advance(4);
    }
    simulation.advance(100);
    expect(client.isClosed).toBe(false);
    expect(simulation.broker.stats.packetsReceived[3]).toBe(1);
  });

  test('it is never shorter than 1.5 times the keep alive', () => {
    const simulation = new Simulation({ server: { readTimeout: '5s' } });
    const client = simulation.connect('c', { keepalive: 300 });
    client.send(half);
    simulation.advance(40);
    client.send(Uint8Array.of(0));
    simulation.advance(400);
    expect(client.isClosed).toBe(false);
    simulation.advance(51);
    expect(client.isClosed).toBe(true);
  });

  test('silence between packets does not, nor does 0', () => {
    const simulation = new Simulation({ server: { readTimeout: '5s' } });
    const client = simulation.connect('c');
    client.send(half);
    client.send(Uint8Array.of(0, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78));
    simulation.advance(1000);
    expect(client.isClosed).toBe(false);
    const patient = new Simulation({ server: { readTimeout: 0 } });
    const slow = patient.connect('c');
    slow.send(half);
    patient.advance(1000);
    expect(slow.isClosed).toBe(false);
  });
});

describe('keep alive', () => {
  test('one and a half times without a packet closes with 0x8D [MQTT-3.1.2-22]', () => {
    const simulation = new Simulation();
    const client = simulation.connect('c', { keepalive: 10 });
    simulation.advance(14);
    client.send({ cmd: 'pingreq' });
    simulation.advance(14);
    expect(client.brief()).toEqual(['pingresp']);
    simulation.advance(1.1);
    expect(client.brief()).toEqual(['disconnect 141']);
  });

  test('0 turns it off', () => {
    const simulation = new Simulation();
    const client = simulation.connect('c', { keepalive: 0 });
    simulation.advance(1_000_000);
    expect(client.isClosed).toBe(false);
  });

  test('a client that asks for none is given the default, if it can be told', () => {
    const simulation = new Simulation({ mqtt: { keepAlive: 60 } });
    const told = simulation.open(5);
    told.connect('told', { keepalive: 0 });
    expect(told.take()).toMatchObject([{ properties: { serverKeepAlive: 60 } }]);
    const older = simulation.open(4);
    older.connect('older', { keepalive: 0 });
    expect(older.brief()).toHaveLength(1);
    simulation.advance(91);
    expect([told.isClosed, older.isClosed]).toEqual([true, false]);
  });

  test('none is given by default: who asks for none has none', () => {
    const { keepAlive, maxKeepAlive } = parseConfig({}).mqtt;
    const simulation = new Simulation({ mqtt: { keepAlive, maxKeepAlive } });
    const client = simulation.open(5);
    client.connect('c', { keepalive: 0 });
    const [connack] = client.take() as [Packet & { cmd: 'connack' }];
    expect(connack.properties).not.toHaveProperty('serverKeepAlive');
    simulation.advance(1_000_000);
    expect(client.isClosed).toBe(false);
  });

  describe.each([3, 4, 5] as const)('mqtt.max-keep-alive holds for level %i', (version) => {
    const open = (keepalive: number) => {
      const simulation = new Simulation({ mqtt: { maxKeepAlive: 10 } });
      const client = simulation.open(version);
      client.connect('c', { keepalive });
      const [connack] = client.take() as [Packet & { cmd: 'connack' }];
      expect(connack.properties?.serverKeepAlive).toBe(
        version === 5 && keepalive !== 4 ? 10 : undefined,
      );
      return { simulation, client };
    };

    test.each([0, 11, 65_535])('a keep alive of %i counts as the maximum', (keepalive) => {
      const { simulation, client } = open(keepalive);
      simulation.advance(14.9);
      client.send({ cmd: 'pingreq' });
      simulation.advance(14.9);
      expect(client.isClosed).toBe(false);
      simulation.advance(0.2);
      expect(client.isClosed).toBe(true);
      expect(simulation.broker.stats.disconnections.get('keep alive')).toBe(1);
    });

    test('a lower one is the client’s own', () => {
      const { simulation, client } = open(4);
      simulation.advance(6.1);
      expect(client.isClosed).toBe(true);
    });
  });

  test('the server’s own value counts where it gave one [MQTT-3.2.2-21]', () => {
    const simulation = new Simulation({ mqtt: { maxKeepAlive: 10 } });
    const client = simulation.connect('c', { keepalive: 100 });
    simulation.advance(15.1);
    expect(client.isClosed).toBe(true);
  });
});

describe('takeover [MQTT-3.1.4-3]', () => {
  test('the old connection gets 0x8E and the session continues without loss', () => {
    const simulation = new Simulation();
    const expiry = { clean: false, properties: { sessionExpiryInterval: 100, receiveMaximum: 1 } };
    const first = simulation.connect('c', expiry);
    first.subscribe('t');
    const publisher = simulation.connect('p');
    for (const payload of ['a', 'b']) publisher.publish('t', payload, { qos: 1, messageId: 1 });
    expect(first.brief()).toEqual(['suback 2', 'publish t a']);
    const second = simulation.open(5);
    second.connect('c', expiry);
    expect(first.brief()).toEqual(['disconnect 142']);
    const [connack, again] = second.take() as [
      Packet & { cmd: 'connack' },
      Packet & { cmd: 'publish' },
    ];
    expect(connack.sessionPresent).toBe(true);
    expect([again.dup, again.messageId]).toEqual([true, 1]);
    second.send({ cmd: 'puback', messageId: 1 });
    expect(second.brief()).toEqual(['publish t b']);
  });

  test('1,000 times in a burst leaves one connection', () => {
    const simulation = new Simulation();
    const clients = Array.from({ length: 1000 }, () => {
      const client = simulation.open(5);
      client.connect('c', { clean: false, properties: { sessionExpiryInterval: 10 } });
      return client;
    });
    expect(clients.filter(({ isClosed }) => !isClosed)).toHaveLength(1);
    expect(simulation.broker.stats.connectionsCurrent).toBe(1);
    expect(simulation.broker.stats.sessionsCurrent).toBe(1);
  });
});

test('a connection that is being closed is cut when the peer does not close', () => {
  const simulation = new Simulation();
  const client = simulation.connect('c');
  client.send({ cmd: 'disconnect' });
  expect(client.isClosed).toBe(true);
  client.send({ cmd: 'pingreq' });
  expect(client.take()).toEqual([]);
  simulation.advance(3);
  expect(simulation.broker.deadlines.length).toBe(1); // only the sweep of retained messages is left
});

describe('request problem information (§3.1.2.11.7)', () => {
  const second = Buffer.from('100d00044d5154540502000000000000', 'hex');
  second[1] = second.length - 2;

  test.each([
    [undefined, true],
    [true, true],
    [false, false],
  ])('%p: a reason string is sent: %p', (requestProblemInformation, isTold) => {
    const properties = requestProblemInformation === undefined ? {} : { requestProblemInformation };
    const client = new Simulation().connect('c', { properties });
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 0 }] });
    client.take();
    client.send(second);
    const [disconnect] = client.take() as [Packet & { cmd: 'disconnect' }];
    expect(disconnect.properties?.reasonString !== undefined).toBe(isTold);
  });

  test('a reason that does not fit the client’s limit is left out [MQTT-3.14.2-3]', () => {
    const client = new Simulation().connect('c', { properties: { maximumPacketSize: 20 } });
    client.send(second);
    expect(client.take()).toEqual([{ cmd: 'disconnect', reasonCode: 0x81 }]);
  });
});
