import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { otherPrograms } from '../support/other-programs.ts';
import { type ClientOptions, ClientProcess } from './client-process.ts';
import { CuttingRelay } from './cutting-relay.ts';
import { RestartableBroker } from './restartable-broker.ts';

type Kind = Pick<ClientOptions, 'version' | 'transport'>;

const PUBREC = 5;
const PUBCOMP = 7;

const versionNames = { 3: 'MQTT 3.1', 4: 'MQTT 3.1.1', 5: 'MQTT 5' } as const;

/** What each client library can, in the order in which `node scripts clients` has them. */
const kinds: Readonly<Record<string, readonly Kind[]>> = {
  'paho-mqtt 1.1': kindsOf([3, 4], ['tcp']),
  'paho-mqtt 1.6.1': kindsOf([3, 4, 5], ['tcp', 'ws']),
  'paho-mqtt 2.1.0': kindsOf([3, 4, 5], ['tcp', 'ws']),
  'MQTT.js 4': kindsOf([3, 4, 5], ['tcp', 'ws']),
  'MQTT.js 5': kindsOf([3, 4, 5], ['tcp', 'ws']),
  'paho.mqtt.c': kindsOf([3, 4, 5], ['tcp', 'ws']),
  'paho.mqtt.golang': kindsOf([3, 4], ['tcp', 'ws']),
};

/** Those that don't send PUBREL again as the standard has it; no broker can make up for that. */
const faulty: readonly string[] = [
  // With DUP, as MQTT 3.1 asks for; with 3.1.1 it has to be closed then [MQTT-3.6.1-1].
  'paho-mqtt 1.1, MQTT 3.1.1',
  // Forgets that it has, and sends PUBLISH again.
  'paho.mqtt.golang',
];

function kindsOf(versions: readonly (3 | 4 | 5)[], transports: readonly ('tcp' | 'ws')[]): Kind[] {
  return versions.flatMap((version) => transports.map((transport) => ({ version, transport })));
}

const broker = new RestartableBroker();
const open: ClientProcess[] = [];

beforeAll(() => broker.start());

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.kill()));
});

afterAll(() => broker.stop());

const programs = otherPrograms().filter(({ name }) => kinds[name] !== undefined);

test('every client library is known to `node scripts clients`', () => {
  expect(programs.map(({ name }) => name)).toEqual(Object.keys(kinds));
});

for (const { name, command, missing } of programs) {
  for (const kind of kinds[name] ?? []) {
    const title = `${name}, ${versionNames[kind.version]} over ${kind.transport === 'ws' ? 'WebSocket' : 'TCP'}`;
    if (missing === null) describe(title, () => testClient(title, command, kind));
    else test.skip(`${title}: ${missing}`, () => {});
  }
}

function testClient(title: string, command: readonly string[], kind: Kind): void {
  const prefix = title.replaceAll(/[^\w.]+/g, '-');

  function start(
    role: string,
    session: 'keep' | 'clean',
    port = kind.transport === 'ws' ? broker.wsPort : broker.port,
  ): ClientProcess {
    // MQTT 3.1 allows 23 characters.
    const program = Object.keys(kinds).findIndex((name) => title.startsWith(`${name},`));
    const clientId = `${role}-${program}-${kind.version}-${kind.transport}`;
    const client = new ClientProcess(command, { ...kind, port, clientId, session });
    open.push(client);
    return client;
  }

  async function connected(role: string, session: 'keep' | 'clean'): Promise<ClientProcess> {
    const client = start(role, session);
    const { sessionPresent } = await client.next('connected');
    expect(sessionPresent).toBe(false);
    return client;
  }

  test('messages of each QoS arrive once and in order, many at a time; retained ones later, too', async () => {
    const subscriber = await connected('s', 'clean');
    expect(await subscriber.subscribe(`${prefix}/q/#`, 2)).toEqual([2]);
    const publisher = await connected('p', 'clean');
    for (const qos of [0, 1, 2]) {
      const payloads = Array.from({ length: 20 }, (_, index) => `${qos}-${index}`);
      const topic = `${prefix}/q/${qos}`;
      for (const payload of payloads) publisher.tell('publish', topic, qos, 0, payload);
      for (const _ of payloads) await publisher.next('published');
      expect(await subscriber.messages(20)).toEqual(
        payloads.map((payload) => ({ event: 'message', topic, payload, qos, retain: false })),
      );
    }
    await publisher.publish(`${prefix}/r`, 1, 'kept', true);
    await subscriber.subscribe(`${prefix}/r`, 1);
    expect(await subscriber.messages(1)).toMatchObject([{ payload: 'kept', qos: 1, retain: true }]);
    await subscriber.disconnect();
    await publisher.disconnect();
  });

  test('a session has what came while its client was away, also after a restart of the broker', async () => {
    const first = await connected('away', 'keep');
    await first.subscribe(`${prefix}/away/#`, 2);
    await first.disconnect();
    const publisher = await connected('p', 'clean');
    for (const qos of [1, 2]) await publisher.publish(`${prefix}/away/${qos}`, qos, 'before');
    await publisher.disconnect();
    await broker.restart();
    const other = await connected('p', 'clean');
    for (const qos of [1, 2]) await other.publish(`${prefix}/away/${qos}`, qos, 'after');
    await other.disconnect();

    const second = start('away', 'keep');
    const { sessionPresent } = await second.next('connected');
    expect(sessionPresent).toBe(kind.version > 3);
    await second.subscribe(`${prefix}/last`, 1);
    await second.publish(`${prefix}/last`, 1, 'last');
    const messages = await second.messages(5);
    // A client has a message of QoS 2 when its PUBREL comes, which others may overtake.
    const payloads = (level: number) =>
      messages.filter(({ qos }) => qos === level).map(({ payload }) => payload);
    expect(payloads(1)).toEqual(['before', 'after', 'last']);
    expect(payloads(2)).toEqual(['before', 'after']);
    await second.disconnect();
  });

  test('a client is there again after a restart, with its subscriptions until it ends them', async () => {
    const client = await connected('back', 'keep');
    await client.subscribe(`${prefix}/back/a`, 1);
    await client.subscribe(`${prefix}/back/b`, 1);
    await broker.restart();
    await client.next('lost');
    await client.next('connected');
    await client.publish(`${prefix}/back/a`, 1, 'one');
    expect(await client.messages(1)).toMatchObject([{ payload: 'one', qos: 1 }]);
    await client.unsubscribe(`${prefix}/back/a`);
    await client.publish(`${prefix}/back/a`, 1, 'nobody');
    await client.publish(`${prefix}/back/b`, 1, 'two');
    expect(await client.messages(1)).toMatchObject([{ payload: 'two' }]);
    await client.disconnect();
  });

  if (kind.transport === 'ws') return;

  const answers = [
    ['PUBREC', PUBREC],
    ['PUBCOMP', PUBCOMP],
  ] as const;
  const sendsPubrelAgain = !faulty.some((start) => title.startsWith(start));
  test.each(answers.filter(([name]) => name !== 'PUBCOMP' || sendsPubrelAgain))(
    'what is sent again because %s was lost arrives once',
    async (_, packetType) => {
      const subscriber = await connected('s', 'clean');
      await subscriber.subscribe(`${prefix}/once/#`, 2);
      const relay = await CuttingRelay.start(broker.port);
      try {
        const publisher = start('p', 'keep', relay.port);
        await publisher.next('connected');
        const cut = relay.cutBefore(packetType);
        publisher.tell('publish', `${prefix}/once/a`, 2, 0, 'once');
        await cut;
        await publisher.next('lost');
        await publisher.next('connected');
        await publisher.next('published');
        await publisher.publish(`${prefix}/once/b`, 2, 'next');
        const messages = await subscriber.messages(2);
        expect(messages.map(({ payload }) => payload)).toEqual(['once', 'next']);
        await publisher.disconnect();
      } finally {
        await relay.stop();
      }
    },
  );
}
