import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { listedDifferences } from '../support/differences.ts';

test('each difference that the README lists is one that a test checks', () => {
  const tests = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(`${import.meta.dirname}/${name}`, 'utf8'))
    .join('\n');
  const checked = new Set(
    [...tests.matchAll(/differing(?:<\w+>)?\(\s*implementation,\s*'([^']+)'/g)].map(
      ([, name]) => name,
    ),
  );
  expect([...checked].sort()).toEqual([...listedDifferences].sort());
});
