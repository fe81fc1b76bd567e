import { createInterface } from 'node:readline';
import type { CommandModule } from 'yargs';
import { adminSocketOf, adminStream } from '../admin/index.ts';
import { fieldsText } from '../log/index.ts';
import { addConfigOptions, loadFromProcess } from './options.ts';
import { EXIT_NOT_RUNNING, NO_ADMIN_SOCKET } from './service-commands.ts';

/** A line of a trace as the broker writes it. */
interface TraceLine {
  readonly time: string;
  readonly event: string;
  readonly direction?: 'in' | 'out';
  readonly packet?: string;
  readonly properties?: object;
}

/** `promptmq trace CLIENT`: shows a client's packets until Ctrl-C, or until the broker stops (exit code 3). */
export const traceCommand: CommandModule = {
  command: 'trace <client>',
  describe: "show one client's packets as they pass, without payloads; Ctrl-C ends it",
  builder: (args) =>
    addConfigOptions(
      args
        .positional('client', { describe: 'client identifier', type: 'string' })
        .option('json', { describe: 'one JSON object a line', boolean: true, default: false }),
    ),
  handler: async (args) => {
    const socketPath = adminSocketOf(loadFromProcess(args).config);
    if (socketPath === null) throw new Error(NO_ADMIN_SOCKET);
    const path = `/trace?client=${encodeURIComponent(`${args['client']}`)}`;
    const response = await adminStream(socketPath, path);
    if (response === null) {
      process.stderr.write(`promptmq: no broker listens on ${socketPath}\n`);
      process.exitCode = EXIT_NOT_RUNNING;
      return;
    }
    const end = () => response.destroy();
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
    // A reader that has seen enough, such as head, ends the trace.
    process.stdout.on('error', end);
    // Destroying it is how it ends.
    response.on('error', () => {});
    const lines = createInterface({ input: response });
    response.on('close', () => lines.close());
    let last = '';
    for await (const line of lines) {
      const entry = JSON.parse(line) as TraceLine;
      last = entry.event;
      const isTaken = process.stdout.write(`${args['json'] ? line : traceText(entry)}\n`);
      if (!isTaken) await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
    if (last === 'stopping') process.exitCode = EXIT_NOT_RUNNING;
  },
};

/** A line for people: `TIME in PUBLISH packetId=1 …`, and `TIME -- connected …` for what is no packet. */
function traceText({ time, event, direction, packet, properties, ...fields }: TraceLine): string {
  const what =
    packet === undefined ? `--  ${event}` : `${direction?.padEnd(3)} ${packet.toUpperCase()}`;
  return [time, what, ...fieldsText({ ...fields, ...properties })].join(' ');
}
