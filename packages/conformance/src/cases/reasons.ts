import { CaseList } from '../case.ts';
import { check } from '../check.ts';
import type { Context } from '../client/context.ts';
import type { RawClient } from '../client/raw-client.ts';
import { bytes, field, packet, u16 } from '../wire/bytes.ts';
import { ack, connect, disconnect, pingreq, publish, subscribe } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';

/** Why a broker ends a connection, and how it closes (§3.14, §4.13). */
const list = new CaseList();
export const reasonCases = list.cases;

/** A client that sends what it may not gets the reason, then the connection closes. */
async function told(context: Context, sent: Uint8Array, reasonCode: number): Promise<void> {
  const client = await context.connect();
  client.send(sent);
  await client.expect('disconnect', { reasonCode });
  await client.expectClosed([]);
}

list.v5(
  'a malformed packet is answered with 0x81',
  'MQTT-4.13.1-1 §4.13.1 §2.4',
  async (context) => {
    for (const wrong of [
      packet(0xc1), // [MQTT-2.1.3-1]
      packet(0x60, u16(1)),
      packet(0x36, field('t'), u16(1), 0), // [MQTT-3.3.1-4]
      packet(0x82, u16(1), 0, field('t'), 0xc0), // [MQTT-3.8.3-5]
      packet(0x30, field(bytes(0xff)), 0), // [MQTT-1.5.4-1]
      packet(0x30, field('t'), bytes(0x80, 0x00)), // [MQTT-1.5.5-1]
      packet(0x30, field('t'), 1, 0x7f), // §2.2.2.2
      packet(0x40, 0),
    ]) {
      await told(context, wrong, 0x81);
    }
  },
);

list.v5('a protocol error is answered with 0x82', 'MQTT-4.13.1-1 §4.13.1 §2.4', async (context) => {
  const twice = [property.payloadFormat(0), property.payloadFormat(0)];
  for (const wrong of [
    connect({ clientId: context.clientId() }), // [MQTT-3.1.0-2]
    packet(0x82, u16(1), 0), // [MQTT-3.8.3-2]
    packet(0xa2, u16(1), 0), // [MQTT-3.10.3-2]
    packet(0x82, u16(1), 0, field('t'), 0x30), // §3.8.3.1
    packet(0x82, u16(1), bytes(2, 0x0b, 0), field('t'), 0), // §3.8.2.1.2
    subscribe([['$share/g/t', 4]]), // [MQTT-3.8.3-4]
    publish('t', '', { properties: twice }), // §3.3.2.3.2
    publish('', ''), // §3.3.2.1
    packet(0xf0, 0x19, 0), // [MQTT-4.12.0-7]
    packet(0x90, u16(1), 0, 0), // a packet of a server
  ]) {
    await told(context, wrong, 0x82);
  }
});

list.v5(
  'an impossible topic name is answered with 0x90, or as malformed',
  '§3.14.2.1 MQTT-3.3.2-2',
  async (context) => {
    for (const topic of ['a/+', 'a/#', '#']) {
      const client = await context.connect();
      client.send(publish(topic, ''));
      const { reasonCode } = await client.expect('disconnect');
      check([0x81, 0x82, 0x90].includes(reasonCode), `0x${reasonCode.toString(16)}`);
      await client.expectClosed([]);
    }
  },
);

list.v5(
  'a client that is silent for too long gets 0x8D',
  'MQTT-3.1.2-22 §3.14.2.1',
  async (context) => {
    const client = await context.connect({ keepAlive: 1 });
    await client.expect('disconnect', { reasonCode: 0x8d });
    await client.expectClosed([]);
  },
);

list.v5(
  'a client whose session is taken over gets 0x8E',
  'MQTT-3.1.4-3 §3.14.2.1',
  async (context) => {
    const clientId = context.clientId();
    for (const clean of [true, false]) {
      const first = await context.connect({ clientId });
      const second = await context.connect({ clientId, clean });
      await first.expect('disconnect', { reasonCode: 0x8e });
      await first.expectClosed([]);
      await second.expectNothing();
      second.destroy();
    }
  },
);

list.v5(
  'a client that exceeds the Receive Maximum gets 0x93',
  'MQTT-3.3.4-7 §3.3.4 §3.14.2.1',
  async (context) => {
    const client = await context.connect();
    for (const id of [1, 2, 3]) client.send(publish(context.topic(), '', { qos: 2, id }));
    await client.expect('pubrec', { id: 1 });
    await client.expect('pubrec', { id: 2 });
    await client.expect('disconnect', { reasonCode: 0x93 });
    await client.expectClosed([]);
  },
  { receiveMaximum: 2 },
);

list.v5(
  'an alias of 0, above the maximum or not set ends the connection with a reason',
  'MQTT-3.3.2-8 MQTT-3.3.2-9 §3.3.2.3.4 §3.14.2.1',
  async (context) => {
    const alias = (value: number) => ({ properties: property.topicAlias(value) });
    await told(context, publish('t', '', alias(0)), 0x94);
    await told(context, publish('t', '', alias(4)), 0x94);
    await told(context, publish('', '', alias(3)), 0x82);
    const client = await context.connect();
    client.send(publish('t', '', alias(3)), publish('', '', alias(3)));
    await client.expectNothing();
  },
  { maxTopicAlias: 3 },
);

list.v5(
  'a packet that is too large ends the connection with 0x95 before it has arrived',
  '§3.2.2.3.6 §3.14.2.1',
  async (context) => {
    const client = await context.connect();
    client.send(bytes(0x30, 0xff, 0xff, 0x7f, field('t'), 0));
    await client.expect('disconnect', { reasonCode: 0x95 });
    await client.expectClosed([]);
  },
  { maxPacketSize: 1000 },
);

list.v5(
  'what the broker said it does not do ends the connection with its reason',
  'MQTT-3.2.2-11 MQTT-3.2.2-14 §3.2.2.3.11 §3.2.2.3.12 §3.2.2.3.13 §3.14.2.1',
  async (context) => {
    const identified = { properties: property.subscriptionIdentifier(1) };
    await told(context, publish('t', '', { qos: 1 }), 0x9b);
    await told(context, publish('t', '', { retain: true }), 0x9a);
    await told(context, subscribe([['$share/g/t', 0]]), 0x9e);
    await told(context, subscribe([['t', 0]], identified), 0xa1);
    await told(context, subscribe([['a/+', 0]]), 0xa2);
  },
  {
    maxQos: 0,
    retainAvailable: false,
    sharedSubAvailable: false,
    subscriptionIdentifiersAvailable: false,
    wildcardAvailable: false,
  },
);

list.operated(
  'a broker that stops tells its clients 0x8B and lets nobody in',
  5,
  'MQTT-4.13.2-1 §3.14.2.1 §4.13.2',
  async (context) => {
    const clients = [await context.connect(), await context.connect(context.durable())];
    const opening = await context.open();
    const earlier = await context.connect({ version: 4 });
    const stopped = context.operator.stop();
    for (const client of clients) {
      await client.expect('disconnect', { reasonCode: 0x8b });
      await client.expectClosed([]);
    }
    await opening.expectClosed([]);
    await earlier.expectClosed([]);
    await stopped;
    const isRefused = await context.open().then(
      () => false,
      () => true,
    );
    check(isRefused, 'nobody listens');
  },
);

list.operated(
  'a client that the operator disconnects gets 0x98, and its will and session remain',
  5,
  'MQTT-3.1.2-8 §3.14.2.1 §4.1',
  async (context) => {
    const watching = await context.subscriber(context.topic('/will'));
    const options = context.durable({
      will: { topic: context.topic('/will'), payload: 'bye' },
    });
    const client = await context.subscriber(context.topic(), 1, options);
    check(await context.operator.clients.disconnect(`${options.clientId}`), 'it was connected');
    await client.expect('disconnect', { reasonCode: 0x98 });
    await client.expectClosed([]);
    await watching.expect('publish', { topic: context.topic('/will') });
    check(
      !(await context.operator.clients.disconnect(`${options.clientId}`)),
      'it is not any more',
    );
    await context.deliver(watching, context.topic(), 'kept', { qos: 1 });
    const again = await context.open();
    again.send(connect(options));
    await again.expect('connack', { sessionPresent: true });
    await again.expect('publish', { qos: 1 });
  },
);

// ------------------------------------------------------------------------- closing

list.v5(
  'no packet after a DISCONNECT is processed',
  'MQTT-3.14.4-1 MQTT-3.14.4-2 §3.14.4',
  async (context) => {
    const watching = await context.subscriber(context.topic(), 1);
    const client = await context.connect();
    client.send(
      publish(context.topic(), 'before', { qos: 1 }),
      disconnect(),
      publish(context.topic(), 'after', { qos: 1, id: 2 }),
      pingreq,
    );
    // Who has to store it first may close before it is acknowledged.
    const answer = await client.next();
    if (answer !== null) {
      check(answer.type === 'puback' && answer.id === 1, `${answer.type} instead of puback`);
      check((await client.next()) === null, 'nothing but the close');
    }
    const { payload } = await watching.expect('publish');
    check(Buffer.from(payload).toString() === 'before', 'what came before');
    await watching.expectNothing();
  },
);

list.v5(
  'no packet after one that ends the connection is processed',
  'MQTT-4.13.1-1 §4.13',
  async (context) => {
    const watching = await context.subscriber();
    const client = await context.connect();
    client.send(
      publish(context.topic(), 'before'),
      packet(0x60, u16(1)),
      publish(context.topic(), 'after'),
    );
    await client.expectClosed();
    await watching.expect('publish');
    await watching.expectNothing();
  },
);

list.v5(
  'what a client sent before it closed its side is processed',
  '§4.2 MQTT-4.6.0-5',
  async (context) => {
    const watching = await context.subscriber(context.topic(), 1);
    const client = await context.connect();
    for (let id = 1; id <= 50; id++) {
      client.send(publish(context.topic(), `${id}`, { qos: 1, id }));
    }
    client.end();
    for (let id = 1; id <= 50; id++) {
      const received = await watching.expect('publish', { qos: 1 });
      watching.send(ack('puback', received.id));
    }
  },
);

/** Keeps sending until the broker has closed; what was received by then is in `client`. */
async function keepSending(context: Context, client: RawClient): Promise<void> {
  const more = publish(context.topic(), new Uint8Array(16_384));
  for (let count = 0; count < 200 && !client.isClosed; count++) {
    client.send(more);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

list.v5(
  'each reason for a close reaches a client that keeps sending',
  'MQTT-4.13.1-1 MQTT-4.13.2-1 §4.13',
  async (context) => {
    for (const [wrong, reasonCode] of [
      [packet(0x60, u16(1)), 0x81],
      [packet(0x82, u16(1), 0), 0x82],
    ] as const) {
      const client = await context.connect();
      client.send(wrong);
      await keepSending(context, client);
      await client.expect('disconnect', { reasonCode });
      await client.expectClosed([]);
    }
  },
);

list.v5(
  'the reason for a refusal reaches a client that keeps sending',
  'MQTT-3.1.4-2 MQTT-4.12.0-1 §4.13.1',
  async (context) => {
    const client = await context.open();
    client.send(
      connect({ clientId: context.clientId(), properties: property.authenticationMethod('none') }),
    );
    await keepSending(context, client);
    await client.expect('connack', { reasonCode: 0x8c });
    await client.expectClosed([]);
  },
);
