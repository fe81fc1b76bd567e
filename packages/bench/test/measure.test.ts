import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, test } from '@jest/globals';
import { createBroker, type RunningBroker } from '@promptmq/server';
import {
  measure,
  type Pattern,
  parseTarget,
  type ScenarioInput,
  type Target,
} from '../src/index.ts';
import { selfSigned } from './support/certificate.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(
  options: Parameters<typeof createBroker>[0] = {},
): Promise<{ broker: RunningBroker; target: Target }> {
  // Without the topics below $SYS, what is retained is only what is measured.
  const metrics = { enabled: false, sysInterval: 0 };
  const broker = await createBroker({ ...options, metrics });
  cleanups.push(() => broker.stop());
  return { broker, target: parseTarget(broker.url as string) };
}

const SMALL = { payloadBytes: 20, window: 5, drainSeconds: 0.3 } as const;

const STREAMS: readonly (readonly [Pattern, Partial<ScenarioInput>, number])[] = [
  ['pairs', { publishers: 3, subscribers: 3 }, 1],
  ['fan-in', { publishers: 4, subscribers: 1 }, 1],
  ['fan-out', { publishers: 1, subscribers: 5 }, 5],
  ['wildcard', { publishers: 1, subscribers: 4, topics: 7 }, 4],
  ['shared', { publishers: 3, subscribers: 2 }, 1],
  ['topics', { publishers: 2, subscribers: 2, topics: 10 }, 1],
  ['persistent', { publishers: 2, subscribers: 2 }, 1],
];

const CASES = STREAMS.flatMap(([pattern, input, fanOut]) =>
  ([0, 1, 2] as const).flatMap((qos) =>
    ([4, 5] as const).map((version) => ({ pattern, input, fanOut, qos, version })),
  ),
);

test.each(CASES)(
  '$pattern at QoS $qos with version $version: every message arrives and is timed',
  async ({ pattern, input, fanOut, qos, version }) => {
    const { broker, target } = await start();
    const messages = 101;
    const result = await measure(target, { ...SMALL, pattern, ...input, qos, version, messages });
    expect(result).toMatchObject({
      unit: 'deliveries',
      sent: messages,
      expected: messages * fanOut,
      delivered: messages * fanOut,
      lost: 0,
      surplus: 0,
      refused: 0,
    });
    expect(result.latency?.count).toBe(messages * fanOut);
    expect(result.ratePerSecond).toBeGreaterThan(0);
    expect(broker.stats.messagesReceived).toBe(messages);
    expect(broker.stats.messagesSent).toBe(messages * fanOut);
    // Nothing is left behind.
    expect(broker.stats).toMatchObject({ sessionsCurrent: 0, subscriptionsCurrent: 0 });
  },
);

test('a fixed rate sends each message once, and times all of them', async () => {
  const { target } = await start();
  const result = await measure(target, {
    ...SMALL,
    pattern: 'pairs',
    publishers: 3,
    subscribers: 3,
    qos: 1,
    ratePerSecond: 2000,
    messages: 100,
  });
  expect(result).toMatchObject({ sent: 100, delivered: 100, lost: 0 });
  expect(result.latency?.count).toBe(100);
});

test('MQTT 5 with properties, aliases and identifiers, among the subscriptions of others', async () => {
  const { broker, target } = await start();
  const result = await measure(target, {
    ...SMALL,
    pattern: 'pairs',
    publishers: 2,
    subscribers: 2,
    version: 5,
    userProperties: 3,
    messageExpiry: 60,
    usesAliases: true,
    usesSubscriptionIdentifiers: true,
    otherSubscriptions: 250,
    qos: 1,
    messages: 50,
  });
  expect(result).toMatchObject({ sent: 50, delivered: 50, lost: 0 });
  // The messages that set the aliases have no stamp.
  expect(result.latency?.count).toBe(48);
  expect(broker.stats.messagesReceived).toBe(50);
});

test.each([0, 3, 4, 20_000, 300_000])('payloads of %i bytes', async (payloadBytes) => {
  const { broker, target } = await start();
  const result = await measure(target, {
    ...SMALL,
    pattern: 'fan-in',
    publishers: 2,
    subscribers: 1,
    payloadBytes,
    messages: 12,
  });
  expect(result).toMatchObject({ delivered: 12, lost: 0 });
  expect(result.latency?.count ?? 0).toBe(payloadBytes < 4 ? 0 : 12);
  expect(broker.stats.bytesReceived).toBeGreaterThan(12 * payloadBytes);
});

test('retained messages are found, counted, and taken away again', async () => {
  const { broker, target } = await start();
  for (const qos of [0, 1, 2] as const) {
    const result = await measure(target, { ...SMALL, pattern: 'retained', qos, messages: 60 });
    expect(result).toMatchObject({ unit: 'retained', sent: 60, delivered: 60, lost: 0 });
    expect(broker.stats.retainedCurrent).toBe(0);
  }
});

test('a queue is filled while its session is away, and drained when it comes back', async () => {
  const { broker, target } = await start();
  for (const version of [4, 5] as const) {
    const result = await measure(target, {
      ...SMALL,
      pattern: 'offline',
      qos: 2,
      version,
      messages: 60,
    });
    expect(result).toMatchObject({ unit: 'drained', sent: 60, delivered: 60, lost: 0 });
    expect(broker.stats.sessionsCurrent).toBe(0);
  }
});

test('a queue is filled by many publishers', async () => {
  const { target } = await start();
  const input = { ...SMALL, pattern: 'offline', publishers: 7, messages: 60, version: 5 } as const;
  expect(await measure(target, input)).toMatchObject({ sent: 60, delivered: 60, lost: 0 });
});

test('beside a flood, the latency of all others is measured', async () => {
  const { target } = await start();
  const input = { ...SMALL, pattern: 'fairness', publishers: 4, subscribers: 4 } as const;
  const result = await measure(target, { ...input, ratePerSecond: 3000, messages: 4000 });
  expect(result).toMatchObject({ sent: 4000, delivered: 4000, lost: 0 });
  expect(result.latency?.count).toBe(3000);
});

test('what a broker drops is counted as lost', async () => {
  const { target } = await start({ mqtt: { maxQueuedMessages: 10 } });
  const result = await measure(target, { ...SMALL, pattern: 'offline', messages: 50 });
  expect(result).toMatchObject({ sent: 50, delivered: 10, lost: 40 });
});

test('what a broker refuses with a reason code is counted', async () => {
  const { target } = await start({ mqtt: { maxRetained: 10 } });
  const result = await measure(target, {
    ...SMALL,
    pattern: 'retained',
    qos: 1,
    version: 5,
    messages: 15,
  });
  expect(result).toMatchObject({ sent: 15, delivered: 10, lost: 5, refused: 5 });
});

test('idle connections, from several addresses, with the memory of the broker', async () => {
  const { broker, target } = await start();
  const result = await measure(
    target,
    { pattern: 'idle', connections: 40, sources: 3, seconds: 0 },
    { brokerPid: process.pid },
  );
  expect(result).toMatchObject({ unit: 'connects', lost: 0 });
  expect(broker.stats.connectionsTotal).toBe(40);
  if (process.platform === 'linux') {
    expect(result.memory.at(-1)?.connections).toBe(40);
    expect(result.broker?.residentBytes).toBeGreaterThan(1_000_000);
  }
});

test('connections are opened and closed, a number of them side by side', async () => {
  const { broker, target } = await start();
  const result = await measure(target, { pattern: 'connect', connections: 3, messages: 20 });
  expect(result.extra['connections']).toBe(20);
  expect(result.latency?.count).toBe(20);
  expect(broker.stats.connectionsTotal).toBe(20);
});

test('over WebSocket', async () => {
  const { broker } = await start();
  for (const payloadBytes of [20, 200, 70_000]) {
    const result = await measure(parseTarget(`${broker.wsUrl}/mqtt`), {
      ...SMALL,
      pattern: 'pairs',
      publishers: 2,
      subscribers: 2,
      qos: 1,
      payloadBytes,
      messages: 30,
    });
    expect(result).toMatchObject({ delivered: 30, lost: 0 });
  }
});

test('over TLS, where the certificate must be one that is trusted', async () => {
  const { target } = await start();
  const { key, cert } = selfSigned();
  const server = createTlsServer({ key, cert, allowHalfOpen: true }, (socket) => {
    const inner = connect({ port: target.port, host: target.host, allowHalfOpen: true });
    socket.pipe(inner).pipe(socket);
    for (const end of [socket, inner]) end.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => server.close());
  const url = `mqtts://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const input = {
    ...SMALL,
    pattern: 'pairs',
    publishers: 2,
    subscribers: 2,
    messages: 50,
  } as const;
  for (const options of [{ ca: cert }, { isInsecure: true }]) {
    expect(await measure(parseTarget(url, options), input)).toMatchObject({
      delivered: 50,
      lost: 0,
    });
  }
  await expect(measure(parseTarget(url), input)).rejects.toThrow(/can't connect .*self.signed/i);
});

test('a QoS that the broker does not offer is an error', async () => {
  const { target } = await start({ mqtt: { maxQos: 1 } });
  await expect(measure(target, { ...SMALL, pattern: 'pairs', qos: 2 })).rejects.toThrow(
    'only granted QoS 1',
  );
});

test('more aliases than the broker takes are an error', async () => {
  const { target } = await start({ mqtt: { maxTopicAlias: 2 } });
  await expect(
    measure(target, { pattern: 'wildcard', version: 5, usesAliases: true, topics: 3 }),
  ).rejects.toThrow('takes 2 topic aliases, and each publisher needs 3');
});

test('a connection that the broker refuses is an error', async () => {
  const { target } = await start({ mqtt: { maxConnections: 3 } });
  await expect(measure(target, { pattern: 'idle', connections: 5 })).rejects.toThrow(
    /refused bench-.*CONNACK with 0x03/,
  );
});

test('a broker that goes away ends the measurement', async () => {
  const { broker, target } = await start();
  const measured = measure(
    target,
    { ...SMALL, pattern: 'pairs', version: 5, seconds: 60 },
    {
      onProgress: ({ ratePerSecond }) => {
        if (ratePerSecond !== null) void broker.stop();
      },
    },
  );
  await expect(measured).rejects.toThrow(/the broker disconnected with 0x8b/);
});

test('no broker, and no MQTT broker, are errors', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.resume();
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await expect(
    measure(parseTarget(`ws://127.0.0.1:${port}`), { pattern: 'pairs' }),
  ).rejects.toThrow(/400 Bad Request/);
  server.close();
  await once(server, 'close');
  await expect(measure(parseTarget(`127.0.0.1:${port}`), { pattern: 'pairs' })).rejects.toThrow(
    /can't connect to 127\.0\.0\.1:\d+: .*ECONNREFUSED/,
  );
});

test.each([
  ['pairs', { publishers: 2, subscribers: 3 }, 'as many publishers as subscribers'],
  ['offline', { qos: 0 }, 'offline needs QoS 1 or 2'],
  ['offline', { publishers: 9, messages: 8 }, '9 publishers need as many messages'],
  ['fairness', { publishers: 1, subscribers: 1 }, 'fairness needs two pairs'],
  ['pairs', { userProperties: 1 }, 'user properties need MQTT 5'],
  ['pairs', { window: 40_000 }, 'window of 40000 is too large'],
] as const)('%s with %j is refused', async (pattern, input, message) => {
  const target = parseTarget('127.0.0.1');
  await expect(measure(target, { pattern, ...input })).rejects.toThrow(message);
});

test('addresses', () => {
  expect(parseTarget('wss://u:p%40@[::1]/mqtt?x')).toMatchObject({
    host: '::1',
    port: 443,
    isTls: true,
    path: '/mqtt?x',
    username: 'u',
    password: 'p@',
  });
  expect(parseTarget('localhost:2883')).toMatchObject({
    host: 'localhost',
    port: 2883,
    path: null,
  });
  expect(parseTarget('mqtts://h')).toMatchObject({ port: 8883, isTls: true });
  for (const wrong of ['http://h', 'mqtt://', 'mqtt://h:99999', '']) {
    expect(() => parseTarget(wrong)).toThrow('is not an address');
  }
});
