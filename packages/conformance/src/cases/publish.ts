import { CaseList } from '../case.ts';
import { check, WRONG } from '../check.ts';
import { bytes, field, packet } from '../wire/bytes.ts';
import { ack, publish, subscribe } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { values } from '../wire/server-packet.ts';

/** PUBLISH: its topic, its properties and its payload (§3.3). */
const list = new CaseList();
export const publishCases = list.cases;

list.v5(
  'QoS 0 has no packet identifier and QoS 1 and 2 have one other than 0',
  'MQTT-2.2.1-2 MQTT-2.2.1-3 MQTT-2.2.1-4 MQTT-4.3.1-1',
  async (context) => {
    const receiver = await context.subscriber(context.topic(), 2);
    const sender = await context.connect();
    for (const qos of [0, 1, 2]) {
      await context.deliver(sender, context.topic(), `${qos}`, { qos, id: qos + 1 });
    }
    for (const expected of [0, 1, 2]) {
      const { qos, id } = await receiver.expect('publish', { qos: expected });
      check(id > 0 === qos > 0, `identifier ${id} at QoS ${qos}`);
    }
    await context.refused(publish('t', '', { qos: 1, id: 0 }), WRONG);
    await context.refused(publish('t', '', { qos: 2, id: 0 }), WRONG);
  },
);

list.v5('QoS 3 and DUP at QoS 0 are malformed', 'MQTT-3.3.1-2 MQTT-3.3.1-4', async (context) => {
  await context.refused(publish('t', '', { qos: 3 }), WRONG);
  await context.refused(publish('t', '', { dup: true }), WRONG);
});

list.v5(
  'a topic name must be valid UTF-8 without wildcards',
  'MQTT-3.3.2-1 MQTT-3.3.2-2 MQTT-4.7.0-1 MQTT-4.7.3-2',
  async (context) => {
    for (const topic of [
      'a/+',
      '#',
      'a/#',
      'a+',
      bytes(0xff),
      bytes(0x61, 0),
      bytes(0xed, 0xa0, 0x80),
    ]) {
      await context.refused(publish(topic, ''), [...WRONG, 0x90]);
    }
  },
);

list.v5('an empty topic name needs an alias', 'MQTT-4.7.3-1 §3.3.2.3.4', async (context) => {
  await context.refused(publish('', ''), [...WRONG, 0x90]);
});

list.v5(
  'a topic of 200 levels and one of 65,000 bytes are forwarded as they are',
  'MQTT-4.7.3-3 MQTT-4.7.3-4 MQTT-3.3.2-3',
  async (context) => {
    const receiver = await context.subscriber(context.topic('/#'));
    const sender = await context.connect();
    for (const suffix of [
      Array(199).fill('l').join('/'),
      'x'.repeat(60_000),
      'É\u0301',
      ' a ',
      'A',
    ]) {
      sender.send(publish(`${context.topic()}/${suffix}`, 'x'));
      await receiver.expect('publish', { topic: `${context.topic()}/${suffix}` });
    }
  },
);

list.v5(
  'properties are forwarded unaltered and in order',
  'MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-17 MQTT-3.3.2-18 MQTT-3.3.2-20',
  async (context) => {
    const receiver = await context.subscriber(context.topic(), 2);
    const sender = await context.connect();
    for (const qos of [0, 1, 2]) {
      await context.deliver(sender, context.topic(), 'text', {
        qos,
        id: qos + 1,
        properties: [
          property.user('b', '1'),
          property.payloadFormat(1),
          property.contentType('type'),
          property.user('a', '2'),
          property.responseTopic('re/ply'),
          property.correlationData(bytes(0, 1, 0xff)),
          property.user('b', '1'),
          property.user('', ''),
        ],
      });
      const received = await receiver.expect('publish', { qos });
      const pairs = JSON.stringify(values(received, 0x26));
      check(pairs === '[["b","1"],["a","2"],["b","1"],["",""]]', pairs);
      check(`${values(received, 0x01)}` === '1', 'payload format indicator');
      check(`${values(received, 0x03)}` === 'type', 'content type');
      check(`${values(received, 0x08)}` === 're/ply', 'response topic');
      check(`${values(received, 0x09)}` === '0,1,255', 'correlation data');
    }
  },
);

list.v5('5,000 user properties are forwarded', 'MQTT-3.3.2-17 MQTT-3.1.3-10', async (context) => {
  const receiver = await context.subscriber(context.topic(), 2);
  const sender = await context.connect();
  const pairs = Array.from({ length: 5000 }, (_, index) => property.user(`k${index}`, `${index}`));
  sender.send(publish(context.topic(), '', { properties: pairs }));
  const received = await receiver.expect('publish');
  const found = values(received, 0x26) as [string, string][];
  check(
    found.length === 5000 && found.every(([, value], index) => value === `${index}`),
    'in order',
  );
});

list.v5(
  'strings in properties must be valid UTF-8',
  'MQTT-1.5.7-1 MQTT-3.3.2-13 MQTT-3.3.2-19',
  async (context) => {
    const bad = bytes(0xc3, 0x28);
    for (const wrong of [
      property.user(bad, ''),
      property.user('', bad),
      property.responseTopic(bad),
      property.contentType(bad),
    ]) {
      await context.refused(publish('t', '', { properties: wrong }), WRONG);
    }
  },
);

list.v5('a response topic may not have wildcards', 'MQTT-3.3.2-14', async (context) => {
  for (const wrong of ['a/#', '+']) {
    await context.refused(publish('t', '', { properties: property.responseTopic(wrong) }), [
      ...WRONG,
      0x90,
    ]);
  }
});

list.v5(
  'properties that do not belong to PUBLISH, or repeat, are refused',
  'MQTT-3.3.4-6 §2.2.2.2 §3.3.2.3.2',
  async (context) => {
    for (const wrong of [
      property.subscriptionIdentifier(1),
      property.sessionExpiry(1),
      property.payloadFormat(2),
      [property.messageExpiry(1), property.messageExpiry(1)],
      [property.contentType(''), property.contentType('')],
      bytes(0x26, 0, 1),
    ]) {
      await context.refused(publish('t', '', { properties: wrong }), WRONG);
    }
    await context.refused(packet(0x30, field('t'), 5, 0x26), WRONG);
  },
);

list.v5(
  'a retained message keeps its properties',
  'MQTT-3.3.2-4 MQTT-3.3.2-17 MQTT-3.3.2-20',
  async (context) => {
    const sender = await context.connect();
    const props = [property.payloadFormat(1), property.contentType('t'), property.user('k', 'v')];
    sender.send(publish(context.topic(), 'x', { qos: 1, retain: true, properties: props }));
    await sender.expect('puback');
    const receiver = await context.connect();
    receiver.send(
      subscribe([[context.topic(), 0]], { properties: property.subscriptionIdentifier(7) }),
    );
    await receiver.expect('suback');
    const received = await receiver.expect('publish', { retain: true });
    check(`${[1, 3, 0x26, 0x0b].map((id) => values(received, id))}` === '1,t,k,v,7', 'properties');
  },
);

list.v5('a payload may be empty, at each QoS', '§3.3.3', async (context) => {
  const client = await context.subscriber(context.topic(), 2);
  const sender = await context.connect();
  for (const qos of [0, 1, 2]) {
    await context.deliver(sender, context.topic(), '', { qos, id: qos + 1 });
    check((await client.expect('publish', { qos })).payload.length === 0, 'empty');
  }
});

list.v5(
  'a request finds its answer through response topic and correlation data',
  'MQTT-3.3.2-15 MQTT-3.3.2-16 §4.10',
  async (context) => {
    const responder = await context.subscriber(context.topic('/requests'), 1);
    const requester = await context.subscriber(context.topic('/answers'), 1);
    for (const [index, correlation] of [bytes(), bytes(0), bytes(1, 2, 3, 0xff)].entries()) {
      await context.deliver(requester, context.topic('/requests'), 'question', {
        qos: 1,
        id: index + 1,
        properties: [
          property.responseTopic(context.topic('/answers')),
          property.correlationData(correlation),
        ],
      });
      const request = await responder.expect('publish', { qos: 1 });
      responder.send(ack('puback', request.id));
      const [data] = values(request, 0x09) as Uint8Array[];
      await context.deliver(responder, `${values(request, 0x08)}`, 'answer', {
        qos: 1,
        id: index + 1,
        properties: property.correlationData(data as Uint8Array),
      });
      const answer = await requester.expect('publish', { topic: context.topic('/answers') });
      requester.send(ack('puback', answer.id));
      check(`${values(answer, 0x09)}` === `${correlation}`, 'correlation data');
    }
  },
);

list.v5(
  'what a client says of a payload is passed on, and so is nothing',
  'MQTT-3.3.2-4 §3.3.2.3.2',
  async (context) => {
    const client = await context.subscriber();
    const sender = await context.connect();
    for (const [props, expected] of [
      [[], ''],
      [property.payloadFormat(0), '0'],
      [property.payloadFormat(1), '1'],
    ] as const) {
      await context.deliver(sender, context.topic(), 'text', { properties: props });
      const found = `${values(await client.expect('publish'), 0x01)}`;
      // 0 is what is understood when it isn't there.
      check((found || '0') === (expected || '0'), `${found} for ${expected}`);
    }
  },
);
