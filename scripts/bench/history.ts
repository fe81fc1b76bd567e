/**
 * What the history costs that `promptmq why` asks.
 *
 *   node scripts bench/history [options]
 *
 * A broker with `history.enabled`, in turns with one without, where it has something to note: 50 pairs at QoS 0 beside a subscriber
 * to all of them that reads nothing, so that each message is dropped once; and connections that come and go. Median ratios of the
 * throughput, and of the broker's processor time for each. Exits with 1 when the history takes more than 1 % of the broker's
 * time, and more than rounds differ. About three minutes.
 *
 *   --rounds N    of each (8)
 *   --seconds N   of each run, after a second of warm-up (3)
 *   --only WORD   pairs, drops or connects
 *   --json        print JSON instead of a table
 */
import { connect, type Socket } from 'node:net';
import { positiveNumber, readArguments, refuse, runMain } from '../lib/arguments.ts';
import { pinSelf, promptmq, startBroker } from './lib/brokers.ts';
import { machine } from './lib/report.ts';
import { type Cost, describeCosts, load, measureTurns } from './lib/turns.ts';

const { values } = readArguments(import.meta.url, {
  options: {
    rounds: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = positiveNumber('--rounds', values.rounds);
const seconds = positiveNumber('--seconds', values.seconds);
const { only } = values;

const GOAL = 0.01;
const TIME = ['--warmup', '1', '--seconds', String(seconds)];
const PAIRS = ['pairs', '--pairs', '50', '--prefix', 'bench', ...TIME];
const TASKS = {
  pairs: { what: '50 pairs, QoS 0', load: PAIRS, isDropping: false },
  drops: { what: 'the same, each message dropped once', load: PAIRS, isDropping: true },
  connects: {
    what: 'connections that come and go',
    load: ['connect', '--connections', '20', ...TIME],
    isDropping: false,
  },
} as const;
if (only !== '' && !Object.hasOwn(TASKS, only)) {
  refuse(`--only takes ${Object.keys(TASKS).join(', ')}`);
}

await runMain('history', main);

async function main(): Promise<void> {
  pinSelf();
  const costs: Cost[] = [];
  for (const [name, task] of Object.entries(TASKS)) {
    if (only !== '' && only !== name) continue;
    const measure = async (isOn: boolean) => {
      // One that doesn't read is not to be disconnected meanwhile.
      const running = await startBroker(promptmq(['--history-enabled', String(isOn)]));
      const idler = task.isDropping ? await subscribeAndReadNothing(running.url) : null;
      try {
        return await load(running, task.load);
      } finally {
        idler?.destroy();
        await running.stop();
      }
    };
    costs.push(await measureTurns(task.what, rounds, measure));
  }
  console.log(values.json ? JSON.stringify({ machine: machine(), costs }) : describe(costs));
  const tooMuch = costs.find(({ cpuRatio, cpuSpread }) => cpuRatio - cpuSpread > 1 + GOAL);
  if (tooMuch !== undefined) {
    throw new Error(`${tooMuch.what}: ${((tooMuch.cpuRatio - 1) * 100).toFixed(1)} %`);
  }
}

/** CONNECT and SUBSCRIBE to all, of MQTT 3.1.1. */
function subscribeAndReadNothing(url: string): Promise<Socket> {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(Buffer.from('\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05idler', 'latin1'));
  socket.write(Buffer.from('\x82\x06\x00\x01\x00\x01#\x00', 'latin1'));
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    // CONNACK has come: what follows stays where it is.
    socket.once('data', () => {
      socket.pause();
      resolve(socket);
    });
  });
}

function describe(costs: readonly Cost[]): string {
  const found = describeCosts(['', 'with history', 'without'], costs);
  return `On ${machine()}; medians of ${rounds} rounds in turns.\n\n${found}`;
}
