/**
 * The command of @promptmq/conformance from its sources; `--help` has its options.
 *
 *   node scripts conformance                                    against a PromptMQ of its own, with every case
 *   node scripts conformance --workers 2 [options]              against one with several processes
 *   node scripts conformance --cluster [options]                against three nodes on three servers of NATS, with each connection of a case to
 *                                                               another node; --nodes N: so many nodes, 1 to compare with
 *   node scripts conformance --target HOST:PORT [options]       against any broker
 *   node scripts conformance --target … --save NAME             keeps the results for docs/conformance.md
 *   node scripts conformance hostile [--target …]               attacks a PromptMQ of its own, or any broker
 *   node scripts conformance hostile … --save NAME              keeps the results for docs/hostile.md
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostileJson } from '../packages/conformance/dist/index.js';
import { buildIfNeeded, root } from './lib/prepare.js';

const given = process.argv.slice(2);
const workersAt = given.indexOf('--workers');
const nodesAt = given.indexOf('--nodes');
const isCluster = given.includes('--cluster') || nodesAt !== -1;
const args = given.filter(
  (text, index) =>
    text !== '--cluster' &&
    !(workersAt !== -1 && [workersAt, workersAt + 1].includes(index)) &&
    !(nodesAt !== -1 && [nodesAt, nodesAt + 1].includes(index)),
);
// A thread of the canary runs what was compiled.
buildIfNeeded(['server', 'conformance']);
await import('./lib/sources.js');
const { runCommand } = await import('../packages/conformance/src/index.ts');
const { startOwn } = await import('../packages/conformance/test/support/own-broker.ts');
const { startWorkers } = await import('../packages/conformance/test/support/own-workers.ts');
const { OwnClusters } = await import('../packages/conformance/test/support/own-cluster.ts');
const { otherProgram } = await import('../packages/cluster/test/support/other-programs.ts');
const { startAttacked } = await import('../packages/conformance/test/support/attacked-broker.ts');

/** What a message may take from one worker to another on a busy machine. */
const SETTLE_MS = '300';

const options = {
  scriptName: 'node scripts conformance',
  start: startOwn,
  startHostile: startAttacked,
};
const saveAt = args.indexOf('--save');
if (isCluster) process.exitCode = await runCluster(nodesAt === -1 ? 3 : Number(given[nodesAt + 1]));
else if (workersAt !== -1) process.exitCode = await runWorkers(Number(given[workersAt + 1]));
else if (saveAt === -1) process.exitCode = await runCommand(args, options);
else process.exitCode = await save(args[saveAt + 1] ?? 'another broker');

/** @param count - of workers, from 2 */
async function runWorkers(count: number): Promise<number> {
  const { address, wsUrl, stop } = await startWorkers(count);
  try {
    return await runCommand(
      ['--target', address, '--ws', wsUrl, '--settle', SETTLE_MS, ...args],
      options,
    );
  } finally {
    await stop();
  }
}

/** @param size - nodes, from 1 */
async function runCluster(size: number): Promise<number> {
  const { name, command, missing } = otherProgram('nats-server');
  if (missing !== null) {
    console.error(`${name}: ${missing}`);
    return 2;
  }
  const clusters = await OwnClusters.prepare(command, size);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void clusters.stop().then(() => process.exit(1)));
  }
  try {
    return await runCommand(args, { ...options, start: clusters.start });
  } finally {
    await clusters.stop();
  }
}

/** @param name - what the page calls the broker */
async function save(name: string): Promise<number> {
  if (args.includes('--only')) {
    console.error('--save needs all cases: leave out --only');
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-conformance-'));
  try {
    const file = join(folder, 'report.json');
    const others = args.filter((_, index) => index !== saveAt && index !== saveAt + 1);
    const exitCode = await runCommand([...others, '--report', file], options);
    if (exitCode === 2) return exitCode;
    if (args[0] === 'hostile') return keepHostile(name, file, exitCode);
    const { cases } = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly cases: readonly { title: string; outcome: string; reason: string | null }[];
    };
    // Topics and addresses of the run don't belong there: the page has to be the same each time.
    const results = cases.map(({ title, outcome, reason }) => ({
      title,
      outcome,
      reason: reason?.replace(/case\d+x\w+/g, 'the case') ?? null,
    }));
    const peer = join(root, 'scripts', 'generate', 'conformance', 'peer.json');
    writeFileSync(peer, `${JSON.stringify({ name, results }, null, 2)}\n`);
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Keeps what came of the attacks, beside that of other brokers. */
function keepHostile(name: string, file: string, exitCode: number): number {
  const { date, cases } = JSON.parse(readFileSync(file, 'utf8')) as HostileJson;
  const kept = join(root, 'scripts', 'generate', 'hostile', 'results.json');
  const others = JSON.parse(readFileSync(kept, 'utf8')) as Record<string, unknown>;
  const results = cases.map(({ title, outcome, reason, worstMs, memory }) => ({
    ...{ title, outcome, worstMs, memory },
    reason: reason?.replace(/hostile[\da-f]{6}(x\d+)?/g, 'the case') ?? null,
  }));
  const all = { ...others, [name]: { date: date.slice(0, 10), results } };
  writeFileSync(kept, `${JSON.stringify(all, null, 2)}\n`);
  return exitCode;
}
