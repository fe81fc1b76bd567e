import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { LogTail } from '../../../src/log/index.ts';
import { ApiProcesses } from '../../support/api-processes.ts';

let api: ApiProcesses;
let tail: LogTail;

beforeEach(async () => {
  tail = new LogTail(() => 100);
  api = await ApiProcesses.start({}, { logTail: tail });
});

afterEach(() => api.stop());

test('events of all processes come, with one identifier after the other', async () => {
  const events = await api.events('/events?filter=a/%23&type=message,connect');
  const ids: (string | null)[] = [];
  for (const cell of [0, 1]) {
    const id = api.idOf(cell, 'p');
    const { mqtt } = await api.client(id);
    const connected = await events.nextOf('connect');
    expect(connected.data).toMatchObject({ clientid: id });
    await mqtt.publishAsync('a/b', 'x', { qos: 1 });
    const message = await events.nextOf('message');
    expect(message.data).toMatchObject({ clientid: id, topic: 'a/b' });
    expect(message.data).not.toHaveProperty('matched');
    ids.push(connected.id, message.id);
  }
  expect(ids.map((id) => id?.split('-').at(-1))).toEqual(['1', '2', '3', '4']);
  events.close();
});

test('a reader who comes back gets what he has missed', async () => {
  const path = '/events?type=connect';
  const events = await api.events(path);
  await api.client(api.idOf(0, 'first'));
  const { id } = await events.nextOf('connect');
  events.close();
  const missed = api.idOf(1, 'missed');
  await api.client(missed);
  const again = await api.events(path, { 'last-event-id': id as string });
  expect(await again.next()).toMatchObject({ name: 'connect', data: { clientid: missed } });
  again.close();
});

test('a process that goes leaves a gap, and is followed again when it is back', async () => {
  const events = await api.events('/events?type=connect');
  await api.client(api.idOf(1, 'before'));
  await events.nextOf('connect');
  api.serve(0);
  expect(await events.next()).toMatchObject({ name: 'gap', data: { missing: null } });
  api.serve(0, 1);
  let isFollowed = false;
  const connected = events.nextOf('connect').finally(() => {
    isFollowed = true;
  });
  // Nobody says when it is followed again.
  for (let number = 0; !isFollowed; number++) await api.client(api.idOf(1, `after${number}`));
  expect((await connected).data).toMatchObject({ clientid: expect.stringMatching(/^after/) });
  events.close();
});

test('a trace has what happens in all processes', async () => {
  const order = { name: 'all', type: 'topic', topic: 'a/#', formatter: 'json' };
  expect(await api.post('/trace', order)).toMatchObject({ status: 200 });
  const topics = new Set<string>();
  for (let number = 0; topics.size < 2; number++) {
    for (const cell of [0, 1]) {
      const { mqtt } = await api.client(api.idOf(cell, `p${number}`));
      await mqtt.publishAsync(`a/${cell}`, 'x', { qos: 1 });
    }
    const { body } = await api.get<{ items: string }>('/trace/all/log?bytes=1000000');
    for (const line of body.items.split('\n').filter((text) => text !== '')) {
      const event = JSON.parse(line) as { topic?: string };
      expect(event).not.toHaveProperty('matched');
      if (event.topic !== undefined) topics.add(event.topic);
    }
  }
  expect([...topics].sort()).toEqual(['a/0', 'a/1']);
});

test('lines of the log of all processes come in the order of their times, then as they are written', async () => {
  const [one, other] = api.tails as [LogTail, LogTail];
  for (const [index, log] of [one, tail, other, one].entries()) {
    log.add('info', `line-${index}`, {});
    const now = Date.now();
    while (Date.now() === now);
  }
  const events = await api.events('/logs?lines=4&filter=line-');
  for (let index = 0; index < 4; index++) {
    expect((await events.next()).data).toMatchObject({ event: `line-${index}` });
  }
  other.add('info', 'line-later', {});
  expect((await events.next()).data).toMatchObject({ event: 'line-later' });
  tail.add('info', 'line-own', {});
  expect((await events.next()).data).toMatchObject({ event: 'line-own' });
  events.close();
});

test('a request is answered by the client of any process, and only where one could', async () => {
  const id = api.idOf(1, 'answers');
  const { mqtt } = await api.client(id);
  await mqtt.subscribeAsync('get');
  mqtt.on('message', (_, __, { properties }) => {
    const { responseTopic = '', correlationData } = properties ?? {};
    mqtt.publish(responseTopic, 'state', {
      properties: correlationData === undefined ? {} : { correlationData },
    });
  });
  const request = { request: { topic: 'get', payload: '' } };
  expect(await api.post('/request', request)).toMatchObject({
    status: 200,
    body: { response: { payload: 'state' } },
  });
  await (await api.client(api.idOf(0, 'second'))).mqtt.subscribeAsync('get');
  expect(await api.post('/request', request)).toMatchObject({ status: 409 });
  expect(await api.post('/request', { request: { topic: 'none', payload: '' } })).toMatchObject({
    status: 404,
  });
});
