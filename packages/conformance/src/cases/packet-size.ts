import { CaseList } from '../case.ts';
import { check } from '../check.ts';
import { publish } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { texts } from '../wire/server-packet.ts';

/** The Maximum Packet Size of a client (§3.1.2.11.4). */
const list = new CaseList();
export const packetSizeCases = list.cases;

list.v5(
  'no packet is larger than the client takes, and the others get theirs',
  'MQTT-3.1.2-24 MQTT-3.1.2-25',
  async (context) => {
    const small = await context.subscriber(context.topic(), 1, {
      properties: property.maximumPacketSize(60),
    });
    const large = await context.subscriber(context.topic(), 1);
    const sender = await context.connect();
    for (const [id, payload] of ['x'.repeat(100), 'fits'].entries()) {
      sender.send(publish(context.topic(), payload, { qos: 1, id: id + 1 }));
    }
    const { size, payload } = await small.expect('publish');
    check(size <= 60 && Buffer.from(payload).toString() === 'fits', `${size} bytes`);
    await large.expect('publish');
    await large.expect('publish');
  },
);

list.v5(
  'a packet that is just as large as the client takes is sent, and one byte more is not',
  'MQTT-3.1.2-24 MQTT-3.1.2-25',
  async (context) => {
    const maximum = 100;
    const sender = await context.connect();
    for (const qos of [0, 1, 2]) {
      const topic = context.topic(`/${qos}`);
      const limited = await context.subscriber(topic, qos, {
        properties: property.maximumPacketSize(maximum),
      });
      const other = await context.subscriber(topic, qos);
      const overhead = 2 + 2 + Buffer.byteLength(topic) + (qos > 0 ? 2 : 0) + 1;
      for (const [id, size] of [maximum + 1, maximum].entries()) {
        await context.deliver(sender, topic, new Uint8Array(size - overhead), { qos, id: id + 1 });
        await other.expect('publish', { size });
      }
      await limited.expect('publish', { size: maximum });
      await limited.expectNothing();
    }
  },
);

list.v5(
  'a message too large for a client does not hold up those after it',
  'MQTT-3.1.2-25 §3.1.2.11.4',
  async (context) => {
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 1, options);
    first.destroy();
    const sender = await context.connect();
    for (const [index, payload] of ['1', 'x'.repeat(5000), '3'].entries()) {
      await context.deliver(sender, context.topic(), payload, { qos: 1, id: index + 1 });
    }
    const second = await context.connect({
      ...options,
      properties: [property.sessionExpiry(60), property.maximumPacketSize(1000)],
    });
    check(texts(await second.drain()) === '1,3', 'those that fit');
  },
);

list.v5(
  'a retained message too large for a client is not sent to it',
  'MQTT-3.1.2-25 MQTT-3.1.2-24',
  async (context) => {
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x'.repeat(5000), { qos: 1, retain: true });
    const limited = await context.subscriber(context.topic(), 1, {
      properties: property.maximumPacketSize(1000),
    });
    await limited.expectNothing();
    const other = await context.subscriber(context.topic(), 1);
    await other.expect('publish', { retain: true });
    await context.deliver(sender, context.topic(), '', { retain: true });
  },
);

list.v5(
  'a client that states no maximum gets packets of a megabyte',
  '§3.1.2.11.4 §2.1.4',
  async (context) => {
    const client = await context.subscriber(context.topic(), 2);
    const sender = await context.connect();
    const payload = Uint8Array.from({ length: 1_000_000 }, (_, index) => index % 251);
    for (const qos of [0, 1, 2]) {
      await context.deliver(sender, context.topic(), payload, { qos, id: qos + 1 });
      const received = await client.expect('publish', { qos });
      check(Buffer.compare(received.payload, payload) === 0, 'as it was sent');
    }
  },
);
