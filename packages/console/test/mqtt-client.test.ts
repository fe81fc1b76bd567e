import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createBroker, type RunningBroker } from '@promptmq/server';
import { WebSocket } from 'ws';
import { MqttClient } from '../src/mqtt/mqtt-client.ts';
import {
  type ConnectFields,
  encodePublish,
  type Message,
  PacketStream,
  type Received,
} from '../src/mqtt/packets.ts';

type Publish = Extract<Received, { type: 'publish' }>;

let broker: RunningBroker;

beforeAll(async () => {
  Object.assign(globalThis, { WebSocket });
  broker = await createBroker();
});

afterAll(() => broker.stop());

const FIELDS: ConnectFields = {
  clientId: '',
  userName: null,
  password: null,
  cleanStart: true,
  keepAlive: 60,
  properties: {},
  will: null,
};

interface Connected {
  readonly client: MqttClient;
  readonly connack: Extract<Received, { type: 'connack' }>;
  /** The next message, also where it has come already. */
  next(): Promise<Publish>;
  readonly closed: Promise<string>;
}

function connect(fields: Partial<ConnectFields> = {}): Promise<Connected> {
  return new Promise((resolve, reject) => {
    const waiting: ((message: Publish) => void)[] = [];
    const messages: Publish[] = [];
    const next = () =>
      new Promise<Publish>((done) => {
        const message = messages.shift();
        if (message === undefined) waiting.push(done);
        else done(message);
      });
    let onClosed: (reason: string) => void = () => {};
    const closed = new Promise<string>((done) => {
      onClosed = done;
    });
    void closed.then((reason) => reject(new Error(reason)));
    const client = new MqttClient(
      broker.wsUrl as string,
      { ...FIELDS, ...fields },
      {
        onConnected: (connack) => resolve({ client, connack, next, closed }),
        onMessage(message) {
          const first = waiting.shift();
          if (first === undefined) messages.push(message);
          else first(message);
        },
        onClosed,
      },
    );
  });
}

const MESSAGE: Message = {
  topic: 'a/b',
  payload: new TextEncoder().encode('hällo'),
  qos: 0,
  retain: false,
  properties: {},
};
const SUBSCRIPTION = {
  filter: 'a/+',
  qos: 2,
  noLocal: false,
  retainAsPublished: true,
  retainHandling: 0,
} as const;

test('a message comes as it was published, at each QoS, with all of its properties', async () => {
  const { client, next, connack, closed } = await connect();
  expect(connack.properties.assignedClientIdentifier).toBeTruthy();
  const granted = await client.subscribe(SUBSCRIPTION, { subscriptionIdentifier: 268_435_455 });
  expect(granted.reasonCode).toBe(2);
  for (const qos of [0, 1, 2] as const) {
    const properties = {
      payloadFormatIndicator: 1,
      messageExpiryInterval: 4_000_000_000,
      contentType: 'text/plain',
      responseTopic: 'answers/1',
      correlationData: Uint8Array.of(0, 255, 7),
      userProperties: [
        ['ä', '😀'],
        ['ä', ''],
      ] as [string, string][],
    };
    const answer = client.publish({ ...MESSAGE, qos, properties });
    const message = await next();
    expect({ ...message, packetId: null }).toEqual({
      ...MESSAGE,
      type: 'publish',
      qos,
      packetId: null,
      duplicate: false,
      properties: { ...properties, subscriptionIdentifier: 268_435_455 },
    });
    expect(await answer).toEqual(qos === 0 ? null : { reasonCode: 0, reasonString: null });
  }
  expect((await client.unsubscribe('a/+')).reasonCode).toBe(0);
  expect((await client.unsubscribe('a/+')).reasonCode).toBe(0x11);
  client.end();
  expect(await closed).toBe('disconnected');
});

test('what is refused is said with its reason code', async () => {
  const { client, closed } = await connect({ clientId: 'one' });
  const answer = await client.publish({ ...MESSAGE, topic: '$SYS/x', qos: 2 });
  expect(answer?.reasonCode).toBe(0x87);
  const second = await connect({ clientId: 'one' });
  expect(await closed).toMatch(/^disconnected by the broker: 0x8e Session taken over/);
  second.client.end();
  await expect(connect({ clientId: '$inside/x' })).rejects.toThrow(
    /^refused: 0x85 Client Identifier not valid/,
  );
});

test('a large payload comes whole; one of several packets in a chunk, and one in pieces', async () => {
  const { client, next } = await connect();
  await client.subscribe(SUBSCRIPTION, {});
  const payload = new Uint8Array(300_000).fill(7);
  await client.publish({ ...MESSAGE, payload, qos: 1 });
  expect((await next()).payload).toEqual(payload);
  client.end();

  const one = encodePublish({ ...MESSAGE, qos: 1 }, 9);
  const bytes = Uint8Array.from([...one, ...one, ...one]);
  expect(new PacketStream().push(bytes)).toHaveLength(3);
  const stream = new PacketStream();
  const found = [...bytes].flatMap((byte) => stream.push(Uint8Array.of(byte)));
  expect(found).toEqual(new PacketStream().push(bytes));
});
