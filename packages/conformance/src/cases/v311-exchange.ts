import { CaseList } from '../case.ts';
import { check, elapse } from '../check.ts';
import { bytes, field, packet, u16 } from '../wire/bytes.ts';
import {
  ack,
  connect,
  disconnect,
  publish,
  subscribe,
  unsubscribe,
} from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { text, texts } from '../wire/server-packet.ts';

/** Longer exchanges of MQTT 3.1.1, with itself, with MQTT 5 and with MQTT 3.1. */
const list = new CaseList();
export const v311ExchangeCases = list.cases;

const V4 = { version: 4 } as const;

list.v4(
  'QoS 1 and 2 messages wait for a client that is away, in order',
  'MQTT-4.5.0-1 MQTT-4.6.0-5 MQTT-3.1.2-5',
  async (context) => {
    const options = context.durable(V4);
    const first = await context.subscriber(context.topic(), 2, options);
    first.send(disconnect());
    await first.expectClosed([]);
    const sender = await context.connect(V4);
    for (let id = 1; id <= 20; id++) {
      await context.deliver(sender, context.topic(), `${id}`, { ...V4, qos: 1 + (id % 2), id });
    }
    const second = await context.connect(options);
    const seen: string[] = [];
    while (seen.length < 20) {
      const received = await second.next();
      if (received?.type === 'pubrel') second.send(ack('pubcomp', received.id));
      if (received?.type !== 'publish') continue;
      check(!received.dup, 'no DUP');
      seen.push(text(received));
      second.send(ack(received.qos === 1 ? 'puback' : 'pubrec', received.id));
    }
    check(`${seen}` === `${Array.from({ length: 20 }, (_, index) => index + 1)}`, `${seen}`);
  },
);

list.v4(
  'what was not acknowledged is sent again with DUP and its identifier',
  'MQTT-4.4.0-1 MQTT-3.3.1-1 MQTT-4.3.2-1 MQTT-4.3.3-1',
  async (context) => {
    const options = context.durable(V4);
    const first = await context.subscriber(context.topic(), 2, options);
    const sender = await context.connect(V4);
    for (const qos of [1, 2])
      await context.deliver(sender, context.topic(), `${qos}`, { ...V4, qos, id: qos });
    const ids = [];
    for (const qos of [1, 2]) ids.push((await first.expect('publish', { qos, dup: false })).id);
    first.destroy();
    const second = await context.connect(options);
    for (const [index, qos] of [1, 2].entries()) {
      await second.expect('publish', { qos, dup: true, id: ids[index] as number });
    }
    second.send(ack('pubrec', ids[1] as number));
    await second.expect('pubrel', { id: ids[1] as number });
    second.destroy();
    const third = await context.connect(options);
    const rest = (await third.drain()).map(({ type, id }) => `${type} ${id}`).sort();
    check(`${rest}` === `${[`publish ${ids[0]}`, `pubrel ${ids[1]}`].sort()}`, `${rest}`);
  },
);

list.v4(
  'a QoS 2 message is delivered once, over reconnections too',
  'MQTT-4.3.3-2 MQTT-4.4.0-1',
  async (context) => {
    const watching = await context.subscriber(context.topic(), 0, V4);
    const options = context.durable(V4);
    const once = { ...V4, qos: 2, id: 7 };
    const first = await context.connect(options);
    first.send(publish(context.topic(), 'once', once));
    await first.expect('pubrec', { id: 7 });
    first.destroy();
    const second = await context.connect(options);
    second.send(publish(context.topic(), 'once', { ...once, dup: true }));
    await second.expect('pubrec', { id: 7 });
    second.send(ack('pubrel', 7), ack('pubrel', 7));
    await second.expect('pubcomp', { id: 7 });
    await second.expect('pubcomp', { id: 7 });
    check(texts(await watching.drain()) === 'once', 'once');
  },
);

list.v4(
  'a takeover under traffic loses no message',
  'MQTT-3.1.4-2 MQTT-4.4.0-1 MQTT-4.5.0-1',
  async (context) => {
    const options = context.durable(V4);
    let client = await context.subscriber(context.topic(), 1, options);
    const sender = await context.connect(V4);
    const count = 200;
    const sending = context.meanwhile(async () => {
      for (let index = 0; index < count; index++) {
        await context.deliver(sender, context.topic(), `${index}`, {
          ...V4,
          qos: 1,
          id: index + 1,
        });
      }
    });
    const seen = new Set<number>();
    for (let step = 1; seen.size < count; step++) {
      if (step % 23 === 0) client = await context.connect(options);
      const received = await client.expect('publish', { qos: 1 });
      seen.add(Number(text(received)));
      client.send(ack('puback', received.id));
    }
    await sending;
    check(`${[...seen]}` === `${Array.from({ length: count }, (_, index) => index)}`, 'in order');
  },
);

list.v4('keep alive 0 is taken', '§3.1.2.10 MQTT-3.1.2-24', async (context) => {
  const client = await context.connect({ ...V4, keepAlive: 0 });
  await elapse(2000);
  await client.expectNothing();
});

list.v5(
  'a longest keep alive of the server also holds for MQTT 3.1.1 clients, who are not told',
  '§3.1.2.10',
  async (context) => {
    const client = await context.connect({ ...V4, keepAlive: 0 });
    const late = await context.connect({ keepAlive: 0 });
    await late.expectClosed([0x8d]);
    await client.expectClosed();
  },
  { maxKeepAlive: 1 },
);

list.v4(
  'messages go from MQTT 5 to 3.1.1 without their properties',
  '§1 MQTT-3.3.1-3',
  async (context) => {
    const early = await context.subscriber(context.topic('/#'), 2, V4);
    const late = await context.subscriber(context.topic('/#'), 2);
    const sender = await context.connect();
    for (const qos of [0, 1, 2]) {
      await context.deliver(sender, context.topic('/5'), 'five', {
        qos,
        id: 1,
        properties: [
          property.user('a', 'b'),
          property.contentType('type'),
          property.messageExpiry(10),
          property.responseTopic('re/ply'),
        ],
      });
      for (const client of [early, late]) {
        const received = (await client.drain()).filter(({ type }) => type === 'publish');
        check(texts(received) === 'five' && received[0]?.qos === qos, 'five');
        const id = received[0]?.id as number;
        if (qos === 1) client.send(ack('puback', id));
        if (qos === 2) client.send(ack('pubrec', id), ack('pubcomp', id));
      }
    }
  },
);

list.v5(
  'a message that has expired is not sent to an MQTT 3.1.1 client either',
  'MQTT-3.3.2-5',
  async (context) => {
    const options = context.durable(V4);
    const first = await context.subscriber(context.topic(), 1, options);
    first.destroy();
    const sender = await context.connect();
    const brief = { qos: 1, properties: property.messageExpiry(1) };
    await context.deliver(sender, context.topic(), 'brief', brief);
    await context.deliver(sender, context.topic(), 'lasting', { qos: 1, id: 2 });
    await elapse(2200);
    const second = await context.connect(options);
    check(texts(await second.drain()) === 'lasting', 'the one that has not expired');
  },
);

list.v4(
  'overlapping subscriptions give at least one copy, at the highest QoS',
  'MQTT-3.3.5-1',
  async (context) => {
    const client = await context.subscriber(context.topic('/#'), 2, V4);
    client.send(subscribe([[context.topic('/+'), 0]], { ...V4, id: 2 }));
    await client.expect('suback', { reasonCodes: [0] });
    const sender = await context.connect(V4);
    await context.deliver(sender, context.topic('/a'), 'x', { ...V4, qos: 2 });
    const copies = (await client.drain()).filter(({ type }) => type === 'publish');
    check(Math.max(...copies.map(({ qos }) => qos)) === 2, 'QoS 2');
  },
);

list.v4(
  'a subscription is replaced, and retained messages are sent again',
  'MQTT-3.8.4-3 MQTT-3.8.4-6',
  async (context) => {
    const sender = await context.connect(V4);
    await context.deliver(sender, context.topic(), 'kept', { ...V4, qos: 1, retain: true });
    const client = await context.connect(V4);
    for (const qos of [2, 0, 1]) {
      client.send(subscribe([[context.topic(), qos]], V4));
      await client.expect('suback', { reasonCodes: [qos] });
      await client.expect('publish', { retain: true, qos: Math.min(qos, 1) });
    }
    await context.deliver(sender, context.topic(), 'new', { ...V4, qos: 2 });
    await client.expect('publish', { qos: 1, retain: false });
    await client.expectNothing();
    await context.deliver(sender, context.topic(), '', { ...V4, retain: true });
  },
);

list.v4(
  'a filter that can’t be is refused with 0x80 or a close, and the others are granted',
  'MQTT-3.8.3-1 MQTT-3.9.3-2 MQTT-4.7.1-2 MQTT-4.7.1-3',
  async (context) => {
    for (const wrong of ['a/#/b', 'a+', '#a', '']) {
      const client = await context.connect(V4);
      client.send(
        subscribe(
          [
            [context.topic(), 1],
            [wrong, 1],
          ],
          V4,
        ),
      );
      const answer = await client.next();
      check(
        answer === null || (answer.type === 'suback' && `${answer.reasonCodes}` === '1,128'),
        `${wrong}: ${answer?.reasonCodes}`,
      );
    }
  },
);

list.v4(
  'UNSUBSCRIBE of what isn’t there is acknowledged',
  'MQTT-3.10.4-4 MQTT-3.10.4-5',
  async (context) => {
    const client = await context.connect(V4);
    client.send(unsubscribe(['none', context.topic()], { ...V4, id: 65_535 }));
    await client.expect('unsuback', { id: 65_535 });
  },
);

list.v4(
  'nothing after DISCONNECT is processed',
  'MQTT-3.14.4-1 MQTT-3.14.4-2 MQTT-3.14.4-3',
  async (context) => {
    const watching = await context.subscriber(context.topic(), 0, V4);
    const client = await context.connect(V4);
    client.send(
      publish(context.topic(), 'before', V4),
      disconnect(),
      publish(context.topic(), 'after', V4),
    );
    await client.expectClosed([]);
    check(texts(await watching.drain()) === 'before', 'what came before');
  },
);

list.v4(
  'packets of MQTT 5 alone close the connection',
  'MQTT-2.2.2-2 MQTT-4.8.0-1',
  async (context) => {
    for (const wrong of [packet(0xf0), packet(0xf0, 0x19, 0), packet(0x00), packet(0xe0, 0)]) {
      await context.refused(wrong, [], 4);
    }
  },
);

list.v4(
  'an acknowledgement has two bytes and no more',
  '§3.4 §3.5 §3.6 §3.7 MQTT-4.8.0-1',
  async (context) => {
    for (const firstByte of [0x40, 0x50, 0x62, 0x70]) {
      await context.refused(packet(firstByte, u16(1), 0), [], 4);
      await context.refused(packet(firstByte, 1), [], 4);
    }
  },
);

list.v4(
  'a message of a session with Clean Session is not kept',
  'MQTT-3.1.2-6 MQTT-3.1.2-7',
  async (context) => {
    const clientId = context.clientId();
    const first = await context.subscriber(context.topic(), 1, { ...V4, clientId });
    first.destroy();
    const sender = await context.connect(V4);
    const second = await context.open(4);
    second.send(connect({ ...V4, clientId, clean: false }));
    await second.expect('connack', { sessionPresent: false });
    await context.deliver(sender, context.topic(), 'x', { ...V4, qos: 1 });
    await second.expectNothing();
  },
);

list.v4('a payload and a topic of any size go through', '§3.3 MQTT-4.7.3-3', async (context) => {
  const client = await context.subscriber(context.topic('/#'), 1, V4);
  const sender = await context.connect(V4);
  for (const [suffix, size] of [
    ['/a', 0],
    ['/a', 1_000_000],
    [`/${'x'.repeat(60_000)}`, 10],
    [`/${Array(200).fill('l').join('/')}`, 10],
  ] as const) {
    await context.deliver(sender, context.topic(suffix), new Uint8Array(size), { ...V4, qos: 1 });
    const received = await client.expect('publish', { topic: context.topic(suffix) });
    check(received.payload.length === size, `${received.payload.length} of ${size}`);
    client.send(ack('puback', received.id));
  }
});

list.v4(
  'a user name and a password may be anything the flags allow',
  'MQTT-3.1.2-18 MQTT-3.1.2-20 MQTT-3.1.2-22',
  async (context) => {
    context.anyCredentials();
    for (const [username, password] of [
      ['user', undefined],
      ['user', 'password'],
      ['', ''],
      ['user', bytes(0, 0xff)],
    ] as const) {
      const client = await context.open(4);
      const fields = password === undefined ? { username } : { username, password };
      client.send(connect({ ...V4, clientId: context.clientId(), ...fields }));
      const { reasonCode } = await client.expect('connack');
      check([0, 4, 5].includes(reasonCode), `${reasonCode}`);
    }
  },
);

list.v4('MQTT 3.1 needs its own name, and an identifier', '§1', async (context) => {
  const wrong = packet(0x10, field('MQIsdp'), 4, 2, u16(60), field(context.clientId()));
  await context.refusedConnect(wrong, 4, [1]);
  const client = await context.open(3);
  client.send(connect({ version: 3, clientId: '' }));
  await client.expectClosed([2]);
});

list.v4('MQTT 3.1 keeps sessions, wills and retained messages', '§1', async (context) => {
  const clientId = context.name.slice(-23);
  const options = { version: 3, clientId, clean: false } as const;
  const first = await context.subscriber(context.topic(), 1, {
    ...options,
    will: { topic: context.topic('/will'), payload: 'bye', retain: true },
  });
  const sender = await context.subscriber(context.topic('/will'), 0, V4);
  first.destroy();
  await sender.expect('publish', { retain: false });
  await context.deliver(sender, context.topic(), 'x', { ...V4, qos: 2 });
  const second = await context.connect(options);
  const received = await second.expect('publish', { qos: 1 });
  second.send(ack('puback', received.id));
  second.send(subscribe([[context.topic('/will'), 0]], { version: 3 }));
  await second.expect('suback');
  await second.expect('publish', { retain: true });
  await context.deliver(sender, context.topic('/will'), '', { ...V4, retain: true });
});

list.v4(
  'every packet keeps the connection alive',
  'MQTT-3.1.2-24 MQTT-3.12.4-1',
  async (context) => {
    const client = await context.connect({ ...V4, keepAlive: 2 });
    for (let count = 0; count < 3; count++) {
      await elapse(1700);
      if (count % 2 === 0) client.send(publish(context.topic(), '', V4));
      else await client.expectNothing();
    }
    await client.expectNothing();
  },
);

list.operated(
  'MQTT 3.1.1 clients are closed without a word, and wills follow',
  4,
  'MQTT-3.1.2-8 MQTT-4.8.0-1',
  async (context) => {
    const watching = await context.subscriber(context.topic(), 0, V4);
    const clientId = context.clientId();
    const will = { topic: context.topic(), payload: 'bye' };
    const client = await context.connect({ ...V4, clientId, will });
    check(await context.operator.clients.disconnect(clientId), 'it was connected');
    check((await client.next()) === null, 'closed');
    await watching.expect('publish');
  },
);
