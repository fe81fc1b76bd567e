import { setTimeout as delay } from 'node:timers/promises';
import type { CommandModule } from 'yargs';
import type { Config } from '../config/index.ts';
import { isRunning, runningProcess } from '../service/pid-file.ts';
import { addConfigOptions, loadFromProcess } from './options.ts';

/** As init scripts have it: the program is not running. */
const EXIT_NOT_RUNNING = 3;

/** How much longer than its clients may take a broker may take to stop. */
const STOP_MARGIN_MS = 10_000;
const POLL_MS = 50;

/** `promptmq stop`: stops the broker of `server.pid-file`, and waits until it has ended. */
export const stopCommand: CommandModule = {
  command: 'stop',
  describe: 'stop the broker that server.pid-file names',
  builder: (args) => addConfigOptions(args),
  handler: async (args) => {
    const { config } = loadFromProcess(args);
    const pid = findBroker(config);
    if (pid === null) return;
    process.kill(pid, 'SIGTERM');
    const deadline = Date.now() + config.server.shutdownTimeout + STOP_MARGIN_MS;
    while (isRunning(pid)) {
      if (Date.now() > deadline) throw new Error(`process ${pid} has not ended`);
      await delay(POLL_MS);
    }
    print(`stopped process ${pid}`);
  },
};

/** `promptmq status`: exit code 0 when the broker runs, 3 when it doesn't. */
export const statusCommand: CommandModule = {
  command: 'status',
  describe: 'say whether the broker that server.pid-file names is running',
  builder: (args) => addConfigOptions(args),
  handler: async (args) => {
    const pid = findBroker(loadFromProcess(args).config);
    if (pid !== null) print(`running as process ${pid}`);
  },
};

/** `promptmq reload`: has the broker read its configuration again. */
export const reloadCommand: CommandModule = {
  command: 'reload',
  describe: 'have the broker that server.pid-file names read its configuration again',
  builder: (args) => addConfigOptions(args),
  handler: async (args) => {
    const pid = findBroker(loadFromProcess(args).config);
    if (pid === null) return;
    process.kill(pid, 'SIGHUP');
    print(`told process ${pid} to reload; its log says what came of it`);
  },
};

function findBroker({ server }: Config): number | null {
  if (server.pidFile === null) throw new Error('server.pid-file says which broker, and is not set');
  const pid = runningProcess(server.pidFile);
  if (pid === null) {
    print(`not running (${server.pidFile})`);
    process.exitCode = EXIT_NOT_RUNNING;
  }
  return pid;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
