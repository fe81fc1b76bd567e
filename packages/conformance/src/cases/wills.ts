import { CaseList } from '../case.ts';
import { check, elapse, WRONG } from '../check.ts';
import type { Context } from '../client/context.ts';
import type { RawClient } from '../client/raw-client.ts';
import { bytes, type Part, packet } from '../wire/bytes.ts';
import {
  type ConnectOptions,
  connect,
  disconnect,
  publish,
  subscribe,
} from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { text, texts, values } from '../wire/server-packet.ts';

/** Wills: when they are published, and as what (§3.1.2.5, §3.1.3.2, §3.14.4). */
const list = new CaseList();
export const willCases = list.cases;

/** PUBREL with other flags than its own [MQTT-2.1.3-1]. */
const MALFORMED = packet(0x60, 0, 1);

/** A client whose will goes to the topic of the case. */
function withWill(
  context: Context,
  props: Part = [],
  options: ConnectOptions = {},
): Promise<RawClient> {
  const will = { topic: context.topic(), payload: 'bye', properties: props };
  return context.connect({ properties: property.sessionExpiry(60), will, ...options });
}

/** A will for CONNECT. */
const will = (topic: string, fields: object = {}) => ({ topic, payload: 'bye', qos: 1, ...fields });

list.v5(
  'a will is published when the connection is lost',
  'MQTT-3.1.2-7 MQTT-3.1.2-8 MQTT-3.1.2-10 MQTT-3.1.2-14',
  async (context) => {
    const watching = await context.subscriber(context.topic(), 1);
    const client = await context.connect({ will: will(context.topic()) });
    client.destroy();
    const { payload, retain } = await watching.expect('publish', { qos: 1 });
    check(Buffer.from(payload).toString() === 'bye' && !retain, 'the will');
    await watching.expectNothing();
  },
);

list.v5(
  'a normal DISCONNECT deletes the will, and 0x04 does not',
  'MQTT-3.14.4-3 MQTT-3.1.2-8 MQTT-3.1.2-10',
  async (context) => {
    const watching = await context.subscriber(context.topic(), 1);
    for (const code of [undefined, 0x00, 0x04]) {
      const client = await context.connect({ will: will(context.topic()) });
      client.send(disconnect(code));
      await client.expectClosed([]);
    }
    await watching.expect('publish');
    await watching.expectNothing();
  },
);

list.v5(
  'a retained will is retained, with its properties',
  'MQTT-3.1.2-15 MQTT-3.1.3-10',
  async (context) => {
    const watching = await context.subscriber(context.topic(), 1);
    const client = await context.connect({
      will: will(context.topic(), {
        retain: true,
        properties: [property.willDelay(0), property.contentType('c'), property.user('k', 'v')],
      }),
    });
    client.destroy();
    await watching.expect('publish');
    const late = await context.connect();
    late.send(subscribe([[context.topic(), 1]]));
    await late.expect('suback');
    const { properties } = await late.expect('publish', { retain: true });
    check(properties.map(({ id }) => id).join() === '3,38', 'without the delay');
  },
);

list.v5(
  'a new connection before the delay has passed keeps the will from being sent',
  'MQTT-3.1.3-9 MQTT-3.1.2-8',
  async (context) => {
    const watching = await context.subscriber(context.topic(), 1);
    const options = {
      clientId: context.clientId(),
      clean: false,
      properties: property.sessionExpiry(60),
      will: will(context.topic(), { properties: property.willDelay(3) }),
    };
    const first = await context.connect(options);
    first.destroy();
    const second = await context.connect({
      ...options,
      will: will(context.topic(), { payload: 'second' }),
    });
    await elapse(3500);
    await watching.expectNothing();
    second.destroy();
    const { payload } = await watching.expect('publish');
    check(Buffer.from(payload).toString() === 'second', 'the will of the new connection');
  },
);

list.v5(
  'a will whose session ends does not wait for its delay',
  '§3.1.2.5 §3.1.3.2.2',
  async (context) => {
    const watching = await context.subscriber(context.topic(), 1);
    const client = await context.connect({
      will: will(context.topic(), { properties: property.willDelay(3600) }),
    });
    client.destroy();
    await watching.expect('publish');
  },
);

list.v5(
  'a will is published for each way in which a connection is lost',
  'MQTT-3.1.2-8 §3.1.2.5',
  async (context) => {
    const watching = await context.subscriber();
    const ways: readonly ((client: RawClient) => void)[] = [
      (client) => client.destroy(),
      (client) => client.end(),
      (client) => client.send(MALFORMED),
      (client) => client.send(publish('a/#', '')),
      (client) => client.send(disconnect(0x04)),
    ];
    for (const lose of ways) {
      lose(await withWill(context));
      check(text(await watching.expect('publish')) === 'bye', 'the will');
    }
  },
);

list.v5(
  'a will is published when keep alive runs out',
  'MQTT-3.1.2-8 MQTT-3.1.2-22',
  async (context) => {
    const watching = await context.subscriber();
    await withWill(context, [], { keepAlive: 1 });
    await watching.expect('publish');
  },
);

list.v5(
  'only DISCONNECT with 0x00 deletes a will',
  'MQTT-3.14.4-3 MQTT-3.1.2-10 §3.14.4',
  async (context) => {
    const watching = await context.subscriber();
    for (const code of [
      0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    ]) {
      const client = await withWill(context);
      client.send(disconnect(code));
      await watching.expect('publish');
    }
    for (const normal of [disconnect(), disconnect(0), disconnect(0, property.sessionExpiry(10))]) {
      const client = await withWill(context);
      client.send(normal);
      await client.expectClosed([]);
    }
    await watching.expectNothing();
  },
);

list.v5('a will is deleted once it is published', 'MQTT-3.1.2-10', async (context) => {
  const watching = await context.subscriber();
  const options = context.durable();
  const first = await context.connect({
    ...options,
    will: { topic: context.topic(), payload: 'once' },
  });
  first.destroy();
  await watching.expect('publish');
  const second = await context.connect(options);
  second.destroy();
  const third = await context.connect(options);
  third.send(disconnect(0x04));
  await third.expectClosed([]);
  await watching.expectNothing();
});

list.v5('a will waits for its delay', 'MQTT-3.1.2-8 §3.1.3.2.2', async (context) => {
  const watching = await context.subscriber();
  const client = await withWill(context, property.willDelay(2));
  client.send(disconnect(0x04));
  await client.expectClosed([]);
  await watching.expectNothing();
  check(text(await watching.expect('publish')) === 'bye', 'the will');
});

list.v5(
  'a will whose delay is longer than its session is sent when that ends',
  'MQTT-3.1.2-8 §3.1.3.2.2',
  async (context) => {
    const watching = await context.subscriber();
    const client = await withWill(context, property.willDelay(60), {
      properties: property.sessionExpiry(2),
    });
    client.destroy();
    await watching.expectNothing();
    await watching.expect('publish');
  },
);

list.v5(
  'DISCONNECT that ends the session sends the will at once',
  '§3.1.2.5 §3.14.2.2.2',
  async (context) => {
    const watching = await context.subscriber();
    const client = await withWill(context, property.willDelay(60));
    client.send(disconnect(0x04, property.sessionExpiry(0)));
    await client.expectClosed([]);
    await watching.expect('publish');
  },
);

list.v5(
  'a new connection with clean start ends the session, and the will does not wait',
  'MQTT-3.1.2-8 MQTT-3.1.3-9 §3.1.3.2.2',
  async (context) => {
    const watching = await context.subscriber();
    const clientId = context.clientId();
    const client = await withWill(context, property.willDelay(60), { clientId });
    client.destroy();
    await context.connect({ clientId, clean: true });
    await watching.expect('publish');
  },
);

list.v5(
  'a takeover keeps a delayed will from being sent, and the new one holds',
  'MQTT-3.1.3-9 §3.1.3.2.2',
  async (context) => {
    const watching = await context.subscriber();
    const options = context.durable();
    const will = (payload: string, delay: number) => ({
      ...options,
      will: { topic: context.topic(), payload, properties: property.willDelay(delay) },
    });
    await context.connect(will('first', 2));
    const second = await context.connect(will('second', 0));
    await elapse(2500);
    await watching.expectNothing();
    second.destroy();
    check(text(await watching.expect('publish')) === 'second', 'the second will');
  },
);

list.v5(
  'a takeover with clean start sends a delayed will',
  'MQTT-3.1.2-8 §3.1.3.2.2',
  async (context) => {
    const watching = await context.subscriber();
    const clientId = context.clientId();
    await withWill(context, property.willDelay(60), { clientId });
    await context.connect({ clientId, clean: true });
    await watching.expect('publish');
  },
);

list.v5('a will is sent with its QoS', 'MQTT-3.1.2-12 §3.1.2.6', async (context) => {
  const watching = await context.subscriber(context.topic(), 2);
  for (const qos of [0, 1, 2]) {
    const client = await context.connect({ will: { topic: context.topic(), payload: '', qos } });
    client.destroy();
    await watching.expect('publish', { qos, retain: false, dup: false });
  }
});

list.v5(
  'a will waits for a session without a connection',
  'MQTT-4.5.0-1 §3.1.2.5',
  async (context) => {
    const options = context.durable();
    const away = await context.subscriber(context.topic(), 1, options);
    away.destroy();
    const watching = await context.subscriber();
    const client = await context.connect({
      will: { topic: context.topic(), payload: 'bye', qos: 1 },
    });
    client.destroy();
    await watching.expect('publish');
    const back = await context.connect(options);
    check(text(await back.expect('publish', { qos: 1 })) === 'bye', 'the will');
  },
);

list.v5(
  'a will goes out with its properties, in order, and without those that are for the broker',
  'MQTT-3.1.3-10 §3.1.3.2 MQTT-3.3.2-18',
  async (context) => {
    const watching = await context.subscriber();
    const client = await withWill(context, [
      property.user('b', '1'),
      property.willDelay(0),
      property.contentType('type'),
      property.user('a', '2'),
      property.responseTopic('re/ply'),
      property.correlationData(bytes(0, 0xff)),
      property.payloadFormat(1),
      property.messageExpiry(100),
      property.user('b', '1'),
    ]);
    client.destroy();
    const received = await watching.expect('publish');
    const pairs = JSON.stringify(values(received, 0x26));
    check(pairs === '[["b","1"],["a","2"],["b","1"]]', pairs);
    check(`${values(received, 0x01)}` === '1', 'payload format indicator');
    check(`${values(received, 0x02)}` === '100', 'message expiry');
    check(`${values(received, 0x03)}` === 'type', 'content type');
    check(`${values(received, 0x08)}` === 're/ply', 'response topic');
    check(`${values(received, 0x09)}` === '0,255', 'correlation data');
    check(values(received, 0x18).length === 0, 'no delay');
  },
);

list.v5(
  'a retained will counts its expiry down, and expires',
  'MQTT-3.3.2-5 MQTT-3.3.2-6 MQTT-3.1.2-15',
  async (context) => {
    const watching = await context.subscriber(context.topic('/#'));
    for (const [suffix, seconds] of [
      ['/short', 1],
      ['/long', 60],
    ] as const) {
      const client = await context.connect({
        will: {
          topic: context.topic(suffix),
          payload: 'bye',
          retain: true,
          properties: property.messageExpiry(seconds),
        },
      });
      client.destroy();
      await watching.expect('publish', { retain: false });
    }
    await elapse(2200);
    const late = await context.subscriber(context.topic('/#'));
    const received = await late.expect('publish', { topic: context.topic('/long'), retain: true });
    const left = values(received, 0x02)[0] as number;
    check(left >= 55 && left <= 58, `${left} seconds left`);
    await late.expectNothing();
    await context.deliver(late, context.topic('/long'), '', { retain: true });
  },
);

list.v5(
  'a retained will without payload removes what was retained',
  'MQTT-3.1.2-15 MQTT-3.3.1-6',
  async (context) => {
    const watching = await context.subscriber(context.topic(), 1);
    await context.deliver(await context.connect(), context.topic(), 'kept', {
      qos: 1,
      retain: true,
    });
    await watching.expect('publish');
    const client = await context.connect({
      will: { topic: context.topic(), payload: '', retain: true },
    });
    client.destroy();
    await watching.expect('publish');
    const late = await context.subscriber();
    check(texts(await late.drain()) === '', 'nothing is retained');
  },
);

list.v5(
  'a will topic must be a topic name',
  'MQTT-3.1.3-11 MQTT-4.7.0-1 MQTT-4.7.3-1',
  async (context) => {
    for (const topic of ['', 'a/+', '#', 'a/#', bytes(0x61, 0)]) {
      const wrong = connect({ clientId: context.clientId(), will: { topic, payload: '' } });
      await context.refusedConnect(wrong, 5, [...WRONG, 0x90]);
    }
  },
);

list.v5(
  'a will that is refused with its CONNECT is not published',
  'MQTT-3.1.4-6 §3.1.2.5',
  async (context) => {
    const watching = await context.subscriber();
    const will = { topic: context.topic(), payload: 'bye' };
    const method = property.authenticationMethod('none');
    await context.refusedConnect(
      connect({ clientId: context.clientId(), will, properties: method }),
      5,
      [0x8c],
    );
    await watching.expectNothing();
  },
);

list.v4(
  'a will follows every loss but DISCONNECT',
  'MQTT-3.1.2-8 MQTT-3.1.2-10 MQTT-3.14.4-3',
  async (context) => {
    const watching = await context.subscriber(context.topic(), 0, { version: 4 });
    const will = { topic: context.topic(), payload: 'bye' };
    for (const lose of [
      (client: RawClient) => client.destroy(),
      (client: RawClient) => client.end(),
      (client: RawClient) => client.send(MALFORMED),
    ]) {
      lose(await context.connect({ version: 4, will }));
      await watching.expect('publish');
    }
    const clientId = context.clientId();
    await context.connect({ version: 4, clientId, will });
    const second = await context.connect({ version: 4, clientId });
    await watching.expect('publish'); // [MQTT-3.1.4-2] closes the first one's connection.
    second.send(disconnect());
    await second.expectClosed([]);
    await watching.expectNothing();
  },
);
