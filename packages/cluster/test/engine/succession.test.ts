import { expect, test } from '@jest/globals';
import { Succession } from '../../src/engine/postgres/primary.ts';

const branch = (timeline: number, system = 'one') => ({ system, timeline });

test('a server whose place another one has taken is not written to any more', () => {
  const succession = new Succession();
  expect(succession.whyOutdated(branch(3))).toBeNull();
  succession.take(branch(3));
  expect(succession.whyOutdated(branch(3))).toBeNull();
  succession.take(branch(4));
  expect(succession.whyOutdated(branch(3))).toMatch(/another server has taken its place/);
  // Seeing it again changes nothing.
  succession.take(branch(3));
  expect(succession.whyOutdated(branch(3))).toMatch(/timeline 3, and 4 was seen/);
  expect(succession.whyOutdated(branch(4))).toBeNull();
});

test('a server with another database is not written to, whatever its timeline', () => {
  const succession = new Succession();
  succession.take(branch(3));
  succession.take(branch(9, 'two'));
  expect(succession.whyOutdated(branch(9, 'two'))).toMatch(/it has another database/);
  expect(succession.whyOutdated(branch(3))).toBeNull();
});

test('where a server does not say which it is, nothing is known against it', () => {
  const succession = new Succession();
  succession.take(null);
  expect(succession.whyOutdated(branch(1))).toBeNull();
  succession.take(branch(2));
  succession.take(null);
  expect(succession.whyOutdated(null)).toBeNull();
  expect(succession.whyOutdated(branch(1))).not.toBeNull();
});
