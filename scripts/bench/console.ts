/**
 * What an open console costs.
 *
 *   node scripts bench/console [options]
 *
 * 50 pairs at QoS 0 of a broker whose console is open in a real browser, in turns with the same broker while nobody looks. Median ratios of
 * the throughput, and of the broker's processor time for a message, page by page; and what part of a core the broker needs for the page
 * while there are no messages. The browser shares its core with the load generator. Exits with 1 when a page takes more than 2 % of the
 * broker's time, and more than rounds differ. About a minute and a half a page.
 *
 *   --rounds N    of each page (8)
 *   --seconds N   of each run, after a second of warm-up (3)
 *   --pages LIST  of the console (overview,analytics,clients,topics,log)
 *   --json        print JSON instead of a table
 */
import { setTimeout } from 'node:timers/promises';
import { freePort } from '../../packages/server/test/support/free-port.ts';
import { ConsoleBrowser, logIn, program } from '../../test/console/support/console-browser.ts';
import { positiveNumber, readArguments, refuse, runMain } from '../lib/arguments.ts';
import { readProcessUsage } from './lib/bench-package.ts';
import { pinSelf, promptmq, type Running, startBroker } from './lib/brokers.ts';
import { machine } from './lib/report.ts';
import { type Cost, describeCosts, load, measureTurns } from './lib/turns.ts';

/** Paths of the pages, and what is there when they have begun. */
const PAGES = {
  overview: '/',
  analytics: '/analytics',
  clients: '/clients',
  topics: '/topics',
  log: '/log',
} as const;

const { values } = readArguments(import.meta.url, {
  options: {
    rounds: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '3' },
    pages: { type: 'string', default: Object.keys(PAGES).join(',') },
    json: { type: 'boolean', default: false },
  },
});
const rounds = positiveNumber('--rounds', values.rounds);
const seconds = positiveNumber('--seconds', values.seconds);
const pages = values.pages.split(',').map((name) => {
  if (!Object.hasOwn(PAGES, name)) refuse(`--pages ${name}: ${Object.keys(PAGES).join(', ')}`);
  return name as keyof typeof PAGES;
});

const GOAL = 0.02;
/** Processor time counts in hundredths of a second: a thousandth of this. */
const ALONE_MS = 10_000;
const SETTLE_MS = 5000;
/** No secret: it is the key of a broker that lives for some minutes. */
const SECRET = 'a-secret-that-is-long-enough';
const KEY = { name: 'bench', secret: SECRET, scopes: ['read'] };
const LOAD = ['pairs', '--pairs', '50', '--warmup', '1', '--seconds', String(seconds)];

/** What a page costs. */
interface PageCost extends Cost {
  /** Cores, while there are no messages. */
  readonly core: number;
}

await runMain('console', main);

async function main(): Promise<void> {
  if (program.missing !== null) throw new Error(program.missing);
  // The browser begins where this process is.
  pinSelf();
  const port = await freePort();
  const keys = ['--admin-bind', `127.0.0.1:${port}`, '--admin-keys', JSON.stringify([KEY])];
  const running = await startBroker(promptmq(keys));
  await using browser = await ConsoleBrowser.open();
  const costs: PageCost[] = [];
  try {
    const page = await browser.page();
    const url = `http://127.0.0.1:${port}`;
    await logIn(page, url, KEY.name, SECRET);
    for (const name of pages) {
      const show = async (isOpen: boolean) => {
        await page.goto(isOpen ? `${url}/#${PAGES[name]}` : 'about:blank');
        if (isOpen) await page.getByRole('button', { name: 'Log out' }).waitFor();
      };
      const cost = await measureTurns(name, rounds, async (isOpen) => {
        await show(isOpen);
        return load(running, LOAD);
      });
      await show(false);
      const closed = await coreOf(running);
      await show(true);
      costs.push({ ...cost, core: (await coreOf(running)) - closed });
    }
  } finally {
    await running.stop();
  }
  console.log(values.json ? JSON.stringify({ machine: machine(), costs }) : describe(costs));
  const dear = costs.find(({ cpuRatio, cpuSpread }) => cpuRatio - cpuSpread > 1 + GOAL);
  if (dear !== undefined) {
    throw new Error(`${dear.what} takes ${((dear.cpuRatio - 1) * 100).toFixed(1)} %`);
  }
}

/** What part of a core a broker has for some seconds in which there are no messages. */
async function coreOf({ pid }: Running): Promise<number> {
  // What a load has left behind is collected, and what a page begins with has been read.
  await setTimeout(SETTLE_MS);
  const cpuSeconds = () => readProcessUsage(pid ?? -1)?.cpuSeconds ?? Number.NaN;
  const [before, startedAt] = [cpuSeconds(), performance.now()];
  await setTimeout(ALONE_MS);
  return (cpuSeconds() - before) / ((performance.now() - startedAt) / 1000);
}

function describe(costs: readonly PageCost[]): string {
  const found = describeCosts(['page', 'open', 'closed'], costs);
  const alone = costs.map(({ what, core }) => `${what} ${(100 * core).toFixed(1)} %`).join(', ');
  return `On ${machine()}; medians of ${rounds} rounds in turns.\n\n${found}\n\nOf a core, without messages: ${alone}.`;
}
