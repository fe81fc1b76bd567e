import { CaseList } from '../case.ts';
import { check, elapse } from '../check.ts';
import type { Context } from '../client/context.ts';
import type { RawClient } from '../client/raw-client.ts';
import {
  ack,
  type ConnectOptions,
  connect,
  disconnect,
  publish,
  subscribe,
} from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { text, texts } from '../wire/server-packet.ts';

/** Sessions: how long they live, what they keep, and who has them (§3.1.2.11.2, §3.1.4, §4.1). */
const list = new CaseList();
export const sessionCases = list.cases;

/** Connects, and says whether there was a session. */
async function resume(
  context: Context,
  options: ConnectOptions,
): Promise<{ client: RawClient; sessionPresent: boolean }> {
  const client = await context.open(options.version ?? 5);
  client.send(connect(options));
  const { sessionPresent } = await client.expect('connack', { reasonCode: 0 });
  return { client, sessionPresent };
}

/** DISCONNECT, as the client sends it, and what the session then is. */
async function afterDisconnect(
  context: Context,
  expiry: number,
  sent: Uint8Array,
): Promise<boolean> {
  const options = context.durable({ properties: property.sessionExpiry(expiry) });
  const client = await context.connect(options);
  client.send(sent);
  await client.expectClosed([]);
  return (await resume(context, options)).sessionPresent;
}

list.v5('DISCONNECT may end a session that was to last', '§3.14.2.2.2 §4.1', async (context) => {
  const sent = disconnect(0, property.sessionExpiry(0));
  check(!(await afterDisconnect(context, 60, sent)), 'no session');
});

list.v5('DISCONNECT may shorten the life of a session', '§3.14.2.2.2', async (context) => {
  const options = context.durable();
  const client = await context.connect(options);
  client.send(disconnect(0, property.sessionExpiry(1)));
  await client.expectClosed([]);
  await elapse(2000);
  check(!(await resume(context, options)).sessionPresent, 'it has expired');
});

list.v5('DISCONNECT may lengthen the life of a session', '§3.14.2.2.2', async (context) => {
  const options = context.durable({ properties: property.sessionExpiry(1) });
  const client = await context.connect(options);
  client.send(disconnect(0, property.sessionExpiry(60)));
  await client.expectClosed([]);
  await elapse(2000);
  check((await resume(context, options)).sessionPresent, 'it is there');
});

list.v5(
  'without an interval in DISCONNECT, that of CONNECT holds',
  '§3.14.2.2.2',
  async (context) => {
    check(await afterDisconnect(context, 60, disconnect()), 'it is there');
    check(await afterDisconnect(context, 60, disconnect(0, [])), 'it is there');
  },
);

list.v5(
  'a session that was to end with its connection can’t be made to last by DISCONNECT',
  'MQTT-3.14.2-2 §3.14.2.2.2',
  async (context) => {
    const watching = await context.subscriber();
    const options = context.durable({
      properties: property.sessionExpiry(0),
      will: { topic: context.topic(), payload: 'bye' },
    });
    const client = await context.connect(options);
    client.send(disconnect(0, property.sessionExpiry(60)));
    await client.expectClosed([0x82]);
    await watching.expect('publish'); // Not a valid DISCONNECT: the will stays.
    check(!(await resume(context, options)).sessionPresent, 'no session');
    const allowed = await context.connect(context.durable({ properties: [] }));
    allowed.send(disconnect(0, property.sessionExpiry(0)));
    await allowed.expectClosed([]);
  },
);

list.v5('an interval of 0xFFFFFFFF never ends', '§3.1.2.11.2', async (context) => {
  check(await afterDisconnect(context, 0xffff_ffff, disconnect()), 'it is there');
});

list.v5(
  'the interval of the latest CONNECT holds',
  'MQTT-3.1.2-23 §3.1.2.11.2',
  async (context) => {
    const options = context.durable();
    const first = await context.connect(options);
    first.destroy();
    const second = await resume(context, { ...options, properties: property.sessionExpiry(0) });
    check(second.sessionPresent, 'resumed');
    second.client.send(disconnect());
    await second.client.expectClosed([]);
    check(!(await resume(context, options)).sessionPresent, 'it has ended');
  },
);

list.v5(
  'a session is used, not expired, while it is connected',
  'MQTT-3.1.2-23',
  async (context) => {
    const options = context.durable({ properties: property.sessionExpiry(1) });
    const first = await context.connect(options);
    await elapse(2000);
    first.destroy();
    check((await resume(context, options)).sessionPresent, 'it is there');
  },
);

list.v5(
  'an expiry that was under way stops when the client comes back',
  'MQTT-3.1.2-23',
  async (context) => {
    const options = context.durable({ properties: property.sessionExpiry(3) });
    const first = await context.subscriber(context.topic(), 1, options);
    first.destroy();
    await elapse(1500);
    const second = await context.connect(options);
    await elapse(2500);
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 1 });
    await second.expect('publish', { qos: 1 });
  },
);

list.v5(
  'a session keeps its subscriptions with their options and identifiers',
  'MQTT-3.1.2-5 §4.1',
  async (context) => {
    const options = context.durable();
    const first = await context.connect(options);
    first.send(
      subscribe([[context.topic('/a'), 1 | 8]], {
        properties: property.subscriptionIdentifier(77),
      }),
      subscribe([[context.topic('/b'), 0 | 4]], { id: 2 }),
    );
    await first.expect('suback');
    await first.expect('suback');
    first.destroy();
    const second = await context.connect(options);
    const sender = await context.connect();
    await context.deliver(sender, context.topic('/a'), 'x', { qos: 2, retain: true });
    const received = await second.expect('publish', { qos: 1, retain: true });
    check(
      received.properties.some(({ id, value }) => id === 0x0b && value === 77),
      'identifier',
    );
    second.send(publish(context.topic('/b'), 'own'));
    await second.expectNothing();
    await context.deliver(sender, context.topic('/b'), 'other');
    await second.expect('publish', { qos: 0 });
    await context.deliver(sender, context.topic('/a'), '', { retain: true });
  },
);

list.v5(
  'QoS 1 and 2 messages wait for a session without a connection, in order',
  'MQTT-4.5.0-1 MQTT-4.6.0-5 §4.1',
  async (context) => {
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 2, options);
    first.send(disconnect());
    await first.expectClosed([]);
    const sender = await context.connect();
    for (let id = 1; id <= 30; id++) {
      await context.deliver(sender, context.topic(), `${id}`, { qos: 1 + (id % 2), id });
    }
    const { client } = await resume(context, options);
    for (let id = 1; id <= 30; id++) {
      const received = await client.expect('publish', { qos: 1 + (id % 2), dup: false });
      check(text(received) === `${id}`, `${text(received)} in place of ${id}`);
      if (received.qos === 1) {
        client.send(ack('puback', received.id));
      } else {
        client.send(ack('pubrec', received.id));
        await client.expect('pubrel', { id: received.id });
        client.send(ack('pubcomp', received.id));
      }
    }
  },
  { maxInflight: 1 },
);

list.v5(
  'clean start forgets what was under way in both directions',
  'MQTT-3.1.2-4 MQTT-4.1.0-1 §4.1',
  async (context) => {
    const watching = await context.subscriber();
    const options = context.durable();
    const first = await context.subscriber(context.topic('/down'), 2, options);
    first.send(publish(context.topic(), 'first', { qos: 2, id: 7 }));
    await first.expect('pubrec', { id: 7 });
    const sender = await context.connect();
    await context.deliver(sender, context.topic('/down'), 'x', { qos: 2 });
    await first.expect('publish', { qos: 2 });
    first.destroy();
    const second = await context.connect({ ...options, clean: true });
    await second.expectNothing();
    await context.deliver(second, context.topic(), 'second', { qos: 2, id: 7 });
    // The first may have been delivered at its PUBLISH, or is forgotten (§4.3.3).
    check(texts(await watching.drain()).endsWith('second'), 'a message of its own');
  },
);

list.v5(
  'a session goes from MQTT 3.1.1 to 5 and back',
  'MQTT-3.1.2-5 MQTT-3.1.4-3 §3.1.2.11.2',
  async (context) => {
    const clientId = context.clientId();
    const early = { version: 4, clientId, clean: false } as const;
    const late = context.durable({ clientId });
    const first = await context.subscriber(context.topic(), 1, early);
    const { client: second, sessionPresent } = await resume(context, late);
    check(sessionPresent, 'MQTT 5 has the session');
    await first.expectClosed([]);
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 1 });
    const { id } = await second.expect('publish', { qos: 1 });
    const third = await resume(context, early);
    check(third.sessionPresent, 'MQTT 3.1.1 has the session');
    await second.expectClosed([0x8e]);
    await third.client.expect('publish', { qos: 1, id, dup: true });
  },
);

// ------------------------------------------------------------------------ takeover

list.v5(
  'of 1,000 connections of one client the last one stays, and each is answered',
  'MQTT-3.1.4-3 MQTT-3.2.0-1',
  async (context) => {
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 1, options);
    let open = first;
    for (let batch = 0; batch < 20; batch++) {
      const clients = await Promise.all(Array.from({ length: 50 }, () => context.open()));
      for (const client of clients) client.send(connect(options));
      for (const client of clients) {
        await client.expect('connack', { reasonCode: 0, sessionPresent: true });
      }
      // All but one are closed; which one was last is for the broker to say.
      await open.expectClosed([0x8e]);
      const ends = clients.map(async (client) => ({ client, end: await ending(client) }));
      const left = (await Promise.all(ends)).filter(({ end }) => end === 'open');
      check(left.length === 1, `${left.length} are open`);
      open = (left[0] as { client: RawClient }).client;
    }
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'once', { qos: 1 });
    await open.expect('publish', { qos: 1, dup: false });
    await open.expectNothing();
  },
);

/** Whether a connection was taken over, or answers. */
async function ending(client: RawClient): Promise<'open' | 'taken over'> {
  client.send(Uint8Array.of(0xc0, 0));
  const next = await client.next();
  if (next?.type === 'pingresp') return (await mayFollow(client)) ? 'taken over' : 'open';
  if (next === null || (next.type === 'disconnect' && next.reasonCode === 0x8e)) {
    return 'taken over';
  }
  throw new Error(`${next.type} without 0x8E`);
}

/** Whether a DISCONNECT follows a PINGRESP that was on its way before the takeover. */
async function mayFollow(client: RawClient): Promise<boolean> {
  client.send(Uint8Array.of(0xc0, 0));
  const next = await client.next();
  return next?.type !== 'pingresp';
}

for (const qos of [1, 2] as const) {
  list.v5(
    `takeovers under traffic lose no QoS ${qos} message${qos === 2 ? ' and double none' : ''}`,
    'MQTT-3.1.4-3 MQTT-4.4.0-1 MQTT-4.5.0-1',
    async (context) => {
      const options = context.durable();
      let client = await context.subscriber(context.topic(), qos, options);
      const sender = await context.connect();
      const count = 400;
      const sending = context.meanwhile(async () => {
        for (let index = 0; index < count; index++) {
          const id = (index % 100) + 1;
          await context.deliver(sender, context.topic(), `${index}`, { qos, id });
        }
      });
      const seen: number[] = [];
      const held = new Set<number>();
      const distinct = new Set<number>();
      for (let step = 1; distinct.size < count || held.size > 0; step++) {
        if (step % 37 === 0) {
          const next = await context.open();
          next.send(connect(options));
          await next.expect('connack', { reasonCode: 0, sessionPresent: true });
          // What the old connection got before it was closed counts: its acknowledgements were lost.
          client.destroy();
          client = next;
        }
        const received = await client.next();
        if (received === null) throw new Error('closed');
        if (received.type === 'publish' && qos === 1) {
          seen.push(Number(text(received)));
          distinct.add(Number(text(received)));
          client.send(ack('puback', received.id));
        } else if (received.type === 'publish') {
          if (!held.has(received.id)) {
            seen.push(Number(text(received)));
            distinct.add(Number(text(received)));
          }
          held.add(received.id);
          client.send(ack('pubrec', received.id));
        } else if (received.type === 'pubrel') {
          held.delete(received.id);
          client.send(ack('pubcomp', received.id));
        }
      }
      await sending;
      check(distinct.size === count, `${distinct.size} of ${count}`);
      if (qos === 2) check(seen.length === count, `${seen.length} of ${count}`);
      const firsts = [...distinct];
      check(
        firsts.every((value, index) => value === index),
        'in order',
      );
    },
  );
}

list.v5(
  'a takeover with clean start ends the session of the first',
  'MQTT-3.1.4-3 MQTT-3.1.4-4 MQTT-3.1.2-4',
  async (context) => {
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 1, options);
    const { client, sessionPresent } = await resume(context, { ...options, clean: true });
    check(!sessionPresent, 'no session');
    await first.expectClosed([0x8e]);
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 1 });
    await client.expectNothing();
  },
);

list.v5(
  'a takeover of a connection whose session ends with it finds no session',
  'MQTT-3.1.4-3 MQTT-4.1.0-2 §3.1.2.11.2',
  async (context) => {
    const options = { clientId: context.clientId(), clean: false };
    const first = await context.subscriber(context.topic(), 1, options);
    const { client, sessionPresent } = await resume(context, options);
    check(!sessionPresent, 'it ended with the connection');
    await first.expectClosed([0x8e]);
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 1 });
    await client.expectNothing();
  },
);
