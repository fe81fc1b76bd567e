import { configOptions, nearest } from '../config/index.ts';

/** A command was called with a value that it doesn't take. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A command as it is called. */
interface CommandForm {
  /** What follows its name. */
  readonly takes?: string;
  readonly commands?: Readonly<Record<string, CommandForm>>;
  /** Its options, where they are not those of the configuration. */
  readonly options?: readonly string[];
  /** Its options beside those of the configuration. */
  readonly more?: readonly string[];
}

const WAL_OPTIONS = ['index-dir', 'json'];

const NAME = 'NAME, a user name';

const COMMANDS: Readonly<Record<string, CommandForm>> = {
  server: {},
  config: { commands: { check: {}, print: {}, diff: {}, schema: { options: [] } } },
  passwd: { takes: 'NAME, a user name', options: ['file', 'delete', 'scram', 'insecure-password'] },
  stop: {},
  status: { more: ['top', 'json'] },
  reload: {},
  trace: { takes: 'CLIENT, a client identifier', more: ['json'] },
  user: {
    commands: {
      list: { more: ['json'] },
      show: { takes: NAME, more: ['json'] },
      add: { takes: NAME, more: ['role', 'group', 'client-id', 'admin', 'without-password'] },
      password: { takes: NAME },
      remove: { takes: NAME },
      enable: { takes: NAME },
      disable: { takes: NAME },
      'client-id': { takes: NAME },
      grant: { takes: 'NAME ROLE, a user and a role', more: ['priority'] },
      revoke: { takes: 'NAME ROLE, a user and a role' },
      import: { takes: 'FILE, as mosquitto_ctrl dynsec init makes it' },
      export: {},
    },
  },
  group: {
    commands: {
      list: { more: ['json'] },
      show: { takes: 'GROUP, a name', more: ['json'] },
      add: { takes: 'GROUP, a name' },
      remove: { takes: 'GROUP, a name' },
      join: { takes: 'GROUP USER, a group and a user', more: ['priority'] },
      leave: { takes: 'GROUP USER, a group and a user' },
      grant: { takes: 'GROUP ROLE, a group and a role', more: ['priority'] },
      revoke: { takes: 'GROUP ROLE, a group and a role' },
      anonymous: {},
    },
  },
  role: {
    commands: {
      list: { more: ['json'] },
      show: { takes: 'ROLE, a name', more: ['json'] },
      add: { takes: 'ROLE, a name', more: ['literal-only'] },
      remove: { takes: 'ROLE, a name' },
      allow: { takes: 'ROLE ACTION FILTER, such as sensors publish a/#', more: ['priority'] },
      deny: { takes: 'ROLE ACTION FILTER, such as sensors publish a/#', more: ['priority'] },
      forget: { takes: 'ROLE ACTION FILTER, as it was allowed or denied' },
      defaults: { more: ['publish', 'receive', 'subscribe', 'unsubscribe'] },
    },
  },
  ban: {
    commands: {
      list: { more: ['json'] },
      add: { more: ['client', 'user', 'address', 'for', 'reason'] },
      remove: { more: ['client', 'user', 'address'] },
    },
  },
  admin: {
    commands: {
      key: {
        commands: {
          create: { takes: 'NAME, what the key is called', more: ['scope', 'expires', 'json'] },
          list: { more: ['json'] },
          delete: { takes: 'NAME, of a key' },
          enable: { takes: 'NAME, of a key' },
          disable: { takes: 'NAME, of a key' },
        },
      },
    },
  },
  acl: {
    commands: {
      test: {
        takes: 'USER CLIENT ACTION TOPIC, such as alice phone publish a/b',
        more: ['qos', 'retain', 'address', 'group', 'role', 'attribute', 'running', 'json'],
      },
    },
  },
  explain: {
    commands: {
      publish: { takes: 'TOPIC, a topic name', more: ['qos', 'retain', 'from', 'json'] },
    },
  },
  why: { more: ['client', 'topic', 'at', 'since', 'json'] },
  clients: {
    commands: {
      list: { more: ['like', 'user', 'limit', 'json'] },
      show: { takes: 'CLIENT, a client identifier', more: ['json'] },
      disconnect: {
        takes: 'CLIENT, a client identifier',
        more: ['reason-code', 'drop-session', 'prevent-will'],
      },
    },
  },
  retained: {
    commands: {
      list: { takes: 'FILTER, a topic filter', more: ['limit', 'json'] },
      show: { takes: 'TOPIC, a topic name', more: ['json'] },
      clear: { takes: 'FILTER, a topic filter' },
    },
  },
  wal: {
    commands: {
      verify: { takes: 'DIR, the folder of the log (storage.wal-dir)', options: WAL_OPTIONS },
      stat: { takes: 'DIR, the folder of the log (storage.wal-dir)', options: WAL_OPTIONS },
      dump: {
        takes: 'DIR, the folder of the log (storage.wal-dir)',
        options: [...WAL_OPTIONS, 'from', 'limit', 'stream', 'data'],
      },
      backup: {
        takes: 'DIR TARGET, the folder of the log (storage.wal-dir) and that of the copy',
        options: WAL_OPTIONS,
      },
      repair: { takes: 'DIR, the folder of the log (storage.wal-dir)', options: WAL_OPTIONS },
      compact: {
        takes: 'DIR, the folder of the log (storage.wal-dir)',
        options: ['data-dir', 'max-size', 'max-age', 'json'],
      },
    },
  },
  cluster: {
    commands: {
      status: { more: ['json'] },
      cells: { more: ['json'] },
      nodes: { more: ['json'] },
      move: { takes: 'CELL NODE, the number of a cell and a node', more: ['wait'] },
      drain: { more: ['wait', 'cancel'] },
      forget: { takes: 'CELL or NODE, the number of a cell or a node', more: ['node'] },
      verify: { more: ['json'] },
      export: { takes: 'CELL DIR, the number of a cell and the folder of its log', more: ['json'] },
      repair: { takes: 'CELL, the number of a cell', more: ['from', 'json'] },
      import: { takes: 'DIR, storage.wal-dir of a broker', more: ['work-dir', 'json'] },
    },
  },
  bench: {},
  'test-server': {
    options: [
      ...['port', 'ws-port', 'control', 'ready-file'],
      ...['clock', 'seed', 'storage', 'options'],
    ],
  },
  completion: { takes: 'bash or zsh' },
};

/** What people call commands elsewhere. */
const OTHER_COMMANDS: Readonly<Record<string, string>> = {
  start: 'server',
  run: 'server',
  serve: 'server',
  broker: 'server',
  restart: 'reload',
  ps: 'status',
  password: 'passwd',
  log: 'wal',
  help: '--help',
  version: '--version',
};

/** What people call options elsewhere, with what does it here; PORT and VALUE are what was given. */
const OTHER_OPTIONS: Readonly<Record<string, string>> = {
  p: '--bind :PORT',
  port: '--bind :PORT',
  host: '--bind VALUE:1883',
  hostname: '--bind VALUE:1883',
  listen: '--bind VALUE',
  address: '--bind VALUE',
  listener: '--bind :PORT',
  'ws-port': '--ws-bind :PORT',
  'websocket-port': '--ws-bind :PORT',
  'tls-port': '--tls-bind :PORT',
  'metrics-port': '--metrics-bind :PORT',
  c: '--config VALUE',
  f: '--config VALUE',
  d: '--daemon',
  v: '--log-level debug, or --version',
  V: '--version',
  verbose: '--log-level debug',
  debug: '--log-level debug',
  quiet: '--log-level warn',
  q: '--log-level warn',
  u: '--password-file FILE, which promptmq passwd NAME makes lines of',
  P: '--password-file FILE, which promptmq passwd NAME makes lines of',
  user: '--password-file FILE, which promptmq passwd NAME makes lines of',
  username: '--password-file FILE, which promptmq passwd NAME makes lines of',
  password: '--password-file FILE, which promptmq passwd NAME makes lines of',
};

/** Where all is said that can be said. */
const HELP = '--help lists all options';

/**
 * What is wrong with the command that is called, and what to type; null when it is one.
 *
 * @param args - what follows the program's name
 */
export function commandMisuse(args: readonly string[]): string | null {
  const [name, second] = args;
  if (name === undefined || name.startsWith('-')) return null;
  const form = COMMANDS[name];
  if (form === undefined || !Object.hasOwn(COMMANDS, name))
    return unknownCommand('', name, COMMANDS);
  const isHelp = args.includes('--help') || args.includes('-h');
  if (isHelp) return null;
  if (name === 'completion' && second !== undefined && second !== 'bash' && second !== 'zsh') {
    return `completion is there for bash and zsh: promptmq completion bash`;
  }
  return innerMisuse(name, form, args.slice(1));
}

/** @param args - what follows the command's name */
function innerMisuse(called: string, form: CommandForm, args: readonly string[]): string | null {
  if (form.commands === undefined) return null;
  const [word] = args;
  const names = Object.keys(form.commands);
  if (word === undefined || word.startsWith('-')) {
    const list = `one of ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
    return `${called} needs ${names.length === 1 ? names[0] : list}, such as promptmq ${called} ${example(form.commands)}`;
  }
  const inner = Object.hasOwn(form.commands, word) ? form.commands[word] : undefined;
  return inner === undefined
    ? unknownCommand(`${called} `, word, form.commands)
    : innerMisuse(`${called} ${word}`, inner, args.slice(1));
}

function example(commands: Readonly<Record<string, CommandForm>>): string {
  const [name, { takes, commands: inner }] = Object.entries(commands)[0] as [string, CommandForm];
  if (inner !== undefined) return `${name} ${example(inner)}`;
  return takes === undefined ? name : `${name} ${placeholderOf(takes)}`;
}

function placeholderOf(takes: string): string {
  return takes.split(',', 1)[0] as string;
}

function unknownCommand(
  prefix: string,
  name: string,
  commands: Readonly<Record<string, CommandForm>>,
): string {
  const names = Object.keys(commands);
  if (prefix === '' && /\.(ya?ml|json|conf)$/.test(name)) {
    return `unknown command ${name}; a configuration file is named by --config: promptmq --config ${name}`;
  }
  const others = prefix === '' ? OTHER_COMMANDS : {};
  const near = Object.hasOwn(others, name)
    ? name
    : nearest(name, [...names, ...Object.keys(others)]);
  const suggestion = near === null ? null : (others[near] ?? near);
  const hint =
    suggestion === null
      ? `; there are ${names.join(', ')}`
      : `; did you mean promptmq ${prefix}${suggestion}?`;
  return `unknown command ${prefix}${name}${hint}`;
}

/**
 * What the parser says of a wrong call, in one line that says what to type.
 *
 * @param args - what follows the program's name
 */
export function usageError(message: string, args: readonly string[]): string {
  const line = message.replace(/\s*\n\s*/g, ' ');
  const called = calledCommand(args);
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(line)?.[1];
  if (unknown !== undefined) return unknownArgument(unknown, args, called);
  const unvalued = /^Not enough arguments following: (\S+)/.exec(line)?.[1];
  if (unvalued !== undefined) return `${dashed(unvalued)} needs a value: ${dashed(unvalued)} VALUE`;
  const missing = /^Missing required arguments?: (\S+)/.exec(line)?.[1];
  if (missing !== undefined) return `${called.name} needs --${missing} VALUE (${HELP})`;
  if (line.startsWith('Not enough non-option arguments') && called.form.takes !== undefined) {
    const { takes } = called.form;
    return `${called.name} needs ${takes}: promptmq ${called.name} ${placeholderOf(takes)}`;
  }
  const choice = /Argument: (\S+), Given: (.+), Choices: (.+)$/.exec(line);
  if (choice !== null) return `--${choice[1]}: ${choice[2]} is not allowed; it takes ${choice[3]}`;
  return `${line} (${HELP})`;
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

function calledCommand(args: readonly string[]): { name: string; form: CommandForm } {
  let name = args[0] ?? '';
  let form = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (form === undefined) return { name: 'server', form: {} };
  for (const word of args.slice(1)) {
    const inner: CommandForm | undefined = form.commands?.[word];
    if (inner === undefined) break;
    name += ` ${word}`;
    form = inner;
  }
  return { name, form };
}

function unknownArgument(
  unknown: string,
  args: readonly string[],
  { name, form }: { readonly name: string; readonly form: CommandForm },
): string {
  const at = args.findIndex((arg) => isOption(arg, unknown));
  const written = args[at];
  if (written === undefined) {
    const takes = form.takes === undefined ? 'nothing after it' : `only ${form.takes}`;
    return `${name} takes ${takes}; ${unknown} is too much (${HELP})`;
  }
  const [option, inline] = written.split('=', 2) as [string, string?];
  const word = option.replace(/^-+/, '');
  const next = args[at + 1];
  const value = inline ?? (next === undefined || next.startsWith('-') ? undefined : next);
  return `unknown option ${option}${optionHint(word, value, form)}`;
}

function isOption(arg: string, name: string): boolean {
  const [option] = arg.split('=', 1) as [string];
  // The parser takes `--mqtt.max-qos` for a part of `--mqtt`.
  const long = option.replace(/^--(no-)?/, '');
  if (option.startsWith('--') && (long === name || long.startsWith(`${name}.`))) return true;
  return /^-[^-]/.test(option) && option.includes(name);
}

function optionHint(
  word: string,
  value: string | undefined,
  { options, more }: CommandForm,
): string {
  if (options !== undefined) {
    const suggestion = nearest(word, options);
    if (suggestion !== null) return `; did you mean --${suggestion}?`;
    const list = options.map((option) => `--${option}`).join(', ');
    return options.length === 0 ? '; there are none here' : `; there are ${list}`;
  }
  const other = Object.hasOwn(OTHER_OPTIONS, word) ? OTHER_OPTIONS[word] : undefined;
  if (other !== undefined) {
    const filled = other
      .replace('PORT', () => value ?? 'PORT')
      .replace('VALUE', () => value ?? (other.startsWith('--config') ? 'FILE' : 'HOST'));
    return `; did you mean ${filled}?`;
  }
  const named = configOptions.find(({ key }) => key === word);
  if (named !== undefined) return `; did you mean --${named.flag}?`;
  const flags = configOptions.flatMap(({ flag, otherFlags }) => [flag, ...otherFlags]);
  const suggestion = nearest(word, ['config', 'help', 'version', ...(more ?? []), ...flags]);
  return suggestion === null ? ` (${HELP})` : `; did you mean --${suggestion}?`;
}

/** Options that may be given several times. */
const SEVERAL: ReadonlySet<string> = new Set(['group', 'role', 'attribute']);

/**
 * What is wrong with the values of options that are not those of the configuration; null when nothing is.
 *
 * @param args - as parsed
 */
export function valueMisuse(args: Readonly<Record<string, unknown>>): string | null {
  for (const [name, value] of Object.entries(args)) {
    // The parser adds each name in camelCase, too.
    if (
      name === '_' ||
      /[A-Z]/.test(name) ||
      configOptions.some((option) => isFlagOf(option, name))
    )
      continue;
    if (SEVERAL.has(name)) continue;
    if (Array.isArray(value)) return `${dashed(name)} is given more than once`;
    if (typeof value === 'number' && !(value >= 0)) {
      return `--${name} takes a number from 0 on`;
    }
  }
  return null;
}

function isFlagOf({ flag, otherFlags }: (typeof configOptions)[number], name: string): boolean {
  return flag === name || otherFlags.includes(name);
}
