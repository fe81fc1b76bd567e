import { check } from '../../check.ts';
import { bytes, field, packet, properties, u16, varint } from '../../wire/bytes.ts';
import {
  disconnect,
  IF_NEW,
  pingreq,
  publish,
  subscribe,
  unsubscribe,
} from '../../wire/client-packets.ts';
import { property } from '../../wire/property.ts';
import { BOTH, HostileList } from '../case.ts';
import { AT_ONCE_MS, type HostileContext } from '../context.ts';

/** A little that is sent, and much that it costs. */
const list = new HostileList('resources');
export const resourceCases = list.cases;

/** Leaves retained messages, for as long as the case takes. */
async function withRetained(
  context: HostileContext,
  count: number,
  work: () => Promise<void>,
): Promise<void> {
  const sender = await context.client({ version: 4 });
  const all = (payload: string) =>
    Array.from({ length: count }, (_, index) =>
      publish(context.topic(`/${index % 100}/${index}`), payload, { version: 4, retain: true }),
    );
  sender.send(...all('x'.repeat(100)));
  await sender.drain();
  try {
    await work();
  } finally {
    sender.send(...all(''));
    await sender.drain();
  }
}

list.add(
  '300 SUBSCRIBEs to 5,000 retained messages that are never read',
  { answer: 'memory stays bounded' },
  (context) =>
    withRetained(context, 5000, async () => {
      const socket = await context.connectedSocket();
      socket.stopReading();
      for (let id = 1; id <= 300; id++) socket.send(context.subscribe(context.topic('/#'), 0, id));
      await pause();
    }),
);

list.add(
  'a search of 5,000 retained messages again and again by a client that reads',
  { answer: 'served' },
  (context) =>
    withRetained(context, 5000, async () => {
      const client = await context.client({ version: 4 });
      for (let id = 1; id <= 10; id++) {
        client.send(subscribe([[context.topic('/#'), 0]], { version: 4, id }));
        client.send(unsubscribe([context.topic('/#')], { version: 4, id: id + 100 }));
      }
      await context.servedOrClosed(client);
    }),
);

list.add(
  '1,024 filters with + and a in ten places, and topics that go through all of them',
  { answer: 'served, or SUBSCRIBE is refused' },
  async (context) => {
    const filters = Array.from({ length: 1024 }, (_, bits) =>
      Array.from({ length: 10 }, (__, level) => ((bits >> level) & 1 ? '+' : 'a')).join('/'),
    );
    const socket = await context.connectedSocket();
    const before = socket.receivedBytes;
    socket.send(subscribe(filters.map((filter) => [`${context.topic()}/${filter}`, 0] as const)));
    await socket.receives(before + 8, AT_ONCE_MS);
    const sender = await context.client();
    for (let index = 0; index < 300; index++) {
      sender.send(publish(`${context.topic()}/${'a/'.repeat(9)}${index}`, 'x'));
    }
    await context.servedOrClosed(sender);
  },
);

list.add(
  '9,999 filters in one SUBSCRIBE, then in one UNSUBSCRIBE',
  { answer: 'granted or refused', versions: BOTH },
  async (context) => {
    const { version } = context;
    const filters = Array.from({ length: 9999 }, (_, index) => context.topic(index.toString(36)));
    const client = await context.client();
    client.send(
      subscribe(
        filters.map((filter) => [filter, 0] as const),
        { version },
      ),
    );
    await context.servedOrClosed(client);
    if (client.isClosed) return;
    client.send(unsubscribe(filters, { version }));
    await context.servedOrClosed(client);
  },
);

list.add(
  'a SUBSCRIBE of 1 MB of filters of one letter',
  { answer: 'refused, or answered' },
  async (context) => {
    const one = subscribe([['a', 0]]).subarray(5);
    const socket = await context.connectedSocket();
    const before = socket.receivedBytes;
    socket.send(packet(0x82, u16(1), properties(), Buffer.alloc(1_000_000, one)));
    await socket.receives(before + 1, 20_000);
    check(socket.isClosed || socket.receivedBytes > before, 'neither answered nor closed');
  },
);

list.add(
  '60 subscribers that read nothing, and 4 MB published',
  { answer: 'memory stays bounded; the publisher is served' },
  async (context) => {
    const sockets = await Promise.all(Array.from({ length: 60 }, () => context.connectedSocket()));
    for (const socket of sockets) {
      socket.stopReading();
      socket.send(context.subscribe(context.topic()));
    }
    const sender = await context.client();
    for (let index = 0; index < 1000; index++) {
      sender.send(publish(context.topic(), 'x'.repeat(4096)));
    }
    check(
      (await sender.next(pingAfter(sender)))?.type === 'pingresp',
      'the publisher is not served',
    );
  },
);

/** Publishers may be held back a while for subscribers that are late. */
function pingAfter(client: { send(...chunks: Uint8Array[]): void }): number {
  client.send(pingreq);
  return 30_000;
}

list.add(
  'PINGREQ and PUBREL whose answers are never read, for two seconds',
  { answer: 'it is no longer read from, or closed' },
  async (context) => {
    const chunks = [
      Buffer.alloc(1_000_000, pingreq),
      Buffer.alloc(1_000_000, packet(0x62, u16(1))),
    ];
    await Promise.all(
      chunks.map(async (chunk) => {
        const socket = await context.connectedSocket();
        socket.stopReading();
        const end = Date.now() + 2000;
        while (Date.now() < end && !socket.isClosed) await socket.sendAll(chunk, end - Date.now());
      }),
    );
  },
);

list.add(
  '20 wills with 1 MB of payload and properties that are to wait for ever',
  { answer: 'refused or bounded' },
  async (context) => {
    const pair = property.user('k'.repeat(50_000), 'v');
    const will = {
      topic: context.topic('will'),
      payload: 'x'.repeat(60_000),
      properties: [property.willDelay(0xffff_ffff), Array.from({ length: 20 }, () => pair)],
    };
    const ids = Array.from({ length: 20 }, (_, index) => context.clientId(`will${index}`));
    for (const clientId of ids) {
      const socket = await context.socket();
      socket.send(context.connectOf({ clientId, will, properties: property.sessionExpiry(30) }));
      await socket.receives(4, AT_ONCE_MS);
      socket.destroy();
    }
    for (const clientId of ids) {
      const client = await context.open();
      client.send(context.connectOf({ clientId }), disconnect());
      await client.next();
    }
  },
);

list.add(
  'QoS 0 to 1,000 different topics of 60 KB',
  { answer: 'nothing of them stays' },
  async (context) => {
    const client = await context.client();
    const long = 'l'.repeat(60_000);
    for (let index = 0; index < 1000; index++) {
      client.send(publish(context.topic(`${long}${index}`), 'x'));
      if (index % 100 === 99) await context.servedOrClosed(client);
      if (client.isClosed) return;
    }
  },
);

list.add(
  '2 MB of the smallest messages, to a filter of the sender',
  { answer: 'delivered, dropped or held back' },
  async (context) => {
    const socket = await context.connectedSocket();
    socket.send(context.subscribe('t'));
    const one = publish('t', 'xx');
    await socket.sendAll(Buffer.alloc(2_000_000, one), 20_000);
    await pause();
  },
);

list.add(
  'a message of 8 MB for 20 subscribers',
  { answer: 'delivered, or refused by its size' },
  async (context) => {
    const watchers = await Promise.all(Array.from({ length: 20 }, () => context.connectedSocket()));
    for (const watcher of watchers) watcher.send(context.subscribe(context.topic()));
    const sender = await context.client();
    sender.send(publish(context.topic(), Buffer.alloc(8_000_000, 1), { qos: 1 }));
    await context.servedOrClosed(sender);
  },
);

list.add(
  'sessions that are to stay, 500 of them, with a subscription each',
  { answer: 'kept or refused, and ended when asked for', versions: BOTH },
  async (context) => {
    const { version } = context;
    const ids = Array.from({ length: 500 }, (_, index) => context.clientId(`s${index}`));
    const keeping = version === 5 ? { properties: property.sessionExpiry(30) } : {};
    for (const options of [{ clean: false, ...keeping }, { clean: true }]) {
      for (let first = 0; first < ids.length; first += 50) {
        await Promise.all(
          ids.slice(first, first + 50).map(async (clientId) => {
            const socket = await context.socket();
            const connecting = context.connectOf({ version, clientId, ...options });
            socket.send(connecting, context.subscribe(context.topic('/#')), disconnect());
            check(await socket.closedWithin(20_000), 'still open');
          }),
        );
      }
    }
  },
);

list.add(
  'one filter, as long as it may be, again and again by a session that is to stay',
  { answer: 'bounded' },
  async (context) => {
    const clientId = context.clientId('stored');
    const socket = await context.connectedSocket({
      clientId,
      ...{ clean: false, properties: property.sessionExpiry(30) },
    });
    const filter = context.topic(`${'f'.repeat(60_000)}/+`);
    const end = Date.now() + 1000;
    for (let id = 1; Date.now() < end && !socket.isClosed; id = (id % 60_000) + 1) {
      await socket.sendAll(context.subscribe(filter, IF_NEW, id), end - Date.now());
    }
    await context.client({ clientId, clean: true });
  },
);

list.add(
  'a shared subscription whose member has 20,000 messages waiting, and goes',
  { answer: 'the messages go to others, or are dropped' },
  async (context) => {
    const filter = `$share/g/${context.topic()}`;
    const member = await context.client({ properties: property.receiveMaximum(1) });
    member.send(subscribe([[filter, 1]]));
    await member.expect('suback');
    const sender = await context.client({ version: 4 });
    for (let id = 1; id <= 20_000; id++) {
      sender.send(publish(context.topic(), 'x', { version: 4, qos: 1, id }));
      if (id % 2000 === 0) await context.servedOrClosed(sender);
    }
    const heir = await context.connectedSocket();
    heir.send(subscribe([[filter, 0]]));
    member.destroy();
    await pause();
  },
);

list.add(
  '5,000 subscriptions with identifiers of their own that all match one topic',
  { answer: 'delivered, with as many identifiers as fit, or refused' },
  async (context) => {
    const socket = await context.connectedSocket();
    const levels = 13;
    const filterOf = (bits: number) =>
      Array.from({ length: levels }, (_, level) => ((bits >> level) & 1 ? '+' : 'a')).join('/');
    for (let bits = 0; bits < 5000; bits++) {
      socket.send(
        subscribe([[`${context.topic()}/${filterOf(bits)}`, 0]], {
          id: bits + 1,
          properties: property.subscriptionIdentifier(bits + 1),
        }),
      );
    }
    const sender = await context.client();
    for (let count = 0; count < 50; count++) {
      sender.send(publish(`${context.topic()}/${'a/'.repeat(levels - 1)}a`, 'x'));
    }
    await context.servedOrClosed(sender);
    await pause();
  },
);

list.add(
  'topic aliases for topics of 60 KB on 40 connections',
  { answer: 'bounded; beyond that closed' },
  async (context) => {
    const long = 'l'.repeat(60_000);
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const client = await context.client();
        for (let alias = 1; alias <= 10; alias++) {
          const properties = property.topicAlias(alias);
          client.send(publish(context.topic(`${long}${index}x${alias}`), 'x', { properties }));
        }
        await context.servedOrClosed(client);
      }),
    );
  },
);

list.add(
  'a PUBLISH of 256 MB of which 20 MB are sent, by each of four clients',
  { answer: 'closed, or memory stays bounded' },
  async (context) => {
    const head = bytes(0x30, varint(268_000_000), field(context.topic()), 0);
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        const socket = await context.connectedSocket();
        socket.send(head);
        await socket.sendAll(new Uint8Array(20_000_000), 3000);
      }),
    );
  },
);

list.add(
  '150 takeovers, each with a will that is due then',
  { answer: 'the wills are sent, one client stays', versions: BOTH },
  async (context) => {
    const { version } = context;
    const watcher = await context.listener(context.topic('will'));
    const clientId = context.clientId('heir');
    const will = { topic: context.topic('will'), payload: 'w' };
    for (let round = 0; round < 150; round++) {
      const socket = await context.socket();
      socket.send(context.connectOf({ version, clientId, will }));
      check(await socket.receives(4, AT_ONCE_MS), 'no CONNACK');
    }
    const received = (await watcher.drain()).filter(({ type }) => type === 'publish').length;
    check(received >= 100, `${received} wills`);
  },
);

list.add(
  'retained messages on 20,000 topics, and removed again',
  { answer: 'kept or refused; nothing is left' },
  (context) => withRetained(context, 20_000, async () => {}),
);

/** So that the broker has a while for what it was given, and the canary sees it. */
function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 700);
  });
}
