import { CaseList } from '../case.ts';
import { check, elapse } from '../check.ts';
import type { Part } from '../wire/bytes.ts';
import {
  ack,
  auth,
  connect,
  disconnect,
  pingreq,
  publish,
  subscribe,
  unsubscribe,
} from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';

const list = new CaseList();
export const limitCases = list.cases;

const SMALL = 20;

for (const [type, rules, ...sent] of [
  ['puback', 'MQTT-3.4.2-2 MQTT-3.4.2-3', publish('$SYS/x', '', { qos: 1 })],
  ['pubrec', 'MQTT-3.5.2-2 MQTT-3.5.2-3', publish('$SYS/x', '', { qos: 2 })],
  ['pubrel', 'MQTT-3.6.2-2 MQTT-3.6.2-3', ack('pubrec', 98)],
  ['pubcomp', 'MQTT-3.7.2-2 MQTT-3.7.2-3', ack('pubrel', 99)],
  ['suback', 'MQTT-3.9.2-1 MQTT-3.9.2-2', subscribe([['$share/g/x', 2]])],
  ['unsuback', 'MQTT-3.11.2-1 MQTT-3.11.2-2', unsubscribe(['none'])],
  ['disconnect', 'MQTT-3.14.2-3 MQTT-3.14.2-4', publish('a/#', '')],
] as const) {
  list.v5(
    `${type.toUpperCase()} stays within a client’s limit of 20 bytes, whatever the reason for it`,
    `MQTT-3.1.2-24 ${rules}`,
    async (context) => {
      const client = await context.connect({ properties: property.maximumPacketSize(SMALL) });
      client.send(...sent);
      const { size } = await client.expect(type);
      check(size <= SMALL, `${size} bytes`);
    },
  );
}

list.v5(
  'without problem information, acknowledgements give no reason strings or user properties',
  'MQTT-3.1.2-29',
  async (context) => {
    const client = await context.connect({ properties: property.requestProblemInformation(0) });
    client.send(
      publish('$SYS/x', '', { qos: 1, id: 1 }),
      subscribe([['$share/g/t', 0]], { id: 3 }),
      unsubscribe(['none'], { id: 4 }),
      ack('pubrel', 99),
    );
    for (const { type, properties } of await client.drain()) {
      check(type === 'publish' || properties.length === 0, `properties in ${type}`);
    }
  },
);

list.v5('DISCONNECT is not sent before CONNACK', 'MQTT-3.14.0-1 MQTT-3.14.2-2', async (context) => {
  for (const first of [pingreq, connect({ properties: property.receiveMaximum(0) })]) {
    const client = await context.open();
    client.send(first);
    for (let answer = await client.next(); answer !== null; answer = await client.next()) {
      check(answer.type === 'connack', `${answer.type} before CONNACK`);
    }
  }
});

list.v5(
  'nothing is processed after a CONNECT that was refused',
  'MQTT-3.1.4-2 MQTT-3.1.4-6',
  async (context) => {
    const watching = await context.connect();
    watching.send(subscribe([[context.topic(), 0]]));
    await watching.expect('suback');
    const client = await context.open();
    client.send(
      connect({ clientId: context.clientId(), properties: property.authenticationMethod('none') }),
      publish(context.topic(), 'x'),
    );
    await client.expectClosed();
    await watching.expectNothing();
  },
);

list.v5(
  'a message that was sent is sent again although it has expired',
  'MQTT-4.3.3-7',
  async (context) => {
    const options = context.durable();
    const first = await context.subscriber(context.topic(), 2, options);
    const sender = await context.connect();
    const expiry = { qos: 2, properties: property.messageExpiry(1) };
    await context.deliver(sender, context.topic(), 'x', expiry);
    const { id } = await first.expect('publish', { qos: 2 });
    first.destroy();
    await elapse(2200);
    const second = await context.connect(options);
    await second.expect('publish', { qos: 2, id, dup: true });
  },
);

list.v5(
  'a QoS 2 exchange is completed although the message has expired',
  'MQTT-4.3.3-13',
  async (context) => {
    const sender = await context.connect();
    sender.send(publish(context.topic(), 'x', { qos: 2, properties: property.messageExpiry(1) }));
    await sender.expect('pubrec');
    await elapse(2200);
    sender.send(ack('pubrel', 1));
    await sender.expect('pubcomp', { id: 1, reasonCode: 0 });
  },
);

list.v5(
  'after PUBREC with an error the identifier is new again',
  'MQTT-4.3.3-9',
  async (context) => {
    const watching = await context.connect();
    watching.send(subscribe([[context.topic(), 0]]));
    await watching.expect('suback');
    const sender = await context.connect();
    sender.send(publish('$SYS/x', '', { qos: 2, id: 5 }));
    const { reasonCode } = await sender.expect('pubrec');
    if (reasonCode < 0x80) return; // This broker lets clients publish there.
    await context.deliver(sender, context.topic(), 'x', { qos: 2, id: 5 });
    await watching.expect('publish');
  },
);

list.v5(
  're-authentication without a method is a protocol error',
  'MQTT-4.12.0-7 §4.12.1',
  async (context) => {
    await context.refused(auth(0x19), [0x82]);
  },
);

// ------------------------------- brokers that are configured to offer less, or something else

list.v5(
  'response information is returned to who asks for it, and to nobody else',
  'MQTT-3.1.2-28 §3.2.2.3.15 §4.10',
  async (context) => {
    for (const [asked, expected] of [
      [property.requestResponseInformation(1), true],
      [property.requestResponseInformation(0), false],
      [[], false],
    ] as [Part, boolean][]) {
      const client = await context.open();
      const clientId = context.clientId();
      client.send(connect({ clientId, properties: asked }));
      const { properties } = await client.expect('connack', { reasonCode: 0 });
      const information = properties.find(({ id }) => id === 0x1a)?.value;
      check(information === (expected ? `answers/${clientId}` : undefined), `${information}`);
    }
  },
  { responseInformation: 'answers/%c' },
);

list.v5(
  'a client identifier that is refused is answered as such',
  'MQTT-3.1.3-8',
  async (context) => {
    await context.refusedConnect(connect({ clientId: 'c'.repeat(30) }), 5, [0x85]);
    await context.connect({ clientId: 'c'.repeat(23) });
  },
  { maxClientIdLen: 23 },
);

list.v5(
  'the highest QoS is announced and enforced, and subscriptions are granted up to it',
  'MQTT-3.2.2-9 MQTT-3.2.2-10 MQTT-3.2.2-12',
  async (context) => {
    const client = await context.open();
    client.send(connect({ clientId: context.clientId() }));
    const { properties } = await client.expect('connack', { reasonCode: 0 });
    check(
      properties.some(({ id, value }) => id === 0x24 && value === 1),
      'Maximum QoS 1',
    );
    client.send(subscribe([[context.topic(), 2]]));
    await client.expect('suback', { reasonCodes: [1] });
    await context.refused(publish('t', '', { qos: 2 }), [0x9b]);
    const will = { topic: 't', payload: '', qos: 2 };
    await context.refusedConnect(connect({ clientId: context.clientId(), will }), 5, [0x9b]);
    await context.connect({ will: { ...will, qos: 1 } });
  },
  { maxQos: 1 },
);

list.v5(
  'that messages can’t be retained is announced and enforced',
  'MQTT-3.2.2-13 §3.2.2.3.5',
  async (context) => {
    const client = await context.open();
    client.send(connect({ clientId: context.clientId() }));
    const { properties } = await client.expect('connack', { reasonCode: 0 });
    check(
      properties.some(({ id, value }) => id === 0x25 && value === 0),
      'Retain Available 0',
    );
    await context.refused(publish('t', 'x', { retain: true }), [0x9a]);
    const will = { topic: 't', payload: '', retain: true };
    await context.refusedConnect(connect({ clientId: context.clientId(), will }), 5, [0x9a]);
  },
  { retainAvailable: false },
);

list.v5(
  'what subscriptions can’t do is announced and enforced',
  '§3.2.2.3.11 §3.2.2.3.12 §3.2.2.3.13',
  async (context) => {
    const client = await context.open();
    client.send(connect({ clientId: context.clientId() }));
    const { properties } = await client.expect('connack', { reasonCode: 0 });
    const off = properties.filter(({ value }) => value === 0).map(({ id }) => id);
    check(`${off.sort()}` === '40,41,42', `announced ${off}`);
    await context.refused(subscribe([['a/#', 0]]), [0xa2]);
    await context.refused(subscribe([['$share/g/a', 0]]), [0x9e]);
    const identifier = { properties: property.subscriptionIdentifier(1) };
    await context.refused(subscribe([['a', 0]], identifier), [0xa1]);
  },
  { wildcardAvailable: false, sharedSubAvailable: false, subscriptionIdentifiersAvailable: false },
);

list.v5(
  'the largest packet is announced and enforced',
  '§3.2.2.3.6 MQTT-3.2.2-15',
  async (context) => {
    const client = await context.open();
    client.send(connect({ clientId: context.clientId() }));
    const { properties } = await client.expect('connack', { reasonCode: 0 });
    check(
      properties.some(({ id, value }) => id === 0x27 && value === 100),
      'Maximum Packet Size',
    );
    client.send(publish('t', 'x'.repeat(94)));
    await client.expectNothing();
    await context.refused(publish('t', 'x'.repeat(95)), [0x95]);
  },
  { maxPacketSize: 100 },
);

list.v5(
  'the server’s keep alive is announced and used',
  'MQTT-3.1.2-22 §3.2.2.3.14',
  async (context) => {
    const client = await context.open();
    client.send(connect({ clientId: context.clientId(), keepAlive: 60 }));
    const { properties } = await client.expect('connack', { reasonCode: 0 });
    check(
      properties.some(({ id, value }) => id === 0x13 && value === 1),
      'Server Keep Alive',
    );
    await client.expectClosed([0x8d]);
    const old = await context.open(4);
    old.send(connect({ version: 4, clientId: context.clientId(), keepAlive: 0 }));
    await old.expect('connack', { reasonCode: 0 });
  },
  { maxKeepAlive: 1 },
);

list.v5(
  'overlapping subscriptions may give a copy each, with its own identifier',
  'MQTT-3.3.4-5',
  async (context) => {
    const client = await context.connect();
    for (const [index, filter] of [context.topic(), `${context.topic()}/#`].entries()) {
      const identifier = { id: index + 1, properties: property.subscriptionIdentifier(index + 1) };
      client.send(subscribe([[filter, index]], identifier));
      await client.expect('suback');
    }
    client.send(publish(context.topic(), 'x', { qos: 1, id: 9 }));
    const copies = (await client.drain()).filter(({ type }) => type === 'publish');
    const found = copies.map(({ qos, properties }) => `${qos}:${properties[0]?.value}`).sort();
    check(`${found}` === '0:1,1:2', `${found}`);
    client.send(disconnect());
  },
  { overlappingSubscriptions: 'each' },
);

list.v5(
  'one subscription too many is refused with 0x97, and a replaced one is not',
  '§3.9.3 MQTT-3.8.4-6',
  async (context) => {
    const client = await context.connect();
    client.send(
      subscribe([
        [context.topic('/1'), 1],
        [context.topic('/2'), 1],
        [context.topic('/3'), 1],
        [context.topic('/1'), 2],
      ]),
    );
    await client.expect('suback', { reasonCodes: [1, 1, 0x97, 2] });
    client.send(unsubscribe([context.topic('/1')]), subscribe([[context.topic('/3'), 0]]));
    await client.expect('unsuback', { reasonCodes: [0] });
    await client.expect('suback', { reasonCodes: [0] });
  },
  { maxSubscriptions: 2 },
);

list.v4(
  'one subscription too many is refused with 0x80',
  'MQTT-3.8.4-5 MQTT-3.9.3-2',
  async (context) => {
    const client = await context.connect({ version: 4 });
    const filters = [context.topic('/1'), context.topic('/2')];
    client.send(
      subscribe(
        filters.map((filter) => [filter, 1]),
        { version: 4 },
      ),
    );
    await client.expect('suback', { reasonCodes: [1, 0x80] });
  },
  { maxSubscriptions: 1 },
);

list.v5(
  'one retained message too many is refused with 0x97, and nobody gets it',
  '§3.4.2.1 §3.5.2.1 MQTT-4.3.3-9',
  async (context) => {
    const sender = await context.connect();
    const kept = { retain: true, id: 1 };
    let count = 0;
    // The broker may retain topics of its own: how many are left is for it to say.
    for (let code = 0; code < 0x80; count++) {
      check(count <= 200, 'more than 200 retained messages');
      sender.send(publish(context.topic(`/${count}`), 'x', { ...kept, qos: 1 }));
      code = (await sender.expect('puback')).reasonCode;
      check(code < 0x80 || code === 0x97, `0x${code.toString(16)}`);
    }
    const watching = await context.subscriber(context.topic('/new'));
    sender.send(publish(context.topic('/new'), 'x', { ...kept, qos: 2 }));
    await sender.expect('pubrec', { reasonCode: 0x97 });
    await watching.expectNothing();
    check(count > 1, 'one was retained');
    sender.send(publish(context.topic('/0'), 'y', { ...kept, qos: 1 }));
    check((await sender.expect('puback')).reasonCode < 0x80, 'replaced');
  },
  { maxRetained: 200 },
);

list.v5(
  'a will whose payload is not what it is said to be is refused with 0x99',
  '§3.1.3.2.3 §3.2.2.2',
  async (context) => {
    const will = (payload: Part) => ({
      will: { topic: context.topic(), payload, properties: property.payloadFormat(1) },
    });
    const wrong = connect({ clientId: context.clientId(), ...will(Uint8Array.of(0xc3, 0x28)) });
    await context.refusedConnect(wrong, 5, [0x99]);
    await context.connect(will('téxt'));
  },
  { checkPayloadFormat: true },
);
