/**
 * Clients that talk to a broker at the same time, some by the book and others not quite: what they send is a conversation
 * whose packets are changed here and there.
 *
 *   node scripts fuzz --packets N --seed S      so many packets, from a seed on (200000, a random one)
 *   node scripts fuzz … --round N               packets a seed, in a broker of its own (5000)
 *   node scripts fuzz … --socket                one broker in a process of its own, over TCP, WebSocket and PROXY protocol
 *
 * Ends with 1 when the broker throws, breaks its invariants or a rule, leaves something behind, grows, is busy for over a
 * second with one step, or stops serving a client that does nothing wrong; the seed is named.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readArguments, wholeNumber } from './lib/arguments.ts';
import { messageOf } from './lib/errors.ts';
import { buildIfNeeded } from './lib/prepare.js';

/** Rounds after which memory is as it stays. */
const WARM_ROUNDS = 30;
const GROWTH_MAX = 60e6;
const STALL_MAX_MS = 1000;
const SHOW_MS = 30_000;

const { values } = readArguments(import.meta.url, {
  options: {
    packets: { type: 'string', default: '200000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    round: { type: 'string', default: '5000' },
    socket: { type: 'boolean', default: false },
  },
});
const packetCount = wholeNumber('--packets', values.packets, 1);
const first = wholeNumber('--seed', values.seed);
const roundSize = wholeNumber('--round', values.round, 1);
if (values.socket) buildIfNeeded();
await import('./lib/sources.js');

const startedAt = performance.now();
const sums = new Map<string, number>();
let rounds = 0;
let shownAt = startedAt;
let failure = '';
try {
  await (values.socket ? overSockets() : inProcess());
} catch (error) {
  failure = messageOf(error);
}
show();
if (failure !== '') {
  console.error(failure);
  process.exitCode = 1;
}

async function inProcess(): Promise<void> {
  const { fuzzRound } = await import('../packages/server/test/fuzz/rounds.ts');
  const { writeRules } = await import('../packages/server/test/fuzz/rules.ts');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-fuzz-'));
  let warmBytes = 0;
  try {
    const rules = writeRules(folder);
    while ((sums.get('packets') ?? 0) < packetCount) {
      const left = packetCount - (sums.get('packets') ?? 0);
      const result = await fuzzRound(first + rounds, Math.min(left, roundSize), rules);
      const { longestMs, ...counts } = result;
      add(counts);
      const longest = Math.max(sums.get('longest step in ms') ?? 0, Math.round(longestMs));
      sums.set('longest step in ms', longest);
      if (longestMs > STALL_MAX_MS) {
        throw new Error(`seed ${first + rounds}: a step of ${Math.round(longestMs)} ms`);
      }
      rounds++;
      if (rounds % WARM_ROUNDS === 0) {
        collect();
        const { heapUsed } = process.memoryUsage();
        if (warmBytes === 0) warmBytes = heapUsed;
        sums.set(
          'MB of heap more than after the first rounds',
          Math.round((heapUsed - warmBytes) / 1e6),
        );
        if (heapUsed > warmBytes + GROWTH_MAX) throw new Error('memory grows');
      }
      if (performance.now() - shownAt > SHOW_MS) show();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function overSockets(): Promise<void> {
  const { fuzzSockets } = await import('../packages/server/test/fuzz/socket-run.ts');
  const { startAttacked } = await import('../packages/conformance/test/support/attacked-broker.ts');
  const { Canary } = await import('../packages/conformance/src/hostile/canary/canary.ts');
  const broker = await startAttacked();
  const { target, pid, ports } = broker;
  const canary = await Canary.start({ target, pid, topic: 'fuzz/canary' });
  const { credentials, other } = target;
  const users = [credentials, other, other, null, { username: 'eve', password: 'wrong' }].map(
    (one) => (one === null ? null : { username: one.username, password: one.password ?? '' }),
  );
  try {
    canary.mark();
    while ((sums.get('packets') ?? 0) < packetCount) {
      const left = packetCount - (sums.get('packets') ?? 0);
      const size = Math.min(left, roundSize);
      add(await fuzzSockets(first + rounds, size, ports, users, broker.isAlive));
      rounds++;
      const seen = await canary.report();
      sums.set('longest round trip of the canary in ms', Math.round(seen.worstMs));
      const { before = 0, after = 0 } = seen.memory ?? {};
      sums.set('MB of memory more than before', Math.round((after - before) / 1e6));
      const faults = broker.log().filter(({ event }) => event === 'internal-error');
      const name = `seed ${first + rounds - 1}`;
      if (faults.length > 0) throw new Error(`${name}: ${JSON.stringify(faults[0])}`);
      if (!seen.isServed || seen.lostCount > 0) throw new Error(`${name}: the canary isn't served`);
      if (performance.now() - shownAt > SHOW_MS) show();
    }
  } finally {
    await canary.end();
    await broker.stop();
  }
}

function add(counts: object): void {
  for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count);
}

function show(): void {
  shownAt = performance.now();
  const seconds = Math.round((shownAt - startedAt) / 1000);
  const figures = [...sums].map(([name, count]) => `${count} ${name}`).join(', ');
  console.log(`seeds ${first} to ${first + Math.max(0, rounds - 1)} in ${seconds} s: ${figures}`);
}
