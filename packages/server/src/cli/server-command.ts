import type { Argv, CommandModule } from 'yargs';
import { configOptions, loadConfig } from '../config/index.ts';
import { type RunningBroker, startBroker } from '../create-broker.ts';
import { createLogger } from '../log/index.ts';

/** How help calls the sections of the configuration. */
const GROUPS: Record<string, string> = {
  server: 'Server:',
  mqtt: 'MQTT limits and features:',
  auth: 'Authentication and authorization:',
  storage: 'Storage:',
  metrics: 'Metrics:',
  log: 'Logging:',
  cluster: 'Cluster:',
};

/** `promptmq [server]`: runs the broker until SIGINT or SIGTERM. */
export const serverCommand: CommandModule = {
  command: ['server', '$0'],
  describe: 'run the broker',
  builder: (args) => addOptions(args),
  handler: async (args) => {
    const config = loadConfig({ flags: args, file: args['config'] as string | undefined });
    const logger = createLogger(config.log);
    let broker: RunningBroker | null = null;
    let isStopping = false;
    const stop = (signal: NodeJS.Signals) => {
      if (isStopping) process.exit(1); // The second signal doesn't wait for the clients.
      isStopping = true;
      logger.info('stopping', { signal });
      void broker?.stop();
    };
    // Before it listens: whoever sees that it does may stop it at once.
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    broker = await startBroker(config, { logger });
    if (isStopping) await broker.stop();
  },
};

function addOptions(args: Argv): Argv {
  for (const option of configOptions) {
    const group = GROUPS[option.path[0] as string] as string;
    const { kind, otherFlags } = option;
    args.option(option.flag, {
      describe: option.description,
      // The default is only shown: yargs mustn't set it, or it would outdo the file.
      defaultDescription: option.defaultText,
      group,
      requiresArg: true,
      string: true,
      ...(kind.kind === 'choice' ? { choices: kind.choices } : {}),
    });
    for (const flag of otherFlags) {
      args.option(flag, { hidden: true, requiresArg: true, string: true });
    }
  }
  return args.option('config', {
    describe: 'a configuration file, YAML or JSON',
    group: GROUPS['server'] as string,
    requiresArg: true,
    string: true,
  });
}
