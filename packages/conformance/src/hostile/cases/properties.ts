import { check, WRONG } from '../../check.ts';
import { bytes, field, type Part, packet, properties, u16 } from '../../wire/bytes.ts';
import {
  ack,
  type ConnectOptions,
  connect,
  publish,
  subscribe,
} from '../../wire/client-packets.ts';
import { property } from '../../wire/property.ts';
import { HostileList } from '../case.ts';
import type { HostileContext } from '../context.ts';

/** Properties of MQTT 5. */
const list = new HostileList('properties');
export const propertyAttackCases = list.cases;

/** One of each that CONNECT may have once. */
const ONCE: readonly Part[] = [
  property.sessionExpiry(1),
  property.receiveMaximum(1),
  property.maximumPacketSize(1000),
  property.topicAliasMaximum(1),
  property.requestResponseInformation(1),
  property.requestProblemInformation(1),
];

list.add(
  'each property of CONNECT, of a will, PUBLISH and SUBSCRIBE twice',
  { answer: 'closed; 0x82', seen: ['mqttsa#10'] },
  async (context) => {
    const codes = WRONG;
    const ofWill = [
      ...[property.willDelay(1), property.payloadFormat(1), property.messageExpiry(1)],
      ...[property.contentType('c'), property.responseTopic('r'), property.correlationData('d')],
    ];
    const ofPublish = [...ofWill.slice(1), property.topicAlias(1)];
    await Promise.all([
      ...ONCE.map((one) => context.endsFirst(context.connectOf({ properties: [one, one] }), codes)),
      ...ofWill.map((one) => {
        const will = { topic: context.topic(), payload: 'x', properties: [one, one] };
        return context.endsFirst(context.connectOf({ will }), codes);
      }),
      ...ofPublish.map((one) =>
        context.ends(publish(context.topic(), 'x', { properties: [one, one] }), codes),
      ),
      context.ends(
        subscribe([[context.topic(), 0]], {
          properties: [property.subscriptionIdentifier(1), property.subscriptionIdentifier(2)],
        }),
        codes,
      ),
    ]);
  },
);

list.add(
  'properties that nobody knows, that belong elsewhere, or that are cut off',
  { answer: 'closed; 0x81 or 0x82', seen: ['nanomq#1169', 'nanomq#1042', 'nanomq#1722'] },
  async (context) => {
    const wrong: Part[] = [
      ...[0x00, 0x04, 0x7f, [0x80, 0x00], [0xff, 0xff, 0xff, 0x7f], [0xff, 0xff, 0xff, 0xff, 0x7f]],
      ...[property.reasonString('x'), [0x12, field('c')], [0x13, u16(1)], [0x2a, 1]],
      ...[0x11, [0x11, 0], [0x26, field('k')], [0x26, u16(9), 'k'], [0x15, u16(65_535)], [0x02, 0]],
    ];
    await Promise.all(
      wrong.flatMap((one) => [
        context.endsFirst(context.connectOf({ properties: one }), WRONG),
        context.ends(publish(context.topic(), 'x', { properties: one }), WRONG),
        context.ends(subscribe([[context.topic(), 0]], { properties: one }), WRONG),
      ]),
    );
  },
);

list.add(
  'lengths of properties beyond the packet, and of five bytes',
  { answer: 'closed; 0x81', seen: ['CVE-2026-21888'] },
  async (context) => {
    const lengths: Part[] = [
      [0x7f],
      [0xff, 0x7f],
      [0xff, 0xff, 0xff, 0x7f],
      [0xff, 0xff, 0xff, 0xff, 0x7f],
      [0x80, 0x80, 0x80, 0x80, 0x01],
    ];
    await Promise.all(
      lengths.flatMap((length) => [
        context.endsFirst(packet(0x10, field('MQTT'), 5, 2, u16(60), length, field('c')), WRONG),
        context.ends(packet(0x30, field(context.topic()), length, 'x'), WRONG),
        context.ends(packet(0x82, u16(1), length, field('a'), 0), WRONG),
        context.ends(packet(0xe0, 0, length), WRONG),
      ]),
    );
  },
);

list.add(
  'values of properties out of their range',
  { answer: 'closed; 0x81 or 0x82' },
  async (context) => {
    const ofConnect: Part[] = [
      ...[property.receiveMaximum(0), property.maximumPacketSize(0)],
      ...[property.requestProblemInformation(2), property.requestResponseInformation(255)],
      property.authenticationData('without a method'),
    ];
    await Promise.all([
      ...ofConnect.map((one) => context.endsFirst(context.connectOf({ properties: one }), WRONG)),
      context.ends(
        subscribe([[context.topic(), 0]], { properties: property.subscriptionIdentifier(0) }),
        WRONG,
      ),
      context.ends(publish(context.topic(), 'x', { properties: property.payloadFormat(2) }), WRONG),
      context.ends(
        publish(context.topic(), 'x', { properties: property.subscriptionIdentifier(1) }),
        WRONG,
      ),
    ]);
  },
);

list.add(
  'wills with properties that are wrong, 500 times',
  {
    answer: 'closed each time, and nothing is kept of it',
    seen: ['CVE-2023-3592', 'CVE-2021-34431'],
  },
  async (context) => {
    const wrong = [property.contentType('c'.repeat(60_000)), property.sessionExpiry(1)];
    const will = { topic: context.topic(), payload: 'x', properties: wrong };
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 25 }, () => context.endsFirst(context.connectOf({ will }), WRONG)),
      );
    }
  },
);

/** User properties of so many bytes, each of another name. */
function userProperties(size: number): Uint8Array {
  const one = bytes(0x26, field('k1234567'), field('v'));
  const count = Math.floor(size / one.length);
  const all = Buffer.alloc(count * one.length, one);
  for (let index = 0; index < count; index++) {
    all.write(index.toString(36).padStart(8, '0'), index * one.length + 3, 'latin1');
  }
  return all;
}

list.add(
  'CONNECT with 60 KB, 1 MB and 16 MB of user properties',
  { answer: 'answered or closed at once', seen: ['CVE-2021-41039'] },
  async (context) => {
    for (const size of [60_000, 1_000_000, 16_000_000]) {
      const socket = await context.socket();
      socket.send(connectOf(context, { properties: userProperties(size) }));
      const isAnswered = await socket.receives(4, 20_000);
      check(isAnswered || socket.isClosed, `${size} bytes: no answer`);
    }
  },
);

/** Without credentials: who sends it need not be anybody. */
function connectOf(context: HostileContext, options: ConnectOptions): Uint8Array {
  return connect({ clientId: context.clientId(), ...options });
}

list.add(
  'PUBLISH and PUBACK with 1 MB of user properties',
  { answer: 'served or closed' },
  async (context) => {
    const all = userProperties(1_000_000);
    const watcher = await context.connectedSocket();
    watcher.send(subscribe([[context.topic(), 0]]));
    for (const one of [
      publish(context.topic(), 'x', { properties: all }),
      packet(0x40, u16(1), 0, properties(all)),
    ]) {
      const client = await context.client();
      client.send(one);
      await context.servedOrClosed(client);
    }
  },
);

list.add(
  'the same user property 50,000 times',
  { answer: 'served or closed', seen: ['CVE-2021-41039'] },
  async (context) => {
    const one = bytes(0x26, field('k'), field('v'));
    const client = await context.client();
    client.send(
      publish(context.topic(), 'x', { properties: Buffer.alloc(one.length * 50_000, one) }),
    );
    await context.servedOrClosed(client);
  },
);

list.add(
  'a client that takes no more than 2 bytes in a packet',
  { answer: 'nothing larger is sent to it' },
  async (context) => {
    const socket = await context.socket();
    socket.send(context.connectOf({ properties: property.maximumPacketSize(2) }));
    socket.send(subscribe([[context.topic(), 1]]), publish(context.topic(), 'x', { qos: 1 }));
    socket.send(packet(0xc0));
    await socket.receives(1, 1000);
    const { received } = socket;
    let offset = 0;
    while (offset + 1 < received.length) {
      const size = 2 + (received[offset + 1] as number);
      check(size <= 2, `a packet of ${size} bytes: 0x${received[offset]?.toString(16)}`);
      offset += size;
    }
  },
);

list.add('expiries of 0, of a second, and of 136 years', { answer: 'served' }, async (context) => {
  for (const seconds of [0, 1, 0xffff_fffe, 0xffff_ffff]) {
    const client = await context.client({
      clientId: context.clientId(),
      properties: property.sessionExpiry(seconds === 0xffff_ffff ? 0 : Math.min(seconds, 5)),
      will: {
        ...{ topic: context.topic('will'), payload: 'x' },
        properties: [property.willDelay(Math.min(seconds, 5)), property.messageExpiry(seconds)],
      },
    });
    client.send(publish(context.topic(), 'x', { properties: property.messageExpiry(seconds) }));
    await context.serves(client);
    client.send(packet(0xe0));
  }
});

list.add(
  'AUTH with nothing, with half, and with 60 KB of data',
  { answer: 'closed' },
  async (context) => {
    for (const one of [
      ...[packet(0xf0), packet(0xf0, 0x18), packet(0xf0, 0x19, 0), packet(0xf0, 0x00, 0)],
      packet(0xf0, 0x18, properties(property.authenticationData('d'.repeat(60_000)))),
      packet(0xf0, 0x18, properties(property.authenticationMethod('m'))),
      packet(0xf0, 0x77, properties(property.authenticationMethod('m'))),
    ]) {
      await context.ends(one, [...WRONG, 0x8c]);
    }
    await context.endsFirst(ack('puback', 1));
    const method = property.authenticationMethod(`nobody knows ${'m'.repeat(10_000)}`);
    await context.endsFirst(context.connectOf({ properties: method }), [...WRONG, 0x8c, 0x87]);
  },
);
