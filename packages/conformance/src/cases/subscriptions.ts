import { CaseList } from '../case.ts';
import { check, WRONG } from '../check.ts';
import { type Part, packet, u16 } from '../wire/bytes.ts';
import {
  AS_PUBLISHED,
  ack,
  NEVER,
  NO_LOCAL,
  publish,
  subscribe,
  unsubscribe,
} from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { text, texts, values } from '../wire/server-packet.ts';

/** Subscriptions over their life: replacement, identifiers, no local (§3.8.4, §3.10.4). */
const list = new CaseList();
export const subscriptionCases = list.cases;

list.v5(
  'subscription options have no reserved bits and no fourth value',
  'MQTT-3.8.3-5 §3.8.3.1',
  async (context) => {
    for (const flags of [3, 0x30, 0x40, 0x80, 0xff]) {
      await context.refused(subscribe([[context.topic(), flags]]), WRONG);
    }
    const client = await context.connect();
    for (let flags = 0; flags < 48; flags++) {
      if ((flags & 3) === 3) continue;
      client.send(subscribe([[context.topic(), flags]]));
      await client.expect('suback', { reasonCodes: [flags & 3] });
    }
  },
);

list.v5(
  'SUBSCRIBE and UNSUBSCRIBE may have 1,000 filters',
  'MQTT-3.8.4-5 MQTT-3.8.4-6 MQTT-3.9.3-1 MQTT-3.10.4-6 MQTT-3.11.3-1',
  async (context) => {
    const client = await context.connect();
    const filters = Array.from({ length: 1000 }, (_, index) => context.topic(`/${index}`));
    client.send(
      subscribe(
        filters.map((filter, index) => [filter, index % 3]),
        { id: 65_535 },
      ),
    );
    const suback = await client.expect('suback', { id: 65_535 });
    check(suback.reasonCodes.length === 1000, `${suback.reasonCodes.length} reason codes`);
    check(
      suback.reasonCodes.every((code, index) => code === index % 3),
      'in order',
    );
    client.send(unsubscribe([...filters, 'none'], { id: 1 }));
    const { reasonCodes } = await client.expect('unsuback', { id: 1 });
    check(`${reasonCodes}` === `${[...filters.map(() => 0), 0x11]}`, 'a reason code for each');
  },
);

list.v5(
  'the same filter twice in a SUBSCRIBE: the second replaces the first',
  'MQTT-3.8.4-3 MQTT-3.8.4-5',
  async (context) => {
    const client = await context.connect();
    client.send(
      subscribe([
        [context.topic(), 2],
        [context.topic(), 0],
      ]),
    );
    await client.expect('suback', { reasonCodes: [2, 0] });
    await context.deliver(await context.connect(), context.topic(), 'x', { qos: 2 });
    await client.expect('publish', { qos: 0 });
    await client.expectNothing();
  },
);

list.v5(
  'a subscription replaced under traffic loses and doubles no message',
  'MQTT-3.8.4-3 MQTT-3.8.4-4',
  async (context) => {
    const client = await context.subscriber(context.topic(), 1);
    const sender = await context.connect();
    const count = 300;
    for (let index = 0; index < count; index++) {
      sender.send(publish(context.topic(), `${index}`, { qos: 1, id: index + 1 }));
      if (index % 10 === 0) client.send(subscribe([[context.topic(), 1 + ((index / 10) % 2)]]));
    }
    const seen: number[] = [];
    while (seen.length < count) {
      const received = await client.next();
      if (received?.type !== 'publish') continue;
      seen.push(Number(text(received)));
      client.send(ack('puback', received.id));
    }
    check(
      seen.every((value, index) => value === index),
      `${seen}`,
    );
    await client.drain();
  },
);

list.v5(
  'each of the options is replaced with the subscription',
  'MQTT-3.8.4-3 MQTT-3.8.3-3 MQTT-3.3.1-12 MQTT-3.3.1-13',
  async (context) => {
    const client = await context.subscriber(context.topic(), NO_LOCAL | AS_PUBLISHED | 2);
    client.send(publish(context.topic(), 'own'));
    await client.expectNothing();
    client.send(subscribe([[context.topic(), NEVER | 1]]));
    await client.expect('suback', { reasonCodes: [1] });
    client.send(publish(context.topic(), 'own', { retain: true }));
    await client.expect('publish', { retain: false });
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 2, retain: true });
    await client.expect('publish', { retain: false, qos: 1 });
    await context.deliver(sender, context.topic(), '', { retain: true });
  },
);

list.v5(
  'a subscription identifier is replaced, or removed, with its subscription',
  'MQTT-3.8.4-3 MQTT-3.3.4-3 §3.8.2.1.2',
  async (context) => {
    const client = await context.connect();
    const sender = await context.connect();
    for (const [identifier, expected] of [
      [property.subscriptionIdentifier(1), '1'],
      [property.subscriptionIdentifier(268_435_455), '268435455'],
      [[], ''],
      [property.subscriptionIdentifier(2), '2'],
    ] as [Part, string][]) {
      client.send(subscribe([[context.topic(), 0]], { properties: identifier }));
      await client.expect('suback');
      await context.deliver(sender, context.topic(), 'x');
      check(`${values(await client.expect('publish'), 0x0b)}` === expected, expected);
    }
  },
);

list.v5(
  'an identifier is for each filter of its SUBSCRIBE',
  'MQTT-3.3.4-3 MQTT-3.3.4-4 §3.8.2.1.2',
  async (context) => {
    const client = await context.connect();
    const identifier = { properties: property.subscriptionIdentifier(128) };
    client.send(
      subscribe(
        [
          [context.topic('/a'), 0],
          [context.topic('/+/b'), 1],
        ],
        identifier,
      ),
    );
    await client.expect('suback');
    const sender = await context.connect();
    for (const suffix of ['/a', '/a/b']) {
      await context.deliver(sender, context.topic(suffix), 'x', { qos: 1 });
      check(`${values(await client.expect('publish'), 0x0b)}` === '128', suffix);
    }
  },
);

list.v5(
  'a retained message comes with the identifier of the subscription',
  'MQTT-3.3.4-3 MQTT-3.3.1-9',
  async (context) => {
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'kept', { qos: 1, retain: true });
    const client = await context.connect();
    const identifier = { properties: property.subscriptionIdentifier(5) };
    client.send(subscribe([[context.topic('/#'), 0]], identifier));
    await client.expect('suback');
    check(
      `${values(await client.expect('publish', { retain: true }), 0x0b)}` === '5',
      'identifier',
    );
    await context.deliver(sender, context.topic(), '', { retain: true });
  },
);

list.v5(
  'one of many overlapping subscriptions is unsubscribed, the others stay',
  'MQTT-3.10.4-1 MQTT-3.10.4-2 MQTT-3.3.4-4',
  async (context) => {
    const client = await context.connect();
    for (const [index, suffix] of ['/a', '/+', '/#'].entries()) {
      const options = { id: index + 1, properties: property.subscriptionIdentifier(index + 1) };
      client.send(subscribe([[context.topic(suffix), index]], options));
      await client.expect('suback');
    }
    client.send(unsubscribe([context.topic('/#')]));
    await client.expect('unsuback', { reasonCodes: [0] });
    await context.deliver(await context.connect(), context.topic('/a'), 'x', { qos: 2 });
    const copies = (await client.drain()).filter(({ type }) => type === 'publish');
    const found = copies.flatMap((one) => values(one, 0x0b)).sort();
    check(`${found}` === '1,2', `${found}`);
    check(Math.max(...copies.map(({ qos }) => qos)) === 1, 'the highest QoS of the two');
  },
);

list.v5(
  'UNSUBSCRIBE needs the very same filter',
  'MQTT-3.10.4-1 MQTT-3.11.3-1',
  async (context) => {
    const client = await context.subscriber(context.topic('/+'));
    for (const other of [
      context.topic('/#'),
      context.topic('/a'),
      `$share/g/${context.topic('/+')}`,
    ]) {
      client.send(unsubscribe([other]));
      await client.expect('unsuback', { reasonCodes: [0x11] });
    }
    await context.deliver(await context.connect(), context.topic('/a'), 'x');
    await client.expect('publish');
  },
);

list.v5(
  'no local holds for every subscription that has it, and only for the own client',
  'MQTT-3.8.3-3',
  async (context) => {
    const own = await context.connect();
    own.send(
      subscribe([
        [context.topic(), NO_LOCAL | 1],
        [context.topic('/#'), NO_LOCAL],
      ]),
    );
    await own.expect('suback');
    await context.deliver(own, context.topic(), 'own', { qos: 1 });
    await own.expectNothing();
    const other = await context.connect();
    await context.deliver(other, context.topic(), 'other', { qos: 1 });
    check(texts(await own.drain()).startsWith('other'), 'that of another client');
  },
);

list.v5('no local holds for messages that waited', 'MQTT-3.8.3-3', async (context) => {
  const options = context.durable();
  const first = await context.subscriber(context.topic(), NO_LOCAL | 1, options);
  await context.deliver(first, context.topic(), 'own', { qos: 1 });
  first.destroy();
  const sender = await context.connect();
  await context.deliver(sender, context.topic(), 'other', { qos: 1 });
  const second = await context.connect(options);
  check(texts(await second.drain()) === 'other', 'that of another client');
});

list.v5(
  'SUBSCRIBE and UNSUBSCRIBE with the identifier of a QoS 2 message under way are not mixed up with it',
  '§2.2.1 §3.9.3',
  async (context) => {
    const client = await context.connect();
    client.send(publish(context.topic(), 'x', { qos: 2, id: 3 }));
    await client.expect('pubrec', { id: 3 });
    client.send(subscribe([[context.topic(), 0]], { id: 3 }));
    const suback = await client.expect('suback', { id: 3 });
    check([0, 0x91].includes(suback.reasonCodes[0] as number), 'granted, or 0x91');
    client.send(unsubscribe([context.topic()], { id: 3 }));
    const unsuback = await client.expect('unsuback', { id: 3 });
    check([0, 0x11, 0x91].includes(unsuback.reasonCodes[0] as number), 'success, or 0x91');
    client.send(packet(0x62, u16(3)));
    const rest = await client.drain();
    check(
      rest.some(({ type, id, reasonCode }) => type === 'pubcomp' && id === 3 && reasonCode === 0),
      'PUBCOMP',
    );
  },
);
