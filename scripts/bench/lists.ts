/**
 * How long lists of clients hold everything else up, with a million of them.
 *
 *   node scripts bench/lists [options]
 *
 * Sessions without a connection are made in a broker of this process, and the API's list of them is asked for, as a page, a search that
 * finds nobody, and sorted. Median and longest turn of each, and how long it took. What V8 collects between is in the longest
 * turn, too. Exits with 1 when the median is above 5 ms. Half a minute, and about 3 GB.
 *
 *   --clients N   (1,000,000)
 *   --json        print JSON instead of a table
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { positiveNumber, readArguments, runMain } from '../lib/arguments.ts';
import { buildIfNeeded } from '../lib/prepare.js';
import { machine, median, table } from './lib/report.ts';

const { values } = readArguments(import.meta.url, {
  options: {
    clients: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
  },
});
const count = positiveNumber('--clients', values.clients);

const GOAL_MS = 5;
const ROUNDS = 5;

interface Turns {
  readonly what: string;
  readonly medianMs: number;
  readonly longestMs: number;
  readonly totalMs: number;
}

await runMain('lists', main);

async function main(): Promise<void> {
  buildIfNeeded();
  const { Broker } = await import('../../packages/server/dist/broker.js');
  const { parseConfig } = await import('../../packages/server/dist/config/index.js');
  const { BrokerClients } = await import('../../packages/server/dist/embed/clients/clients.js');
  const { noopLogger } = await import('../../packages/server/dist/log/index.js');
  const { nodeRuntime } = await import('../../packages/server/dist/runtime/runtime.js');
  const { listClients } = await import(
    '../../packages/server/dist/admin/routes/clients/list-clients.js'
  );
  const config = parseConfig({ storage: { enabled: false } });
  // Nothing is to keep this process when all is measured.
  const runtime = { ...nodeRuntime, setTimer: () => () => {} };
  const broker = new Broker(config, runtime, noopLogger);
  for (let index = 0; index < count; index++) {
    broker.sessions.restoreEntry({
      number: 0,
      clientId: `device-${index}`,
      expiryInterval: 0,
      disconnectedAt: 1,
      willDueAt: Number.POSITIVE_INFINITY,
      will: null,
      owner: index % 3 === 0 ? null : 'owner',
    });
  }
  const clients = new BrokerClients(broker);
  const host = { broker: { clients, config, stats: { sessionsCurrent: count } } };
  const ask = async (query: object) => {
    const call = { host, query, signal: new AbortController().signal };
    const { stream } = await listClients.handle(call as never);
    // A long page is made in turns while it is sent.
    if (stream !== undefined) for await (const _ of stream.bytes as AsyncIterable<Uint8Array>);
  };
  const tasks: Readonly<Record<string, object>> = {
    'a page of 100': { page: 1, limit: 100 },
    'a page of 10,000 in the middle': { page: Math.ceil(count / 20_000), limit: 10_000 },
    'a search that finds nobody': { page: 1, limit: 100, like_clientid: 'nobody' },
    'the same by user name': { page: 1, limit: 100, username: ['nobody'] },
    'the first 100, sorted': { page: 1, limit: 100, sort: 'mqueue_len', order: 'desc' },
  };
  const all: Turns[] = [];
  for (const [what, query] of Object.entries(tasks))
    all.push(await measure(what, () => ask(query)));
  console.log(values.json ? JSON.stringify({ machine: machine(), count, all }) : describe(all));
  const slow = all.find(({ medianMs }) => medianMs > GOAL_MS);
  if (slow !== undefined) throw new Error(`${slow.what}: turns of ${slow.medianMs.toFixed(1)} ms`);
}

/** The turns of everything else wait for as long as one of these takes. */
async function measure(what: string, ask: () => Promise<void>): Promise<Turns> {
  const turns: number[] = [];
  const totals: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let isOver = false;
    const startedAt = performance.now();
    const asked = ask().then(() => {
      isOver = true;
    });
    let last = startedAt;
    while (!isOver) {
      await nextTurn();
      const now = performance.now();
      turns.push(now - last);
      last = now;
    }
    await asked;
    totals.push(last - startedAt);
  }
  return {
    what,
    medianMs: median(turns),
    longestMs: Math.max(...turns),
    totalMs: median(totals),
  };
}

function describe(all: readonly Turns[]): string {
  const rows = all.map(({ what, medianMs, longestMs, totalMs }) => [
    what,
    `${medianMs.toFixed(1)} ms`,
    `${longestMs.toFixed(1)} ms`,
    `${totalMs.toFixed(0)} ms`,
  ]);
  const found = table(['', 'a turn, median', 'longest', 'all of it'], rows);
  return `Of ${count.toLocaleString('en')} clients, on ${machine()}.\n\n${found}`;
}
