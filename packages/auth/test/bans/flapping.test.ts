import { expect, test } from '@jest/globals';
import { FlappingDetector } from '../../src/index.ts';

const limits = { countMax: 3, windowMs: 1000 };

test('so many ends within the window are too many', () => {
  const detector = new FlappingDetector();
  expect(detector.note('a', 0, limits)).toBe(false);
  expect(detector.note('b', 0, limits)).toBe(false);
  expect(detector.note('a', 500, limits)).toBe(false);
  expect(detector.note('a', 999, limits)).toBe(true);
  // It begins again.
  expect(detector.note('a', 999, limits)).toBe(false);
});

test('those of an earlier window do not count', () => {
  const detector = new FlappingDetector();
  for (let time = 0; time < 20_000; time += 500) {
    expect(detector.note('a', time, limits)).toBe(false);
  }
});

test('it watches no more clients than it may', () => {
  const detector = new FlappingDetector(2);
  for (const clientId of ['a', 'b', 'c']) detector.note(clientId, 0, limits);
  expect(detector.size).toBe(2);
  // The first one was forgotten.
  expect(detector.note('a', 0, limits)).toBe(false);
  detector.note('z', 5000, limits);
  expect(detector.size).toBe(1);
});

test('one end can be too many', () => {
  expect(new FlappingDetector().note('a', 0, { countMax: 1, windowMs: 1000 })).toBe(true);
});
