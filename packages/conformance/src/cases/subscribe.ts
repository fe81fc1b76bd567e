import { CaseList, check, elapse } from '../case.ts';
import type { Context, RawClient } from '../client.ts';
import {
  ack,
  bytes,
  connect,
  disconnect,
  field,
  packet,
  property,
  publish,
  subscribe,
  u16,
  unsubscribe,
} from '../wire.ts';

const list = new CaseList();
export const subscribeCases = list.cases;

const WRONG = [0x80, 0x81, 0x82, 0x83];
const BAD_FILTER = [...WRONG, 0x8f, 0x90];

async function send(context: Context, ...messages: [string, string][]): Promise<void> {
  const sender = await context.connect();
  for (const [topic, payload] of messages) {
    sender.send(publish(topic, payload, { qos: 1 }));
    await sender.expect('puback');
  }
}

async function payloads(client: RawClient): Promise<string> {
  return (await client.drain()).map(({ payload }) => Buffer.from(payload).toString()).join();
}

list.v5(
  'SUBACK has the identifier and a reason code for each filter, in order',
  'MQTT-2.2.1-6 MQTT-3.8.4-1 MQTT-3.8.4-2 MQTT-3.8.4-5 MQTT-3.8.4-6 MQTT-3.8.4-7 MQTT-3.9.3-1 MQTT-3.9.3-2',
  async (context) => {
    const client = await context.connect();
    client.send(
      subscribe(
        [2, 0, 1].map((qos) => [context.topic(`/${qos}`), qos]),
        { id: 0xabcd },
      ),
    );
    await client.expect('suback', { id: 0xabcd, reasonCodes: [2, 0, 1] });
  },
);

list.v5(
  'a SUBSCRIBE that is malformed is refused',
  'MQTT-3.8.1-1 MQTT-3.8.3-1 MQTT-3.8.3-2 MQTT-3.8.3-5 MQTT-2.2.1-3',
  async (context) => {
    const one = [field('t'), 0];
    for (const wrong of [
      packet(0x80, u16(1), 0, one),
      packet(0x82, u16(1), 0),
      packet(0x82, u16(0), 0, one),
      packet(0x82, u16(1), 0, field('t')),
      packet(0x82, u16(1), 0, field('t'), 3),
      packet(0x82, u16(1), 0, field('t'), 0x30),
      packet(0x82, u16(1), 0, field('t'), 0x40),
      packet(0x82, u16(1), 0, field('t'), 0x80),
      packet(0x82, u16(1), 2, 0x0b, 0, one),
      packet(0x82, u16(1), 4, 0x0b, 1, 0x0b, 2, one),
      subscribe([[bytes(0xff), 0]]),
    ]) {
      await context.refused(wrong, WRONG);
    }
  },
);

list.v5(
  'wildcards stand alone in their level, and # at the end',
  'MQTT-4.7.1-1 MQTT-4.7.1-2 MQTT-4.7.3-1',
  async (context) => {
    for (const filter of ['', 'a#', 'a/#/b', '#/', '##', 'a+', '+a/b', 'a/b+']) {
      const client = await context.connect();
      client.send(subscribe([[filter, 0]]));
      const answer = await client.next();
      if (answer?.type === 'suback') {
        check((answer.reasonCodes[0] as number) >= 0x80, `${filter} was accepted`);
      } else if (answer !== null) {
        check(answer.type === 'disconnect' && BAD_FILTER.includes(answer.reasonCode), filter);
      }
    }
  },
);

list.v5(
  'filters match as the standard says',
  'MQTT-4.7.1-1 MQTT-4.7.1-2 MQTT-4.7.3-4 MQTT-3.3.2-3',
  async (context) => {
    const root = context.topic();
    for (const [filter, topic, isMatch] of [
      ['a/#', 'a', true],
      ['a/#', 'a/b/c', true],
      ['a/#', 'ab', false],
      ['+', 'a', true],
      ['+', 'a/b', false],
      ['a/+', 'a/', true],
      ['a/+', 'a', false],
      ['+/b', '/b', true],
      ['a//b', 'a//b', true],
      ['a/+/b', 'a//b', true],
      ['A', 'a', false],
      ['a', 'a/', false],
    ] as const) {
      const client = await context.connect();
      client.send(subscribe([[`${root}/${filter}`, 0]]));
      await client.expect('suback');
      client.send(publish(`${root}/${topic}`, 'x'));
      const received = await client.drain();
      check(received.length === (isMatch ? 1 : 0), `${filter} and ${topic}`);
    }
  },
);

list.v5(
  'a wildcard at the start does not match topics that start with $',
  'MQTT-4.7.2-1',
  async (context) => {
    const client = await context.connect();
    client.send(
      subscribe([
        ['+/#', 0x20],
        ['#', 0x20],
      ]),
    );
    await client.expect('suback');
    client.send(publish(`$${context.topic()}/x`, 'hidden'));
    const found = (await client.drain()).filter(({ topic }) => topic.startsWith('$'));
    check(found.length === 0, 'no $ topic');
  },
);

list.v5(
  'the QoS is the lower of the message’s and the subscription’s',
  'MQTT-3.8.4-8 MQTT-4.8.2-3',
  async (context) => {
    for (const granted of [0, 1, 2]) {
      const client = await context.connect();
      const topic = context.topic(`/${granted}`);
      client.send(subscribe([[topic, granted]]));
      await client.expect('suback', { reasonCodes: [granted] });
      for (const qos of [0, 1, 2]) {
        const sender = await context.connect();
        await context.deliver(sender, topic, 'x', { qos });
        await client.expect('publish', { qos: Math.min(qos, granted) });
      }
    }
  },
);

list.v5(
  'a subscription with the same filter replaces the former one',
  'MQTT-3.8.4-3 MQTT-3.8.4-4',
  async (context) => {
    const client = await context.connect();
    const topic = context.topic();
    client.send(subscribe([[topic, 0]], { properties: property.subscriptionIdentifier(1) }));
    await client.expect('suback');
    client.send(subscribe([[topic, 1]], { id: 2, properties: property.subscriptionIdentifier(2) }));
    await client.expect('suback');
    await send(context, [topic, 'x']);
    const { qos, properties } = await client.expect('publish');
    check(qos === 1 && JSON.stringify(properties) === '[{"id":11,"value":2}]', 'the new one');
    await client.expectNothing();
  },
);

list.v5(
  'overlapping subscriptions carry their identifiers at the highest QoS',
  'MQTT-3.3.4-2 MQTT-3.3.4-3 MQTT-3.3.4-4 MQTT-3.3.4-5',
  async (context) => {
    const client = await context.connect();
    const topic = context.topic();
    for (const [index, filter] of [`${topic}/a`, `${topic}/+`, `${topic}/#`].entries()) {
      const identifier = { id: index + 1, properties: property.subscriptionIdentifier(index + 1) };
      client.send(subscribe([[filter, index === 2 ? 0 : index]], identifier));
      await client.expect('suback');
    }
    await send(context, [`${topic}/a`, 'x']);
    const received = (await client.drain()).filter(({ type }) => type === 'publish');
    const identifiers = received.flatMap(({ properties }) => properties.map(({ value }) => value));
    check(`${identifiers.sort()}` === '1,2,3', `identifiers ${identifiers}`);
    check(Math.max(...received.map(({ qos }) => qos)) === 1, 'the highest QoS');
    check(received.length === 1 || received.length === 3, `${received.length} copies`);
  },
);

list.v5(
  'retain handling 0, 1 and 2',
  'MQTT-3.3.1-9 MQTT-3.3.1-10 MQTT-3.3.1-11',
  async (context) => {
    const topic = context.topic();
    const sender = await context.connect();
    sender.send(publish(topic, 'kept', { qos: 1, retain: true }));
    await sender.expect('puback');
    for (const [handling, counts] of [
      [0x00, '1,1'],
      [0x10, '1,0'],
      [0x20, '0,0'],
    ] as const) {
      const client = await context.connect();
      const found: number[] = [];
      for (const id of [1, 2]) {
        client.send(subscribe([[topic, handling]], { id }));
        await client.expect('suback');
        found.push((await client.drain()).length);
      }
      check(`${found}` === counts, `${found} for ${handling}`);
    }
  },
);

list.v5(
  'retain as published keeps or clears RETAIN',
  'MQTT-3.3.1-12 MQTT-3.3.1-13',
  async (context) => {
    for (const rap of [0, 8]) {
      const client = await context.connect();
      const topic = context.topic(`/${rap}`);
      client.send(subscribe([[topic, rap]]));
      await client.expect('suback');
      const sender = await context.connect();
      sender.send(publish(topic, 'x', { retain: true }), publish(topic, 'y'));
      await client.expect('publish', { retain: rap === 8 });
      await client.expect('publish', { retain: false });
    }
  },
);

list.v5('no local keeps a client’s own messages from it', 'MQTT-3.8.3-3', async (context) => {
  const client = await context.connect();
  client.send(subscribe([[context.topic(), 4]]));
  await client.expect('suback');
  client.send(publish(context.topic(), 'own'));
  await client.expectNothing();
  await send(context, [context.topic(), 'other']);
  await client.expect('publish');
});

list.v5(
  'UNSUBACK has the identifier and a reason code for each filter, in order',
  'MQTT-3.10.4-1 MQTT-3.10.4-4 MQTT-3.10.4-5 MQTT-3.10.4-6 MQTT-3.11.3-1 MQTT-3.11.3-2',
  async (context) => {
    const client = await context.connect();
    const topic = context.topic();
    client.send(
      subscribe([
        [`${topic}/+`, 0],
        [`${topic}/a`, 0],
      ]),
    );
    await client.expect('suback');
    client.send(unsubscribe([`${topic}/b`, `${topic}/+`, `${topic}/#`], { id: 0x4321 }));
    await client.expect('unsuback', { id: 0x4321, reasonCodes: [0x11, 0, 0x11] });
    await send(context, [`${topic}/a`, 'still'], [`${topic}/b`, 'not']);
    check((await payloads(client)) === 'still', 'the other subscription stays');
  },
);

list.v5(
  'an UNSUBSCRIBE that is malformed is refused',
  'MQTT-3.10.1-1 MQTT-3.10.3-1 MQTT-3.10.3-2',
  async (context) => {
    for (const wrong of [
      packet(0xa0, u16(1), 0, field('t')),
      packet(0xa2, u16(1), 0),
      packet(0xa2, u16(0), 0, field('t')),
      unsubscribe([bytes(0xff)]),
    ]) {
      await context.refused(wrong, WRONG);
    }
  },
);

list.v5(
  'what was sent before UNSUBSCRIBE is completed, and nothing new comes',
  'MQTT-3.10.4-2 MQTT-3.10.4-3',
  async (context) => {
    const client = await context.connect();
    client.send(subscribe([[context.topic(), 2]]));
    await client.expect('suback');
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 2 });
    const { id } = await client.expect('publish');
    client.send(unsubscribe([context.topic()], { id: 2 }));
    await client.expect('unsuback');
    client.send(ack('pubrec', id));
    await client.expect('pubrel', { id });
    client.send(ack('pubcomp', id));
    sender.send(publish(context.topic(), 'y', { qos: 1, id: 2 }));
    await client.expectNothing();
  },
);

list.v5(
  'messages of one topic and QoS stay in order',
  'MQTT-4.6.0-5 MQTT-4.6.0-6',
  async (context) => {
    const options = {
      clientId: context.clientId(),
      clean: false,
      properties: property.sessionExpiry(60),
    };
    const client = await context.connect(options);
    client.send(subscribe([[context.topic(), 1]]));
    await client.expect('suback');
    const sender = await context.connect();
    const all = Array.from({ length: 50 }, (_, index) => `${index}`);
    for (const [index, payload] of all.entries()) {
      if (index === 25) client.destroy();
      sender.send(publish(context.topic(), payload, { qos: 1, id: index + 1 }));
      await sender.expect('puback');
    }
    const again = await context.connect(options);
    const seen: string[] = [];
    while (seen.at(-1) !== '49') {
      const { id, payload } = await again.expect('publish');
      again.send(ack('puback', id));
      seen.push(Buffer.from(payload).toString());
    }
    const sorted = [...seen].sort((a, b) => Number(a) - Number(b));
    check(`${seen}` === `${sorted}`, `${seen}`);
  },
);

// ------------------------------------------------------------- shared subscriptions

list.v5(
  'a shared subscription gives each message to one member',
  'MQTT-4.8.2-1 MQTT-4.8.2-2',
  async (context) => {
    const filter = `$share/group/${context.topic()}`;
    const members = [await context.connect(), await context.connect()];
    for (const member of members) {
      member.send(subscribe([[filter, 1]]));
      await member.expect('suback', { reasonCodes: [1] });
    }
    await send(
      context,
      ...Array.from({ length: 10 }, () => [context.topic(), 'x'] as [string, string]),
    );
    const counts = await Promise.all(members.map(async (member) => (await member.drain()).length));
    check((counts[0] as number) + (counts[1] as number) === 10, `${counts}`);
  },
);

list.v5(
  'malformed share names and no local are refused',
  'MQTT-3.8.3-4 MQTT-4.8.2-1 MQTT-4.8.2-2',
  async (context) => {
    await context.refused(subscribe([['$share/g/t', 4]]), WRONG);
    for (const filter of ['$share//t', '$share/g', '$share/g/', '$share/+/t', '$share/a#/t']) {
      const client = await context.connect();
      client.send(subscribe([[filter, 0]]));
      const answer = await client.next();
      if (answer?.type === 'suback') check((answer.reasonCodes[0] as number) >= 0x80, filter);
      else if (answer !== null) check(BAD_FILTER.includes(answer.reasonCode), filter);
    }
  },
);

list.v5('a shared subscription gets no retained messages', '§4.8.2', async (context) => {
  const sender = await context.connect();
  sender.send(publish(context.topic(), 'kept', { qos: 1, retain: true }));
  await sender.expect('puback');
  const client = await context.connect();
  client.send(subscribe([[`$share/g/${context.topic()}`, 1]]));
  await client.expect('suback');
  await client.expectNothing();
});

list.v5(
  'a QoS 2 message of a shared subscription stays with its member',
  'MQTT-4.8.2-4 MQTT-4.8.2-5 MQTT-4.8.2-6',
  async (context) => {
    const filter = `$share/g/${context.topic()}`;
    const options = {
      clientId: context.clientId(),
      clean: false,
      properties: property.sessionExpiry(60),
    };
    const first = await context.connect(options);
    first.send(subscribe([[filter, 2]]));
    await first.expect('suback');
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 2 });
    const { id } = await first.expect('publish', { qos: 2 });
    const second = await context.connect();
    second.send(subscribe([[filter, 2]]));
    await second.expect('suback');
    first.destroy();
    await second.expectNothing();
    const again = await context.connect(options);
    await again.expect('publish', { qos: 2, id, dup: true });
    again.send(ack('pubrec', id, 0x97));
    await again.expectNothing();
    await second.expectNothing();
  },
);

// ---------------------------------------------------------------------------- wills

const will = (topic: string, fields: object = {}) => ({ topic, payload: 'bye', qos: 1, ...fields });

async function observer(context: Context): Promise<RawClient> {
  const client = await context.connect();
  client.send(subscribe([[context.topic(), 1]]));
  await client.expect('suback');
  return client;
}

list.v5(
  'a will is published when the connection is lost',
  'MQTT-3.1.2-7 MQTT-3.1.2-8 MQTT-3.1.2-10 MQTT-3.1.2-14',
  async (context) => {
    const watching = await observer(context);
    const client = await context.connect({ will: will(context.topic()) });
    client.destroy();
    const { payload, retain } = await watching.expect('publish', { qos: 1 });
    check(Buffer.from(payload).toString() === 'bye' && !retain, 'the will');
    await watching.expectNothing();
  },
);

list.v5(
  'a normal DISCONNECT deletes the will, and 0x04 does not',
  'MQTT-3.14.4-3 MQTT-3.1.2-8 MQTT-3.1.2-10',
  async (context) => {
    const watching = await observer(context);
    for (const code of [undefined, 0x00, 0x04]) {
      const client = await context.connect({ will: will(context.topic()) });
      client.send(disconnect(code));
      await client.expectClosed([]);
    }
    await watching.expect('publish');
    await watching.expectNothing();
  },
);

list.v5(
  'a retained will is retained, with its properties',
  'MQTT-3.1.2-15 MQTT-3.1.3-10',
  async (context) => {
    const watching = await observer(context);
    const client = await context.connect({
      will: will(context.topic(), {
        retain: true,
        properties: [property.willDelay(0), property.contentType('c'), property.user('k', 'v')],
      }),
    });
    client.destroy();
    await watching.expect('publish');
    const late = await context.connect();
    late.send(subscribe([[context.topic(), 1]]));
    await late.expect('suback');
    const { properties } = await late.expect('publish', { retain: true });
    check(properties.map(({ id }) => id).join() === '3,38', 'without the delay');
  },
);

list.v5(
  'a new connection before the delay has passed keeps the will from being sent',
  'MQTT-3.1.3-9 MQTT-3.1.2-8',
  async (context) => {
    const watching = await observer(context);
    const options = {
      clientId: context.clientId(),
      clean: false,
      properties: property.sessionExpiry(60),
      will: will(context.topic(), { properties: property.willDelay(1) }),
    };
    const first = await context.connect(options);
    first.destroy();
    const second = await context.connect({
      ...options,
      will: will(context.topic(), { payload: 'second' }),
    });
    await elapse(1500);
    await watching.expectNothing();
    second.destroy();
    const { payload } = await watching.expect('publish');
    check(Buffer.from(payload).toString() === 'second', 'the will of the new connection');
  },
);

list.v5(
  'a will whose session ends does not wait for its delay',
  '§3.1.2.5 §3.1.3.2.2',
  async (context) => {
    const watching = await observer(context);
    const client = await context.connect({
      will: will(context.topic(), { properties: property.willDelay(3600) }),
    });
    client.destroy();
    await watching.expect('publish');
  },
);

// ------------------------------------------------------------------------ WebSocket

list.webSocket(
  'packets may be split over frames, and share them',
  5,
  'MQTT-6.0.0-1 MQTT-6.0.0-2 MQTT-6.0.0-4 MQTT-4.2-1',
  async (context) => {
    const client = await context.openWebSocket();
    check(client.webSocketProtocol === 'mqtt', 'the subprotocol');
    const first = connect({ clientId: context.clientId() });
    for (const byte of first) client.send(Uint8Array.of(byte));
    await client.expect('connack', { reasonCode: 0 });
    client.send(subscribe([[context.topic(), 0]]), publish(context.topic(), 'x'));
    await client.expect('suback');
    await client.expect('publish');
  },
);

list.webSocket('a text frame closes the connection', 5, 'MQTT-6.0.0-1', async (context) => {
  const client = await context.openWebSocket();
  client.send(connect({ clientId: context.clientId() }));
  await client.expect('connack', { reasonCode: 0 });
  client.sendText('text');
  await client.expectClosed();
});
