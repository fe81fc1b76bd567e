import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TestClient } from '../support/mqtt-client.ts';
import { otherProgram } from '../support/other-programs.ts';
import { MosquittoBroker } from './mosquitto-broker.ts';
import { RestartableBroker } from './restartable-broker.ts';

/** Lines of its configuration, beyond those that any bridge needs. */
const variants: readonly (readonly [name: string, lines: readonly string[]])[] = [
  ['with its default options', []],
  ['with MQTT 3.1', ['bridge_protocol_version mqttv31']],
  ['with MQTT 3.1.1', ['bridge_protocol_version mqttv311', 'try_private true']],
  ['with MQTT 5', ['bridge_protocol_version mqttv50']],
];

const { missing } = otherProgram('mosquitto');

if (missing === null) describe("mosquitto's bridge", testBridge);
else test.skip(`mosquitto's bridge: ${missing}`, () => {});

function testBridge(): void {
  let broker: RestartableBroker;
  let mosquitto: MosquittoBroker | undefined;
  let clients: TestClient[];

  beforeEach(async () => {
    broker = new RestartableBroker();
    await broker.start();
    clients = [];
  });

  afterEach(async () => {
    await Promise.all(clients.map((client) => client.end()));
    await mosquitto?.stop();
    mosquitto = undefined;
    await broker.stop();
  });

  async function client(url: string, filter: string): Promise<TestClient> {
    const made = await TestClient.connect(url, { reconnectPeriod: 100 });
    clients.push(made);
    await made.mqtt.subscribeAsync(filter, { qos: 2 });
    return made;
  }

  async function bridged(lines: readonly string[]): Promise<MosquittoBroker> {
    mosquitto = await MosquittoBroker.start([
      'connection bridge',
      `address 127.0.0.1:${broker.port}`,
      'topic out/# out 2',
      'topic in/# in 2',
      'topic both/# both 2',
      // By default it waits for up to 30 seconds.
      'restart_timeout 1',
      ...lines,
    ]);
    await allSubscribed(mosquitto);
    return mosquitto;
  }

  async function allSubscribed(bridge: MosquittoBroker): Promise<void> {
    for (const _ of ['in/#', 'both/#']) await bridge.says(/Received SUBACK from .*bridge/);
  }

  test('brings over what was published while the other broker was away', async () => {
    const bridge = await bridged([]);
    const far = await client(bridge.url, 'both/#');
    await broker.stopAlone();
    for (const payload of ['1', '2']) await far.mqtt.publishAsync('both/a', payload, { qos: 1 });
    await broker.start();
    await allSubscribed(bridge);
    const near = await client(broker.url, 'both/#');
    await far.mqtt.publishAsync('both/a', '3', { qos: 1 });
    await near.messages(1);
    await near.mqtt.publishAsync('both/a', '4', { qos: 1 });
    await far.messages(4);
    expect(far.payloads()).toEqual(['1', '2', '3', '4']);
  });

  describe.each(variants)('%s', (_, lines) => {
    test('brings each message over once in both directions, also after a restart', async () => {
      const bridge = await bridged(lines);
      const far = await client(bridge.url, '+/+/#');
      const near = await client(broker.url, '+/+/#');
      const expected: string[] = [];
      for (const round of ['first', 'second']) {
        for (const qos of [0, 1, 2] as const) {
          await far.mqtt.publishAsync(`out/${round}/${qos}`, `${qos}`, { qos });
          await near.mqtt.publishAsync(`in/${round}/${qos}`, `${qos}`, { qos });
          await far.mqtt.publishAsync(`both/${round}/far/${qos}`, `${qos}`, { qos });
          await near.mqtt.publishAsync(`both/${round}/near/${qos}`, `${qos}`, { qos });
          expected.push(`out/${round}/${qos}`, `in/${round}/${qos}`);
          expected.push(`both/${round}/far/${qos}`, `both/${round}/near/${qos}`);
          await near.messages(expected.length);
          await far.messages(expected.length);
        }
        // What came back after these would have come before them.
        await far.mqtt.publishAsync(`both/${round}/end`, '', { qos: 2 });
        await near.messages(expected.push(`both/${round}/end`));
        await near.mqtt.publishAsync(`both/${round}/end`, '', { qos: 2 });
        await far.messages(expected.push(`both/${round}/end`));
        await near.messages(expected.length);
        for (const { received } of [near, far]) {
          expect(received.map(({ topic }) => topic).sort()).toEqual([...expected].sort());
        }
        if (round === 'second') break;
        await broker.restart();
        await allSubscribed(bridge);
        await subscribeAgain(near);
      }
    });

    test('keeps what is retained retained behind it', async () => {
      const bridge = await bridged(lines);
      const far = await client(bridge.url, 'in/#');
      const near = await client(broker.url, 'out/#');
      await far.mqtt.publishAsync('out/kept', 'far', { qos: 1, retain: true });
      await near.mqtt.publishAsync('in/kept', 'near', { qos: 1, retain: true });
      await near.messages(1);
      await far.messages(1);
      const nearNew = await client(broker.url, 'out/#');
      expect(await nearNew.messages(1)).toMatchObject([{ payload: 'far', retain: true }]);
      const farNew = await client(bridge.url, 'in/#');
      expect(await farNew.messages(1)).toMatchObject([{ payload: 'near', retain: true }]);
    });
  });
}

/** A client of MQTT.js is connected again; its session was a clean one. */
async function subscribeAgain({ mqtt }: TestClient): Promise<void> {
  if (!mqtt.connected) await new Promise<void>((resolve) => mqtt.once('connect', () => resolve()));
  await mqtt.subscribeAsync('+/+/#', { qos: 2 });
}
