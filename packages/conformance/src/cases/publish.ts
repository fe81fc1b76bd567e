import { CaseList, check, elapse } from '../case.ts';
import { type Context, type RawClient, values } from '../client.ts';
import {
  ack,
  bytes,
  connect,
  disconnect,
  field,
  type Part,
  packet,
  pingreq,
  properties,
  property,
  publish,
  type ReceivedPacket,
  subscribe,
  u16,
} from '../wire.ts';

const list = new CaseList();
export const publishCases = list.cases;

const WRONG = [0x80, 0x81, 0x82, 0x83];

/** A client that subscribes to a topic of the case, and its SUBACK. */
async function subscriber(
  context: Context,
  options = 2,
  topic: Part = context.topic(),
  props: Part = [],
): Promise<RawClient> {
  const client = await context.connect({ properties: props });
  client.send(subscribe([[topic, options]]));
  await client.expect('suback');
  return client;
}

list.v5(
  'QoS 0 has no packet identifier and QoS 1 and 2 have one other than 0',
  'MQTT-2.2.1-2 MQTT-2.2.1-3 MQTT-2.2.1-4 MQTT-4.3.1-1',
  async (context) => {
    const receiver = await subscriber(context);
    const sender = await context.connect();
    for (const qos of [0, 1, 2]) {
      await context.deliver(sender, context.topic(), `${qos}`, { qos, id: qos + 1 });
    }
    for (const expected of [0, 1, 2]) {
      const { qos, id } = await receiver.expect('publish', { qos: expected });
      check(id > 0 === qos > 0, `identifier ${id} at QoS ${qos}`);
    }
    await context.refused(publish('t', '', { qos: 1, id: 0 }), WRONG);
    await context.refused(publish('t', '', { qos: 2, id: 0 }), WRONG);
  },
);

list.v5('QoS 3 and DUP at QoS 0 are malformed', 'MQTT-3.3.1-2 MQTT-3.3.1-4', async (context) => {
  await context.refused(publish('t', '', { qos: 3 }), WRONG);
  await context.refused(publish('t', '', { dup: true }), WRONG);
});

list.v5(
  'a topic name must be valid UTF-8 without wildcards',
  'MQTT-3.3.2-1 MQTT-3.3.2-2 MQTT-4.7.0-1 MQTT-4.7.3-2',
  async (context) => {
    for (const topic of [
      'a/+',
      '#',
      'a/#',
      'a+',
      bytes(0xff),
      bytes(0x61, 0),
      bytes(0xed, 0xa0, 0x80),
    ]) {
      await context.refused(publish(topic, ''), [...WRONG, 0x90]);
    }
  },
);

list.v5('an empty topic name needs an alias', 'MQTT-4.7.3-1 §3.3.2.3.4', async (context) => {
  await context.refused(publish('', ''), [...WRONG, 0x90]);
});

list.v5(
  'a topic of 200 levels and one of 65,000 bytes are forwarded as they are',
  'MQTT-4.7.3-3 MQTT-4.7.3-4 MQTT-3.3.2-3',
  async (context) => {
    const receiver = await subscriber(context, 0, `${context.topic()}/#`);
    const sender = await context.connect();
    for (const suffix of [
      Array(199).fill('l').join('/'),
      'x'.repeat(60_000),
      'É\u0301',
      ' a ',
      'A',
    ]) {
      sender.send(publish(`${context.topic()}/${suffix}`, 'x'));
      await receiver.expect('publish', { topic: `${context.topic()}/${suffix}` });
    }
  },
);

list.v5(
  'properties are forwarded unaltered and in order',
  'MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-17 MQTT-3.3.2-18 MQTT-3.3.2-20',
  async (context) => {
    const receiver = await subscriber(context);
    const sender = await context.connect();
    for (const qos of [0, 1, 2]) {
      await context.deliver(sender, context.topic(), 'text', {
        qos,
        id: qos + 1,
        properties: [
          property.user('b', '1'),
          property.payloadFormat(1),
          property.contentType('type'),
          property.user('a', '2'),
          property.responseTopic('re/ply'),
          property.correlationData(bytes(0, 1, 0xff)),
          property.user('b', '1'),
          property.user('', ''),
        ],
      });
      const received = await receiver.expect('publish', { qos });
      const pairs = JSON.stringify(values(received, 0x26));
      check(pairs === '[["b","1"],["a","2"],["b","1"],["",""]]', pairs);
      check(`${values(received, 0x01)}` === '1', 'payload format indicator');
      check(`${values(received, 0x03)}` === 'type', 'content type');
      check(`${values(received, 0x08)}` === 're/ply', 'response topic');
      check(`${values(received, 0x09)}` === '0,1,255', 'correlation data');
    }
  },
);

list.v5('5,000 user properties are forwarded', 'MQTT-3.3.2-17 MQTT-3.1.3-10', async (context) => {
  const receiver = await subscriber(context);
  const sender = await context.connect();
  const pairs = Array.from({ length: 5000 }, (_, index) => property.user(`k${index}`, `${index}`));
  sender.send(publish(context.topic(), '', { properties: pairs }));
  const received = await receiver.expect('publish');
  const found = values(received, 0x26) as [string, string][];
  check(
    found.length === 5000 && found.every(([, value], index) => value === `${index}`),
    'in order',
  );
});

list.v5(
  'strings in properties must be valid UTF-8',
  'MQTT-1.5.7-1 MQTT-3.3.2-13 MQTT-3.3.2-19',
  async (context) => {
    const bad = bytes(0xc3, 0x28);
    for (const wrong of [
      property.user(bad, ''),
      property.user('', bad),
      property.responseTopic(bad),
      property.contentType(bad),
    ]) {
      await context.refused(publish('t', '', { properties: wrong }), WRONG);
    }
  },
);

list.v5('a response topic may not have wildcards', 'MQTT-3.3.2-14', async (context) => {
  for (const wrong of ['a/#', '+']) {
    await context.refused(publish('t', '', { properties: property.responseTopic(wrong) }), [
      ...WRONG,
      0x90,
    ]);
  }
});

list.v5(
  'properties that do not belong to PUBLISH, or repeat, are refused',
  'MQTT-3.3.4-6 §2.2.2.2 §3.3.2.3.2',
  async (context) => {
    for (const wrong of [
      property.subscriptionIdentifier(1),
      property.sessionExpiry(1),
      property.payloadFormat(2),
      [property.messageExpiry(1), property.messageExpiry(1)],
      [property.contentType(''), property.contentType('')],
      bytes(0x26, 0, 1),
    ]) {
      await context.refused(publish('t', '', { properties: wrong }), WRONG);
    }
    await context.refused(packet(0x30, field('t'), 5, 0x26), WRONG);
  },
);

list.v5(
  'a topic alias stands for its topic on one connection',
  'MQTT-3.3.2-7 MQTT-3.3.2-8 MQTT-3.3.2-9 MQTT-3.3.2-12',
  async (context) => {
    const probe = await context.open();
    probe.send(connect({ clientId: context.clientId() }));
    const connack = await probe.expect('connack', { reasonCode: 0 });
    const maximum = (values(connack, 0x22)[0] as number | undefined) ?? 0;
    await context.refused(publish('t', '', { properties: property.topicAlias(0) }), [
      ...WRONG,
      0x94,
    ]);
    if (maximum < 0xffff) {
      await context.refused(publish('t', '', { properties: property.topicAlias(maximum + 1) }), [
        ...WRONG,
        0x94,
      ]);
    }
    if (maximum === 0) return;
    await context.refused(publish('', '', { properties: property.topicAlias(maximum) }), [
      ...WRONG,
      0x94,
    ]);
    const receiver = await subscriber(context, 0, `${context.topic()}/#`);
    const sender = await context.connect();
    const aliased = { properties: property.topicAlias(maximum) };
    sender.send(publish(`${context.topic()}/1`, 'a', aliased), publish('', 'b', aliased));
    sender.send(publish(`${context.topic()}/2`, 'c', aliased), publish('', 'd', aliased));
    for (const level of [1, 1, 2, 2]) {
      await receiver.expect('publish', { topic: `${context.topic()}/${level}` });
    }
  },
);

list.v5(
  'the broker sends no alias above the maximum, and none without one',
  'MQTT-3.1.2-26 MQTT-3.1.2-27 MQTT-3.3.2-11',
  async (context) => {
    for (const maximum of [0, 2]) {
      const topic = context.topic(`/${maximum}`);
      const receiver = await subscriber(
        context,
        0,
        `${topic}/#`,
        property.topicAliasMaximum(maximum),
      );
      const sender = await context.connect();
      const known = new Map<number, string>();
      for (const level of [1, 2, 3, 1, 2, 3]) {
        sender.send(publish(`${topic}/${level}`, ''));
        const received = await receiver.expect('publish');
        const alias = (values(received, 0x23)[0] as number | undefined) ?? 0;
        check(alias <= maximum, `alias ${alias}`);
        if (alias > 0 && received.topic !== '') known.set(alias, received.topic);
        check((received.topic || known.get(alias)) === `${topic}/${level}`, 'the topic');
      }
    }
  },
);

list.v5(
  'a message expires, and its interval counts down while it waits',
  'MQTT-3.3.2-5 MQTT-3.3.2-6',
  async (context) => {
    const clientId = context.clientId();
    const options = { clientId, clean: false, properties: property.sessionExpiry(60) };
    const first = await context.connect(options);
    first.send(subscribe([[context.topic(), 1]]));
    await first.expect('suback');
    first.destroy();
    const sender = await context.connect();
    for (const [index, seconds] of [1, 60].entries()) {
      const expiry = { properties: property.messageExpiry(seconds), qos: 1, id: index + 1 };
      sender.send(publish(context.topic(), `${seconds}`, expiry));
      await sender.expect('puback');
    }
    await elapse(2500);
    const second = await context.connect(options);
    const received = await second.expect('publish');
    const left = values(received, 0x02)[0] as number;
    check(Buffer.from(received.payload).toString() === '60', 'the one that has not expired');
    check(left >= 55 && left <= 58, `${left} seconds left`);
  },
);

// ---------------------------------------------------------------- acknowledgements

list.v5(
  'QoS 1 is answered with PUBACK of the same identifier, each time anew',
  'MQTT-2.2.1-5 MQTT-3.3.4-1 MQTT-4.3.2-4 MQTT-4.3.2-5',
  async (context) => {
    const receiver = await subscriber(context, 0);
    const sender = await context.connect();
    for (const dup of [false, true]) {
      sender.send(publish(context.topic(), 'x', { qos: 1, id: 0x1234, dup }));
      await sender.expect('puback', { id: 0x1234, reasonCode: 0 });
      await receiver.expect('publish', { dup: false });
    }
  },
);

list.v5(
  'QoS 2 is delivered once, however often PUBLISH and PUBREL are repeated',
  'MQTT-4.3.3-8 MQTT-4.3.3-10 MQTT-4.3.3-11 MQTT-4.3.3-12',
  async (context) => {
    const receiver = await subscriber(context, 0);
    const sender = await context.connect();
    const again = { qos: 2, id: 9 };
    for (const dup of [false, true, true, false]) {
      sender.send(publish(context.topic(), 'once', { ...again, dup }));
      await sender.expect('pubrec', { id: 9 });
    }
    sender.send(ack('pubrel', 9));
    await sender.expect('pubcomp', { id: 9, reasonCode: 0 });
    sender.send(ack('pubrel', 9));
    await sender.expect('pubcomp', { id: 9, reasonCode: 0x92 });
    sender.send(publish(context.topic(), 'new', again));
    await sender.expect('pubrec', { id: 9 });
    const received = (await receiver.drain()).map(({ payload }) => Buffer.from(payload).toString());
    check(`${received}` === 'once,new', `${received}`);
  },
);

list.v5(
  'a QoS 2 exchange goes on over a reconnection',
  'MQTT-4.4.0-1 MQTT-4.3.3-10',
  async (context) => {
    const receiver = await subscriber(context, 0);
    const options = {
      clientId: context.clientId(),
      clean: false,
      properties: property.sessionExpiry(60),
    };
    const first = await context.connect(options);
    first.send(publish(context.topic(), 'x', { qos: 2, id: 5 }));
    await first.expect('pubrec', { id: 5 });
    first.destroy();
    const second = await context.connect(options);
    second.send(publish(context.topic(), 'x', { qos: 2, id: 5, dup: true }));
    await second.expect('pubrec', { id: 5 });
    second.send(ack('pubrel', 5));
    await second.expect('pubcomp', { id: 5, reasonCode: 0 });
    check((await receiver.drain()).length === 1, 'one message');
  },
);

list.v5('no matching subscribers may be told', 'MQTT-3.4.2-1 MQTT-3.5.2-1', async (context) => {
  const sender = await context.connect();
  sender.send(publish(context.topic(), '', { qos: 1 }), publish(context.topic(), '', { qos: 2 }));
  for (const type of ['puback', 'pubrec'] as const) {
    const { reasonCode } = await sender.expect(type);
    check(reasonCode === 0 || reasonCode === 0x10, `0x${reasonCode.toString(16)}`);
  }
});

list.v5(
  'unacknowledged messages are sent again with DUP, in order, with their identifiers',
  'MQTT-3.3.1-1 MQTT-3.3.1-3 MQTT-4.3.2-1 MQTT-4.3.2-2 MQTT-4.3.2-3 MQTT-4.3.3-1 MQTT-4.3.3-2 MQTT-4.3.3-3 MQTT-4.4.0-1 MQTT-4.5.0-1',
  async (context) => {
    const options = {
      clientId: context.clientId(),
      clean: false,
      properties: property.sessionExpiry(60),
    };
    const first = await context.connect(options);
    first.send(subscribe([[context.topic(), 2]]));
    await first.expect('suback');
    const sender = await context.connect();
    const qos = [1, 2, 1, 2];
    for (const [index, one] of qos.entries()) {
      await context.deliver(sender, context.topic(), `${index}`, { qos: one, id: index + 1 });
    }
    const ids: number[] = [];
    for (const one of qos) ids.push((await first.expect('publish', { qos: one, dup: false })).id);
    check(new Set(ids).size === 4, 'four identifiers');
    first.destroy();
    const second = await context.connect(options);
    for (const [index, one] of qos.entries()) {
      await second.expect('publish', { qos: one, dup: true, id: ids[index] as number });
    }
  },
);

list.v5(
  'an owed PUBREL is sent again, and the PUBLISH is not',
  'MQTT-4.3.3-4 MQTT-4.3.3-5 MQTT-4.3.3-6 MQTT-3.6.2-1',
  async (context) => {
    const options = {
      clientId: context.clientId(),
      clean: false,
      properties: property.sessionExpiry(60),
    };
    const first = await context.connect(options);
    first.send(subscribe([[context.topic(), 2]]));
    await first.expect('suback');
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 2 });
    const { id } = await first.expect('publish', { qos: 2 });
    first.send(ack('pubrec', id));
    await first.expect('pubrel', { id });
    first.destroy();
    const second = await context.connect(options);
    await second.expect('pubrel', { id });
    second.send(ack('pubcomp', id));
    await second.expectNothing();
  },
);

list.v5(
  'an error code in PUBACK or PUBREC ends the delivery',
  'MQTT-4.4.0-2 §4.3.3',
  async (context) => {
    const options = {
      clientId: context.clientId(),
      clean: false,
      properties: property.sessionExpiry(60),
    };
    const first = await context.connect(options);
    first.send(subscribe([[context.topic(), 2]]));
    await first.expect('suback');
    const sender = await context.connect();
    for (const [qos, answer] of [
      [1, 'puback'],
      [2, 'pubrec'],
    ] as const) {
      await context.deliver(sender, context.topic(), 'x', { qos, id: qos });
      const { id } = await first.expect('publish', { qos });
      first.send(ack(answer, id, 0x97));
    }
    await first.expectNothing();
    first.destroy();
    const second = await context.connect(options);
    await second.expectNothing();
  },
);

list.v5(
  'an unknown PUBREC is answered with PUBREL 0x92, and other unknown ones do no harm',
  '§3.6.2.1 MQTT-3.7.2-1',
  async (context) => {
    const client = await context.connect();
    client.send(ack('pubrec', 77));
    await client.expect('pubrel', { id: 77, reasonCode: 0x92 });
    client.send(ack('pubrel', 78));
    await client.expect('pubcomp', { id: 78, reasonCode: 0x92 });
  },
);

list.v5('PUBREL has its flags', 'MQTT-3.6.1-1', async (context) => {
  await context.refused(packet(0x60, u16(1)), WRONG);
});

// -------------------------------------------------------------------- flow control

list.v5(
  'no more than the Receive Maximum is sent unacknowledged',
  'MQTT-3.3.4-9 MQTT-3.3.4-10 MQTT-4.9.0-1 MQTT-4.9.0-2 MQTT-4.9.0-3',
  async (context) => {
    const receiver = await subscriber(context, 2, context.topic(), property.receiveMaximum(2));
    const sender = await context.connect();
    for (const id of [1, 2, 3, 4]) {
      await context.deliver(sender, context.topic(), `${id}`, { qos: 1 + (id % 2), id });
    }
    await sender.drain();
    const held = await receiver.drain();
    check(held.length === 2 && held.every(({ type }) => type === 'publish'), `${held.length} sent`);
    const [first, second] = held as [ReceivedPacket, ReceivedPacket];
    receiver.send(ack('pubrec', first.id));
    await receiver.expect('pubrel', { id: first.id });
    await receiver.expectNothing();
    receiver.send(ack('pubcomp', first.id));
    await receiver.expect('publish');
    receiver.send(ack('puback', second.id));
    await receiver.expect('publish');
  },
);

list.v5(
  'more than the broker’s Receive Maximum is refused (0x93)',
  'MQTT-3.3.4-7 §4.9',
  async (context) => {
    const client = await context.open();
    client.send(connect({ clientId: context.clientId() }));
    const connack = await client.expect('connack', { reasonCode: 0 });
    const maximum = (values(connack, 0x21)[0] as number | undefined) ?? 65_535;
    if (maximum > 60_000) return; // There are hardly identifiers enough to go beyond it.
    for (let id = 1; id <= maximum; id++) client.send(publish(context.topic(), '', { qos: 2, id }));
    for (let id = 1; id <= maximum; id++) await client.expect('pubrec');
    client.send(ack('pubrel', 1));
    await client.expect('pubcomp');
    client.send(publish(context.topic(), '', { qos: 2, id: 1 }));
    await client.expect('pubrec');
    client.send(publish(context.topic(), '', { qos: 2, id: maximum + 1 }));
    await client.expectClosed([0x93]);
  },
);

list.v5(
  'no packet is larger than the client takes, and the others get theirs',
  'MQTT-3.1.2-24 MQTT-3.1.2-25',
  async (context) => {
    const small = await subscriber(context, 1, context.topic(), property.maximumPacketSize(60));
    const large = await subscriber(context, 1);
    const sender = await context.connect();
    for (const [id, payload] of ['x'.repeat(100), 'fits'].entries()) {
      sender.send(publish(context.topic(), payload, { qos: 1, id: id + 1 }));
    }
    const { size, payload } = await small.expect('publish');
    check(size <= 60 && Buffer.from(payload).toString() === 'fits', `${size} bytes`);
    await large.expect('publish');
    await large.expect('publish');
  },
);

// ------------------------------------------------------------------------ retained

list.v5(
  'a retained message is replaced by the next and removed by an empty one',
  'MQTT-3.3.1-5 MQTT-3.3.1-6 MQTT-3.3.1-7 MQTT-3.3.1-8',
  async (context) => {
    const sender = await context.connect();
    const later = async (): Promise<string[]> => {
      const receiver = await subscriber(context, 1);
      const received = await receiver.drain();
      check(
        received.every(({ retain }) => retain),
        'RETAIN',
      );
      return received.map(({ payload }) => Buffer.from(payload).toString());
    };
    const put = async (payload: string, retain: boolean) => {
      sender.send(publish(context.topic(), payload, { qos: 1, retain }));
      await sender.expect('puback');
    };
    await put('1', true);
    await put('2', true);
    await put('3', false);
    check(`${await later()}` === '2', 'the last retained one');
    await put('', false);
    check(`${await later()}` === '2', 'an empty message without RETAIN changes nothing');
    const present = await subscriber(context, 1);
    await present.drain();
    await put('', true);
    await present.expect('publish');
    check(`${await later()}` === '', 'it is gone');
  },
);

list.v5(
  'a retained message keeps its properties',
  'MQTT-3.3.2-4 MQTT-3.3.2-17 MQTT-3.3.2-20',
  async (context) => {
    const sender = await context.connect();
    const props = [property.payloadFormat(1), property.contentType('t'), property.user('k', 'v')];
    sender.send(publish(context.topic(), 'x', { qos: 1, retain: true, properties: props }));
    await sender.expect('puback');
    const receiver = await context.connect();
    receiver.send(
      subscribe([[context.topic(), 0]], { properties: property.subscriptionIdentifier(7) }),
    );
    await receiver.expect('suback');
    const received = await receiver.expect('publish', { retain: true });
    check(`${[1, 3, 0x26, 0x0b].map((id) => values(received, id))}` === '1,t,k,v,7', 'properties');
  },
);

// --------------------------------------------------------------- PINGREQ, DISCONNECT

list.v5('PINGREQ is answered', 'MQTT-3.12.4-1', async (context) => {
  const client = await context.connect();
  client.send(pingreq, pingreq);
  await client.expect('pingresp');
  await client.expect('pingresp');
  await context.refused(packet(0xc0, 0), WRONG);
});

list.v5(
  'DISCONNECT closes, and nothing after it is processed',
  'MQTT-3.14.4-1 MQTT-3.14.4-2 MQTT-4.13.2-1',
  async (context) => {
    const receiver = await subscriber(context, 0);
    const client = await context.connect();
    client.send(disconnect(), publish(context.topic(), 'late'));
    await client.expectClosed([]);
    await receiver.expectNothing();
  },
);

list.v5(
  'a DISCONNECT that is wrong is refused',
  'MQTT-3.14.1-1 MQTT-3.14.2-1 §3.14.2.2.2',
  async (context) => {
    await context.refused(packet(0xe1), WRONG);
    await context.refused(disconnect(0x8e), WRONG);
    await context.refused(disconnect(0, property.sessionExpiry(5)), [0x82]);
    await context.refused(
      packet(0xe0, 0, properties(property.reasonString('a'), property.reasonString('b'))),
      WRONG,
    );
  },
);

list.v5(
  'packets that only a server sends, and reserved types, are refused',
  '§2.1.2 MQTT-4.13.1-1 MQTT-3.15.1-1',
  async (context) => {
    for (const wrong of [
      packet(0x20, 0, 0, 0),
      packet(0x90, u16(1), 0, 0),
      packet(0xb0, u16(1), 0, 0),
      packet(0xd0),
      packet(0x00),
      packet(0xf1, 0x18, 0),
      packet(0x42, u16(1)),
      packet(0x40, 0),
    ]) {
      await context.refused(wrong, WRONG);
    }
  },
);
