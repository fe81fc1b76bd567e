import type { CommandModule } from 'yargs';
import { configJsonSchema, diffConfig, parseConfig, printConfig } from '../config/index.ts';
import { addConfigOptions, loadFromProcess } from './options.ts';

const check: CommandModule = {
  command: 'check',
  describe: 'say whether the configuration is right, with every problem',
  builder: (args) => addConfigOptions(args),
  handler: async (args) => {
    const { file, given } = loadFromProcess(args);
    const where = file === null ? 'without a file' : `from ${file}`;
    print(`the configuration is valid (${where}; ${given.size} options given)`);
  },
};

const printAll: CommandModule = {
  command: 'print',
  describe: 'show every option with its value and where it comes from',
  builder: (args) => addConfigOptions(args),
  handler: async (args) => print(printConfig(loadFromProcess(args)).trimEnd()),
};

const diff: CommandModule = {
  command: 'diff',
  describe: 'show the options that differ from their defaults',
  builder: (args) => addConfigOptions(args),
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
