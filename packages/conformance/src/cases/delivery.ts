import { CaseList, check, elapse } from '../case.ts';
import { type Context, type RawClient, text, texts, values } from '../client.ts';
import {
  ack,
  bytes,
  connect,
  pingreq,
  property,
  publish,
  type ReceivedPacket,
  subscribe,
} from '../wire.ts';

/** Delivery: QoS handshakes, flow control, ordering, expiry and aliases (§3.3, §4.3 to §4.9). */
const list = new CaseList();
export const deliveryCases = list.cases;

/** The client's Receive Maximum in its CONNECT. */
function takes(count: number) {
  return { properties: property.receiveMaximum(count) };
}

// ------------------------------------------------------------------------- QoS 2 in

list.v5(
  'a QoS 2 message is delivered once, repeated at any point over reconnections',
  'MQTT-4.3.3-8 MQTT-4.3.3-10 MQTT-4.3.3-11 MQTT-4.4.0-1',
  async (context) => {
    const watching = await context.subscriber();
    const options = context.durable();
    const again = { qos: 2, id: 21 };
    let client = await context.connect(options);
    client.send(publish(context.topic(), 'once', again));
    await client.expect('pubrec', { id: 21 });
    for (let round = 0; round < 3; round++) {
      client.destroy();
      client = await context.connect(options);
      client.send(publish(context.topic(), 'once', { ...again, dup: true }));
      await client.expect('pubrec', { id: 21, reasonCode: 0 });
    }
    client.send(ack('pubrel', 21));
    await client.expect('pubcomp', { id: 21, reasonCode: 0 });
    client.destroy();
    client = await context.connect(options);
    client.send(ack('pubrel', 21));
    await client.expect('pubcomp', { id: 21, reasonCode: 0x92 });
    check(texts(await watching.drain()) === 'once', 'once');
  },
);

list.v5(
  'a repeated QoS 2 message is one message, whatever it holds',
  'MQTT-4.3.3-10',
  async (context) => {
    const watching = await context.subscriber(context.topic('/#'));
    const sender = await context.connect();
    sender.send(publish(context.topic('/a'), 'first', { qos: 2, id: 4 }));
    sender.send(publish(context.topic('/b'), 'second', { qos: 2, id: 4, dup: true }));
    await sender.expect('pubrec', { id: 4 });
    await sender.expect('pubrec', { id: 4 });
    sender.send(ack('pubrel', 4));
    await sender.expect('pubcomp', { id: 4 });
    check((await watching.drain()).length === 1, 'one message');
  },
);

list.v5(
  'an identifier is new again after PUBREL',
  'MQTT-4.3.3-12 MQTT-2.2.1-4',
  async (context) => {
    const watching = await context.subscriber();
    const sender = await context.connect();
    for (const dup of [false, true, false]) {
      sender.send(publish(context.topic(), 'x', { qos: 2, id: 65_535, dup }));
      await sender.expect('pubrec', { id: 65_535 });
      sender.send(ack('pubrel', 65_535));
      await sender.expect('pubcomp', { id: 65_535, reasonCode: 0 });
    }
    check(texts(await watching.drain()) === 'x,x,x', 'three messages');
  },
);

list.v5(
  'QoS 1 with the identifier of a QoS 2 message under way is refused with 0x91, or taken',
  '§2.2.1 §3.4.2.1',
  async (context) => {
    const sender = await context.connect();
    sender.send(publish(context.topic(), 'x', { qos: 2, id: 4 }));
    await sender.expect('pubrec', { id: 4 });
    sender.send(publish(context.topic(), 'y', { qos: 1, id: 4 }));
    const { reasonCode } = await sender.expect('puback', { id: 4 });
    check([0, 0x10, 0x91].includes(reasonCode), `0x${reasonCode.toString(16)}`);
    sender.send(ack('pubrel', 4));
    await sender.expect('pubcomp', { id: 4, reasonCode: 0 });
  },
);

list.v5(
  'exchanges may be interleaved',
  'MQTT-4.3.3-8 MQTT-4.3.3-11 MQTT-4.6.0-5',
  async (context) => {
    const watching = await context.subscriber();
    const sender = await context.connect();
    for (let id = 1; id <= 20; id++) sender.send(publish(context.topic(), `${id}`, { qos: 2, id }));
    for (let id = 1; id <= 20; id++) await sender.expect('pubrec', { id });
    for (let id = 20; id >= 1; id--) sender.send(ack('pubrel', id));
    for (let id = 20; id >= 1; id--) await sender.expect('pubcomp', { id, reasonCode: 0 });
    const seen = texts(await watching.drain()).split(',');
    check(new Set(seen).size === 20 && seen.length === 20, `${seen}`);
  },
);

list.v5(
  'PUBACK, PUBREC and PUBCOMP come in the order of what they answer',
  'MQTT-4.6.0-2 MQTT-4.6.0-3 MQTT-4.6.0-4',
  async (context) => {
    const sender = await context.connect();
    const ids = [9, 3, 200, 1, 77];
    for (const id of ids) sender.send(publish(context.topic(), '', { qos: 1, id }));
    for (const id of ids) await sender.expect('puback', { id });
    for (const id of ids) sender.send(publish(context.topic(), '', { qos: 2, id }));
    for (const id of ids) await sender.expect('pubrec', { id });
    for (const id of ids) sender.send(ack('pubrel', id));
    for (const id of ids) await sender.expect('pubcomp', { id });
  },
);

// ------------------------------------------------------------------- flow control in

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
  'the quota starts anew with each connection',
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

// ------------------------------------------------------------------ flow control out

/** A client that takes so many at once, and messages 1 to `count` on their way to it. */
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
  'at a quota of 0, QoS 0 messages and all other packets go on',
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
  'the client’s quota starts anew with each connection, for what is sent again, too',
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

// ------------------------------------------------------------------------- ordering

for (const qos of [0, 1, 2] as const) {
  list.v5(
    `QoS ${qos} messages of several publishers keep the order of each`,
    'MQTT-4.6.0-5 MQTT-4.6.0-6',
    async (context) => {
      const client = await context.subscriber(context.topic('/#'), qos);
      const count = 50;
      await Promise.all(
        ['a', 'b', 'c'].map(async (name) => {
          const sender = await context.connect();
          for (let index = 0; index < count; index++) {
            const id = index + 1;
            await context.deliver(sender, context.topic(`/${name}`), `${index}`, { qos, id });
          }
          await sender.expectNothing();
        }),
      );
      const next = new Map<string, number>();
      for (let total = 0; total < 3 * count; ) {
        const received = await client.next();
        if (received?.type === 'pubrel') client.send(ack('pubcomp', received.id));
        if (received?.type !== 'publish') continue;
        total++;
        const expected = next.get(received.topic) ?? 0;
        check(text(received) === `${expected}`, `${received.topic} ${text(received)}`);
        next.set(received.topic, expected + 1);
        if (qos === 1) client.send(ack('puback', received.id));
        if (qos === 2) client.send(ack('pubrec', received.id));
      }
    },
  );
}

list.v5('what waits goes before what comes later', 'MQTT-4.6.0-5 MQTT-4.4.0-1', async (context) => {
  const options = context.durable();
  const first = await context.subscriber(context.topic(), 1, options);
  first.destroy();
  const sender = await context.connect();
  for (let id = 1; id <= 40; id++)
    await context.deliver(sender, context.topic(), `${id}`, { qos: 1, id });
  const second = await context.open();
  second.send(connect(options));
  for (let id = 41; id <= 60; id++) sender.send(publish(context.topic(), `${id}`, { qos: 1, id }));
  await second.expect('connack', { sessionPresent: true });
  for (let index = 1; index <= 60; index++) {
    const received = await second.expect('publish', { qos: 1 });
    check(text(received) === `${index}`, `${text(received)} in place of ${index}`);
    second.send(ack('puback', received.id));
  }
});

// --------------------------------------------------------------------------- expiry

list.v5(
  'a retained message counts down, and is removed when it has expired',
  'MQTT-3.3.2-5 MQTT-3.3.2-6',
  async (context) => {
    const sender = await context.connect();
    for (const seconds of [1, 60]) {
      const topic = context.topic(`/${seconds}`);
      const expiry = { properties: property.messageExpiry(seconds), retain: true, qos: 1 };
      await context.deliver(sender, topic, `${seconds}`, expiry);
    }
    await elapse(2200);
    const client = await context.subscriber(context.topic('/#'));
    const received = await client.expect('publish', { topic: context.topic('/60'), retain: true });
    const left = values(received, 0x02)[0] as number;
    check(left >= 55 && left <= 58, `${left} seconds left`);
    await client.expectNothing();
    await context.deliver(sender, context.topic('/60'), '', { retain: true });
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

list.v5(
  'a message that is passed on at once has its whole interval left',
  'MQTT-3.3.2-6',
  async (context) => {
    const client = await context.subscriber(context.topic(), 2);
    const sender = await context.connect();
    for (const qos of [0, 1, 2]) {
      for (const seconds of [10, 0xffff_ffff]) {
        const expiry = { qos, id: 5, properties: property.messageExpiry(seconds) };
        await context.deliver(sender, context.topic(), '', expiry);
        const left = values(await client.expect('publish', { qos }), 0x02)[0] as number;
        check(left <= seconds && left >= seconds - 1, `${left} of ${seconds}`);
      }
    }
  },
);

list.v5(
  'a message without an interval is passed on without one',
  'MQTT-3.3.2-6 §3.3.2.3.3',
  async (context) => {
    const client = await context.subscriber(context.topic(), 1);
    await context.deliver(await context.connect(), context.topic(), '', { qos: 1 });
    check((await client.expect('publish')).properties.length === 0, 'no properties');
  },
);

// --------------------------------------------------------------------------- aliases

/** How many aliases the broker takes. */
async function aliasMaximum(context: Context): Promise<number> {
  const client = await context.open();
  client.send(connect({ clientId: context.clientId() }));
  const connack = await client.expect('connack', { reasonCode: 0 });
  return (values(connack, 0x22)[0] as number | undefined) ?? 0;
}

const aliased = (alias: number, qos = 0, id = 1) => ({
  qos,
  id,
  properties: property.topicAlias(alias),
});

list.v5('an alias is forgotten with its connection', 'MQTT-3.3.2-7 §3.3.2.3.4', async (context) => {
  if ((await aliasMaximum(context)) === 0) return;
  const options = context.durable();
  const first = await context.connect(options);
  first.send(publish(context.topic(), 'x', aliased(1)), publish('', 'y', aliased(1)));
  await first.expectNothing();
  first.destroy();
  const second = await context.connect(options);
  second.send(publish('', 'z', aliased(1)));
  await second.expectClosed([0x82, 0x94]);
});

list.v5('aliases are each connection’s own', 'MQTT-3.3.2-7', async (context) => {
  if ((await aliasMaximum(context)) === 0) return;
  const receiver = await context.subscriber(context.topic('/#'));
  const senders = [await context.connect(), await context.connect()];
  for (const [index, sender] of senders.entries()) {
    sender.send(publish(context.topic(`/${index}`), '', aliased(1)));
    await receiver.expect('publish', { topic: context.topic(`/${index}`) });
  }
  for (const [index, sender] of senders.entries()) {
    sender.send(publish('', '', aliased(1)));
    await receiver.expect('publish', { topic: context.topic(`/${index}`) });
  }
});

list.v5(
  'an alias goes with each QoS, and what waits has its topic',
  'MQTT-3.3.2-12 MQTT-3.3.2-7',
  async (context) => {
    if ((await aliasMaximum(context)) === 0) return;
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 2, options);
    first.destroy();
    const sender = await context.connect();
    sender.send(publish(context.topic(), 'set', aliased(1, 1, 1)));
    await sender.expect('puback', { id: 1 });
    sender.send(publish('', '1', aliased(1, 1, 2)), publish('', '2', aliased(1, 2, 3)));
    await sender.expect('puback', { id: 2 });
    await sender.expect('pubrec', { id: 3 });
    sender.send(ack('pubrel', 3));
    await sender.expect('pubcomp', { id: 3 });
    const second = await context.connect(options);
    for (let count = 0; count < 3; count++)
      await second.expect('publish', { topic: context.topic() });
  },
);

list.v5(
  'an alias of the client’s means nothing in the other direction',
  'MQTT-3.3.2-7 MQTT-3.1.2-27',
  async (context) => {
    if ((await aliasMaximum(context)) === 0) return;
    const client = await context.subscriber();
    client.send(publish(context.topic(), 'x', aliased(1)));
    const received = await client.expect('publish', { topic: context.topic() });
    check(values(received, 0x23).length === 0, 'no alias: this client takes none');
  },
);

list.v5('an alias is retained as its topic', 'MQTT-3.3.2-12 MQTT-3.3.1-5', async (context) => {
  if ((await aliasMaximum(context)) === 0) return;
  const sender = await context.connect();
  sender.send(publish(context.topic('/a'), '', aliased(1)));
  sender.send(publish('', 'kept', { ...aliased(1), retain: true }));
  await sender.expectNothing();
  const late = await context.subscriber(context.topic('/#'));
  const received = await late.expect('publish', { topic: context.topic('/a'), retain: true });
  check(values(received, 0x23).length === 0, 'no alias');
  await context.deliver(sender, context.topic('/a'), '', { retain: true });
});

list.v5(
  'a message that is not delivered sets its alias nevertheless',
  '§3.3.2.3.4 MQTT-4.3.3-10',
  async (context) => {
    if ((await aliasMaximum(context)) === 0) return;
    const receiver = await context.subscriber(context.topic('/#'));
    const options = context.durable();
    const first = await context.connect(options);
    first.send(publish(context.topic('/a'), 'once', { qos: 2, id: 4 }));
    await first.expect('pubrec', { id: 4 });
    first.destroy();
    const second = await context.connect(options);
    second.send(publish(context.topic('/a'), 'once', { ...aliased(1, 2, 4), dup: true }));
    await second.expect('pubrec', { id: 4 });
    second.send(publish('', 'next', aliased(1)));
    second.send(ack('pubrel', 4));
    await second.expect('pubcomp', { id: 4 });
    const seen = texts(await receiver.drain())
      .split(',')
      .sort();
    check(`${seen}` === 'next,once', `${seen}`);
  },
);

list.v5(
  'a message that is refused sets its alias nevertheless',
  '§3.3.2.3.4 §3.4.2.1',
  async (context) => {
    const receiver = await context.subscriber(context.topic('/#'));
    const sender = await context.connect();
    const wrong = [property.topicAlias(1), property.payloadFormat(1)];
    sender.send(publish(context.topic('/a'), bytes(0xff), { qos: 1, properties: wrong }));
    await sender.expect('puback', { reasonCode: 0x99 });
    sender.send(publish('', 'next', aliased(1)));
    await receiver.expect('publish', { topic: context.topic('/a') });
  },
  { checkPayloadFormat: true },
);

list.v5(
  'the broker’s aliases are set before they are used, on each connection',
  'MQTT-3.3.2-7 MQTT-3.1.2-26 §3.3.2.3.4',
  async (context) => {
    const options = context.durable({
      properties: [property.sessionExpiry(60), property.topicAliasMaximum(5)],
    });
    const sender = await context.connect();
    let client = await context.subscriber(context.topic('/#'), 1, options);
    for (let round = 0; round < 2; round++) {
      const known = new Map<number, string>();
      for (let index = 0; index < 20; index++) {
        const topic = context.topic(`/${index % 7}`);
        await context.deliver(sender, topic, '', { qos: 1, id: index + 1 });
        const received = await client.expect('publish', { qos: 1 });
        const alias = (values(received, 0x23)[0] as number | undefined) ?? 0;
        check(alias <= 5, `alias ${alias}`);
        if (alias > 0 && received.topic !== '') known.set(alias, received.topic);
        check((received.topic || known.get(alias)) === topic, 'the topic');
        client.send(ack('puback', received.id));
      }
      client.destroy();
      client = await context.connect(options);
    }
  },
);

// --------------------------------------------------------------------------- sizes

list.v5(
  'a packet that is just as large as the client takes is sent, and one byte more is not',
  'MQTT-3.1.2-24 MQTT-3.1.2-25',
  async (context) => {
    const maximum = 100;
    const sender = await context.connect();
    for (const qos of [0, 1, 2]) {
      const topic = context.topic(`/${qos}`);
      const limited = await context.subscriber(topic, qos, {
        properties: property.maximumPacketSize(maximum),
      });
      const other = await context.subscriber(topic, qos);
      const overhead = 2 + 2 + Buffer.byteLength(topic) + (qos > 0 ? 2 : 0) + 1;
      for (const [id, size] of [maximum + 1, maximum].entries()) {
        await context.deliver(sender, topic, new Uint8Array(size - overhead), { qos, id: id + 1 });
        await other.expect('publish', { size });
      }
      await limited.expect('publish', { size: maximum });
      await limited.expectNothing();
    }
  },
);

list.v5(
  'a message too large for a client does not hold up those behind it',
  'MQTT-3.1.2-25 §3.1.2.11.4',
  async (context) => {
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 1, options);
    first.destroy();
    const sender = await context.connect();
    for (const [index, payload] of ['1', 'x'.repeat(5000), '3'].entries()) {
      await context.deliver(sender, context.topic(), payload, { qos: 1, id: index + 1 });
    }
    const second = await context.connect({
      ...options,
      properties: [property.sessionExpiry(60), property.maximumPacketSize(1000)],
    });
    check(texts(await second.drain()) === '1,3', 'those that fit');
  },
);

list.v5(
  'a retained message too large for a client is not sent to it',
  'MQTT-3.1.2-25 MQTT-3.1.2-24',
  async (context) => {
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x'.repeat(5000), { qos: 1, retain: true });
    const limited = await context.subscriber(context.topic(), 1, {
      properties: property.maximumPacketSize(1000),
    });
    await limited.expectNothing();
    const other = await context.subscriber(context.topic(), 1);
    await other.expect('publish', { retain: true });
    await context.deliver(sender, context.topic(), '', { retain: true });
  },
);

list.v5(
  'a client that states no maximum gets packets of a megabyte',
  '§3.1.2.11.4 §2.1.4',
  async (context) => {
    const client = await context.subscriber(context.topic(), 2);
    const sender = await context.connect();
    const payload = Uint8Array.from({ length: 1_000_000 }, (_, index) => index % 251);
    for (const qos of [0, 1, 2]) {
      await context.deliver(sender, context.topic(), payload, { qos, id: qos + 1 });
      const received = await client.expect('publish', { qos });
      check(Buffer.compare(received.payload, payload) === 0, 'as it was sent');
    }
  },
);

list.v5('a payload may be empty, at each QoS', '§3.3.3', async (context) => {
  const client = await context.subscriber(context.topic(), 2);
  const sender = await context.connect();
  for (const qos of [0, 1, 2]) {
    await context.deliver(sender, context.topic(), '', { qos, id: qos + 1 });
    check((await client.expect('publish', { qos })).payload.length === 0, 'empty');
  }
});

list.v5(
  'a request finds its answer through response topic and correlation data',
  'MQTT-3.3.2-15 MQTT-3.3.2-16 §4.10',
  async (context) => {
    const responder = await context.subscriber(context.topic('/requests'), 1);
    const requester = await context.subscriber(context.topic('/answers'), 1);
    for (const [index, correlation] of [bytes(), bytes(0), bytes(1, 2, 3, 0xff)].entries()) {
      await context.deliver(requester, context.topic('/requests'), 'question', {
        qos: 1,
        id: index + 1,
        properties: [
          property.responseTopic(context.topic('/answers')),
          property.correlationData(correlation),
        ],
      });
      const request = await responder.expect('publish', { qos: 1 });
      responder.send(ack('puback', request.id));
      const [data] = values(request, 0x09) as Uint8Array[];
      await context.deliver(responder, `${values(request, 0x08)}`, 'answer', {
        qos: 1,
        id: index + 1,
        properties: property.correlationData(data as Uint8Array),
      });
      const answer = await requester.expect('publish', { topic: context.topic('/answers') });
      requester.send(ack('puback', answer.id));
      check(`${values(answer, 0x09)}` === `${correlation}`, 'correlation data');
    }
  },
);

list.v5(
  'what a client says of a payload is passed on, and so is nothing',
  'MQTT-3.3.2-4 §3.3.2.3.2',
  async (context) => {
    const client = await context.subscriber();
    const sender = await context.connect();
    for (const [props, expected] of [
      [[], ''],
      [property.payloadFormat(0), '0'],
      [property.payloadFormat(1), '1'],
    ] as const) {
      await context.deliver(sender, context.topic(), 'text', { properties: props });
      const found = `${values(await client.expect('publish'), 0x01)}`;
      // 0 is what is understood when it isn't there.
      check((found || '0') === (expected || '0'), `${found} for ${expected}`);
    }
  },
);

list.v5(
  'PUBLISH with DUP is a message of its own for those who get it',
  'MQTT-3.3.1-3 MQTT-3.3.1-1',
  async (context) => {
    const client = await context.subscriber(context.topic(), 1);
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 1, dup: true });
    await client.expect('publish', { dup: false });
  },
);

list.v5(
  'an acknowledgement of the wrong kind does not end a delivery',
  '§4.3.2 §4.3.3',
  async (context) => {
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 1, options);
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 1 });
    const { id } = await first.expect('publish', { qos: 1 });
    first.send(ack('pubcomp', id));
    await first.next(); // A DISCONNECT, or the close.
    first.destroy();
    const second = await context.connect(options);
    await second.expect('publish', { qos: 1, id, dup: true });
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

list.v5('nothing is sent again while a connection lasts', 'MQTT-4.4.0-1', async (context) => {
  const client = await context.subscriber(context.topic(), 2);
  const sender = await context.connect();
  for (const qos of [1, 2]) await context.deliver(sender, context.topic(), '', { qos, id: qos });
  await client.expect('publish', { qos: 1 });
  const { id } = await client.expect('publish', { qos: 2 });
  client.send(ack('pubrec', id));
  await client.expect('pubrel', { id });
  await elapse(3000);
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
