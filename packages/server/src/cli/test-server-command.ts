import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import type { TestBrokerOptions } from '../testing/index.ts';
import { UsageError } from './usage.ts';

const PORT_MAX = 65_535;

/** `promptmq test-server`: a test broker for programs of any language, which say over HTTP what it does. */
export const testServerCommand: CommandModule = {
  command: 'test-server',
  describe: 'run a broker for tests, with a clock and faults that are controlled over HTTP',
  builder: (args) =>
    args
      .option('port', {
        describe: 'where MQTT is served on 127.0.0.1; 0 is any free port',
        default: '0',
        requiresArg: true,
      })
      .option('ws-port', {
        describe: 'the same over WebSocket',
        default: '0',
        requiresArg: true,
      })
      .option('control', {
        describe: 'where it is controlled over HTTP, on 127.0.0.1; 0 is any free port',
        default: '0',
        requiresArg: true,
      })
      .option('ready-file', {
        describe: 'written when all is ready: JSON with url, wsUrl, control and pid',
        requiresArg: true,
      })
      .option('clock', {
        describe: 'fake: time stands still until it is advanced',
        choices: ['real', 'fake'],
        default: 'real',
      })
      .option('seed', {
        describe: 'of what is drawn by lot, 0 to 4294967295',
        default: '1',
        requiresArg: true,
      })
      .option('storage', {
        describe: 'the broker has a disk, in memory, that outlives restarts',
        boolean: true,
        default: false,
      })
      .option('options', {
        describe: 'of createTestBroker, as JSON: {"mqtt":{"maxQos":1}}',
        requiresArg: true,
      }),
  handler: async (args) => {
    const readyFile = args['readyFile'] === undefined ? null : `${args['readyFile']}`;
    await serve(
      {
        ...optionsOf(args['options']),
        clock: args['clock'] as 'real' | 'fake',
        seed: wholeNumber('seed', args['seed'], 0xffff_ffff),
        ...(args['storage'] === true ? { storage: true } : {}),
      },
      {
        port: wholeNumber('port', args['port'], PORT_MAX),
        wsPort: wholeNumber('ws-port', args['wsPort'], PORT_MAX),
        control: wholeNumber('control', args['control'], PORT_MAX),
      },
      readyFile,
    );
  },
};

interface Ports {
  readonly port: number;
  readonly wsPort: number;
  readonly control: number;
}

async function serve(
  options: TestBrokerOptions,
  ports: Ports,
  readyFile: string | null,
): Promise<void> {
  // Who reads a file of a run before would talk to nobody.
  if (readyFile !== null) rmSync(readyFile, { force: true });
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  // No other command needs it.
  const { createTestBroker } = await import('../testing/index.ts');
  const { ControlServer } = await import('../testing/control/control-server.ts');
  const server = { bind: `127.0.0.1:${ports.port}`, wsBind: `127.0.0.1:${ports.wsPort}` };
  const broker = await createTestBroker({
    ...options,
    server: { ...server, ...options.server },
  }).catch((error) => {
    throw error.code === 'bad-argument' ? new UsageError(`--options: ${error.message}`) : error;
  });
  try {
    const control = await ControlServer.open(broker, ports.control, stop);
    const { url, wsUrl } = broker;
    const ready = `${JSON.stringify({ url, wsUrl, control: control.url, pid: process.pid })}\n`;
    if (readyFile !== null) writeWhole(readyFile, ready);
    process.stdout.write(ready);
    await stopped;
    await control.close();
  } finally {
    if (readyFile !== null) rmSync(readyFile, { force: true });
    await broker.stop();
  }
}

/** Whoever waits for the file finds all of it. */
function writeWhole(file: string, content: string): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, content);
  renameSync(unfinished, file);
}

function optionsOf(json: unknown): TestBrokerOptions {
  if (json === undefined) return {};
  let options: unknown;
  try {
    options = JSON.parse(`${json}`);
  } catch (error) {
    throw new UsageError(`--options takes JSON: ${(error as Error).message}`);
  }
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options;
  throw new UsageError('--options takes a JSON object, such as {"mqtt":{"maxQos":1}}');
}

function wholeNumber(name: string, value: unknown, maximum: number): number {
  const text = `${value}`;
  if (/^\d{1,10}$/.test(text) && Number(text) <= maximum) return Number(text);
  throw new UsageError(
    `--${name}: ${text} is not allowed; it takes a whole number from 0 to ${maximum}`,
  );
}
