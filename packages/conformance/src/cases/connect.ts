import { CaseList } from '../case.ts';
import { check, elapse, WRONG } from '../check.ts';
import { ConformanceError } from '../client/raw-client.ts';
import { bytes, field, type Part, packet, properties, u16 } from '../wire/bytes.ts';
import { connect, disconnect, pingreq, publish, subscribe } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';

const list = new CaseList();
export const connectCases = list.cases;

/** What CONNACK may say to a packet that is malformed or a protocol error. */

/** CONNECT of MQTT 5 from its parts, with room for mistakes. */
function raw(flags: number, ...payload: readonly Part[]): Uint8Array {
  return packet(0x10, field('MQTT'), 5, flags, u16(60), 0, ...payload);
}

list.v5('a packet before CONNECT closes the connection', 'MQTT-3.1.0-1', async (context) => {
  for (const first of [pingreq, publish('t', ''), subscribe([['t', 0]]), disconnect()]) {
    await context.refusedConnect(first, 5, []);
  }
});

list.v5('a second CONNECT is a protocol error', 'MQTT-3.1.0-2', async (context) => {
  const client = await context.connect();
  client.send(connect({ clientId: context.clientId() }));
  await client.expectClosed([0x82]);
});

list.v5(
  'a protocol name other than MQTT is refused',
  'MQTT-3.1.2-1 MQTT-3.1.4-1',
  async (context) => {
    for (const name of ['mqtt', 'MQTTX', 'MQT', '']) {
      const wrong = packet(0x10, field(name), 5, 2, u16(60), 0, field(context.clientId()));
      await context.refusedConnect(wrong, 5, [0x81, 0x82, 0x84]);
    }
  },
);

list.v5('an unknown protocol version is refused', 'MQTT-3.1.2-2', async (context) => {
  const wrong = packet(0x10, field('MQTT'), 6, 2, u16(60), 0, field(context.clientId()));
  await context.refusedConnect(wrong, 5, [0x84]);
});

list.v5('the reserved connect flag must be 0', 'MQTT-3.1.2-3 MQTT-2.1.3-1', async (context) => {
  await context.refusedConnect(raw(0x03, field(context.clientId())), 5, WRONG);
});

list.v5('reserved bits of the fixed header must be 0', 'MQTT-2.1.3-1', async (context) => {
  const wrong = bytes(connect({ clientId: context.clientId() }));
  wrong[0] = 0x11;
  await context.refusedConnect(wrong, 5, WRONG);
});

list.v5(
  'a will needs its fields, and no will has none',
  'MQTT-3.1.2-9 MQTT-3.1.2-11 MQTT-3.1.2-12 MQTT-3.1.2-13',
  async (context) => {
    const clientId = field(context.clientId());
    await context.refusedConnect(raw(0x06, clientId), 5, WRONG);
    await context.refusedConnect(raw(0x06, clientId, 0, field('t')), 5, WRONG);
    await context.refusedConnect(raw(0x0a, clientId), 5, WRONG);
    await context.refusedConnect(raw(0x22, clientId), 5, WRONG);
    await context.refusedConnect(raw(0x1e, clientId, 0, field('t'), field('')), 5, WRONG);
    const accepted = await context.open();
    accepted.send(raw(0x16, clientId, 0, field(context.topic()), field('')));
    await accepted.expect('connack', { reasonCode: 0 });
  },
);

list.v5(
  'user name and password are there exactly when their flags say so',
  'MQTT-3.1.2-16 MQTT-3.1.2-17 MQTT-3.1.2-18 MQTT-3.1.2-19 MQTT-3.1.3-1',
  async (context) => {
    const clientId = field(context.clientId());
    await context.refusedConnect(raw(0x82, clientId), 5, WRONG);
    await context.refusedConnect(raw(0x42, clientId), 5, WRONG);
    await context.refusedConnect(raw(0x02, clientId, field('user')), 5, WRONG);
    await context.refusedConnect(raw(0xc2, clientId, field('user')), 5, WRONG);
  },
);

list.v5(
  'strings of CONNECT must be valid UTF-8',
  'MQTT-1.5.4-1 MQTT-1.5.4-2 MQTT-3.1.3-4 MQTT-3.1.3-11 MQTT-3.1.3-12',
  async (context) => {
    const bad = [
      bytes(0xff),
      bytes(0xed, 0xa0, 0x80),
      bytes(0xc0, 0x80),
      bytes(0xe2, 0x82),
      bytes(0),
    ];
    for (const wrong of bad) {
      await context.refusedConnect(raw(0x02, field(wrong)), 5, [...WRONG, 0x85]);
      const clientId = field(context.clientId());
      await context.refusedConnect(raw(0x06, clientId, 0, field(wrong), field('')), 5, [
        ...WRONG,
        0x90,
      ]);
      await context.refusedConnect(raw(0x82, clientId, field(wrong)), 5, [...WRONG, 0x86]);
    }
  },
);

list.v5(
  'U+FEFF at the start of a client identifier belongs to it',
  'MQTT-1.5.4-3 MQTT-3.1.3-2',
  async (context) => {
    const clientId = context.clientId();
    const plain = await context.connect({ clientId });
    await context.connect({ clientId: `\uFEFF${clientId}` });
    await plain.expectNothing();
  },
);

list.v5(
  'a client identifier must be there, and may have 23 characters and digits',
  'MQTT-3.1.3-3 MQTT-3.1.3-5',
  async (context) => {
    await context.refusedConnect(packet(0x10, field('MQTT'), 5, 2, u16(60), 0), 5, WRONG);
    for (const clientId of [
      '0123456789abcdefghijklm',
      'nopqrstuvwxyzABCDEFGHIJ',
      'KLMNOPQRSTUVWXYZ',
    ]) {
      const client = await context.open();
      client.send(connect({ clientId }));
      await client.expect('connack', { reasonCode: 0 });
    }
  },
);

list.v5(
  'an empty client identifier is given one that is unique',
  'MQTT-3.1.3-6 MQTT-3.1.3-7 MQTT-3.2.2-16',
  async (context) => {
    const assigned = new Set<unknown>();
    for (let index = 0; index < 3; index++) {
      const client = await context.open();
      client.send(connect({ clientId: '' }));
      const connack = await client.expect('connack', { reasonCode: 0 });
      assigned.add(connack.properties.find(({ id }) => id === 0x12)?.value);
    }
    check(
      assigned.size === 3 && !assigned.has(undefined) && !assigned.has(''),
      'three identifiers',
    );
  },
);

list.v5(
  'CONNACK is the first packet, and the only one of its kind',
  'MQTT-2.2.2-1 MQTT-3.1.4-5 MQTT-3.2.0-1 MQTT-3.2.0-2 MQTT-3.2.2-1',
  async (context) => {
    const topic = context.topic();
    const publisher = await context.connect();
    publisher.send(publish(topic, 'kept', { retain: true, qos: 1 }));
    await publisher.expect('puback');
    const client = await context.open();
    client.send(connect({ clientId: context.clientId() }), subscribe([[topic, 0]]), pingreq);
    await client.expect('connack', { reasonCode: 0, sessionPresent: false });
    const rest = await client.drain();
    check(!rest.some(({ type }) => type === 'connack'), 'one CONNACK only');
  },
);

list.v5('packets sent along with CONNECT are processed', 'MQTT-3.1.4-5', async (context) => {
  const client = await context.open();
  const topic = context.topic();
  client.send(
    connect({ clientId: context.clientId() }),
    subscribe([[topic, 1]]),
    publish(topic, 'x', { qos: 1, id: 2 }),
  );
  await client.expect('connack', { reasonCode: 0 });
  const types = (await client.drain()).map(({ type }) => type).sort();
  check(`${types}` === 'puback,publish,suback', `${types}`);
});

list.v5(
  'session present says whether there was a session',
  'MQTT-3.1.2-5 MQTT-3.1.2-6 MQTT-3.2.2-3 MQTT-3.1.2-23',
  async (context) => {
    const clientId = context.clientId();
    const options = { clientId, clean: false, properties: property.sessionExpiry(60) };
    for (const sessionPresent of [false, true, true]) {
      const client = await context.open();
      client.send(connect(options));
      await client.expect('connack', { reasonCode: 0, sessionPresent });
      client.destroy();
    }
  },
);

list.v5(
  'clean start discards the session',
  'MQTT-3.1.2-4 MQTT-3.2.2-2 MQTT-3.1.4-4',
  async (context) => {
    const clientId = context.clientId();
    const topic = context.topic();
    const first = await context.connect({ clientId, properties: property.sessionExpiry(60) });
    first.send(subscribe([[topic, 1]]));
    await first.expect('suback');
    first.send(disconnect());
    await first.expectClosed([]);
    const second = await context.open();
    second.send(connect({ clientId, clean: true, properties: property.sessionExpiry(60) }));
    await second.expect('connack', { sessionPresent: false, reasonCode: 0 });
    const publisher = await context.connect();
    publisher.send(publish(topic, 'x', { qos: 1 }));
    await publisher.expect('puback');
    await second.expectNothing();
  },
);

list.v5(
  'a session ends when its expiry interval has passed, and not before',
  'MQTT-3.1.2-23 MQTT-4.1.0-1 MQTT-4.1.0-2',
  async (context) => {
    const clientId = context.clientId();
    const first = await context.connect({ clientId, properties: property.sessionExpiry(1) });
    first.send(disconnect());
    await first.expectClosed([]);
    await elapse(2500);
    const second = await context.open();
    second.send(connect({ clientId, clean: false, properties: property.sessionExpiry(1) }));
    await second.expect('connack', { sessionPresent: false });
  },
);

list.v5(
  'a session without an expiry interval ends with its connection',
  'MQTT-4.1.0-2 §3.1.2.11.2',
  async (context) => {
    const clientId = context.clientId();
    const first = await context.connect({ clientId, clean: false });
    first.send(disconnect());
    await first.expectClosed([]);
    const second = await context.open();
    second.send(connect({ clientId, clean: false }));
    await second.expect('connack', { sessionPresent: false });
  },
);

list.v5('a second connection takes the session over', 'MQTT-3.1.4-3', async (context) => {
  const clientId = context.clientId();
  const first = await context.connect({ clientId });
  const second = await context.connect({ clientId });
  await first.expect('disconnect', { reasonCode: 0x8e });
  await first.expectClosed([]);
  await second.expectNothing();
});

list.v5('1,000 connections of one client leave one', 'MQTT-3.1.4-3', async (context) => {
  const clientId = context.clientId();
  const bytesOf = connect({ clientId, clean: false, properties: property.sessionExpiry(5) });
  for (let round = 0; round < 20; round++) {
    const clients = await Promise.all(Array.from({ length: 50 }, () => context.open()));
    for (const client of clients) client.send(bytesOf);
    await Promise.all(clients.map((client) => client.expect('connack', { reasonCode: 0 })));
    if (round === 19) continue;
    for (const client of clients) client.destroy();
  }
});

list.v5('a repeated property is a protocol error', '§2.2.2.2 MQTT-3.1.4-1', async (context) => {
  const one = [
    property.sessionExpiry(1),
    property.receiveMaximum(10),
    property.maximumPacketSize(1000),
    property.topicAliasMaximum(1),
    property.requestProblemInformation(1),
    property.requestResponseInformation(0),
    property.authenticationMethod('m'),
  ];
  for (const twice of one) {
    const wrong = connect({ clientId: context.clientId(), properties: [twice, twice] });
    await context.refusedConnect(wrong, 5, [...WRONG, 0x8c]);
  }
});

list.v5(
  'values out of range are refused',
  '§3.1.2.11.3 §3.1.2.11.4 §3.1.2.11.6 §3.1.2.11.7 §3.1.2.11.10',
  async (context) => {
    for (const wrong of [
      property.receiveMaximum(0),
      property.maximumPacketSize(0),
      property.requestProblemInformation(2),
      property.requestResponseInformation(2),
      property.authenticationData('x'),
      property.topicAlias(1),
      bytes(0x7f, 0),
    ]) {
      await context.refusedConnect(
        connect({ clientId: context.clientId(), properties: wrong }),
        5,
        WRONG,
      );
    }
  },
);

list.v5('a variable byte integer must be minimal', 'MQTT-1.5.5-1', async (context) => {
  const clientId = field(context.clientId());
  const body = bytes(field('MQTT'), 5, 2, u16(60), 0x80, 0, clientId);
  await context.refusedConnect(packet(0x10, body), 5, WRONG);
  const plain = bytes(field('MQTT'), 5, 2, u16(60), 0, clientId);
  await context.refusedConnect(bytes(0x10, plain.length | 0x80, 0, plain), 5, WRONG);
});

list.v5(
  'no response information is returned unless it is asked for',
  'MQTT-3.1.2-28',
  async (context) => {
    for (const asked of [[], property.requestResponseInformation(0)]) {
      const client = await context.open();
      client.send(connect({ clientId: context.clientId(), properties: asked }));
      const connack = await client.expect('connack', { reasonCode: 0 });
      check(!connack.properties.some(({ id }) => id === 0x1a), 'no response information');
    }
  },
);

list.v5(
  'an unknown authentication method is refused',
  'MQTT-4.12.0-1 MQTT-4.12.0-4',
  async (context) => {
    const wrong = connect({
      clientId: context.clientId(),
      properties: property.authenticationMethod('no such method'),
    });
    await context.refusedConnect(wrong, 5, [0x87, 0x8c]);
  },
);

list.v5(
  'AUTH without an authentication method is a protocol error',
  'MQTT-4.12.0-6 MQTT-4.12.0-7',
  async (context) => {
    await context.refused(
      packet(0xf0, 0x18, properties(property.authenticationMethod('m'))),
      [0x82],
    );
  },
);

list.v5(
  'a CONNACK with an error says that there is no session',
  'MQTT-3.2.2-6 MQTT-3.2.2-7 MQTT-3.2.2-8',
  async (context) => {
    const clientId = context.clientId();
    const first = await context.connect({ clientId, properties: property.sessionExpiry(60) });
    first.send(disconnect());
    await first.expectClosed([]);
    const client = await context.open();
    client.send(
      connect({ clientId, clean: false, properties: property.authenticationMethod('none') }),
    );
    const connack = await client.next();
    if (connack === null) return; // CONNACK is a MAY
    check(connack.type === 'connack' && !connack.sessionPresent, 'CONNACK without session present');
    await client.expectClosed([]);
  },
);

list.v5(
  'CONNACK leaves room for a client that takes 20 bytes',
  'MQTT-3.1.2-24 MQTT-3.2.2-19 MQTT-3.2.2-20',
  async (context) => {
    const client = await context.open();
    const clientId = context.clientId();
    client.send(connect({ clientId, properties: property.maximumPacketSize(20) }));
    const connack = await client.expect('connack', { reasonCode: 0 });
    check(connack.size <= 20, `${connack.size} bytes`);
  },
);

list.v5(
  'keep alive passed one and a half times closes the connection',
  'MQTT-3.1.2-22 MQTT-3.2.2-22',
  async (context) => {
    const client = await context.connect({ keepAlive: 1 });
    await client.expectClosed([0x8d]);
  },
);

list.v5('keep alive 0 keeps the connection', '§3.1.2.10', async (context) => {
  const client = await context.connect({ keepAlive: 0 });
  let isClosed = false;
  try {
    isClosed = (await client.next(2500)) === null;
  } catch (error) {
    if (!(error instanceof ConformanceError)) throw error;
  }
  check(!isClosed, 'still open');
});
