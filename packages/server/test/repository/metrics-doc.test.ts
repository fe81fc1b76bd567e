import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { brokerCatalogue, documentCatalogue } from '@promptmq/metrics';

const page = readFileSync(
  fileURLToPath(new URL('../../../../docs/metrics.md', import.meta.url)),
  'utf8',
);

test('docs/metrics.md has the catalogue as it is; `node scripts/metrics-doc.mjs` makes it so', () => {
  const table = page.split('<!-- catalogue -->')[1]?.split('<!-- /catalogue -->')[0];
  expect(table).toBe(`\n\n${documentCatalogue(brokerCatalogue)}\n`);
});

test('what is in the table can be read: a line a metric, with as many cells', () => {
  const lines = documentCatalogue({
    a_total: { type: 'counter', help: 'A | B.', labels: ['x', 'y'] },
    long_name: { type: 'gauge', help: 'C.' },
  }).split('\n');
  expect(lines).toEqual([
    '| metric      | type    | labels   | what it says |',
    '| ----------- | ------- | -------- | ------------ |',
    '| `a_total`   | counter | `x`, `y` | A \\| B.      |',
    '| `long_name` | gauge   |          | C.           |',
    '',
  ]);
});
