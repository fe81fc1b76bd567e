import { CaseList } from '../case.ts';
import { check, elapse } from '../check.ts';
import type { Context } from '../client/context.ts';
import type { RawClient } from '../client/raw-client.ts';
import { bytes } from '../wire/bytes.ts';
import { ack, connect, pingreq, publish, subscribe } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { type ReceivedPacket, text, texts, values } from '../wire/server-packet.ts';

/** Receive Maximum in both directions (§4.9). */
const list = new CaseList();
export const flowControlCases = list.cases;

list.v5(
  'no more than the Receive Maximum is sent unacknowledged',
  'MQTT-3.3.4-9 MQTT-3.3.4-10 MQTT-4.9.0-1 MQTT-4.9.0-2 MQTT-4.9.0-3',
  async (context) => {
    const receiver = await context.subscriber(context.topic(), 2, {
      properties: property.receiveMaximum(2),
    });
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

/** The client's Receive Maximum in its CONNECT. */
function takes(count: number) {
  return { properties: property.receiveMaximum(count) };
}

list.v5(
  'the Receive Maximum may be used up, again and again',
  'MQTT-3.3.4-7 §4.9 §3.2.2.3.3',
  async (context) => {
    const client = await context.open();
    client.send(connect({ clientId: context.clientId() }));
    const connack = await client.expect('connack', { reasonCode: 0 });
    check(`${values(connack, 0x21)}` === '3', 'Receive Maximum 3');
    for (let round = 0; round < 3; round++) {
      for (const id of [1, 2, 3]) client.send(publish(context.topic(), '', { qos: 2, id }));
      for (const id of [1, 2, 3]) await client.expect('pubrec', { id });
      for (const id of [1, 2, 3]) client.send(ack('pubrel', id));
      for (const id of [1, 2, 3]) await client.expect('pubcomp', { id });
    }
  },
  { receiveMaximum: 3 },
);

list.v5(
  'a repetition does not count against the Receive Maximum, nor does QoS 0 or an answered QoS 1',
  'MQTT-3.3.4-7 §4.9',
  async (context) => {
    const client = await context.connect();
    for (const id of [1, 2, 1, 2, 1]) client.send(publish(context.topic(), '', { qos: 2, id }));
    for (const id of [1, 2, 1, 2, 1]) await client.expect('pubrec', { id });
    for (let count = 0; count < 5; count++) client.send(publish(context.topic(), ''));
    await client.expectNothing();
    client.send(ack('pubrel', 1));
    await client.expect('pubcomp', { id: 1 });
    for (let id = 10; id < 20; id++) {
      client.send(publish(context.topic(), '', { qos: 1, id }));
      await client.expect('puback', { id });
    }
  },
  { receiveMaximum: 2 },
);

list.v5(
  'a PUBREC with an error gives the quota back',
  'MQTT-3.3.4-7 §4.9 MQTT-4.3.3-9',
  async (context) => {
    const client = await context.connect();
    const wrong = { qos: 2, properties: property.payloadFormat(1) };
    for (let id = 1; id <= 5; id++) {
      client.send(publish(context.topic(), bytes(0xff), { ...wrong, id }));
      await client.expect('pubrec', { id, reasonCode: 0x99 });
    }
    client.send(publish(context.topic(), '', { qos: 2, id: 9 }));
    await client.expect('pubrec', { id: 9 });
  },
  { receiveMaximum: 1, checkPayloadFormat: true },
);

list.v5(
  'the quota starts afresh with each connection',
  '§4.9 §3.2.2.3.3',
  async (context) => {
    const options = context.durable();
    const first = await context.connect(options);
    for (const id of [1, 2]) first.send(publish(context.topic(), '', { qos: 2, id }));
    for (const id of [1, 2]) await first.expect('pubrec', { id });
    first.destroy();
    const second = await context.connect(options);
    for (const id of [1, 2]) second.send(publish(context.topic(), '', { qos: 2, id, dup: true }));
    for (const id of [1, 2]) await second.expect('pubrec', { id });
    second.send(publish(context.topic(), '', { qos: 2, id: 3 }));
    await second.expectClosed([0x93]);
  },
  { receiveMaximum: 2 },
);

/** A client that takes `maximum` at once, and messages 1 to `count` on their way to it. */
async function flooded(
  context: Context,
  { maximum, qos, count }: { maximum: number; qos: number; count: number },
): Promise<RawClient> {
  const client = await context.subscriber(context.topic(), qos, takes(maximum));
  const sender = await context.connect();
  for (let id = 1; id <= count; id++)
    await context.deliver(sender, context.topic(), `${id}`, { qos, id });
  return client;
}

list.v5(
  'a Receive Maximum of 1 makes one delivery follow the other',
  'MQTT-3.3.4-9 MQTT-4.9.0-1 MQTT-4.6.0-5',
  async (context) => {
    const client = await flooded(context, { maximum: 1, qos: 1, count: 10 });
    for (let index = 1; index <= 10; index++) {
      const received = await client.expect('publish', { qos: 1 });
      check(text(received) === `${index}`, `${text(received)}`);
      await client.expectNothing();
      client.send(ack('puback', received.id));
    }
  },
);

list.v5(
  'PUBREC does not give the quota back, PUBCOMP does',
  'MQTT-4.9.0-1 MQTT-4.9.0-2 §4.9',
  async (context) => {
    const client = await flooded(context, { maximum: 1, qos: 2, count: 3 });
    for (let index = 1; index <= 3; index++) {
      const { id } = await client.expect('publish', { qos: 2 });
      client.send(ack('pubrec', id));
      await client.expect('pubrel', { id });
      await client.expectNothing();
      client.send(ack('pubcomp', id));
    }
  },
);

list.v5('PUBREC with an error gives the quota back', 'MQTT-4.9.0-1 §4.9', async (context) => {
  const client = await flooded(context, { maximum: 1, qos: 2, count: 3 });
  for (let index = 1; index <= 3; index++) {
    const received = await client.expect('publish', { qos: 2 });
    check(text(received) === `${index}`, text(received));
    client.send(ack('pubrec', received.id, 0x97));
  }
  await client.expectNothing();
});

list.v5(
  'repeated and unknown acknowledgements don’t raise the quota',
  'MQTT-4.9.0-1 MQTT-4.9.0-2 §4.9',
  async (context) => {
    const client = await flooded(context, { maximum: 2, qos: 1, count: 8 });
    const first = await client.expect('publish', { qos: 1 });
    await client.expect('publish', { qos: 1 });
    for (let count = 0; count < 5; count++)
      client.send(ack('puback', first.id), ack('puback', 999));
    check(texts(await client.drain()) === '3', 'one for one');
  },
);

list.v5(
  'at a quota of 0, QoS 0 messages and all other packets are still sent',
  'MQTT-4.9.0-3 MQTT-3.3.4-10',
  async (context) => {
    const client = await flooded(context, { maximum: 1, qos: 1, count: 1 });
    await client.expect('publish', { qos: 1 });
    client.send(subscribe([[context.topic('/0'), 0]], { id: 9 }));
    await client.expect('suback', { id: 9 });
    client.send(publish(context.topic('/0'), 'x', { qos: 1, id: 1 }));
    const types = (await client.drain()).map(({ type }) => type).sort();
    check(`${types}` === 'puback,publish', `${types}`);
    await context.deliver(client, context.topic('/none'), 'x', { qos: 2, id: 2 });
    client.send(pingreq);
    await client.expect('pingresp');
  },
);

list.v5(
  'the client’s quota starts afresh with each connection, also for what is sent again',
  'MQTT-4.9.0-1 MQTT-4.4.0-1 MQTT-3.3.4-9',
  async (context) => {
    const options = context.durable({
      properties: [property.sessionExpiry(60), property.receiveMaximum(3)],
    });
    const first = await context.subscriber(context.topic(), 1, options);
    const sender = await context.connect();
    for (let id = 1; id <= 6; id++)
      await context.deliver(sender, context.topic(), `${id}`, { qos: 1, id });
    check(texts(await first.drain()) === '1,2,3', 'three under way');
    first.destroy();
    const second = await context.connect({
      ...options,
      properties: [property.sessionExpiry(60), property.receiveMaximum(2)],
    });
    for (let index = 1; index <= 6; index++) {
      const received = await second.expect('publish', { qos: 1, dup: index <= 3 });
      check(text(received) === `${index}`, text(received));
      second.send(ack('puback', received.id));
    }
  },
);

list.v5(
  'identifiers under way differ, and return only after they are free',
  'MQTT-2.2.1-4 MQTT-2.2.1-3',
  async (context) => {
    const client = await context.subscriber(context.topic(), 1, takes(20));
    const sender = await context.connect();
    const held: ReceivedPacket[] = [];
    for (let index = 0; index < 300; index++) {
      await context.deliver(sender, context.topic(), `${index}`, { qos: 1, id: index + 1 });
      const received = await client.expect('publish', { qos: 1 });
      check(!held.some(({ id }) => id === received.id), `identifier ${received.id} is in use`);
      held.push(received);
      // The first one is never acknowledged: its identifier must not be given out again.
      if (held.length > 10) client.send(ack('puback', (held.splice(1, 1)[0] as ReceivedPacket).id));
    }
  },
);

list.v5(
  'a message expires while it waits for the client’s quota',
  'MQTT-3.3.2-5 MQTT-3.3.4-9',
  async (context) => {
    const client = await context.subscriber(context.topic(), 1, takes(1));
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), '1', { qos: 1 });
    const brief = { qos: 1, properties: property.messageExpiry(1) };
    await context.deliver(sender, context.topic(), '2', { ...brief, id: 2 });
    await context.deliver(sender, context.topic(), '3', { qos: 1, id: 3 });
    const { id } = await client.expect('publish', { qos: 1 });
    await elapse(2200);
    client.send(ack('puback', id));
    check(texts(await client.drain()) === '3', 'the one that has not expired');
  },
);

list.v5('PUBACK with an error gives the quota back', '§4.9', async (context) => {
  const client = await flooded(context, { maximum: 1, qos: 1, count: 3 });
  for (let index = 1; index <= 3; index++) {
    const received = await client.expect('publish', { qos: 1 });
    check(text(received) === `${index}`, text(received));
    client.send(ack('puback', received.id, 0x83));
  }
  await client.expectNothing();
});

list.v5(
  'a PUBCOMP of an exchange from an earlier connection does not raise the quota',
  '§4.9 MQTT-3.3.4-9 MQTT-4.9.0-1',
  async (context) => {
    const options = context.durable({
      properties: [property.sessionExpiry(60), property.receiveMaximum(1)],
    });
    const first = await context.subscriber(context.topic(), 2, options);
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
    for (const one of [1, 2, 3]) {
      await context.deliver(sender, context.topic(), `${one}`, { qos: 1, id: one });
    }
    check(texts(await second.drain()) === '1', 'one message under way');
  },
);
