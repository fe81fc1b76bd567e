import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Command } from '../support/command.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-acl-'));
  writeFileSync(join(folder, 'promptmq.yaml'), 'auth: { acl-file: acl.yaml }\n');
  const dynamic = 'chain: [{ dynamic-security: {} }]';
  writeFileSync(join(folder, 'roles.yaml'), `auth: { ${dynamic} }\n`);
  writeFileSync(join(folder, 'both.yaml'), `auth: { ${dynamic}, acl-file: acl.yaml }\n`);
  writeFileSync(
    join(folder, 'acl.yaml'),
    `rules:
  - { user: alice, subscribe: "#", address: 10.0.0.0/8 }
  - { permission: deny, subscribe: secret/# }
  - { user: "*", publish: named }
  - { group: ops, publish: "rooms/\${attrs.room}", retain: true, qos: 1 }
`,
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

async function run(...args: string[]) {
  const command = new Command(['acl', 'test', ...args], folder);
  const status = await command.exitCode();
  return [status, command.output + command.errors];
}

test.each([
  [
    'alice c subscribe # --address 10.1.1.1',
    0,
    'allowed: acl.yaml:2; what it brings is filtered, as rules deny a part\n',
  ],
  ['alice c subscribe $share/g/secret/a', 1, 'denied: acl.yaml:3\n'],
  ['- c publish named', 1, 'denied: no rule matches (auth.acl-default)\n'],
  [
    'bob c publish rooms/5 --group dev --group ops --attribute room=5 --retain --qos 1 --json',
    0,
    '{"allowed":true,"result":"allow","rule":"acl.yaml:5","filtered":false}\n',
  ],
  ['bob c publish a/#', 2, 'promptmq: "a/#" is no topic name: it has wildcards in it\n'],
])('acl test %s', async (args, status, output) => {
  expect(await run(...args.split(' '))).toEqual([status, output]);
});

test('roles that only the running broker knows are not taken for none', async () => {
  const where =
    'promptmq: auth.chain has dynamic-security, whose roles only the running broker knows';
  expect(await run('bob', 'c', 'publish', 'named', '--config', 'roles.yaml')).toEqual([
    2,
    `${where}: ask it with --running\n`,
  ]);
  expect(await run('bob', 'c', 'publish', 'named', '--config', 'both.yaml')).toEqual([
    0,
    `allowed: acl.yaml:4\n${where}: this is what auth.acl-file says; --running asks both\n`,
  ]);
});
