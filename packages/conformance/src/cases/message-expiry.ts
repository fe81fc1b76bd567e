import { CaseList } from '../case.ts';
import { check, elapse } from '../check.ts';
import { publish, subscribe } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { values } from '../wire/server-packet.ts';

/** How long a message lives, and what is said of it (§3.3.2.3.3). */
const list = new CaseList();
export const messageExpiryCases = list.cases;

list.v5(
  'a message expires, and its interval counts down while it waits',
  'MQTT-3.3.2-5 MQTT-3.3.2-6',
  async (context) => {
    const clientId = context.clientId();
    const options = { clientId, clean: false, properties: property.sessionExpiry(60) };
    const first = await context.connect(options);
    first.send(subscribe([[context.topic(), 1]]));
    await first.expect('suback');
    first.destroy();
    const sender = await context.connect();
    for (const [index, seconds] of [1, 60].entries()) {
      const expiry = { properties: property.messageExpiry(seconds), qos: 1, id: index + 1 };
      sender.send(publish(context.topic(), `${seconds}`, expiry));
      await sender.expect('puback');
    }
    await elapse(2500);
    const second = await context.connect(options);
    const received = await second.expect('publish');
    const left = values(received, 0x02)[0] as number;
    check(Buffer.from(received.payload).toString() === '60', 'the one that has not expired');
    check(left >= 55 && left <= 58, `${left} seconds left`);
  },
);

list.v5(
  'a retained message counts down, and is removed when it has expired',
  'MQTT-3.3.2-5 MQTT-3.3.2-6',
  async (context) => {
    const sender = await context.connect();
    for (const seconds of [1, 60]) {
      const topic = context.topic(`/${seconds}`);
      const expiry = { properties: property.messageExpiry(seconds), retain: true, qos: 1 };
      await context.deliver(sender, topic, `${seconds}`, expiry);
    }
    await elapse(2200);
    const client = await context.subscriber(context.topic('/#'));
    const received = await client.expect('publish', { topic: context.topic('/60'), retain: true });
    const left = values(received, 0x02)[0] as number;
    check(left >= 55 && left <= 58, `${left} seconds left`);
    await client.expectNothing();
    await context.deliver(sender, context.topic('/60'), '', { retain: true });
  },
);

list.v5(
  'a message that is passed on at once has its whole interval left',
  'MQTT-3.3.2-6',
  async (context) => {
    const client = await context.subscriber(context.topic(), 2);
    const sender = await context.connect();
    for (const qos of [0, 1, 2]) {
      for (const seconds of [10, 0xffff_ffff]) {
        const expiry = { qos, id: 5, properties: property.messageExpiry(seconds) };
        await context.deliver(sender, context.topic(), '', expiry);
        const left = values(await client.expect('publish', { qos }), 0x02)[0] as number;
        check(left <= seconds && left >= seconds - 1, `${left} of ${seconds}`);
      }
    }
  },
);

list.v5(
  'a message without an interval is passed on without one',
  'MQTT-3.3.2-6 §3.3.2.3.3',
  async (context) => {
    const client = await context.subscriber(context.topic(), 1);
    await context.deliver(await context.connect(), context.topic(), '', { qos: 1 });
    check((await client.expect('publish')).properties.length === 0, 'no properties');
  },
);
