/**
 * Checks that no array is spread into the arguments of a call: `node scripts check-spreads [ROOT]`. All
 * arguments lie on the stack, so an array of some 120,000 entries ends the process there, and most arrays of a broker
 * are as long as its clients make them. Prints each such call with file and line, and then exits with 1.
 *
 * The load generator and the black-box tests are left out: nobody makes their arrays but they themselves.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readArguments } from './lib/arguments.ts';

const LEFT_OUT = ['bench', 'conformance'];

/** `call(...all)`, `call(one, ...others)`; a rest parameter has its type after its name. */
const SPREAD = /[\w\])]\s*\((?:[^(){}[\]]*,)?\s*\.\.\.(?!\w+\s*:)/g;
const APPLY = /\.apply\(/g;

const { positionals } = readArguments(import.meta.url, { allowPositionals: true });
const root = positionals[0] ?? fileURLToPath(new URL('..', import.meta.url));
const problems: string[] = [];

for (const name of readdirSync(join(root, 'packages'))) {
  const source = join(root, 'packages', name, 'src');
  if (LEFT_OUT.includes(name) || !existsSync(source)) continue;
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (/\.tsx?$/.test(file)) checkFile(join(source, file));
  }
}

for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);

function checkFile(path: string): void {
  const text = readFileSync(path, 'utf8');
  for (const pattern of [SPREAD, APPLY]) {
    for (const { index, 0: found } of text.matchAll(pattern)) {
      const line = text.slice(0, index + found.length).split('\n').length;
      problems.push(`${relative(root, path)}:${line}: an array is spread into arguments`);
    }
  }
}
