#!/usr/bin/env node
/**
 * What metrics cost: nanoseconds for counting one publish, and the throughput of a broker whose metrics
 * are served and scraped against one without, in turns.
 *
 *   node scripts/bench/metrics-cost.mjs [--rounds 5] [--seconds 3] [--qos 0] [--size 64] [--json]
 *
 * Both brokers of a round run on the same core, the load generator on the other one; the scrape is every
 * second, fifteen times as often as is usual. On a machine that has other things to do, processor time for
 * a message says more than throughput.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { readArguments } from '../lib/arguments.mjs';
import { installIfNeeded, root, run } from '../lib/prepare.mjs';
import { pinned } from './lib/brokers.mjs';
import { generate } from './lib/generator.mjs';

const { values } = readArguments(import.meta.url, {
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    qos: { type: 'string', default: '0' },
    size: { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
  },
});
installIfNeeded();
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
run('building', process.execPath, [compiler, '-b', 'packages/server', 'packages/bench']);
const { countReceived, countSent, createStats } = await import(
  '../../packages/server/dist/stats.js'
);

const nanoseconds = Number(countingCost().toFixed(1));
const rounds = { on: [], off: [] };
for (let round = 0; round < Number(values.rounds); round++) {
  // Each goes first as often as the other.
  for (const kind of round % 2 === 0 ? ['on', 'off'] : ['off', 'on']) {
    rounds[kind].push(await throughput(kind === 'on'));
  }
}
const rate = compare(({ perSecond }) => perSecond);
const cpu = rounds.on[0].cpuNanoseconds === null ? null : compare((run) => run.cpuNanoseconds);
if (values.json) {
  console.log(JSON.stringify({ nanosecondsPerPublish: nanoseconds, rate, cpu, rounds }));
} else {
  const line = (what, { on, off, changePercent }, unit) =>
    console.log(
      `${what}: ${on.toLocaleString('en')}${unit} with metrics, ${off.toLocaleString('en')}${unit} without, ${changePercent} %`,
    );
  console.log(`counting one publish, received and sent: ${nanoseconds} ns`);
  console.log(`QoS ${values.qos}, ${values.size} bytes, ${values.rounds} rounds, medians:`);
  line('delivered a second', rate, '');
  if (cpu !== null) line('processor time of the broker for a message', cpu, ' ns');
}

/** The medians, and the median of what changes within a round: what changes between them falls out. */
function compare(read) {
  const [on, off] = [rounds.on.map(read), rounds.off.map(read)];
  const change = median(on.map((value, round) => value / off[round] - 1));
  return {
    on: Math.round(median(on)),
    off: Math.round(median(off)),
    changePercent: Number((change * 100).toFixed(2)),
  };
}

/** All that `Connection`, `Router` and `PacketSender` count for one PUBLISH to one subscriber. */
function countingCost() {
  const stats = createStats();
  const size = Number(values.size);
  const turn = (count) => {
    const startedAt = process.hrtime.bigint();
    for (let index = 0; index < count; index++) {
      stats.packetsReceived[3]++;
      stats.packetTypeNow = 3;
      countReceived(stats, index & 1, size + (index & 63));
      countSent(stats, index & 1, size);
      stats.packetTypeNow = 0;
    }
    return Number(process.hrtime.bigint() - startedAt) / count;
  };
  const count = 5_000_000;
  turn(count);
  const costs = Array.from({ length: 5 }, () => turn(count));
  if (stats.messagesReceived !== 6 * count) throw new Error('not counted');
  return median(costs);
}

/** Messages a second from one publisher to one subscriber, and what each costs the broker. */
async function throughput(hasMetrics) {
  const { url, metricsUrl, child } = await startBroker(hasMetrics ? '127.0.0.1:0' : 'none');
  let scrapes = 0;
  const scraper = setInterval(async () => {
    if (metricsUrl === null) return;
    const text = await (await fetch(metricsUrl)).text();
    if (/^promptmq_messages_received_total [1-9]/m.test(text)) scrapes++;
  }, 1000);
  const load = ['pairs', '--pairs', '1', '--qos', values.qos, '--size', values.size];
  const time = ['--warmup', '1', '--seconds', values.seconds, '--fail-on-loss'];
  const result = await generate([...load, ...time], { url, pid: child.pid }, 60);
  clearInterval(scraper);
  child.kill('SIGTERM');
  await once(child, 'close');
  if (hasMetrics && scrapes === 0) throw new Error('no scrape showed the messages');
  const { ratePerSecond, broker } = result;
  const cpuNanoseconds = broker === null ? null : (broker.cpu / ratePerSecond) * 1e9;
  return { perSecond: ratePerSecond, cpuNanoseconds };
}

async function startBroker(metrics) {
  const address = ['--bind', '127.0.0.1:0', '--ws-bind', 'none', '--metrics-bind', metrics];
  const args = [...address, '--log-format', 'json', '--storage-enabled', 'false'];
  const bin = join(root, 'packages', 'server', 'bin', 'promptmq.js');
  const [command, commandArgs] = pinned(0, process.execPath, [bin, ...args]);
  const child = spawn(command, commandArgs, { stdio: ['ignore', 'pipe', 'inherit'] });
  const find = (protocol, output) =>
    new RegExp(`"protocol":"${protocol}","address":"([^"]+)"`).exec(output)?.[1] ?? null;
  return new Promise((resolve, reject) => {
    let output = '';
    child.on('exit', (code) => reject(new Error(`the broker ended with ${code}`)));
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const mqtt = find('mqtt', output);
      const http = find('http', output);
      if (mqtt === null || (http === null && metrics !== 'none')) return;
      const metricsUrl = http === null ? null : `http://${http}/metrics`;
      resolve({ url: `mqtt://${mqtt}`, metricsUrl, child });
    });
  });
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
