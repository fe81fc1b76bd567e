/**
 * What an open console costs.
 *
 *   node scripts bench/console [options]
 *
 * 50 pairs at QoS 0 of a broker whose console is open in a real browser, in turns with the same broker while nobody looks. Median ratios of
 * the throughput, and of the broker's processor time for a message, page by page. The browser shares its core with the load
 * generator. Exits with 1 when the overview takes more than 2 % of the broker's time, and more than rounds differ. About
 * a minute a page.
 *
 *   --rounds N    of each page (8)
 *   --seconds N   of each run, after a second of warm-up (3)
 *   --pages LIST  of the console (overview,analytics,clients,topics,log)
 *   --json        print JSON instead of a table
 */
import { freePort } from '../../packages/server/test/support/free-port.ts';
import { ConsoleBrowser, logIn, program } from '../../test/console/support/console-browser.ts';
import { positiveNumber, readArguments, refuse, runMain } from '../lib/arguments.ts';
import { pinSelf, promptmq, startBroker } from './lib/brokers.ts';
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
/** No secret: it is the key of a broker that lives for some minutes. */
const SECRET = 'a-secret-that-is-long-enough';
const KEY = { name: 'bench', secret: SECRET, scopes: ['read'] };
const LOAD = ['pairs', '--pairs', '50', '--warmup', '1', '--seconds', String(seconds)];

await runMain('console', main);

async function main(): Promise<void> {
  if (program.missing !== null) throw new Error(program.missing);
  // The browser begins where this process is.
  pinSelf();
  const port = await freePort();
  const keys = ['--admin-bind', `127.0.0.1:${port}`, '--admin-keys', JSON.stringify([KEY])];
  const running = await startBroker(promptmq(keys));
  await using browser = await ConsoleBrowser.open();
  const costs: Cost[] = [];
  try {
    const page = await browser.page();
    const url = `http://127.0.0.1:${port}`;
    await logIn(page, url, KEY.name, SECRET);
    for (const name of pages) {
      const measure = async (isOpen: boolean) => {
        if (isOpen) {
          await page.goto(`${url}/#${PAGES[name]}`);
          await page.getByRole('button', { name: 'Log out' }).waitFor();
        } else {
          await page.goto('about:blank');
        }
        return load(running, LOAD);
      };
      costs.push(await measureTurns(name, rounds, measure));
    }
  } finally {
    await running.stop();
  }
  console.log(values.json ? JSON.stringify({ machine: machine(), costs }) : describe(costs));
  const overview = costs.find(({ what }) => what === 'overview');
  if (overview !== undefined && overview.cpuRatio - overview.cpuSpread > 1 + GOAL) {
    throw new Error(`the overview takes ${((overview.cpuRatio - 1) * 100).toFixed(1)} %`);
  }
}

function describe(costs: readonly Cost[]): string {
  const found = describeCosts(['page', 'open', 'closed'], costs);
  return `On ${machine()}; medians of ${rounds} rounds in turns.\n\n${found}`;
}
