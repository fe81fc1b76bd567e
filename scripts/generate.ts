/**
 * Writes what is generated from the sources.
 *
 *   node scripts generate                  all of it
 *   node scripts generate NAME …           configuration, limits, metrics, conformance, hostile, admin, api
 *   node scripts generate … --check        writes nothing; ends with 1 when a file is stale, and names it
 *   node scripts generate … --root FOLDER  into another copy of the repository
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Generate, Generated } from './generate/generated.ts';
import { readArguments, refuse } from './lib/arguments.ts';
import { root as repository, run } from './lib/prepare.js';
import { publicPackages } from './lib/release.ts';

/** Loaded when the packages have been compiled. */
const GENERATORS: Readonly<Record<string, () => Promise<{ readonly generate: Generate }>>> = {
  configuration: () => import('./generate/configuration.ts'),
  limits: () => import('./generate/limits.ts'),
  metrics: () => import('./generate/metrics.ts'),
  conformance: () => import('./generate/conformance.ts'),
  hostile: () => import('./generate/hostile.ts'),
  admin: () => import('./generate/admin.ts'),
  api: () => import('./generate/api.ts'),
};

const { values, positionals } = readArguments(import.meta.url, {
  options: {
    check: { type: 'boolean', default: false },
    root: { type: 'string', default: repository },
  },
  allowPositionals: true,
});
const names = positionals.length > 0 ? positionals : Object.keys(GENERATORS);
const loaders = names.map((name) => {
  const load = Object.hasOwn(GENERATORS, name) ? GENERATORS[name] : undefined;
  return (
    load ?? refuse(`nothing generates ${name}; there are ${Object.keys(GENERATORS).join(', ')}`)
  );
});

const compiler = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
const projects = publicPackages(repository).map(({ path }) => path);
run('building', process.execPath, [compiler, '-b', ...projects]);
for (const [index, load] of loaders.entries()) {
  const { generate } = await load();
  const generated = await generate(values.root);
  const stale = staleFiles(generated);
  if (!values.check) write(generated, stale);
  for (const path of stale) {
    if (values.check) console.error(`${path} is stale: run node scripts generate ${names[index]}`);
    else console.log(path);
  }
  if (values.check && stale.length > 0) process.exitCode = 1;
}

/** The files that are not as they should be, and those that should not be there. */
function staleFiles({ files, folder }: Generated): string[] {
  const stale = Object.keys(files).filter((path) => {
    const file = join(values.root, path);
    return !existsSync(file) || readFileSync(file, 'utf8') !== files[path];
  });
  if (folder === undefined || !existsSync(join(values.root, folder))) return stale;
  const there = readdirSync(join(values.root, folder), { recursive: true, withFileTypes: true });
  const names = there
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(values.root.length))
    .map((path) => path.replaceAll('\\', '/').replace(/^\//, ''));
  return [...stale, ...names.filter((path) => !Object.hasOwn(files, path))];
}

function write({ files }: Generated, stale: readonly string[]): void {
  for (const path of stale) {
    const file = join(values.root, path);
    const text = files[path];
    mkdirSync(dirname(file), { recursive: true });
    if (text === undefined) rmSync(file);
    else writeFileSync(file, text);
  }
}
