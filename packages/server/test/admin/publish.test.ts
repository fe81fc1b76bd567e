import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AdminWeb, basic, SECRET } from '../support/admin-web.ts';
import { ApiBroker } from '../support/api-broker.ts';
import { TestClient } from '../support/mqtt-client.ts';

let api: ApiBroker;

beforeEach(async () => {
  api = await ApiBroker.start({ storage: 'on', admin: { maxRequests: 1 } });
});

afterEach(() => api.stop());

interface Published {
  id: string;
  position: number | null;
  reason_code?: number;
  message?: string;
  code?: string;
}

test('a message is published with its properties, and answered with where it is in the log', async () => {
  const subscriber = await api.client({
    clientId: 's',
    clean: false,
    properties: { sessionExpiryInterval: 60 },
  });
  await subscriber.mqtt.subscribeAsync('a/#', { qos: 1 });
  const properties: object[] = [];
  subscriber.mqtt.on('message', (_topic, _payload, packet) =>
    properties.push(packet.properties as object),
  );
  const { status, body } = await api.post<Published>('/publish', {
    topic: 'a/b',
    qos: 1,
    payload: 'aGVsbG8=',
    payload_encoding: 'base64',
    clientid: 'ignored',
    properties: {
      payload_format_indicator: 1,
      message_expiry_interval: 100,
      response_topic: 'r',
      correlation_data: 'c',
      content_type: 'text/plain',
      user_properties: { one: '1', two: ['2', '3'] },
    },
  });
  expect({ status, body }).toEqual({
    status: 200,
    body: { id: expect.stringMatching(/^[\dA-F]{32}$/), position: expect.any(Number) },
  });
  expect(await subscriber.messages(1)).toMatchObject([{ topic: 'a/b', payload: 'hello', qos: 1 }]);
  expect(properties).toEqual([
    {
      payloadFormatIndicator: true,
      messageExpiryInterval: 100,
      responseTopic: 'r',
      correlationData: Buffer.from('c'),
      contentType: 'text/plain',
      userProperties: { one: '1', two: ['2', '3'] },
    },
  ]);
});

test('what nobody has subscribed to is published, and answered with 202', async () => {
  expect(await api.post('/publish', { topic: 'a', payload: '' })).toMatchObject({
    status: 202,
    body: { reason_code: 16, message: 'no_matching_subscribers', position: null },
  });
  expect(await api.post('/publish', { topic: 'a', payload: 'x', retain: true })).toMatchObject({
    status: 202,
    body: { reason_code: 16, position: expect.any(Number) },
  });
});

test('what is wrong with a message is said with the field and what it takes', async () => {
  const refused = async (body: unknown) => {
    const answer = await api.post<Published>('/publish', body);
    expect(answer.status).toBe(400);
    return answer.body.message;
  };
  expect(await refused({ payload: '' })).toBe(
    'topic is missing: it takes a text of at least 1 characters',
  );
  expect(await refused({ topic: 'a', payload: '', qos: 3 })).toBe(
    'qos takes a whole number from 0 to 2, not 3',
  );
  expect(await refused({ topic: 'a', payload: '', payload_encoding: 'hex' })).toBe(
    'payload_encoding takes one of plain, base64, not "hex"',
  );
  expect(await refused({ topic: 'a', payload: '?', payload_encoding: 'base64' })).toBe(
    'payload: it is no Base64, as payload_encoding says',
  );
  expect(await refused({ topic: 'a', payload: '', properties: { x: 1 } })).toBe(
    'properties.x is no field of it; there are content_type, correlation_data, message_expiry_interval, payload_format_indicator, response_topic, user_properties',
  );
  expect(await refused('{')).toMatch(/^the body is no JSON/);
  expect(await api.post('/publish', { topic: 'a/+', payload: '' })).toMatchObject({
    status: 400,
    body: {
      code: 'BAD_REQUEST',
      reason_code: 0x90,
      message: expect.stringMatching(/^topic: wildcard in a topic name/),
    },
  });
  expect(await api.post('/publish', { topic: '$SYS/a', payload: '' })).toMatchObject({
    status: 400,
    body: { reason_code: 0x87 },
  });
});

test('messages in bulk have a result each, in their order', async () => {
  const subscriber = await api.client();
  await subscriber.mqtt.subscribeAsync('a/#');
  const messages = Array.from({ length: 250 }, (_, index) => ({
    topic: `a/${index}`,
    payload: `${index}`,
  }));
  const all = await api.post<Published[]>('/publish/bulk', messages);
  expect(all.status).toBe(200);
  expect(all.body).toHaveLength(250);
  await subscriber.messages(250);
  expect(subscriber.payloads()).toEqual(messages.map(({ payload }) => payload));
  const some = await api.post<Published[]>('/publish/bulk', [
    { topic: 'a/1', payload: '' },
    { topic: 'b', payload: '' },
  ]);
  expect(some).toMatchObject({
    status: 202,
    body: [{ id: expect.any(String) }, { reason_code: 16 }],
  });
  const wrong = await api.post<Published[]>('/publish/bulk', [
    { topic: '$SYS/a', payload: '' },
    { topic: 'a/1', payload: 'last' },
  ]);
  expect(wrong).toMatchObject({ status: 503, body: [{ reason_code: 0x87 }, { position: null }] });
  expect((await subscriber.messages(252)).at(-1)?.payload).toBe('last');
  expect(await api.post('/publish/bulk', [])).toMatchObject({ status: 400 });
});

test('of messages in bulk none is published where a topic can never be one', async () => {
  const subscriber = await api.client();
  await subscriber.mqtt.subscribeAsync('bulk/#');
  for (const topic of ['bulk/+', '#', 'bulk/\0']) {
    const refused = await api.post('/publish/bulk', [
      { topic: 'bulk/1', payload: 'too early' },
      { topic, payload: '' },
    ]);
    expect(refused).toMatchObject({
      status: 400,
      body: {
        code: 'BAD_REQUEST',
        message: '1.topic takes a topic name: no wildcards, no U+0000',
      },
    });
  }
  await api.post('/publish/bulk', [{ topic: 'bulk/1', payload: 'first' }]);
  expect((await subscriber.messages(1))[0]?.payload).toBe('first');
});

test('a request is answered with the response of the one who has subscribed', async () => {
  const responder = await api.client({ clientId: 'responder' });
  const onlooker = await api.client({ clientId: 'onlooker' });
  await responder.mqtt.subscribeAsync('d/1/request');
  await onlooker.mqtt.subscribeAsync('#');
  responder.mqtt.on('message', (_topic, payload, { properties }) => {
    const { responseTopic, correlationData } = properties as {
      responseTopic: string;
      correlationData: Buffer;
    };
    // What isn't the response.
    responder.mqtt.publish(responseTopic, 'other', {
      properties: { correlationData: Buffer.from('another') },
    });
    responder.mqtt.publish(responseTopic, `${payload}!`, {
      qos: 1,
      properties: { correlationData, contentType: 'text/plain' },
    });
  });
  const asked = { timeout: '30s', request: { topic: 'd/1/request', payload: 'hello' } };
  expect(await api.post('/request', asked)).toEqual({
    status: 200,
    body: {
      code: 'OK',
      message: 'OK',
      response: {
        topic: expect.stringMatching(/^\$response\//),
        request_id: expect.any(String),
        qos: 1,
        payload: 'hello!',
        payload_encoding: 'plain',
        content_type: 'text/plain',
        properties: { content_type: 'text/plain', correlation_data: expect.any(String) },
      },
    },
  });
  const named = {
    topic: 'd/1/request',
    payload: '',
    response_topic: 'd/1/response',
    request_id: 'id-1',
  };
  expect(await api.post('/request', { request: named })).toMatchObject({
    status: 200,
    body: { response: { topic: 'd/1/response', request_id: 'id-1', payload: '!' } },
  });
});

test('a request that nobody, or more than one, could answer is not published', async () => {
  const request = { topic: 'd/1', payload: '' };
  expect(await api.post('/request', { request })).toMatchObject({
    status: 404,
    body: { code: 'NO_SUBSCRIBERS' },
  });
  const one = await api.client({ clientId: 'one' });
  const two = await api.client({ clientId: 'two' });
  await one.mqtt.subscribeAsync('d/1');
  await two.mqtt.subscribeAsync('d/1');
  expect(await api.post('/request', { request })).toMatchObject({
    status: 409,
    body: { code: 'CONFLICT', message: expect.stringContaining('one, two') },
  });
  expect(one.received).toEqual([]);
});

test('a request without a response ends with 504, and admin.max-requests of them may wait', async () => {
  const silent = await api.client();
  await silent.mqtt.subscribeAsync('d/1');
  const request = { topic: 'd/1', payload: '' };
  const first = api.post('/request', { timeout: '300ms', request });
  await silent.messages(1);
  expect(await api.post('/request', { request })).toMatchObject({
    status: 429,
    body: { code: 'TOO_MANY_REQUESTS', message: expect.stringContaining('admin.max-requests') },
  });
  expect(await first).toMatchObject({ status: 504, body: { code: 'TIMEOUT' } });
  expect(await api.post('/request', { timeout: '2m', request })).toMatchObject({ status: 400 });
  // The place is free again, and a responder of MQTT 3.1.1 has no Correlation Data.
  const old = await api.client({ protocolVersion: 4 });
  await silent.mqtt.unsubscribeAsync('d/1');
  await old.mqtt.subscribeAsync('d/1');
  old.mqtt.on('message', () => old.mqtt.publish('r', 'old'));
  expect(
    await api.post('/request', { request: { ...request, response_topic: 'r' } }),
  ).toMatchObject({ status: 200, body: { response: { payload: 'old' } } });
});

test('a response topic of one’s own reads what others publish there, and takes the scope read', async () => {
  const keys = [{ name: 'publisher', secret: SECRET, scopes: ['publish'] }] as never;
  await using web = await AdminWeb.open({ keys });
  const ask = (more: object) => {
    const request = { topic: 'd/1', payload: '', ...more };
    return web.ask('POST', '/api/v5/request', basic('publisher'), { request });
  };
  expect(await ask({ response_topic: 'others/secrets' })).toMatchObject({
    status: 403,
    body: { code: 'NOT_ALLOWED', message: expect.stringContaining('response_topic') },
  });
  expect(await ask({})).toMatchObject({ status: 404, body: { code: 'NO_SUBSCRIBERS' } });
});

test('who may not read is told how many could answer, and not who', async () => {
  const keys = [{ name: 'publisher', secret: SECRET, scopes: ['publish'] }] as never;
  await using web = await AdminWeb.open({ keys });
  const clients = await Promise.all(
    ['secret-one', 'secret-two'].map((clientId) =>
      TestClient.connect(`${web.broker.url}`, { clientId }),
    ),
  );
  for (const { mqtt } of clients) await mqtt.subscribeAsync('d/1');
  const request = { topic: 'd/1', payload: '' };
  const { status, text } = await web.ask('POST', '/api/v5/request', basic('publisher'), {
    request,
  });
  expect(status).toBe(409);
  expect(text).toContain('could be answered by 2 clients');
  expect(text).not.toContain('secret');
  for (const { mqtt } of clients) await mqtt.endAsync(true);
});
