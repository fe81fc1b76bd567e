/**
 * What a message costs in each part of the broker, without sockets.
 *
 *   node scripts bench/micro [options]
 *
 * Nanoseconds and bytes allocated for an operation, each in processes of its own. Times are also given as
 * thousandths of a fixed loop that is timed in turn with the operation in the same process: these are what is
 * compared with scripts/bench/micro-baseline.json. With --check it exits with 1 when an operation is slower than
 * the baseline by more than an eighth, or allocates more. A minute and a half at most.
 *
 *   --check           compare with the baseline; exit with 1 when something is worse
 *   --update          write the baseline: about two minutes
 *   --only TEXT       only operations with this in their name
 *   --json FILE       write the figures to a file
 *   --budget SECONDS  after which nothing is measured again (80)
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { positiveNumber, readArguments, refuse, runMain } from '../lib/arguments.ts';
import { launcher } from '../lib/prepare.js';
import { CASES, type MicroCase } from './lib/micro-cases.ts';
import { median, table } from './lib/report.ts';

const BASELINE = fileURLToPath(new URL('micro-baseline.json', import.meta.url));

/** What a time may be above the baseline: half of the slow-down that must not escape, and some noise. */
const TIME_TOLERANCE = 0.125;
const BYTES_TOLERANCE = 0.1;
/** Allocations are counted with so much noise, in bytes an operation. */
const BYTES_NOISE = 24;

/**
 * Each operation is measured in several processes, in turns with the others so that what else the machine does
 * hits all; and what seems to be worse in more of them, as far as the budget goes. The best one counts:
 * other work can only make it slower.
 */
const PASSES = 2;
const RECHECKS = 8;
const UPDATE_PASSES = 6;

/** A batch of operations takes about `BATCH_MS`, and the best of `ROUNDS` batches counts. */
const BATCH_MS = 3;
const ROUNDS = 40;
/** Calls of an operation before it is measured: the same in each process, so that it is compiled alike. */
const WARM_UP_CALLS = 60;
const WARM_UP_COUNT = 2000;
/** Operations in a batch are doubled, up to this number. */
const COUNT_MAX = 10_000_000;

/** What the reference loop works on and with. */
const REFERENCE_BYTES = Buffer.from(
  Array.from({ length: 4096 }, (_, index) => (index * 31) & 0xff),
);
let referenceHash: number | null = null;

/** Tells this program that it is the process of one operation. */
const CHILD = '--child';

/** A large young generation, so that nothing is collected while allocations are counted; and no chance. */
const FLAGS = [
  '--expose-gc',
  '--max-semi-space-size=256',
  '--min-semi-space-size=256',
  '--hash-seed=1',
  '--random-seed=1',
];

const [option, childName] = process.argv.slice(2);
if (option === CHILD) console.log(JSON.stringify(await measureHere(childName ?? '')));
else await runMain('micro', main);

/** Of an operation. */
interface Figure {
  readonly ns: number;
  /** Thousandths of the reference loop. */
  readonly ratio: number;
  readonly bytes: number;
}

type Figures = Record<string, Figure>;

function main(): void {
  const { values } = readArguments(import.meta.url, {
    options: {
      check: { type: 'boolean', default: false },
      update: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      json: { type: 'string' },
      budget: { type: 'string', default: '80' },
    },
  });
  const budget = positiveNumber('--budget', values.budget);
  const baseline: Figures = existsSync(BASELINE) ? JSON.parse(readFileSync(BASELINE, 'utf8')) : {};
  if (values.check && Object.keys(baseline).length === 0) {
    refuse('there is no baseline: --update writes one');
  }
  if (values.check && values.update) refuse('either --check or --update');
  const names = Object.keys(CASES).filter((name) => name.includes(values.only));
  if (names.length === 0) refuse(`no operation has "${values.only}" in its name`);

  const budgetSeconds = values.update ? budget * UPDATE_PASSES : budget;
  const endMs = performance.now() + budgetSeconds * 1000;
  const figures: Figures = {};
  const pass = (some: readonly string[]) => {
    for (const name of some) {
      if (figures[name] !== undefined && performance.now() > endMs) return;
      figures[name] = better(figures[name], measure(name));
    }
  };
  for (let done = 0; done < (values.update ? UPDATE_PASSES : PASSES); done++) {
    console.error(`micro: pass ${done + 1}`);
    pass(names);
  }
  const worseNames = () => names.filter((name) => isWorse(figures[name], baseline[name]));
  for (let again = 0; again < RECHECKS && values.check; again++) {
    const worse = worseNames();
    if (worse.length === 0 || performance.now() > endMs) break;
    console.error(`micro: again: ${worse.join('; ')}`);
    pass(worse);
  }
  console.log(describe(figures, baseline));
  if (values.json !== undefined) writeFileSync(values.json, toJson(figures));
  if (values.update) writeFileSync(BASELINE, toJson({ ...baseline, ...figures }));
  const worse = values.check ? worseNames() : [];
  if (worse.length > 0) throw new Error(`worse than the baseline: ${worse.join('; ')}`);
}

function toJson(figures: Figures): string {
  return `${JSON.stringify(figures, null, 2)}\n`;
}

/** In a process of its own, so that no operation is compiled for what another one does. */
function measure(name: string): Figure {
  const args = [...FLAGS, launcher, 'bench/micro', CHILD, name];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name}: ${stderr.trim()}`);
  return JSON.parse(stdout);
}

async function measureHere(name: string): Promise<Figure> {
  const one = await CASES[name]?.();
  if (one === undefined) throw new Error(`no operation is called ${name}`);
  try {
    await warmUp(one);
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

async function warmUp(one: MicroCase): Promise<void> {
  const count = Math.min(WARM_UP_COUNT, one.countMax ?? COUNT_MAX);
  for (let call = 0; call < WARM_UP_CALLS; call++) {
    one.run(count);
    referenceLoop();
    await one.after?.();
  }
}

/** Operations in a batch, a multiple of 100. */
async function batchSize(one: MicroCase): Promise<number> {
  const countMax = one.countMax ?? COUNT_MAX;
  for (let count = 100; ; count *= 2) {
    const ms =
      Math.min(
        timed(() => one.run(count)),
        timed(() => one.run(count)),
      ) / 1e6;
    await one.after?.();
    if (ms >= BATCH_MS || count * 2 > countMax) return count;
  }
}

/** Nanoseconds. */
function timed(work: () => void): number {
  const startedAt = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - startedAt);
}

/** Bytes an operation, on the heap and in buffers: the median of some batches. */
async function allocated(one: MicroCase, batch: number): Promise<number> {
  const count = Math.min(batch, 4000);
  const bytes: number[] = [];
  for (let round = 0; round < 9; round++) {
    globalThis.gc?.();
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
function referenceLoop(): void {
  let hash = 0x811c9dc5;
  for (let round = 0; round < 50; round++) {
    for (let index = 0; index < REFERENCE_BYTES.length; index++) {
      hash = Math.imul(hash ^ (REFERENCE_BYTES[index] as number), 0x01000193);
    }
  }
  referenceHash = hash;
}

function isWorse(figure: Figure | undefined, known: Figure | undefined): boolean {
  if (figure === undefined || known === undefined) return false;
  return (
    figure.ratio > known.ratio * (1 + TIME_TOLERANCE) ||
    figure.bytes > known.bytes * (1 + BYTES_TOLERANCE) + BYTES_NOISE
  );
}

/** The best of two measurements, in each respect. */
function better(one: Figure | undefined, other: Figure): Figure {
  if (one === undefined) return other;
  return {
    ns: Math.min(one.ns, other.ns),
    ratio: Math.min(one.ratio, other.ratio),
    bytes: Math.min(one.bytes, other.bytes),
  };
}

function describe(figures: Figures, baseline: Figures): string {
  const rows = Object.entries(figures).map(([name, { ns, ratio, bytes }]) => {
    const known = baseline[name];
    const change = known === undefined ? '-' : percent(ratio / known.ratio - 1);
    return [name, String(ns), String(ratio), change, String(bytes)];
  });
  return table(['operation', 'ns', '‰ of the reference loop', 'change', 'bytes'], rows);
}

function percent(share: number): string {
  return `${share > 0 ? '+' : ''}${(share * 100).toFixed(0)} %`;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
