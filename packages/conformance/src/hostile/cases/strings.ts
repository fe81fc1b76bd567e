import { BAD_FILTER, check, WRONG } from '../../check.ts';
import { bytes, field, type Part, packet, properties, u16 } from '../../wire/bytes.ts';
import { publish, subscribe, unsubscribe } from '../../wire/client-packets.ts';
import { property } from '../../wire/property.ts';
import { text } from '../../wire/server-packet.ts';
import { BOTH, HostileList } from '../case.ts';
import type { HostileContext } from '../context.ts';

/** Texts, topic names and topic filters. */
const list = new HostileList('strings and topics');
export const stringCases = list.cases;

/** What is no UTF-8: overlong, too large, cut off, a half of a pair, a continuation alone. */
const NOT_UTF8: readonly Uint8Array[] = [
  ...['c0af', 'e080af', 'f08080af', 'c080', 'f5808080', 'f4908080', 'eda080', 'edb080'],
  ...['eda081edb080', '80', 'bf', 'fe', 'ff', 'c3', 'e282', 'f09f98', 'c328', '61eda08062'],
].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));

list.add(
  'what is no UTF-8, in topics, filters, client identifiers, user names and wills',
  { answer: 'closed; MQTT 5: 0x81', versions: BOTH },
  async (context) => {
    for (const wrong of NOT_UTF8) await refusedEverywhere(context, wrong);
  },
);

list.add(
  'U+0000 in topics, filters, client identifiers, user names and wills',
  { answer: 'closed; MQTT 5: 0x81', versions: BOTH },
  async (context) => {
    for (const wrong of ['\0', 'a\0b', `${context.topic()}\0`]) {
      await refusedEverywhere(context, bytes(wrong));
    }
  },
);

/** The text ends the connection, wherever it stands. */
async function refusedEverywhere(context: HostileContext, wrong: Uint8Array): Promise<void> {
  const { version } = context;
  const codes = context.codes(...BAD_FILTER);
  const head = version === 5 ? properties() : [];
  const connectOf = (flags: number, ...parts: Part[]) =>
    packet(0x10, field('MQTT'), version, flags, u16(60), head, parts);
  await Promise.all([
    context.ends(publish(wrong, 'x', { version }), codes),
    context.ends(subscribe([[wrong, 0]], { version }), codes),
    context.ends(unsubscribe([wrong], { version }), codes),
    context.endsFirst(connectOf(2, field(wrong))),
    context.endsFirst(connectOf(6, field('c'), head, field(wrong), field(''))),
    context.endsFirst(connectOf(0x82, field('c'), field(wrong))),
  ]);
}

list.add(
  'wildcards in a topic name, a response topic and the topic of a will',
  { answer: 'closed; MQTT 5: 0x90', versions: BOTH },
  async (context) => {
    const { version } = context;
    const watcher = await context.listener(context.topic('/#'));
    for (const end of ['/+', '/#', '/a+', '/#a', '+']) {
      const topic = context.topic(end);
      await context.ends(context.publish(topic, 'x'), context.codes(...WRONG, 0x90));
      const will = { topic, payload: 'x' };
      await context.endsFirst(context.connectOf({ version, will }), context.codes(...WRONG, 0x90));
    }
    if (version === 5) {
      const response = property.responseTopic(context.topic('/+'));
      await context.ends(publish(context.topic('/a'), 'x', { properties: response }), [
        ...WRONG,
        0x90,
      ]);
    }
    await watcher.expectNothing();
  },
);

list.add(
  'a topic of no bytes, without an alias',
  { answer: 'closed; MQTT 5: 0x82', versions: BOTH, seen: ['CVE-2021-34432', 'FlashMQ#120'] },
  async (context) => {
    for (const qos of [0, 1, 2]) {
      await context.ends(context.publish('', 'x', { qos }), context.codes(...WRONG, 0x90));
    }
    const will = { topic: '', payload: 'x' };
    const { version } = context;
    await context.endsFirst(context.connectOf({ version, will }), context.codes(...WRONG, 0x90));
  },
);

list.add(
  '+ and # where they may not be',
  { answer: 'refused: closed, or 0x8F', versions: BOTH },
  async (context) => {
    const filters = [
      '',
      'a/#/b',
      'a#',
      '#a',
      '+a',
      'a+',
      'a/+b/c',
      '##',
      '++',
      '#/',
      'a/#/',
      '#/#',
    ];
    await Promise.all(filters.map((filter) => refusedFilter(context, filter)));
  },
);

list.add(
  'shares without a name, without a filter, or with wildcards in the name',
  { answer: 'refused: closed, or 0x8F' },
  async (context) => {
    const filters = [
      ...['$share/', '$share//a', '$share/g', '$share/g/', '$share/+/a', '$share/#'],
      ...['$share/g+/a', '$share/g#/a', '$share/g/a#', '$share/g/a/#/b'],
    ];
    await Promise.all(filters.map((filter) => refusedFilter(context, filter)));
    const client = await context.client();
    client.send(subscribe([[`$share/g/${context.topic()}`, 4]]));
    await client.expectClosed(WRONG);
  },
);

async function refusedFilter(context: HostileContext, filter: string): Promise<void> {
  const client = await context.client();
  client.send(context.subscribe(filter));
  const answer = await client.next();
  if (answer?.type === 'suback') {
    check(answer.reasonCodes[0] === (context.version === 5 ? 0x8f : 0x80), `${filter} is granted`);
  } else if (answer !== null) {
    check(answer.type === 'disconnect', `${filter}: ${answer.type}`);
  }
}

list.add(
  'a topic and a filter of 65,535 slashes',
  { answer: 'served or refused', versions: BOTH, seen: ['CVE-2019-11779'] },
  async (context) => {
    const slashes = '/'.repeat(65_535);
    const filters = [slashes, `${'+/'.repeat(32_767)}+`, `${'/'.repeat(65_534)}#`];
    for (const filter of filters) {
      const client = await context.client();
      client.send(context.subscribe(filter));
      await context.servedOrClosed(client);
      client.send(context.publish(slashes, 'x', { retain: true }));
      await context.servedOrClosed(client);
      client.send(context.publish(slashes, '', { retain: true }));
      await context.servedOrClosed(client);
    }
  },
);

list.add(
  'client identifiers, user names and passwords of 65,535 bytes',
  { answer: 'accepted or refused', versions: BOTH },
  async (context) => {
    const { version } = context;
    const long = 'l'.repeat(65_535);
    for (const options of [
      { clientId: long },
      { username: long, password: long },
      { will: { topic: long, payload: long } },
    ]) {
      const client = await context.open(version);
      client.send(context.connectOf({ version, ...options }));
      const answer = await client.next();
      check(answer === null || answer.type === 'connack', `${answer?.type}`);
      client.send(packet(0xe0));
    }
  },
);

list.add(
  'texts that mean something to programs, as client identifier, topic, filter and payload',
  { answer: 'are texts like any other' },
  async (context) => {
    const texts = [
      ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '$&', "$'", '$`', '$1', '%s%n'],
      ...[
        '%c',
        '%u',
        '$' + '{jndi:ldap://localhost/x}',
        '{{7*7}}',
        "' OR 1=1 --",
        '*)(uid=*',
        '../../x',
      ],
      ...['\r\nINFO', '\u202e', '\ufeff', '\u{1f600}', '[a-z]+$'.replace('+', ''), '(a*)*b', ' '],
    ];
    await Promise.all(
      texts.map(async (odd, index) => {
        const topic = context.topic(`/${index}/${odd}`);
        const client = await context.open();
        client.send(context.connectOf({ clientId: `${context.name}${odd}` }));
        const connack = await client.next();
        // Control characters may be refused (§1.5.4).
        if (connack === null || connack.reasonCode !== 0) return;
        client.send(subscribe([[topic, 0]]), publish(topic, odd));
        const received = await context.servedOrClosed(client);
        if (client.isClosed) return;
        const message = received.find(({ type }) => type === 'publish');
        check(message !== undefined && text(message) === odd, `${odd}: not delivered`);
        check(message?.topic === topic, `${odd}: ${message?.topic}`);
      }),
    );
  },
);

list.add(
  'topics that look the same, and are other bytes',
  { answer: 'are different topics', versions: BOTH },
  async (context) => {
    const base = context.topic('/');
    const pairs = [
      ['\u00e9', 'e\u0301'],
      ['\u212b', '\u00c5'],
      ['a', 'A'],
      ['a', 'a/'],
      ['a', '/a'],
      ['a', 'a '],
      ['a', '\ufeffa'],
    ] as const;
    for (const [one, other] of pairs) {
      const watcher = await context.listener(base + one);
      const sender = await context.client();
      await context.deliver(sender, base + other, 'x', { version: context.version, qos: 1 });
      await watcher.expectNothing();
    }
  },
);

list.add(
  'topics of the broker, published by a client',
  { answer: 'nobody is told what a client says of the broker', versions: BOTH },
  async (context) => {
    const watcher = await context.client();
    watcher.send(context.subscribe('$SYS/#'));
    const granted = (await watcher.next())?.reasonCodes[0] ?? 0x80;
    const forged = `forged${context.name}`;
    for (const topic of ['$SYS/broker/uptime', '$SYS/broker/version', '$SYS/x', '$SYS']) {
      const sender = await context.client();
      sender.send(context.publish(topic, forged, { retain: true }));
      await context.servedOrClosed(sender);
    }
    if (granted >= 0x80) return;
    const told = (await watcher.drain()).filter((one) => text(one) === forged);
    check(told.length === 0, `${told[0]?.topic} is forged`);
  },
);

list.add(
  '# and +/… are no way to topics that begin with $',
  { answer: 'nothing comes of them', versions: BOTH },
  async (context) => {
    const watcher = await context.client();
    watcher.send(context.subscribe('#'), context.subscribe('+/broker/#', 0, 2));
    await watcher.expect('suback');
    const received = await watcher.drain();
    const found = received.find(({ topic }) => topic.startsWith('$'));
    check(found === undefined, `${found?.topic} came`);
  },
);
