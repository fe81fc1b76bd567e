/**
 * Checks that packages import only what they may, and within the server and wal their folders, that no files import each other in a
 * circle, types included, and that no folder is crowded: `node scripts check-imports [ROOT]`. Prints what is wrong, with
 * file and line, and then exits with 1.
 */
import { existsSync, readdirSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readArguments } from './lib/arguments.ts';
import { circlesOf, type Import, readImports } from './lib/import-graph.ts';
import { crowdedFolders, roomFaults } from './lib/rooms.ts';

interface Allowed {
  readonly imports: readonly string[];
  readonly types: readonly string[];
}

/** By package: what its sources may import, and what of it as types only. docs/architecture.md draws it. */
const ALLOWED: Readonly<Record<string, Allowed>> = {
  topics: { imports: [], types: [] },
  codec: { imports: ['@promptmq/topics', 'mqtt-packet'], types: [] },
  session: { imports: ['@promptmq/topics'], types: [] },
  auth: {
    imports: [
      '@mongodb-js/saslprep',
      '@promptmq/codec',
      '@promptmq/topics',
      'hash-wasm',
      'ipaddr.js',
      'jose',
      'ldapts',
    ],
    types: [],
  },
  admin: { imports: ['openapi-fetch'], types: [] },
  wal: { imports: ['lmdb'], types: [] },
  cluster: {
    imports: [
      '@nats-io/jetstream',
      '@nats-io/kv',
      '@nats-io/transport-node',
      '@promptmq/codec',
      '@promptmq/session',
      '@promptmq/topics',
      '@promptmq/wal',
      'pg',
    ],
    types: [],
  },
  bench: { imports: ['@promptmq/codec', 'yargs'], types: [] },
  // Its bundle has all of them in it.
  console: { imports: ['@preact/signals', 'preact', 'uplot'], types: [] },
  metrics: { imports: ['prom-client'], types: [] },
  server: {
    imports: [
      '@hono/node-server',
      '@promptmq/admin',
      '@promptmq/auth',
      '@promptmq/bench',
      '@promptmq/cluster',
      '@promptmq/codec',
      '@promptmq/console',
      '@promptmq/metrics',
      '@promptmq/session',
      '@promptmq/topics',
      '@promptmq/wal',
      'hono',
      'rotating-file-stream',
      'winston',
      'yaml',
      'yargs',
      'zod',
    ],
    types: [],
  },
  conformance: { imports: ['ws', 'yargs'], types: [] },
  aedes: { imports: ['@promptmq/codec', '@promptmq/server', 'mqtt-packet'], types: [] },
};

const { positionals } = readArguments(import.meta.url, { allowPositionals: true });
const root = positionals[0] ?? fileURLToPath(new URL('..', import.meta.url));
const problems: string[] = [];

for (const name of readdirSync(join(root, 'packages'))) {
  const source = join(root, 'packages', name, 'src');
  if (!existsSync(source)) continue;
  const allowed = ALLOWED[name];
  if (allowed === undefined) {
    problems.push(`packages/${name}: not in the list of scripts/check-imports`);
    continue;
  }
  const graph = readImports(source);
  for (const [file, imports] of graph) checkFile(file, imports, name, allowed);
  for (const circle of circlesOf(graph)) {
    const way = [...circle, circle[0]].join(' -> ');
    problems.push(`packages/${name}/src: imports in a circle, types included: ${way}`);
  }
  for (const fault of roomFaults(name, graph)) {
    problems.push(`packages/${name}/src/${fault}`);
  }
  problems.push(...crowdedFolders(`${name}/src`, graph.keys()));
}

for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);

function checkFile(
  file: string,
  found: readonly Import[],
  name: string,
  { imports, types }: Allowed,
): void {
  for (const { specifier, line, isTypeOnly } of found) {
    const where = `packages/${name}/src/${file}:${line}`;
    if (specifier.startsWith('.')) {
      const target = join('src', file, '..', specifier);
      if (target.startsWith('..')) problems.push(`${where}: ${name} reaches out of its package`);
      continue;
    }
    if (isBuiltin(specifier)) continue;
    const dependency = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    if (imports.includes(dependency)) continue;
    if (types.includes(dependency) && isTypeOnly) continue;
    const what = types.includes(dependency) ? ' other than its types' : '';
    problems.push(`${where}: ${name} may not import ${dependency}${what}`);
  }
}
