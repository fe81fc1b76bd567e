import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clientIdOf } from '../support/client-ids.ts';
import { Command } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { everythingOf, mosquittoPassword } from '../support/mosquitto-users.ts';
import { TestClient } from '../support/mqtt-client.ts';

const WORKERS = 2;
const CONTROL = '$CONTROL/dynamic-security/v1';

let folder: string;
let url: string;
let command: Command;
const clients: TestClient[] = [];

const USERS = {
  clients: [
    {
      username: 'admin',
      ...mosquittoPassword('a'),
      roles: [{ rolename: 'admin' }, { rolename: 'all' }],
    },
    { username: 'boss', ...mosquittoPassword('b'), roles: [{ rolename: 'admin' }] },
  ],
  groups: [],
  roles: [
    { rolename: 'admin', acls: everythingOf('$CONTROL/dynamic-security/#') },
    { rolename: 'all', acls: everythingOf('#') },
  ],
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-workers-users-'));
  const port = await freePort();
  url = `mqtt://127.0.0.1:${port}`;
  writeFileSync(join(folder, 'users.json'), JSON.stringify(USERS));
  const auth = { chain: [{ 'dynamic-security': { import: join(folder, 'users.json') } }] };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auth }));
  command = new Command(
    [
      ...['--config', 'config.json', '--workers', `${WORKERS}`, '--bind', `127.0.0.1:${port}`],
      ...['--ws-bind', 'none', '--metrics-bind', 'none', '--admin-bind', 'none'],
      ...['--data-dir', join(folder, 'data'), '--wal-dir', join(folder, 'wal')],
      ...['--log-format', 'json'],
    ],
    folder,
  );
  await command.waitFor(/"event":"ready"/);
});

afterAll(async () => {
  for (const { mqtt } of clients) mqtt.end(true);
  command.child.kill('SIGKILL');
  await command.exitCode();
  rmSync(folder, { recursive: true, force: true });
});

/** A client of a worker. */
async function connect(worker: number, name: string, username: string, secret: string) {
  const clientId = clientIdOf(worker, WORKERS, name);
  const client = await TestClient.connect(url, {
    ...{ clientId, username, password: secret, protocolVersion: 5 },
  });
  clients.push(client);
  return client;
}

async function adminOf(worker: number, username = 'admin', secret = 'a') {
  const client = await connect(worker, username, username, secret);
  await client.mqtt.subscribeAsync(`${CONTROL}/response`);
  return client;
}

/** @returns the errors of the commands; null where one was carried out */
async function ask(admin: TestClient, ...commands: object[]): Promise<(string | null)[]> {
  const count = admin.received.length + 1;
  await admin.mqtt.publishAsync(CONTROL, JSON.stringify({ commands }), { qos: 1 });
  const { payload } = (await admin.messages(count))[count - 1] as { payload: string };
  const { responses } = JSON.parse(payload) as { responses: { error?: string }[] };
  return responses.map(({ error }) => error ?? null);
}

test('a user that a client makes at one worker is let in, and may do what it may, at all', async () => {
  const admin = await adminOf(0);
  const user = { username: 'carol', password: 'c', roles: [{ rolename: 'all' }] };
  expect(await ask(admin, { command: 'createClient', ...user })).toEqual([null]);
  for (const worker of [0, 1]) {
    const carol = await connect(worker, 'carol', 'carol', 'c');
    await carol.mqtt.subscribeAsync('news/#', { qos: 1 });
    await carol.mqtt.publishAsync('news/a', `${worker}`, { qos: 1 });
    expect((await carol.messages(1))[0]).toMatchObject({ payload: `${worker}` });
  }
});

test('who is disabled at one worker is disconnected from all, and let in by none', async () => {
  const admin = await adminOf(1);
  const user = { username: 'dave', password: 'd', roles: [{ rolename: 'all' }] };
  expect(await ask(admin, { command: 'createClient', ...user })).toEqual([null]);
  const both = await Promise.all([0, 1].map((worker) => connect(worker, 'dave', 'dave', 'd')));
  const closed = both.map((client) => client.closed());
  expect(await ask(admin, { command: 'disableClient', username: 'dave' })).toEqual([null]);
  await Promise.all(closed);
  for (const worker of [0, 1]) {
    await expect(connect(worker, 'dave', 'dave', 'd')).rejects.toThrow();
  }
});

test('requests at both workers at once are carried out in one order by both', async () => {
  const admins = await Promise.all([0, 1].map((worker) => adminOf(worker)));
  for (let number = 0; number < 5; number++) {
    const username = `twin-${number}`;
    // Each would have another password.
    const errors = await Promise.all(
      admins.map((admin, worker) =>
        ask(admin, { command: 'createClient', username, password: `p${worker}` }),
      ),
    );
    expect(errors.flat().filter((error) => error === null)).toHaveLength(1);
    const winner = errors.findIndex(([error]) => error === null);
    for (const worker of [0, 1]) await connect(worker, username, username, `p${winner}`);
  }
});

test('who takes a right from itself hears that it is done before it is gone', async () => {
  const boss = await adminOf(0, 'boss', 'b');
  const closed = boss.closed();
  expect(await ask(boss, { command: 'disableClient', username: 'boss' })).toEqual([null]);
  await closed;
});

test('the log of each worker says who has asked', () => {
  const lines = command.output
    .split('\n')
    .filter((line) => line.includes('"event":"dynamic-security"') && line.includes('carol'))
    .map((line) => JSON.parse(line) as { worker: number; user: string; command: string });
  expect(lines.map(({ worker }) => worker).sort()).toEqual([0, 1]);
  for (const line of lines) expect(line).toMatchObject({ user: 'admin', command: 'createClient' });
});
