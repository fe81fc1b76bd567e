import { check, WRONG } from '../../check.ts';
import { bytes, field, packet, properties, u16, varint } from '../../wire/bytes.ts';
import { connect, pingreq, publish, subscribe, unsubscribe } from '../../wire/client-packets.ts';
import { BOTH, HostileList } from '../case.ts';
import { AT_ONCE_MS, type HostileContext } from '../context.ts';

/** Lengths, flags and the order of packets. */
const list = new HostileList('framing');
export const framingCases = list.cases;

const MEGABYTE = 1_048_576;

list.add(
  'a remaining length of five bytes, first and later',
  { answer: 'closed; MQTT 5: 0x81', versions: BOTH, seen: ['CVE-2026-21888', 'CVE-2025-66168'] },
  async (context) => {
    for (const first of [0x10, 0x30, 0x82]) {
      await context.endsFirst(bytes(first, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 4, 'MQTT', 5, 2));
    }
    for (const first of [0x30, 0x82, 0xc0]) {
      await context.ends(bytes(first, 0xff, 0xff, 0xff, 0xff, 0x01, 0), context.codes(...WRONG));
    }
    await context.ends(bytes(0xc0, 0x80, 0x80, 0x80, 0x80, 0), context.codes(...WRONG));
  },
);

list.add(
  'a remaining length in more bytes than it needs',
  { answer: 'closed in MQTT 5 (0x81), served before', versions: BOTH },
  async (context) => {
    const client = await context.client();
    client.send(bytes(0xc0, 0x80, 0x00));
    if (context.version === 5) await client.expectClosed(WRONG);
    else await client.expect('pingresp');
  },
);

list.add(
  'CONNECT that ends at each of its bytes, its length corrected',
  { answer: 'never accepted while something is missing', versions: BOTH, seen: ['nanomq#1181'] },
  async (context) => {
    const { version } = context;
    const body = connect({
      ...{ version, clientId: context.clientId(), username: 'u', password: 'p' },
      will: { topic: context.topic('will'), payload: 'w' },
    }).subarray(2);
    const work = Array.from({ length: body.length }, async (_, size) => {
      const client = await context.open(version);
      client.sendBare(packet(0x10, body.subarray(0, size)));
      await client.expectClosed();
    });
    await Promise.all(work);
  },
);

list.add(
  'PUBLISH, SUBSCRIBE and UNSUBSCRIBE that end at each of their bytes, their length corrected',
  {
    answer: 'closed, or served where what is left is whole',
    versions: BOTH,
    seen: ['nanomq#2270', 'nanomq#2268', 'mochi-mqtt#501'],
  },
  async (context) => {
    const { version } = context;
    const topic = context.topic('t');
    const whole = [
      publish(topic, '', { version, qos: 1 }),
      subscribe([[topic, 0]], { version }),
      unsubscribe([topic], { version }),
    ];
    const cut = whole.flatMap((one) =>
      Array.from({ length: one.length - 2 }, (_, size) =>
        packet(one[0] as number, one.subarray(2, 2 + size)),
      ),
    );
    await Promise.all(
      cut.map(async (one) => {
        const client = await context.client();
        client.send(one);
        await context.servedOrClosed(client);
      }),
    );
    // Without its packet identifier, and without its options: these two can't be taken for anything else.
    await context.ends(packet(0x32, field(topic)), context.codes(...WRONG));
    const head = version === 5 ? properties() : [];
    await context.ends(packet(0x82, u16(1), head, field(topic)), context.codes(...WRONG));
  },
);

list.add(
  'texts and properties longer than their packet',
  { answer: 'closed; MQTT 5: 0x81', versions: BOTH, seen: ['CVE-2021-33175', 'CVE-2021-33176'] },
  async (context) => {
    const codes = context.codes(...WRONG);
    const head = context.version === 5 ? properties() : [];
    await context.ends(packet(0x30, u16(65_535), 'abc'), codes);
    await context.ends(packet(0x82, u16(1), head, u16(65_535), 'abc', 0), codes);
    await context.ends(packet(0xa2, u16(1), head, u16(4), 'abc'), codes);
    await context.endsFirst(packet(0x10, u16(65_535), 'MQTT', 4, 2, 0, 60, 0, 0));
    await context.endsFirst(
      packet(0x10, field('MQTT'), context.version, 2, u16(60), head, u16(65_535), 'c'),
    );
    if (context.version < 5) return;
    await context.ends(packet(0x30, field('a'), varint(268_435_455), 'abc'), codes);
    await context.ends(packet(0x30, field('a'), 3, 0x26, 0xff, 0xff), codes);
  },
);

list.add(
  'each packet that may not be the first',
  { answer: 'closed', versions: BOTH },
  async (context) => {
    const topic = context.topic('first');
    const watcher = await context.listener(topic);
    const { version } = context;
    const firsts = [
      ...[publish(topic, 'x', { version }), publish(topic, 'x', { version, qos: 2 })],
      ...[subscribe([[topic, 0]], { version }), unsubscribe([topic], { version }), pingreq],
      ...[0x00, 0x20, 0x40, 0x50, 0x62, 0x70, 0x90, 0xb0, 0xd0, 0xe0, 0xf0].map((type) =>
        packet(type, [0, 1]),
      ),
    ];
    await Promise.all(firsts.map((one) => context.endsFirst(one)));
    await watcher.expectNothing();
  },
);

list.add(
  'a first packet that is no CONNECT, and announces 100 MB',
  { answer: 'closed at its header, before it is read', seen: ['CVE-2023-0809'] },
  async (context) => {
    for (const type of [0x30, 0x82, 0xe0]) await endsAtHeader(context, type, 100 * MEGABYTE);
  },
);

list.add(
  'a first packet that is a CONNECT of 250 MB',
  { answer: 'closed at its header, before it is read', seen: ['CVE-2017-7651', 'CVE-2021-22116'] },
  (context) => endsAtHeader(context, 0x10, 250 * MEGABYTE),
);

/** The header, and 64 KB of what it announces, are enough to be closed. */
async function endsAtHeader(context: HostileContext, type: number, size: number): Promise<void> {
  const socket = await context.socket();
  const start = type === 0x10 ? bytes(field('MQTT'), 5, 2, u16(60)) : u16(4);
  socket.send(bytes(type, varint(size), start), new Uint8Array(65_536));
  check(await socket.closedWithin(5000), `${type.toString(16)}: still open after 5 s`);
}

list.add(
  'a packet larger than the broker says that it takes',
  { answer: 'closed at its header; 0x95' },
  async (context) => {
    const client = await context.open();
    client.send(context.connectOf());
    const { properties: found } = await client.expect('connack', { reasonCode: 0 });
    const size = found.find(({ id }) => id === 0x27)?.value;
    if (typeof size !== 'number') return;
    client.send(bytes(0x30, varint(size), field(context.topic()), 0));
    await client.expectClosed([0x95]);
  },
);

list.add(
  'packets of 16 MB that are begun and never end, from 40 connections',
  { answer: 'memory stays bounded', seen: ['CVE-2021-33175'] },
  async (context) => {
    const part = new Uint8Array(2 * MEGABYTE);
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        const socket = await context.connectedSocket();
        socket.send(bytes(0x30, varint(16_000_000), field(context.topic()), 0));
        await socket.sendAll(part, 500);
      }),
    );
  },
);

list.add(
  'packet types 0 and, before MQTT 5, 15',
  { answer: 'closed', versions: BOTH },
  async (context) => {
    await context.ends(packet(0x00), context.codes(...WRONG));
    await context.ends(packet(0x00, 'x'), context.codes(...WRONG));
    if (context.version < 5) await context.ends(packet(0xf0), []);
  },
);

list.add(
  'packets that only a broker sends',
  { answer: 'closed', versions: BOTH, seen: ['CVE-2021-28166'] },
  async (context) => {
    // The last is the CONNACK with half a property that ended a broker.
    const packets = [
      ...[packet(0x20, 0, 0), packet(0x90, 0, 1, 0), packet(0xb0, 0, 1), packet(0xd0)],
      bytes(0x29, 2, 0, 1),
    ];
    for (const one of packets) await context.ends(one, context.codes(...WRONG));
  },
);

list.add(
  'reserved bits of each fixed header',
  { answer: 'closed; MQTT 5: 0x81', versions: BOTH },
  async (context) => {
    const { version } = context;
    const types = [0x40, 0x50, 0x60, 0x70, 0x80, 0xa0, 0xc0];
    const body = (type: number) => {
      if (type === 0x80) return subscribe([['a', 0]], { version }).subarray(2);
      if (type === 0xa0) return unsubscribe(['a'], { version }).subarray(2);
      return type === 0xc0 ? [] : u16(1);
    };
    await Promise.all(
      types.flatMap((type) =>
        [1, 4, 8, 0xf].map((flags) =>
          context.ends(packet(type | flags, body(type)), context.codes(...WRONG)),
        ),
      ),
    );
  },
);

list.add(
  'QoS 3, in PUBLISH, SUBSCRIBE and the will',
  { answer: 'closed; MQTT 5: 0x81', versions: BOTH, seen: ['mqtt-packet#83'] },
  async (context) => {
    const { version } = context;
    await context.ends(publish(context.topic(), 'x', { version, qos: 3 }), context.codes(...WRONG));
    await context.ends(context.subscribe(context.topic(), 3), context.codes(...WRONG));
    const will = { topic: context.topic(), payload: 'x', qos: 3 };
    await context.endsFirst(context.connectOf({ version, will }), context.codes(...WRONG));
  },
);

list.add(
  'CONNECT with odd names, levels and flags',
  { answer: 'closed, or CONNACK that refuses', versions: BOTH },
  async (context) => {
    const { version } = context;
    const head = version === 5 ? properties() : [];
    const body = (name: string, level: number, flags: number) =>
      packet(0x10, field(name), level, flags, u16(60), level === 5 ? head : [], field('c'));
    const odd = [
      ...[body('', version, 2), body('mqtt', version, 2), body('MQTT\0', version, 2)],
      ...[body('M'.repeat(60_000), version, 2), body('MQTT', 0, 2), body('MQTT', 6, 2)],
      ...[body('MQTT', 255, 2), body('MQTT', version, 3), body('MQTT', version, 0x1a)],
      // A will QoS or retain without a will, and a password or will that isn't there.
      ...[body('MQTT', version, 0x0a), body('MQTT', version, 0x22), body('MQTT', version, 0xc2)],
      body('MQTT', version, 0x06),
      // Before MQTT 5 there is no password without a user name.
      ...(version === 5 ? [] : [body('MQTT', version, 0x42)]),
    ];
    await Promise.all(odd.map((one) => context.endsFirst(one)));
  },
);

list.add('1 MB of PINGREQ at once', { answer: 'answered, or closed' }, async (context) => {
  const socket = await context.connectedSocket();
  const before = socket.receivedBytes;
  const count = 1_000_000;
  socket.send(Buffer.alloc(count, pingreq));
  await socket.receives(before + count, 30_000);
  check(
    socket.isClosed || socket.receivedBytes === before + count,
    `${socket.receivedBytes - before} bytes answered`,
  );
});

list.add(
  'bytes that are nothing at all',
  { answer: 'closed, or nothing comes' },
  async (context) => {
    // The same each time: a linear congruential generator.
    let state = 42;
    const random = Uint8Array.from({ length: 65_536 }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 16;
    });
    await Promise.all(
      Array.from({ length: 24 }, async (_, index) => {
        const socket = index % 2 === 0 ? await context.socket() : await context.connectedSocket();
        socket.send(random.subarray(index * 1000));
        socket.end();
        check(await socket.closedWithin(AT_ONCE_MS), 'still open after the end');
      }),
    );
  },
);

list.add(
  'other protocols on the port of MQTT: HTTP, TLS, a PROXY header, SSH',
  { answer: 'closed' },
  async (context) => {
    const hello = bytes(0x16, 3, 1, u16(512), 1, 0, 1, 0xfc, 3, 3, new Uint8Array(506));
    const firsts: Uint8Array[] = [
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'),
      Buffer.from('SSH-2.0-x\r\n'),
      hello,
      bytes([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a], 0x21, 0x11),
    ];
    for (const [index, first] of firsts.entries()) {
      const socket = await context.socket();
      socket.send(first, context.connectOf());
      check(await socket.closedWithin(AT_ONCE_MS), `number ${index} is still open`);
      check(!socket.text.startsWith('\x20\x02\0\0'), `number ${index} was accepted`);
    }
  },
);

list.add(
  'what comes behind a CONNECT that is refused',
  { answer: 'is not processed', versions: BOTH },
  async (context) => {
    const topic = context.topic('behind');
    const watcher = await context.listener(topic);
    const wrong = packet(0x10, field('MQTT'), 99, 2, u16(60), 0, field('c'));
    await context.endsFirst(bytes(wrong, context.publish(topic, 'x')));
    await watcher.expectNothing();
  },
);

list.add(
  'what comes behind DISCONNECT',
  { answer: 'is not processed', versions: BOTH },
  async (context) => {
    const topic = context.topic('behind');
    const watcher = await context.listener(topic);
    const client = await context.client();
    client.send(packet(0xe0), context.publish(topic, 'x'), context.subscribe(topic));
    await client.expectClosed([]);
    await watcher.expectNothing();
  },
);
