import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { encode } from '@promptmq/codec';
import { checkCatalogue } from '@promptmq/metrics';
import {
  ConfigError,
  type ConfigInput,
  createBroker,
  parseConfig,
  type RunningBroker,
} from '../../src/index.ts';
import { brokerCatalogue } from '../../src/observability/catalogue.ts';
import { TestClient } from '../support/mqtt-client.ts';
import { connectBytes } from '../support/packet-client.ts';

let broker: RunningBroker | null = null;

afterEach(async () => {
  await broker?.stop();
  broker = null;
});

async function start(options: ConfigInput = {}): Promise<RunningBroker> {
  broker = await createBroker({ metrics: { sysInterval: 0 }, ...options });
  return broker;
}

/** All values, by name with labels. */
async function scrape(of: RunningBroker, path = '/metrics'): Promise<Map<string, number>> {
  const response = await fetch(`${of.metricsUrl}${path}`);
  expect(response.status).toBe(200);
  const values = new Map<string, number>();
  for (const line of (await response.text()).split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const space = line.lastIndexOf(' ');
    values.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return values;
}

test('an embedded broker serves no metrics unless it is asked to', async () => {
  broker = await createBroker();
  expect(broker.metricsUrl).toBeNull();
});

test('the catalogue is one that Prometheus takes, and each name has its prefix', () => {
  expect(() => checkCatalogue(brokerCatalogue)).not.toThrow();
  for (const name of Object.keys(brokerCatalogue)) expect(name).toMatch(/^promptmq_[a-z0-9_]+$/);
});

test('every metric of the catalogue that needs no storage is there from the start', async () => {
  const values = await scrape(await start());
  const isOfStorage = /^promptmq_(storage|recovery)_/;
  // They have no value before something of their kind has happened, where there are no hooks, or no other processes.
  const whenTheyOccur =
    /^promptmq_((cluster_link_bytes|packet_errors|hook_failures|subscriptions_refused|logins_refused|provider_failures|limits_reached|topic_\w+)_total|certificate_days_left|cluster_link_(up|rtt_seconds)|cluster_interest_filters|topic_message_size_bytes)$/;
  for (const name of Object.keys(brokerCatalogue)) {
    if (isOfStorage.test(name) || whenTheyOccur.test(name)) continue;
    const isThere = [...values.keys()].some((key) => key.startsWith(name));
    expect([name, isThere]).toEqual([name, true]);
  }
  expect(values.get('promptmq_disconnections_total{reason="taken-over"}')).toBe(0);
});

test('messages are counted by direction, QoS and size', async () => {
  const running = await start();
  const subscriber = await TestClient.connect(`${running.url}`, { protocolVersion: 5 });
  await subscriber.mqtt.subscribeAsync('a/#', { qos: 1 });
  const publisher = await TestClient.connect(`${running.url}`);
  for (const [qos, payload] of [
    [0, ''],
    [0, 'x'],
    [1, 'x'.repeat(100)],
    [2, 'x'.repeat(20_000)],
  ] as const) {
    await publisher.mqtt.publishAsync('a/b', payload, { qos });
  }
  await subscriber.messages(4);
  const values = await scrape(running);
  const expected = {
    promptmq_messages_received_total: 4,
    promptmq_messages_published_total: 4,
    promptmq_bytes_received_total: 20_101,
    promptmq_bytes_published_total: 20_101,
    promptmq_qos0_messages_total: 2,
    promptmq_qos1_messages_total: 1,
    promptmq_qos2_messages_total: 1,
    'promptmq_messages_published_by_qos_total{qos="0"}': 2,
    'promptmq_messages_published_by_qos_total{qos="1"}': 2,
    'promptmq_messages_published_by_qos_total{qos="2"}': 0,
    'promptmq_message_size_bytes_bucket{le="1"}': 2,
    'promptmq_message_size_bytes_bucket{le="64"}': 2,
    'promptmq_message_size_bytes_bucket{le="128"}': 3,
    'promptmq_message_size_bytes_bucket{le="16384"}': 3,
    'promptmq_message_size_bytes_bucket{le="32768"}': 4,
    'promptmq_message_size_bytes_bucket{le="+Inf"}': 4,
    promptmq_message_size_bytes_sum: 20_101,
    promptmq_connections_current: 2,
    promptmq_connections_total: 2,
    promptmq_sockets_accepted_total: 2,
    promptmq_sessions_current: 2,
    promptmq_subscriptions_current: 1,
    'promptmq_connacks_total{reason="success"}': 2,
    'promptmq_packets_received_total{type="connect"}': 2,
    'promptmq_packets_received_total{type="publish"}': 4,
    'promptmq_packets_received_total{type="pubrel"}': 1,
    'promptmq_packets_sent_total{type="connack"}': 2,
    'promptmq_packets_sent_total{type="publish"}': 4,
    'promptmq_packets_sent_total{type="puback"}': 1,
    'promptmq_packets_sent_total{type="suback"}': 1,
  };
  for (const [name, value] of Object.entries(expected)) {
    expect([name, values.get(name)]).toEqual([name, value]);
  }
  expect(values.get('promptmq_network_received_bytes_total')).toBeGreaterThan(20_101);
  expect(values.get('promptmq_network_sent_bytes_total')).toBeGreaterThan(20_101);
  await Promise.all([subscriber.end(), publisher.end()]);
});

test('disconnections are counted by reason, with how long they lasted', async () => {
  const running = await start();
  const first = await TestClient.connect(`${running.url}`, { clientId: 'same' });
  const closed = first.closed();
  const second = await TestClient.connect(`${running.url}`, { clientId: 'same' });
  await closed;
  await second.end();
  const third = await TestClient.connect(`${running.url}`, { clientId: 'third' });
  const thirdClosed = third.closed();
  await running.clients.disconnect('third');
  await thirdClosed;
  const values = await scrape(running);
  expect(values.get('promptmq_disconnections_total{reason="taken-over"}')).toBe(1);
  expect(values.get('promptmq_disconnections_total{reason="client"}')).toBe(1);
  expect(values.get('promptmq_disconnections_total{reason="administrative-action"}')).toBe(1);
  expect(values.get('promptmq_connection_duration_seconds_count')).toBe(3);
  expect(values.get('promptmq_connections_current')).toBe(0);
});

test('refusals are counted: CONNECT, filters, publishes, packets that break a rule', async () => {
  const running = await start({ mqtt: { maxSubscriptions: 1, allowEmptyClientId: false } });
  await expect(
    TestClient.connect(`${running.url}`, { protocolVersion: 5, clientId: '' }),
  ).rejects.toThrow();
  await expect(
    TestClient.connect(`${running.url}`, {
      protocolVersion: 5,
      properties: { authenticationMethod: 'none' },
    }),
  ).rejects.toThrow();
  const client = await TestClient.connect(`${running.url}`, { protocolVersion: 5 });
  await client.mqtt.subscribeAsync('a');
  await client.mqtt.subscribeAsync('b').catch(() => {});
  await client.mqtt.publishAsync('$SYS/x', 'y', { qos: 1 }).catch(() => {});

  const socket = connect(Number(new URL(`${running.url}`).port), '127.0.0.1');
  socket.write(connectBytes);
  await once(socket, 'data');
  // An empty topic name; then what follows isn't looked at any more.
  socket.write(Uint8Array.of(0x30, 2, 0, 0, 0xf0, 0xff, 0xff, 0xff, 0xff));
  await once(socket, 'close');
  const other = connect(Number(new URL(`${running.url}`).port), '127.0.0.1');
  other.on('data', () => {});
  other.write(Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0xff));
  await once(other, 'close');

  const values = await scrape(running);
  expect(values.get('promptmq_connacks_total{reason="client-identifier-not-valid"}')).toBe(1);
  expect(values.get('promptmq_connacks_total{reason="bad-authentication-method"}')).toBe(1);
  expect(values.get('promptmq_auth_refusals_total{action="connect"}')).toBe(1);
  expect(values.get('promptmq_auth_refusals_total{action="publish"}')).toBe(1);
  expect(values.get('promptmq_subscriptions_refused_total{reason="quota-exceeded"}')).toBe(1);
  expect(values.get('promptmq_messages_refused_total{reason="not-authorized"}')).toBe(1);
  const errors = [...values].filter(([name]) => name.startsWith('promptmq_packet_errors_total'));
  expect(errors).toEqual([
    ['promptmq_packet_errors_total{type="publish",reason="topic-name-invalid"}', 1],
    ['promptmq_packet_errors_total{type="unreadable",reason="malformed-packet"}', 1],
  ]);
  expect(values.get('promptmq_disconnections_total{reason="protocol"}')).toBe(1);
  await client.end();
});

test('what waits for a subscriber is shown, in metrics without and in the broker with its name', async () => {
  const running = await start();
  const away = await TestClient.connect(`${running.url}`, { clientId: 'sleeper', clean: false });
  await away.mqtt.subscribeAsync('news', { qos: 1 });
  await away.end();
  const publisher = await TestClient.connect(`${running.url}`);
  for (const payload of ['1', '2', '3']) {
    await publisher.mqtt.publishAsync('news', payload, { qos: 1, retain: true });
  }
  const values = await scrape(running);
  expect(values.get('promptmq_messages_queued')).toBe(3);
  expect(values.get('promptmq_queue_longest')).toBe(3);
  expect(values.get('promptmq_queued_bytes')).toBeGreaterThan(3);
  expect(values.get('promptmq_retained_messages')).toBe(1);
  expect(values.get('promptmq_retained_bytes')).toBeGreaterThan(1);
  expect([...values.keys()].join()).not.toContain('sleeper');
  expect(running.slowSubscribers()).toMatchObject([
    { clientId: 'sleeper', isConnected: false, queuedMessages: 3, inflightMessages: 0 },
  ]);
  expect(running.slowSubscribers(0)).toEqual([]);
  await publisher.end();
});

test('topics are counted for the filters that are configured, and for no others', async () => {
  const running = await start({ metrics: { topics: ['a/+', '#'], sysInterval: 0 } });
  const client = await TestClient.connect(`${running.url}`);
  for (const topic of ['a/1', 'a/1', 'a/2', 'b']) {
    await client.mqtt.publishAsync(topic, 'four', { qos: 1 });
  }
  const values = await scrape(running);
  const topics = [...values].filter(([name]) => name.startsWith('promptmq_topic_'));
  expect(topics.filter(([name]) => !name.includes('_bucket{'))).toEqual([
    ['promptmq_topic_messages_total{filter="a/+"}', 3],
    ['promptmq_topic_messages_total{filter="#"}', 4],
    ['promptmq_topic_bytes_total{filter="a/+"}', 12],
    ['promptmq_topic_bytes_total{filter="#"}', 16],
    ['promptmq_topic_message_size_bytes_sum{filter="a/+"}', 12],
    ['promptmq_topic_message_size_bytes_count{filter="a/+"}', 3],
    ['promptmq_topic_message_size_bytes_sum{filter="#"}', 16],
    ['promptmq_topic_message_size_bytes_count{filter="#"}', 4],
    ['promptmq_topic_deliveries_total{filter="a/+"}', 0],
    ['promptmq_topic_deliveries_total{filter="#"}', 0],
    ['promptmq_topic_unmatched_total{filter="a/+"}', 3],
    ['promptmq_topic_unmatched_total{filter="#"}', 4],
  ]);
  await client.end();
});

test('ready says where it listens; while it stops, it is not ready', async () => {
  const running = await start();
  const response = await fetch(`${running.metricsUrl}/ready`);
  expect(response.status).toBe(200);
  const { checks } = (await response.json()) as { checks: Record<string, { detail: string }> };
  expect(checks['listening']?.detail).toContain(`mqtt ${running.listeners[0]?.address}`);
  expect((await fetch(`${running.metricsUrl}/health`)).status).toBe(200);

  // A client that doesn't close keeps the broker stopping until it has been asked.
  const socket = connect({
    port: Number(new URL(`${running.url}`).port),
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  socket.write(
    encode({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: true,
      clientId: 'stays',
      keepalive: 0,
    }) as Uint8Array,
  );
  await once(socket, 'data');
  const told = once(socket, 'data');
  const stopped = running.stop();
  await told;
  const stopping = await fetch(`${running.metricsUrl}/ready`);
  expect(stopping.status).toBe(503);
  expect(await stopping.json()).toMatchObject({ checks: { listening: { detail: 'stopping' } } });
  socket.end();
  await stopped;
  await expect(fetch(`${running.metricsUrl}/health`)).rejects.toThrow();
});

test('a wrong filter or path is refused with its key, a port that is taken with the way out', async () => {
  for (const metrics of [{ topics: ['a/#/b'] }, { topics: ['$share/g/a'] }, { path: '/ready' }]) {
    await expect(createBroker({ metrics })).rejects.toBeInstanceOf(ConfigError);
  }
  await expect(createBroker({ metrics: { topics: ['a/#/b'] } })).rejects.toThrow(
    'metrics.topics (options): "a/#/b" is not allowed',
  );
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await expect(createBroker({ metrics: { bind: `127.0.0.1:${port}` } })).rejects.toThrow(
    /^metrics\.bind: .*EADDRINUSE.*--metrics-bind/,
  );
  other.close();
});

test('topics and the interval of $SYS change while the broker runs; a wrong filter changes nothing', async () => {
  const options = (metrics: ConfigInput['metrics']): ConfigInput => ({
    storage: { enabled: false },
    server: { bind: '127.0.0.1:0', wsBind: null },
    metrics: { bind: '127.0.0.1:0', sysInterval: 0, ...metrics },
  });
  const running = await start(options({ topics: ['a', 'b'] }));
  const client = await TestClient.connect(`${running.url}`);
  await client.mqtt.publishAsync('a', 'x', { qos: 1 });
  expect(() => running.reconfigure(parseConfig(options({ topics: ['#/a'] })))).toThrow(ConfigError);
  await client.mqtt.publishAsync('a', 'x', { qos: 1 });

  const { changed } = running.reconfigure(
    parseConfig(options({ topics: ['a', 'c'], sysInterval: '1h' })),
  );
  expect(changed).toEqual(['metrics.topics', 'metrics.sys-interval']);
  await client.mqtt.publishAsync('a', 'x', { qos: 1 });
  const values = await scrape(running);
  expect(values.get('promptmq_topic_messages_total{filter="a"}')).toBe(3);
  expect(values.get('promptmq_topic_messages_total{filter="c"}')).toBe(0);
  expect(values.has('promptmq_topic_messages_total{filter="b"}')).toBe(false);
  await client.mqtt.subscribeAsync('$SYS/broker/version');
  expect((await client.messages(1))[0]?.payload).toMatch(/^promptmq version \d/);
  await client.end();
});
