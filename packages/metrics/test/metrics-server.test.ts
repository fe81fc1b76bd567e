import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import {
  type Catalogue,
  type Checks,
  MetricsRegistry,
  type MetricsServer,
  type MetricsServerOptions,
  startMetricsServer,
} from '../src/index.ts';

const catalogue = {
  jobs_total: { type: 'counter', help: 'Jobs done.' },
} as const satisfies Catalogue;

let server: MetricsServer | null = null;

afterEach(async () => {
  await server?.close();
  server = null;
});

type Options = Partial<MetricsServerOptions<typeof catalogue>> & { read?: () => number };

async function start({ read = () => 7, ...options }: Options = {}): Promise<string> {
  const registry = new MetricsRegistry(catalogue);
  registry.add('jobs_total', read);
  server = await startMetricsServer({
    registry,
    listen: { host: '127.0.0.1', port: 0 },
    ...options,
  });
  return server.url;
}

/** A connection of one's own, with what it received until it was closed. */
async function exchange(url: string, text: string): Promise<string> {
  const socket = open(url);
  socket.write(text);
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  await once(socket, 'close');
  return received;
}

function open(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => {});
  return socket;
}

test('metrics come in the format that is asked for', async () => {
  const url = await start();
  const plain = await fetch(`${url}/metrics`);
  expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await plain.text()).toContain('\njobs_total 7\n');
  const open = await fetch(`${url}/metrics?name=x`, {
    headers: { accept: 'application/openmetrics-text' },
  });
  expect(open.headers.get('content-type')).toMatch(/^application\/openmetrics-text/);
  expect(await open.text()).toMatch(/# EOF\n$/);
});

test('the path of the metrics can be another, but not that of a probe', async () => {
  const url = await start({ path: '/internal/metrics' });
  expect((await fetch(`${url}/internal/metrics`)).status).toBe(200);
  expect((await fetch(`${url}/metrics`)).status).toBe(404);
  const registry = new MetricsRegistry(catalogue);
  for (const path of ['/health', '/ready', '/', 'metrics', '/a b', '/a?b']) {
    const refused = startMetricsServer({ registry, path, listen: { host: '127.0.0.1', port: 0 } });
    await expect(refused).rejects.toThrow(TypeError);
  }
});

test('HEAD has the headers of GET and no body', async () => {
  const url = await start();
  for (const path of ['/metrics', '/health', '/ready']) {
    const got = await fetch(url + path);
    const head = await fetch(url + path, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(head.headers.get('content-type')).toBe(got.headers.get('content-type'));
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(10);
  }
});

test('other paths are 404, other methods 405', async () => {
  const url = await start();
  for (const path of ['/', '/metrics/', '/metrics/x', '/healthz', '/%6detrics']) {
    expect((await fetch(url + path)).status).toBe(404);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const body = method === 'POST' ? 'x'.repeat(100_000) : null;
    const response = await fetch(`${url}/metrics`, { method, body });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    await response.text();
  }
});

test('health answers while the loop turns', async () => {
  const url = await start();
  const response = await fetch(`${url}/health`);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ status: 'ok' });
});

test('ready shows each check, and is 503 while one fails', async () => {
  let isDiskFull = false;
  const checks: Checks = {
    listening: () => ({ isOk: true, detail: '127.0.0.1:1883' }),
    disk: async () => (isDiskFull ? { isOk: false, detail: 'full' } : { isOk: true }),
  };
  const url = await start({ checks });
  const ready = await fetch(`${url}/ready`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({
    status: 'ready',
    checks: { listening: { status: 'ok', detail: '127.0.0.1:1883' }, disk: { status: 'ok' } },
  });
  isDiskFull = true;
  const notReady = await fetch(`${url}/ready`);
  expect(notReady.status).toBe(503);
  expect(await notReady.json()).toMatchObject({
    status: 'not ready',
    checks: { disk: { status: 'failed', detail: 'full' }, listening: { status: 'ok' } },
  });
});

test('a check that throws or rejects has failed, with its message', async () => {
  const url = await start({
    checks: {
      throws: () => {
        throw new Error('at once');
      },
      rejects: () => Promise.reject(new Error('later')),
    },
  });
  const response = await fetch(`${url}/ready`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    checks: { throws: { detail: 'at once' }, rejects: { detail: 'later' } },
  });
});

test('a metric that cannot be read is a 500, is reported, and ends nothing', async () => {
  const errors: unknown[] = [];
  let isBroken = true;
  const url = await start({
    onError: (error) => errors.push(error),
    read: () => {
      if (isBroken) throw new Error('secret');
      return 1;
    },
  });
  const response = await fetch(`${url}/metrics`);
  expect([response.status, await response.text()]).toEqual([500, 'the answer failed\n']);
  expect(errors).toEqual([new Error('secret')]);
  isBroken = false;
  expect((await fetch(`${url}/metrics`)).status).toBe(200);
});

test('those who scrape at the same time share one rendering', async () => {
  let reads = 0;
  const registry = new MetricsRegistry(catalogue);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  registry.add('jobs_total', () => {
    reads++;
    return reads;
  });
  // Rendering is held until all have asked: their requests are counted by the server's own connections.
  const render = registry.render.bind(registry);
  let renders = 0;
  registry.render = async (format) => {
    renders++;
    await held;
    return render(format);
  };
  server = await startMetricsServer({ registry, listen: { host: '127.0.0.1', port: 0 } });
  const { url } = server;
  const first = fetch(`${url}/metrics`);
  const second = fetch(`${url}/metrics`);
  // An answer on another path says that the requests before have been taken in: one loop serves all.
  await fetch(`${url}/health`);
  await fetch(`${url}/health`);
  release();
  const texts = await Promise.all([first, second].map(async (response) => (await response).text()));
  expect(texts[0]).toBe(texts[1]);
  expect([renders, reads]).toEqual([1, 1]);
});

test('headers that are too large are refused, and the next request is served', async () => {
  const url = await start();
  const answer = await exchange(
    url,
    `GET /metrics HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  expect(await exchange(url, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  expect((await fetch(`${url}/metrics`)).status).toBe(200);
});

test('who does not finish a request, or whose answer takes too long, is cut off', async () => {
  const url = await start({ exchangeMsMax: 200, checks: { never: () => new Promise(() => {}) } });
  const unfinished = await exchange(url, 'GET /metrics HTTP/1.1\r\nHost: x\r\n');
  expect(unfinished).toMatch(/^(|HTTP\/1\.1 408 .*)$/s);
  // The check outlasts the exchange.
  expect(await exchange(url, 'GET /ready HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
  expect((await fetch(`${url}/health`)).status).toBe(200);
});

test('who does not take a long answer is cut off, and keeps no one else waiting', async () => {
  const registry = new MetricsRegistry({
    jobs_waiting: { type: 'gauge', help: 'Jobs that wait.', labels: ['queue'] },
  });
  // Far more than what the system's buffers hold.
  const samples = Array.from({ length: 20_000 }, (_, index) => ({
    labels: { queue: `${index}`.padStart(1000, '0') },
    value: index,
  }));
  registry.add('jobs_waiting', () => samples);
  const exchangeMsMax = 500;
  server = await startMetricsServer({
    registry,
    listen: { host: '127.0.0.1', port: 0 },
    exchangeMsMax,
  });
  const socket = open(server.url);
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'readable');
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  // It looks again only when its time is over.
  await new Promise((resolve) => setTimeout(resolve, 2 * exchangeMsMax));
  let received = 0;
  socket.on('data', (chunk) => {
    received += chunk.length;
  });
  await once(socket, 'close');
  expect(received).toBeLessThan(20_000 * 1000);
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});

test('close ends connections that are idle, silent, or kept waiting', async () => {
  const url = await start({ checks: { never: () => new Promise(() => {}) } });
  const silent = open(url);
  await once(silent, 'connect');
  const waiting = exchange(url, 'GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
  await fetch(`${url}/health`);
  const closed = once(silent, 'close');
  await server?.close();
  await closed;
  expect(await waiting).toBe('');
  await expect(fetch(`${url}/health`)).rejects.toThrow();
});

const onUnix = process.platform === 'win32' ? test.skip : test;

onUnix('it listens on a Unix domain socket, too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-'));
  const path = join(folder, 'metrics.sock');
  await start({ listen: { path } });
  expect(server?.address).toBe(path);
  const sent = request({ socketPath: path, path: '/metrics' }).end();
  const [response] = await once(sent, 'response');
  expect(response.statusCode).toBe(200);
  response.resume();
  await server?.close();
  server = null;
  rmSync(folder, { recursive: true });
});

test('an address that is taken is refused with the reason of the system', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await expect(start({ listen: { host: '127.0.0.1', port } })).rejects.toThrow('EADDRINUSE');
  other.close();
});

test('health answers while all connections are taken by idle ones, of which the oldest is closed', async () => {
  const url = await start({ connectionsMax: 4 });
  const idle: Socket[] = [];
  for (let index = 0; index < 4; index++) {
    idle.push(open(url));
    await once(idle.at(-1) as Socket, 'connect');
    // It has begun something, or said nothing at all.
    if (index % 2 === 1) idle.at(-1)?.write('GET /hea');
  }
  const closed = once(idle[0] as Socket, 'close');
  expect(
    await exchange(url, 'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
  ).toMatch(/^HTTP\/1\.1 200 /);
  await closed;
  expect(idle.map(({ closed }) => closed)).toEqual([true, false, false, false]);
  expect(server?.cut).toEqual({ room: 1, late: 0, pipelined: 0 });
  for (const socket of idle) socket.destroy();
});

test('health answers while all connections wait for an answer, of which the oldest is cut', async () => {
  let onAsked = () => {};
  const never = () => {
    onAsked();
    return new Promise<never>(() => {});
  };
  const url = await start({ connectionsMax: 3, checks: { never } });
  const waiting: Socket[] = [];
  for (let index = 0; index < 3; index++) {
    const asked = new Promise<void>((resolve) => {
      onAsked = resolve;
    });
    waiting.push(open(url));
    waiting.at(-1)?.write('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
    await asked;
  }
  const cut = new Promise((resolve) => waiting[0]?.once('close', resolve));
  const request = 'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  expect(await exchange(url, request)).toMatch(/^HTTP\/1\.1 200 /);
  await cut;
  expect(server?.cut.room).toBe(1);
  for (const socket of waiting) socket.destroy();
});

test('one answer at a time is made for a connection, and too many requests at once close it', async () => {
  let reads = 0;
  const url = await start({ read: () => ++reads });
  const request = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
  const last = 'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  const answers = await exchange(url, `${request.repeat(5)}${last}`);
  expect(answers.match(/HTTP\/1\.1 200 /g)).toHaveLength(6);
  // One after the other: those at the same time would have shared one.
  expect(reads).toBe(5);
  const greedy = open(url);
  greedy.resume().write(request.repeat(500));
  await new Promise((resolve) => greedy.once('close', resolve));
  expect(server?.cut.pipelined).toBe(1);
  expect(reads).toBeLessThan(20);
});
