import type { Packet, ProtocolVersion } from '../src/index.ts';
import { bytes, frame, type Part, type Vector } from './vector.ts';
import { versionVectors } from './version-vectors.ts';

const EMPTY = Buffer.alloc(0);
const MALFORMED = 0x81;
const PROTOCOL = 0x82;

function good(
  name: string,
  version: ProtocolVersion,
  receiver: 'server' | 'client',
  encoded: Uint8Array,
  packet: Packet,
  isCanonical = true,
): Vector {
  return { name, version, receiver, bytes: encoded, packet, isCanonical };
}

function bad(
  name: string,
  version: ProtocolVersion,
  encoded: Uint8Array,
  reasonCode: number,
  rule: string,
  receiver: 'server' | 'client' = 'server',
): Vector {
  return { name, version, receiver, bytes: encoded, reasonCode, rule };
}

const V5 = ['MQTT'] as const;

/** CONNECT of MQTT 5 with some flags, properties and payload fields. */
function connect5(flags: number, properties: Uint8Array, ...payload: readonly Part[]): Uint8Array {
  const parts: Part[] = [V5, 5, flags, 0, 60, properties.length, ...properties, ...payload];
  return frame(0x10, ...parts);
}

/** PUBLISH of MQTT 5 to the topic `t` at QoS 0 with encoded properties. */
function publish5(...properties: readonly Part[]): Uint8Array {
  const encoded = bytes(...properties);
  return frame(0x30, ['t'], encoded.length, ...encoded, 'x');
}

const accepted: readonly Vector[] = [
  good('CONNECT 3.1', 3, 'server', frame(0x10, ['MQIsdp'], 3, 2, 0, 60, ['c']), {
    cmd: 'connect',
    protocolId: 'MQIsdp',
    protocolVersion: 3,
    clean: true,
    keepalive: 60,
    clientId: 'c',
  }),
  good(
    'CONNECT 3.1.1 with will, user name and password',
    4,
    'server',
    frame(0x10, ['MQTT'], 4, 0xee, 0, 60, ['c'], ['w'], ['bye'], ['u'], ['p']),
    {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 60,
      clientId: 'c',
      will: { topic: 'w', payload: Buffer.from('bye'), qos: 1, retain: true },
      username: 'u',
      password: Buffer.from('p'),
    },
  ),
  ...(
    [
      [3, 'MQIsdp', 0x83],
      [4, 'MQTT', 0x84],
    ] as const
  ).map(([version, protocolId, level]) =>
    good(
      `CONNECT of a bridge of mosquitto, level ${level.toString(16)}`,
      version,
      'server',
      frame(0x10, [protocolId], level, 2, 0, 60, ['c']),
      {
        cmd: 'connect',
        protocolId,
        protocolVersion: version,
        bridgeMode: true,
        clean: true,
        keepalive: 60,
        clientId: 'c',
      },
    ),
  ),
  good('CONNECT 5 without anything', 5, 'server', connect5(0, EMPTY, ['']), {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clean: false,
    keepalive: 60,
    clientId: '',
  }),
  good(
    'CONNECT 5 with a password and no user name (§3.1.2.9)',
    5,
    'server',
    connect5(0x42, EMPTY, ['c'], ['p']),
    {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: true,
      keepalive: 60,
      clientId: 'c',
      password: Buffer.from('p'),
    },
  ),
  good(
    'CONNECT 5 with properties and will properties',
    5,
    'server',
    connect5(
      0x06,
      bytes(0x11, 0, 0, 0, 10, 0x21, 0, 20, 0x17, 0, 0x26, ['k'], ['1'], 0x26, ['k'], ['2']),
      ['c'],
      15,
      ...[0x18, 0, 0, 0, 5, 0x02, 0, 0, 0, 9, 0x03, ['ab']],
      ['w'],
      ['bye'],
    ),
    {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: true,
      keepalive: 60,
      clientId: 'c',
      properties: {
        sessionExpiryInterval: 10,
        receiveMaximum: 20,
        requestProblemInformation: false,
        userProperties: { k: ['1', '2'] },
      },
      will: {
        topic: 'w',
        payload: Buffer.from('bye'),
        qos: 0,
        retain: false,
        properties: { willDelayInterval: 5, messageExpiryInterval: 9, contentType: 'ab' },
        forwardedProperties: bytes(0x03, ['ab']),
      },
    },
    false,
  ),
  good('CONNACK 3.1.1', 4, 'client', frame(0x20, 1, 0), {
    cmd: 'connack',
    sessionPresent: true,
    returnCode: 0,
  }),
  good('CONNACK 5', 5, 'client', frame(0x20, 0, 0x87, 4, 0x1f, ['n']), {
    cmd: 'connack',
    sessionPresent: false,
    reasonCode: 0x87,
    properties: { reasonString: 'n' },
  }),
  good('PUBLISH 3.1.1 QoS 0', 4, 'server', frame(0x30, ['a/b'], 'hello'), {
    cmd: 'publish',
    qos: 0,
    dup: false,
    retain: false,
    topic: 'a/b',
    payload: Buffer.from('hello'),
  }),
  good('PUBLISH 5 QoS 2 with all flags', 5, 'server', frame(0x3d, ['a'], 0, 10, 0, 'x'), {
    cmd: 'publish',
    qos: 2,
    dup: true,
    retain: true,
    topic: 'a',
    messageId: 10,
    payload: Buffer.from('x'),
  }),
  good(
    'PUBLISH 5 with every property',
    5,
    'server',
    publish5(
      ...[0x01, 1, 0x02, 0, 0, 1, 0, 0x23, 0, 7, 0x08, ['r'], 0x09, ['id'], 0x03, ['text']],
      ...[0x26, ['k'], ['v']],
    ),
    {
      cmd: 'publish',
      qos: 0,
      dup: false,
      retain: false,
      topic: 't',
      payload: Buffer.from('x'),
      properties: {
        payloadFormatIndicator: true,
        messageExpiryInterval: 256,
        topicAlias: 7,
        responseTopic: 'r',
        correlationData: Buffer.from('id'),
        contentType: 'text',
        userProperties: { k: 'v' },
      },
    },
  ),
  good(
    'PUBLISH 5 to a client with two subscription identifiers (§3.3.2.3.8)',
    5,
    'client',
    publish5(0x0b, 1, 0x0b, 0x80, 1),
    {
      cmd: 'publish',
      qos: 0,
      dup: false,
      retain: false,
      topic: 't',
      payload: Buffer.from('x'),
      properties: { subscriptionIdentifier: [1, 128] },
    },
  ),
  good('a topic alias without a topic', 5, 'server', frame(0x30, [''], 3, 0x23, 0, 1, 'x'), {
    cmd: 'publish',
    qos: 0,
    dup: false,
    retain: false,
    topic: '',
    payload: Buffer.from('x'),
    properties: { topicAlias: 1 },
  }),
  good('U+FEFF in a topic is kept [MQTT-1.5.4-3]', 4, 'server', frame(0x30, ['\uFEFFa']), {
    cmd: 'publish',
    qos: 0,
    dup: false,
    retain: false,
    topic: '\uFEFFa',
    payload: EMPTY,
  }),
  good('characters of two, three and four bytes', 4, 'server', frame(0x30, ['é€😀']), {
    cmd: 'publish',
    qos: 0,
    dup: false,
    retain: false,
    topic: 'é€😀',
    payload: EMPTY,
  }),
  ...(
    [
      ['puback', 0x40],
      ['pubrec', 0x50],
      ['pubrel', 0x62],
      ['pubcomp', 0x70],
    ] as const
  ).flatMap(([cmd, first]) => [
    good(`${cmd.toUpperCase()} 3.1.1`, 4, 'server', frame(first, 0, 1), { cmd, messageId: 1 }),
    good(`${cmd.toUpperCase()} 5 in its shortest form`, 5, 'server', frame(first, 0, 1), {
      cmd,
      messageId: 1,
      reasonCode: 0,
    }),
    good(
      `${cmd.toUpperCase()} 5 with a reason code and an empty property length`,
      5,
      'server',
      frame(first, 1, 0, first === 0x40 || first === 0x50 ? 0x97 : 0x92, 0),
      { cmd, messageId: 256, reasonCode: first === 0x40 || first === 0x50 ? 0x97 : 0x92 },
      false,
    ),
    good(
      `${cmd.toUpperCase()} 5 with a reason string`,
      5,
      'client',
      frame(first, 0, 1, 0, 4, 0x1f, ['r']),
      { cmd, messageId: 1, reasonCode: 0, properties: { reasonString: 'r' } },
    ),
  ]),
  good('SUBSCRIBE 3.1.1', 4, 'server', frame(0x82, 0, 1, ['a/+'], 1, ['$share/g/#'], 2), {
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [
      { topic: 'a/+', qos: 1 },
      { topic: '$share/g/#', qos: 2 },
    ],
  }),
  good(
    'SUBSCRIBE 5 with every option',
    5,
    'server',
    frame(0x82, 0, 1, 2, 0x0b, 9, ['#'], 0x2d, ['b'], 0),
    {
      cmd: 'subscribe',
      messageId: 1,
      properties: { subscriptionIdentifier: 9 },
      subscriptions: [
        { topic: '#', qos: 1, nl: true, rap: true, rh: 2 },
        { topic: 'b', qos: 0, nl: false, rap: false, rh: 0 },
      ],
    },
  ),
  good('SUBACK 3.1.1', 4, 'client', frame(0x90, 0, 1, 0, 2, 0x80), {
    cmd: 'suback',
    messageId: 1,
    granted: [0, 2, 0x80],
  }),
  good('SUBACK 5', 5, 'client', frame(0x90, 0, 1, 0, 1, 0x8f), {
    cmd: 'suback',
    messageId: 1,
    granted: [1, 0x8f],
  }),
  good('UNSUBSCRIBE 3.1.1', 4, 'server', frame(0xa2, 0, 1, ['a'], ['b/#']), {
    cmd: 'unsubscribe',
    messageId: 1,
    unsubscriptions: ['a', 'b/#'],
  }),
  good('UNSUBSCRIBE 5', 5, 'server', frame(0xa2, 0, 1, 0, ['a']), {
    cmd: 'unsubscribe',
    messageId: 1,
    unsubscriptions: ['a'],
  }),
  good('UNSUBACK 3.1.1', 4, 'client', frame(0xb0, 0, 1), { cmd: 'unsuback', messageId: 1 }),
  good('UNSUBACK 5', 5, 'client', frame(0xb0, 0, 1, 0, 0x11), {
    cmd: 'unsuback',
    messageId: 1,
    granted: [0x11],
  }),
  good('PINGREQ', 4, 'server', frame(0xc0), { cmd: 'pingreq' }),
  good('PINGRESP', 5, 'client', frame(0xd0), { cmd: 'pingresp' }),
  good('DISCONNECT 3.1.1', 4, 'server', frame(0xe0), { cmd: 'disconnect' }),
  good(
    'DISCONNECT 5 in its shortest form',
    5,
    'server',
    frame(0xe0),
    { cmd: 'disconnect', reasonCode: 0 },
    false,
  ),
  good(
    'DISCONNECT 5 with a session expiry interval',
    5,
    'server',
    frame(0xe0, 4, 5, 0x11, 0, 0, 0, 1),
    { cmd: 'disconnect', reasonCode: 4, properties: { sessionExpiryInterval: 1 } },
  ),
  good('AUTH 5', 5, 'server', frame(0xf0, 0x18, 4, 0x15, ['m']), {
    cmd: 'auth',
    reasonCode: 0x18,
    properties: { authenticationMethod: 'm' },
  }),
];

const refused: readonly Vector[] = [
  // §2.1: the fixed header
  bad('SUBSCRIBE to a client', 5, frame(0x82, 0, 1, 0, ['a'], 0), PROTOCOL, '§2.1.2', 'client'),
  // §3.1: CONNECT
  bad(
    'a protocol name in lower case',
    5,
    frame(0x10, ['mqtt'], 5, 2, 0, 0, 0, ['c']),
    0x84,
    'MQTT-3.1.2-1',
  ),
  bad('protocol level 6', 5, frame(0x10, ['MQTT'], 6, 2, 0, 0, 0, ['c']), 0x84, 'MQTT-3.1.2-2'),
  bad('MQTT of level 85', 4, frame(0x10, ['MQTT'], 0x85, 2, 0, 0, 0, ['c']), 0x84, 'MQTT-3.1.2-2'),
  bad('MQTT of level 83', 4, frame(0x10, ['MQTT'], 0x83, 2, 0, 0, ['c']), 0x84, 'MQTT-3.1.2-2'),
  bad('MQTT of level 3', 4, frame(0x10, ['MQTT'], 3, 2, 0, 0, ['c']), 0x84, 'MQTT-3.1.2-2'),
  bad('MQIsdp at level 4', 4, frame(0x10, ['MQIsdp'], 4, 2, 0, 0, ['c']), 0x84, 'MQTT-3.1.2-2'),
  bad(
    'a will topic with a wildcard',
    5,
    connect5(0x06, EMPTY, ['c'], 0, ['w/#'], ['']),
    0x90,
    'MQTT-3.3.2-2',
  ),
  bad('receive maximum 0', 5, connect5(2, bytes(0x21, 0, 0), ['c']), PROTOCOL, '§2.2.2.2'),
  bad(
    'maximum packet size 0',
    5,
    connect5(2, bytes(0x27, 0, 0, 0, 0), ['c']),
    PROTOCOL,
    '§2.2.2.2',
  ),
  bad('request problem information 2', 5, connect5(2, bytes(0x17, 2), ['c']), PROTOCOL, '§2.2.2.2'),
  bad(
    'a property twice',
    5,
    connect5(2, bytes(0x21, 0, 1, 0x21, 0, 1), ['c']),
    PROTOCOL,
    '§2.2.2.2',
  ),
  bad(
    'a property of another packet',
    5,
    connect5(2, bytes(0x23, 0, 1), ['c']),
    MALFORMED,
    '§2.2.2.2',
  ),
  bad('an unknown property', 5, connect5(2, bytes(0x04, 0), ['c']), MALFORMED, '§2.2.2.2'),
  bad(
    'authentication data without a method',
    5,
    connect5(2, bytes(0x16, ['d']), ['c']),
    PROTOCOL,
    '§3.1.2.11.10',
  ),
  bad(
    'a property length beyond the packet',
    5,
    frame(0x10, ['MQTT'], 5, 2, 0, 0, 0x7f, ['c']),
    MALFORMED,
    '§2.2.2.1',
  ),
  bad(
    'a property length that is not minimal',
    5,
    frame(0x10, ['MQTT'], 5, 2, 0, 0, 0x80, 0, ['c']),
    MALFORMED,
    'MQTT-1.5.5-1',
  ),
  // §1.5.4: UTF-8
  bad('U+0000 in a client identifier', 5, connect5(2, EMPTY, ['a\0']), MALFORMED, 'MQTT-1.5.4-2'),
  bad('an overlong form', 5, connect5(2, EMPTY, 0, 2, 0xc0, 0x80), MALFORMED, 'MQTT-3.1.3-4'),
  bad(
    'an overlong form of three bytes',
    4,
    frame(0x30, 0, 3, 0xe0, 0x80, 0xaf),
    MALFORMED,
    'MQTT-3.3.2-1',
  ),
  bad('a surrogate', 4, frame(0x30, 0, 3, 0xed, 0xa0, 0x80), MALFORMED, 'MQTT-3.3.2-1'),
  bad(
    'more than U+10FFFF',
    4,
    frame(0x30, 0, 4, 0xf4, 0x90, 0x80, 0x80),
    MALFORMED,
    'MQTT-3.3.2-1',
  ),
  bad('a sequence that is cut off', 4, frame(0x30, 0, 2, 0xe2, 0x82), MALFORMED, 'MQTT-3.3.2-1'),
  bad('a continuation byte alone', 4, frame(0x30, 0, 1, 0x80), MALFORMED, 'MQTT-3.3.2-1'),
  // §3.3: PUBLISH
  bad('an empty topic in 3.1.1', 4, frame(0x30, ['']), 0x90, 'MQTT-4.7.3-1'),
  bad('an empty topic without an alias', 5, frame(0x30, [''], 0), PROTOCOL, '§3.3.2.3.4'),
  bad('packet identifier 0', 5, frame(0x32, ['t'], 0, 0, 0), PROTOCOL, 'MQTT-2.2.1-3'),
  bad('a PUBLISH without property length', 5, frame(0x30, ['t']), MALFORMED, '§2.1.4'),
  bad('topic alias 0', 5, publish5(0x23, 0, 0), 0x94, 'MQTT-3.3.2-8'),
  bad('topic alias twice', 5, publish5(0x23, 0, 1, 0x23, 0, 2), PROTOCOL, '§2.2.2.2'),
  bad(
    'message expiry twice',
    5,
    publish5(0x02, 0, 0, 0, 1, 0x02, 0, 0, 0, 1),
    PROTOCOL,
    '§2.2.2.2',
  ),
  bad('content type twice', 5, publish5(0x03, [''], 0x03, ['']), PROTOCOL, '§2.2.2.2'),
  bad('payload format indicator 2', 5, publish5(0x01, 2), PROTOCOL, '§3.3.2.3.2'),
  bad('a response topic with a wildcard', 5, publish5(0x08, ['a/#']), 0x90, 'MQTT-3.3.2-2'),
  bad('a subscription identifier from a client', 5, publish5(0x0b, 1), PROTOCOL, 'MQTT-3.3.4-6'),
  bad('subscription identifier 0', 5, publish5(0x0b, 0), PROTOCOL, '§3.3.2.3.8', 'client'),
  bad('a session expiry interval', 5, publish5(0x11, 0, 0, 0, 1), MALFORMED, '§2.2.2.2'),
  bad('a user property that is cut off', 5, publish5(0x26, ['k'], 0, 9), MALFORMED, '§2.1.4'),
  bad(
    'a user property that is not UTF-8',
    5,
    publish5(0x26, ['k'], 0, 1, 0xff),
    MALFORMED,
    'MQTT-1.5.7-1',
  ),
  // §3.4 to §3.7: acknowledgements
  bad(
    'PUBACK with the reason code of PUBREL',
    5,
    frame(0x40, 0, 1, 0x92),
    PROTOCOL,
    'MQTT-3.4.2-1',
  ),
  bad('PUBREC with an unknown reason code', 5, frame(0x50, 0, 1, 0x42), PROTOCOL, 'MQTT-3.5.2-1'),
  bad(
    'PUBREL with the reason code of PUBACK',
    5,
    frame(0x62, 0, 1, 0x10),
    PROTOCOL,
    'MQTT-3.6.2-1',
  ),
  bad(
    'PUBCOMP with the reason code of PUBACK',
    5,
    frame(0x70, 0, 1, 0x97),
    PROTOCOL,
    'MQTT-3.7.2-1',
  ),
  bad(
    'PUBACK with a byte after its properties',
    5,
    frame(0x40, 0, 1, 0, 0, 0),
    MALFORMED,
    '§2.1.4',
  ),
  bad(
    'PUBACK with two reason strings',
    5,
    frame(0x40, 0, 1, 0, 6, 0x1f, [''], 0x1f, ['']),
    PROTOCOL,
    '§2.2.2.2',
  ),
  // §3.8 to §3.11: subscriptions
  bad(
    'SUBSCRIBE with reserved options',
    5,
    frame(0x82, 0, 1, 0, ['a'], 0x40),
    MALFORMED,
    'MQTT-3.8.3-5',
  ),
  bad(
    'SUBSCRIBE with retain handling 3',
    5,
    frame(0x82, 0, 1, 0, ['a'], 0x30),
    PROTOCOL,
    '§3.8.3.1',
  ),
  bad('SUBSCRIBE without options', 5, frame(0x82, 0, 1, 0, ['a']), MALFORMED, '§2.1.4'),
  bad(
    'no local on a shared subscription',
    5,
    frame(0x82, 0, 1, 0, ['$share/g/a'], 4),
    PROTOCOL,
    'MQTT-3.8.3-4',
  ),
  bad(
    'subscription identifier 0 in SUBSCRIBE',
    5,
    frame(0x82, 0, 1, 2, 0x0b, 0, ['a'], 0),
    PROTOCOL,
    '§2.2.2.2',
  ),
  bad(
    'two subscription identifiers in SUBSCRIBE',
    5,
    frame(0x82, 0, 1, 4, 0x0b, 1, 0x0b, 2, ['a'], 0),
    PROTOCOL,
    '§2.2.2.2',
  ),
  bad('an empty share name', 5, frame(0x82, 0, 1, 0, ['$share//a'], 0), 0x8f, 'MQTT-4.8.2-1'),
  bad('a share without a filter', 5, frame(0x82, 0, 1, 0, ['$share/g'], 0), 0x8f, 'MQTT-4.8.2-2'),
  bad(
    'a share with an empty filter',
    5,
    frame(0x82, 0, 1, 0, ['$share/g/'], 0),
    0x8f,
    'MQTT-4.8.2-2',
  ),
  bad(
    'a wildcard in a share name',
    5,
    frame(0x82, 0, 1, 0, ['$share/+/a'], 0),
    0x8f,
    'MQTT-4.8.2-2',
  ),
  bad('UNSUBSCRIBE with a bad filter', 5, frame(0xa2, 0, 1, 0, ['a/#/b'], 0), 0x8f, 'MQTT-4.7.1-1'),
  // §3.14, §3.15
  bad(
    'DISCONNECT with a code that only servers send',
    5,
    frame(0xe0, 0x8e),
    PROTOCOL,
    'MQTT-3.14.2-1',
  ),
  bad(
    'DISCONNECT with a server reference from a client',
    5,
    frame(0xe0, 0, 4, 0x1c, ['s']),
    PROTOCOL,
    '§3.14.2.2.5',
  ),
  bad(
    'DISCONNECT with a session expiry from a server',
    5,
    frame(0xe0, 0, 5, 0x11, 0, 0, 0, 1),
    PROTOCOL,
    'MQTT-3.14.2-2',
    'client',
  ),
  bad('AUTH with an unknown code', 5, frame(0xf0, 0x01), PROTOCOL, 'MQTT-3.15.2-1'),
  // What clients refuse
  bad('CONNACK with an unknown code', 5, frame(0x20, 0, 1, 0), PROTOCOL, 'MQTT-3.2.2-8', 'client'),
  bad('maximum QoS 2 in CONNACK', 5, frame(0x20, 0, 0, 2, 0x24, 2), PROTOCOL, '§2.2.2.2', 'client'),
  bad(
    'UNSUBACK with an unknown code',
    5,
    frame(0xb0, 0, 1, 0, 1),
    PROTOCOL,
    'MQTT-3.11.3-2',
    'client',
  ),
];

/** All of them: what there is in one version only, and `versionVectors`, what differs between the versions. */
export const vectors: readonly Vector[] = [...accepted, ...refused, ...versionVectors];
