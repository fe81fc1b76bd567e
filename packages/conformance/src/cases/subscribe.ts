import { CaseList } from '../case.ts';
import { check, WRONG } from '../check.ts';
import { bytes, field, packet, u16 } from '../wire/bytes.ts';
import { ack, publish, subscribe, unsubscribe } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { texts } from '../wire/server-packet.ts';

/** SUBSCRIBE and UNSUBSCRIBE: what is answered, and what each option does (§3.8 to §3.11). */
const list = new CaseList();
export const subscribeCases = list.cases;

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
    await context.deliver(await context.connect(), topic, 'x', { qos: 1 });
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
    await context.deliver(await context.connect(), `${topic}/a`, 'x', { qos: 1 });
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
  await context.deliver(await context.connect(), context.topic(), 'other', { qos: 1 });
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
    const sender = await context.connect();
    await context.deliver(sender, `${topic}/a`, 'still', { qos: 1 });
    await context.deliver(sender, `${topic}/b`, 'not', { qos: 1 });
    check(texts(await client.drain()) === 'still', 'the other subscription stays');
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
