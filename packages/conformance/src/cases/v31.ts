import { CaseList } from '../case.ts';
import { check } from '../check.ts';
import { field, type Part, packet, u16 } from '../wire/bytes.ts';
import { ack, connect, disconnect, pingreq, publish, subscribe } from '../wire/client-packets.ts';

const list = new CaseList();
export const v31Cases = list.cases;

const V3 = { version: 3 } as const;

/** CONNECT with flags, and with other bits in its first byte. */
function raw(firstByte: number, flags: number, ...payload: readonly Part[]): Uint8Array {
  return packet(firstByte, field('MQIsdp'), 3, flags, u16(60), ...payload);
}

list.v31('what is sent again with DUP is answered', '§2.1', async (context) => {
  const client = await context.connect(V3);
  client.send(packet(0x8a, u16(1), field(context.topic()), 1));
  await client.expect('suback', { id: 1, reasonCodes: [1] });
  client.send(packet(0xaa, u16(2), field(context.topic())));
  await client.expect('unsuback', { id: 2 });
  client.send(packet(0x6a, u16(3)));
  await client.expect('pubcomp', { id: 3 });
});

list.v31(
  'a QoS 2 exchange continues after its connection was lost, with DUP, and is delivered once',
  '§2.1 §4.1',
  async (context) => {
    const subscriber = await context.subscriber(context.topic(), 2);
    const session = context.durable(V3);
    const first = await context.connect(session);
    first.send(publish(context.topic(), 'x', { ...V3, qos: 2, id: 5 }));
    await first.expect('pubrec', { id: 5 });
    first.destroy();
    const second = await context.connect(session);
    second.send(publish(context.topic(), 'x', { ...V3, qos: 2, id: 5, dup: true }));
    await second.expect('pubrec', { id: 5 });
    second.send(packet(0x6a, u16(5)), packet(0x6a, u16(5)));
    await second.expect('pubcomp', { id: 5 });
    await second.expect('pubcomp', { id: 5 });
    const copies = (await subscriber.drain()).filter(({ type }) => type === 'publish');
    check(copies.length === 1, `${copies.length} copies`);
  },
);

list.v31('unused bits of the fixed header are ignored', '§2.6', async (context) => {
  for (const first of [0x11, 0x12, 0x1f]) {
    const client = await context.open(3);
    client.send(raw(first, 0x02, field(context.clientId())));
    await client.expect('connack', { reasonCode: 0 });
    client.send(packet(0x80, u16(1), field(context.topic()), 0));
    await client.expect('suback', { id: 1 });
    client.send(packet(0xa0, u16(2), field(context.topic())));
    await client.expect('unsuback', { id: 2 });
    client.send(packet(0x60, u16(3)));
    await client.expect('pubcomp', { id: 3 });
    client.send(packet(0x4f, u16(4)), packet(0xcf));
    await client.expect('pingresp');
  }
});

list.v31('unused bits of CONNECT and SUBSCRIBE are ignored', '§2.6 §3.1 §3.8', async (context) => {
  // Bit 0, and the QoS and RETAIN of a will that isn't there.
  for (const flags of [0x03, 0x0a, 0x1a, 0x22]) {
    const client = await context.open(3);
    client.send(raw(0x10, flags, field(context.clientId())));
    await client.expect('connack', { reasonCode: 0 });
    client.send(packet(0x82, u16(1), field(context.topic()), 0xfd));
    await client.expect('suback', { id: 1, reasonCodes: [1] });
  }
});

list.v31('announced user names and passwords may be missing', '§3.1', async (context) => {
  context.anyCredentials();
  for (const [flags, ...payload] of [[0x82], [0xc2], [0x42], [0xc2, field('user')]] as const) {
    const client = await context.open(3);
    client.send(raw(0x10, flags, field(context.clientId()), ...payload));
    await client.expect('connack', { reasonCode: 0 });
  }
});

list.v31('the first byte of CONNACK is reserved', '§3.2', async (context) => {
  const session = context.durable(V3);
  for (let time = 0; time < 2; time++) {
    const client = await context.open(3);
    client.send(connect(session));
    await client.expect('connack', { reasonCode: 0, sessionPresent: false });
    client.send(disconnect());
    await client.expectClosed([]);
  }
});

list.v31(
  'an empty client identifier is answered with return code 2',
  '§3.1 §3.2',
  async (context) => {
    const client = await context.open(3);
    client.send(connect({ ...V3, clientId: '' }));
    await client.expect('connack', { reasonCode: 2 });
    await client.expectClosed([]);
  },
);

list.v31('another level is answered with return code 1', '§3.1 §3.2', async (context) => {
  for (const level of [2, 4, 5]) {
    const client = await context.open(3);
    client.send(packet(0x10, field('MQIsdp'), level, 2, u16(60), field(context.clientId())));
    await client.expect('connack', { reasonCode: 1 });
    await client.expectClosed([]);
  }
});

list.v31(
  'what is malformed in MQTT 3.1, too, closes the connection',
  '§2.1 §2.4',
  async (context) => {
    for (const wrong of [
      packet(0x36, field('t'), u16(1)), // QoS 3
      publish('t', 'x', { ...V3, qos: 1, id: 0 }),
      publish('a/+', 'x', V3),
      publish('', 'x', V3),
      subscribe([['#/a', 0]], V3),
      subscribe([['t', 3]], V3),
      packet(0xf0),
    ]) {
      await context.refused(wrong, [], 3);
    }
    await context.refusedConnect(pingreq, 3, []);
  },
);

list.v31('a message goes from MQTT 3.1 to all versions and back', '§3.3', async (context) => {
  const subscribers = await Promise.all(
    ([3, 4, 5] as const).map((version) => context.subscriber(context.topic(), 2, { version })),
  );
  for (const version of [3, 4, 5] as const) {
    const sender = await context.connect({ version });
    sender.send(publish(context.topic(), `of ${version}`, { version, qos: 2, id: 1 }));
    await sender.expect('pubrec', { id: 1 });
    sender.send(ack('pubrel', 1));
    await sender.expect('pubcomp', { id: 1 });
    for (const subscriber of subscribers) {
      const { id } = await subscriber.expect('publish', { qos: 2 });
      subscriber.send(ack('pubrec', id));
      await subscriber.expect('pubrel', { id });
      subscriber.send(ack('pubcomp', id));
    }
  }
});
