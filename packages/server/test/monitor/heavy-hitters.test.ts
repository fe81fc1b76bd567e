import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HeavyHitters } from '../../src/monitor/analytics/heavy-hitters.ts';

const stream = fc.array(fc.tuple(fc.nat({ max: 40 }), fc.integer({ min: 1, max: 1000 })), {
  maxLength: 400,
});

test('whatever comes, a weight is too high by its error at most, and what is not followed is below the floor', () => {
  fc.assert(
    fc.property(stream, fc.integer({ min: 1, max: 20 }), (items, capacity) => {
      const sketch = new HeavyHitters(capacity);
      const exact = new Map<string, number>();
      for (const [number, weight] of items) {
        const key = `k${number}`;
        sketch.add(key, weight, 1, 0);
        exact.set(key, (exact.get(key) ?? 0) + weight);
      }
      sketch.checkInvariants();
      const total = [...exact.values()].reduce((sum, weight) => sum + weight, 0);
      expect(sketch.total).toBe(total);
      expect([...sketch.all()].length).toBe(Math.min(capacity, exact.size));
      for (const [key, weight] of exact) {
        const found = sketch.find(key);
        if (found === null) {
          expect(weight).toBeLessThanOrEqual(sketch.floor);
          expect(weight).toBeLessThanOrEqual(total / capacity);
          continue;
        }
        expect(found.weight).toBeGreaterThanOrEqual(weight);
        expect(found.weight - found.error).toBeLessThanOrEqual(weight);
        expect(found.error).toBeLessThanOrEqual(total / capacity);
        expect(found.other).toBeLessThanOrEqual(items.length);
      }
    }),
  );
});

test('with room for all keys it is exact, and a cleared one is as new', () => {
  const sketch = new HeavyHitters(3);
  for (const round of [1, 2]) {
    sketch.add('a', 5, 1, 0);
    sketch.add('b', 1, 1, 0);
    sketch.add('a', 5, 1, 2);
    expect(sketch.find('a')).toEqual({ key: 'a', weight: 10, error: 0, other: 2, variance: 2 });
    expect([round, sketch.floor, sketch.total]).toEqual([round, 0, 11]);
    sketch.clear();
    expect([...sketch.all()]).toEqual([]);
  }
});
