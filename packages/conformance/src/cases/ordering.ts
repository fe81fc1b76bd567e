import { CaseList } from '../case.ts';
import { check, elapse } from '../check.ts';
import { ack, connect, publish, subscribe } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { text } from '../wire/server-packet.ts';

/** In which order messages come, and their acknowledgements (§4.6). */
const list = new CaseList();
export const orderingCases = list.cases;

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
