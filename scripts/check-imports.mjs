/**
 * Checks that packages import only what they may: `node scripts check-imports [ROOT]`. Prints each
 * import that they may not, with file and line, and then exits with 1.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readArguments } from './lib/arguments.ts';

/** By package: what its sources may import, and what of it as types only. docs/architecture.md draws it. */
const ALLOWED = {
  topics: { imports: [], types: [] },
  codec: { imports: ['@promptmq/topics', 'mqtt-packet'], types: [] },
  session: { imports: ['@promptmq/topics'], types: [] },
  wal: { imports: ['lmdb'], types: [] },
  bench: { imports: ['@promptmq/codec', 'yargs'], types: [] },
  metrics: { imports: ['prom-client'], types: [] },
  server: {
    imports: [
      '@promptmq/bench',
      '@promptmq/codec',
      '@promptmq/metrics',
      '@promptmq/session',
      '@promptmq/topics',
      '@promptmq/wal',
      'rotating-file-stream',
      'winston',
      'yaml',
      'yargs',
      'zod',
    ],
    types: [],
  },
  conformance: { imports: ['@promptmq/server', 'ws'], types: [] },
};

const { positionals } = readArguments(import.meta.url, { allowPositionals: true });
const root = positionals[0] ?? fileURLToPath(new URL('..', import.meta.url));
const problems = [];

for (const name of readdirSync(join(root, 'packages'))) {
  const source = join(root, 'packages', name, 'src');
  if (!existsSync(source)) continue;
  const allowed = ALLOWED[name];
  if (allowed === undefined) {
    problems.push(`packages/${name}: not in the list of scripts/check-imports`);
    continue;
  }
  for (const file of readdirSync(source, { recursive: true })) {
    if (file.endsWith('.ts')) checkFile(join(source, file), name, allowed);
  }
}

for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);

function checkFile(path, name, { imports, types }) {
  const text = readFileSync(path, 'utf8');
  const pattern =
    /\b(?:import|export)\s+(type\s+)?(?:[^'";]*?\bfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;
  for (const match of text.matchAll(pattern)) {
    const specifier = match[2] ?? match[3];
    const line = text.slice(0, match.index).split('\n').length;
    const where = `${relative(root, path)}:${line}`;
    if (specifier.startsWith('.')) {
      const target = relative(join(root, 'packages', name), join(path, '..', specifier));
      if (target.startsWith('..')) problems.push(`${where}: ${name} reaches out of its package`);
      continue;
    }
    if (isBuiltin(specifier)) continue;
    const dependency = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    if (imports.includes(dependency)) continue;
    if (types.includes(dependency) && match[1] !== undefined) continue;
    const what = types.includes(dependency) ? ' other than its types' : '';
    problems.push(`${where}: ${name} may not import ${dependency}${what}`);
  }
}
