import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AdminWeb, basic, KEYS, SECRET } from '../support/admin-web.ts';

let web: AdminWeb;
beforeAll(async () => {
  web = await AdminWeb.open({
    keys: [{ name: 'publisher', secret: SECRET, scopes: ['publish'] }, ...KEYS] as never,
  });
});
afterAll(() => web.broker.stop());

const TEXT = 'Node promptmq@127.0.0.1 is started\npromptmq is running\n';

test.each(['/api/v5/status', '/status'])(
  '%s says to everybody that the broker runs, and no more',
  async (path) => {
    const { status, headers, text } = await web.ask('GET', path);
    expect({ status, text }).toEqual({ status: 200, text: TEXT });
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect((await web.ask('GET', path, basic('publisher'))).text).toBe(TEXT);
    const { body } = await web.ask('GET', `${path}?format=json`);
    expect(body).toEqual({
      node_name: 'promptmq@127.0.0.1',
      broker_status: 'started',
      app_status: 'running',
    });
  },
);

test('who may read gets figures, or the text where he asks for it', async () => {
  const { body } = await web.ask('GET', '/api/v5/status', basic('reader'));
  expect(body).toMatchObject({ node: 'promptmq@127.0.0.1', pid: process.pid, connections: 0 });
  expect((await web.ask('GET', '/api/v5/status?format=text', basic('reader'))).text).toBe(TEXT);
});

test('a key, a token or a cookie that is not right is refused, also where none is needed', async () => {
  const { port } = new URL(web.url);
  for (const headers of [
    basic('reader', 'wrong'),
    { authorization: 'Bearer nobody' },
    { authorization: 'Digest x' },
    { cookie: `promptmq_session_${port}=nobody` },
  ]) {
    expect((await web.ask('GET', '/api/v5/status', headers)).status).toBe(401);
  }
});

test('requests, refusals and streams are counted', async () => {
  await using own = await AdminWeb.open({ rate: '3/1h', maxStreams: 1 });
  const { admin } = own.broker.stats;
  const headers = basic('reader');
  const opened = await fetch(`${own.url}/api/v5/events`, { headers });
  expect(admin.streamsCurrent).toBe(1);
  expect((await own.ask('GET', '/api/v5/events', headers)).status).toBe(429);
  expect((await own.ask('GET', '/nothing')).status).toBe(404);
  expect((await own.ask('GET', '/api/v5/status', headers)).status).toBe(200);
  expect((await own.ask('GET', '/api/v5/status', headers)).status).toBe(429);
  await opened.body?.cancel();
  while (admin.streamsCurrent > 0) await new Promise((resolve) => setImmediate(resolve));
  while (admin.requests['2xx'] < 2) await new Promise((resolve) => setImmediate(resolve));
  expect(admin).toMatchObject({
    requests: { '2xx': 2, '3xx': 0, '4xx': 3, '5xx': 0 },
    rateLimited: 1,
    streamsRefused: 1,
  });
});
