import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterEngine, ClusterSnapshot, RequestOutcome } from '@promptmq/cluster';
import { nodeClock } from '@promptmq/wal';
import type { Argv, CommandModule } from 'yargs';
import { type Config, nodeIdOf } from '../../config/index.ts';
import { addConfigOptions } from '../options.ts';
import { ClusterView } from './cluster-text.ts';
import { cellIn, clusterPackage, withEngine } from './with-engine.ts';

/** Not all cells are served. */
const EXIT_NOT_SERVED = 3;

/** Between two looks at what a request has come to, in milliseconds. */
const POLL_MS = 500;

/** `promptmq cluster status`: exit code 0 when all cells are served, 3 when not. */
export const statusCommand: CommandModule = {
  command: 'status',
  describe:
    'say which nodes there are, and which serves which cell; exit code 3: not all are served',
  builder: (args) => addConfigOptions(jsonOption(args)),
  handler: (args) =>
    withEngine(args, async (engine, config) => {
      const view = await look(engine, config);
      const { cells, nodes } = view;
      const served = cells.filter((cell) => cell.served).length;
      const up = nodes.filter(({ status }) => status !== 'silent').length;
      if (args['json']) print(JSON.stringify({ name: config.cluster.name, cells, nodes }));
      else {
        const head = `cluster ${config.cluster.name}: ${served} of ${cells.length} cells served, ${up} of ${nodes.length} nodes up`;
        print([head, '', ...view.nodesText(), '', ...view.cellsText()].join('\n'));
      }
      if (!view.areAllServed) process.exitCode = EXIT_NOT_SERVED;
    }),
};

/** `promptmq cluster cells` */
export const cellsCommand: CommandModule = {
  command: 'cells',
  describe: 'list the cells, with who serves them',
  builder: (args) => addConfigOptions(jsonOption(args)),
  handler: (args) =>
    withEngine(args, async (engine, config) => {
      const view = await look(engine, config);
      print((args['json'] ? view.cells.map(toJson) : view.cellsText()).join('\n'));
    }),
};

/** `promptmq cluster nodes` */
export const nodesCommand: CommandModule = {
  command: 'nodes',
  describe: 'list the nodes, with the cells that they serve',
  builder: (args) => addConfigOptions(jsonOption(args)),
  handler: (args) =>
    withEngine(args, async (engine, config) => {
      const view = await look(engine, config);
      print((args['json'] ? view.nodes.map(toJson) : view.nodesText()).join('\n'));
    }),
};

/** `promptmq cluster move CELL NODE` */
export const moveCommand: CommandModule = {
  command: 'move <cell> <node>',
  describe: 'have a cell served by another node',
  builder: (args) =>
    addConfigOptions(
      waitOption(args)
        .positional('cell', { describe: 'number of the cell', type: 'string', demandOption: true })
        .positional('node', { describe: 'name of a node', type: 'string', demandOption: true }),
    ),
  handler: (args) =>
    withEngine(args, async (engine, config) => {
      const cell = cellIn(args['cell'], config);
      const node = `${args['node']}`;
      const { requestMove } = await clusterPackage();
      await request(() => requestMove(engine.map, nodeClock, cell, node));
      if (!args['wait']) {
        print(`cell ${cell} is to move to ${node}`);
        return;
      }
      await until(engine, ({ cells }) => {
        const record = cells[cell];
        if (record?.state === 'serving' && record.node === node) return true;
        if (record?.target === node || record?.node === node) return false;
        throw new Error(`cell ${cell} does not move to ${node} any more: ${node} can't have it`);
      });
      print(`cell ${cell} is served by ${node}`);
    }),
};

/** `promptmq cluster drain [NODE]` */
export const drainCommand: CommandModule = {
  command: 'drain [node]',
  describe: 'have a node give all its cells away, and get none until it starts again',
  builder: (args) =>
    addConfigOptions(
      waitOption(args)
        .positional('node', { describe: 'name of a node; this one without it', type: 'string' })
        .option('cancel', {
          describe: 'let it have cells again',
          boolean: true,
          default: false,
        }),
    ),
  handler: (args) =>
    withEngine(args, async (engine, config) => {
      const { cancelDrain, requestDrain } = await clusterPackage();
      const node = args['node'] === undefined ? nodeIdOf(config) : `${args['node']}`;
      if (args['cancel']) {
        await request(() => cancelDrain(engine.map, nodeClock, node));
        print(`${node} may have cells again`);
        return;
      }
      await request(() => requestDrain(engine.map, nodeClock, node));
      if (!args['wait']) {
        print(`${node} is to give its cells away`);
        return;
      }
      await until(engine, ({ cells }) => cells.every((cell) => cell.node !== node));
      print(`${node} has no cells`);
    }),
};

/** `promptmq cluster forget CELL|NODE` */
export const forgetCommand: CommandModule = {
  command: 'forget <what>',
  describe:
    'remove a node that is gone for good, or have nobody wait for a cell that no node can open',
  builder: (args) =>
    addConfigOptions(
      args
        .positional('what', {
          describe: 'number of a cell, or name of a node',
          type: 'string',
          demandOption: true,
        })
        .option('node', {
          describe: 'it is the name of a node, though it looks like the number of a cell',
          boolean: true,
          default: false,
        }),
    ),
  handler: (args) =>
    withEngine(args, async (engine, config) => {
      const { forgetCell, forgetNode } = await clusterPackage();
      const what = `${args['what']}`;
      if (/^\d+$/.test(what) && !args['node']) {
        const cell = cellIn(what, config);
        await request(() => forgetCell(engine.map, nodeClock, cell));
        print(`nobody waits for cell ${cell}`);
        return;
      }
      await request(() => forgetNode(engine.map, nodeClock, what));
      print(`${what} is forgotten`);
    }),
};

function jsonOption<T>(args: Argv<T>) {
  return args.option('json', { describe: 'as JSON', boolean: true, default: false });
}

function waitOption<T>(args: Argv<T>) {
  return args.option('wait', {
    describe: 'return when it is done',
    boolean: true,
    default: false,
  });
}

/**
 * For commands that need a cell that nobody serves.
 *
 * @throws when a node that says that it is alive has it
 */
export async function refuseIfServed(
  engine: ClusterEngine,
  config: Config,
  cell: number,
): Promise<void> {
  const { readCluster } = await clusterPackage();
  if ((await readCluster(engine.map, nodeClock)) === null) return;
  const { cells, nodes } = await look(engine, config);
  const node = cells[cell]?.node ?? null;
  const isAlive = nodes.some((one) => one.node === node && one.status !== 'silent');
  if (isAlive) throw new Error(`node ${node} has cell ${cell}: stop all nodes first`);
}

/** Two looks at the map, so far apart that each node that runs has said in between that it does. */
async function look(engine: ClusterEngine, { cluster }: Config): Promise<ClusterView> {
  const before = await snapshotOf(engine);
  await delay(2 * cluster.heartbeat);
  const { deviations } = await clusterPackage();
  return new ClusterView(before, await snapshotOf(engine), deviations);
}

async function snapshotOf(engine: ClusterEngine): Promise<ClusterSnapshot> {
  const { readCluster } = await clusterPackage();
  const snapshot = await readCluster(engine.map, nodeClock);
  if (snapshot === null) throw new Error('no node of this cluster has ever started');
  return snapshot;
}

async function until(
  engine: ClusterEngine,
  isDone: (snapshot: ClusterSnapshot) => boolean,
): Promise<void> {
  while (!isDone(await snapshotOf(engine))) await delay(POLL_MS);
}

/** Makes a request, again while others change the same. */
async function request(make: () => Promise<RequestOutcome>): Promise<void> {
  for (let attempts = 0; ; attempts++) {
    const outcome = await make();
    if (outcome.kind === 'done') return;
    if (outcome.kind === 'refused' || attempts === 5) throw new Error(outcome.why);
  }
}

function toJson(line: object): string {
  return JSON.stringify(line);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
