import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { nodeClock } from '@promptmq/wal';
import type { CommandModule } from 'yargs';
import { addConfigOptions } from '../options.ts';
import { clusterPackage, withEngineLogs } from './with-engine.ts';

/** `promptmq cluster import DIR` */
export const importCommand: CommandModule = {
  command: 'import <dir>',
  describe:
    'give the cells of a cluster that never served what a broker, or the workers of one, have in their log',
  builder: (args) =>
    addConfigOptions(
      args
        .positional('dir', {
          describe: 'storage.wal-dir of the broker, which is not running',
          type: 'string',
          demandOption: true,
        })
        .option('work-dir', {
          describe: 'where a folder is made for the logs of the cells; that of DIR without it',
          type: 'string',
          requiresArg: true,
        })
        .option('json', { describe: 'one JSON object a cell', boolean: true, default: false }),
    ),
  handler: (args) =>
    withEngineLogs(args, 'Nothing can be imported there', async (engine, config) => {
      const { readCluster } = await clusterPackage();
      if ((await readCluster(engine.map, nodeClock)) !== null) {
        throw new Error(
          'a node of this cluster has started already: its cells can not be imported',
        );
      }
      const directory = resolve(`${args['dir']}`);
      const given = args['work-dir'];
      const parent = given === undefined ? dirname(directory) : resolve(`${given}`);
      const workDirectory = await mkdtemp(join(parent, 'import-'));
      try {
        const { importLogs } = await import('./import-logs.ts');
        await importLogs({
          ...{ directory, workDirectory, engine, config },
          onCell: (imported) => {
            const { cell, sessions, retained, bytes } = imported;
            const text = `cell ${cell}: ${sessions} sessions, ${retained} retained messages, ${bytes} bytes`;
            process.stdout.write(`${args['json'] ? JSON.stringify(imported) : text}\n`);
          },
        });
      } finally {
        await rm(workDirectory, { recursive: true, force: true });
      }
    }),
};
