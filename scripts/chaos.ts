/**
 * Kills, stops and cuts off the processes of brokers that are one to their clients, and looks whether they keep what they promised.
 *
 *   node scripts chaos [--system NAME] [--engine nats|postgres] [--faults N] [--seconds S] [--only NAME]… [--seed N] [--rate N] [--cells N] [--direct] [--directory DIR] [--json]
 *
 * Systems: `cluster` (three nodes on three servers of NATS, or on one of PostgreSQL with a synchronous standby), `workers` (processes of one machine), and of others `nats-mqtt` (the MQTT of nats-server) and
 * `rabbitmq` (with quorum queues), of three nodes each. Ends with 1 when something that was acknowledged is lost, comes twice at QoS 2, or in another
 * order; logs and data are left in the folder then. Linux only.
 *
 * With `--direct` nothing of a cluster is between its processes and its clients, so that nothing is cut; it says how long the sessions of a node that was killed
 * were not served (`servedAgainMs`).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChaosReport } from '../packages/server/test/chaos/chaos-run.ts';
import { positiveNumber, readArguments, refuse, wholeNumber } from './lib/arguments.ts';
import { messageOf } from './lib/errors.ts';
import { buildIfNeeded } from './lib/prepare.js';

const { values } = readArguments(import.meta.url, {
  options: {
    system: { type: 'string', default: 'cluster' },
    engine: { type: 'string', default: 'nats' },
    faults: { type: 'string', default: '50' },
    seconds: { type: 'string' },
    only: { type: 'string', multiple: true },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    rate: { type: 'string', default: '10' },
    cells: { type: 'string', default: '3' },
    direct: { type: 'boolean', default: false },
    directory: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const faults = wholeNumber('--faults', values.faults);
const seed = wholeNumber('--seed', values.seed);
const cells = wholeNumber('--cells', values.cells, 1);
const rate = positiveNumber('--rate', values.rate);
const seconds =
  values.seconds === undefined ? undefined : positiveNumber('--seconds', values.seconds);
if (process.platform !== 'linux') refuse('only on Linux: processes are found by /proc');
buildIfNeeded();
await import('./lib/sources.js');
const { runChaos } = await import('../packages/server/test/chaos/chaos-run.ts');
const { WRONGS } = await import('../packages/server/test/chaos/chaos-ledger.ts');
const { chaosEngines } = await import('../packages/server/test/chaos/systems/cluster-system.ts');
const { chaosSystems } = await import('../packages/server/test/chaos/systems/systems.ts');

const makeSystem = chaosSystems[values.system];
if (makeSystem === undefined) {
  refuse(`--system ${values.system}: should be one of ${Object.keys(chaosSystems).join(', ')}`);
}
const engine = chaosEngines.find((name) => name === values.engine);
if (engine === undefined) {
  refuse(`--engine ${values.engine}: should be one of ${chaosEngines.join(', ')}`);
}
const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'promptmq-chaos-'));
// What runs is ended with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
let shownAt = performance.now();
try {
  const report = await runChaos({
    system: await makeSystem(directory, { cells, engine, isDirect: values.direct }),
    seed,
    faults,
    rate,
    ...(seconds === undefined ? {} : { seconds }),
    ...(values.only === undefined ? {} : { only: values.only }),
    onFault: (name, lastsMs) => {
      if (!values.json) {
        const time = new Date().toISOString().slice(11, -1);
        console.log(`${time} ${name}, for ${(lastsMs / 1000).toFixed(1)} s`);
      }
    },
    onProgress: (progress) => {
      if (values.json || performance.now() - shownAt < 10_000) return;
      shownAt = performance.now();
      console.log(lineOf(progress));
    },
  });
  print(report);
  const isWrong = report.stuck > 0 || WRONGS.some((name) => report.verdict[name] > 0);
  if (isWrong) {
    console.error(`seed ${seed}: logs and data are in ${directory}`);
    process.exitCode = 1;
  } else if (values.directory === undefined) rmSync(directory, { recursive: true, force: true });
} catch (error) {
  console.error(`seed ${seed}: ${messageOf(error)}\nlogs and data are in ${directory}`);
  process.exitCode = 1;
}

function print(report: ChaosReport): void {
  const { latencies, ...rest } = report;
  const waits = summariesOf(report.waits);
  const servedAgainMs = summariesOf(report.servedAgainMs);
  const summary = { ...rest, waits, servedAgainMs, latencyMs: summaryOf(latencies) };
  console.log(JSON.stringify(summary, null, values.json ? undefined : 2));
}

function summariesOf(lists: Readonly<Record<string, readonly number[]>>) {
  return Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, summaryOf(list)]));
}

function summaryOf(numbers: readonly number[]) {
  const sorted = [...numbers].sort((one, other) => one - other);
  const at = (part: number) => Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? 0);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: at(1) };
}

function lineOf({ verdict, faults, seconds, stuck }: ChaosReport): string {
  const harmed = Object.values(faults).reduce((sum, count) => sum + count, 0);
  const wrong = [
    ...WRONGS.filter((name) => verdict[name] > 0).map((name) => `${name} ${verdict[name]}`),
  ];
  if (stuck > 0) wrong.push(`stuck ${stuck}`);
  const { acknowledged, delivered } = verdict;
  return `${seconds} s, ${harmed} faults, ${acknowledged} acknowledged, ${delivered} delivered, ${wrong.join(', ') || 'nothing wrong'}`;
}
