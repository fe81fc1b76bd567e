import { expect, test } from '@jest/globals';
import { progressBar } from '../../src/cli/progress-bar.ts';

test('a bar grows with what is done, and is gone at the end', () => {
  const written: string[] = [];
  const show = progressBar('compact', { isTTY: true, write: (text) => written.push(text) });
  show(0, 200);
  show(100, 200);
  show(200, 200);
  expect(written).toEqual([
    `\rcompact [${'.'.repeat(30)}] 0%`,
    `\rcompact [${'#'.repeat(15)}${'.'.repeat(15)}] 50%`,
    `\rcompact [${'#'.repeat(30)}] 100%`,
    '\r\x1b[K',
  ]);
});

test('there is none where the output is read by a program', () => {
  const written: string[] = [];
  progressBar('verify', { write: (text) => written.push(text) })(1, 2);
  expect(written).toEqual([]);
});
