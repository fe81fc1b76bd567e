import { CaseList, check } from '../case.ts';
import { text, texts, values } from '../client.ts';
import {
  ack,
  bytes,
  disconnect,
  type Part,
  packet,
  property,
  publish,
  subscribe,
  u16,
  unsubscribe,
} from '../wire.ts';

/** Subscriptions over their life: options, replacement, identifiers, retained messages, sharing. */
const list = new CaseList();
export const subscriptionCases = list.cases;

const WRONG = [0x80, 0x81, 0x82, 0x83];

/** Retain handling in the options byte. */
const IF_NEW = 16;
const NEVER = 32;
const NO_LOCAL = 4;
const AS_PUBLISHED = 8;

list.v5(
  'each filter matches what the standard’s examples say',
  'MQTT-4.7.1-1 MQTT-4.7.1-2 §4.7.1 §4.7.3',
  async (context) => {
    const root = context.topic();
    const yes = [
      ['sport/tennis/player1/#', 'sport/tennis/player1'],
      ['sport/tennis/player1/#', 'sport/tennis/player1/ranking'],
      ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon'],
      ['sport/#', 'sport'],
      ['#', 'a//b'],
      ['sport/tennis/+', 'sport/tennis/player1'],
      ['sport/+', 'sport/'],
      ['+/tennis/#', 'sport/tennis/x'],
      ['+/+', '/finance'],
      ['/+', '/finance'],
      ['a/+/b', 'a//b'],
      ['+', ''],
      ['a//b', 'a//b'],
      ['/', '/'],
      ['Accounts payable', 'Accounts payable'],
    ] as const;
    const no = [
      ['sport/tennis/+', 'sport/tennis/player1/ranking'],
      ['sport/+', 'sport'],
      ['+', '/finance'],
      ['a/b', 'A/b'],
      ['sport', 'sport/'],
      ['sport/', 'sport'],
      ['a/b', 'a//b'],
      ['/', ''],
      ['é', 'e\u0301'],
    ] as const;
    const sender = await context.connect();
    for (const [pairs, isMatch] of [
      [yes, true],
      [no, false],
    ] as const) {
      for (const [filter, topic] of pairs) {
        const client = await context.subscriber(`${root}/${filter}`);
        await context.deliver(sender, `${root}/${topic}`, 'x', { qos: 1 });
        check(((await client.drain()).length === 1) === isMatch, `${filter} and ${topic}`);
        client.destroy();
      }
    }
  },
);

list.v5(
  'a filter may start with $ and then matches such topics',
  'MQTT-4.7.2-1',
  async (context) => {
    const name = `$${context.topic()}`;
    const sender = await context.connect();
    for (const [filter, isMatch] of [
      [`${name}/#`, true],
      [`${name}/+/x`, true],
      [`${name}/a/x`, true],
      ['+/a/x', false],
      ['#', false],
    ] as const) {
      const client = await context.subscriber(filter);
      await context.deliver(sender, `${name}/a/x`, '', { qos: 1 });
      const found = (await client.drain()).filter(({ topic }) => topic.startsWith('$'));
      check((found.length === 1) === isMatch, filter);
      client.destroy();
    }
  },
);

list.v5(
  'filters that can’t be are refused',
  'MQTT-4.7.1-1 MQTT-4.7.1-2 MQTT-4.7.3-1 MQTT-4.7.3-2 MQTT-3.8.3-1',
  async (context) => {
    for (const filter of ['', 'a#', 'a/#/b', '#/', '##', 'a+', '+a', 'a/+b', 'a/b+/c', '++']) {
      const client = await context.connect();
      client.send(subscribe([[filter, 0]]));
      const answer = await client.next();
      const isRefused =
        answer === null ||
        (answer.type === 'suback' && answer.reasonCodes[0] === 0x8f) ||
        (answer.type === 'disconnect' && [...WRONG, 0x8f].includes(answer.reasonCode));
      check(isRefused, `${filter}: ${answer?.type}`);
    }
    for (const filter of [bytes(0xff), bytes(0x61, 0), bytes(0xed, 0xa0, 0x80)]) {
      await context.refused(subscribe([[filter, 0]]), [...WRONG, 0x8f]);
      await context.refused(unsubscribe([filter]), [...WRONG, 0x8f]);
    }
  },
);

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

// ------------------------------------------------------------------------ retained

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

// -------------------------------------------------------------------------- shared

list.v5(
  'groups of different names each get the message, and so does a plain subscription',
  'MQTT-4.8.2-1 §4.8.2',
  async (context) => {
    const filter = context.topic('/+');
    const clients = [
      await context.subscriber(`$share/one/${filter}`),
      await context.subscriber(`$share/two/${filter}`),
      await context.subscriber(filter),
    ];
    await context.deliver(await context.connect(), context.topic('/a'), 'x', { qos: 1 });
    for (const client of clients) check(texts(await client.drain()) === 'x', 'a copy each');
  },
);

list.v5('the same share name with another filter is another group', '§4.8.2', async (context) => {
  const first = await context.subscriber(`$share/g/${context.topic('/+')}`);
  const second = await context.subscriber(`$share/g/${context.topic('/#')}`);
  await context.deliver(await context.connect(), context.topic('/a'), 'x', { qos: 1 });
  check(texts(await first.drain()) === 'x', 'the first group');
  check(texts(await second.drain()) === 'x', 'the second group');
});

list.v5(
  'share names are refused that are empty or have wildcards, and so are shares of nothing',
  'MQTT-4.8.2-1 MQTT-4.8.2-2',
  async (context) => {
    for (const filter of [
      '$share/',
      '$share/g',
      '$share/g/',
      '$share//t',
      '$share/+/t',
      '$share/#/t',
      '$share/a+/t',
      '$share/#',
    ]) {
      const client = await context.connect();
      client.send(subscribe([[filter, 0]]));
      const answer = await client.next();
      const isRefused =
        answer === null ||
        (answer.type === 'suback' && answer.reasonCodes[0] === 0x8f) ||
        (answer.type === 'disconnect' && [...WRONG, 0x8f].includes(answer.reasonCode));
      check(isRefused, `${filter}: ${answer?.type}`);
    }
  },
);

list.v5('a member’s QoS holds for what it gets', 'MQTT-4.8.2-3 §4.8.2', async (context) => {
  const members = [];
  for (const qos of [0, 1, 2]) {
    members.push(await context.subscriber(`$share/g/${context.topic()}`, qos));
  }
  const sender = await context.connect();
  for (let id = 1; id <= 9; id++)
    await context.deliver(sender, context.topic(), `${id}`, { qos: 2, id });
  for (const [qos, member] of members.entries()) {
    const received = (await member.drain()).filter(({ type }) => type === 'publish');
    check(
      received.every((one) => one.qos === qos),
      `QoS ${qos}`,
    );
  }
});

list.v5(
  'who leaves a group gets no more, and the others get all',
  'MQTT-3.10.4-2 §4.8.2',
  async (context) => {
    const filter = `$share/g/${context.topic()}`;
    const first = await context.subscriber(filter, 1);
    const second = await context.subscriber(filter, 1);
    first.send(unsubscribe([filter]));
    await first.expect('unsuback', { reasonCodes: [0] });
    const sender = await context.connect();
    for (let id = 1; id <= 6; id++)
      await context.deliver(sender, context.topic(), `${id}`, { qos: 1, id });
    await first.expectNothing();
    check(texts(await second.drain()) === '1,2,3,4,5,6', 'all of them');
  },
);

list.v5(
  'a message refused by a member goes to no other',
  'MQTT-4.8.2-6 §4.8.2',
  async (context) => {
    const filter = `$share/g/${context.topic()}`;
    const members = [await context.subscriber(filter, 1), await context.subscriber(filter, 1)];
    await context.deliver(await context.connect(), context.topic(), 'x', { qos: 1 });
    let count = 0;
    for (const member of members) {
      for (const { type, id } of await member.drain()) {
        if (type !== 'publish') continue;
        count++;
        member.send(ack('puback', id, 0x87));
      }
    }
    for (const member of members) count += (await member.drain()).length;
    check(count === 1, `${count} copies`);
  },
);

list.v5(
  'what a member had not acknowledged when its session ended goes to another',
  '§4.8.2',
  async (context) => {
    const filter = `$share/g/${context.topic()}`;
    const first = await context.subscriber(filter, 1, { properties: property.sessionExpiry(0) });
    const sender = await context.connect();
    for (let id = 1; id <= 5; id++)
      await context.deliver(sender, context.topic(), `${id}`, { qos: 1, id });
    for (let id = 1; id <= 5; id++) await first.expect('publish', { qos: 1 });
    const second = await context.subscriber(filter, 1);
    first.send(disconnect());
    await first.expectClosed([]);
    check(texts(await second.drain()) === '1,2,3,4,5', 'all five');
  },
);

list.v5(
  'messages of a group keep their order for each member',
  'MQTT-4.6.0-5 §4.6',
  async (context) => {
    const filter = `$share/g/${context.topic()}`;
    const members = [];
    for (let index = 0; index < 3; index++) members.push(await context.subscriber(filter, 1));
    const sender = await context.connect();
    const count = 60;
    for (let id = 1; id <= count; id++)
      sender.send(publish(context.topic(), `${id}`, { qos: 1, id }));
    for (let id = 1; id <= count; id++) await sender.expect('puback', { id });
    const all: number[] = [];
    for (const member of members) {
      const seen = (await member.drain()).map((one) => Number(text(one)));
      check(`${seen}` === `${[...seen].sort((a, b) => a - b)}`, `${seen}`);
      all.push(...seen);
    }
    check(all.length === count && new Set(all).size === count, `${all.length} messages`);
  },
);

list.v5(
  'a group whose members are all away keeps its messages',
  'MQTT-4.5.0-1 §4.8.2',
  async (context) => {
    const options = context.durable();
    const filter = `$share/g/${context.topic()}`;
    const first = await context.subscriber(filter, 1, options);
    first.destroy();
    const sender = await context.connect();
    for (let id = 1; id <= 3; id++)
      await context.deliver(sender, context.topic(), `${id}`, { qos: 1, id });
    const second = await context.connect(options);
    check(texts(await second.drain()) === '1,2,3', 'all three');
  },
);

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

list.v5(
  'who subscribes to a group twice is one member, and leaves it at once',
  'MQTT-3.8.4-3 §4.8.2',
  async (context) => {
    const filter = `$share/g/${context.topic()}`;
    const client = await context.subscriber(filter, 2);
    client.send(subscribe([[filter, 0]], { properties: property.subscriptionIdentifier(9) }));
    await client.expect('suback', { reasonCodes: [0] });
    const sender = await context.connect();
    for (let id = 1; id <= 4; id++)
      await context.deliver(sender, context.topic(), `${id}`, { qos: 1, id });
    const received = await client.drain();
    check(texts(received) === '1,2,3,4', texts(received));
    check(
      received.every((one) => one.qos === 0 && `${values(one, 0x0b)}` === '9'),
      'QoS 0 and the identifier',
    );
    client.send(unsubscribe([filter]));
    await client.expect('unsuback', { reasonCodes: [0] });
    await context.deliver(sender, context.topic(), '5', { qos: 1 });
    await client.expectNothing();
  },
);

list.v5(
  'a client’s shared and plain subscriptions may each bring a message',
  'MQTT-3.3.4-4 §4.8.2',
  async (context) => {
    const client = await context.connect();
    for (const [index, filter] of [context.topic(), `$share/g/${context.topic()}`].entries()) {
      const identifier = { properties: property.subscriptionIdentifier(index + 1) };
      client.send(subscribe([[filter, 1]], identifier));
      await client.expect('suback');
    }
    await context.deliver(await context.connect(), context.topic(), 'x', { qos: 1 });
    const copies = await client.drain();
    const found = copies.flatMap((one) => values(one, 0x0b)).sort();
    check(`${found}` === '1,2', `identifiers ${found}`);
  },
);

list.v5('a shared filter may start with a slash', '§4.8.2 MQTT-4.8.2-2', async (context) => {
  const client = await context.subscriber(`$share/g//${context.topic()}/+`);
  const sender = await context.connect();
  await context.deliver(sender, context.topic('/a'), 'no', { qos: 1 });
  await context.deliver(sender, `/${context.topic()}/a`, 'yes', { qos: 1 });
  check(texts(await client.drain()) === 'yes', 'the topic that starts with a slash');
});
