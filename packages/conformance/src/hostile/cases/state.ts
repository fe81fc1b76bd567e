import { check, WRONG } from '../../check.ts';
import { packet, u16 } from '../../wire/bytes.ts';
import {
  ack,
  auth,
  connect,
  disconnect,
  publish,
  subscribe,
  unsubscribe,
} from '../../wire/client-packets.ts';
import { property } from '../../wire/property.ts';
import { texts } from '../../wire/server-packet.ts';
import { BOTH, HostileList } from '../case.ts';
import { AT_ONCE_MS } from '../context.ts';

/** What comes when it may not, too often, or never. */
const list = new HostileList('state');
export const stateCases = list.cases;

list.add(
  'CONNECT twice, the second as somebody else',
  { answer: 'closed; MQTT 5: 0x82', versions: BOTH },
  async (context) => {
    const { version } = context;
    await context.ends(context.connectOf({ version }), context.codes(...WRONG));
    const client = await context.open(version);
    client.send(context.connectOf({ version }), context.connectOf({ version, clientId: 'x' }));
    await client.expect('connack', { reasonCode: 0 });
    await client.expectClosed(context.codes(...WRONG));
  },
);

list.add(
  'packet identifier 0',
  { answer: 'closed; MQTT 5: 0x81 or 0x82', versions: BOTH },
  async (context) => {
    const { version } = context;
    const topic = context.topic();
    for (const one of [
      publish(topic, 'x', { version, qos: 1, id: 0 }),
      publish(topic, 'x', { version, qos: 2, id: 0 }),
      subscribe([[topic, 0]], { version, id: 0 }),
      unsubscribe([topic], { version, id: 0 }),
    ]) {
      await context.ends(one, context.codes(...WRONG));
    }
  },
);

list.add(
  'a packet identifier that is in use by a QoS 2 exchange',
  { answer: 'refused or served; the exchange goes on', versions: BOTH },
  async (context) => {
    const client = await context.client();
    client.send(context.publish(context.topic(), 'x', { qos: 2, id: 7 }));
    await client.expect('pubrec', { id: 7 });
    client.send(context.subscribe(context.topic('other'), 0, 7));
    await client.expect('suback', { id: 7 });
    client.send(ack('pubrel', 7));
    await client.expect('pubcomp', { id: 7 });
  },
);

list.add(
  'the same QoS 2 message 1,000 times, without PUBREL',
  { answer: 'delivered once', versions: BOTH, seen: ['CVE-2023-28366'] },
  async (context) => {
    const watcher = await context.listener(context.topic());
    const client = await context.client();
    const { version } = context;
    client.send(publish(context.topic(), 'x', { version, qos: 2, id: 1 }));
    await client.expect('pubrec');
    for (let index = 0; index < 1000; index++) {
      client.send(publish(context.topic(), 'x', { version, qos: 2, id: 1, dup: true }));
    }
    await context.servedOrClosed(client);
    if (!client.isClosed) {
      client.send(ack('pubrel', 1));
      await client.expect('pubcomp');
    }
    const received = texts(await watcher.drain());
    check(received === 'x' || (client.isClosed && received === ''), `delivered: ${received}`);
  },
);

list.add(
  '65,535 QoS 2 messages without a PUBREL',
  { answer: 'MQTT 5: closed with 0x93; before: bounded', versions: BOTH, seen: ['CVE-2023-28366'] },
  async (context) => {
    const socket = await context.connectedSocket();
    const { version } = context;
    const all: Uint8Array[] = [];
    for (let id = 1; id <= 65_535; id++) {
      all.push(publish(context.topic(), 'x', { version, qos: 2, id }));
    }
    await socket.sendAll(Buffer.concat(all), AT_ONCE_MS);
    if (version === 5) check(await socket.closedWithin(AT_ONCE_MS), 'still open');
  },
);

list.add(
  'acknowledgements of what was never sent, 50,000 of each',
  { answer: 'answered, ignored or closed', versions: BOTH },
  async (context) => {
    const kinds = ['puback', 'pubrec', 'pubrel', 'pubcomp'] as const;
    await Promise.all(
      kinds.map(async (kind) => {
        const socket = await context.connectedSocket();
        const all = Array.from({ length: 50_000 }, (_, index) => ack(kind, (index % 65_535) + 1));
        await socket.sendAll(Buffer.concat(all), AT_ONCE_MS);
      }),
    );
  },
);

list.add(
  'acknowledgements of another kind than the message asks for',
  { answer: 'served or closed', versions: BOTH },
  async (context) => {
    for (const kind of ['pubrec', 'pubcomp', 'pubrel'] as const) {
      const watcher = await context.listener(context.topic(kind), 1);
      const sender = await context.client();
      sender.send(context.publish(context.topic(kind), 'x', { qos: 1 }));
      const { id } = await watcher.expect('publish');
      watcher.send(ack(kind, id), ack(kind, id), ack('puback', id));
      await context.servedOrClosed(watcher);
    }
  },
);

list.add(
  'topic alias 0, above the maximum, and one that was never set',
  { answer: 'closed; 0x94 or 0x82', seen: ['FlashMQ#120', 'nanomq#2299'] },
  async (context) => {
    const client = await context.open();
    client.send(context.connectOf());
    const { properties } = await client.expect('connack', { reasonCode: 0 });
    const maximum = Number(properties.find(({ id }) => id === 0x22)?.value ?? 0);
    const codes = [...WRONG, 0x94];
    await context.ends(publish('a', 'x', { properties: property.topicAlias(0) }), codes);
    await context.ends(publish('', 'x', { properties: property.topicAlias(0) }), codes);
    if (maximum < 65_535) {
      const above = property.topicAlias(maximum + 1);
      await context.ends(publish('a', 'x', { properties: above }), codes);
    }
    if (maximum > 0) {
      await context.ends(publish('', 'x', { properties: property.topicAlias(maximum) }), codes);
    }
  },
);

list.add(
  'a topic alias of the connection before, of the same session',
  { answer: 'closed; 0x82 or 0x94' },
  async (context) => {
    const durable = context.durable({ clientId: context.clientId('aliased') });
    const first = await context.client(durable);
    first.send(publish(context.topic(), 'x', { properties: property.topicAlias(1) }));
    await context.servedOrClosed(first);
    if (first.isClosed) return;
    first.send(disconnect());
    await first.expectClosed();
    const second = await context.client(durable);
    second.send(publish('', 'x', { properties: property.topicAlias(1) }));
    await second.expectClosed([...WRONG, 0x94]);
  },
);

list.add(
  'AUTH without a method, before CONNECT, and between other packets',
  { answer: 'closed; 0x82' },
  async (context) => {
    await context.endsFirst(auth(0x18, property.authenticationMethod('m')));
    await context.ends(auth(0x19, property.authenticationMethod('m')), [...WRONG, 0x8c]);
    await context.ends(auth(0x18), [...WRONG, 0x8c]);
    const client = await context.open();
    client.send(
      context.connectOf({ properties: property.authenticationMethod('m') }),
      publish(context.topic(), 'x'),
      auth(0x18, property.authenticationMethod('n')),
    );
    await client.expectClosed([...WRONG, 0x8c, 0x87]);
  },
);

list.add(
  '200 connections at once with the same client identifier',
  { answer: 'one of them stays', versions: BOTH },
  async (context) => {
    const { version } = context;
    const clientId = context.clientId('storm');
    const sockets = await Promise.all(Array.from({ length: 200 }, () => context.socket()));
    for (const socket of sockets) socket.send(context.connectOf({ version, clientId }));
    const last = await context.client({ clientId });
    await context.serves(last);
    const closed = await Promise.all(sockets.map((socket) => socket.closedWithin(AT_ONCE_MS)));
    check(!closed.includes(false), `${closed.filter((is) => !is).length} are still open`);
    await context.serves(last);
  },
);

list.add(
  '500 connections that are cut right after CONNECT',
  { answer: 'nothing is left of them', versions: BOTH },
  async (context) => {
    const { version } = context;
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const socket = await context.socket();
          socket.send(context.connectOf({ version, clientId: context.clientId(`cut${index}`) }));
          if (index % 2 === 0) await socket.receives(1, 200);
          socket.destroy();
        }),
      );
    }
  },
);

list.add(
  'connections whose side is closed after CONNECT, SUBSCRIBE and half a PUBLISH',
  { answer: 'closed', versions: BOTH },
  async (context) => {
    const { version } = context;
    for (const last of [
      [],
      context.subscribe(context.topic()),
      packet(0x30, u16(9)).subarray(0, 3),
    ]) {
      const socket = await context.connectedSocket({ version });
      socket.send(Uint8Array.from(last));
      socket.end();
      check(await socket.closedWithin(AT_ONCE_MS), 'still open');
    }
  },
);

list.add(
  'SUBSCRIBE and UNSUBSCRIBE of the same filter, 5,000 times in one go',
  { answer: 'all answered, or closed', versions: BOTH },
  async (context) => {
    const { version } = context;
    const socket = await context.connectedSocket();
    const before = socket.receivedBytes;
    const all = Array.from({ length: 5000 }, (_, index) => [
      subscribe([[context.topic(), 0]], { version, id: 1 + index }),
      unsubscribe([context.topic()], { version, id: 1 + index }),
    ]).flat();
    await socket.sendAll(Buffer.concat(all), AT_ONCE_MS);
    const size = version === 5 ? 12 : 9;
    const isAnswered = await socket.receives(before + 5000 * size, 20_000);
    check(isAnswered || socket.isClosed, `${socket.receivedBytes - before} bytes of answers`);
  },
);

list.add(
  'CONNECT, SUBSCRIBE, UNSUBSCRIBE, PUBLISH and DISCONNECT in one chunk, 300 times',
  { answer: 'each is served, and nothing is left', versions: BOTH, seen: ['CVE-2024-8376'] },
  async (context) => {
    const { version } = context;
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 30 }, async () => {
          const topic = context.topic('all');
          const socket = await context.socket();
          socket.send(
            context.connectOf({ version }),
            disconnectAfter(round, version),
            subscribe([[topic, 1]], { version }),
            unsubscribe([topic], { version }),
            publish(topic, 'x', { version, qos: 2 }),
            disconnect(),
          );
          check(await socket.closedWithin(AT_ONCE_MS), 'still open');
        }),
      );
    }
  },
);

/** In every other round DISCONNECT comes before the rest, which then counts for nothing. */
function disconnectAfter(round: number, version: number): Uint8Array {
  return round % 2 === 0 || version < 4 ? new Uint8Array(0) : disconnect();
}

list.add(
  'a will delay longer than the session lasts',
  { answer: 'the will comes when the session ends', seen: ['CVE-2019-11778'] },
  async (context) => {
    const watcher = await context.listener(context.topic('will'));
    const socket = await context.socket();
    socket.send(
      context.connectOf({
        properties: property.sessionExpiry(1),
        will: { topic: context.topic('will'), payload: 'w', properties: property.willDelay(100) },
      }),
    );
    await socket.receives(4, AT_ONCE_MS);
    socket.destroy();
    const received = await watcher.next(AT_ONCE_MS);
    check(received?.type === 'publish', `${received?.type}`);
  },
);

list.add(
  'DISCONNECT that gives a session an expiry it did not have',
  { answer: 'closed; 0x82' },
  async (context) => {
    await context.ends(disconnect(0, property.sessionExpiry(60)), WRONG);
  },
);

list.add(
  'Receive Maximum 1, and nothing is ever acknowledged',
  { answer: 'one message is sent, and the broker keeps the rest within bounds' },
  async (context) => {
    const watcher = await context.client({ properties: property.receiveMaximum(1) });
    watcher.send(subscribe([[context.topic(), 1]]));
    await watcher.expect('suback');
    const sender = await context.client({ version: 4 });
    for (let id = 1; id <= 5000; id++) {
      sender.send(publish(context.topic(), 'x'.repeat(1000), { version: 4, qos: 1, id }));
    }
    await context.serves(sender);
    const received = (await watcher.drain()).filter(({ type }) => type === 'publish');
    check(received.length === 1, `${received.length} messages`);
  },
);

list.add(
  'a client identifier of nothing with a session that is to stay, before MQTT 5',
  { answer: 'refused with 2, and closed', versions: [4], seen: ['CVE-2025-56352'] },
  async (context) => {
    const client = await context.open(4);
    client.send(context.connectOf({ version: 4, clientId: '', clean: false }));
    await client.expectClosed([2]);
  },
);

list.add(
  'a keep alive that is never kept',
  { answer: 'closed after one and a half times its seconds', versions: BOTH, isPatient: true },
  async (context) => {
    const socket = await context.connectedSocket({ keepAlive: 1 });
    check(await socket.closedWithin(10_000), 'still open after 10 s');
  },
);

list.add(
  'a connection that is taken over while a message is half sent',
  { answer: 'the half counts for nothing', versions: BOTH },
  async (context) => {
    const { version } = context;
    const watcher = await context.listener(context.topic());
    const clientId = context.clientId('half');
    const first = await context.connectedSocket({ clientId });
    const whole = publish(context.topic(), 'x'.repeat(1000), { version, qos: 1 });
    first.send(whole.subarray(0, 500));
    const second = await context.client({ clientId });
    first.send(whole.subarray(500));
    second.send(connect({ version }).subarray(0, 3));
    await watcher.expectNothing();
  },
);
