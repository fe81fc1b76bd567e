import type { operations } from '@promptmq/admin/types';
import type { Ban, BanKind } from '@promptmq/auth';
import type { Argv, CommandModule } from 'yargs';
import { parseDuration } from '../config/index.ts';
import { fieldsText, quoted } from '../log/index.ts';
import { dataOf, isFound, printLine, withBroker } from './ask-broker.ts';
import { addConfigOptions } from './options.ts';

/** A ban as the API has it. */
type Banned = operations['createBanned']['responses'][200]['content']['application/json'];

const TYPES = { client: 'clientid', user: 'username', address: 'peerhost' } as const;

/** Who bans, as the command says it. */
const BY = 'operator';

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
    await withBroker(args, async (admin) => {
      for (let page = 1, hasNext = true; hasNext; page++) {
        const params = { query: { page, limit: 1000 } };
        const { data, meta } = await dataOf(admin.GET('/banned', { params }));
        for (const ban of data.map(banOf)) {
          await printLine(args['json'] ? JSON.stringify(ban) : banText(ban));
        }
        hasNext = meta.hasnext;
      }
    });
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
    const seconds = args['for'] === undefined ? null : secondsOf(`${args['for']}`);
    const until = seconds === null ? 'infinity' : Math.round(Date.now() / 1000) + seconds;
    const reason = (args['reason'] as string | undefined) ?? '';
    await withBroker(args, async (admin) => {
      const body = { as: TYPES[kind], who, by: BY, reason, until };
      const ban = await dataOf(admin.POST('/banned', { body }));
      await printLine(`banned ${banText(banOf(ban))}`);
    });
  },
};

const remove: CommandModule = {
  command: 'remove',
  describe: 'take a ban back; exit code 1 when there is none',
  builder: (args) => addConfigOptions(addWhoOptions(args)),
  handler: async (args) => {
    const { kind, who } = whoOf(args);
    await withBroker(args, async (admin) => {
      const params = { path: { as: TYPES[kind], who } };
      const isDone = await isFound(admin.DELETE('/banned/{as}/{who}', { params }));
      if (!isDone) throw new Error(`there is no ban on ${kind} ${quoted(who)}`);
      await printLine(`removed the ban on ${kind} ${quoted(who)}`);
    });
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

function banOf({ as, who, by, reason, at, until }: Banned): Ban {
  const isPattern = as.endsWith('_re');
  return {
    kind: as.startsWith('clientid') ? 'client' : as.startsWith('username') ? 'user' : 'address',
    // Of regular expressions there are those of a beginning only.
    who: isPattern ? `${who.slice(1).replaceAll(/\\(.)/gu, '$1')}*` : who,
    by,
    reason,
    at: Date.parse(at),
    until: until === 'infinity' ? null : Date.parse(until),
  };
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
