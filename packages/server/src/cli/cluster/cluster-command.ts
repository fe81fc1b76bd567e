import type { CommandModule } from 'yargs';
import { exportCommand, repairCommand, verifyCommand } from './cell-log-commands.ts';
import {
  cellsCommand,
  drainCommand,
  forgetCommand,
  moveCommand,
  nodesCommand,
  statusCommand,
} from './cluster-commands.ts';
import { importCommand } from './import-command.ts';

/** `promptmq cluster …`: asks the engine of a cluster, with the configuration of a node. */
export const clusterCommand: CommandModule = {
  command: 'cluster <command>',
  describe: 'look at a cluster and its cells, and say which node is to serve what',
  builder: (args) =>
    args
      .command(statusCommand)
      .command(cellsCommand)
      .command(nodesCommand)
      .command(moveCommand)
      .command(drainCommand)
      .command(forgetCommand)
      .command(verifyCommand)
      .command(repairCommand)
      .command(exportCommand)
      .command(importCommand),
  // Never called: one of the commands above is.
  handler: () => {},
};
