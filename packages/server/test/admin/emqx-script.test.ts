import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createAdminClient, dataOf } from '@promptmq/admin';
import { AdminWeb, SECRET } from '../support/admin-web.ts';
import { TestClient } from '../support/mqtt-client.ts';

let web: AdminWeb;
const open: TestClient[] = [];

beforeEach(async () => {
  web = await AdminWeb.open();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.end()));
  await web[Symbol.asyncDispose]();
});

async function connect(clientId: string): Promise<TestClient> {
  const client = await TestClient.connect(`${web.broker.url}`, {
    clientId,
    protocolVersion: 5,
    keepalive: 30,
  });
  open.push(client);
  return client;
}

test('a script made for EMQX lists clients, kicks some and publishes, with another address and key', async () => {
  const subscriber = await connect('subscriber');
  await subscriber.mqtt.subscribeAsync('api/#', { qos: 1 });
  await connect('dev/1');
  await connect('dev/2 & <b>');
  const old = [await connect('dev/3 old'), await connect('dev/%2F#+ old')];
  const gone = Promise.all(old.map((client) => client.closed()));
  const script = fileURLToPath(new URL('../support/emqx-script.mjs', import.meta.url));
  const { host } = new URL(web.url);
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    host,
    'all',
    SECRET,
    'dev/',
  ]);
  const { listed, kicked, published } = JSON.parse(stdout);
  const facts = [null, '127.0.0.1', expect.any(Number), 5, 30];
  expect(listed).toHaveLength(4);
  expect(listed).toEqual(
    expect.arrayContaining(
      ['dev/1', 'dev/2 & <b>', 'dev/3 old', 'dev/%2F#+ old'].map((clientId) => [
        clientId,
        ...facts,
      ]),
    ),
  );
  expect(kicked).toEqual([
    204,
    204,
    { status: 404, body: { code: 'CLIENTID_NOT_FOUND', message: expect.any(String) } },
  ]);
  await gone;
  expect(published).toMatchObject({ status: 200, body: { id: expect.any(String) } });
  await subscriber.messages(1);
  expect(subscriber.packets[0]).toMatchObject({
    topic: 'api/example/topic',
    qos: 1,
    retain: false,
    properties: {
      responseTopic: 'some_other_topic',
      userProperties: { lang: 'en' },
      contentType: 'text/plain',
    },
  });
  expect(subscriber.payloads()).toEqual(['hello emqx api']);
});

test('the typed client asks a real broker, and is told what is wrong', async () => {
  await connect('dev/1');
  const admin = createAdminClient({ url: web.url, key: 'all', secret: SECRET });
  const { data, meta } = await dataOf(admin.GET('/clients', { params: { query: { limit: 10 } } }));
  expect(data.map(({ clientid }) => clientid)).toEqual(['dev/1']);
  expect(meta).toMatchObject({ page: 1, limit: 10, count: 1, hasnext: false });
  const reader = createAdminClient({ url: web.url, key: 'reader', secret: SECRET });
  const path = { clientid: 'dev/1' };
  await expect(reader.DELETE('/clients/{clientid}', { params: { path } })).rejects.toMatchObject({
    status: 403,
  });
  const stranger = createAdminClient({ url: web.url, key: 'all', secret: 'wrong' });
  await expect(stranger.GET('/stats')).rejects.toMatchObject({ status: 401 });
  await admin.DELETE('/clients/{clientid}', { params: { path } });
  await expect(admin.GET('/clients/{clientid}', { params: { path } })).rejects.toMatchObject({
    status: 404,
    code: 'CLIENTID_NOT_FOUND',
  });
});
