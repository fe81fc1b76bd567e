import { afterEach, expect, test } from '@jest/globals';
import { ApiBroker } from '../support/api-broker.ts';

let api: ApiBroker;

afterEach(() => api.stop());

const start = async () => {
  api = await ApiBroker.start({
    storage: 'on',
    auth: { chain: [{ dynamicSecurity: {} }] },
  });
};

test('roles, groups and users are made, listed, changed and deleted', async () => {
  await start();
  const acl = { acltype: 'publishClientSend', topic: 'a/#', allow: true };
  expect(await api.post('/roles', { rolename: 'writer', acls: [acl] })).toMatchObject({
    status: 201,
    body: { rolename: 'writer', acls: [{ topic: 'a/#' }] },
  });
  expect(
    await api.post('/groups', { groupname: 'devices', roles: [{ rolename: 'writer' }] }),
  ).toMatchObject({ status: 201, body: { groupname: 'devices' } });
  const alice = { username: 'alice', password: 'first', groups: [{ groupname: 'devices' }] };
  const made = await api.post('/users', alice);
  expect(made).toMatchObject({
    status: 201,
    body: { username: 'alice', groups: [{ groupname: 'devices' }] },
  });
  expect(JSON.stringify(made.body)).not.toContain('first');
  expect(await api.post('/users', alice)).toMatchObject({
    status: 409,
    body: { code: 'ALREADY_EXISTS' },
  });
  await api.post('/users', { username: 'bob', password: 'pw', disabled: true });
  const page = await api.get<{ data: { username: string }[]; meta: object }>(
    '/users?limit=1&page=2',
  );
  expect(page).toMatchObject({
    status: 200,
    body: {
      data: [{ username: 'bob', disabled: true }],
      meta: { page: 2, limit: 1, hasnext: false },
    },
  });
  const login = (password: string) =>
    api.client({ username: 'alice', password, clientId: `c-${password}` });
  await (await login('first')).end();
  expect(
    await api.ask('PUT', '/users/alice', { password: 'second', textname: 'Alice' }),
  ).toMatchObject({ status: 200, body: { textname: 'Alice', groups: [{ groupname: 'devices' }] } });
  await expect(login('first')).rejects.toThrow();
  const client = await login('second');
  const closed = client.closed();
  expect(await api.ask('PUT', '/users/alice', { disabled: true })).toMatchObject({
    status: 200,
    body: { disabled: true },
  });
  await closed;
  expect(await api.ask('DELETE', '/users/alice')).toEqual({ status: 204, body: undefined });
  expect(await api.get('/users/alice')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  expect(await api.ask('DELETE', '/groups/devices')).toMatchObject({ status: 204 });
  expect(await api.get('/roles/writer')).toMatchObject({ status: 200 });
});

test('in read-only mode commands may ask, and change nothing', async () => {
  api = await ApiBroker.start({
    storage: 'on',
    auth: { chain: [{ dynamicSecurity: {} }] },
    admin: { readOnly: true },
  });
  const ask = (...names: string[]) =>
    api.post('/dynamic_security', {
      commands: names.map((command) => ({ command, username: 'a', rolename: 'a' })),
    });
  expect(await ask('listClients', 'getRole')).toMatchObject({
    status: 200,
    body: { responses: [{ command: 'listClients' }, { command: 'getRole' }] },
  });
  const refused = { status: 403, body: { code: 'READ_ONLY' } };
  expect(await ask('listClients', 'createClient')).toMatchObject(refused);
  expect(await ask('listenClients')).toMatchObject(refused);
  expect(await api.post('/dynamic_security/import', {})).toMatchObject(refused);
  expect((await api.get<{ data: object[] }>('/audit')).body.data).toMatchObject([
    { operation_id: 'importDynamicSecurity', http_status_code: 403 },
    { operation_id: 'askDynamicSecurity', http_status_code: 403 },
    { operation_id: 'askDynamicSecurity', http_status_code: 403 },
  ]);
});

test('without dynamic security there is nothing to ask', async () => {
  api = await ApiBroker.start();
  expect(await api.post('/dynamic_security', { commands: [] })).toMatchObject({
    status: 404,
    body: { code: 'NOT_AVAILABLE' },
  });
});

test('what is wrong is said with the field', async () => {
  await start();
  expect(await api.post('/users', { password: 'x' })).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/^username is missing/) },
  });
  expect(
    await api.post('/roles', { rolename: 'r', acls: [{ acltype: 'eat', topic: 'a' }] }),
  ).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/^acls\.0\.acltype takes one of/) },
  });
  expect(await api.ask('PUT', '/groups/none', { textname: 'x' })).toMatchObject({ status: 404 });
});

test('commands, export and import are those of dynamic security', async () => {
  await start();
  const commands = [
    { command: 'createRole', rolename: 'r' },
    { command: 'createRole', rolename: 'r' },
  ];
  expect(await api.post('/dynamic_security', { commands })).toEqual({
    status: 200,
    body: {
      responses: [{ command: 'createRole' }, { command: 'createRole', error: expect.any(String) }],
    },
  });
  const { status, body } = await api.get('/dynamic_security/export');
  expect({ status, body }).toMatchObject({ status: 200, body: { roles: expect.any(Array) } });
  expect(await api.post('/dynamic_security/import', body)).toMatchObject({ status: 400 });
  await api.stop();
  await start();
  expect(await api.post('/dynamic_security/import', body)).toMatchObject({ status: 204 });
  expect(await api.get('/roles/r')).toMatchObject({ status: 200, body: { rolename: 'r' } });
});

test('without dynamic security there are no users', async () => {
  api = await ApiBroker.start();
  for (const path of ['/users', '/roles/x', '/dynamic_security/export']) {
    expect(await api.get(path)).toMatchObject({ status: 404, body: { code: 'NOT_AVAILABLE' } });
  }
});
