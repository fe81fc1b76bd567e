import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, expect, test } from '@jest/globals';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { PacketClient } from '../support/packet-client.ts';

const hasIPv6 = Object.values(networkInterfaces())
  .flat()
  .some((entry) => entry?.address === '::1');
const testWithIPv6 = hasIPv6 ? test : test.skip;

const logged: { event: string; address?: string }[] = [];
let broker: RunningBroker | null = null;

async function start(options: Parameters<typeof createBroker>[0]): Promise<RunningBroker> {
  const info = (event: string, fields: object = {}) => logged.push({ event, ...fields });
  broker = await createBroker(options, { logger: { ...noopLogger, info } });
  return broker;
}

afterEach(async () => {
  await broker?.stop();
  broker = null;
  logged.length = 0;
});

async function isReachable(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const portOf = (url: string | null | undefined) => Number(new URL(`${url}`).port);

testWithIPv6('without a host, it listens at all addresses of IPv6 and IPv4', async () => {
  const { url, wsUrl, metricsUrl } = await start({
    server: { bind: ':0', wsBind: 0 },
    metrics: { bind: ':0' },
  });
  for (const where of [url, wsUrl, metricsUrl]) {
    expect(where).toContain('//localhost:');
    expect(await isReachable('127.0.0.1', portOf(where))).toBe(true);
    expect(await isReachable('::1', portOf(where))).toBe(true);
  }
});

testWithIPv6('0.0.0.0 is IPv4 alone', async () => {
  const { url } = await start({ server: { bind: '0.0.0.0:0' } });
  expect(await isReachable('127.0.0.1', portOf(url))).toBe(true);
  expect(await isReachable('::1', portOf(url))).toBe(false);
});

testWithIPv6('a port may be given for IPv4 and IPv6 each, as other brokers want it', async () => {
  const former = await start({ server: { bind: ':0', wsBind: ':0' }, metrics: { bind: ':0' } });
  const ports = [former.url, former.wsUrl, former.metricsUrl].map(portOf);
  await former.stop();
  const [bind = [], wsBind = [], metrics = []] = ports.map((port) => [
    `0.0.0.0:${port}`,
    `[::]:${port}`,
  ]);
  await start({ server: { bind: bind.toReversed(), wsBind }, metrics: { bind: metrics } });
  for (const port of ports) {
    expect(await isReachable('127.0.0.1', port)).toBe(true);
    expect(await isReachable('::1', port)).toBe(true);
  }
});

testWithIPv6('who comes by IPv4 to a listener for both is called by that address', async () => {
  const { url } = await start({ server: { bind: ':0' } });
  for (const [host, name] of [
    ['127.0.0.1', /^127\.0\.0\.1:\d+$/],
    ['::1', /^\[::1\]:\d+$/],
  ] as const) {
    logged.length = 0;
    const client = await PacketClient.open(`mqtt://x:${portOf(url)}`, 5, host);
    client.connect('c');
    await client.next();
    expect(logged.find(({ event }) => event === 'client-connected')?.address).toMatch(name);
    await client.cut();
  }
});

test('there may be several addresses of each kind; the first is the one of the URL', async () => {
  const { listeners, url, wsUrl } = await start({
    server: { bind: ['127.0.0.1:0', '127.0.0.2:0'], wsBind: '127.0.0.1:0, 127.0.0.3:0' },
    metrics: { bind: ['127.0.0.1:0', '127.0.0.2:0'] },
  });
  const where = listeners.map(({ protocol, address }) => `${protocol} ${address}`);
  expect(where.map((text) => text.replace(/\d+$/, 'PORT'))).toEqual([
    'mqtt 127.0.0.1:PORT',
    'mqtt 127.0.0.2:PORT',
    'ws 127.0.0.1:PORT',
    'ws 127.0.0.3:PORT',
  ]);
  expect([url, wsUrl]).toEqual([listeners[0]?.url, listeners[2]?.url]);
  for (const listener of listeners) {
    const { hostname, port } = new URL(listener.url);
    expect(await isReachable(hostname, Number(port))).toBe(true);
  }
  const metrics = logged.filter(({ event }) => event === 'listening').slice(-2);
  for (const { address = '' } of metrics) {
    expect((await fetch(`http://${address}/health`)).status).toBe(200);
  }
  expect(new Set(metrics.map(({ address = '' }) => address.split(':')[0]))).toEqual(
    new Set(['127.0.0.1', '127.0.0.2']),
  );
});

test('when one of several can not be bound, none is left open', async () => {
  const first = await start({});
  const taken = portOf(first.url);
  const refused = createBroker({ server: { bind: ['127.0.0.1:0', `127.0.0.1:${taken}`] } });
  await expect(refused).rejects.toThrow(/EADDRINUSE/);
});
