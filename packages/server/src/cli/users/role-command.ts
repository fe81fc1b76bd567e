import type { CommandModule } from 'yargs';
import { quoted } from '../../log/index.ts';
import { printLine } from '../ask-broker.ts';
import { addConfigOptions } from '../options.ts';
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

/** Short words for what mosquitto calls types; its own are taken, too. */
const ACTIONS: ReadonlyMap<string, string> = new Map([
  ['publish', 'publishClientSend'],
  ['receive', 'publishClientReceive'],
  ['subscribe', 'subscribePattern'],
  ['subscribe-literal', 'subscribeLiteral'],
  ['unsubscribe', 'unsubscribePattern'],
  ['unsubscribe-literal', 'unsubscribeLiteral'],
]);

const ROLE = { role: 'name of a role' };
const ENTRY = {
  ...ROLE,
  action: [...ACTIONS.keys()].join(', '),
  filter: 'topic filter; %u is the user name, %c the client identifier, each as a whole level',
};

/** `promptmq role …`: exit code 3 when no broker runs. */
export const roleCommand: CommandModule = {
  command: 'role',
  describe:
    'list and change roles of the running broker: what users and groups may do (auth.chain: dynamic-security)',
  builder: (args) =>
    args
      .command(list)
      .command(show)
      .command(add)
      .command(remove)
      .command(allow)
      .command(deny)
      .command(forget)
      .command(defaults)
      .demandCommand(1),
  handler: () => {},
};

const list: CommandModule = {
  command: 'list',
  describe: 'a line for each role',
  builder: (args) => addConfigOptions(withJson(args)),
  handler: (args) => printNames(args, 'listRoles', 'roles'),
};

interface ShownRole {
  readonly rolename: string;
  readonly allowwildcardsubs: boolean;
  readonly acls: readonly {
    readonly acltype: string;
    readonly topic: string;
    readonly priority: number;
    readonly allow: boolean;
  }[];
}

const show: CommandModule = {
  command: 'show <role>',
  describe: 'what a role allows and denies, in the order in which it is asked',
  builder: (args) => withNames(withJson(args), ROLE),
  handler: async (args) => {
    const command = { command: 'getRole', rolename: `${args['role']}` };
    const role = await askForUser<ShownRole>(args, 'role', command);
    if (role === null) return;
    if (args['json']) {
      await printLine(JSON.stringify(role));
      return;
    }
    await printLine(quoted(role.rolename));
    if (!role.allowwildcardsubs) await printLine('  deny subscriptions with wildcards');
    for (const { acltype, topic, priority, allow: isAllowed } of role.acls) {
      const its = priority === 0 ? '' : ` (priority ${priority})`;
      await printLine(`  ${isAllowed ? 'allow' : 'deny'} ${acltype} ${quoted(topic)}${its}`);
    }
  },
};

const add: CommandModule = {
  command: 'add <role>',
  describe: 'add a role, which allows nothing yet',
  builder: (args) =>
    withNames(
      args.option('literal-only', {
        describe: 'whoever has it may not subscribe with wildcards',
        boolean: true,
        default: false,
      }),
      ROLE,
    ),
  handler: async (args) => {
    const rolename = `${args['role']}`;
    await changeUsers(args, `added role ${quoted(rolename)}`, {
      command: 'createRole',
      rolename,
      allowwildcardsubs: args['literal-only'] !== true,
    });
  },
};

const remove: CommandModule = {
  command: 'remove <role>',
  describe: 'take a role from everybody, and out',
  builder: (args) => withNames(args, ROLE),
  handler: async (args) => {
    const rolename = `${args['role']}`;
    const command = 'deleteRole';
    await changeUsers(args, `removed role ${quoted(rolename)}`, { command, rolename });
  },
};

const allow: CommandModule = {
  command: 'allow <role> <action> <filter>',
  describe: 'have a role allow something',
  builder: (args) =>
    withNames(withPriority(args, 'entries with a higher one are asked first; 0 by default'), ENTRY),
  handler: (args) => addEntry(args, true),
};

const deny: CommandModule = {
  command: 'deny <role> <action> <filter>',
  describe: 'have a role deny something',
  builder: (args) =>
    withNames(withPriority(args, 'entries with a higher one are asked first; 0 by default'), ENTRY),
  handler: (args) => addEntry(args, false),
};

async function addEntry(
  args: Readonly<Record<string, unknown>>,
  isAllowed: boolean,
): Promise<void> {
  const [rolename, action, topic] = entryOf(args);
  const done = `role ${quoted(rolename)} ${isAllowed ? 'allows' : 'denies'} ${action} ${quoted(topic)}`;
  await changeUsers(args, done, {
    command: 'addRoleACL',
    rolename,
    acltype: ACTIONS.get(action) ?? action,
    topic,
    allow: isAllowed,
    ...priorityOf(args),
  });
}

const forget: CommandModule = {
  command: 'forget <role> <action> <filter>',
  describe: 'have a role neither allow nor deny something any more',
  builder: (args) => withNames(args, ENTRY),
  handler: async (args) => {
    const [rolename, action, topic] = entryOf(args);
    const acltype = ACTIONS.get(action) ?? action;
    const done = `role ${quoted(rolename)} says nothing of ${action} ${quoted(topic)} any more`;
    await changeUsers(args, done, { command: 'removeRoleACL', rolename, acltype, topic });
  },
};

function entryOf(args: Readonly<Record<string, unknown>>): [string, string, string] {
  return [`${args['role']}`, `${args['action']}`, `${args['filter']}`];
}

const DEFAULTS = ['publish', 'receive', 'subscribe', 'unsubscribe'] as const;

const defaults: CommandModule = {
  command: 'defaults',
  describe: 'what holds where no role says anything; with options, from now on',
  builder: (args) =>
    addConfigOptions(
      DEFAULTS.reduce(
        (all, action) =>
          all.option(action, {
            describe: `whether ${action} is allowed`,
            choices: ['allow', 'deny'],
            requiresArg: true,
          }),
        args,
      ),
    ),
  handler: async (args) => {
    const acls = DEFAULTS.filter((action) => args[action] !== undefined).map((action) => ({
      acltype: action.endsWith('subscribe') ? action : ACTIONS.get(action),
      allow: args[action] === 'allow',
    }));
    const changes = acls.length === 0 ? [] : [{ command: 'setDefaultACLAccess', acls }];
    const answers = await askUsers(args, [...changes, { command: 'getDefaultACLAccess' }]);
    const shown = (answers?.at(-1)?.data?.['acls'] ?? []) as { acltype: string; allow: boolean }[];
    for (const [index, { allow: isAllowed }] of shown.entries()) {
      await printLine(`${DEFAULTS[index]} ${isAllowed ? 'allow' : 'deny'}`);
    }
  },
};
