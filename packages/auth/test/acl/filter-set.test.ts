import { describe, expect, jest, test } from '@jest/globals';
import { matchesFilter } from '@promptmq/topics';
import fc from 'fast-check';
import { ANY_CONDITION, type FilterRule, FilterSet } from '../../src/acl/filter-set.ts';

/** One rule's filter by itself, as the specification has it. */
function covers(allowed: string, filter: string): boolean {
  const allowedLevels = allowed.split('/');
  const levels = filter.split('/');
  if (filter.startsWith('$') && /^[+#]/.test(allowed)) return false;
  for (const [index, level] of allowedLevels.entries()) {
    if (level === '#') return true;
    const wanted = levels[index];
    if (wanted === undefined || wanted === '#') return false;
    if (level !== '+' && level !== wanted) return false;
  }
  return levels.length === allowedLevels.length;
}

function ruleOf(order: number, conditions = ANY_CONDITION): FilterRule {
  return { order, conditions, decision: { isAllowed: order % 2 !== 0, rule: `${order}` } };
}

const level = fc.constantFrom('a', 'b', '+', '');
const anyFilter = fc
  .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.boolean(), fc.boolean())
  .map(([levels, hasHash, isHidden]) => {
    const text = [...levels, ...(hasHash ? ['#'] : [])].join('/');
    if (!isHidden) return text;
    return `$${text.startsWith('+') || text.startsWith('#') ? 'S/' : ''}${text}`;
  });
const anyTopic = anyFilter.map((filter) => filter.replaceAll(/[+#]/g, 'c'));

describe('filters of rules', () => {
  test.each<[string, string, boolean]>([
    ['a/b', 'a/b', true],
    ['a/b', 'a/c', false],
    ['a/b', 'a', false],
    ['a', 'a/b', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a/+', true],
    ['a/+', 'a/#', false],
    ['a/+', 'a/b/c', false],
    ['a/b', 'a/+', false],
    ['a/#', 'a', true],
    ['a/#', 'a/+/c', true],
    ['a/#', 'a/#', true],
    ['a/#', '#', false],
    ['a/#', '+/b', false],
    ['#', 'a/b', true],
    ['#', '#', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['+', '/', false],
    ['+/+', '/', true],
  ])('%s covers %s: %p', (allowed, filter, isCovered) => {
    const set = new FilterSet();
    set.add(allowed, ruleOf(1));
    expect(set.find(filter, 1) !== null).toBe(isCovered);
    expect(covers(allowed, filter)).toBe(isCovered);
  });

  test('the one with the lowest order decides of those that cover a filter and are for its condition', () => {
    const rules = fc.array(
      fc.record({
        filter: anyFilter,
        order: fc.nat(8),
        conditions: fc.integer({ min: 1, max: 63 }),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(rules, anyFilter, fc.nat(5), (all, wanted, bit) => {
        const set = new FilterSet();
        for (const { filter, order, conditions } of all) set.add(filter, ruleOf(order, conditions));
        const orders = all
          .filter(({ filter, conditions }) => covers(filter, wanted) && (conditions >> bit) & 1)
          .map(({ order }) => order);
        const found = set.find(wanted, 1 << bit)?.order;
        expect(found ?? Infinity).toBe(Math.min(...orders, Infinity));
      }),
      { numRuns: 2000 },
    );
  });

  test('a filter that may match a denied topic is never said to be without one, and one that can’t rarely is', () => {
    const denials = fc.array(anyFilter, { maxLength: 4 });
    fc.assert(
      fc.property(denials, anyFilter, anyTopic, (denied, wanted, topic) => {
        const set = new FilterSet();
        for (const filter of denied) set.add(filter, ruleOf(4));
        const isMatched = (filter: string) => matchesFilter(filter, topic);
        if (isMatched(wanted) && denied.some(isMatched)) {
          expect(set.isDeniedWithin(wanted, 5)).toBe(true);
          expect(set.isDeniedWithin(wanted, 4)).toBe(false);
        }
      }),
      { numRuns: 3000 },
    );
    const set = new FilterSet();
    set.add('a/+/c', ruleOf(0));
    set.add('$SYS/#', ruleOf(0));
    for (const filter of ['b/#', 'a/b', 'a/b/d', '+/b/d', 'a/+', '$share', 'a']) {
      expect([filter, set.isDeniedWithin(filter, Infinity)]).toEqual([filter, false]);
    }
    for (const filter of ['#', 'a/#', '+/+/+', 'a/b/c', 'a/b/#', '+/b/c', '$SYS/x', '$SYS']) {
      expect([filter, set.isDeniedWithin(filter, Infinity)]).toEqual([filter, true]);
    }
  });

  test('where it would take long to find out whether filters overlap, they are said to', () => {
    const set = new FilterSet();
    for (let index = 0; index < 2000; index++) set.add(`${index}/x`, ruleOf(0));
    expect(set.isDeniedWithin('+/y', Infinity)).toBe(true);
    expect(set.isDeniedWithin('5/y', Infinity)).toBe(false);
  });

  test('are asked together: a filter is taken apart once, however many rules there are', () => {
    const deep = (end: string) => `${'level/'.repeat(249)}${end}`;
    const set = new FilterSet();
    for (let index = 0; index < 1000; index++) set.add(deep(`${index}`), ruleOf(1));
    const split = jest.spyOn(String.prototype, 'split');
    const answers = ['999', '1000', '0', '+'].map((end) => set.find(deep(end), 1) !== null);
    const { length } = split.mock.calls;
    split.mockRestore();
    expect(answers).toEqual([true, false, true, false]);
    expect(length).toBe(4);
  });

  test('one that is meant as it stands is found by itself only', () => {
    const set = new FilterSet();
    set.addLiteral('a/#', ruleOf(1));
    expect(['a/#', 'a/b', 'a/+', '#'].map((filter) => set.find(filter, 1) !== null)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test('a rule for all topics is also for those that begin with $', () => {
    const set = new FilterSet();
    set.addAll(ruleOf(0));
    for (const filter of ['a', '#', '$SYS/x', '+/+']) {
      expect(set.find(filter, 1)).not.toBeNull();
      expect(set.isDeniedWithin(filter, Infinity)).toBe(true);
    }
  });
});
