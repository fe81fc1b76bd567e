import { CaseList } from '../case.ts';
import { check, WRONG } from '../check.ts';
import { packet, u16 } from '../wire/bytes.ts';
import { ack, publish } from '../wire/client-packets.ts';
import { texts } from '../wire/server-packet.ts';

/** QoS 1 and 2: what is acknowledged, how, and what is sent again (§3.4 to §3.7, §4.3, §4.4). */
const list = new CaseList();
export const acknowledgementCases = list.cases;

list.v5(
  'QoS 1 is answered with PUBACK of the same identifier, each time again',
  'MQTT-2.2.1-5 MQTT-3.3.4-1 MQTT-4.3.2-4 MQTT-4.3.2-5',
  async (context) => {
    const receiver = await context.subscriber();
    const sender = await context.connect();
    for (const dup of [false, true]) {
      sender.send(publish(context.topic(), 'x', { qos: 1, id: 0x1234, dup }));
      await sender.expect('puback', { id: 0x1234, reasonCode: 0 });
      await receiver.expect('publish', { dup: false });
    }
  },
);

list.v5(
  'QoS 2 is delivered once, however often PUBLISH and PUBREL are repeated',
  'MQTT-4.3.3-8 MQTT-4.3.3-10 MQTT-4.3.3-11 MQTT-4.3.3-12',
  async (context) => {
    const receiver = await context.subscriber();
    const sender = await context.connect();
    const again = { qos: 2, id: 9 };
    for (const dup of [false, true, true, false]) {
      sender.send(publish(context.topic(), 'once', { ...again, dup }));
      await sender.expect('pubrec', { id: 9 });
    }
    sender.send(ack('pubrel', 9));
    await sender.expect('pubcomp', { id: 9, reasonCode: 0 });
    sender.send(ack('pubrel', 9));
    await sender.expect('pubcomp', { id: 9, reasonCode: 0x92 });
    sender.send(publish(context.topic(), 'new', again));
    await sender.expect('pubrec', { id: 9 });
    const received = (await receiver.drain()).map(({ payload }) => Buffer.from(payload).toString());
    check(`${received}` === 'once,new', `${received}`);
  },
);

list.v5(
  'a QoS 2 exchange continues after a reconnection',
  'MQTT-4.4.0-1 MQTT-4.3.3-10',
  async (context) => {
    const receiver = await context.subscriber();
    const options = context.durable();
    const first = await context.connect(options);
    first.send(publish(context.topic(), 'x', { qos: 2, id: 5 }));
    await first.expect('pubrec', { id: 5 });
    first.destroy();
    const second = await context.connect(options);
    second.send(publish(context.topic(), 'x', { qos: 2, id: 5, dup: true }));
    await second.expect('pubrec', { id: 5 });
    second.send(ack('pubrel', 5));
    await second.expect('pubcomp', { id: 5, reasonCode: 0 });
    check((await receiver.drain()).length === 1, 'one message');
  },
);

list.v5('no matching subscribers may be told', 'MQTT-3.4.2-1 MQTT-3.5.2-1', async (context) => {
  const sender = await context.connect();
  sender.send(publish(context.topic(), '', { qos: 1 }), publish(context.topic(), '', { qos: 2 }));
  for (const type of ['puback', 'pubrec'] as const) {
    const { reasonCode } = await sender.expect(type);
    check(reasonCode === 0 || reasonCode === 0x10, `0x${reasonCode.toString(16)}`);
  }
});

list.v5(
  'unacknowledged messages are sent again with DUP, in order, with their identifiers',
  'MQTT-3.3.1-1 MQTT-3.3.1-3 MQTT-4.3.2-1 MQTT-4.3.2-2 MQTT-4.3.2-3 MQTT-4.3.3-1 MQTT-4.3.3-2 MQTT-4.3.3-3 MQTT-4.4.0-1 MQTT-4.5.0-1',
  async (context) => {
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 2, options);
    const sender = await context.connect();
    const qos = [1, 2, 1, 2];
    for (const [index, one] of qos.entries()) {
      await context.deliver(sender, context.topic(), `${index}`, { qos: one, id: index + 1 });
    }
    const ids: number[] = [];
    for (const one of qos) ids.push((await first.expect('publish', { qos: one, dup: false })).id);
    check(new Set(ids).size === 4, 'four identifiers');
    first.destroy();
    const second = await context.connect(options);
    for (const [index, one] of qos.entries()) {
      await second.expect('publish', { qos: one, dup: true, id: ids[index] as number });
    }
  },
);

list.v5(
  'an owed PUBREL is sent again, and the PUBLISH is not',
  'MQTT-4.3.3-4 MQTT-4.3.3-5 MQTT-4.3.3-6 MQTT-3.6.2-1',
  async (context) => {
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 2, options);
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 2 });
    const { id } = await first.expect('publish', { qos: 2 });
    first.send(ack('pubrec', id));
    await first.expect('pubrel', { id });
    first.destroy();
    const second = await context.connect(options);
    await second.expect('pubrel', { id });
    second.send(ack('pubcomp', id));
    await second.expectNothing();
  },
);

list.v5(
  'an error code in PUBACK or PUBREC ends the delivery',
  'MQTT-4.4.0-2 §4.3.3',
  async (context) => {
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 2, options);
    const sender = await context.connect();
    for (const [qos, answer] of [
      [1, 'puback'],
      [2, 'pubrec'],
    ] as const) {
      await context.deliver(sender, context.topic(), 'x', { qos, id: qos });
      const { id } = await first.expect('publish', { qos });
      first.send(ack(answer, id, 0x97));
    }
    await first.expectNothing();
    first.destroy();
    const second = await context.connect(options);
    await second.expectNothing();
  },
);

list.v5(
  'an unknown PUBREC is answered with PUBREL 0x92, and other unknown ones do no harm',
  '§3.6.2.1 MQTT-3.7.2-1',
  async (context) => {
    const client = await context.connect();
    client.send(ack('pubrec', 77));
    await client.expect('pubrel', { id: 77, reasonCode: 0x92 });
    client.send(ack('pubrel', 78));
    await client.expect('pubcomp', { id: 78, reasonCode: 0x92 });
  },
);

list.v5('PUBREL has its flags', 'MQTT-3.6.1-1', async (context) => {
  await context.refused(packet(0x60, u16(1)), WRONG);
});

list.v5(
  'a QoS 2 message is delivered once, repeated at any point over reconnections',
  'MQTT-4.3.3-8 MQTT-4.3.3-10 MQTT-4.3.3-11 MQTT-4.4.0-1',
  async (context) => {
    const watching = await context.subscriber();
    const options = context.durable();
    const again = { qos: 2, id: 21 };
    let client = await context.connect(options);
    client.send(publish(context.topic(), 'once', again));
    await client.expect('pubrec', { id: 21 });
    for (let round = 0; round < 3; round++) {
      client.destroy();
      client = await context.connect(options);
      client.send(publish(context.topic(), 'once', { ...again, dup: true }));
      await client.expect('pubrec', { id: 21, reasonCode: 0 });
    }
    client.send(ack('pubrel', 21));
    await client.expect('pubcomp', { id: 21, reasonCode: 0 });
    client.destroy();
    client = await context.connect(options);
    client.send(ack('pubrel', 21));
    await client.expect('pubcomp', { id: 21, reasonCode: 0x92 });
    check(texts(await watching.drain()) === 'once', 'once');
  },
);

list.v5(
  'a repeated QoS 2 message is one message, whatever it holds',
  'MQTT-4.3.3-10',
  async (context) => {
    const watching = await context.subscriber(context.topic('/#'));
    const sender = await context.connect();
    sender.send(publish(context.topic('/a'), 'first', { qos: 2, id: 4 }));
    sender.send(publish(context.topic('/b'), 'second', { qos: 2, id: 4, dup: true }));
    await sender.expect('pubrec', { id: 4 });
    await sender.expect('pubrec', { id: 4 });
    sender.send(ack('pubrel', 4));
    await sender.expect('pubcomp', { id: 4 });
    check((await watching.drain()).length === 1, 'one message');
  },
);

list.v5(
  'an identifier is new again after PUBREL',
  'MQTT-4.3.3-12 MQTT-2.2.1-4',
  async (context) => {
    const watching = await context.subscriber();
    const sender = await context.connect();
    for (const dup of [false, true, false]) {
      sender.send(publish(context.topic(), 'x', { qos: 2, id: 65_535, dup }));
      await sender.expect('pubrec', { id: 65_535 });
      sender.send(ack('pubrel', 65_535));
      await sender.expect('pubcomp', { id: 65_535, reasonCode: 0 });
    }
    check(texts(await watching.drain()) === 'x,x,x', 'three messages');
  },
);

list.v5(
  'QoS 1 with the identifier of a QoS 2 message under way is refused with 0x91, or taken',
  '§2.2.1 §3.4.2.1',
  async (context) => {
    const sender = await context.connect();
    sender.send(publish(context.topic(), 'x', { qos: 2, id: 4 }));
    await sender.expect('pubrec', { id: 4 });
    sender.send(publish(context.topic(), 'y', { qos: 1, id: 4 }));
    const { reasonCode } = await sender.expect('puback', { id: 4 });
    check([0, 0x10, 0x91].includes(reasonCode), `0x${reasonCode.toString(16)}`);
    sender.send(ack('pubrel', 4));
    await sender.expect('pubcomp', { id: 4, reasonCode: 0 });
  },
);

list.v5(
  'exchanges may be interleaved',
  'MQTT-4.3.3-8 MQTT-4.3.3-11 MQTT-4.6.0-5',
  async (context) => {
    const watching = await context.subscriber();
    const sender = await context.connect();
    for (let id = 1; id <= 20; id++) sender.send(publish(context.topic(), `${id}`, { qos: 2, id }));
    for (let id = 1; id <= 20; id++) await sender.expect('pubrec', { id });
    for (let id = 20; id >= 1; id--) sender.send(ack('pubrel', id));
    for (let id = 20; id >= 1; id--) await sender.expect('pubcomp', { id, reasonCode: 0 });
    const seen = texts(await watching.drain()).split(',');
    check(new Set(seen).size === 20 && seen.length === 20, `${seen}`);
  },
);

list.v5(
  'PUBLISH with DUP is a message of its own for those who get it',
  'MQTT-3.3.1-3 MQTT-3.3.1-1',
  async (context) => {
    const client = await context.subscriber(context.topic(), 1);
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 1, dup: true });
    await client.expect('publish', { dup: false });
  },
);

list.v5(
  'an acknowledgement of the wrong kind does not end a delivery',
  '§4.3.2 §4.3.3',
  async (context) => {
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 1, options);
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 1 });
    const { id } = await first.expect('publish', { qos: 1 });
    first.send(ack('pubcomp', id));
    await first.next(); // A DISCONNECT, or the close.
    first.destroy();
    const second = await context.connect(options);
    await second.expect('publish', { qos: 1, id, dup: true });
  },
);
