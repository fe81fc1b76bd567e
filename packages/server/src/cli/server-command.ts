import type { Argv, CommandModule } from 'yargs';
import { configOptions, loadConfig } from '../config/index.ts';
import { startBroker } from '../create-broker.ts';
import { createLogger } from '../log/index.ts';

/** How help calls the sections of the configuration. */
const GROUPS: Record<string, string> = {
  server: 'Server:',
  mqtt: 'MQTT limits and features:',
  log: 'Logging:',
};

/** `promptmq [server]`: runs the broker until SIGINT or SIGTERM. */
export const serverCommand: CommandModule = {
  command: ['server', '$0'],
  describe: 'run the broker',
  builder: (args) => addOptions(args),
  handler: async (args) => {
    const config = loadConfig({ flags: args, file: args['config'] as string | undefined });
    const logger = createLogger(config.log);
    const broker = await startBroker(config, { logger });
    // Signals come while the broker runs; a second one doesn't wait for the clients.
    let isStopping = false;
    const stop = (signal: NodeJS.Signals) => {
      if (isStopping) process.exit(1);
      isStopping = true;
      logger.info('stopping', { signal });
      void broker.stop();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  },
};

function addOptions(args: Argv): Argv {
  for (const { flag, section, description, defaultText, choices } of configOptions) {
    args.option(flag, {
      describe: description,
      // The default is only shown: yargs mustn't set it, or it would outdo the file.
      defaultDescription: defaultText,
      group: GROUPS[section] ?? section,
      requiresArg: true,
      string: true,
      ...(choices === null ? {} : { choices }),
    });
  }
  return args
    .option('config', {
      describe: 'a configuration file, YAML or JSON',
      group: GROUPS['server'] as string,
      requiresArg: true,
      string: true,
    })
    .check((parsed) => {
      for (const [name, value] of Object.entries(parsed)) {
        if (Array.isArray(value) && name !== '_') throw new Error(`--${name} is given twice`);
      }
      return true;
    });
}
