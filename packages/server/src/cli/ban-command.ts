import type { Ban, BanKind } from '@promptmq/auth';
import type { Argv, CommandModule } from 'yargs';
import { parseDuration } from '../config/index.ts';
import { fieldsText, quoted } from '../log/index.ts';
import { askBroker, printLine } from './ask-broker.ts';
import { addConfigOptions } from './options.ts';

/** `promptmq ban list|add|remove`: exit code 3 when no broker runs. */
export const banCommand: CommandModule = {
  command: 'ban',
  describe: 'list, add and remove bans of the running broker, by client, user, address or network',
  builder: (args) => args.command(list).command(add).command(remove).demandCommand(1),
  handler: () => {},
};

const list: CommandModule = {
  command: 'list',
  describe: 'a line for each ban that holds, the oldest first',
  builder: (args) =>
    addConfigOptions(
      args.option('json', { describe: 'one JSON object a line', boolean: true, default: false }),
    ),
  handler: async (args) => {
    const answer = (await askBroker(args, 'GET', '/bans/list', {})) as { bans: Ban[] } | null;
    for (const ban of answer?.bans ?? []) {
      await printLine(args['json'] ? JSON.stringify(ban) : banText(ban));
    }
  },
};

const add: CommandModule = {
  command: 'add',
  describe: 'ban somebody: who is connected is disconnected, and who connects refused',
  builder: (args) =>
    addConfigOptions(
      addWhoOptions(args)
        .option('for', {
          describe: 'how long, such as 5m, 2h or 7d; until it is removed by default',
          type: 'string',
          requiresArg: true,
        })
        .option('reason', {
          describe: 'why; an MQTT 5 client that is disconnected gets to know it',
          type: 'string',
          requiresArg: true,
        }),
    ),
  handler: async (args) => {
    const { kind, who } = whoOf(args);
    const ban = (await askBroker(args, 'POST', '/bans/add', {
      kind,
      who,
      reason: args['reason'] as string | undefined,
      seconds: args['for'] === undefined ? undefined : secondsOf(`${args['for']}`),
    })) as Ban | null;
    if (ban !== null) await printLine(`banned ${banText(ban)}`);
  },
};

const remove: CommandModule = {
  command: 'remove',
  describe: 'take a ban back; exit code 1 when there is none',
  builder: (args) => addConfigOptions(addWhoOptions(args)),
  handler: async (args) => {
    const { kind, who } = whoOf(args);
    const answer = (await askBroker(args, 'POST', '/bans/remove', { kind, who })) as {
      isDone: boolean;
    } | null;
    if (answer === null) return;
    if (!answer.isDone) throw new Error(`there is no ban on ${kind} ${quoted(who)}`);
    await printLine(`removed the ban on ${kind} ${quoted(who)}`);
  },
};

function addWhoOptions<T>(args: Argv<T>): Argv<T> {
  const who = { type: 'string', requiresArg: true } as const;
  return args
    .option('client', {
      describe: 'client identifier, exact or with * at the end for all that begin so',
      ...who,
    })
    .option('user', { describe: 'user name, exact or with * at the end', ...who })
    .option('address', {
      describe: 'IP address, or a network such as 192.0.2.0/24 or 2001:db8::/32',
      ...who,
    });
}

function whoOf(args: Readonly<Record<string, unknown>>): { kind: BanKind; who: string } {
  const given = (['client', 'user', 'address'] as const).filter((kind) => args[kind] !== undefined);
  const [kind] = given;
  if (kind === undefined || given.length > 1 || Array.isArray(args[kind])) {
    throw new Error('give one of --client, --user and --address');
  }
  return { kind, who: `${args[kind]}` };
}

function secondsOf(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === null || milliseconds < 1000) {
    throw new Error(`--for takes a duration such as 5m, 2h or 7d, not ${quoted(text)}`);
  }
  return Math.round(milliseconds / 1000);
}

/** `client "a" since=… until=… reason="…" by=operator` */
function banText({ kind, who, at, until, reason, by }: Ban): string {
  return [
    kind,
    quoted(who),
    `since=${new Date(at).toISOString()}`,
    ...(until === null ? [] : [`until=${new Date(until).toISOString()}`]),
    ...fieldsText({ ...(reason === '' ? {} : { reason }), by }),
  ].join(' ');
}
