import { homedir } from 'node:os';
import type { Argv } from 'yargs';
import {
  type ConfigOption,
  configOptions,
  type LoadedConfig,
  loadConfig,
  sectionOf,
} from '../config/index.ts';

/** How help calls the sections of the configuration. */
const GROUPS: Record<string, string> = {
  server: 'Server:',
  'server.tls': 'TLS:',
  mqtt: 'MQTT limits and features:',
  auth: 'Authentication and authorization:',
  storage: 'Storage:',
  'storage.wal': 'Write-ahead log:',
  'storage.compaction': 'Compaction of the log:',
  metrics: 'Metrics:',
  log: 'Logging:',
  'log.rotation': 'Rotation of log files:',
  cluster: 'Cluster:',
};

/** Every flag that `addServerOptions` adds and shows, with its dashes. */
export const configFlags: readonly string[] = [
  'config',
  ...configOptions.map(({ flag }) => flag),
].map((flag) => `--${flag}`);

/** What says where a running broker is to be found. */
const WHICH_BROKER: readonly string[] = ['data-dir', 'admin-socket'];

/**
 * The options of the configuration, for a command that only needs to know which broker is meant: its help shows those that mostly say
 * so, and where the others are listed.
 */
export function addConfigOptions<T>(args: Argv<T>): Argv<T> {
  addOptions(args, (flag) => WHICH_BROKER.includes(flag));
  return args.epilogue(
    'Which broker is meant is known from its configuration: the same file, environment and options as it was started with, all of which are taken here, too; promptmq server --help lists them.',
  );
}

/** Every option of the configuration as a flag, and --config; none has a type, so all stay text. */
export function addServerOptions<T>(args: Argv<T>): Argv<T> {
  return addOptions(args, () => true);
}

function addOptions<T>(args: Argv<T>, isShown: (flag: string) => boolean): Argv<T> {
  args.option('config', {
    describe:
      'a configuration file, YAML or JSON; without it promptmq.yaml here, then .promptmq.yaml in the home directory',
    group: 'Server:',
    requiresArg: true,
  });
  for (const option of configOptions) {
    const { kind, otherFlags } = option;
    const requiresArg = kind.kind !== 'boolean';
    args.option(option.flag, {
      describe: `${option.description}${choicesText(option)}`,
      // The default is only shown: yargs mustn't set it, or it would outdo the file.
      defaultDescription: option.defaultText === '' ? 'none' : option.defaultText,
      group: GROUPS[sectionOf(option)] ?? 'Other:',
      requiresArg,
      hidden: !isShown(option.flag),
    });
    for (const flag of otherFlags) {
      args.option(flag, { hidden: true, requiresArg });
    }
  }
  return args;
}

function choicesText({ kind }: ConfigOption): string {
  return kind.kind === 'choice' ? ` (${kind.choices.join(', ')})` : '';
}

/** The words that an option takes, for completion; empty when it takes others. */
export function wordsOf(flag: string): readonly string[] {
  const option = configOptions.find((candidate) => `--${candidate.flag}` === flag);
  if (option?.kind.kind === 'choice') return option.kind.choices;
  return option?.kind.kind === 'boolean' ? ['true', 'false'] : [];
}

/** None for a user who isn't in the system's list, as in a container, and has no HOME: then there is no file there. */
function homeDirectory(): { homeDirectory?: string } {
  try {
    return { homeDirectory: homedir() };
  } catch {
    return {};
  }
}

/** Loads the configuration that this process was started with: flags, environment and files. */
export function loadFromProcess(args: Readonly<Record<string, unknown>>): LoadedConfig {
  return loadConfig({
    flags: args,
    file: args['config'] as string | undefined,
    environment: process.env,
    workingDirectory: process.cwd(),
    ...homeDirectory(),
  });
}
