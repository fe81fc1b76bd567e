/** The table of metrics in docs/metrics.md, from the catalogue. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentCatalogue } from '../../packages/metrics/dist/index.js';
import { nodeCatalogue } from '../../packages/server/dist/cluster/node/node-catalogue.js';
import { workersCatalogue } from '../../packages/server/dist/cluster/workers-catalogue.js';
import { brokerCatalogue } from '../../packages/server/dist/observability/catalogue.js';
import type { Generated } from './generated.ts';

const PAGE = 'docs/metrics.md';

export function generate(root: string): Generated {
  const page = readFileSync(join(root, PAGE), 'utf8');
  const table = `<!-- catalogue -->\n\n${documentCatalogue(brokerCatalogue)}\n<!-- /catalogue -->`;
  const others = documentCatalogue({ ...workersCatalogue, ...nodeCatalogue });
  const processes = `<!-- processes -->\n\n${others}\n<!-- /processes -->`;
  const text = page
    .replace(/<!-- catalogue -->.*<!-- \/catalogue -->/s, () => table)
    .replace(/<!-- processes -->.*<!-- \/processes -->/s, () => processes);
  return { files: { [PAGE]: text } };
}
