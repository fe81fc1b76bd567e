/**
 * What a cluster of three nodes on three servers of NATS does on this machine, all processes side by side.
 *
 *   node scripts bench/cluster [options]
 *
 * Measures acknowledgements at a fixed rate, QoS 1 to stored sessions and QoS 0 from one node to another, a client that comes to another node, and
 * a cell that moves. Prints JSON, one line each.
 *
 * Of acknowledgements at a fixed rate it also says what a message costs: microseconds of the processor in each kind of process, idle work and the
 * sending client (`harness`) included. When the machine has other work, that can be compared, and latencies can't.
 *
 *   --only TEXT    only those with this in their name
 *   --seconds N    of each measurement of a rate (5)
 *   --warm-up N    seconds of acknowledgements before they count (5): on two cores it takes 10 to 20 until all processes have compiled what is hot
 *   --rate N       of acknowledgements, in messages a second (5000)
 *   --cells N      of the cluster, a multiple of three (6)
 *   --peer         the MQTT of nats-server itself beside it, where it has the same
 *   --list         print the names
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Result } from '../../packages/bench/dist/index.js';
import type {
  ChaosClient,
  ChaosClientOptions,
} from '../../packages/server/test/chaos/chaos-client.ts';
import type { ChaosSystem } from '../../packages/server/test/chaos/chaos-system.ts';
import { positiveNumber, readArguments, refuse, runMain, wholeNumber } from '../lib/arguments.ts';
import { messageOf } from '../lib/errors.ts';
import { buildIfNeeded, root } from '../lib/prepare.js';
import { type CpuTimes, cpuMicrosOf, cpuTimes } from './lib/cpu-times.ts';

const { values } = readArguments(import.meta.url, {
  options: {
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '5' },
    rate: { type: 'string', default: '5000' },
    cells: { type: 'string', default: '6' },
    peer: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const SIZE = 3;
const seconds = positiveNumber('--seconds', values.seconds);
const warmUpSeconds = positiveNumber('--warm-up', values['warm-up']);
const rate = positiveNumber('--rate', values.rate);
const cells = wholeNumber('--cells', values.cells, SIZE);
if (cells % SIZE > 0) refuse(`--cells ${cells}: should be a multiple of ${SIZE}`);
buildIfNeeded();
const { Histogram } = await import('../../packages/bench/dist/index.js');
const { cellOf } = await import('../../packages/cluster/dist/index.js');

const COMMAND = join(root, 'packages/server/bin/promptmq.js');
const GENERATOR = join(root, 'packages/bench/bin/promptmq-bench.js');
const PATIENCE_MS = 60_000;

/** A measurement that takes so much longer than it should is given up. */
const TIMEOUT_MS = 180_000;

/** What is measured: by name, on a cluster of ours, or also on a peer. */
const MEASUREMENTS: readonly Measurement[] = [
  { name: 'PUBACK at a fixed rate', isForPeers: true, measure: measureAcknowledgements },
  {
    name: 'QoS 1 to stored sessions on another node',
    isForPeers: true,
    measure: (broker) => generate(broker, ['persistent', '--qos', '1']),
  },
  { name: 'QoS 0 to another node, one pair', isForPeers: false, measure: measureOnePair },
  { name: 'a client comes to another node', isForPeers: true, measure: measureTakeOver },
  { name: 'a cell moves', isForPeers: false, measure: measureMove },
];

interface Measured {
  readonly programs: ChaosSystem['programs'];
  readonly ports: readonly number[];
  /** Of the nodes; empty for peers. */
  readonly configs: readonly string[];
}

interface Measurement {
  readonly name: string;
  readonly isForPeers: boolean;
  readonly measure: (broker: Measured) => Promise<object>;
}

await runMain('cluster', main);

async function main(): Promise<void> {
  if (values.list) {
    for (const { name } of MEASUREMENTS) console.log(name);
    return;
  }
  const chosen = MEASUREMENTS.filter(({ name }) => name.includes(values.only));
  if (chosen.length === 0) refuse(`no measurement has "${values.only}" in its name`);
  await import('../lib/sources.js');
  const { clusterSystem } = await import(
    '../../packages/server/test/chaos/systems/cluster-system.ts'
  );
  const { natsMqttSystem } = await import(
    '../../packages/server/test/chaos/systems/nats-mqtt-system.ts'
  );
  const directory = mkdtempSync(join(tmpdir(), 'promptmq-cluster-'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  try {
    const ours = await clusterSystem(join(directory, 'ours'), { cells, isDirect: true });
    await measureAll(ours, ours.configs, chosen);
    if (!values.peer) return;
    const peer = await natsMqttSystem(join(directory, 'peer'));
    const isForPeers = (measurement: Measurement) => measurement.isForPeers;
    await measureAll(peer, [], chosen.filter(isForPeers));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureAll(
  system: ChaosSystem,
  configs: readonly string[],
  measurements: readonly Measurement[],
): Promise<void> {
  try {
    await system.start();
    const broker = { programs: system.programs, ports: system.ports, configs };
    if (configs.length > 0) await untilBalanced(broker);
    for (const { name, measure } of measurements) {
      let result: object;
      try {
        result = await measure(broker);
      } catch (error) {
        result = { failure: messageOf(error) };
        process.exitCode = 1;
      }
      console.log(JSON.stringify({ system: system.name, name, ...result }));
      await system.untilWell();
    }
  } finally {
    await system.stop();
  }
}

/** Runs the load generator, whose publishers come to the first node, and subscribers to the second. */
async function generate({ ports }: Measured, args: readonly string[]): Promise<object> {
  const [first, second] = ports.map((port) => `mqtt://127.0.0.1:${port}`) as [string, string];
  const addresses = ['--url', first, '--subscriber-url', second];
  const output = await run(GENERATOR, [
    ...[...args, ...addresses],
    ...['--seconds', `${seconds}`, '--drain', '5', '--json', '-'],
  ]);
  const result: Result = JSON.parse(output).results[0];
  const { ratePerSecond, lost, surplus, latency } = result;
  return { ratePerSecond: Math.round(ratePerSecond), lost, surplus, latencyMicros: latency };
}

/** Publishers and a subscriber of cells that are served by the nodes to which they come. */
async function measureOnePair(broker: Measured): Promise<object> {
  const nodes = await cellsOf(broker);
  for (let number = 0; ; number++) {
    const prefix = `pair${number}`;
    const [publisher, subscriber] = [`${prefix}-pub-0`, `${prefix}-sub-0`].map(
      (clientId) => nodes[cellOf(clientId, cells)],
    );
    if (publisher !== 'b1' || subscriber !== 'b2') continue;
    return generate(broker, ['pairs', '--pairs', '1', '--qos', '0', '--prefix', prefix]);
  }
}

/** From PUBLISH to PUBACK of messages for stored sessions, at a rate that is below what can be done. */
async function measureAcknowledgements({ ports, programs }: Measured): Promise<object> {
  const [publishers, perTick] = [25, 2];
  const tickMs = (publishers * perTick * 1000) / rate;
  const histogram = new Histogram();
  const sentMicros = new Map<string, number>();
  const absent = await served(ports, 'absent', {});
  while (!(await absent.subscribe('load/#', 1))) await sleep(10);
  absent.leave('disconnect');
  let begin: CpuTimes | null = null;
  let measured = 0;
  const clients = await Promise.all(
    Array.from({ length: publishers }, (_, index) =>
      served(ports, `load-${index}`, {
        onAcknowledged: (topic, payload) => {
          const key = `${topic} ${payload}`;
          const micros = performance.now() * 1000 - (sentMicros.get(key) ?? 0);
          sentMicros.delete(key);
          if (begin === null) return;
          measured++;
          histogram.record(Math.round(micros));
        },
      }),
    ),
  );
  let number = 0;
  let dueMs = performance.now();
  const beginMs = dueMs + 1000 * warmUpSeconds;
  const endMs = beginMs + 1000 * seconds;
  while (performance.now() < endMs) {
    if (begin === null && performance.now() > beginMs) begin = cpuTimes(programs);
    for (; dueMs < performance.now(); dueMs += tickMs) {
      for (const [index, client] of clients.entries()) {
        for (let count = 0; count < perTick; count++) {
          const [topic, payload] = [`load/${index}`, `${number++}`.padEnd(64)];
          sentMicros.set(`${topic} ${payload}`, performance.now() * 1000);
          client.publish(topic, payload, 1);
        }
      }
    }
    await sleep(1);
  }
  const unanswered = sentMicros.size;
  const cpuMicrosPerMessage = cpuMicrosOf(begin ?? {}, cpuTimes(programs), measured);
  for (const client of clients) client.leave('disconnect');
  return {
    rate,
    unanswered,
    cpuMicrosPerMessage,
    latencyMicros: histogram.percentiles(),
  };
}

/** From CONNECT at another node to CONNACK, while the client is connected. */
async function measureTakeOver({ ports }: Measured): Promise<object> {
  const times: number[] = [];
  for (const clientId of Array.from({ length: 10 }, (_, index) => `comes-${index}`)) {
    let port = 0;
    let wake = () => {};
    const client = await served([], clientId, {
      pickPort: () => ports[port++ % SIZE] as number,
      onServed: () => wake(),
    });
    for (let count = 0; count < 30; count++) {
      const startMs = performance.now();
      const isServed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      client.takeOver(PATIENCE_MS, () => {});
      await isServed;
      times.push(performance.now() - startMs);
    }
    client.leave('disconnect');
  }
  return { count: times.length, millis: summaryOf(times) };
}

/** A cell with 10,000 sessions and 100,000 queued messages goes to another node; a hundred clients of it are connected. */
async function measureMove(broker: Measured): Promise<object> {
  const { ports, configs } = broker;
  const [sessions, messages, connected] = [10_000, 100_000, 100];
  const cell = 0;
  const from = (await cellsOf(broker))[cell];
  const to = ['b1', 'b2', 'b3'].find((node) => node !== from) as string;
  const idOf = namesOf(cell);
  for (let left = sessions; left > 0; left -= 100) {
    const clients = await Promise.all(
      Array.from({ length: Math.min(100, left) }, () => served(ports, idOf(), {})),
    );
    for (const client of clients) client.leave('disconnect');
  }
  const absent = await served(ports, idOf(), {});
  while (!(await absent.subscribe('queue', 1))) await sleep(10);
  absent.leave('disconnect');
  const publisher = await served(ports, 'fills', {});
  for (let number = 0; number < messages; number++) {
    publisher.publish('queue', `${number}`.padEnd(64), 1);
    while (publisher.outgoingCount > 2000) await sleep(1);
  }
  while (publisher.outgoingCount > 0) await sleep(10);
  publisher.leave('disconnect');
  const gaps: number[] = [];
  let losses = 0;
  const clients = await Promise.all(
    Array.from({ length: connected }, () =>
      served(ports, idOf(), {
        onLost: () => losses++,
        onServed: (waitedMs) => {
          if (waitedMs > 0) gaps.push(waitedMs);
        },
      }),
    ),
  );
  const startMs = performance.now();
  await run(COMMAND, [
    'cluster',
    'move',
    `${cell}`,
    to,
    '--wait',
    '--config',
    configs[0] as string,
  ]);
  const seconds = (performance.now() - startMs) / 1000;
  while (!clients.every((client) => client.isServed) || losses < connected) await sleep(10);
  for (const client of clients) client.leave('disconnect');
  return { sessions, messages, clients: connected, losses, seconds, gapMillis: summaryOf(gaps) };
}

/** @returns identifiers of clients of a cell, each once */
function namesOf(cell: number): () => string {
  let number = 0;
  return () => {
    while (cellOf(`of-${number}`, cells) !== cell) number++;
    return `of-${number++}`;
  };
}

/** Which node serves each cell. */
async function cellsOf({ configs }: Measured): Promise<readonly string[]> {
  const output = await run(COMMAND, [
    'cluster',
    'cells',
    '--json',
    '--config',
    configs[0] as string,
  ]);
  const served = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly cell: number; readonly node: string });
  return served.toSorted((one, other) => one.cell - other.cell).map(({ node }) => node);
}

/** The first node has all cells at the start, and gives some away. */
async function untilBalanced(broker: Measured): Promise<void> {
  for (;;) {
    const nodes = await cellsOf(broker);
    const counts = ['b1', 'b2', 'b3'].map((node) => nodes.filter((one) => one === node).length);
    if (counts.every((count) => count === cells / SIZE)) return;
    await sleep(1000);
  }
}

/** A client with a session, once it is served. */
async function served(
  ports: readonly number[],
  clientId: string,
  options: Partial<ChaosClientOptions>,
) {
  const { ChaosClient: Client } = await import('../../packages/server/test/chaos/chaos-client.ts');
  let count = 0;
  return new Promise<ChaosClient>((resolve) => {
    const client: ChaosClient = new Client({
      ...{ clientId, version: 4, patienceMs: PATIENCE_MS },
      pickPort: () => ports[count++ % ports.length] as number,
      ...options,
      onServed(waitedMs) {
        resolve(client);
        options.onServed?.(waitedMs);
      },
    });
    client.start();
  });
}

/** Runs a program of this repository to its end. @returns what it printed */
async function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}\n${errors}`);
  return output;
}

function summaryOf(millis: readonly number[]) {
  const sorted = [...millis].sort((one, other) => one - other);
  const at = (part: number) =>
    Number((sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1));
  return { p50: at(0.5), p99: at(0.99), most: at(1) };
}
