import type { CommandModule } from 'yargs';
import { exportCommand, verifyCommand } from './cell-log-commands.ts';

/** `promptmq cluster …`: asks the engine of a cluster, with the configuration of a node. */
export const clusterCommand: CommandModule = {
  command: 'cluster <command>',
  describe: 'look at the cells of a cluster',
  builder: (args) => args.command(verifyCommand).command(exportCommand),
  // Never called: one of the commands above is.
  handler: () => {},
};
