import type { CommandModule } from 'yargs';
import { type RunningBroker, startBroker } from '../create-broker.ts';
import { createLogger } from '../log/index.ts';
import { addConfigOptions, loadFromProcess } from './options.ts';

/** `promptmq [server]`: runs the broker until SIGINT or SIGTERM. */
export const serverCommand: CommandModule = {
  command: ['server', '$0'],
  describe: 'run the broker',
  builder: (args) => addConfigOptions(args),
  handler: async (args) => {
    const { config } = loadFromProcess(args);
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
