import type { CommandModule } from 'yargs';
import { readTextFile } from '../../config/index.ts';
import type { UserCommand } from '../../embed/users/users.ts';
import { quoted } from '../../log/index.ts';
import { dataOf, printLine, withBroker } from '../ask-broker.ts';
import { addConfigOptions } from '../options.ts';
import { passwordOf } from '../passwd-command.ts';
import {
  askForUser,
  askUsers,
  changeUsers,
  printNames,
  priorityOf,
  withJson,
  withNames,
  withPriority,
} from './ask-users.ts';

/** Of a file that is taken over. */
const FILE_BYTES_MAX = 67_108_864;

const USER = { name: 'user name' };
const USER_AND_ROLE = { name: 'user name', role: 'name of a role' };

/** `promptmq user …`: exit code 3 when no broker runs. */
export const userCommand: CommandModule = {
  command: 'user',
  describe:
    'list and change the users of the running broker (auth.chain: dynamic-security), who are kept in its log',
  builder: (args) =>
    args
      .command(list)
      .command(show)
      .command(add)
      .command(password)
      .command(remove)
      .command(enable)
      .command(disable)
      .command(clientId)
      .command(grant)
      .command(revoke)
      .command(importFile)
      .command(exportFile)
      .demandCommand(1),
  handler: () => {},
};

const list: CommandModule = {
  command: 'list',
  describe: 'a line for each user',
  builder: (args) => addConfigOptions(withJson(args)),
  handler: (args) => printNames(args, 'listClients', 'clients'),
};

const show: CommandModule = {
  command: 'show <name>',
  describe: 'roles, groups and connections of a user',
  builder: (args) => withNames(withJson(args), USER),
  handler: async (args) => {
    const command = { command: 'getClient', username: `${args['name']}` };
    const client = await askForUser<ShownUser>(args, 'client', command);
    if (client === null) return;
    await printLine(args['json'] ? JSON.stringify(client) : userText(client));
  },
};

const add: CommandModule = {
  command: 'add <name>',
  describe: 'add a user; the password is asked for, or read from standard input',
  builder: (args) =>
    withNames(
      args
        .option('role', {
          describe: 'a role that the user has; may be given several times',
          type: 'string',
          array: true,
          requiresArg: true,
        })
        .option('group', {
          describe: 'a group that the user is in; may be given several times',
          type: 'string',
          array: true,
          requiresArg: true,
        })
        .option('client-id', {
          describe: 'the only client identifier that the user may have',
          type: 'string',
          requiresArg: true,
        })
        .option('admin', {
          describe:
            'the user may change users, groups and roles by $CONTROL/dynamic-security/v1, and read everything: it gets the role admin, which is made where it is missing',
          boolean: true,
          default: false,
        })
        .option('without-password', {
          describe: 'nobody can connect as the user yet',
          boolean: true,
          default: false,
        }),
      USER,
    ),
  handler: async (args) => {
    const name = `${args['name']}`;
    const isAdmin = args['admin'] === true;
    const secret = args['without-password'] === true ? undefined : await passwordOf(undefined);
    const roles = [...texts(args['role']), ...(isAdmin ? [ADMIN] : [])];
    if (isAdmin && !(await hasAdminRole(args))) {
      if (
        (await askUsers(args, [{ command: 'createRole', rolename: ADMIN, acls: ADMIN_ACLS }])) ===
        null
      )
        return;
    }
    await changeUsers(args, `added user ${quoted(name)}`, {
      command: 'createClient',
      username: name,
      ...(secret === undefined ? {} : { password: secret }),
      ...(args['client-id'] === undefined ? {} : { clientid: `${args['client-id']}` }),
      roles: roles.map((rolename) => ({ rolename })),
      groups: texts(args['group']).map((groupname) => ({ groupname })),
    });
  },
};

const ADMIN = 'admin';

/** What `mosquitto_ctrl dynsec init` gives its first user. */
const ADMIN_ACLS: readonly UserCommand[] = [
  ['publishClientSend', '$CONTROL/dynamic-security/#'],
  ['publishClientReceive', '$CONTROL/dynamic-security/#'],
  ['subscribePattern', '$CONTROL/dynamic-security/#'],
  ['publishClientReceive', '$SYS/#'],
  ['subscribePattern', '$SYS/#'],
  ['publishClientReceive', '#'],
  ['subscribePattern', '#'],
  ['unsubscribePattern', '#'],
].map(([acltype, topic]) => ({ acltype, topic, allow: true }));

async function hasAdminRole(args: Readonly<Record<string, unknown>>): Promise<boolean> {
  const answers = await askUsers(args, [{ command: 'listRoles' }]);
  const roles = (answers?.[0]?.data?.['roles'] ?? []) as string[];
  return answers === null || roles.includes(ADMIN);
}

const password: CommandModule = {
  command: 'password <name>',
  describe:
    'give a user another password, which is asked for, or read from standard input; who is connected is disconnected',
  builder: (args) => withNames(args, USER),
  handler: async (args) => {
    const name = `${args['name']}`;
    const command = 'setClientPassword';
    const secret = await passwordOf(undefined);
    await changeUsers(args, `user ${quoted(name)} has a new password`, {
      command,
      username: name,
      password: secret,
    });
  },
};

const remove: CommandModule = {
  command: 'remove <name>',
  describe: 'take a user out; who is connected is disconnected',
  builder: (args) => withNames(args, USER),
  handler: (args) => simple(args, 'deleteClient', 'removed'),
};

const enable: CommandModule = {
  command: 'enable <name>',
  describe: 'let a user connect again',
  builder: (args) => withNames(args, USER),
  handler: (args) => simple(args, 'enableClient', 'enabled'),
};

const disable: CommandModule = {
  command: 'disable <name>',
  describe: 'let a user connect no more; who is connected is disconnected',
  builder: (args) => withNames(args, USER),
  handler: (args) => simple(args, 'disableClient', 'disabled'),
};

async function simple(
  args: Readonly<Record<string, unknown>>,
  command: string,
  done: string,
): Promise<void> {
  const name = `${args['name']}`;
  await changeUsers(args, `${done} user ${quoted(name)}`, { command, username: name });
}

const clientId: CommandModule = {
  command: 'client-id <name> [id]',
  describe: 'the only client identifier that a user may have; without one, any',
  builder: (args) => withNames(args, { name: 'user name', id: 'client identifier' }),
  handler: async (args) => {
    const name = `${args['name']}`;
    const clientid = args['id'] === undefined ? '' : `${args['id']}`;
    const done =
      clientid === '' ? 'any client identifier' : `the client identifier ${quoted(clientid)}`;
    await changeUsers(args, `user ${quoted(name)} may have ${done}`, {
      command: 'setClientId',
      username: name,
      clientid,
    });
  },
};

const grant: CommandModule = {
  command: 'grant <name> <role>',
  describe: 'give a user a role',
  builder: (args) =>
    withNames(withPriority(args, 'roles with a higher one are asked first'), USER_AND_ROLE),
  handler: async (args) => {
    const [name, role] = [`${args['name']}`, `${args['role']}`];
    await changeUsers(args, `user ${quoted(name)} has role ${quoted(role)}`, {
      command: 'addClientRole',
      username: name,
      rolename: role,
      ...priorityOf(args),
    });
  },
};

const revoke: CommandModule = {
  command: 'revoke <name> <role>',
  describe: 'take a role from a user',
  builder: (args) => withNames(args, USER_AND_ROLE),
  handler: async (args) => {
    const [name, role] = [`${args['name']}`, `${args['role']}`];
    await changeUsers(args, `user ${quoted(name)} has role ${quoted(role)} no more`, {
      command: 'removeClientRole',
      username: name,
      rolename: role,
    });
  },
};

const importFile: CommandModule = {
  command: 'import <file>',
  describe: 'take over dynamic-security.json of mosquitto, while there is nobody yet',
  builder: (args) =>
    withNames(args, { file: 'as mosquitto_ctrl dynsec init, or a broker, has made it' }),
  handler: async (args) => {
    const file = `${args['file']}`;
    const content = readTextFile(file, 'user import', FILE_BYTES_MAX);
    const body = objectOf(file, content);
    await withBroker(args, async (admin) => {
      await admin.POST('/dynamic_security/import', { body });
      await printLine(`took over ${file}`);
    });
  },
};

const exportFile: CommandModule = {
  command: 'export',
  describe: 'all users, groups and roles as dynamic-security.json, with hashed passwords',
  builder: (args) => addConfigOptions(args),
  handler: async (args) => {
    await withBroker(args, async (admin) => {
      const whole = await dataOf(admin.GET('/dynamic_security/export'));
      await printLine(JSON.stringify(whole, null, 2));
    });
  },
};

/** @throws {Error} when a file isn't JSON of an object */
function objectOf(file: string, content: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new Error(`${file} is no JSON: ${(error as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Error(`${file} is no dynamic-security.json: it has no object`);
}

interface ShownUser {
  readonly username: string;
  readonly clientid?: string;
  readonly disabled?: boolean;
  readonly roles: readonly { readonly rolename: string; readonly priority?: number }[];
  readonly groups: readonly { readonly groupname: string; readonly priority?: number }[];
  readonly connections: readonly { readonly address: string }[];
}

function userText({ username, clientid, disabled, roles, groups, connections }: ShownUser): string {
  const withPriorityOf = (name: string, priority: number | undefined) =>
    priority === undefined ? name : `${name} (priority ${priority})`;
  const lines = [quoted(username)];
  if (disabled === true) lines.push('  disabled');
  if (clientid !== undefined) lines.push(`  client identifier ${quoted(clientid)}`);
  for (const { rolename, priority } of roles) {
    lines.push(`  role ${withPriorityOf(quoted(rolename), priority)}`);
  }
  for (const { groupname, priority } of groups) {
    lines.push(`  group ${withPriorityOf(quoted(groupname), priority)}`);
  }
  for (const { address } of connections) lines.push(`  connected from ${address}`);
  return lines.join('\n');
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map((item) => `${item}`) : [];
}
