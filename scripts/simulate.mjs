#!/usr/bin/env node
/**
 * Runs the simulation of the whole broker: clients, network, clock and disk, all determined by a seed.
 *
 *   node scripts/simulate.mjs --seed N             one seed, with all that happens in it
 *   node scripts/simulate.mjs --seeds FROM..TO     many, on all cores, with progress and a report
 *   node scripts/simulate.mjs … --jobs N           on so many cores
 *
 * Ends with 1 when a seed fails; each is reported with its last events.
 */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { installIfNeeded } from './lib/prepare.mjs';

/** Seeds that a worker gets at a time. */
const CHUNK = 200;

if (isMainThread) installIfNeeded();
await import('./lib/typescript.mjs');
const { simulate, traceOf } = await import('../packages/server/test/simulation/simulate.ts');

if (isMainThread) await main();
else parentPort.on('message', async (seeds) => parentPort.postMessage(await runSeeds(seeds)));

async function main() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '1..2000' },
      jobs: { type: 'string', default: String(availableParallelism()) },
    },
  });
  if (values.seed !== undefined) {
    const { lines, error } = await traceOf(toSeed(values.seed));
    for (const line of lines) console.log(line);
    console.log(error === null ? `seed ${values.seed} passed` : error);
    process.exitCode = error === null ? 0 : 1;
    return;
  }
  const [from, to] = values.seeds.split('..').map(toSeed);
  if (to === undefined || to < from) fail(`--seeds ${values.seeds}: should be FROM..TO`);
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1) fail(`--jobs ${values.jobs}: should be a number from 1`);
  await runAll(from, to, jobs);
}

async function runAll(from, to, jobs) {
  const startedAt = performance.now();
  const sum = { seeds: 0, failed: 0 };
  let next = from;
  let shownAt = startedAt;
  const work = async () => {
    const worker = new Worker(fileURLToPath(import.meta.url));
    while (next <= to) {
      const seeds = { from: next, to: Math.min(to, next + CHUNK - 1) };
      next = seeds.to + 1;
      worker.postMessage(seeds);
      const [{ totals, failures }] = await once(worker, 'message');
      for (const [name, count] of Object.entries(totals)) sum[name] = (sum[name] ?? 0) + count;
      for (const failure of failures) console.log(failure);
      if (performance.now() - shownAt < 5000) continue;
      shownAt = performance.now();
      const seconds = Math.round((shownAt - startedAt) / 1000);
      console.log(`${sum.seeds} of ${to - from + 1} seeds, ${sum.failed} failed, ${seconds} s`);
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    Object.entries(sum)
      .map(([name, count]) => `${count} ${name}`)
      .join(', '),
  );
  console.log(`seeds ${from} to ${to} in ${seconds.toFixed(1)} s, ${sum.failed} failed`);
  process.exitCode = sum.failed === 0 ? 0 : 1;
}

/** In a worker. */
async function runSeeds({ from, to }) {
  const totals = { seeds: 0, failed: 0 };
  const failures = [];
  for (let seed = from; seed <= to; seed++) {
    totals.seeds++;
    try {
      for (const [name, count] of Object.entries(await simulate(seed))) {
        totals[name] = (totals[name] ?? 0) + count;
      }
    } catch (error) {
      totals.failed++;
      failures.push(error.message);
    }
  }
  return { totals, failures };
}

function toSeed(text) {
  const seed = Number(text);
  if (!Number.isInteger(seed)) fail(`${text}: a seed is a whole number`);
  return seed;
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
