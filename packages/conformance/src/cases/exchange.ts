import { CaseList } from '../case.ts';
import { check } from '../check.ts';
import { ack, connect, publish, subscribe } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { text } from '../wire/server-packet.ts';

/** Cases that play a longer exchange through. */
const list = new CaseList();
export const exchangeCases = list.cases;

list.v5(
  'takeover in the middle of a flow loses nothing and doubles no QoS 2 message',
  'MQTT-3.1.4-3 MQTT-4.4.0-1 MQTT-4.5.0-1',
  async (context) => {
    const options = {
      clientId: context.clientId(),
      clean: false,
      properties: [property.sessionExpiry(60), property.receiveMaximum(3)],
    };
    let client = await context.connect(options);
    client.send(subscribe([[context.topic(), 2]]));
    await client.expect('suback');
    const sender = await context.connect();
    const count = 20;
    for (let index = 0; index < count; index++) {
      await context.deliver(sender, context.topic(), `${index}`, { qos: 2, id: index + 1 });
    }
    // The client's own record of QoS 2: a message counts when its identifier is new.
    const known = new Set<number>();
    const seen: string[] = [];
    for (let step = 1; seen.length < count || known.size > 0; step++) {
      if (step % 7 === 0) client = await context.connect(options);
      const received = await client.next();
      if (received === null) throw new Error('closed');
      if (received.type === 'publish') {
        if (!known.has(received.id)) seen.push(text(received));
        known.add(received.id);
        client.send(ack('pubrec', received.id));
      } else if (received.type === 'pubrel') {
        known.delete(received.id);
        client.send(ack('pubcomp', received.id));
      }
    }
    check(`${seen}` === `${Array.from({ length: count }, (_, index) => index)}`, `${seen}`);
  },
);

list.v5(
  'the packet identifiers of the two directions have nothing to do with each other',
  'MQTT-2.2.1-4 §2.2.1',
  async (context) => {
    const client = await context.connect();
    client.send(subscribe([[context.topic(), 2]]));
    await client.expect('suback');
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'down', { qos: 2 });
    const { id } = await client.expect('publish', { qos: 2 });
    await context.deliver(client, context.topic('/up'), 'up', { qos: 2, id });
    client.send(ack('pubrec', id));
    await client.expect('pubrel', { id, reasonCode: 0 });
    client.send(ack('pubcomp', id));
    await client.expectNothing();
  },
);

list.v5(
  'the reason for a close reaches a client that keeps sending',
  'MQTT-4.13.1-1 MQTT-4.13.2-1 §4.13',
  async (context) => {
    const client = await context.connect();
    const more = publish(context.topic(), 'x'.repeat(50_000));
    client.send(connect({ clientId: context.clientId() }), more, more, more, more);
    await client.expect('disconnect', { reasonCode: 0x82 });
    await client.expectClosed([]);
  },
);

list.v5(
  'a takeover replaces the will, and the old one without a delay is sent',
  'MQTT-3.1.2-8 MQTT-3.1.2-10',
  async (context) => {
    const watching = await context.connect();
    watching.send(subscribe([[context.topic(), 0]]));
    await watching.expect('suback');
    const clientId = context.clientId();
    const will = (payload: string) => ({ topic: context.topic(), payload });
    await context.connect({ clientId, will: will('first') });
    const second = await context.connect({ clientId, will: will('second') });
    check(text(await watching.expect('publish')) === 'first', 'the first will');
    await watching.expectNothing();
    second.destroy();
    check(text(await watching.expect('publish')) === 'second', 'the second will');
  },
);

list.v5(
  'each member of a shared group gets its messages in order',
  'MQTT-4.6.0-5 §4.8.2',
  async (context) => {
    const members = [await context.connect(), await context.connect()];
    for (const member of members) {
      member.send(subscribe([[`$share/g/${context.topic()}`, 0]]));
      await member.expect('suback');
    }
    const sender = await context.connect();
    const count = 100;
    for (let index = 0; index < count; index++) sender.send(publish(context.topic(), `${index}`));
    await sender.expectNothing();
    let total = 0;
    for (const member of members) {
      const seen = (await member.drain()).map((one) => Number(text(one)));
      total += seen.length;
      check(`${seen}` === `${[...seen].sort((a, b) => a - b)}`, `${seen}`);
    }
    check(total === count, `${total} messages`);
  },
);

list.v5(
  'the expiry of a will counts from its publication',
  'MQTT-3.3.2-6 §3.1.3.2.4',
  async (context) => {
    const watching = await context.connect();
    watching.send(subscribe([[context.topic(), 0]]));
    await watching.expect('suback');
    const client = await context.connect({
      properties: property.sessionExpiry(60),
      will: {
        topic: context.topic(),
        payload: 'bye',
        properties: [property.willDelay(1), property.messageExpiry(100)],
      },
    });
    client.destroy();
    const { properties } = await watching.expect('publish');
    const expiry = properties.find(({ id }) => id === 0x02)?.value as number;
    check(expiry >= 99 && expiry <= 100, `${expiry} seconds`);
    check(!properties.some(({ id }) => id === 0x18), 'no delay in the PUBLISH');
  },
);

list.v5(
  'a payload that is not what it is said to be is refused with 0x99',
  '§3.3.2.3.2 MQTT-3.4.2-1 MQTT-3.5.2-1',
  async (context) => {
    const client = await context.connect();
    const wrong = Uint8Array.of(0xff, 0xfe);
    for (const [qos, answer] of [
      [1, 'puback'],
      [2, 'pubrec'],
    ] as const) {
      const declared = { qos, id: qos, properties: property.payloadFormat(1) };
      client.send(publish(context.topic(), wrong, declared));
      await client.expect(answer, { reasonCode: 0x99 });
      client.send(publish(context.topic(), 'text', declared));
      const { reasonCode } = await client.expect(answer);
      check(reasonCode < 0x80, 'text is text');
    }
  },
  { checkPayloadFormat: true },
);

list.v5(
  'a message waits no longer than its queue has room, and the newest gives way',
  'MQTT-4.5.0-1 §4.1',
  async (context) => {
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 1, options);
    first.destroy();
    const sender = await context.connect();
    for (const id of [1, 2, 3]) {
      await context.deliver(sender, context.topic(), `${id}`, { qos: 1, id });
    }
    const second = await context.open();
    second.send(connect(options));
    await second.expect('connack', { sessionPresent: true });
    const seen: string[] = [];
    for (const received of await second.drain()) seen.push(text(received));
    check(`${seen}` === '1,2', `${seen}`);
  },
  { maxQueuedMessages: 2 },
);
