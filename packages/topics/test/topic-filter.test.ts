import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  isSharedFilter,
  isValidTopicFilter,
  matchesFilter,
  parseSharedFilter,
  topicFilterFault,
} from '../src/index.ts';

describe('what is wrong with a topic filter (§4.7, §4.8.2)', () => {
  test.each([
    ['', 'empty'],
    ['a/\0', 'null-character'],
    ['a/#/b', 'multi-level-wildcard'],
    ['a#', 'multi-level-wildcard'],
    ['##', 'multi-level-wildcard'],
    ['a/b+', 'single-level-wildcard'],
    ['+a/b', 'single-level-wildcard'],
    ['++', 'single-level-wildcard'],
    ['$share/group/a#', 'multi-level-wildcard'],
    ['$share/group/a+', 'single-level-wildcard'],
  ])('in all versions: %j is refused for %s', (filter, fault) => {
    for (const version of [3, 4, 5] as const) {
      expect(topicFilterFault(filter, version)).toBe(fault);
      expect(isValidTopicFilter(filter, version)).toBe(false);
    }
  });

  test.each(['/', '#', '+', '+/#', 'a//b', '/+/', '$share', '$shared/a', 'a/$share//', '$SYS/#'])(
    'nothing with %j',
    (filter) => {
      for (const version of [3, 4, 5] as const)
        expect(topicFilterFault(filter, version)).toBeNull();
    },
  );

  test.each([
    ['$share//a', 'share-name'],
    ['$share/', 'share-filter'],
    ['$share/group', 'share-filter'],
    ['$share/group/', 'share-filter'],
    ['$share/a+b/c', 'share-filter'],
    ['$share/#/c', 'share-filter'],
  ])('%j is no shared subscription in MQTT 5 [MQTT-4.8.2-1] [MQTT-4.8.2-2]', (filter, fault) => {
    expect(topicFilterFault(filter)).toBe(fault);
    expect(parseSharedFilter(filter)).toBeNull();
    expect(isSharedFilter(filter)).toBe(true);
  });

  test('before MQTT 5, a malformed shared subscription is a filter like any other', () => {
    for (const filter of ['$share//a', '$share/', '$share/group', '$share/+/a']) {
      expect(topicFilterFault(filter, 4)).toBeNull();
    }
    expect(topicFilterFault('$share/#/a', 4)).toBe('multi-level-wildcard');
  });
});

test('a shared filter has a name and a filter [MQTT-4.8.2-1]', () => {
  expect(parseSharedFilter('$share/group/a/+')).toEqual({ shareName: 'group', topicFilter: 'a/+' });
  expect(parseSharedFilter('$share/group//')).toEqual({ shareName: 'group', topicFilter: '/' });
  expect(parseSharedFilter('a/+')).toBeNull();
});

/** §4.7 word by word, on lists of levels. */
function isMatch(filter: readonly string[], topic: readonly string[]): boolean {
  const [level, ...rest] = filter;
  if (level === '#') return true;
  if (level === undefined || topic.length === 0) return level === undefined && topic.length === 0;
  return (level === '+' || level === topic[0]) && isMatch(rest, topic.slice(1));
}

test('a filter matches what the standard says it does [MQTT-4.7.2-1] [MQTT-4.7.3-4]', () => {
  const level = fc.constantFrom('a', 'b', '', '$a', 'A');
  const levels = fc
    .array(level, { minLength: 1, maxLength: 4 })
    .filter((all) => all.join('/') !== '');
  const filters = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
    .map(([all, hasHash]) => (hasHash ? [...all, '#'] : all))
    .filter((all) => all.join('/') !== '');
  fc.assert(
    fc.property(filters, levels, (filter, topic) => {
      const isHidden = topic[0]?.startsWith('$') && (filter[0] === '+' || filter[0] === '#');
      const expected = !isHidden && isMatch(filter, topic);
      expect(isValidTopicFilter(filter.join('/'))).toBe(true);
      expect(matchesFilter(filter.join('/'), topic.join('/'))).toBe(expected);
      expect(matchesFilter(`$share/group/${filter.join('/')}`, topic.join('/'))).toBe(expected);
    }),
    { numRuns: 1000 },
  );
});
