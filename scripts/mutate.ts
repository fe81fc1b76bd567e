/**
 * Breaks the broker on purpose, one promise at a time, and looks which harness notices.
 *
 *   node scripts mutate                       each mutation, with the harnesses that must catch it
 *   node scripts mutate --all                 each mutation, with every harness
 *   node scripts mutate --only TEXT …         mutations whose name has this text; may be repeated
 *   node scripts mutate --harness NAME …      with these harnesses only; may be repeated
 *   node scripts mutate --list                names, and what each breaks
 *   node scripts mutate --check               only looks whether the code that each changes is there, once
 *
 *   --seeds N    that the simulation gets at most (1500)       --kills N   that the broker gets (60)
 *   --json FILE  writes the results there, too                 --skip-baseline   see below
 *
 * The mutations are in scripts/mutations/; each names the code that it changes, wherever that is. Everything happens in
 * a copy of the repository in a temporary folder. Before any mutation, each harness has to pass without one (the baseline).
 *
 * Ends with 1 when a mutation isn't caught by a harness that must catch it, when the code that it changes
 * is not in the sources exactly once, or when the baseline fails.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readArguments, refuse, wholeNumber } from './lib/arguments.ts';
import { messageOf } from './lib/errors.ts';
import {
  HARNESS_NAMES,
  type Harness,
  type HarnessName,
  harnesses,
  type Outcome,
  runTool,
} from './lib/harnesses.ts';
import { root } from './lib/prepare.js';
import { accessMutations } from './mutations/access.ts';
import { brokerMutations } from './mutations/broker.ts';
import { clusterMutations } from './mutations/cluster.ts';
import { hookMutations } from './mutations/hooks.ts';
import { logMutations } from './mutations/log.ts';
import { membershipMutations } from './mutations/membership.ts';
import type { Edit, Mutation } from './mutations/mutation.ts';
import { nodeMutations } from './mutations/nodes.ts';
import { placeOf, readSources } from './mutations/places.ts';
import { timeMutations } from './mutations/time.ts';

const { values } = readArguments(import.meta.url, {
  options: {
    all: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    harness: { type: 'string', multiple: true, default: [] },
    list: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    seeds: { type: 'string', default: '1500' },
    kills: { type: 'string', default: '60' },
    json: { type: 'string' },
    'skip-baseline': { type: 'boolean', default: false },
  },
});
const limits = {
  seeds: wholeNumber('--seeds', values.seeds, 1),
  kills: wholeNumber('--kills', values.kills, 1),
};
const mutations = [
  ...logMutations,
  ...brokerMutations,
  ...timeMutations,
  ...hookMutations,
  ...accessMutations,
  ...clusterMutations,
  ...membershipMutations,
  ...nodeMutations,
].filter(({ name }) => values.only.length === 0 || values.only.some((text) => name.includes(text)));
if (mutations.length === 0) refuse(`no mutation has ${values.only.join(' or ')} in its name`);
const unknown = values.harness.find((name) => !Object.hasOwn(harnesses, name));
if (unknown !== undefined) {
  refuse(`--harness ${unknown}: there are ${HARNESS_NAMES.join(', ')}`);
}

if (values.list) {
  for (const { name, breaks, caughtBy, harmless, gap } of mutations) {
    console.log(`${name}\n    ${breaks}`);
    if (gap !== undefined) console.log(`    not caught so far: ${gap}`);
    else
      console.log(`    ${harmless === undefined ? caughtBy.join(', ') : `harmless: ${harmless}`}`);
  }
} else if (values.check) {
  checkPlaces();
} else {
  await main();
}

function checkPlaces() {
  const sources = readSources(root);
  for (const { name, edits } of mutations) {
    for (const { find } of edits) {
      try {
        placeOf(sources, find);
      } catch (error) {
        console.log(`${name}: ${messageOf(error)}`);
        process.exitCode = 1;
      }
    }
  }
}

/** What came of a mutation. */
interface Result {
  readonly mutation: Mutation;
  readonly outcomes: Partial<Record<HarnessName, Omit<Outcome, 'output'>>>;
  /** Those that must catch it, and didn't. */
  readonly missedBy: HarnessName[];
  error: string | null;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-mutate-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
  copyRepository(folder);
  const results: Result[] = [];
  const isSound = values['skip-baseline'] || (await passesBaseline(folder));
  for (const [index, mutation] of mutations.entries()) {
    if (!isSound) break;
    console.log(`${index + 1}/${mutations.length} ${mutation.name}: ${mutation.breaks}`);
    const result = await judge(folder, mutation);
    results.push(result);
    if (result.error !== null) console.log(`    ERROR: ${result.error}`);
  }
  printTable(results);
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(results, null, 2));
  const failed = results.filter(({ error, missedBy }) => error !== null || missedBy.length > 0);
  const countOfThose = (kind: 'harmless' | 'gap') =>
    results.filter(({ mutation }) => mutation[kind] !== undefined).length;
  console.log(
    `${results.length} mutations, ${countOfThose('harmless')} of them harmless, ` +
      `${countOfThose('gap')} with no harness so far, ${failed.length} not caught as they must be`,
  );
  process.exitCode = isSound && failed.length === 0 ? 0 : 1;
}

/** The sources as they are now, with the dependencies of the original; but the packages find each other in the copy. */
function copyRepository(folder: string): void {
  for (const name of [
    'packages',
    'scripts',
    'test',
    'package.json',
    'pnpm-lock.yaml',
    'tsconfig.base.json',
  ]) {
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
    });
  }
  mkdirSync(join(folder, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules'))) {
    const from = join(root, 'node_modules', name);
    const to = join(folder, 'node_modules', name);
    // The workspace's own packages: links to ../../packages.
    if (name === '@promptmq') cpSync(from, to, { recursive: true, verbatimSymlinks: true });
    else symlinkSync(from, to);
  }
}

async function passesBaseline(folder: string): Promise<boolean> {
  console.log('without a mutation');
  const names = [...new Set(mutations.flatMap(harnessesFor))];
  const failure = await build(folder, names);
  if (failure !== null) {
    console.log(`    ERROR: ${failure}`);
    return false;
  }
  for (const name of names) {
    const outcome = await runHarness(folder, name);
    if (!outcome.isCaught) continue;
    console.log(outcome.output);
    return false;
  }
  return true;
}

function harnessesFor({ caughtBy }: Mutation): readonly HarnessName[] {
  const wanted = values.all ? HARNESS_NAMES : caughtBy;
  return wanted.filter((name) => values.harness.length === 0 || values.harness.includes(name));
}

async function judge(folder: string, mutation: Mutation): Promise<Result> {
  const result: Result = { mutation, outcomes: {}, missedBy: [], error: null };
  const originals = new Map<string, string>();
  try {
    apply(folder, mutation.edits, originals);
    const names = harnessesFor(mutation);
    result.error = await build(folder, names);
    if (result.error !== null) return result;
    for (const name of names) {
      const { isCaught, detail } = await runHarness(folder, name);
      result.outcomes[name] = { isCaught, detail };
      if (!isCaught && mutation.caughtBy.includes(name)) result.missedBy.push(name);
    }
  } catch (error) {
    result.error = messageOf(error);
  } finally {
    for (const [path, source] of originals) writeFileSync(path, source);
  }
  return result;
}

/** @throws {Error} when the code to be changed isn't there exactly once */
function apply(folder: string, edits: readonly Edit[], originals: Map<string, string>): void {
  const sources = readSources(folder);
  const changes = edits.map(({ find, put }) => ({ ...placeOf(sources, find), put }));
  // From the end of a file, so that the other places of it stay where they are.
  for (const { path, start, end, put } of changes.sort((a, b) => b.start - a.start)) {
    const source = readFileSync(path, 'utf8');
    if (!originals.has(path)) originals.set(path, source);
    writeFileSync(path, source.slice(0, start) + put + source.slice(end));
  }
}

/** Compiles it where a harness needs that. @returns why it doesn't compile, or null */
async function build(folder: string, names: readonly HarnessName[]): Promise<string | null> {
  if (!names.some((name) => harnessOf(name).needsBuild)) return null;
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, output } = await runTool(folder, [compiler, '-b', 'packages'], 300_000);
  return status === 0 ? null : `does not compile:\n${output}`;
}

function harnessOf(name: HarnessName): Harness {
  return harnesses[name];
}

async function runHarness(folder: string, name: HarnessName): Promise<Outcome> {
  const startedAt = performance.now();
  const outcome = await harnessOf(name).run(folder, limits);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  const verdict = outcome.isCaught ? 'caught' : 'not caught';
  console.log(`    ${name}: ${verdict}, ${outcome.detail} (${seconds} s)`);
  return outcome;
}

function printTable(results: readonly Result[]): void {
  const names = HARNESS_NAMES;
  const rows = results.map(({ mutation, outcomes, missedBy, error }) => [
    mutation.name,
    ...names.map((name) => {
      if (error !== null) return 'ERROR';
      const outcome = outcomes[name];
      if (outcome === undefined) return '';
      if (outcome.isCaught) return outcome.detail;
      return missedBy.includes(name) ? 'MISSED' : 'not caught';
    }),
  ]);
  const table = [['mutation', ...names], ...rows];
  const widths = ['mutation', ...names].map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of table) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}
