/** Writes the table of metrics in docs/metrics.md from the catalogue: `node scripts metrics-doc`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from './lib/arguments.ts';
import { root, run } from './lib/prepare.js';

readArguments(import.meta.url);
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
run('building', process.execPath, [compiler, '-b', 'packages/server']);
const { documentCatalogue } = await import('../packages/metrics/dist/index.js');
const { brokerCatalogue } = await import('../packages/server/dist/observability/catalogue.js');

const path = join(root, 'docs', 'metrics.md');
const page = readFileSync(path, 'utf8');
const [before, after] = [page.split('<!-- catalogue -->')[0], page.split('<!-- /catalogue -->')[1]];
writeFileSync(
  path,
  `${before}<!-- catalogue -->\n\n${documentCatalogue(brokerCatalogue)}\n<!-- /catalogue -->${after}`,
);
