import { CaseList } from '../case.ts';
import { BAD_FILTER, check, WRONG } from '../check.ts';
import { ack, disconnect, publish, subscribe, unsubscribe } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { text, texts, values } from '../wire/server-packet.ts';

/** Shared subscriptions (§4.8.2). */
const list = new CaseList();
export const sharedSubscriptionCases = list.cases;

list.v5(
  'a shared subscription gives each message to one member',
  'MQTT-4.8.2-1 MQTT-4.8.2-2',
  async (context) => {
    const filter = `$share/group/${context.topic()}`;
    const members = [await context.connect(), await context.connect()];
    for (const member of members) {
      member.send(subscribe([[filter, 1]]));
      await member.expect('suback', { reasonCodes: [1] });
    }
    const sender = await context.connect();
    for (let count = 10; count > 0; count--) {
      await context.deliver(sender, context.topic(), 'x', { qos: 1 });
    }
    const counts = await Promise.all(members.map(async (member) => (await member.drain()).length));
    check((counts[0] as number) + (counts[1] as number) === 10, `${counts}`);
  },
);

list.v5(
  'malformed share names and no local are refused',
  'MQTT-3.8.3-4 MQTT-4.8.2-1 MQTT-4.8.2-2',
  async (context) => {
    await context.refused(subscribe([['$share/g/t', 4]]), WRONG);
    for (const filter of ['$share//t', '$share/g', '$share/g/', '$share/+/t', '$share/a#/t']) {
      const client = await context.connect();
      client.send(subscribe([[filter, 0]]));
      const answer = await client.next();
      if (answer?.type === 'suback') check((answer.reasonCodes[0] as number) >= 0x80, filter);
      else if (answer !== null) check(BAD_FILTER.includes(answer.reasonCode), filter);
    }
  },
);

list.v5('a shared subscription gets no retained messages', '§4.8.2', async (context) => {
  const sender = await context.connect();
  sender.send(publish(context.topic(), 'kept', { qos: 1, retain: true }));
  await sender.expect('puback');
  const client = await context.connect();
  client.send(subscribe([[`$share/g/${context.topic()}`, 1]]));
  await client.expect('suback');
  await client.expectNothing();
});

list.v5(
  'a QoS 2 message of a shared subscription stays with its member',
  'MQTT-4.8.2-4 MQTT-4.8.2-5 MQTT-4.8.2-6',
  async (context) => {
    const filter = `$share/g/${context.topic()}`;
    const options = {
      clientId: context.clientId(),
      clean: false,
      properties: property.sessionExpiry(60),
    };
    const first = await context.connect(options);
    first.send(subscribe([[filter, 2]]));
    await first.expect('suback');
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 2 });
    const { id } = await first.expect('publish', { qos: 2 });
    const second = await context.connect();
    second.send(subscribe([[filter, 2]]));
    await second.expect('suback');
    first.destroy();
    await second.expectNothing();
    const again = await context.connect(options);
    await again.expect('publish', { qos: 2, id, dup: true });
    again.send(ack('pubrec', id, 0x97));
    await again.expectNothing();
    await second.expectNothing();
  },
);

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
      await context.refusedFilter(filter);
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
    const all = texts(await second.drain());
    check(all === '1,2,3,4,5', all);
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
