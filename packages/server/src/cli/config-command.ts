import type { CommandModule } from 'yargs';
import { Access, plainTools } from '../access/index.ts';
import {
  type Config,
  ConfigError,
  type ConfigProblem,
  configJsonSchema,
  diffConfig,
  parseConfig,
  printConfig,
} from '../config/index.ts';
import { loadListeners, refusedByClients } from '../listeners/loaded-listener.ts';
import { loadAdminTls } from '../listeners/tls/admin-tls.ts';
import { addServerOptions, loadFromProcess } from './options.ts';

const check: CommandModule = {
  command: 'check',
  describe: 'say whether the configuration is right, with every problem',
  builder: (args) => addServerOptions(args),
  handler: async (args) => {
    const { config, file, given } = loadFromProcess(args);
    checkFiles(config);
    const where = file === null ? 'without a file' : `from ${file}`;
    print(`the configuration is valid (${where}; ${given.size} options given)`);
  },
};

const printAll: CommandModule = {
  command: 'print',
  describe: 'show every option with its value and where it comes from',
  builder: (args) => addServerOptions(args),
  handler: async (args) => print(printConfig(loadFromProcess(args)).trimEnd()),
};

const diff: CommandModule = {
  command: 'diff',
  describe: 'show the options that differ from their defaults',
  builder: (args) => addServerOptions(args),
  handler: async (args) => {
    const lines = diffConfig(loadFromProcess(args), parseConfig({}));
    print(lines.length === 0 ? 'every option has its default' : lines.join('\n'));
  },
};

const schema: CommandModule = {
  command: 'schema',
  describe: 'print a JSON Schema of configuration files, for editors',
  handler: async () => print(JSON.stringify(configJsonSchema(), null, 2)),
};

/** What the command runs has no hooks. */
function readAccess(config: Config): void {
  Access.load(config, { ...plainTools, hasHook: false }).close();
}

/** Reads the files that a configuration names; everything that is wrong with them is reported together. */
function checkFiles(config: Config): void {
  const problems: ConfigProblem[] = [];
  const readTls = () => {
    const refused = refusedByClients(loadListeners(config));
    loadAdminTls(config);
    if (refused.length > 0) throw new ConfigError(refused);
  };
  for (const read of [readTls, () => readAccess(config)]) {
    try {
      read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) problems.push(problem);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

/** `promptmq config check|print|diff|schema`. */
export const configCommand: CommandModule = {
  command: 'config',
  describe: 'check or show the configuration',
  builder: (args) =>
    args
      .command(check)
      .command(printAll)
      .command(diff)
      .command(schema)
      .demandCommand(1, 'config needs one of check, print, diff and schema'),
  handler: () => {},
};

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
