import { setTimeout as delay } from 'node:timers/promises';
import type { AdminClient } from '@promptmq/admin';
import type { CommandModule } from 'yargs';
import { adminSocketOf } from '../admin/index.ts';
import type { Config } from '../config/index.ts';
import { quoted } from '../log/index.ts';
import { isRunning, runningProcess } from '../service/pid-file.ts';
import { askSocket, dataOf, EXIT_NOT_RUNNING, NOBODY } from './ask-broker.ts';
import { addConfigOptions, loadFromProcess } from './options.ts';

/** How much longer than its clients may take a broker may take to stop. */
const STOP_MARGIN_MS = 10_000;
const POLL_MS = 50;

/** `promptmq stop`: stops the broker, and waits until it has ended. */
export const stopCommand: CommandModule = {
  command: 'stop',
  describe: 'stop the broker that server.pid-file or server.admin-socket names',
  builder: (args) => addConfigOptions(args),
  handler: async (args) => {
    const { config } = loadFromProcess(args);
    const pid = await findBroker(config);
    if (pid === null) return;
    process.kill(pid, 'SIGTERM');
    const deadline = performance.now() + config.server.shutdownTimeout + STOP_MARGIN_MS;
    while (isRunning(pid)) {
      if (performance.now() > deadline) throw new Error(`process ${pid} has not ended`);
      await delay(POLL_MS);
    }
    print(`stopped process ${pid}`);
  },
};

/** `promptmq status`: exit code 0 when the broker runs, 3 when it doesn't. */
export const statusCommand: CommandModule = {
  command: 'status',
  describe: 'say whether the broker is running, what it serves, and for whom most waits',
  builder: (args) =>
    addConfigOptions(
      args
        .option('top', {
          describe: 'how many of the clients for which most waits are shown',
          type: 'string',
          default: '10',
          requiresArg: true,
        })
        .option('json', { describe: 'one JSON document', boolean: true, default: false }),
    ),
  handler: async (args) => {
    const { config } = loadFromProcess(args);
    const pid = await findBroker(config);
    if (pid === null) return;
    const status = await askStatus(config, topOf(args['top']));
    if (args['json']) print(JSON.stringify(status ?? { pid }));
    else print([`running as process ${pid}`, ...statusText(status)].join('\n'));
  },
};

/** `promptmq reload`: has the broker read its configuration again. */
export const reloadCommand: CommandModule = {
  command: 'reload',
  describe: 'have the running broker read its configuration again',
  builder: (args) => addConfigOptions(args),
  handler: async (args) => {
    const pid = await findBroker(loadFromProcess(args).config);
    if (pid === null) return;
    process.kill(pid, 'SIGHUP');
    print(`process ${pid} reloads its configuration; its log says the result`);
  },
};

/** The broker of `server.pid-file`, or where that is not set of `server.admin-socket`. */
async function findBroker(config: Config): Promise<number | null> {
  const { pidFile } = config.server;
  const socketPath = adminSocketOf(config);
  if (pidFile === null && socketPath === null) {
    throw new Error('server.pid-file or server.admin-socket says which broker; neither is set');
  }
  const pid =
    pidFile === null ? ((await askStatus(config, 0))?.pid ?? null) : runningProcess(pidFile);
  if (pid === null) {
    print(`not running (${pidFile ?? socketPath})`);
    process.exitCode = EXIT_NOT_RUNNING;
  }
  return pid;
}

/** What the API says of a broker. */
type Status = Awaited<ReturnType<typeof statusOf>>;

/**
 * Null when the broker has no admin socket, or doesn't run.
 *
 * @param top - how many of the clients for which most waits
 */
async function askStatus(config: Config, top: number): Promise<Status | null> {
  const socketPath = adminSocketOf(config);
  if (socketPath === null) return null;
  const status = await askSocket(socketPath, (admin) => statusOf(admin, top));
  return status === NOBODY ? null : status;
}

async function statusOf(admin: AdminClient, top: number) {
  const status = await dataOf(admin.GET('/status'));
  const listeners = await dataOf(admin.GET('/listeners'));
  if (top === 0) return { ...status, listeners, slow_subscriptions: [] };
  const query = { limit: top };
  const slow = await dataOf(admin.GET('/slow_subscriptions', { params: { query } }));
  return { ...status, listeners, slow_subscriptions: slow.data };
}

const TOP_MAX = 10_000;

function topOf(value: unknown): number {
  if (/^\d{1,5}$/.test(`${value}`) && Number(value) <= TOP_MAX) return Number(value);
  throw new Error(`--top takes a whole number from 0 to ${TOP_MAX}, not ${quoted(`${value}`)}`);
}

function statusText(status: Status | null): string[] {
  if (status === null) return [];
  const { listeners, slow_subscriptions: slow } = status;
  const rows = [
    ['client', 'queued', 'queued bytes', 'output bytes', 'in flight', 'connected'],
    ...slow.map((one) => [
      quoted(one.clientid),
      `${one.mqueue_len}`,
      `${one.mqueue_bytes}`,
      `${one.output_bytes}`,
      `${one.inflight_cnt}`,
      one.connected ? 'yes' : 'no',
    ]),
  ];
  return [
    `version ${status.version}, up ${status.uptime} s`,
    ...listeners.map(
      ({ id, bind, current_connections: count }) => `${id} ${bind} (${count} connected)`,
    ),
    `${status.connections} connections, ${status.sessions} sessions, ${status.subscriptions} subscriptions, ${status.retained} retained messages`,
    ...(slow.length === 0 ? ['nothing waits for a client'] : ['', ...table(rows)]),
  ];
}

/** Columns side by side; all but the first are numbers, to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((width, row) => Math.max(width, (row[column] ?? '').length), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number),
      )
      .join('  '),
  );
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
