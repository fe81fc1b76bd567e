/**
 * Says how many lines of each package the tests reach: `node scripts coverage RAW [--lines FILE]`.
 *
 * RAW is a folder in which processes left their coverage: `NODE_V8_COVERAGE=RAW npm test`. With --lines, the lines that
 * none of them reached are written to a file, one of the sources a line. It judges nothing: a line that is run isn't
 * tested yet, and some can't be reached, such as what another system does.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readArguments } from './lib/arguments.ts';
import { type FileCoverage, readCoverage } from './lib/coverage.ts';

const { values, positionals } = readArguments(import.meta.url, {
  allowPositionals: true,
  options: { lines: { type: 'string' } },
});
const [raw] = positionals;
if (raw === undefined) {
  console.error('promptmq: coverage needs a folder with the coverage of processes; see --help');
  process.exit(2);
}
const root = fileURLToPath(new URL('..', import.meta.url));
const { files, foreignCount } = readCoverage(root, raw);

const packages = new Map<string, FileCoverage[]>();
for (const file of files) {
  const name = file.path.split('/')[1] as string;
  packages.set(name, [...(packages.get(name) ?? []), file]);
}
console.log(`${'package'.padEnd(14)}  files   lines  missed  reached`);
for (const [name, its] of [...packages, ['all', files] as const]) {
  const lines = sum(its, (file) => file.lines.length);
  const missed = sum(its, (file) => file.missed.length);
  const reached = ((100 * (lines - missed)) / Math.max(1, lines)).toFixed(1);
  console.log(
    `${name.padEnd(14)}  ${`${its.length}`.padStart(5)}  ${`${lines}`.padStart(6)}  ${`${missed}`.padStart(6)}  ${reached.padStart(6)}%`,
  );
}
if (values.lines !== undefined) {
  const list = files.filter(({ missed }) => missed.length > 0).map((file) => `${lineOf(file)}\n`);
  writeFileSync(values.lines, list.join(''));
  console.log(`lines that no test reaches: ${values.lines}`);
}
if (foreignCount > 0) {
  console.log(`left out: ${foreignCount} scripts that were other code than what is there now`);
}

function sum(all: readonly FileCoverage[], value: (file: FileCoverage) => number): number {
  return all.reduce((total, file) => total + value(file), 0);
}

/** Such as `packages/wal/src/log/log.ts 12 30-34`. */
function lineOf({ path, lines, missed }: FileCoverage): string {
  const spans: string[] = [];
  for (let index = 0; index < missed.length; index++) {
    const first = missed[index] as number;
    // Lines without code between two missed ones, such as comments, don't divide them.
    while (
      index + 1 < missed.length &&
      isNext(missed[index] as number, missed[index + 1] as number)
    ) {
      index++;
    }
    const last = missed[index] as number;
    spans.push(first === last ? `${first}` : `${first}-${last}`);
  }
  return `${path} ${spans.join(' ')}`;

  function isNext(one: number, other: number): boolean {
    return lines[lines.indexOf(one) + 1] === other;
  }
}
