/**
 * Runs the simulation of the whole broker: clients, network, clock and disk, all determined by a seed.
 *
 *   node scripts simulate --seed N             one seed, with all that happens in it
 *   node scripts simulate --seeds FROM..TO     many, on all cores, with progress and a report
 *   node scripts simulate … --jobs N           on N cores
 *   node scripts simulate … --until-failure    up to the first seed that fails
 *   node scripts simulate … --cluster          several brokers that are cells of a cluster
 *
 * Ends with 1 when a seed fails; each is reported with its last events.
 */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { readArguments, refuse, wholeNumber } from './lib/arguments.ts';
import { messageOf } from './lib/errors.ts';
import { launcher } from './lib/prepare.js';

/** Seeds that a worker gets at a time. */
const CHUNK = 200;

/** Seeds for a worker. */
interface Seeds {
  readonly from: number;
  readonly to: number;
  readonly untilFailure: boolean;
  readonly cluster: boolean;
}

/** Counts by name. */
interface Tally {
  [name: string]: number;
  seeds: number;
  failed: number;
}

/** What came of them. */
interface SeedsResult {
  readonly totals: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

const values = isMainThread ? readValues() : null;
await import('./lib/sources.js');
const { simulate, traceOf } = await import('../packages/server/test/simulation/simulate.ts');
const { simulateCluster, traceOfCluster } = await import(
  '../packages/server/test/simulation/cluster/simulate-cluster.ts'
);

if (values !== null) await main(values);
parentPort?.on('message', async (seeds) => parentPort?.postMessage(await runSeeds(seeds)));

function readValues(): Seeds & { readonly seed: number | null; readonly jobs: number } {
  const options = {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1..2000' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    'until-failure': { type: 'boolean', default: false },
    cluster: { type: 'boolean', default: false },
  } as const;
  const { seed, seeds, jobs, ...rest } = readArguments(import.meta.url, { options }).values;
  const [from, to, ...more] = seeds.split('..').map((text) => wholeNumber('--seeds', text));
  if (from === undefined || to === undefined || to < from || more.length > 0) {
    return refuse(`--seeds ${seeds}: should be FROM..TO`);
  }
  return {
    seed: seed === undefined ? null : wholeNumber('--seed', seed),
    from,
    to,
    jobs: wholeNumber('--jobs', jobs, 1),
    untilFailure: rest['until-failure'],
    cluster: rest.cluster,
  };
}

async function main(all: NonNullable<typeof values>): Promise<void> {
  const { seed, cluster } = all;
  if (seed !== null) {
    const { lines, error } = await (cluster ? traceOfCluster(seed) : traceOf(seed));
    for (const line of lines) console.log(line);
    console.log(error === null ? `seed ${seed} passed` : error);
    process.exitCode = error === null ? 0 : 1;
    return;
  }
  await runAll(all);
}

async function runAll({
  from,
  to,
  jobs,
  untilFailure,
  cluster,
}: NonNullable<typeof values>): Promise<void> {
  const startedAt = performance.now();
  const sum: Tally = { seeds: 0, failed: 0 };
  const chunk = untilFailure ? 10 : CHUNK;
  const mayContinue = () => next <= to && !(untilFailure && sum.failed > 0);
  let next = from;
  let shownAt = startedAt;
  const work = async () => {
    const worker = new Worker(launcher, { argv: ['simulate'] });
    while (mayContinue()) {
      const seeds = { from: next, to: Math.min(to, next + chunk - 1), untilFailure, cluster };
      next = seeds.to + 1;
      worker.postMessage(seeds);
      const [{ totals, failures }] = (await once(worker, 'message')) as [SeedsResult];
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
  const last = untilFailure && sum.failed > 0 ? next - 1 : to;
  console.log(`seeds ${from} to ${last} in ${seconds.toFixed(1)} s, ${sum.failed} failed`);
  process.exitCode = sum.failed === 0 ? 0 : 1;
}

/** In a worker. */
async function runSeeds({ from, to, untilFailure, cluster }: Seeds): Promise<SeedsResult> {
  const totals: Tally = { seeds: 0, failed: 0 };
  const failures: string[] = [];
  for (let seed = from; seed <= to && !(untilFailure && totals.failed > 0); seed++) {
    totals.seeds++;
    try {
      for (const [name, count] of Object.entries(
        await (cluster ? simulateCluster(seed) : simulate(seed)),
      )) {
        totals[name] = (totals[name] ?? 0) + count;
      }
    } catch (error) {
      totals.failed++;
      failures.push(messageOf(error));
    }
  }
  return { totals, failures };
}
