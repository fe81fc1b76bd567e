import type { CommandModule } from 'yargs';
import { quoted } from '../../log/index.ts';
import { printLine } from '../ask-broker.ts';
import { addConfigOptions } from '../options.ts';
import {
  askForUser,
  changeUsers,
  printNames,
  priorityOf,
  withJson,
  withNames,
  withPriority,
} from './ask-users.ts';

const GROUP = { group: 'name of a group' };
const GROUP_AND_USER = { ...GROUP, user: 'user name' };
const GROUP_AND_ROLE = { ...GROUP, role: 'name of a role' };

/** `promptmq group …`: exit code 3 when no broker runs. */
export const groupCommand: CommandModule = {
  command: 'group',
  describe: 'list and change groups of users of the running broker (auth.chain: dynamic-security)',
  builder: (args) =>
    args
      .command(list)
      .command(show)
      .command(add)
      .command(remove)
      .command(join)
      .command(leave)
      .command(grant)
      .command(revoke)
      .command(anonymous)
      .demandCommand(1),
  handler: () => {},
};

const list: CommandModule = {
  command: 'list',
  describe: 'a line for each group',
  builder: (args) => addConfigOptions(withJson(args)),
  handler: (args) => printNames(args, 'listGroups', 'groups'),
};

interface ShownGroup {
  readonly groupname: string;
  readonly roles: readonly { readonly rolename: string; readonly priority?: number }[];
  readonly clients: readonly { readonly username: string }[];
}

const show: CommandModule = {
  command: 'show <group>',
  describe: 'roles and users of a group',
  builder: (args) => withNames(withJson(args), GROUP),
  handler: async (args) => {
    const groupname = `${args['group']}`;
    const command = { command: 'getGroup', groupname };
    const group = await askForUser<ShownGroup>(args, 'group', command);
    if (group === null) return;
    if (args['json']) {
      await printLine(JSON.stringify(group));
      return;
    }
    await printLine(quoted(group.groupname));
    for (const { rolename, priority } of group.roles) {
      const its = priority === undefined ? '' : ` (priority ${priority})`;
      await printLine(`  role ${quoted(rolename)}${its}`);
    }
    for (const { username } of group.clients) await printLine(`  user ${quoted(username)}`);
  },
};

const add: CommandModule = {
  command: 'add <group>',
  describe: 'add a group',
  builder: (args) => withNames(args, GROUP),
  handler: (args) => simple(args, 'createGroup', 'added'),
};

const remove: CommandModule = {
  command: 'remove <group>',
  describe: 'take a group out; its users stay',
  builder: (args) => withNames(args, GROUP),
  handler: (args) => simple(args, 'deleteGroup', 'removed'),
};

async function simple(
  args: Readonly<Record<string, unknown>>,
  command: string,
  done: string,
): Promise<void> {
  const groupname = `${args['group']}`;
  await changeUsers(args, `${done} group ${quoted(groupname)}`, { command, groupname });
}

const join: CommandModule = {
  command: 'join <group> <user>',
  describe: 'put a user into a group',
  builder: (args) =>
    withNames(
      withPriority(args, 'of the groups of the user, those with a higher one are asked first'),
      GROUP_AND_USER,
    ),
  handler: async (args) => {
    const [groupname, username] = [`${args['group']}`, `${args['user']}`];
    const command = 'addGroupClient';
    await changeUsers(args, `user ${quoted(username)} is in group ${quoted(groupname)}`, {
      command,
      groupname,
      username,
      ...priorityOf(args),
    });
  },
};

const leave: CommandModule = {
  command: 'leave <group> <user>',
  describe: 'take a user out of a group',
  builder: (args) => withNames(args, GROUP_AND_USER),
  handler: async (args) => {
    const [groupname, username] = [`${args['group']}`, `${args['user']}`];
    const command = 'removeGroupClient';
    const done = `user ${quoted(username)} is in group ${quoted(groupname)} no more`;
    await changeUsers(args, done, { command, groupname, username });
  },
};

const grant: CommandModule = {
  command: 'grant <group> <role>',
  describe: 'give a group a role',
  builder: (args) =>
    withNames(withPriority(args, 'roles with a higher one are asked first'), GROUP_AND_ROLE),
  handler: async (args) => {
    const [groupname, rolename] = [`${args['group']}`, `${args['role']}`];
    const command = 'addGroupRole';
    const done = `group ${quoted(groupname)} has role ${quoted(rolename)}`;
    await changeUsers(args, done, { command, groupname, rolename, ...priorityOf(args) });
  },
};

const revoke: CommandModule = {
  command: 'revoke <group> <role>',
  describe: 'take a role from a group',
  builder: (args) => withNames(args, GROUP_AND_ROLE),
  handler: async (args) => {
    const [groupname, rolename] = [`${args['group']}`, `${args['role']}`];
    const command = 'removeGroupRole';
    const done = `group ${quoted(groupname)} has role ${quoted(rolename)} no more`;
    await changeUsers(args, done, { command, groupname, rolename });
  },
};

const anonymous: CommandModule = {
  command: 'anonymous [group]',
  describe: 'the group whose roles clients without a user name have; without GROUP, which it is',
  builder: (args) => withNames(args, GROUP),
  handler: async (args) => {
    if (args['group'] !== undefined) {
      const groupname = `${args['group']}`;
      const done = `clients without a user name have the roles of group ${quoted(groupname)}`;
      await changeUsers(args, done, { command: 'setAnonymousGroup', groupname });
      return;
    }
    const command = { command: 'getAnonymousGroup' };
    const group = await askForUser<{ groupname: string }>(args, 'group', command);
    if (group === null) return;
    await printLine(group.groupname === '' ? 'none' : quoted(group.groupname));
  },
};
