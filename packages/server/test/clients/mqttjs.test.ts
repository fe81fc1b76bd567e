import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { IClientOptions } from 'mqtt';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { TestClient } from '../support/mqtt-client.ts';

let broker: RunningBroker;
const open: TestClient[] = [];

beforeAll(async () => {
  broker = await createBroker();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.end()));
});

afterAll(() => broker.stop());

const kinds = [
  { name: 'MQTT 5 over TCP', version: 5, ws: false },
  { name: 'MQTT 3.1.1 over TCP', version: 4, ws: false },
  { name: 'MQTT 3.1 over TCP', version: 3, ws: false },
  { name: 'MQTT 5 over WebSocket', version: 5, ws: true },
  { name: 'MQTT 3.1.1 over WebSocket', version: 4, ws: true },
] as const;

describe.each(kinds)('$name', ({ name, version, ws }) => {
  const prefix = name.replaceAll(' ', '-');

  async function connect(options: IClientOptions = {}): Promise<TestClient> {
    const client = await TestClient.connect(`${ws ? broker.wsUrl : broker.url}`, {
      protocolVersion: version,
      protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
      ...options,
    });
    open.push(client);
    return client;
  }

  test.each([0, 1, 2] as const)('QoS %d messages arrive once and in order', async (qos) => {
    const topic = `${prefix}/qos${qos}`;
    const subscriber = await connect();
    await subscriber.mqtt.subscribeAsync(topic, { qos });
    const publisher = await connect();
    const payloads = Array.from({ length: 200 }, (_, index) => `${index}`);
    await Promise.all(
      payloads.map((payload) => publisher.mqtt.publishAsync(topic, payload, { qos })),
    );
    await subscriber.messages(200);
    expect(subscriber.payloads()).toEqual(payloads);
    expect(subscriber.received.every((message) => message.qos === qos)).toBe(true);
  });

  test('the QoS of a delivery is the lower of the two [MQTT-3.8.4-8]', async () => {
    const subscriber = await connect();
    await subscriber.mqtt.subscribeAsync(`${prefix}/lower`, { qos: 1 });
    const publisher = await connect();
    await publisher.mqtt.publishAsync(`${prefix}/lower`, 'two', { qos: 2 });
    await publisher.mqtt.publishAsync(`${prefix}/lower`, 'zero', { qos: 0 });
    const received = await subscriber.messages(2);
    expect(received.map(({ payload, qos }) => [payload, qos]).sort()).toEqual([
      ['two', 1],
      ['zero', 0],
    ]);
  });

  test('a retained message reaches later subscribers until it is removed [MQTT-3.3.1-5]', async () => {
    const publisher = await connect();
    await publisher.mqtt.publishAsync(`${prefix}/retained`, 'kept', { qos: 1, retain: true });
    const first = await connect();
    await first.mqtt.subscribeAsync(`${prefix}/retained`, { qos: 1 });
    expect(await first.messages(1)).toMatchObject([{ payload: 'kept', retain: true, qos: 1 }]);

    await publisher.mqtt.publishAsync(`${prefix}/retained`, '', { qos: 1, retain: true });
    const second = await connect();
    await second.mqtt.subscribeAsync(`${prefix}/retained`, { qos: 1 });
    await publisher.mqtt.publishAsync(`${prefix}/retained`, 'live', { qos: 1 });
    expect(await second.messages(1)).toMatchObject([{ payload: 'live', retain: false }]);
  });

  test('wildcards match as §4.7.1 says', async () => {
    const subscriber = await connect();
    await subscriber.mqtt.subscribeAsync([`${prefix}/+/wild`, `${prefix}/deep/#`], { qos: 0 });
    const publisher = await connect();
    for (const topic of ['a/wild', 'a/b/wild', 'deep', 'deep/a/b', 'shallow']) {
      await publisher.mqtt.publishAsync(`${prefix}/${topic}`, topic, { qos: 1 });
    }
    await subscriber.messages(3);
    expect(subscriber.payloads()).toEqual(['a/wild', 'deep', 'deep/a/b']);
  });

  test('a shared subscription gives each message to one member (§4.8.2)', async () => {
    const members = await Promise.all([connect(), connect(), connect()]);
    for (const member of members) {
      await member.mqtt.subscribeAsync(`$share/group/${prefix}/shared`, { qos: 1 });
    }
    const publisher = await connect();
    for (let index = 0; index < 30; index++) {
      await publisher.mqtt.publishAsync(`${prefix}/shared`, `${index}`, { qos: 1 });
    }
    await Promise.all(members.map((member) => member.messages(10)));
    expect(members.map(({ received }) => received.length)).toEqual([10, 10, 10]);
    expect(new Set(members.flatMap((member) => member.payloads())).size).toBe(30);
  });

  test('a will is published when the client crashes, and not when it disconnects [MQTT-3.1.2-8]', async () => {
    const subscriber = await connect();
    await subscriber.mqtt.subscribeAsync(`${prefix}/will`, { qos: 1 });
    const will = (payload: string) => ({
      will: {
        topic: `${prefix}/will`,
        payload: Buffer.from(payload),
        qos: 1 as const,
        retain: false,
      },
    });
    const polite = await connect(will('polite'));
    await polite.end();
    const rude = await connect(will('rude'));
    await rude.crash();
    await subscriber.messages(1);
    expect(subscriber.payloads()).toEqual(['rude']);
  });

  test('a session keeps its subscriptions and messages while the client is away [MQTT-3.1.2-5]', async () => {
    const options: IClientOptions = {
      clientId: `${prefix}-away`.slice(0, 23),
      clean: false,
      ...(version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}),
    };
    const first = await connect(options);
    await first.mqtt.subscribeAsync(`${prefix}/away`, { qos: 2 });
    await first.crash();
    const publisher = await connect();
    for (const qos of [1, 2, 1, 2] as const) {
      await publisher.mqtt.publishAsync(`${prefix}/away`, `${qos}`, { qos });
    }
    const second = await connect(options);
    await second.messages(4);
    // MQTT.js hands over a QoS 2 message at its PUBREL, when later QoS 1 messages are there already.
    expect(second.payloads().sort()).toEqual(['1', '1', '2', '2']);
    await publisher.mqtt.publishAsync(`${prefix}/away`, 'live', { qos: 1 });
    await second.messages(5);
    expect(second.payloads()[4]).toBe('live');
  });

  test.each([1, 2] as const)('a payload of 10 MB arrives whole at QoS %d', async (qos) => {
    const subscriber = await connect();
    await subscriber.mqtt.subscribeAsync(`${prefix}/large`, { qos });
    const payload = Buffer.alloc(10_000_000, 'PromptMQ');
    const publisher = await connect();
    await publisher.mqtt.publishAsync(`${prefix}/large`, payload, { qos });
    const [message] = await subscriber.messages(1);
    expect(message?.payload === payload.toString('latin1')).toBe(true);
  });
});

test('clients of every version share topics, and MQTT 5 properties are dropped for the others', async () => {
  const connect = async (protocolVersion: 3 | 4 | 5) => {
    const client = await TestClient.connect(`${broker.url}`, {
      protocolVersion,
      protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
    });
    open.push(client);
    return client;
  };
  const clients = await Promise.all([connect(3), connect(4), connect(5)]);
  const properties: unknown[] = [];
  clients[2]?.mqtt.on('message', (_topic, _payload, packet) => properties.push(packet.properties));
  for (const client of clients) await client.mqtt.subscribeAsync('mixed', { qos: 2 });
  const sent = { contentType: 'text/plain', userProperties: { a: ['1', '2'], b: '3' } };
  for (const qos of [0, 1, 2] as const) {
    await clients[2]?.mqtt.publishAsync('mixed', `5-${qos}`, { qos, properties: sent });
    await clients[1]?.mqtt.publishAsync('mixed', `4-${qos}`, { qos });
    await clients[0]?.mqtt.publishAsync('mixed', `3-${qos}`, { qos });
  }
  for (const client of clients) {
    await client.messages(9);
    expect(client.payloads().sort()).toEqual(
      ['3-0', '3-1', '3-2', '4-0', '4-1', '4-2', '5-0', '5-1', '5-2'].sort(),
    );
  }
  const withProperties = properties.filter((entry) => (entry as object | undefined) !== undefined);
  expect(withProperties.filter((entry) => 'contentType' in (entry as object))).toHaveLength(3);
  expect(JSON.parse(JSON.stringify(withProperties[0]))).toEqual(sent);
});
