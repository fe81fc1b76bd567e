import { CaseList } from '../case.ts';
import { WRONG } from '../check.ts';
import type { Context } from '../client/context.ts';
import type { RawClient } from '../client/raw-client.ts';
import { bytes, field, type Part, packet, properties, u16, u32, varint } from '../wire/bytes.ts';
import { property } from '../wire/property.ts';

/** Which property goes with which packet of a client (§2.2.2.2), and how often. */
const list = new CaseList();
export const propertyCases = list.cases;

/** Every property with a value that is right for it, by identifier. */
const EXAMPLES: ReadonlyMap<number, Part> = new Map<number, Part>([
  [0x01, property.payloadFormat(1)],
  [0x02, property.messageExpiry(60)],
  [0x03, property.contentType('type')],
  [0x08, property.responseTopic('reply')],
  [0x09, property.correlationData('data')],
  [0x0b, property.subscriptionIdentifier(7)],
  [0x11, property.sessionExpiry(0)],
  [0x12, [0x12, field('assigned')]],
  [0x13, [0x13, u16(60)]],
  [0x15, property.authenticationMethod('method')],
  [0x16, property.authenticationData('data')],
  [0x17, property.requestProblemInformation(1)],
  [0x18, property.willDelay(0)],
  [0x19, property.requestResponseInformation(1)],
  [0x1a, [0x1a, field('information')]],
  [0x1c, [0x1c, field('another')]],
  [0x1f, property.reasonString('reason')],
  [0x21, property.receiveMaximum(10)],
  [0x22, property.topicAliasMaximum(10)],
  [0x23, property.topicAlias(1)],
  [0x24, [0x24, 1]],
  [0x25, [0x25, 1]],
  [0x26, property.user('key', 'value')],
  [0x27, property.maximumPacketSize(1_000_000)],
  [0x28, [0x28, 1]],
  [0x29, [0x29, 1]],
  [0x2a, [0x2a, 1]],
]);

const USER = 0x26;

/** Identifiers that stand for nothing, one of them in two bytes. */
const UNKNOWN: readonly Part[] = [bytes(0), bytes(0x04, 0), bytes(0x7f, 0), [varint(0x80), 0]];

/** A packet of a client, whatever its properties. */
interface Form {
  readonly name: string;
  readonly rules: string;
  /** What it takes, without those that need other packets around them. */
  readonly takes: readonly number[];
  /** Whether the packet is the first on its connection. */
  readonly isFirst?: boolean;
  readonly build: (context: Context, props: Part) => Uint8Array;
  /** Sees that it was taken. */
  readonly accepted: (client: RawClient) => Promise<void>;
}

const stillOpen = (client: RawClient) => client.expectNothing();

const admitted = async (client: RawClient) => {
  await client.expect('connack', { reasonCode: 0 });
};

const ACK_FORMS: readonly Form[] = (
  [
    ['PUBACK', 0x40, '§3.4.2.2'],
    ['PUBREC', 0x50, '§3.5.2.2'],
    ['PUBREL', 0x62, '§3.6.2.2'],
    ['PUBCOMP', 0x70, '§3.7.2.2'],
  ] as const
).map(([name, firstByte, section]) => ({
  name,
  rules: `§2.2.2.2 ${section}`,
  takes: [0x1f, USER],
  build: (_context, props) => packet(firstByte, u16(99), 0, properties(props)),
  // An identifier that isn't in use is answered, or not, by type; the connection stays.
  accepted: async (client) => {
    await client.drain();
  },
}));

const FORMS: readonly Form[] = [
  {
    name: 'CONNECT',
    rules: '§2.2.2.2 §3.1.2.11',
    takes: [0x11, 0x21, 0x27, 0x22, 0x19, 0x17, USER],
    isFirst: true,
    build: (context, props) =>
      packet(0x10, field('MQTT'), 5, 2, u16(60), properties(props), field(context.clientId())),
    accepted: admitted,
  },
  {
    name: 'a will',
    rules: '§2.2.2.2 §3.1.3.2',
    takes: [0x18, 0x01, 0x02, 0x03, 0x08, 0x09, USER],
    isFirst: true,
    build: (context, props) =>
      packet(
        0x10,
        [field('MQTT'), 5, 6, u16(60), 0, field(context.clientId())],
        [properties(props), field(context.topic()), field('bye')],
      ),
    accepted: admitted,
  },
  {
    name: 'PUBLISH',
    rules: '§2.2.2.2 §3.3.2.3',
    takes: [0x01, 0x02, 0x03, 0x08, 0x09, USER],
    build: (context, props) => packet(0x30, field(context.topic()), properties(props), 'x'),
    accepted: stillOpen,
  },
  ...ACK_FORMS,
  {
    name: 'SUBSCRIBE',
    rules: '§2.2.2.2 §3.8.2.1',
    takes: [USER],
    build: (context, props) => packet(0x82, u16(1), properties(props), field(context.topic()), 0),
    accepted: async (client) => {
      await client.expect('suback', { reasonCodes: [0] });
    },
  },
  {
    name: 'UNSUBSCRIBE',
    rules: '§2.2.2.2 §3.10.2.1',
    takes: [USER],
    build: (context, props) => packet(0xa2, u16(1), properties(props), field(context.topic())),
    accepted: async (client) => {
      await client.expect('unsuback', { reasonCodes: [0x11] });
    },
  },
  {
    name: 'DISCONNECT',
    rules: '§2.2.2.2 §3.14.2.2',
    takes: [0x11, 0x1f, USER],
    build: (_context, props) => packet(0xe0, 0, properties(props)),
    accepted: (client) => client.expectClosed([]),
  },
];

/** What may stand in a packet but is left to cases of its own. */
const ELSEWHERE: Readonly<Record<string, readonly number[]>> = {
  CONNECT: [0x15, 0x16],
  PUBLISH: [0x23],
  SUBSCRIBE: [0x0b],
};

async function refused(context: Context, form: Form, props: Part): Promise<void> {
  const client = form.isFirst ? await context.open() : await context.connect();
  client.send(form.build(context, props));
  try {
    await client.expectClosed(WRONG);
  } catch (error) {
    const sent = Buffer.from(bytes(props)).toString('hex').slice(0, 20);
    throw new Error(`${sent} in ${form.name}: ${(error as Error).message}`);
  }
}

for (const form of FORMS) {
  list.v5(`${form.name} takes each of its properties`, form.rules, async (context) => {
    for (const id of form.takes) {
      const client = form.isFirst ? await context.open() : await context.connect();
      client.send(form.build(context, EXAMPLES.get(id) as Part));
      await form.accepted(client);
    }
  });

  list.v5(
    `${form.name} takes all of its properties at once, in any order`,
    form.rules,
    async (context) => {
      const all = form.takes.map((id) => EXAMPLES.get(id) as Part);
      for (const props of [all, [...all].reverse()]) {
        const client = form.isFirst ? await context.open() : await context.connect();
        client.send(form.build(context, props));
        await form.accepted(client);
      }
    },
  );

  list.v5(
    `${form.name} with a property of another packet is refused`,
    form.rules,
    async (context) => {
      const others = [...EXAMPLES.keys()].filter(
        (id) => !form.takes.includes(id) && !ELSEWHERE[form.name]?.includes(id),
      );
      await Promise.all(others.map((id) => refused(context, form, EXAMPLES.get(id) as Part)));
    },
  );

  list.v5(`${form.name} with an unknown property is refused`, form.rules, async (context) => {
    await Promise.all(UNKNOWN.map((props) => refused(context, form, props)));
  });

  list.v5(
    `${form.name} has none of its properties twice, but user properties`,
    form.rules,
    async (context) => {
      const single = form.takes.filter((id) => id !== USER);
      await Promise.all(
        single.map((id) => {
          const one = EXAMPLES.get(id) as Part;
          return refused(context, form, [one, one]);
        }),
      );
      const client = form.isFirst ? await context.open() : await context.connect();
      client.send(form.build(context, [property.user('a', '1'), property.user('a', '1')]));
      await form.accepted(client);
    },
  );

  list.v5(
    `${form.name} with properties that end before or after their length is refused`,
    `${form.rules} MQTT-4.13.1-1`,
    async (context) => {
      const cut = bytes(0x26, u16(3), 'key', u16(5), 'val');
      await refused(context, form, cut);
      await refused(context, form, bytes(0x26, field('key')));
      await refused(context, form, bytes(0x26));
    },
  );
}

list.v5(
  'values of properties out of their range are refused',
  '§3.1.2.11 §3.1.3.2.3 §3.3.2.3.2 MQTT-3.3.2-8',
  async (context) => {
    const byName = new Map(FORMS.map((form) => [form.name, form]));
    for (const [name, props] of [
      ['CONNECT', property.receiveMaximum(0)],
      ['CONNECT', property.maximumPacketSize(0)],
      ['CONNECT', property.requestProblemInformation(2)],
      ['CONNECT', property.requestResponseInformation(2)],
      ['a will', property.payloadFormat(2)],
      ['PUBLISH', property.payloadFormat(2)],
      ['SUBSCRIBE', property.subscriptionIdentifier(0)],
      ['SUBSCRIBE', bytes(0x0b, 0x80, 0x80, 0x80, 0x80, 0x01)],
      ['SUBSCRIBE', [property.subscriptionIdentifier(1), property.subscriptionIdentifier(2)]],
      ['SUBSCRIBE', bytes(0x0b, 0x81, 0x00)],
    ] as const) {
      await refused(context, byName.get(name) as Form, props);
    }
  },
);

list.v5(
  'the largest values of properties are taken',
  '§3.1.2.11 §3.1.3.2.2 §3.3.2.3.3 §3.8.2.1.2',
  async (context) => {
    const byName = new Map(FORMS.map((form) => [form.name, form]));
    for (const [name, props] of [
      ['CONNECT', property.receiveMaximum(0xffff)],
      ['CONNECT', property.topicAliasMaximum(0xffff)],
      ['CONNECT', property.maximumPacketSize(0xffff_ffff)],
      ['CONNECT', property.sessionExpiry(0xffff_fffe)],
      ['a will', property.willDelay(0x7fff_ffff)],
      ['a will', [0x02, u32(0xffff_ffff)]],
      ['PUBLISH', property.messageExpiry(0xffff_ffff)],
      ['PUBLISH', property.correlationData(new Uint8Array(0xffff))],
      ['PUBLISH', property.user('k'.repeat(0xffff), 'v'.repeat(0xffff))],
      ['SUBSCRIBE', property.subscriptionIdentifier(268_435_455)],
    ] as const) {
      const form = byName.get(name) as Form;
      const client = form.isFirst ? await context.open() : await context.connect();
      client.send(form.build(context, props));
      await form.accepted(client);
      client.destroy();
    }
  },
);
