import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { OPERATIONS } from '../../src/admin/routes/index.ts';
import { AdminWeb, basic } from '../support/admin-web.ts';
import { TestClient } from '../support/mqtt-client.ts';

let web: AdminWeb;
let open: TestClient[];
beforeAll(async () => {
  web = await AdminWeb.open();
  open = [];
});
afterAll(async () => {
  for (const { mqtt } of open) await mqtt.endAsync(true);
  await web.broker.stop();
});

async function connect(clientId: string): Promise<TestClient> {
  const client = await TestClient.connect(`${web.broker.url}`, { clientId });
  open.push(client);
  return client;
}

const ALL = basic('all');

test.each(['.', '..', '%2E', '~'])(
  'what is called %s is named by a parameter',
  async (clientId) => {
    await connect(clientId);
    const id = encodeURIComponent(clientId);
    const found = await web.ask('GET', `/api/v5/clients/~?clientid=${id}`, ALL);
    expect(found).toMatchObject({ status: 200, body: { clientid: clientId } });
    const subscribe = { topic: 'a', qos: 1 };
    const path = `/api/v5/clients/~/subscribe?clientid=${id}`;
    expect((await web.ask('POST', path, ALL, subscribe)).body).toMatchObject({
      clientid: clientId,
    });
    const kicked = await web.ask('DELETE', `/api/v5/clients/~?clientid=${id}`, ALL);
    expect(kicked.status).toBe(204);
    const { body } = await web.ask('GET', '/api/v5/audit?operation_id=kickClient&limit=1', ALL);
    expect(body.data[0].path).toBe(`/api/v5/clients/${id}`);
  },
);

test('who writes it into the path is told how to', async () => {
  const { status, body } = await web.ask('GET', '/api/v5/clients/%2e%2e', ALL);
  expect([status, body.message]).toEqual([
    400,
    expect.stringContaining('a name that is . or .. is ~'),
  ]);
});

test('without the parameter, ~ is a name as any other', async () => {
  expect((await web.ask('GET', '/api/v5/clients/~', ALL)).status).toBe(404);
  await connect('~');
  expect((await web.ask('GET', '/api/v5/clients/~', ALL)).body.clientid).toBe('~');
  const other = await web.ask('GET', '/api/v5/clients/x?clientid=~', ALL);
  expect([other.status, other.body.message]).toEqual([404, expect.any(String)]);
});

test('topics, bans and the like are named so, too', async () => {
  await web.broker.publish({ topic: '..', payload: 'x', retain: true });
  const topic = '/api/v5/mqtt/retainer/message/~?topic=..';
  expect((await web.ask('GET', topic, ALL)).body).toMatchObject({ topic: '..' });
  expect((await web.ask('DELETE', topic, ALL)).status).toBe(204);
  expect((await web.ask('GET', topic, ALL)).status).toBe(404);
  await web.broker.bans.add({ kind: 'client', who: '.' });
  const ban = '/api/v5/banned/clientid/~?who=.';
  expect((await web.ask('DELETE', ban, ALL)).status).toBe(204);
});

test('a name in a parameter is checked as one in the path', async () => {
  const twice = await web.ask('GET', '/api/v5/clients/~?clientid=a&clientid=b', ALL);
  expect(twice).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/^clientid/) },
  });
});

test('no operation has a parameter of the name of a part of its path', () => {
  const doubled = OPERATIONS.filter(({ params, query }) =>
    Object.keys(params?.shape ?? {}).some((name) => name in (query?.shape ?? {})),
  );
  expect(doubled.map(({ id }) => id)).toEqual([]);
});
