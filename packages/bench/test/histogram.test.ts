import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sinceStamp, stampOf } from '../src/load/clock.ts';
import { Histogram } from '../src/report/histogram.ts';

test('every percentile is at most 0.8 % above the exact one, and never below it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(255), fc.nat(1_000_000), fc.integer({ min: 0, max: 0xffff_ffff })), {
        minLength: 1,
        maxLength: 200,
      }),
      fc.constantFrom(0, 1, 50, 90, 99, 99.9, 100),
      (values, percent) => {
        const histogram = new Histogram();
        for (const value of values) histogram.record(value);
        const sorted = values.toSorted((a, b) => a - b);
        const rank = Math.max(1, Math.ceil((percent / 100) * values.length - 1e-9));
        const exact = sorted[rank - 1] as number;
        const found = histogram.percentile(percent);
        expect(found).toBeGreaterThanOrEqual(exact);
        expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 128));
        if (exact < 256) expect(found).toBe(exact);
      },
    ),
  );
});

test('count, mean and maximum are exact, and reset forgets them', () => {
  const histogram = new Histogram();
  for (const value of [1, 2, 3_000_000]) histogram.record(value);
  expect(histogram.percentiles()).toMatchObject({ count: 3, mean: 1_000_001, max: 3_000_000 });
  histogram.reset();
  expect(histogram.percentiles()).toEqual({
    count: 0,
    mean: 0,
    p50: 0,
    p90: 0,
    p99: 0,
    p999: 0,
    max: 0,
  });
});

test('99.9 % is distinguished from the maximum', () => {
  const histogram = new Histogram();
  for (let index = 0; index < 999; index++) histogram.record(100);
  histogram.record(50_000);
  expect(histogram.percentile(99.9)).toBe(100);
  expect(histogram.percentile(99.91)).toBe(50_000);
});

test('what is out of range counts as the nearest that is not', () => {
  const histogram = new Histogram();
  histogram.record(-5);
  histogram.record(2 ** 40);
  expect(histogram.percentile(50)).toBe(0);
  expect(histogram.max).toBe(0xffff_ffff);
});

test('the age of a stamp survives the wrap-around, and a stamp is never 0', () => {
  const start = 2 ** 32 - 1000;
  expect(sinceStamp(stampOf(start), start + 5000)).toBeGreaterThanOrEqual(4999);
  expect(sinceStamp(stampOf(start), start + 5000)).toBeLessThanOrEqual(5000);
  expect(stampOf(2 ** 32)).not.toBe(0);
  expect(sinceStamp(stampOf(10), 10)).toBe(0);
});
