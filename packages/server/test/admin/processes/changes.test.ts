import { afterEach, expect, test } from '@jest/globals';
import { ApiProcesses } from '../../support/api-processes.ts';

let api: ApiProcesses;

afterEach(() => api.stop());

test('a ban holds in all processes, and is taken back in all', async () => {
  api = await ApiProcesses.start();
  const ban = { as: 'username', who: 'mallory', reason: 'r' };
  expect(await api.post('/banned', ban)).toMatchObject({ status: 200, body: { by: 'socket' } });
  for (const broker of api.brokers) expect(broker.bans.list()).toMatchObject([{ who: 'mallory' }]);
  expect(await api.get('/banned')).toMatchObject({ body: { data: [ban], meta: { count: 1 } } });
  for (const cell of [0, 1]) {
    await expect(api.client(api.idOf(cell, 'm'), { username: 'mallory' })).rejects.toThrow();
  }
  expect(await api.ask('DELETE', '/banned/username/mallory')).toMatchObject({ status: 204 });
  for (const broker of api.brokers) expect(broker.bans.list()).toEqual([]);
  expect(await api.ask('DELETE', '/banned/username/mallory')).toMatchObject({ status: 404 });
});

test('a ban that one process has alone is listed, and can be taken back', async () => {
  api = await ApiProcesses.start();
  await api.brokers[1]?.bans.add({ kind: 'client', who: 'one' });
  expect(await api.get('/banned')).toMatchObject({ body: { data: [{ who: 'one' }] } });
  expect(await api.ask('DELETE', '/banned/clientid/one')).toMatchObject({ status: 204 });
  expect(api.brokers[1]?.bans.list()).toEqual([]);
});

test('what all have to do is not done by some: it is refused while one is away', async () => {
  api = await ApiProcesses.start({ auth: { chain: [{ dynamicSecurity: {} }] } });
  api.serve(0);
  const away = { status: 503, body: { code: 'PROCESS_AWAY', message: /worker 1/ } };
  const refused = [
    await api.post('/banned', { as: 'clientid', who: 'x' }),
    await api.post('/users', { username: 'x', password: 'p' }),
    await api.post('/dynamic_security', { commands: [{ command: 'createRole', rolename: 'r' }] }),
    await api.post('/listeners/tcp:default/stop'),
  ];
  for (const one of refused) {
    expect(one).toMatchObject({ ...away, body: { message: expect.stringMatching(/worker 1/) } });
  }
  expect(api.brokers[0]?.bans.list()).toEqual([]);
  expect(await api.get('/users')).toMatchObject({ status: 200, body: { data: [] } });
});

test('users, groups and roles are those of all processes', async () => {
  api = await ApiProcesses.start({ auth: { chain: [{ dynamicSecurity: {} }] } });
  const acls = [{ acltype: 'publishClientSend', topic: '#', allow: true }];
  expect(await api.post('/roles', { rolename: 'r', acls })).toMatchObject({ status: 201 });
  const user = { username: 'alice', password: 'secret', roles: [{ rolename: 'r' }] };
  expect(await api.post('/users', user)).toMatchObject({ status: 201 });
  expect(await api.post('/users', user)).toMatchObject({ status: 409 });
  for (const cell of [0, 1]) {
    const names = { username: 'alice', password: 'secret' };
    await api.client(api.idOf(cell, 'a'), names);
    const wrong = api.client(api.idOf(cell, 'b'), { ...names, password: 'other' });
    await expect(wrong).rejects.toThrow();
  }
  const commands = [{ command: 'disableClient', username: 'alice' }];
  expect(await api.post('/dynamic_security', { commands })).toEqual({
    status: 200,
    body: { responses: [{ command: 'disableClient' }] },
  });
  for (const { users } of api.brokers) {
    expect(await users.ask([{ command: 'getClient', username: 'alice' }])).toMatchObject([
      { data: { client: { disabled: true } } },
    ]);
  }
});

test('a listener is stopped and started in all processes', async () => {
  api = await ApiProcesses.start();
  const [one] = (await api.get<{ id: string; running: boolean }[]>('/listeners')).body;
  expect(one).toMatchObject({ id: 'tcp:default', running: true });
  const running = () =>
    api.brokers.map(({ listeners }) => listeners.find(({ name }) => name === 'tcp')?.isRunning);
  await api.post('/listeners/tcp:default/stop');
  expect(running()).toEqual([false, false]);
  await api.post('/listeners/tcp:default/start');
  expect(running()).toEqual([true, true]);
  expect(await api.post('/listeners/tcp:none/stop')).toMatchObject({ status: 404 });
});

test('filters are counted by in all processes', async () => {
  api = await ApiProcesses.start();
  expect(await api.post('/mqtt/topic_metrics', { topic: 'a/#' })).toMatchObject({ status: 200 });
  for (const cell of [0, 1]) {
    const { mqtt } = await api.client(api.idOf(cell, 'p'));
    await mqtt.publishAsync('a/b', 'xyz', { qos: 1 });
  }
  const { body } = await api.get<{ metrics: object }[]>('/mqtt/topic_metrics');
  expect(body).toMatchObject([
    { topic: 'a/#', metrics: { 'message.in.count': 2, 'bytes.in.count': 6 } },
  ]);
  expect(body[0]?.metrics).not.toHaveProperty('message.out.count');
  expect(await api.ask('DELETE', '/mqtt/topic_metrics/a%2F%23')).toMatchObject({ status: 204 });
  expect(await api.get('/mqtt/topic_metrics')).toMatchObject({ body: [] });
});
