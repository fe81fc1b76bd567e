import { CaseList } from '../case.ts';
import { check } from '../check.ts';
import {
  AS_PUBLISHED,
  disconnect,
  IF_NEW,
  publish,
  subscribe,
  unsubscribe,
} from '../wire/client-packets.ts';
import { text, texts } from '../wire/server-packet.ts';

/** Retained messages (§3.3.1.3, §3.8.3.1). */
const list = new CaseList();
export const retainedCases = list.cases;

list.v5(
  'a retained message is replaced by the next and removed by an empty one',
  'MQTT-3.3.1-5 MQTT-3.3.1-6 MQTT-3.3.1-7 MQTT-3.3.1-8',
  async (context) => {
    const sender = await context.connect();
    const later = async (): Promise<string[]> => {
      const receiver = await context.subscriber(context.topic(), 1);
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
    const present = await context.subscriber(context.topic(), 1);
    await present.drain();
    await put('', true);
    await present.expect('publish');
    check(`${await later()}` === '', 'it is gone');
  },
);

for (const [flags, name, again] of [
  [0, '0 sends retained messages with each SUBSCRIBE', true],
  [IF_NEW, '1 sends them for a new subscription only', false],
] as const) {
  list.v5(
    `retain handling ${name}`,
    'MQTT-3.3.1-9 MQTT-3.3.1-10 §3.8.3.1 MQTT-3.8.4-4',
    async (context) => {
      const sender = await context.connect();
      await context.deliver(sender, context.topic(), 'kept', { qos: 1, retain: true });
      const client = await context.connect();
      const times = [true, again, again];
      for (const isSent of times) {
        client.send(subscribe([[context.topic(), flags | 1]]));
        await client.expect('suback');
        check((texts(await client.drain()) === 'kept') === isSent, `sent: ${!isSent}`);
      }
      client.send(unsubscribe([context.topic()]));
      await client.expect('unsuback');
      client.send(subscribe([[context.topic(), flags]]));
      await client.expect('suback');
      check(texts(await client.drain()) === 'kept', 'new once more');
      await context.deliver(sender, context.topic(), '', { retain: true });
    },
  );
}

list.v5(
  'retain handling 1 takes a subscription of a resumed session as there',
  'MQTT-3.3.1-10 MQTT-3.1.2-5',
  async (context) => {
    const sender = await context.connect();
    const options = context.durable();
    const first = await context.subscriber(context.topic(), IF_NEW, options);
    await context.deliver(sender, context.topic(), 'kept', { retain: true });
    await first.expect('publish', { retain: false });
    first.send(disconnect());
    await first.expectClosed([]);
    const second = await context.subscriber(context.topic(), IF_NEW, options);
    await second.expectNothing();
    await context.deliver(sender, context.topic(), '', { retain: true });
  },
);

list.v5(
  'retained messages come after SUBACK’s reason is known, each once for a wildcard',
  'MQTT-3.3.1-9 MQTT-3.8.4-1',
  async (context) => {
    const sender = await context.connect();
    const topics = ['/a', '/a/b', '/c', '/d/e/f'].map((suffix) => context.topic(suffix));
    for (const topic of topics)
      await context.deliver(sender, topic, 'kept', { qos: 1, retain: true });
    const client = await context.connect();
    client.send(subscribe([[context.topic('/#'), 0]]));
    const received = (await client.drain()).filter(({ type }) => type === 'publish');
    check(`${received.map(({ topic }) => topic).sort()}` === `${topics}`, 'four messages');
    check(
      received.every(({ retain, dup }) => retain && !dup),
      'RETAIN and no DUP',
    );
    for (const topic of topics) await context.deliver(sender, topic, '', { retain: true });
  },
);

list.v5(
  'a retained message is sent with the lower QoS',
  'MQTT-3.8.4-8 MQTT-3.3.1-9',
  async (context) => {
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'kept', { qos: 1, retain: true });
    for (const [granted, expected] of [
      [0, 0],
      [1, 1],
      [2, 1],
    ] as const) {
      const client = await context.subscriber(context.topic(), granted);
      await client.expect('publish', { qos: expected, retain: true });
    }
    await context.deliver(sender, context.topic(), '', { retain: true });
  },
);

list.v5(
  'a retained message comes with RETAIN, as published or not',
  'MQTT-3.3.1-8 MQTT-3.3.1-9 MQTT-3.3.1-12',
  async (context) => {
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'kept', { retain: true });
    for (const flags of [0, AS_PUBLISHED]) {
      const client = await context.subscriber(context.topic(), flags);
      await client.expect('publish', { retain: true });
    }
    await context.deliver(sender, context.topic(), '', { retain: true });
  },
);

list.v5(
  'removing a retained message is a message like any other',
  'MQTT-3.3.1-6 MQTT-3.3.1-7 MQTT-3.3.1-13',
  async (context) => {
    const plain = await context.subscriber(context.topic(), 0);
    const asPublished = await context.subscriber(context.topic(), AS_PUBLISHED);
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'kept', { retain: true });
    await context.deliver(sender, context.topic(), '', { retain: true });
    for (const payload of ['kept', '']) {
      check(text(await plain.expect('publish', { retain: false })) === payload, payload);
      check(text(await asPublished.expect('publish', { retain: true })) === payload, payload);
    }
    const late = await context.subscriber();
    await late.expectNothing();
  },
);

list.v5(
  'a message without RETAIN leaves the retained one as it is',
  'MQTT-3.3.1-8',
  async (context) => {
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'kept', { qos: 1, retain: true });
    await context.deliver(sender, context.topic(), 'passing', { qos: 1 });
    await context.deliver(sender, context.topic(), '', { qos: 1 });
    const late = await context.subscriber();
    check(texts(await late.drain()) === 'kept', 'what was retained');
    await context.deliver(sender, context.topic(), '', { retain: true });
  },
);
