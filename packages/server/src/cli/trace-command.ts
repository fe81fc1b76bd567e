import type { CommandModule } from 'yargs';
import { fieldsText } from '../log/index.ts';
import { EXIT_NOT_RUNNING, withBroker } from './ask-broker.ts';
import { addConfigOptions } from './options.ts';

/** What is told of an event of a trace; `dropped` has its `count` only, `stopping` nothing. */
interface TraceEntry {
  /** Milliseconds since 1970. */
  readonly ts?: number;
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
    const { eventsOf } = await import('@promptmq/admin');
    const ending = new AbortController();
    const { signal } = ending;
    const end = () => ending.abort();
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
    // A reader that has seen enough, such as head, ends the trace.
    process.stdout.on('error', end);
    const params = { path: { clientid: `${args['client']}` } };
    await withBroker(args, async (admin) => {
      let isReading = false;
      try {
        const asked = admin.GET('/clients/{clientid}/trace', { params, signal, parseAs: 'stream' });
        for await (const { event, data } of eventsOf(asked)) {
          isReading = true;
          const entry = { event, ...(data as object) };
          const line = args['json'] ? JSON.stringify(entry) : traceText(entry);
          const isTaken = process.stdout.write(`${line}\n`);
          if (!isTaken) await new Promise((resolve) => process.stdout.once('drain', resolve));
        }
      } catch (error) {
        if (signal.aborted) return;
        // It was killed.
        if (!isReading) throw error;
      }
      if (!signal.aborted) process.exitCode = EXIT_NOT_RUNNING;
    });
  },
};

/** A line for people: `TIME in PUBLISH packetId=1 …`, and `TIME -- connected …` for what is no packet. */
function traceText({ ts, event, direction, packet, properties, ...fields }: TraceEntry): string {
  const what =
    packet === undefined ? `--  ${event}` : `${direction?.padEnd(3)} ${packet.toUpperCase()}`;
  const time = new Date(ts ?? Date.now()).toISOString();
  return [time, what, ...fieldsText({ ...fields, ...properties })].join(' ');
}
