import { expect, test } from '@jest/globals';
import { documentCatalogue } from '../src/index.ts';

test('a catalogue becomes a table that can be read: a line a metric, with as many cells', () => {
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
