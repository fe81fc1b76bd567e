import { CaseList } from '../case.ts';
import { check } from '../check.ts';
import { bytes, field, type Part, packet, u16 } from '../wire/bytes.ts';
import {
  ack,
  connect,
  disconnect,
  pingreq,
  publish,
  subscribe,
  unsubscribe,
} from '../wire/client-packets.ts';

const list = new CaseList();
export const v311Cases = list.cases;

const V4 = { version: 4 } as const;

function raw(flags: number, ...payload: readonly Part[]): Uint8Array {
  return packet(0x10, field('MQTT'), 4, flags, u16(60), ...payload);
}

list.v4(
  'a packet before CONNECT and a second CONNECT close the connection',
  'MQTT-3.1.0-1 MQTT-3.1.0-2 MQTT-4.8.0-1',
  async (context) => {
    await context.refusedConnect(pingreq, 4, []);
    const again = connect({ ...V4, clientId: context.clientId() });
    await context.refused(again, [], 4);
  },
);

for (const [what, rules, ...wrong] of [
  ['with its reserved flag set', 'MQTT-3.1.2-3', (id: Part) => raw(0x03, id)],
  [
    'with flags in its fixed header',
    'MQTT-2.2.2-1 MQTT-2.2.2-2',
    (id: Part) => packet(0x11, field('MQTT'), 4, 2, u16(60), id),
  ],
  [
    'of another protocol',
    'MQTT-3.1.2-1',
    (id: Part) => packet(0x10, field('MQTX'), 4, 2, u16(60), id),
  ],
  ['without a client identifier', 'MQTT-3.1.3-1 MQTT-3.1.4-1', () => raw(0x02)],
  ['with a will flag and no will', 'MQTT-3.1.2-9', (id: Part) => raw(0x06, id)],
  [
    'with a QoS or RETAIN of no will',
    'MQTT-3.1.2-11 MQTT-3.1.2-13 MQTT-3.1.2-15',
    (id: Part) => raw(0x0a, id),
    (id: Part) => raw(0x22, id),
  ],
  ['with a will of QoS 3', 'MQTT-3.1.2-14', (id: Part) => raw(0x1e, id, field('t'), field(''))],
  ['without the user name that its flag announces', 'MQTT-3.1.2-19', (id: Part) => raw(0x82, id)],
  ['with a user name and no flag for it', 'MQTT-3.1.2-18', (id: Part) => raw(0x02, id, field('u'))],
  [
    'without the password that its flag announces',
    'MQTT-3.1.2-21',
    (id: Part) => raw(0xc2, id, field('u')),
  ],
  [
    'with a password and no flag for it',
    'MQTT-3.1.2-20',
    (id: Part) => raw(0x82, id, field('u'), field('p')),
  ],
  ['with a password but no user name', 'MQTT-3.1.2-22', (id: Part) => raw(0x42, id, field('p'))],
] as readonly (readonly [string, string, ...((id: Part) => Uint8Array)[]])[]) {
  list.v4(`a CONNECT ${what} is refused without CONNACK`, rules, async (context) => {
    for (const build of wrong) {
      await context.refusedConnect(build(field(context.clientId())), 4, []);
    }
  });
}

list.v4(
  'an unknown protocol level is answered with return code 1',
  'MQTT-3.1.2-2 MQTT-3.2.2-4 MQTT-3.2.2-5',
  async (context) => {
    const client = await context.open(4);
    client.send(packet(0x10, field('MQTT'), 3, 2, u16(60), field(context.clientId())));
    const answer = await client.next();
    check(answer?.type === 'connack' && answer.reasonCode === 1, 'return code 1');
    await client.expectClosed([]);
  },
);

list.v4(
  'a remaining length may have more bytes than it needs, four at most',
  '§2.2.3',
  async (context) => {
    const client = await context.subscriber(context.topic(), 0, V4);
    const message = publish(context.topic(), 'x', V4);
    const length = message[1] as number;
    for (const more of [bytes(0), bytes(0x80, 0), bytes(0x80, 0x80, 0)]) {
      client.send(bytes(0x30, length | 0x80, more, message.subarray(2)));
      await client.expect('publish', { topic: context.topic() });
    }
    await context.refused(bytes(0xc0, 0x80, 0x80, 0x80, 0x80, 0), [], 4);
  },
);

list.v4(
  'an empty client identifier needs a clean session',
  'MQTT-3.1.3-6 MQTT-3.1.3-7 MQTT-3.1.3-8 MQTT-3.1.3-9',
  async (context) => {
    const accepted = await context.open(4);
    accepted.send(connect({ ...V4, clientId: '' }));
    await accepted.expect('connack', { reasonCode: 0 });
    const refused = await context.open(4);
    refused.send(connect({ ...V4, clientId: '', clean: false }));
    await refused.expect('connack', { reasonCode: 2, sessionPresent: false });
    await refused.expectClosed([]);
  },
);

list.v4(
  'strings must be valid UTF-8, and keep U+FEFF',
  'MQTT-1.5.3-1 MQTT-1.5.3-2 MQTT-1.5.3-3 MQTT-3.1.3-4 MQTT-3.3.2-1 MQTT-4.7.3-2',
  async (context) => {
    for (const wrong of [bytes(0xff), bytes(0xed, 0xa0, 0x80), bytes(0x61, 0)]) {
      await context.refusedConnect(raw(2, field(wrong)), 4, [2]);
      await context.refused(publish(wrong, '', V4), [], 4);
    }
    const client = await context.connect(V4);
    client.send(subscribe([[`${context.topic()}/#`, 0]], V4));
    await client.expect('suback');
    client.send(publish(`${context.topic()}/\uFEFF`, '', V4));
    await client.expect('publish', { topic: `${context.topic()}/\uFEFF` });
  },
);

list.v4(
  'a session without Clean Session is kept, and one with it is not',
  'MQTT-3.1.2-4 MQTT-3.1.2-6 MQTT-3.2.2-1 MQTT-3.2.2-2 MQTT-3.2.2-3 MQTT-4.1.0-1 MQTT-4.4.0-1 MQTT-4.5.0-1',
  async (context) => {
    const clientId = context.clientId();
    const first = await context.connect({ ...V4, clientId, clean: false });
    first.send(subscribe([[context.topic(), 1]], V4));
    await first.expect('suback');
    first.send(disconnect());
    await first.expectClosed([]);
    const sender = await context.connect(V4);
    await context.deliver(sender, context.topic(), 'x', { ...V4, qos: 1 });
    for (const dup of [false, true]) {
      const again = await context.open(4);
      again.send(connect({ ...V4, clientId, clean: false }));
      await again.expect('connack', { sessionPresent: true });
      await again.expect('publish', { qos: 1, dup });
      again.destroy();
    }
    for (const clean of [true, false]) {
      const last = await context.open(4);
      last.send(connect({ ...V4, clientId, clean }));
      await last.expect('connack', { sessionPresent: false });
      await last.expectNothing();
      last.send(disconnect());
      await last.expectClosed([]);
    }
  },
);

list.v4(
  'a second connection takes the first one’s place',
  'MQTT-3.1.4-2 MQTT-3.1.3-2',
  async (context) => {
    const clientId = context.clientId();
    const first = await context.connect({ ...V4, clientId });
    const second = await context.connect({ ...V4, clientId });
    await first.expectClosed([]);
    await second.expectNothing();
  },
);

list.v4(
  'a will is published when the connection is lost, not after DISCONNECT',
  'MQTT-3.1.2-8 MQTT-3.1.2-10 MQTT-3.1.2-12 MQTT-3.1.2-16 MQTT-3.1.2-17 MQTT-3.14.4-3',
  async (context) => {
    const watching = await context.connect(V4);
    watching.send(subscribe([[context.topic(), 2]], V4));
    await watching.expect('suback');
    const will = { topic: context.topic(), payload: 'bye', qos: 1, retain: true };
    const polite = await context.connect({ ...V4, will });
    polite.send(disconnect());
    await polite.expectClosed([]);
    await watching.expectNothing();
    const lost = await context.connect({ ...V4, will });
    lost.destroy();
    await watching.expect('publish', { qos: 1, retain: false });
    const late = await context.connect(V4);
    late.send(subscribe([[context.topic(), 0]], V4));
    await late.expect('suback');
    await late.expect('publish', { retain: true });
  },
);

list.v4('a keep alive that is missed closes the connection', 'MQTT-3.1.2-24', async (context) => {
  const client = await context.connect({ ...V4, keepAlive: 1 });
  await client.expectClosed([]);
});

list.v4(
  'a PUBLISH that is malformed closes the connection',
  'MQTT-2.3.1-1 MQTT-2.3.1-5 MQTT-3.3.1-2 MQTT-3.3.1-4 MQTT-3.3.2-2 MQTT-4.7.1-1 MQTT-4.7.3-1',
  async (context) => {
    for (const wrong of [
      publish('t', '', { ...V4, qos: 3 }),
      publish('t', '', { ...V4, dup: true }),
      publish('t', '', { ...V4, qos: 1, id: 0 }),
      publish('a/+', '', V4),
      publish('#', '', V4),
      publish('', '', V4),
    ]) {
      await context.refused(wrong, [], 4);
    }
  },
);

list.v4(
  'QoS 1 and 2 are acknowledged with the same identifier, and QoS 2 is delivered once',
  'MQTT-2.3.1-2 MQTT-2.3.1-3 MQTT-2.3.1-4 MQTT-2.3.1-6 MQTT-3.3.1-3 MQTT-3.3.4-1 MQTT-4.3.1-1 MQTT-4.3.2-1 MQTT-4.3.2-2 MQTT-4.3.3-1 MQTT-4.3.3-2',
  async (context) => {
    const watching = await context.connect(V4);
    watching.send(subscribe([[context.topic(), 2]], V4));
    await watching.expect('suback');
    const sender = await context.connect(V4);
    await context.deliver(sender, context.topic(), '0', V4);
    await watching.expect('publish', { qos: 0, id: 0 });
    await context.deliver(sender, context.topic(), '1', { ...V4, qos: 1, id: 10 });
    const first = await watching.expect('publish', { qos: 1, dup: false });
    watching.send(ack('puback', first.id));
    for (const dup of [false, true]) {
      sender.send(publish(context.topic(), '2', { ...V4, qos: 2, id: 11, dup }));
      await sender.expect('pubrec', { id: 11 });
    }
    for (let time = 0; time < 2; time++) {
      sender.send(ack('pubrel', 11));
      await sender.expect('pubcomp', { id: 11 });
    }
    const second = await watching.expect('publish', { qos: 2, dup: false });
    watching.send(ack('pubrec', second.id));
    await watching.expect('pubrel', { id: second.id });
    watching.send(ack('pubcomp', second.id));
    await watching.expectNothing();
  },
);

list.v4(
  'PUBREL, SUBSCRIBE and UNSUBSCRIBE have their flags',
  'MQTT-2.2.2-2 MQTT-3.6.1-1 MQTT-3.8.1-1 MQTT-3.10.1-1 MQTT-3.14.1-1',
  async (context) => {
    for (const wrong of [
      packet(0x60, u16(1)),
      packet(0x80, u16(1), field('t'), 0),
      packet(0xa0, u16(1), field('t')),
      packet(0xe1),
      packet(0xc1),
    ]) {
      await context.refused(wrong, [], 4);
    }
  },
);

list.v4(
  'retained messages are kept, replaced and removed',
  'MQTT-3.3.1-5 MQTT-3.3.1-6 MQTT-3.3.1-7 MQTT-3.3.1-8 MQTT-3.3.1-9 MQTT-3.3.1-10 MQTT-3.3.1-11 MQTT-3.3.1-12',
  async (context) => {
    const sender = await context.connect(V4);
    const live = await context.connect(V4);
    live.send(subscribe([[context.topic(), 1]], V4));
    await live.expect('suback');
    for (const [payload, retain, kept] of [
      ['1', true, '1'],
      ['2', true, '2'],
      ['3', false, '2'],
      ['', true, ''],
    ] as const) {
      await context.deliver(sender, context.topic(), payload, { ...V4, qos: 1, retain });
      await live.expect('publish', { retain: false });
      const late = await context.connect(V4);
      late.send(subscribe([[context.topic(), 1]], V4));
      await late.expect('suback');
      const found = await late.drain();
      check(
        found.every((one) => one.retain),
        'RETAIN for a new subscription',
      );
      check(
        found.map((one) => Buffer.from(one.payload).toString()).join() === kept,
        'what is kept',
      );
    }
  },
);

list.v4(
  'SUBACK and UNSUBACK answer with the same identifier, filter by filter',
  'MQTT-2.3.1-7 MQTT-3.3.5-1 MQTT-3.8.3-1 MQTT-3.8.4-1 MQTT-3.8.4-2 MQTT-3.8.4-4 MQTT-3.9.3-1 MQTT-3.9.3-2 MQTT-3.10.4-1 MQTT-3.10.4-2 MQTT-3.10.4-4 MQTT-3.10.4-5 MQTT-3.10.4-6',
  async (context) => {
    const client = await context.connect(V4);
    const topic = context.topic();
    client.send(
      subscribe(
        [
          [`${topic}/a`, 1],
          [`${topic}/+`, 2],
        ],
        { ...V4, id: 700 },
      ),
    );
    await client.expect('suback', { id: 700, reasonCodes: [1, 2] });
    client.send(unsubscribe([`${topic}/none`, `${topic}/+`], { ...V4, id: 701 }));
    await client.expect('unsuback', { id: 701 });
    const sender = await context.connect(V4);
    await context.deliver(sender, `${topic}/b`, 'no', V4);
    await context.deliver(sender, `${topic}/a`, 'yes', { ...V4, qos: 2 });
    await client.expect('publish', { qos: 1 });
    await client.expectNothing();
  },
);

list.v4(
  'a SUBSCRIBE or UNSUBSCRIBE that is malformed closes the connection',
  'MQTT-3.8.3-2 MQTT-3.8.3-3 MQTT-3.10.3-1 MQTT-3.10.3-2',
  async (context) => {
    for (const wrong of [
      packet(0x82, u16(1)),
      packet(0x82, u16(0), field('t'), 0),
      packet(0x82, u16(1), field('t'), 3),
      packet(0x82, u16(1), field('t'), 4),
      packet(0xa2, u16(1)),
      unsubscribe([bytes(0xff)], V4),
    ]) {
      await context.refused(wrong, [], 4);
    }
  },
);

list.v4(
  'wildcards match whole levels, and none that start with $',
  'MQTT-4.7.1-2 MQTT-4.7.1-3 MQTT-4.7.2-1 MQTT-4.7.3-3 MQTT-4.7.3-4',
  async (context) => {
    const root = context.topic();
    for (const [filter, topic, isMatch] of [
      ['+/b', 'a/b', true],
      ['a/#', 'a', true],
      ['a/+', 'a', false],
      ['A', 'a', false],
    ] as const) {
      const client = await context.connect(V4);
      client.send(subscribe([[`${root}/${filter}`, 0]], V4));
      await client.expect('suback');
      client.send(publish(`${root}/${topic}`, 'x', V4));
      check((await client.drain()).length === (isMatch ? 1 : 0), `${filter} and ${topic}`);
    }
    const all = await context.connect(V4);
    all.send(subscribe([['#', 0]], V4));
    await all.expect('suback');
    all.send(publish(`$${root}`, 'x', V4));
    check(!(await all.drain()).some(({ topic }) => topic.startsWith('$')), 'no $ topic');
  },
);

list.v4('messages stay in order', 'MQTT-4.6.0-5 MQTT-4.6.0-6', async (context) => {
  const client = await context.connect(V4);
  client.send(subscribe([[context.topic(), 0]], V4));
  await client.expect('suback');
  for (let index = 0; index < 100; index++) client.send(publish(context.topic(), `${index}`, V4));
  for (let index = 0; index < 100; index++) {
    const { payload } = await client.expect('publish');
    check(Buffer.from(payload).toString() === `${index}`, 'in order');
  }
});

list.v4(
  'PINGREQ is answered, and nothing after DISCONNECT is',
  'MQTT-3.12.4-1 MQTT-3.14.4-1 MQTT-3.14.4-2',
  async (context) => {
    const client = await context.connect(V4);
    client.send(pingreq);
    await client.expect('pingresp');
    client.send(disconnect(), pingreq);
    await client.expectClosed([]);
  },
);

list.v4('MQTT 3.1 clients are served by their own name and level', '§1', async (context) => {
  const client = await context.open(3);
  client.send(connect({ version: 3, clientId: context.clientId().slice(0, 23) }));
  await client.expect('connack', { reasonCode: 0 });
  client.send(subscribe([[context.topic(), 1]], { version: 3 }));
  await client.expect('suback', { reasonCodes: [1] });
  client.send(publish(context.topic(), 'x', { version: 3, qos: 1, id: 3 }));
  const types = (await client.drain()).map(({ type }) => type).sort();
  check(`${types}` === 'puback,publish', `${types}`);
});

list.v4(
  'a client identifier is needed, and 23 characters and digits are enough',
  'MQTT-3.1.3-3 MQTT-3.1.3-5',
  async (context) => {
    await context.refusedConnect(raw(0x02), 4, []);
    for (const clientId of [
      '0123456789abcdefghijkl4',
      'nopqrstuvwxyzABCDEFGHI4',
      'JKLMNOPQRSTUVWXYZ4',
    ]) {
      await context.connect({ ...V4, clientId });
    }
  },
);

list.v4(
  'will topic and user name must be valid UTF-8',
  'MQTT-3.1.3-10 MQTT-3.1.3-11 MQTT-3.2.2-6',
  async (context) => {
    const clientId = field(context.clientId());
    for (const wrong of [bytes(0xff), bytes(0xed, 0xa0, 0x80), bytes(0)]) {
      await context.refusedConnect(raw(0x06, clientId, field(wrong), field('')), 4, []);
      await context.refusedConnect(raw(0x82, clientId, field(wrong)), 4, [4]);
    }
  },
);

list.v4(
  'CONNACK is the first packet, and nothing is processed after a refusal',
  'MQTT-3.1.4-3 MQTT-3.1.4-4 MQTT-3.1.4-5 MQTT-3.2.0-1',
  async (context) => {
    const watching = await context.connect(V4);
    watching.send(subscribe([[context.topic(), 0]], V4));
    await watching.expect('suback');
    const accepted = await context.open(4);
    accepted.send(connect({ ...V4, clientId: context.clientId() }), pingreq);
    await accepted.expect('connack', { reasonCode: 0, sessionPresent: false });
    await accepted.expect('pingresp');
    const refused = await context.open(4);
    refused.send(connect({ ...V4, clientId: '', clean: false }), publish(context.topic(), 'x', V4));
    await refused.expectClosed([2]);
    await watching.expectNothing();
  },
);

list.v4(
  'what was sent before UNSUBSCRIBE is completed',
  'MQTT-3.10.4-3 MQTT-3.3.2-3 MQTT-4.1.0-2',
  async (context) => {
    const client = await context.connect(V4);
    client.send(subscribe([[`${context.topic()}/+`, 2]], V4));
    await client.expect('suback');
    const sender = await context.connect(V4);
    await context.deliver(sender, `${context.topic()}/a`, 'x', { ...V4, qos: 2 });
    const { id } = await client.expect('publish', { topic: `${context.topic()}/a`, qos: 2 });
    client.send(unsubscribe([`${context.topic()}/+`], { ...V4, id: 2 }));
    await client.expect('unsuback', { id: 2 });
    client.send(ack('pubrec', id));
    await client.expect('pubrel', { id });
    client.send(ack('pubcomp', id));
    await client.expectNothing();
  },
);

list.v4(
  'a publish that is not allowed is acknowledged as usual, or closes the connection',
  'MQTT-3.3.5-2',
  async (context) => {
    const client = await context.connect(V4);
    client.send(publish('$SYS/broker', 'x', { ...V4, qos: 1, id: 5 }));
    const answer = await client.next();
    check(answer === null || (answer.type === 'puback' && answer.id === 5), 'PUBACK or a close');
  },
);

list.webSocket(
  'MQTT 3.1.1 goes over WebSocket in binary frames that need not be packets',
  4,
  'MQTT-6.0.0-1 MQTT-6.0.0-2 MQTT-6.0.0-4',
  async (context) => {
    const client = await context.openWebSocket();
    client.version = 4;
    check(client.webSocketProtocol === 'mqtt', 'the subprotocol');
    const first = context.connectOf(V4);
    client.send(first.subarray(0, 5));
    client.send(bytes(first.subarray(5), pingreq, pingreq));
    await client.expect('connack', { reasonCode: 0 });
    await client.expect('pingresp');
    await client.expect('pingresp');
    client.sendText('text');
    await client.expectClosed([]);
  },
);
