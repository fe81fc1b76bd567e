/**
 * Kills and stops servers of NATS, and the processes that append to fenced logs on them, and looks whether what was acknowledged counts.
 *
 *   node scripts fencing [--kills N] [--seed N] [--window N] [--cells N] [--json]
 *
 * Ends with 1 when an entry that was acknowledged is lost, comes twice, or in another order.
 */
import type { FencingReport } from '../packages/cluster/test/fencing/fencing-run.ts';
import { readArguments, refuse, wholeNumber } from './lib/arguments.ts';
import { clientPrograms, fetchProgram, whyMissing } from './lib/client-programs.ts';
import { messageOf } from './lib/errors.ts';
import { buildIfNeeded } from './lib/prepare.js';

const { values } = readArguments(import.meta.url, {
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    window: { type: 'string', default: '1' },
    cells: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const kills = wholeNumber('--kills', values.kills);
const seed = wholeNumber('--seed', values.seed);
const window = wholeNumber('--window', values.window);
const cells = wholeNumber('--cells', values.cells);
buildIfNeeded();
await import('./lib/sources.js');
const { runFencing } = await import('../packages/cluster/test/fencing/fencing-run.ts');

const program = clientPrograms().find(({ name }) => name.startsWith('nats-server'));
if (program === undefined) throw new Error('nats-server is not in the list of programs');
fetchProgram(program);
const missing = whyMissing(program);
if (missing !== null) refuse(`${program.name}: ${missing}`);

const startedAt = performance.now();
let shownAt = startedAt;
try {
  const report = await runFencing({
    seed,
    kills,
    window,
    cells,
    command: program.command,
    onProgress: (progress) => {
      if (values.json || performance.now() - shownAt < 10_000) return;
      shownAt = performance.now();
      console.log(textOf(progress));
    },
  });
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  if (values.json) console.log(JSON.stringify({ seed, window, ...report, seconds }));
  else console.log(`${textOf(report)}\nseed ${seed}, window ${window}: nothing lost, ${seconds} s`);
} catch (error) {
  console.error(`seed ${seed}, window ${window}: ${messageOf(error)}`);
  process.exitCode = 1;
}

function textOf(report: FencingReport): string {
  return Object.entries(report)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
