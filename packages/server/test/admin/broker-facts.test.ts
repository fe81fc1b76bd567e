import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { ApiBroker } from '../support/api-broker.ts';
import { CertificateAuthority } from '../support/certificates.ts';

let api: ApiBroker;

afterEach(() => api.stop());

test('who would get a message, and who not, is said with the reason', async () => {
  api = await ApiBroker.start();
  const one = await api.client({ clientId: 'one' });
  await one.mqtt.subscribeAsync({ 'a/#': { qos: 1, nl: true } });
  const { status, body } = await api.get('/explain?topic=a/b&qos=1&from=one');
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      topic: 'a/b',
      qos: 1,
      retain: false,
      publisher: { clientid: 'one', connected: true, allowed: true, rule: null },
      count: 1,
      recipients: [
        {
          clientid: 'one',
          connected: true,
          filters: ['a/#'],
          outcome: 'nothing',
          qos: null,
          retain: null,
          why: 'no-local',
          rule: null,
        },
      ],
    },
  });
  expect(await api.get('/explain?topic=a/%2B')).toMatchObject({ status: 400 });
  expect(await api.get('/explain')).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/^topic is missing/) },
  });
});

test('whether somebody may do something is said, also in read-only mode', async () => {
  api = await ApiBroker.start({ admin: { readOnly: true } });
  const asked = { clientid: 'c', action: 'publish', topic: '$SYS/x' };
  expect(await api.post('/acl/test', asked)).toEqual({
    status: 200,
    body: {
      allowed: false,
      result: 'deny',
      rule: expect.stringContaining('$SYS'),
      filtered: false,
      of: 'configuration',
    },
  });
  expect(await api.post('/acl/test', { ...asked, topic: 'a' })).toMatchObject({
    body: { allowed: true, result: 'allow' },
  });
  expect(await api.post('/acl/test', { ...asked, action: 'eat' })).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/^action takes one of publish/) },
  });
});

test('the packets of a client are sent as they come and go', async () => {
  api = await ApiBroker.start();
  const trace = await api.events('/clients/a%2Fb/trace');
  expect((await trace.next()).name).toBe('not-connected');
  const client = await api.client({ clientId: 'a/b', username: 'u', password: 'secret' });
  await client.mqtt.publishAsync('t', 'hidden', { qos: 1 });
  const events: unknown[] = [];
  for (;;) {
    const { data } = await trace.next();
    events.push(data);
    if (data.packet === 'puback') break;
  }
  expect(events).toMatchObject([
    { event: 'packet', direction: 'in', packet: 'connect', ts: expect.any(Number) },
    { direction: 'out', packet: 'connack' },
    { event: 'connected' },
    { direction: 'in', packet: 'publish', topic: 't', payloadSize: 6 },
    { direction: 'out', packet: 'puback' },
  ]);
  expect(JSON.stringify(events)).not.toMatch(/hidden|secret/);
  trace.close();
});

test('listeners are named as EMQX names them, with their certificates and when those expire', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-listeners-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const issued = new CertificateAuthority().issue('broker');
  writeFileSync(cert, issued.cert);
  writeFileSync(key, issued.key);
  api = await ApiBroker.start({
    server: { bind: '127.0.0.1:0', wsBind: 'none', tlsBind: '127.0.0.1:0', tls: { cert, key } },
    mqtt: { maxConnections: 77 },
  });
  rmSync(folder, { recursive: true });
  await api.client();
  const { status, body } = await api.get<Record<string, unknown>[]>('/listeners');
  const counts = { running: true, current_connections: 1, max_connections: 77 };
  expect(status).toBe(200);
  expect(body).toMatchObject([
    {
      id: 'tcp:default',
      type: 'tcp',
      name: 'default',
      enable: true,
      bind: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      ...counts,
      status: counts,
      node_status: [{ node: expect.any(String), status: counts }],
      certificates: [],
    },
    {
      id: 'ssl:default',
      current_connections: 0,
      certificates: [
        {
          subject: expect.stringContaining('CN='),
          issuer: expect.stringContaining('CN='),
          expires_at: expect.any(String),
          days_left: expect.any(Number),
        },
      ],
    },
  ]);
  expect(await api.get('/listeners/ssl:default')).toEqual({ status: 200, body: body[1] });
  expect(await api.get('/listeners/tcp:other')).toMatchObject({ status: 404 });
});

test('the log is described with its files and positions; without one there is nothing', async () => {
  api = await ApiBroker.start({ storage: 'on' });
  await api.broker.publish({ topic: 'a', payload: 'x'.repeat(1000), retain: true });
  const { status, body } = await api.get<{
    positions: { tail: number; durable: number; head: number };
    segments: { size: number; live_bytes: number }[];
  }>('/storage');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    sync_mode: expect.any(String),
    is_full: false,
    failure: null,
    segments: [{ first: expect.any(Number), size: expect.any(Number) }],
    written: { records: expect.any(Number), refused_records: 0 },
    compaction: { removed_segments: 0 },
    recovery: { records: 0, quarantined: 0 },
  });
  expect(body.segments[0]?.live_bytes).toBeGreaterThan(1000);
  expect(body.positions.head).toBeGreaterThanOrEqual(body.positions.durable);
  await api.stop();
  api = await ApiBroker.start();
  expect(await api.get('/storage')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
});

test('the broker is one node; what its program has is not its own to show', async () => {
  api = await ApiBroker.start();
  await api.client();
  const { body } = await api.get<{ node: string }[]>('/nodes');
  expect(body).toMatchObject([
    { node: expect.any(String), node_status: 'running', live_connections: 1, role: 'core' },
  ]);
  expect(await api.get(`/nodes/${encodeURIComponent(body[0]?.node as string)}`)).toMatchObject({
    status: 200,
    body: { node: body[0]?.node },
  });
  expect(await api.get('/nodes/other')).toMatchObject({ status: 404 });
  for (const path of ['/configs', '/logs']) {
    expect(await api.get(path)).toMatchObject({ status: 404, body: { code: 'NOT_AVAILABLE' } });
  }
});
