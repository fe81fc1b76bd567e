import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { documentCatalogue } from '@promptmq/metrics';
import { brokerCatalogue } from '../../packages/server/src/observability/catalogue.ts';

const page = readFileSync(fileURLToPath(new URL('../../docs/metrics.md', import.meta.url)), 'utf8');

test('docs/metrics.md has the catalogue as it is; `node scripts metrics-doc` makes it so', () => {
  const table = page.split('<!-- catalogue -->')[1]?.split('<!-- /catalogue -->')[0];
  expect(table).toBe(`\n\n${documentCatalogue(brokerCatalogue)}\n`);
});
