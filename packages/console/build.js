/**
 * Builds what the browser gets into dist/web: `node packages/console/build.js [--watch]`. JavaScript, so that it runs before
 * anything else is compiled, also where only the packages are, as in the image.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, context } from 'esbuild';

const folder = fileURLToPath(new URL('.', import.meta.url));
const target = join(folder, 'dist', 'web');

/** Whose code is in the bundle: their licenses ask to come along. */
const BUNDLED = ['preact', '@preact/signals', '@preact/signals-core', 'uplot'];

/** @type {import('esbuild').BuildOptions} */
const options = {
  absWorkingDir: folder,
  entryPoints: { console: 'src/main.tsx' },
  outdir: target,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  logLevel: 'warning',
  legalComments: 'none',
  external: ['./icon.svg'],
};

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
for (const name of ['index.html', 'icon.svg']) {
  writeFileSync(join(target, name), readFileSync(join(folder, 'src', name)));
}
writeFileSync(join(target, 'third-party.txt'), licenses());
if (process.argv.includes('--watch')) {
  await (await context(options)).watch();
} else {
  await build(options);
}

/** The licenses of what is bundled, one after the other. pnpm would take a file named for them for ours. */
function licenses() {
  const from = createRequire(join(folder, 'package.json'));
  const signals = createRequire(from.resolve('@preact/signals'));
  return BUNDLED.map((name) => {
    const at = packageFolder(name === '@preact/signals-core' ? signals : from, name);
    const file = readdirSync(at).find((entry) => /^license/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no license`);
    return `${name}\n\n${readFileSync(join(at, file), 'utf8').trim()}\n`;
  }).join('\n---\n\n');
}

/**
 * @param {NodeJS.Require} require
 * @param {string} name
 */
function packageFolder(require, name) {
  let at = dirname(require.resolve(name));
  while (!readdirSync(at).includes('package.json') || !at.endsWith(name)) at = dirname(at);
  return at;
}
