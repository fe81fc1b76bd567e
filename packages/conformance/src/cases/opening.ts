import { CaseList } from '../case.ts';
import { check, elapse, WRONG } from '../check.ts';
import { bytes, field, type Part, packet, u16 } from '../wire/bytes.ts';
import { auth, connect, disconnect, pingreq, publish, subscribe } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import { text, values } from '../wire/server-packet.ts';

/** What may be in a CONNECT, and what comes before and after it (§3.1, §3.2). */
const list = new CaseList();

/** Of a cluster: more than any has. */
const PROCESSES_MAX = 64;
export const openingCases = list.cases;

/** CONNECT of MQTT 5 from its flags and payload. */
function raw(flags: number, ...payload: readonly Part[]): Uint8Array {
  return packet(0x10, field('MQTT'), 5, flags, u16(60), 0, ...payload);
}

list.v5(
  'user name and password may each stand alone',
  '§3.1.2.8 §3.1.2.9 MQTT-3.1.2-16 MQTT-3.1.2-18',
  async (context) => {
    context.anyCredentials();
    for (const [flags, fields] of [
      [0x82, [field('user')]],
      [0x42, [field('password')]],
      [0xc2, [field('user'), field('password')]],
      [0xc2, [field(''), field('')]],
      [0x42, [field(bytes(0, 0xff, 0xc0))]],
    ] as const) {
      const client = await context.open();
      client.send(raw(flags, field(context.clientId()), fields));
      const { reasonCode } = await client.expect('connack');
      // Who they belong to is a question of its own.
      check([0, 0x86, 0x87].includes(reasonCode), `0x${reasonCode.toString(16)}`);
    }
  },
);

list.v5('every packet but CONNECT is refused as the first', 'MQTT-3.1.0-1', async (context) => {
  for (let type = 0; type < 16; type++) {
    if (type === 1) continue;
    const flags = [6, 8, 10].includes(type) ? 2 : 0;
    await context.refusedConnect(packet((type << 4) | flags, u16(1)), 5, []);
  }
  await context.refusedConnect(auth(0x18), 5, []);
  await context.refusedConnect(bytes('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 5, []);
});

list.v5(
  'CONNECT with any other flags in its fixed header is malformed',
  'MQTT-2.1.3-1',
  async (context) => {
    for (let flags = 1; flags < 16; flags++) {
      const wrong = bytes(connect({ clientId: context.clientId() }));
      wrong[0] = 0x10 | flags;
      await context.refusedConnect(wrong, 5, WRONG);
    }
  },
);

list.v5('a second CONNECT is refused, whatever is in it', 'MQTT-3.1.0-2', async (context) => {
  const watching = await context.subscriber();
  const clientId = context.clientId();
  const will = { topic: context.topic(), payload: 'bye' };
  for (const again of [clientId, context.clientId()]) {
    const client = await context.connect({ clientId, will });
    client.send(connect({ clientId: again, version: 5 }));
    await client.expectClosed([0x82]);
    await watching.expect('publish');
  }
});

list.v5(
  'a version that is not known is refused in a format that the client may know',
  'MQTT-3.1.2-2 §3.2.2.2',
  async (context) => {
    const wrong = (level: number) =>
      packet(0x10, field('MQTT'), level, 2, u16(60), 0, field(context.clientId()));
    for (const level of [0, 1, 2]) await context.refusedConnect(wrong(level), 4, [1]);
    for (const level of [6, 7, 100]) await context.refusedConnect(wrong(level), 5, [0x84]);
  },
);

list.v5(
  'client identifiers of any characters are taken or refused as such',
  '§3.1.3.1 MQTT-3.1.3-4 MQTT-3.1.3-5',
  async (context) => {
    for (const suffix of ['x'.repeat(200), ' ', '/a/+/#', 'é漢字😀', '\u0001', '\u{10ffff}']) {
      const client = await context.open();
      client.send(connect({ clientId: context.clientId() + suffix }));
      const answer = await client.next();
      check(
        answer === null ||
          (answer.type === 'connack' && [0, 0x81, 0x82, 0x85].includes(answer.reasonCode)),
        `${suffix}: ${answer?.reasonCode}`,
      );
    }
  },
);

list.v5(
  'an assigned identifier is the client’s own, with a session',
  'MQTT-3.1.3-6 MQTT-3.1.3-7 MQTT-3.2.2-16 §3.2.2.3.7',
  async (context) => {
    const first = await context.open();
    first.send(connect({ clientId: '', clean: false, properties: property.sessionExpiry(60) }));
    const connack = await first.expect('connack', { reasonCode: 0, sessionPresent: false });
    const clientId = `${values(connack, 0x12)}`;
    first.send(subscribe([[context.topic(), 1]]));
    await first.expect('suback');
    first.destroy();
    const sender = await context.connect();
    await context.deliver(sender, context.topic(), 'x', { qos: 1 });
    const second = await context.open();
    second.send(connect({ clientId, clean: false, properties: property.sessionExpiry(0) }));
    const again = await second.expect('connack', { reasonCode: 0, sessionPresent: true });
    check(values(again, 0x12).length === 0, 'no identifier for a client that has one');
    await second.expect('publish', { qos: 1 });
  },
);

list.v5('a client that names itself is assigned nothing', '§3.2.2.3.7', async (context) => {
  const client = await context.open();
  client.send(connect({ clientId: context.clientId() }));
  const connack = await client.expect('connack', { reasonCode: 0, sessionPresent: false });
  check(values(connack, 0x12).length === 0, 'no assigned identifier');
});

list.v5(
  'the interval that holds is stated where it is not what was asked for',
  'MQTT-3.1.2-23 §3.2.2.3.2',
  async (context) => {
    const client = await context.open();
    client.send(connect({ clientId: context.clientId(), properties: property.sessionExpiry(100) }));
    const connack = await client.expect('connack', { reasonCode: 0 });
    check(`${values(connack, 0x11)}` === '5', `${values(connack, 0x11)}`);
    const modest = await context.open();
    modest.send(connect({ clientId: context.clientId(), properties: property.sessionExpiry(3) }));
    const answer = await modest.expect('connack', { reasonCode: 0 });
    check(['', '3'].includes(`${values(answer, 0x11)}`), 'what was asked for');
  },
  { maxSessionExpiry: '5s' },
);

list.v5('keep alive 0 turns it off', '§3.1.2.10 MQTT-3.1.2-22', async (context) => {
  const client = await context.connect({ keepAlive: 0 });
  await elapse(2000);
  await client.expectNothing();
});

list.v5(
  'any packet keeps a connection alive, not PINGREQ alone',
  '§3.1.2.10 MQTT-3.1.2-22',
  async (context) => {
    const client = await context.connect({ keepAlive: 2 });
    for (let count = 0; count < 3; count++) {
      await elapse(1700);
      client.send(publish(context.topic(), ''));
    }
    await client.expectNothing();
  },
);

list.v5(
  'a client that may be sent 20 bytes is served',
  'MQTT-3.1.2-24 MQTT-3.2.2-19 §3.1.2.11.4',
  async (context) => {
    const client = await context.open();
    client.send(
      connect({ clientId: context.clientId(), properties: property.maximumPacketSize(20) }),
    );
    const { size } = await client.expect('connack', { reasonCode: 0 });
    check(size <= 20, `CONNACK of ${size} bytes`);
    client.send(subscribe([['t/x', 1]]), publish('t/x', 'small', { qos: 1 }), pingreq);
    for (const received of await client.drain())
      check(received.size <= 20, `${received.size} bytes`);
  },
);

list.v5(
  'a refusal fits a client’s maximum',
  'MQTT-3.1.2-24 MQTT-3.2.2-19 MQTT-3.2.2-20 MQTT-3.14.2-3',
  async (context) => {
    for (const maximum of [20, 30, 60]) {
      const limit = property.maximumPacketSize(maximum);
      const refused = await context.open();
      const method = property.authenticationMethod('none');
      refused.send(connect({ clientId: context.clientId(), properties: [limit, method] }));
      const answer = await refused.next();
      check(answer === null || answer.size <= maximum, `${answer?.size} bytes`);
      for (const wrong of [packet(0xc1), publish('a/#', ''), connect({ clientId: 'x' })]) {
        const client = await context.connect({ properties: limit });
        client.send(wrong);
        const last = await client.next();
        check(last === null || last.size <= maximum, `${last?.size} bytes`);
      }
    }
  },
);

list.v5(
  'CONNACK has no properties twice and none out of range, whatever is asked',
  'MQTT-3.2.2-19 §3.2.2.3',
  async (context) => {
    for (const props of [
      [],
      property.requestResponseInformation(1),
      property.requestProblemInformation(0),
      [property.sessionExpiry(0xffff_ffff), property.topicAliasMaximum(1)],
    ] as Part[]) {
      const client = await context.open(); // `read` is strict about both.
      client.send(connect({ clientId: context.clientId(), properties: props }));
      const { properties } = await client.expect('connack', { reasonCode: 0 });
      check(!properties.some(({ id, value }) => id === 0x13 && value === 0), 'Server Keep Alive');
    }
  },
);

list.v5(
  'who connects and disconnects in one segment is served',
  'MQTT-3.1.4-5 MQTT-3.14.4-3',
  async (context) => {
    const watching = await context.subscriber();
    const client = await context.open();
    const will = { topic: context.topic(), payload: 'bye' };
    client.send(
      connect({ clientId: context.clientId(), will }),
      publish(context.topic(), 'x'),
      disconnect(),
    );
    await client.expect('connack', { reasonCode: 0 });
    await client.expectClosed([]);
    check(text(await watching.expect('publish')) === 'x', 'the message, not the will');
    await watching.expectNothing();
  },
);

list.v5(
  'CONNACK leaves room for one connection more only',
  'MQTT-3.1.4-2 §3.2.2.2',
  async (context) => {
    const first = await context.connect();
    // Each process of a broker of several nodes may have its own limit.
    let left = context.target.others.length === 0 ? 1 : PROCESSES_MAX;
    let reasonCode = 0;
    for (; left > 0 && reasonCode === 0; left--) {
      const next = await context.open();
      next.send(connect({ clientId: context.clientId() }));
      ({ reasonCode } = await next.expect('connack', { sessionPresent: false }));
      if (reasonCode !== 0) await next.expectClosed([]);
    }
    check([0x88, 0x89, 0x97, 0x9f].includes(reasonCode), `0x${reasonCode.toString(16)}`);
    await first.expectNothing();
  },
  { maxConnections: 1 },
);

list.v5(
  'an identifier may be demanded of clients',
  'MQTT-3.1.3-8 §3.1.3.1',
  async (context) => {
    const client = await context.open();
    client.send(connect({ clientId: '' }));
    await client.expect('connack', { reasonCode: 0x85, sessionPresent: false });
    await client.expectClosed([]);
    await context.connect();
  },
  { allowEmptyClientId: false },
);
