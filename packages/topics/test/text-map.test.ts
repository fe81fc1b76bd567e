import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TextMap } from '../src/index.ts';

const LONG = 'x'.repeat(16_384);

test('is a map, whatever the length of its keys', () => {
  const key = fc
    .tuple(
      fc.constantFrom('', 'x'.repeat(16_382), LONG, `${LONG}y`),
      fc.constantFrom('a', 'b', 'c'),
    )
    .map(([prefix, end]) => prefix + end);
  const operation = fc.oneof(
    fc.record({ name: fc.constant('set' as const), key, value: fc.nat() }),
    fc.record({ name: fc.constantFrom('delete' as const, 'get' as const, 'has' as const), key }),
    fc.constant({ name: 'clear' as const }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40, size: 'max' }), (operations) => {
      const map = new TextMap<number>();
      const model = new Map<string, number>();
      for (const one of operations) {
        if (one.name === 'set') {
          map.set(one.key, one.value);
          model.set(one.key, one.value);
        } else if (one.name === 'clear') {
          map.clear();
          model.clear();
        } else {
          expect(map[one.name](one.key)).toBe(model[one.name](one.key));
        }
      }
      const byKey = (entries: Iterable<[string, number]>) => new Map([...entries].sort());
      expect(map.size).toBe(model.size);
      expect(byKey(map)).toEqual(byKey(model));
      expect([...map.keys()].sort()).toEqual([...model.keys()].sort());
      expect([...map.values()].sort()).toEqual([...model.values()].sort());
      const seen = new Map<string, number>();
      map.forEach((value, one) => {
        seen.set(one, value);
      });
      expect(byKey(seen)).toEqual(byKey(model));
    }),
  );
});
