import { type AclAction, type Decision, type Identity, networkFault } from '@promptmq/auth';
import { isValidTopicFilter } from '@promptmq/topics';
import type { Argv, CommandModule } from 'yargs';
import { permissionsByFile } from '../access/index.ts';
import { type Config, chainsOf } from '../config/index.ts';
import { quoted } from '../log/index.ts';
import { isReserved } from '../routing/reserved-topics.ts';
import { dataOf, printLine, withBroker } from './ask-broker.ts';
import { addConfigOptions, loadFromProcess } from './options.ts';
import { UsageError } from './usage.ts';

const ACTIONS: readonly AclAction[] = ['publish', 'subscribe', 'receive', 'unsubscribe'];

/** What a client may do is denied. */
const EXIT_DENIED = 1;

/** `promptmq acl test`: asks the rules. */
export const aclCommand: CommandModule = {
  command: 'acl',
  describe: 'try the rules on who may publish and subscribe to what',
  builder: (args) => args.command(test).demandCommand(1),
  handler: () => {},
};

const test: CommandModule = {
  command: 'test <user> <client> <action> <topic>',
  describe:
    'what auth.acl-file and auth.acl-default say of a client, and which rule; exit code 1 when it is denied. Without --running no broker has to run',
  builder: (args) =>
    addConfigOptions(
      addIdentityOptions(
        args
          .positional('user', {
            describe: 'user name that was proved; - for a client without one',
            type: 'string',
          })
          .positional('client', { describe: 'client identifier', type: 'string' })
          .positional('action', {
            describe: 'publish, subscribe, receive (what a subscription brings) or unsubscribe',
            type: 'string',
          })
          .option('running', {
            describe:
              'ask the running broker: by the rules that it has read, and those of its connection where the client is connected as that user; exit code 3 when none runs',
            boolean: true,
            default: false,
          })
          .positional('topic', {
            describe: 'topic name; for subscribe and unsubscribe a topic filter',
            type: 'string',
          }),
      ),
    )
      .example(
        '$0 acl test alice phone publish a/b --qos 1 --retain',
        'a retained PUBLISH of QoS 1',
      )
      .example('$0 acl test - sensor-7 subscribe "a/#"', 'a client without a user name'),
  handler: async (args) => {
    const action = actionOf(args['action']);
    const topic = topicOf(action, `${args['topic']}`);
    const identity = identityOf(args);
    if (args['running'] === true) {
      await testRunning(args, identity, action, topic);
      return;
    }
    const { config } = loadFromProcess(args);
    noteRolesElsewhere(config);
    const permissions = permissionsByFile(config.auth, identity);
    const qos = qosOf(args['qos']);
    const isReservedTopic = action === 'publish' && isReserved(Buffer.from(topic));
    const decision: Decision = isReservedTopic
      ? { isAllowed: false, rule: 'topics below $SYS are the broker’s' }
      : (permissions?.decide(action, topic, qos, args['retain'] === true) ?? {
          isAllowed: true,
          rule: null,
        });
    // What is granted may be less than it matches.
    const isFiltered =
      action === 'subscribe' &&
      permissions?.maySubscribe(topic, qos) === true &&
      permissions.filtersDelivery;
    if (!decision.isAllowed) process.exitCode = EXIT_DENIED;
    await printLine(
      args['json'] === true
        ? JSON.stringify(shown(decision, isFiltered))
        : sentence(decision, isFiltered, permissions === null),
    );
  },
};

/**
 * Roles of `dynamic-security` are in the broker's log: what the file says is not all.
 *
 * @throws {UsageError} when there is no file, so that there is nothing to say
 */
function noteRolesElsewhere(config: Config): void {
  const chain = chainsOf(config).find(({ items }) =>
    items.some(({ dynamicSecurity }) => dynamicSecurity !== undefined),
  );
  if (chain === undefined) return;
  const where = `${chain.key} has dynamic-security, whose roles only the running broker knows`;
  if (config.auth.aclFile === null) throw new UsageError(`${where}: ask it with --running`);
  process.stderr.write(
    `promptmq: ${where}: this is what auth.acl-file says; --running asks both\n`,
  );
}

/** Asks the running broker in the place of the file. */
async function testRunning(
  args: Readonly<Record<string, unknown>>,
  { userName, clientId, address, groups, roles }: Identity,
  action: AclAction,
  topic: string,
): Promise<void> {
  if (args['attribute'] !== undefined) {
    throw new UsageError(
      '--attribute is for rules of the file: a running broker knows its clients',
    );
  }
  const body = {
    username: userName,
    clientid: clientId,
    action,
    topic,
    qos: qosOf(args['qos']),
    retain: args['retain'] === true,
    groups: [...(groups ?? [])],
    roles: [...(roles ?? [])],
    ...(address === null ? {} : { ip_address: address }),
  };
  const answer = await withBroker(args, (admin) => dataOf(admin.POST('/acl/test', { body })));
  if (answer === null) return;
  const { allowed, rule, filtered, of } = answer;
  if (!allowed) process.exitCode = EXIT_DENIED;
  const said = sentence({ isAllowed: allowed, rule }, filtered, false);
  await printLine(
    args['json'] === true
      ? JSON.stringify(answer)
      : `${said}${of === 'connection' ? '; as of its connection' : ''}`,
  );
}

/** What the API answers to the same question. */
function shown({ isAllowed, rule }: Decision, isFiltered: boolean): object {
  return { allowed: isAllowed, result: isAllowed ? 'allow' : 'deny', rule, filtered: isFiltered };
}

function sentence({ isAllowed, rule }: Decision, isFiltered: boolean, isOpen: boolean): string {
  const why = rule ?? (isOpen ? 'there are no rules' : 'no rule matches (auth.acl-default)');
  const more = isFiltered ? '; what it brings is filtered, as rules deny a part' : '';
  return `${isAllowed ? 'allowed' : 'denied'}: ${why}${more}`;
}

/** What a client is beside its names. */
export function addIdentityOptions<T>(args: Argv<T>): Argv<T> {
  return args
    .option('qos', { describe: 'QoS: 0 (by default), 1 or 2', type: 'string', requiresArg: true })
    .option('retain', { describe: 'a retained message', boolean: true, default: false })
    .option('address', {
      describe: 'address of the client; without it, rules for addresses do not allow',
      type: 'string',
      requiresArg: true,
    })
    .option('group', {
      describe: 'a group that authentication says it is in; several times for several',
      array: true,
      type: 'string',
      requiresArg: true,
    })
    .option('role', {
      describe: 'a role that authentication says it has; several times for several',
      array: true,
      type: 'string',
      requiresArg: true,
    })
    .option('attribute', {
      describe: 'NAME=VALUE, as authentication says of it; several times for several',
      array: true,
      type: 'string',
      requiresArg: true,
    })
    .option('json', { describe: 'one JSON document', boolean: true, default: false });
}

function identityOf(args: Readonly<Record<string, unknown>>): Identity {
  const address = args['address'] as string | undefined;
  if (address !== undefined && (networkFault(address) !== null || address.includes('/'))) {
    throw new UsageError(`--address takes an address, not ${quoted(address)}`);
  }
  const attributes = ((args['attribute'] ?? []) as string[]).map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`--attribute takes NAME=VALUE, not ${quoted(text)}`);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return {
    // The parser makes an empty text of a dash.
    userName: args['user'] === '-' || args['user'] === '' ? null : `${args['user']}`,
    clientId: `${args['client']}`,
    address: address ?? null,
    groups: (args['group'] ?? []) as string[],
    roles: (args['role'] ?? []) as string[],
    attributes: Object.fromEntries(attributes),
  };
}

function actionOf(value: unknown): AclAction {
  const action = ACTIONS.find((name) => name === value);
  if (action !== undefined) return action;
  throw new UsageError(`an action is ${ACTIONS.join(', ')}, not ${quoted(`${value}`)}`);
}

/** @throws {UsageError} when it is no topic name, or no topic filter, whichever the action has */
function topicOf(action: AclAction, topic: string): string {
  if (!isValidTopicFilter(topic)) throw new UsageError(`${quoted(topic)} is no topic filter`);
  const isName = action === 'publish' || action === 'receive';
  if (isName && /[+#]/.test(topic)) {
    throw new UsageError(`${quoted(topic)} is no topic name: it has wildcards in it`);
  }
  return topic;
}

/** As `--qos` has it. */
export function qosOf(value: unknown): 0 | 1 | 2 {
  if (value === undefined) return 0;
  if (value === '0' || value === '1' || value === '2') return Number(value) as 0 | 1 | 2;
  throw new UsageError(`--qos takes 0, 1 or 2, not ${quoted(`${value}`)}`);
}
