import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectAsync } from 'mqtt';
import { createBroker } from '../../src/embed/create-broker.ts';
import type { Logger } from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { ApiBroker } from '../support/api-broker.ts';

let api: ApiBroker;

beforeEach(async () => {
  api = await ApiBroker.start({ server: { shutdownTimeout: '200ms' } });
});

afterEach(() => api.stop());

const change = (id: string, action: string) =>
  api.post<Record<string, unknown>>(`/listeners/${id}/${action}`);

const addressOf = () => {
  const { hostname: host, port } = new URL(api.broker.url as string);
  return { host, port: Number(port) };
};

function isRefused(): Promise<boolean> {
  const socket = connect(addressOf());
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(false));
    socket.once('error', () => resolve(true));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

test('a listener that is stopped disconnects its clients, and takes none until it is started', async () => {
  const client = await api.client({ clientId: 'c', reconnectPeriod: 0 });
  const other = await api.client({ clientId: 'other', reconnectPeriod: 0 });
  const ended = new Promise<number | undefined>((resolve) =>
    client.mqtt.once('disconnect', ({ reasonCode }) => resolve(reasonCode)),
  );
  const stopped = await change('tcp:default', 'stop');
  expect(stopped).toMatchObject({
    status: 200,
    body: { id: 'tcp:default', running: false, current_connections: 0, status: { running: false } },
  });
  expect(await ended).toBe(0x98);
  expect(other.mqtt.connected).toBe(false);
  expect(await isRefused()).toBe(true);
  // Again, nothing happens.
  expect((await change('tcp:default', 'stop')).status).toBe(200);
  const started = await change('tcp:default', 'start');
  expect(started).toMatchObject({ status: 200, body: { running: true } });
  await api.client({ clientId: 'c' });
  expect((await change('tcp:default', 'start')).status).toBe(200);
  const restarted = await change('tcp:default', 'restart');
  expect(restarted).toMatchObject({ body: { running: true, current_connections: 0 } });
  await api.client({ clientId: 'c' });
});

test('clients of other listeners stay', async () => {
  const { mqtt } = await api.client({ clientId: 'tcp' });
  const socket = await connectAsync(`${api.broker.wsUrl}`, {
    clientId: 'ws',
    protocolVersion: 5,
    reconnectPeriod: 0,
  });
  const ended = new Promise<number | undefined>((resolve) =>
    socket.once('disconnect', ({ reasonCode }) => resolve(reasonCode)),
  );
  expect((await change('ws:default', 'stop')).body).toMatchObject({ running: false });
  expect(await ended).toBe(0x98);
  await mqtt.publishAsync('a', '', { qos: 1 });
  expect((await api.get<{ id: string; running: boolean }[]>('/listeners')).body).toMatchObject([
    { id: 'tcp:default', running: true },
    { id: 'ws:default', running: false },
  ]);
});

test('a connection that says nothing is cut', async () => {
  const silent = connect(addressOf());
  await once(silent, 'connect');
  const closed = once(silent, 'close');
  silent.on('error', () => {});
  expect((await change('tcp:default', 'stop')).body).toMatchObject({ running: false });
  await closed;
});

test('an address that somebody else has taken meanwhile is 409, and the listener stays stopped', async () => {
  await change('tcp:default', 'stop');
  const taker = createServer().listen(addressOf());
  await once(taker, 'listening');
  expect(await change('tcp:default', 'start')).toMatchObject({
    status: 409,
    body: { code: 'CONFLICT', message: expect.stringContaining('EADDRINUSE') },
  });
  expect((await api.get('/listeners/tcp:default')).body).toMatchObject({ running: false });
  taker.close();
  await once(taker, 'close');
  expect((await change('tcp:default', 'start')).body).toMatchObject({ running: true });
  expect(api.broker.stats.acceptsFailed).toBe(0);
});

test('what is none is 404, or 400', async () => {
  expect((await change('tcp:other', 'stop')).status).toBe(404);
  expect(await change('tcp:default', 'pause')).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/^action takes one of start, stop, restart/) },
  });
  await expect(api.broker.stopListener('other')).rejects.toMatchObject({
    code: 'invalid-argument',
  });
});

test('a broker whose listeners are stopped is not ready, and stops all the same', async () => {
  const lines: string[] = [];
  const log: Logger = { ...noopLogger, info: (event) => void lines.push(event) };
  const broker = await createBroker(
    { server: { wsBind: 'none' }, metrics: { enabled: true } },
    { logger: log },
  );
  const isReady = async () => (await fetch(`${broker.metricsUrl}/ready`)).status;
  expect(await isReady()).toBe(200);
  await broker.stopListener('tcp');
  expect(await isReady()).toBe(503);
  expect(lines.at(-1)).toBe('listener-stopped');
  await broker.startListener('tcp');
  expect(await isReady()).toBe(200);
  await broker.stopListener('tcp');
  await broker.stop();
  await expect(broker.startListener('tcp')).rejects.toMatchObject({ code: 'stopped' });
});
