#!/usr/bin/env node
/**
 * What metrics cost: nanoseconds for counting one publish, and the throughput of a broker whose metrics
 * are served and scraped against one without, in turns.
 *
 *   node scripts/bench/metrics-cost.mjs [--rounds 5] [--seconds 3] [--qos 0] [--size 64] [--json]
 *
 * Both brokers of a round run on the same core, the load generator on the other one; the scrape is every
 * second, fifteen times as often as is usual.
 */
import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildIfNeeded, installIfNeeded } from '../lib/prepare.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    qos: { type: 'string', default: '0' },
    size: { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
  },
});
installIfNeeded();
buildIfNeeded();
const { countReceived, countSent, createStats } = await import(
  '../../packages/server/dist/stats.js'
);
const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

const nanoseconds = countingCost();
const rates = { on: [], off: [] };
for (let round = 0; round < Number(values.rounds); round++) {
  // Each goes first as often as the other.
  for (const kind of round % 2 === 0 ? ['on', 'off'] : ['off', 'on']) {
    rates[kind].push(await throughput(kind === 'on'));
  }
}
const on = median(rates.on);
const off = median(rates.off);
// Of one round at a time: what changes on this machine from round to round falls out.
const change = median(rates.on.map((rate, round) => rate / rates.off[round] - 1));
const result = {
  nanosecondsPerPublish: Number(nanoseconds.toFixed(1)),
  deliveredPerSecond: { on, off },
  changePercent: Number((change * 100).toFixed(2)),
  rounds: rates,
};
if (values.json) {
  console.log(JSON.stringify(result));
} else {
  console.log(`counting one publish, received and sent: ${result.nanosecondsPerPublish} ns`);
  console.log(`QoS ${values.qos}, ${values.size} bytes, delivered a second (median of rounds):`);
  console.log(`  with metrics, scraped every second: ${on.toLocaleString('en')}`);
  console.log(`  without:                            ${off.toLocaleString('en')}`);
  console.log(`  change:                             ${result.changePercent} %`);
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

async function throughput(hasMetrics) {
  const { target, metricsUrl, child } = await startBroker(hasMetrics ? '127.0.0.1:0' : 'none');
  const scraper = setInterval(async () => {
    if (metricsUrl === null) return;
    const response = await fetch(metricsUrl);
    if (!(await response.text()).includes('promptmq_messages_received_total')) {
      throw new Error('the scrape shows no messages');
    }
  }, 1000);
  const args = [file('../../packages/bench/bin/promptmq-bench.js'), 'pairs', '--pairs', '1'];
  args.push('--url', `mqtt://${target}`, '--seconds', values.seconds, '--json', '-');
  args.push('--qos', values.qos, '--size', values.size);
  const generator = canPin
    ? spawn('taskset', ['-c', '1', process.execPath, ...args])
    : spawn(process.execPath, args);
  let output = '';
  generator.stdout.on('data', (chunk) => {
    output += chunk;
  });
  generator.stderr.pipe(process.stderr);
  await new Promise((resolve) => generator.on('close', resolve));
  clearInterval(scraper);
  child.kill('SIGTERM');
  await new Promise((resolve) => child.on('close', resolve));
  const { ratePerSecond, lost } = JSON.parse(output).results[0];
  if (lost !== 0) throw new Error(`${lost} messages were lost`);
  return Math.round(ratePerSecond);
}

async function startBroker(metrics) {
  const args = [file('../../packages/server/bin/promptmq.js'), '--bind', '127.0.0.1:0'];
  args.push('--ws-bind', 'none', '--metrics-bind', metrics, '--log-format', 'json');
  args.push('--storage-enabled', 'false');
  const child = canPin
    ? spawn('taskset', ['-c', '0', process.execPath, ...args])
    : spawn(process.execPath, args);
  child.stderr.pipe(process.stderr);
  const find = (protocol, output) =>
    new RegExp(`"protocol":"${protocol}","address":"([^"]+)"`).exec(output)?.[1] ?? null;
  return new Promise((resolve, reject) => {
    let output = '';
    child.on('exit', (code) => reject(new Error(`the broker ended with ${code}`)));
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const target = find('mqtt', output);
      const http = find('http', output);
      if (target === null || (http === null && metrics !== 'none')) return;
      resolve({ target, metricsUrl: http === null ? null : `http://${http}/metrics`, child });
    });
  });
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
