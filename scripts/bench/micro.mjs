#!/usr/bin/env node
/**
 * What a message costs in each part of the broker, without sockets: nanoseconds and bytes allocated for
 * an operation.
 *
 *   node scripts/bench/micro.mjs [--check | --update] [--only TEXT] [--json FILE]
 *
 * Times are also given as multiples of a fixed loop that is timed in turn with the operations: these
 * multiples are what `--check` compares with scripts/bench/micro-baseline.json, and `--update` writes.
 * With `--check` it exits with 1 when one is more than 10 % higher, or when more bytes are allocated.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../lib/arguments.mjs';
import { CASES } from './lib/micro-cases.mjs';
import { median, table } from './lib/report.mjs';

const BASELINE = fileURLToPath(new URL('micro-baseline.json', import.meta.url));

/** What a figure may be worse than the baseline. */
const TOLERANCE = 0.1;
/** Allocations are counted with so much noise, in bytes an operation. */
const BYTES_NOISE = 24;

/** A batch of operations takes about so long, and the best of so many batches counts. */
const BATCH_MS = 4;
const ROUNDS = 60;
const WARM_UP_MS = 400;
/** Processes of each operation that make a baseline. */
const UPDATE_PROCESSES = 5;
/**
 * What seems to be worse is measured so often again: another process may have been in the way, and V8
 * compiles some operations now in one way, now in another that is half as fast.
 */
const RECHECKS = 8;

/** What the reference loop works on and with. */
const REFERENCE_BYTES = Buffer.from(
  Array.from({ length: 4096 }, (_, index) => (index * 31) & 0xff),
);
let referenceHash = null;

/** Tells this program that it is the process of one operation. */
const CHILD = '--child';

// A large young generation, so that nothing is collected while allocations are counted.
const FLAGS = ['--expose-gc', '--max-semi-space-size=256', '--min-semi-space-size=256'];

try {
  const [option, name] = process.argv.slice(2);
  if (option === CHILD) console.log(JSON.stringify(await measureHere(name)));
  else main();
} catch (error) {
  console.error(`micro: ${error.message}`);
  process.exitCode = 1;
}

function main() {
  const { values } = readArguments(import.meta.url, {
    options: {
      check: { type: 'boolean', default: false },
      update: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      json: { type: 'string' },
    },
  });
  const baseline = existsSync(BASELINE) ? JSON.parse(readFileSync(BASELINE, 'utf8')) : {};
  if (values.check && Object.keys(baseline).length === 0) {
    throw new Error('there is no baseline: --update writes one');
  }
  const names = Object.keys(CASES).filter((name) => name.includes(values.only));
  if (names.length === 0) throw new Error(`no operation has "${values.only}" in its name`);
  const figures = {};
  for (const name of names) {
    // The baseline is what is usual, so that a lucky process does not make all others look worse.
    figures[name] = values.update ? usual(measureOften(name, UPDATE_PROCESSES)) : measure(name);
    for (let again = 0; again < RECHECKS && values.check; again++) {
      if (!isWorse(figures[name], baseline[name])) break;
      figures[name] = better(figures[name], measure(name));
    }
  }
  console.log(describe(figures, baseline));
  if (values.json !== undefined) writeFileSync(values.json, toJson(figures));
  if (values.update) writeFileSync(BASELINE, toJson({ ...baseline, ...figures }));
  const worse = names.filter((name) => values.check && isWorse(figures[name], baseline[name]));
  if (worse.length > 0) throw new Error(`worse than the baseline: ${worse.join('; ')}`);
}

function toJson(figures) {
  return `${JSON.stringify(figures, null, 2)}\n`;
}

function measureOften(name, processCount) {
  return Array.from({ length: processCount }, () => measure(name));
}

/** The median in each respect. */
function usual(measurements) {
  const of = (read) => median(measurements.map(read));
  return {
    ns: of(({ ns }) => ns),
    ratio: of(({ ratio }) => ratio),
    bytes: of(({ bytes }) => bytes),
  };
}

/** In a process of its own, so that no operation is compiled for what another one does. */
function measure(name) {
  const args = [...FLAGS, fileURLToPath(import.meta.url), CHILD, name];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name}: ${stderr.trim()}`);
  return JSON.parse(stdout);
}

async function measureHere(name) {
  const one = await CASES[name]();
  try {
    const count = await batchSize(one);
    let best = Number.POSITIVE_INFINITY;
    let reference = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round++) {
      reference = Math.min(reference, timed(referenceLoop));
      best = Math.min(best, timed(() => one.run(count)) / count);
      await one.after?.();
    }
    const bytes = await allocated(one, count);
    if (!one.check() || referenceHash === null) throw new Error(`${name} did nothing`);
    return {
      ns: rounded(best),
      ratio: rounded((best / reference) * 1000),
      bytes: Math.max(0, Math.round(bytes)),
    };
  } finally {
    await one.close?.();
  }
}

/** Operations in a batch, a multiple of 100; found while the code becomes warm. */
async function batchSize(one) {
  const countMax = one.countMax ?? 10_000_000;
  const end = performance.now() + WARM_UP_MS;
  for (let count = 100; ; ) {
    const ms = timed(() => one.run(count)) / 1e6;
    await one.after?.();
    referenceLoop();
    if (ms < BATCH_MS && count < countMax) count *= 2;
    else if (performance.now() > end) return count;
  }
}

/** Nanoseconds. */
function timed(work) {
  const startedAt = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - startedAt);
}

/** Bytes an operation, on the heap and in buffers: the median of some batches. */
async function allocated(one, batch) {
  const count = Math.min(batch, 4000);
  const bytes = [];
  for (let round = 0; round < 9; round++) {
    globalThis.gc();
    const before = process.memoryUsage();
    one.run(count);
    const after = process.memoryUsage();
    const buffers = Math.max(0, after.arrayBuffers - before.arrayBuffers);
    bytes.push((after.heapUsed - before.heapUsed + buffers) / count);
    await one.after?.();
  }
  return median(bytes);
}

/** Hashes some bytes, as a broker does; never to be changed, for the baseline's sake. */
function referenceLoop() {
  let hash = 0x811c9dc5;
  for (let round = 0; round < 50; round++) {
    for (let index = 0; index < REFERENCE_BYTES.length; index++) {
      hash = Math.imul(hash ^ REFERENCE_BYTES[index], 0x01000193);
    }
  }
  referenceHash = hash;
}

function isWorse(figure, known) {
  if (known === undefined) return false;
  return (
    figure.ratio > known.ratio * (1 + TOLERANCE) ||
    figure.bytes > known.bytes * (1 + TOLERANCE) + BYTES_NOISE
  );
}

/** The best of two measurements, in each respect. */
function better(one, other) {
  return {
    ns: Math.min(one.ns, other.ns),
    ratio: Math.min(one.ratio, other.ratio),
    bytes: Math.min(one.bytes, other.bytes),
  };
}

function describe(figures, baseline) {
  const rows = Object.entries(figures).map(([name, { ns, ratio, bytes }]) => {
    const known = baseline[name];
    const change = known === undefined ? '-' : percent(ratio / known.ratio - 1);
    return [name, String(ns), String(ratio), change, String(bytes)];
  });
  return table(['operation', 'ns', '‰ of the reference loop', 'change', 'bytes'], rows);
}

function percent(share) {
  return `${share > 0 ? '+' : ''}${(share * 100).toFixed(0)} %`;
}

function rounded(value) {
  return Number(value.toPrecision(4));
}
