import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-admin-key-'));
  writeFileSync(
    join(folder, 'promptmq.yaml'),
    `server: { bind: "127.0.0.1:0", ws-bind: none }
metrics: { enabled: false }
admin: { bind: "127.0.0.1:0" }
log: { format: json }
`,
  );
});

afterEach(() => rmSync(folder, { recursive: true }));

async function admin(...args: string[]): Promise<Command> {
  const command = new Command(['admin', 'key', ...args], folder);
  await command.exitCode();
  return command;
}

const file = () => join(folder, 'data/admin-keys.json');

test('keys are made, listed, disabled and deleted while no broker runs', async () => {
  const made = await admin('create', 'ops', '--scope', 'config,read', '--expires', '90d');
  expect(made.output).toMatch(/^[0-9a-f]{16}:[\w-]{43}\n$/);
  expect(made.errors).toContain('is not shown again');
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  const [id = '', secret = ''] = made.output.trim().split(':');
  expect(readFileSync(file(), 'utf8')).not.toContain(secret);
  expect((await admin('list')).output).toMatch(
    new RegExp(`^ops ${id} scopes=read,config created=\\S+ expires=\\S+\n$`),
  );
  await admin('disable', 'ops');
  expect((await admin('list')).output).toMatch(/ disabled\n$/);
  await admin('enable', 'ops');
  expect(JSON.parse((await admin('list', '--json')).output)).toMatchObject({
    name: 'ops',
    enabled: true,
  });
  await admin('delete', 'ops');
  expect((await admin('list')).output).toBe('');
});

test.each<[string[], number, RegExp]>([
  [['create', 'a b'], 1, /letters, digits/],
  [
    ['create', 'ops', '--scope', 'read,root'],
    1,
    /"root" is no scope; there are read, publish, clients, auth, config/,
  ],
  [['create', 'ops', '--expires', 'soon'], 1, /--expires takes a duration such as 12h or 90d/],
  [['delete', 'nobody'], 1, /there is no key "nobody"/],
  [['create', 'ops', '--key-file', 'none'], 1, /there is no file for keys/],
  [['create'], 2, /admin key create needs NAME/],
  [['creat', 'ops'], 2, /did you mean promptmq admin key create/],
])('promptmq admin key %j says what is wrong', async (args, code, why) => {
  const command = await admin(...args);
  expect([command.child.exitCode, command.errors]).toEqual([code, expect.stringMatching(why)]);
});

test('a broker that runs takes a new key at once, and refuses one that was taken back', async () => {
  const broker = new Command([], folder);
  await broker.waitFor(/"admin-without-keys"/);
  await broker.waitFor(/"ready"/);
  const { output } = await admin('create', 'ops', '--json');
  const { key, secret } = JSON.parse(output);
  const [, url] = await broker.waitFor(/"protocol":"admin","address":"([^"]+)"/);
  const headers = { authorization: `Bearer ${key}:${secret}` };
  expect((await fetch(`${url}/api/v5/status`, { headers })).status).toBe(200);
  expect((await fetch(`${url}/api/v5/audit`, { headers })).status).toBe(403);
  await admin('disable', 'ops');
  await broker.waitFor(/"admin-closed"/);
  await expect(fetch(`${url}/api/v5/status`, { headers })).rejects.toThrow();
  expect(broker.output).not.toContain(secret);
  broker.child.kill();
  await broker.exitCode();
});
