import type { Argv, CommandModule } from 'yargs';
import {
  type ApiKey,
  adminSocketOf,
  keyFileOf,
  makeApiKey,
  readKeyFile,
  whyNoKeyName,
  writeKeyFile,
} from '../admin/index.ts';
import { ADMIN_SCOPES, parseDuration } from '../config/index.ts';
import { quoted } from '../log/index.ts';
import { askSocket, printLine } from './ask-broker.ts';
import { addConfigOptions, loadFromProcess } from './options.ts';

type Args = Readonly<Record<string, unknown>>;
type Scope = (typeof ADMIN_SCOPES)[number];

/** `promptmq admin key …`: works on the file of the keys, whether a broker runs or not. */
export const adminCommand: CommandModule = {
  command: 'admin',
  describe: 'make, list and take back the keys of the admin API and the console',
  builder: (args) => args.command(key).demandCommand(1),
  handler: () => {},
};

const key: CommandModule = {
  command: 'key',
  describe: 'the keys of admin.key-file; a broker that runs notices at once',
  builder: (args) =>
    args
      .command(create)
      .command(list)
      .command(remove)
      .command(switched('enable', true))
      .command(switched('disable', false))
      .demandCommand(1),
  handler: () => {},
};

const create: CommandModule = {
  command: 'create <name>',
  describe: 'make a key; its secret is shown once, and kept nowhere',
  builder: (args) =>
    withName(args)
      .option('scope', {
        describe: `what it may do, with commas between: ${ADMIN_SCOPES.join(', ')}`,
        type: 'string',
        default: 'read',
        requiresArg: true,
      })
      .option('expires', {
        describe: 'how long it is good for, such as 12h or 90d; until it is deleted by default',
        type: 'string',
        requiresArg: true,
      })
      .option('json', { describe: 'as a JSON object', boolean: true, default: false }),
  handler: async (args) => {
    const name = `${args['name']}`;
    const why = whyNoKeyName(name);
    if (why !== null) throw new Error(`${quoted(name)}: ${why}`);
    const { key: made, secret } = makeApiKey(
      name,
      scopesOf(`${args['scope']}`),
      Date.now(),
      args['expires'] === undefined ? null : lastsOf(`${args['expires']}`),
    );
    await change(args, (keys) => {
      if (keys.some((other) => other.name === name)) {
        throw new Error(`there is a key ${quoted(name)} already; delete it, or take another name`);
      }
      return [...keys, made];
    });
    if (args['json']) {
      const { sha256: _, ...shown } = made;
      await printLine(JSON.stringify({ ...shown, secret }));
      return;
    }
    await printLine(`${made.key}:${secret}`);
    say(
      `key ${quoted(name)} for ${made.scopes.join(', ')}: what is above is KEY:SECRET, and is not shown again`,
    );
  },
};

const list: CommandModule = {
  command: 'list',
  describe: 'a line for each key',
  builder: (args) =>
    addConfigOptions(
      args.option('json', { describe: 'one JSON object a line', boolean: true, default: false }),
    ),
  handler: async (args) => {
    for (const one of readKeyFile(fileOf(args))) {
      const { sha256: _, ...shown } = one;
      await printLine(args['json'] ? JSON.stringify(shown) : keyText(one));
    }
  },
};

const remove: CommandModule = {
  command: 'delete <name>',
  describe: 'take a key back for good; who is logged in with it is logged out',
  builder: (args) => withName(args),
  handler: async (args) => {
    const name = `${args['name']}`;
    await change(args, (keys) => {
      find(keys, name);
      return keys.filter((one) => one.name !== name);
    });
    say(`key ${quoted(name)} was deleted`);
  },
};

function switched(command: 'enable' | 'disable', enabled: boolean): CommandModule {
  return {
    command: `${command} <name>`,
    describe: enabled ? 'let a key be used again' : 'refuse a key until it is enabled again',
    builder: (args) => withName(args),
    handler: async (args) => {
      const name = `${args['name']}`;
      await change(args, (keys) => {
        find(keys, name);
        return keys.map((one) => (one.name === name ? { ...one, enabled } : one));
      });
      say(`key ${quoted(name)} was ${command}d`);
    },
  };
}

function withName<T>(args: Argv<T>): Argv<T> {
  return addConfigOptions(
    args.positional('name', { describe: 'what the key is called', type: 'string' }),
  ) as Argv<T>;
}

/** @throws {Error} when there is no such key */
function find(keys: readonly ApiKey[], name: string): void {
  if (!keys.some((one) => one.name === name)) throw new Error(`there is no key ${quoted(name)}`);
}

/** Changes the file, and tells the broker if one runs. */
async function change(
  args: Args,
  changed: (keys: readonly ApiKey[]) => readonly ApiKey[],
): Promise<void> {
  const path = fileOf(args);
  writeKeyFile(path, changed(readKeyFile(path)));
  const socket = adminSocketOf(loadFromProcess(args).config);
  if (socket === null) return;
  try {
    await askSocket(socket, (admin) => admin.POST('/api_key/reload'));
  } catch (error) {
    say(
      `the broker that runs could not be told, and notices by itself: ${(error as Error).message}`,
    );
  }
}

/** @throws {Error} when there is no file for keys */
function fileOf(args: Args): string {
  const path = keyFileOf(loadFromProcess(args).config);
  if (path !== null) return path;
  throw new Error('there is no file for keys: admin.key-file is none, or auto without storage');
}

function scopesOf(text: string): Scope[] {
  const given = text.split(',').map((one) => one.trim());
  const unknown = given.find((one) => !ADMIN_SCOPES.includes(one as Scope));
  if (unknown === undefined) return given as Scope[];
  throw new Error(`${quoted(unknown)} is no scope; there are ${ADMIN_SCOPES.join(', ')}`);
}

function lastsOf(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds !== null && milliseconds >= 1000) return milliseconds;
  throw new Error(`--expires takes a duration such as 12h or 90d, not ${quoted(text)}`);
}

/** `NAME KEY scopes=… created=… expires=… disabled` */
function keyText({ name, key: id, scopes, created, expires, enabled }: ApiKey): string {
  const isExpired = expires !== null && Date.parse(expires) <= Date.now();
  return [
    name,
    id,
    `scopes=${scopes.join(',')}`,
    `created=${created}`,
    ...(expires === null ? [] : [`${isExpired ? 'expired' : 'expires'}=${expires}`]),
    ...(enabled ? [] : ['disabled']),
  ].join(' ');
}

/** What was done; standard output is for what scripts take. */
function say(line: string): void {
  process.stderr.write(`promptmq: ${line}\n`);
}
