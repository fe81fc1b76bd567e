import type { CellReport, ClusterEngine, EngineLog } from '@promptmq/cluster';
import { nodeClock } from '@promptmq/wal';
import type { CommandModule } from 'yargs';
import { quoted } from '../../log/index.ts';
import { addConfigOptions } from '../options.ts';
import { progressBar } from '../progress-bar.ts';
import { refuseIfServed } from './cluster-commands.ts';
import { cellIn, clusterPackage, withEngineLogs } from './with-engine.ts';

/** As of `promptmq wal verify`: there is damage. */
const EXIT_DAMAGED = 3;

/** `promptmq cluster verify [CELL]` */
export const verifyCommand: CommandModule = {
  command: 'verify [cell]',
  describe:
    'check every entry that the engine has of a cell, or of all; exit code 0: sound, 3: damaged',
  builder: (args) =>
    addConfigOptions(
      args
        .positional('cell', { describe: 'number of a cell; all without it', type: 'string' })
        .option('json', { describe: 'one JSON object a cell', boolean: true, default: false }),
    ),
  handler: (args) =>
    withEngineLogs(args, 'promptmq wal verify checks it there', async (engine, config) => {
      const { verifyCell } = await clusterPackage();
      const { cells } = config.cluster;
      const { cell: given } = args;
      const wanted =
        given === undefined ? Array.from({ length: cells }, (_, n) => n) : [cellIn(given, config)];
      for (const cell of wanted) {
        const onProgress = progressBar(`cell ${cell}`);
        const report = await withLog(engine, cell, (log) => verifyCell(log, { onProgress }));
        print(args['json'] ? JSON.stringify({ cell, ...report }) : cellText(cell, report));
        if (report.problem !== null) process.exitCode = EXIT_DAMAGED;
      }
    }),
};

/** `promptmq cluster export CELL DIR` */
export const exportCommand: CommandModule = {
  command: 'export <cell> <dir>',
  describe: 'make a log, which promptmq wal takes, of what the engine has of a cell',
  builder: (args) =>
    addConfigOptions(
      args
        .positional('cell', { describe: 'number of the cell', type: 'string', demandOption: true })
        .positional('dir', {
          describe: 'folder of the log, empty or made',
          type: 'string',
          demandOption: true,
        })
        .option('json', { describe: 'one JSON object', boolean: true, default: false }),
    ),
  handler: (args) =>
    withEngineLogs(args, 'promptmq wal backup copies it there', async (engine, config) => {
      const { exportCell } = await clusterPackage();
      const cell = cellIn(args['cell'], config);
      const onProgress = progressBar(`cell ${cell}`);
      const report = await withLog(engine, cell, (log) =>
        exportCell(log, `${args['dir']}`, { onProgress }),
      );
      const { directory, bytes, head, epoch } = report;
      print(
        args['json']
          ? JSON.stringify({ cell, ...report })
          : `cell ${cell}: ${bytes} bytes, up to position ${head} and epoch ${epoch}, in ${directory}`,
      );
    }),
};

/** `promptmq cluster repair CELL --from DIR` */
export const repairCommand: CommandModule = {
  command: 'repair <cell>',
  describe: 'bring the engine what it has lost of a cell, from the log that a node has',
  builder: (args) =>
    addConfigOptions(
      args
        .positional('cell', { describe: 'number of the cell', type: 'string', demandOption: true })
        .option('from', {
          describe: 'folder of the log: cell-N in storage.wal-dir of the node that served it',
          type: 'string',
          demandOption: true,
          requiresArg: true,
        })
        .option('json', { describe: 'one JSON object', boolean: true, default: false }),
    ),
  handler: (args) =>
    withEngineLogs(args, 'There is nothing to bring back to it', async (engine, config) => {
      const { repairCell } = await clusterPackage();
      const cell = cellIn(args['cell'], config);
      await refuseIfServed(engine, config, cell);
      const onProgress = progressBar(`cell ${cell}`);
      const directory = `${args['from']}`;
      const report = await withLog(engine, cell, (log) =>
        repairCell({ log, directory, clock: nodeClock, onProgress }),
      );
      const { bytes, head, epoch } = report;
      const text =
        bytes === 0
          ? `cell ${cell}: nothing is missing, up to position ${head} and epoch ${epoch}`
          : `cell ${cell}: ${bytes} bytes brought, up to position ${head}, with epoch ${epoch}`;
      print(args['json'] ? JSON.stringify({ cell, ...report }) : text);
    }),
};

async function withLog<T>(
  engine: ClusterEngine,
  cell: number,
  use: (log: EngineLog) => Promise<T>,
): Promise<T> {
  const log = await engine.openLog(cell);
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}

function cellText(cell: number, report: CellReport): string {
  const { first, last, entries, voidEntries, bytes, head, epoch, owners, problem } = report;
  const owner = owners.at(-1);
  const lines = [
    entries === 0
      ? `cell ${cell}: nothing`
      : `cell ${cell}: entries ${first} to ${last}, ${voidEntries} of them void, ${bytes} bytes, up to position ${head} and epoch ${epoch}`,
    ...(owner === undefined
      ? []
      : [`  owned by ${quoted(owner.node)} since ${new Date(owner.timeMs).toISOString()}`]),
    ...(problem === null ? ['  sound'] : [`  damaged, ${problem.code}: ${problem.message}`]),
  ];
  return lines.join('\n');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
