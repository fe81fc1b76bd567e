import { CaseList } from '../case.ts';
import { check, WRONG } from '../check.ts';
import type { Context } from '../client/context.ts';
import { bytes } from '../wire/bytes.ts';
import { ack, connect, publish } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { texts, values } from '../wire/server-packet.ts';

/** Topic aliases in both directions (§3.3.2.3.4). */
const list = new CaseList();
export const topicAliasCases = list.cases;

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
    const receiver = await context.subscriber(context.topic('/#'));
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
      const receiver = await context.subscriber(`${topic}/#`, 0, {
        properties: property.topicAliasMaximum(maximum),
      });
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
      // The last acknowledgement has come, and not only another connection before it.
      await client.expectNothing();
      client.destroy();
      client = await context.connect(options);
    }
  },
);
