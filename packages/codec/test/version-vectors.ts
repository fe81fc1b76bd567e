import type { ConnectPacket, Packet, ProtocolVersion, SubscribePacket } from '../src/index.ts';
import { bytes, frame, type Part, type Vector } from './vector.ts';

/** What becomes of a packet: it is accepted as a packet object, or refused by a rule with a reason code. */
type Outcome = Packet | Refusal;

interface Refusal {
  readonly rule: string;
  readonly reasonCode: number;
}

/** The outcome in MQTT 3.1, in 3.1.1 and in 5. */
type Columns = readonly [v31: Outcome, v311: Outcome, v5: Outcome];

/** The bytes of a packet in each version, or the same bytes for all. */
type Bytes = Uint8Array | ((version: ProtocolVersion) => Uint8Array);

function row(name: string, encoded: Bytes, columns: Columns, receiver?: 'client'): Vector[] {
  return columns.map((outcome, index) => {
    const version = (index + 3) as ProtocolVersion;
    const vector = {
      name: `${name}, in MQTT ${['3.1', '3.1.1', '5'][index]}`,
      version,
      receiver: receiver ?? ('server' as const),
      bytes: typeof encoded === 'function' ? encoded(version) : encoded,
    };
    return 'rule' in outcome
      ? { ...vector, ...outcome }
      : { ...vector, packet: outcome, isCanonical: false };
  });
}

const malformed = (rule: string): Refusal => ({ rule, reasonCode: 0x81 });
const violation = (rule: string): Refusal => ({ rule, reasonCode: 0x82 });
const topicRefused = (rule: string): Refusal => ({ rule, reasonCode: 0x90 });
const filterRefused = (rule: string): Refusal => ({ rule, reasonCode: 0x8f });

/** The empty properties that MQTT 5 has where the other versions have nothing. */
const none = (version: ProtocolVersion): readonly Part[] => (version === 5 ? [0] : []);

const EMPTY = Buffer.alloc(0);

// ------------------------------------------------------------------------- packets

function connectBytes(flags: number, ...payload: readonly Part[]) {
  return (version: ProtocolVersion) => {
    const name = version === 3 ? ['MQIsdp'] : ['MQTT'];
    return frame(0x10, name, version, flags, 0, 60, ...none(version), ...payload);
  };
}

function connect(version: ProtocolVersion, fields: Partial<ConnectPacket> = {}): ConnectPacket {
  return {
    cmd: 'connect',
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: version,
    clean: true,
    keepalive: 60,
    clientId: 'c',
    ...fields,
  };
}

const subscribeBytes =
  (firstByte: number, ...filters: readonly Part[]) =>
  (version: ProtocolVersion) =>
    frame(firstByte, 0, 1, ...none(version), ...filters);

function subscribe(topic: string, version: ProtocolVersion, options = {}): SubscribePacket {
  const subscription =
    version === 5
      ? { topic, qos: 1 as const, nl: false, rap: false, rh: 0 as const, ...options }
      : { topic, qos: 1 as const };
  return { cmd: 'subscribe', messageId: 1, subscriptions: [subscription] };
}

const unsubscribe = (topic: string): Packet => ({
  cmd: 'unsubscribe',
  messageId: 1,
  unsubscriptions: [topic],
});

const publishBytes =
  (firstByte: number, ...beforeProperties: readonly Part[]) =>
  (version: ProtocolVersion) =>
    frame(firstByte, ...beforeProperties, ...none(version), 'x');

const publish = (topic: string): Packet => ({
  cmd: 'publish',
  qos: 0,
  dup: false,
  retain: false,
  topic,
  payload: Buffer.from('x'),
});

/** A packet whose remaining length has a byte more than it needs. */
const padded = (encoded: Bytes) => (version: ProtocolVersion) => {
  const packet = typeof encoded === 'function' ? encoded(version) : encoded;
  const [first, length] = packet as unknown as [number, number];
  return Buffer.concat([Buffer.from([first, length | 0x80, 0]), packet.subarray(2)]);
};

const pubrel = { cmd: 'pubrel' as const, messageId: 5 };
const pubrel5 = { ...pubrel, reasonCode: 0 };

// --------------------------------------------------------------------------- table

/**
 * Every check that is not the same in all versions, with what is accepted next to it. MQTT 3.1 ignores what is unused
 * (its §2.6) and leaves much open; 3.1.1 reserves it and closes the connection; MQTT 5 adds checks of its own.
 */
export const versionVectors: readonly Vector[] = [
  // The fixed header: unused bits, and DUP on what MQTT 3.1 sends again (its §2.1)
  ...row('packet type 0', frame(0x00), [
    malformed('§2.1'),
    malformed('§2.2.1'),
    malformed('§2.1.2'),
  ]),
  ...row('packet type 15', frame(0xf0), [
    malformed('§2.1'),
    malformed('§2.2.1'),
    { cmd: 'auth', reasonCode: 0 },
  ]),
  ...row('CONNACK to a server', frame(0x20, 0, 0), [
    violation('§2.1'),
    violation('§2.2.1'),
    violation('§2.1.2'),
  ]),
  ...[0x80, 0x8a, 0x8b, 0x84].flatMap((first) =>
    row(`SUBSCRIBE ${first.toString(16)}`, subscribeBytes(first, ['a'], 1), [
      subscribe('a', 3),
      malformed('MQTT-2.2.2-2'),
      malformed('MQTT-2.1.3-1'),
    ]),
  ),
  ...[0xa0, 0xaa, 0xaf].flatMap((first) =>
    row(`UNSUBSCRIBE ${first.toString(16)}`, subscribeBytes(first, ['a']), [
      unsubscribe('a'),
      malformed('MQTT-2.2.2-2'),
      malformed('MQTT-2.1.3-1'),
    ]),
  ),
  ...[0x60, 0x6a, 0x6f].flatMap((first) =>
    row(`PUBREL ${first.toString(16)}`, frame(first, 0, 5), [
      pubrel,
      malformed('MQTT-2.2.2-2'),
      malformed('MQTT-2.1.3-1'),
    ]),
  ),
  ...row('PUBREL 62', frame(0x62, 0, 5), [pubrel, pubrel, pubrel5]),
  ...(
    [
      ['puback', 0x4a],
      ['pubrec', 0x51],
      ['pubcomp', 0x78],
    ] as const
  ).flatMap(([cmd, first]) =>
    row(`${cmd.toUpperCase()} ${first.toString(16)}`, frame(first, 0, 5), [
      { cmd, messageId: 5 },
      malformed('MQTT-2.2.2-2'),
      malformed('MQTT-2.1.3-1'),
    ]),
  ),
  ...(
    [
      ['pingreq', 0xc1],
      ['disconnect', 0xe8],
    ] as const
  ).flatMap(([cmd, first]) =>
    row(`${cmd.toUpperCase()} ${first.toString(16)}`, frame(first), [
      { cmd },
      malformed('MQTT-2.2.2-2'),
      malformed('MQTT-2.1.3-1'),
    ]),
  ),
  ...row(
    'CONNECT 12',
    (version) => {
      const packet = Buffer.from(connectBytes(2, ['c'])(version));
      packet[0] = 0x12;
      return packet;
    },
    [connect(3), malformed('MQTT-2.2.2-2'), malformed('MQTT-2.1.3-1')],
  ),
  // The remaining length
  ...row('PUBLISH with a padded length', padded(publishBytes(0x30, ['a'])), [
    publish('a'),
    publish('a'),
    malformed('MQTT-1.5.5-1'),
  ]),
  ...row(
    'PUBLISH with a length of four bytes',
    (version) => {
      const packet = publishBytes(0x30, ['a'])(version);
      const length = packet[1] as number;
      return bytes(0x30, length | 0x80, 0x80, 0x80, 0, ...packet.subarray(2));
    },
    [publish('a'), publish('a'), malformed('MQTT-1.5.5-1')],
  ),
  ...row('PINGREQ with a padded length', padded(frame(0xc0)), [
    { cmd: 'pingreq' },
    { cmd: 'pingreq' },
    malformed('MQTT-1.5.5-1'),
  ]),
  ...row('SUBSCRIBE with a padded length', padded(subscribeBytes(0x82, ['a'], 1)), [
    subscribe('a', 3),
    subscribe('a', 4),
    malformed('MQTT-1.5.5-1'),
  ]),
  ...row('CONNECT with a padded length', padded(connectBytes(2, ['c'])), [
    connect(3),
    connect(4),
    malformed('MQTT-1.5.5-1'),
  ]),
  ...row('a remaining length of five bytes', bytes(0xc0, 0x80, 0x80, 0x80, 0x80, 0), [
    malformed('§2.1'),
    malformed('§2.2.3'),
    malformed('§1.5.5'),
  ]),
  // What is missing or too much
  ...row('PUBLISH that is cut off', frame(0x30, 0, 9, 'a'), [
    malformed('§2.1'),
    malformed('§2.2.3'),
    malformed('§2.1.4'),
  ]),
  ...row('PUBACK of one byte', frame(0x40, 0), [
    malformed('§2.1'),
    malformed('§2.2.3'),
    malformed('§2.1.4'),
  ]),
  ...row('PUBACK with a third byte', frame(0x40, 0, 1, 0), [
    malformed('§2.1'),
    malformed('MQTT-4.8.0-1'),
    { cmd: 'puback', messageId: 1, reasonCode: 0 },
  ]),
  ...row('PINGREQ with a body', frame(0xc0, 0), [
    malformed('§2.1'),
    malformed('MQTT-4.8.0-1'),
    malformed('§2.1.4'),
  ]),
  ...row('DISCONNECT with a body', frame(0xe0, 0), [
    malformed('§2.1'),
    malformed('MQTT-4.8.0-1'),
    { cmd: 'disconnect', reasonCode: 0 },
  ]),
  // CONNECT: its flags
  ...row('CONNECT with flag bit 0', connectBytes(0x03, ['c']), [
    connect(3),
    malformed('MQTT-3.1.2-3'),
    malformed('MQTT-3.1.2-3'),
  ]),
  ...row('CONNECT with will QoS 1 without a will', connectBytes(0x0a, ['c']), [
    connect(3),
    malformed('MQTT-3.1.2-13'),
    malformed('MQTT-3.1.2-11'),
  ]),
  ...row('CONNECT with will QoS 3 without a will', connectBytes(0x1a, ['c']), [
    connect(3),
    malformed('MQTT-3.1.2-14'),
    malformed('MQTT-3.1.2-12'),
  ]),
  ...row('CONNECT with will retain without a will', connectBytes(0x22, ['c']), [
    connect(3),
    malformed('MQTT-3.1.2-15'),
    malformed('MQTT-3.1.2-13'),
  ]),
  ...row(
    'CONNECT with will QoS 3',
    (version) => connectBytes(0x1e, ['c'], ...none(version), ['w'], ['x'])(version),
    [malformed('§3.1'), malformed('MQTT-3.1.2-14'), malformed('MQTT-3.1.2-12')],
  ),
  ...row(
    'CONNECT with a will topic of a wildcard',
    (version) => connectBytes(0x06, ['c'], ...none(version), ['w/#'], ['x'])(version),
    [topicRefused('MQTT-3.3.2-2'), topicRefused('MQTT-3.3.2-2'), topicRefused('MQTT-3.3.2-2')],
  ),
  // CONNECT: what the flags announce
  ...row('CONNECT with a user name flag and no user name', connectBytes(0x82, ['c']), [
    connect(3),
    malformed('MQTT-3.1.2-19'),
    malformed('§2.1.4'),
  ]),
  ...row('CONNECT with both flags and neither string', connectBytes(0xc2, ['c']), [
    connect(3),
    malformed('MQTT-3.1.2-19'),
    malformed('§2.1.4'),
  ]),
  ...row('CONNECT with both flags and no password', connectBytes(0xc2, ['c'], ['u']), [
    connect(3, { username: 'u' }),
    malformed('MQTT-3.1.2-21'),
    malformed('§2.1.4'),
  ]),
  ...row('CONNECT with both flags and both strings', connectBytes(0xc2, ['c'], ['u'], ['p']), [
    connect(3, { username: 'u', password: Buffer.from('p') }),
    connect(4, { username: 'u', password: Buffer.from('p') }),
    connect(5, { username: 'u', password: Buffer.from('p') }),
  ]),
  ...row('CONNECT with half a user name', connectBytes(0x82, ['c'], 0, 5, 'u'), [
    malformed('§2.1'),
    malformed('§2.2.3'),
    malformed('§2.1.4'),
  ]),
  ...row('CONNECT with a password flag alone and no password', connectBytes(0x42, ['c']), [
    connect(3),
    malformed('MQTT-3.1.2-22'),
    malformed('§2.1.4'),
  ]),
  ...row('CONNECT with a password and no user name', connectBytes(0x42, ['c'], ['p']), [
    malformed('§3.1'),
    malformed('MQTT-3.1.2-22'),
    connect(5, { password: Buffer.from('p') }),
  ]),
  ...row('CONNECT with a user name that no flag announces', connectBytes(0x02, ['c'], ['u']), [
    connect(3),
    malformed('MQTT-4.8.0-1'),
    malformed('§2.1.4'),
  ]),
  // Strings
  ...row('U+0000 in a client identifier', connectBytes(2, ['a\0']), [
    malformed('§2.5'),
    malformed('MQTT-1.5.3-2'),
    malformed('MQTT-1.5.4-2'),
  ]),
  ...row(
    'a protocol name that is not UTF-8',
    (version) => frame(0x10, 0, 4, 0xff, 'QTT', version, 2, 0, 0, ...none(version), ['c']),
    [malformed('§2.5'), malformed('MQTT-1.5.3-1'), malformed('MQTT-1.5.4-1')],
  ),
  ...row('a surrogate in a client identifier', connectBytes(2, 0, 3, 0xed, 0xa0, 0x80), [
    malformed('§2.5'),
    malformed('MQTT-3.1.3-4'),
    malformed('MQTT-3.1.3-4'),
  ]),
  ...row('a user name that is not UTF-8', connectBytes(0x82, ['c'], 0, 1, 0xff), [
    malformed('§2.5'),
    malformed('MQTT-3.1.3-11'),
    malformed('MQTT-3.1.3-12'),
  ]),
  ...row('a non-character in a topic', publishBytes(0x30, ['\uFFFF']), [
    publish('\uFFFF'),
    publish('\uFFFF'),
    publish('\uFFFF'),
  ]),
  // PUBLISH
  ...row('PUBLISH of QoS 3', publishBytes(0x36, ['t'], 0, 1), [
    malformed('§2.1'),
    malformed('MQTT-3.3.1-4'),
    malformed('MQTT-3.3.1-4'),
  ]),
  ...row('PUBLISH of QoS 0 with DUP', publishBytes(0x38, ['t']), [
    { ...publish('t'), dup: true } as Packet,
    malformed('MQTT-3.3.1-2'),
    malformed('MQTT-3.3.1-2'),
  ]),
  ...row('PUBLISH with packet identifier 0', publishBytes(0x32, ['t'], 0, 0), [
    violation('§2.4'),
    violation('MQTT-2.3.1-1'),
    violation('MQTT-2.2.1-3'),
  ]),
  ...row('PUBLISH to no topic', publishBytes(0x30, ['']), [
    topicRefused('MQTT-4.7.3-1'),
    topicRefused('MQTT-4.7.3-1'),
    violation('§3.3.2.3.4'),
  ]),
  ...['a/+', '#'].flatMap((topic) =>
    row(`PUBLISH to ${topic}`, publishBytes(0x30, [topic]), [
      topicRefused('MQTT-3.3.2-2'),
      topicRefused('MQTT-3.3.2-2'),
      topicRefused('MQTT-3.3.2-2'),
    ]),
  ),
  ...row('PUBLISH to a topic with U+0000', publishBytes(0x30, ['a\0b']), [
    malformed('MQTT-4.7.3-2'),
    malformed('MQTT-4.7.3-2'),
    malformed('MQTT-4.7.3-2'),
  ]),
  ...row('PUBACK with packet identifier 0', frame(0x40, 0, 0), [
    violation('§2.4'),
    violation('MQTT-2.3.1-1'),
    violation('MQTT-2.2.1-3'),
  ]),
  // SUBSCRIBE and UNSUBSCRIBE
  ...row('SUBSCRIBE without a filter', subscribeBytes(0x82), [
    { cmd: 'subscribe', messageId: 1, subscriptions: [] },
    violation('MQTT-3.8.3-3'),
    violation('MQTT-3.8.3-2'),
  ]),
  ...row('UNSUBSCRIBE without a filter', subscribeBytes(0xa2), [
    { cmd: 'unsubscribe', messageId: 1, unsubscriptions: [] },
    violation('MQTT-3.10.3-2'),
    violation('MQTT-3.10.3-2'),
  ]),
  ...row(
    'SUBSCRIBE with packet identifier 0',
    (version) => frame(0x82, 0, 0, ...none(version), ['a'], 1),
    [violation('§2.4'), violation('MQTT-2.3.1-1'), violation('MQTT-2.2.1-3')],
  ),
  ...row('SUBSCRIBE with bit 2 beside the QoS', subscribeBytes(0x82, ['a'], 0x05), [
    subscribe('a', 3),
    malformed('MQTT-3.8.3-4'),
    subscribe('a', 5, { nl: true }),
  ]),
  ...row('SUBSCRIBE with bits 7 and 6 beside the QoS', subscribeBytes(0x82, ['a'], 0xc1), [
    subscribe('a', 3),
    malformed('MQTT-3.8.3-4'),
    malformed('MQTT-3.8.3-5'),
  ]),
  ...row('SUBSCRIBE with QoS 3', subscribeBytes(0x82, ['a'], 3), [
    violation('§3.8'),
    violation('MQTT-3.8.3-4'),
    violation('§3.8.3.1'),
  ]),
  ...row('SUBSCRIBE to an empty filter', subscribeBytes(0x82, [''], 0), [
    filterRefused('MQTT-4.7.3-1'),
    filterRefused('MQTT-4.7.3-1'),
    filterRefused('MQTT-4.7.3-1'),
  ]),
  ...['#/a', 'a#'].flatMap((filter) =>
    row(`SUBSCRIBE to ${filter}`, subscribeBytes(0x82, [filter], 0), [
      filterRefused('Appendix A'),
      filterRefused('MQTT-4.7.1-2'),
      filterRefused('MQTT-4.7.1-1'),
    ]),
  ),
  ...row('SUBSCRIBE to a+/b', subscribeBytes(0x82, ['a+/b'], 0), [
    filterRefused('Appendix A'),
    filterRefused('MQTT-4.7.1-3'),
    filterRefused('MQTT-4.7.1-2'),
  ]),
  ...row('SUBSCRIBE to $share//a', subscribeBytes(0x82, ['$share//a'], 1), [
    subscribe('$share//a', 3),
    subscribe('$share//a', 4),
    filterRefused('MQTT-4.8.2-1'),
  ]),
  ...['$share/g', '$share/g/', '$share/+/a'].flatMap((filter) =>
    row(`SUBSCRIBE to ${filter}`, subscribeBytes(0x82, [filter], 1), [
      subscribe(filter, 3),
      subscribe(filter, 4),
      filterRefused('MQTT-4.8.2-2'),
    ]),
  ),
  ...row('SUBSCRIBE to $share/a#', subscribeBytes(0x82, ['$share/a#'], 1), [
    filterRefused('Appendix A'),
    filterRefused('MQTT-4.7.1-2'),
    filterRefused('MQTT-4.8.2-2'),
  ]),
  // What a client reads
  ...row(
    'CONNACK with session present',
    (version) => frame(0x20, 1, 0, ...none(version)),
    [
      { cmd: 'connack', sessionPresent: false, returnCode: 0 },
      { cmd: 'connack', sessionPresent: true, returnCode: 0 },
      { cmd: 'connack', sessionPresent: true, reasonCode: 0 },
    ],
    'client',
  ),
  ...row(
    'CONNACK with other bits in its first byte',
    (version) => frame(0x20, 0xfe, 0, ...none(version)),
    [
      { cmd: 'connack', sessionPresent: false, returnCode: 0 },
      malformed('§3.2.2.1'),
      malformed('MQTT-3.2.2-1'),
    ],
    'client',
  ),
  ...row(
    'CONNACK with session present and an error',
    (version) => frame(0x20, 1, version === 5 ? 0x87 : 5, ...none(version)),
    [
      { cmd: 'connack', sessionPresent: false, returnCode: 5 },
      violation('MQTT-3.2.2-4'),
      violation('MQTT-3.2.2-6'),
    ],
    'client',
  ),
  ...row(
    'CONNACK with code 6',
    (version) => frame(0x20, 0, 6, ...none(version)),
    [violation('§3.2'), violation('§3.2.2.3'), violation('MQTT-3.2.2-8')],
    'client',
  ),
  ...row(
    'SUBACK without a code',
    (version) => frame(0x90, 0, 1, ...none(version)),
    [
      { cmd: 'suback', messageId: 1, granted: [] },
      malformed('MQTT-3.9.3-1'),
      malformed('MQTT-3.9.3-2'),
    ],
    'client',
  ),
  ...row(
    'SUBACK with 81',
    (version) => frame(0x90, 0, 1, ...none(version), 0x81),
    [
      { cmd: 'suback', messageId: 1, granted: [1] },
      violation('MQTT-3.9.3-2'),
      violation('MQTT-3.9.3-2'),
    ],
    'client',
  ),
  ...row(
    'SUBACK with 3',
    (version) => frame(0x90, 0, 1, ...none(version), 3),
    [violation('§3.9'), violation('MQTT-3.9.3-2'), violation('MQTT-3.9.3-2')],
    'client',
  ),
  ...row(
    'PUBACK that a client gets, with DUP',
    frame(0x48, 0, 1),
    [{ cmd: 'puback', messageId: 1 }, malformed('MQTT-2.2.2-2'), malformed('MQTT-2.1.3-1')],
    'client',
  ),
  ...row('U+FEFF in a topic is kept', publishBytes(0x30, ['\uFEFFa']), [
    publish('\uFEFFa'),
    publish('\uFEFFa'),
    publish('\uFEFFa'),
  ]),
  ...row(
    'PUBLISH without a payload',
    (version) => frame(0x30, ['a'], ...none(version)),
    Array.from({ length: 3 }, () => ({ ...publish('a'), payload: EMPTY })) as unknown as Columns,
  ),
];
