import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { otherProgram } from '../support/other-programs.ts';

const { missing } = otherProgram('mosquitto_ctrl');
if (missing === null) describe('mosquitto_ctrl dynsec', testCommand);
else test.skip(`mosquitto_ctrl dynsec: ${missing}`, () => {});

async function run(program: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(program, args);
  child.stdin.end();
  const [output, errors, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve) => child.on('exit', (exitCode) => resolve(exitCode ?? -1))),
  ]);
  return { code, output: `${output}${errors}` };
}

function testCommand(): void {
  let folder: string;
  let broker: RunningBroker;
  let connection: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'promptmq-ctrl-'));
    const file = join(folder, 'dynamic-security.json');
    const made = await run('mosquitto_ctrl', 'dynsec', 'init', file, 'admin', 'secret');
    expect(made.code).toBe(0);
    broker = await createBroker({
      server: { wsBind: 'none' },
      auth: { chain: [{ dynamicSecurity: { import: file } }] },
    });
    const { port } = new URL(`${broker.url}`);
    connection = ['-h', '127.0.0.1', '-p', port, '-u', 'admin', '-P', 'secret'];
  });

  afterAll(async () => {
    await broker?.stop();
    rmSync(folder, { recursive: true });
  });

  /** What it prints. */
  async function dynsec(...args: string[]): Promise<string> {
    const { output } = await run('mosquitto_ctrl', ...connection, 'dynsec', ...args);
    return output.replace(/^(Warning:|This means all).*\n*/gm, '').trim();
  }

  // In this order: each goes on from what those before have left.
  test.each<[string, string, string | RegExp]>([
    ['getDefaultACLAccess', '', /publishClientSend *: deny\npublishClientReceive *: allow/],
    ['setDefaultACLAccess', 'unsubscribe deny', ''],
    ['getDefaultACLAccess', '', /unsubscribe *: deny/],
    ['setDefaultACLAccess', 'unsubscribe allow', ''],
    ['createRole', 'sensor', ''],
    ['createRole', 'sensor', /Role already exists/],
    ['addRoleACL', 'sensor publishClientSend sensors/%u/# allow', ''],
    ['addRoleACL', 'sensor subscribePattern cmd/%c/# allow 5', ''],
    [
      'addRoleACL',
      'sensor subscribePattern cmd/%c/# allow 5',
      /ACL with this topic already exists/,
    ],
    ['addRoleACL', 'sensor unsubscribeLiteral x deny', ''],
    ['removeRoleACL', 'sensor unsubscribeLiteral x', ''],
    [
      'getRole',
      'sensor',
      /Rolename: *sensor[\s\S]*publishClientSend *: allow *: sensors\/%u\/# *\(priority: 0\)[\s\S]*\(priority: 5\)/,
    ],
    ['listRoles', '', 'admin\nsensor'],
    ['createClient', 'kitchen -p pw -c kitchen-1', ''],
    ['createClient', 'kitchen -p pw', /Client already exists/],
    ['setClientPassword', 'kitchen better', ''],
    ['setClientId', 'kitchen kitchen-2', ''],
    ['addClientRole', 'kitchen sensor 3', ''],
    [
      'getClient',
      'kitchen',
      /Username: *kitchen\nClientid: *kitchen-2\nRoles: *sensor *\(priority: 3\)/,
    ],
    ['getClient', 'nobody', /Client not found/],
    ['createGroup', 'house', ''],
    ['addGroupRole', 'house sensor 2', ''],
    ['addGroupClient', 'house kitchen 1', ''],
    ['getGroup', 'house', /Groupname: *house\nRoles: *sensor *\(priority: 2\)\nClients: *kitchen/],
    ['getClient', 'kitchen', /Groups: *house *\(priority: 1\)/],
    ['listGroups', '', 'house'],
    ['setAnonymousGroup', 'house', ''],
    ['getAnonymousGroup', '', 'house'],
    ['deleteGroup', 'house', /Deleting the anonymous group is forbidden/],
    ['removeGroupClient', 'house kitchen', ''],
    ['removeGroupRole', 'house sensor', ''],
    ['disableClient', 'kitchen', ''],
    ['getClient', 'kitchen', /Disabled: *true/],
    ['enableClient', 'kitchen', ''],
    ['listClients', '', 'admin\nkitchen'],
    ['listClients', '1 1', 'kitchen'],
    ['removeClientRole', 'kitchen sensor', ''],
    ['deleteRole', 'sensor', ''],
    ['deleteClient', 'kitchen', ''],
    ['listClients', '', 'admin'],
  ])('%s %s', async (command, args, expected) => {
    const output = await dynsec(command, ...args.split(' ').filter((word) => word !== ''));
    if (typeof expected === 'string') expect(output).toBe(expected);
    else expect(output).toMatch(expected);
  });

  test('a wrong password is refused', async () => {
    const wrong = connection.with(-1, 'wrong');
    const { output } = await run('mosquitto_ctrl', ...wrong, 'dynsec', 'listClients');
    expect(output).toContain('Connection error');
  });
}
