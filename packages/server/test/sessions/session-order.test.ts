import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Ordered, SessionOrder } from '../../src/sessions/session-order.ts';

const take = (order: SessionOrder<Ordered>, after: number, count: number) => {
  const found: Ordered[] = [];
  for (const entry of order.after(after)) {
    if (found.length === count) break;
    found.push(entry);
  }
  return found;
};

test('whoever lists entries in parts finds each that is there all the time once, in order', () => {
  const steps = fc.array(
    fc.record({ adds: fc.nat(40), removes: fc.array(fc.nat(), { maxLength: 60 }) }),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 50 }), (changes, pageSize) => {
      const order = new SessionOrder<Ordered>();
      const present: Ordered[] = [];
      for (let count = 0; count < 1500; count++) {
        present.push({ ordinal: 0 });
        order.add(present.at(-1) as Ordered);
      }
      const stays = new Set(present);
      const seen: Ordered[] = [];
      let last = 0;
      for (const { adds, removes } of changes) {
        const page = take(order, last, pageSize);
        seen.push(...page);
        last = page.at(-1)?.ordinal ?? last;
        for (const at of removes) {
          const [gone] = present.splice(at % present.length, 1);
          if (gone === undefined) continue;
          order.remove(gone);
          stays.delete(gone);
        }
        for (let count = 0; count < adds; count++) {
          present.push({ ordinal: 0 });
          order.add(present.at(-1) as Ordered);
        }
        order.checkInvariants();
      }
      seen.push(...take(order, last, Number.POSITIVE_INFINITY));
      expect(new Set(seen).size).toBe(seen.length);
      for (const entry of stays) expect(seen.includes(entry)).toBe(true);
      expect([...order.after(0)]).toEqual(present);
    }),
    { numRuns: 30 },
  );
});

test('an entry leaves once, and a place stays where it was while others go', () => {
  const order = new SessionOrder<Ordered>();
  const entries = Array.from({ length: 5000 }, () => ({ ordinal: 0 }));
  for (const entry of entries) order.add(entry);
  for (const entry of entries.slice(0, 4990)) {
    order.remove(entry);
    order.remove(entry);
    order.checkInvariants();
  }
  expect(order.size).toBe(10);
  expect(take(order, 4000, 2)).toEqual([{ ordinal: 4991 }, { ordinal: 4992 }]);
});
