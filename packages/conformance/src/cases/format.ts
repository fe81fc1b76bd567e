import { CaseList } from '../case.ts';
import { check, WRONG } from '../check.ts';
import type { Context } from '../client/context.ts';
import type { RawClient } from '../client/raw-client.ts';
import { bytes, field, packet, u16 } from '../wire/bytes.ts';
import {
  ack,
  connect,
  disconnect,
  pingreq,
  publish,
  subscribe,
  unsubscribe,
} from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { values } from '../wire/server-packet.ts';

/** Packets whose bytes are not what §2 and §3 say, type by type. */
const list = new CaseList();
export const formatCases = list.cases;

/** A packet of each type that a client sends once it is connected, as short as may be. */
function packets(context: Context): readonly (readonly [string, Uint8Array])[] {
  return [
    ['PUBLISH', publish(context.topic(), '', { qos: 1 })],
    ['PUBACK', ack('puback', 1)],
    ['PUBREC', ack('pubrec', 1)],
    ['PUBREL', ack('pubrel', 1)],
    ['PUBCOMP', ack('pubcomp', 1)],
    ['SUBSCRIBE', subscribe([[context.topic(), 0]])],
    ['UNSUBSCRIBE', unsubscribe([context.topic()])],
  ];
}

async function refused(context: Context, name: string, sent: Uint8Array): Promise<void> {
  try {
    await context.refused(sent, WRONG);
  } catch (error) {
    const hex = Buffer.from(sent).toString('hex');
    throw new Error(`${name} ${hex.slice(0, 40)}: ${(error as Error).message}`);
  }
}

list.v5('a packet that is cut short is malformed', 'MQTT-4.13.1-1 §1.2', async (context) => {
  for (const [name, whole] of packets(context)) {
    // The body loses bytes from its end; the remaining length says so. PUBLISH keeps its payload's place.
    const body = whole.subarray(2);
    const lengths = Array.from({ length: body.length }, (_, length) => length);
    await Promise.all(
      lengths.map((length) =>
        refused(context, name, packet(whole[0] as number, body.subarray(0, length))),
      ),
    );
  }
});

list.v5('a packet with bytes after its end is malformed', 'MQTT-4.13.1-1 §1.2', async (context) => {
  const longer: readonly (readonly [string, Uint8Array])[] = [
    ['PUBACK', packet(0x40, u16(1), 0, 0, 0)],
    ['PUBREC', packet(0x50, u16(1), 0, 0, 0)],
    ['PUBREL', packet(0x62, u16(1), 0, 0, 0)],
    ['PUBCOMP', packet(0x70, u16(1), 0, 0, 0)],
    ['SUBSCRIBE', packet(0x82, u16(1), 0, field('a'), 0, 0)],
    ['UNSUBSCRIBE', packet(0xa2, u16(1), 0, field('a'), 0)],
    ['PINGREQ', packet(0xc0, 0)],
    ['DISCONNECT', packet(0xe0, 0, 0, 0)],
    ['AUTH', packet(0xf0, 0, 0, 0)],
  ];
  for (const [name, wrong] of longer) await refused(context, name, wrong);
});

list.v5(
  'CONNECT with bytes missing or left over is malformed',
  '§3.1.3 MQTT-3.1.4-1',
  async (context) => {
    const will = { topic: context.topic(), payload: 'bye' };
    const whole = connect({ clientId: context.clientId(), will, username: 'u', password: 'p' });
    const body = whole.subarray(2);
    for (let length = 0; length < body.length; length++) {
      await context.refusedConnect(packet(0x10, body.subarray(0, length)), 5, [
        ...WRONG,
        0x84,
        0x85,
      ]);
    }
    await context.refusedConnect(packet(0x10, body, 0), 5, WRONG);
  },
);

for (const [name, firstByte, right] of [
  ['PUBACK', 0x40, 0],
  ['PUBREC', 0x50, 0],
  ['PUBREL', 0x60, 2],
  ['PUBCOMP', 0x70, 0],
  ['SUBSCRIBE', 0x80, 2],
  ['UNSUBSCRIBE', 0xa0, 2],
  ['PINGREQ', 0xc0, 0],
  ['DISCONNECT', 0xe0, 0],
  ['AUTH', 0xf0, 0],
] as const) {
  const rules = 'MQTT-2.1.3-1 §2.1.3';
  list.v5(`${name} with any other flags than its own is malformed`, rules, async (context) => {
    const bodies: Readonly<Record<string, Uint8Array>> = {
      SUBSCRIBE: subscribe([[context.topic(), 0]]).subarray(2),
      UNSUBSCRIBE: unsubscribe([context.topic()]).subarray(2),
      PINGREQ: bytes(),
      DISCONNECT: bytes(),
      AUTH: bytes(),
    };
    const others = Array.from({ length: 16 }, (_, flags) => flags).filter(
      (flags) => flags !== right,
    );
    await Promise.all(
      others.map((flags) =>
        refused(context, name, packet(firstByte | flags, bodies[name] ?? u16(1))),
      ),
    );
  });
}

/** Reason codes that a client may send (§2.4), and some that only a server sends or nobody does. */
const REASONS = [
  ['PUBACK', 0x40, [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99], 'MQTT-3.4.2-1'],
  ['PUBREC', 0x50, [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99], 'MQTT-3.5.2-1'],
  ['PUBREL', 0x62, [0, 0x92], 'MQTT-3.6.2-1'],
  ['PUBCOMP', 0x70, [0, 0x92], 'MQTT-3.7.2-1'],
] as const;

for (const [name, firstByte, codes, rules] of REASONS) {
  list.v5(`${name} takes each of its reason codes`, `${rules} §2.4`, async (context) => {
    const client = await context.connect();
    for (const [index, code] of codes.entries()) {
      client.send(packet(firstByte, u16(100 + index), code));
      client.send(packet(firstByte, u16(200 + index), code, 0));
    }
    for (const { type } of await client.drain()) {
      check(type === 'pubrel' || type === 'pubcomp', `${type} is no answer to ${name}`);
    }
  });

  list.v5(`${name} with another reason code is refused`, `${rules} §2.4`, async (context) => {
    for (const code of [0x01, 0x04, 0x11, 0x7f, 0x81, 0x8e, 0xa3, 0xff]) {
      await refused(context, name, packet(firstByte, u16(1), code));
    }
  });
}

list.v5('DISCONNECT takes each reason code of a client', 'MQTT-3.14.2-1 §2.4', async (context) => {
  for (const code of [
    0, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
  ]) {
    const client = await context.connect();
    client.send(disconnect(code));
    await client.expectClosed([]);
  }
});

list.v5(
  'an acknowledgement has 2, 3 or more bytes',
  '§3.4.2.1 §3.5.2.1 §3.6.2.1 §3.7.2.1',
  async (context) => {
    const sender = await context.connect();
    const receiver = await context.subscriber(context.topic(), 2);
    const forms = [[], [0], [0, 0], [0, 8, 0x1f, u16(5), 'right']];
    for (const [index, form] of forms.entries()) {
      const id = index + 1;
      sender.send(publish(context.topic(), '2', { qos: 2, id }));
      await sender.expect('pubrec', { id });
      sender.send(packet(0x62, u16(id), form));
      await sender.expect('pubcomp', { id, reasonCode: 0 });
      const second = await receiver.expect('publish', { qos: 2 });
      receiver.send(packet(0x50, u16(second.id), form));
      await receiver.expect('pubrel', { id: second.id, reasonCode: 0 });
      receiver.send(packet(0x70, u16(second.id), form));
      await context.deliver(sender, context.topic(), '1', { qos: 1, id });
      const first = await receiver.expect('publish', { qos: 1 });
      receiver.send(packet(0x40, u16(first.id), form));
      await receiver.expectNothing();
    }
  },
);

list.v5('DISCONNECT has 0, 1, 2 or more bytes', '§3.14.2.1 §3.14.2.2.1', async (context) => {
  for (const form of [[], [0], [0, 0], [0, bytes(7, 0x26, 0, 1, 0x61, 0, 1, 0x62)]]) {
    const client = await context.connect();
    client.send(packet(0xe0, form), pingreq);
    await client.expectClosed([]);
  }
});

list.v5(
  'AUTH without a reason code is one with 0x00',
  '§3.15.2.1 MQTT-4.12.0-7',
  async (context) => {
    await refused(context, 'AUTH', packet(0xf0));
    await refused(context, 'AUTH', packet(0xf0, 0));
  },
);

list.v5('a remaining length of five bytes is malformed', '§2.1.4 §1.5.5', async (context) => {
  await refused(context, 'PUBLISH', bytes(0x30, 0x80, 0x80, 0x80, 0x80, 0x01));
  await refused(context, 'PUBLISH', bytes(0x30, 0xff, 0xff, 0xff, 0xff, 0x7f));
  await context.refusedConnect(bytes(0x10, 0xff, 0xff, 0xff, 0xff, 0x01), 5, WRONG);
});

list.v5(
  'remaining lengths of one, two, three and four bytes are taken',
  '§2.1.4',
  async (context) => {
    const receiver = await context.subscriber();
    const sender = await context.connect();
    // Header, topic and property length count, so that each size falls on both sides of a boundary.
    const overhead = 2 + Buffer.byteLength(context.topic()) + 1;
    for (const size of [127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
      sender.send(publish(context.topic(), new Uint8Array(size - overhead)));
      const { payload } = await receiver.expect('publish');
      check(payload.length === size - overhead, `${payload.length} bytes of ${size - overhead}`);
    }
  },
);

list.v5('packets may arrive byte by byte', '§4.2 MQTT-4.2-1', async (context) => {
  const client = await context.open();
  const sent = bytes(
    context.connectOf(),
    subscribe([[context.topic(), 0]]),
    publish(context.topic(), 'x', { properties: property.user('a', 'b') }),
  );
  for (const [index] of sent.entries()) {
    client.send(sent.subarray(index, index + 1));
    // The next byte in a turn of its own, so that it is a segment of its own.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  await client.expect('connack', { reasonCode: 0 });
  await client.expect('suback');
  await client.expect('publish');
});

async function stillServed(client: RawClient): Promise<void> {
  client.send(pingreq);
  await client.expect('pingresp');
}

list.v5('1,000 packets in one segment are all processed', '§4.2 MQTT-4.2-1', async (context) => {
  const client = await context.connect();
  client.send(...Array.from({ length: 1000 }, () => pingreq));
  for (let count = 0; count < 1000; count++) await client.expect('pingresp');
  await stillServed(client);
});

/** What is not well-formed UTF-8, or may not be in a string (§1.5.4). */
const ILL_FORMED: readonly (readonly [string, Uint8Array])[] = [
  ['U+0000', bytes('a', 0)],
  ['a byte that is in no character', bytes('a', 0xff)],
  ['a continuation without a start', bytes(0x80)],
  ['a character that is cut short', bytes('a', 0xe2, 0x82)],
  ['a character in more bytes than needed', bytes(0xc1, 0xbf)],
  ['U+0000 in two bytes', bytes(0xc0, 0x80)],
  ['a surrogate', bytes(0xed, 0xa0, 0x80)],
  ['a pair of surrogates', bytes(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)],
  ['a character beyond U+10FFFF', bytes(0xf4, 0x90, 0x80, 0x80)],
];

for (const [what, wrong] of ILL_FORMED) {
  list.v5(
    `strings with ${what} are malformed`,
    'MQTT-1.5.4-1 MQTT-1.5.4-2 MQTT-1.5.7-1',
    async (context) => {
      await context.refusedConnect(connect({ clientId: 'c', username: wrong }), 5, [
        ...WRONG,
        0x86,
      ]);
      for (const [name, sent] of [
        ['topic name', publish(wrong, '')],
        ['content type', publish('t', '', { properties: property.contentType(wrong) })],
        ['user property', publish('t', '', { properties: property.user('k', wrong) })],
        ['reason string', packet(0x40, u16(1), 0, bytes(3 + wrong.length, 0x1f, field(wrong)))],
        ['topic filter', subscribe([[wrong, 0]])],
      ] as const) {
        const client = await context.connect();
        client.send(sent);
        await client.expectClosed([...WRONG, 0x8f, 0x90]).catch((error) => {
          throw new Error(`${name}: ${(error as Error).message}`);
        });
      }
    },
  );
}

list.v5(
  'strings of every kind of character come as they were sent',
  'MQTT-1.5.4-1 MQTT-1.5.4-3 MQTT-4.7.3-4',
  async (context) => {
    const receiver = await context.subscriber(context.topic('/#'));
    const sender = await context.connect();
    for (const text of [
      '\uFEFFx',
      'x\uFEFF',
      'é',
      'e\u0301',
      '漢字',
      '😀',
      '\u{10FFFD}',
      ' ',
      '\u00A0',
    ]) {
      const props = [property.user(text, text), property.contentType(text)];
      sender.send(publish(context.topic(`/${text}`), '', { properties: props }));
      const received = await receiver.expect('publish', { topic: context.topic(`/${text}`) });
      check(`${values(received, 0x26)}` === `${text},${text}`, 'user property');
      check(`${values(received, 0x03)}` === text, 'content type');
    }
  },
);
