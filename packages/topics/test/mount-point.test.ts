import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isValidTopicFilter, MountPoint, matchesFilter, mountPointFault } from '../src/index.ts';

const point = new MountPoint('t/a');
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const text = (own: Uint8Array | null) => (own === null ? null : Buffer.from(own).toString());
const whole = (topic: string) => text(point.wholeBytes(bytes(topic), 0, bytes(topic).length));

test.each([
  ['x', 't/a/x'],
  ['/x', 't/a//x'],
  ['ü/x', 't/a/ü/x'],
  ['$foo', '$foo/t/a'],
  ['$foo/', '$foo/t/a/'],
  ['$foo/x', '$foo/t/a/x'],
  ['$SYS/broker/version', '$SYS/broker/version'],
  ['$SYSTEM/x', '$SYSTEM/t/a/x'],
])('the topic %s is %s to all', (own, all) => {
  expect(point.topic(own)).toBe(all);
  expect(whole(own)).toBe(all);
  expect(text(point.ownBytes(bytes(all)))).toBe(own);
});

test.each([
  ['#', 't/a/#'],
  ['+/x', 't/a/+/x'],
  ['$share/g/x/#', '$share/g/t/a/x/#'],
  ['$share/g/$foo/#', '$share/g/$foo/t/a/#'],
  ['$share/g/$SYS/#', '$share/g/$SYS/#'],
  ['$foo/#', '$foo/t/a/#'],
  ['$SYS/#', '$SYS/#'],
  // No shared filters, and not to become one.
  ['$share', 't/a/$share'],
  ['$share//x', 't/a/$share//x'],
  ['$share/g', 't/a/$share/g'],
])('the filter %s is %s to all', (own, all) => {
  expect(point.filter(own)).toBe(all);
  expect(point.covers(all)).toBe(true);
});

test.each([
  '#',
  't/#',
  't/a',
  't/ab/x',
  '+/a/x',
  '$foo/#',
  '$foo/t/ab',
  '$share/g/t/#',
  '$share/g/#',
])('the filter %s of all is none of theirs', (filter) => {
  expect(point.covers(filter)).toBe(false);
});

test.each([
  'x',
  't/a',
  't/a/',
  't/ab/x',
  't/a/$SYS/x',
  't/a/$foo',
  '$foo',
  '$foo/x',
  '$foo/t/ab',
  '$share/t/a/x',
])('the topic %s of all is none of theirs', (topic) => {
  expect(point.ownBytes(bytes(topic))).toBeNull();
});

const level = fc.constantFrom('', 'a', 't', 'b', '$foo', '$SYS', '$share', 'ü');
const topics = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((topic) => topic !== '');
const filterLevel = fc.oneof(level, fc.constant('+'));
const filters = fc
  .tuple(fc.array(filterLevel, { maxLength: 4 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))
  .filter((filter) => isValidTopicFilter(filter));

test('to those below a mount point it is as if they were alone', () => {
  fc.assert(
    fc.property(topics, filters, (topic, filter) => {
      if (topic.startsWith('$S') || topic.startsWith('$share') || filter.startsWith('$share'))
        return;
      expect(matchesFilter(point.filter(filter), point.topic(topic))).toBe(
        matchesFilter(filter, topic),
      );
      expect(text(point.ownBytes(bytes(whole(topic) as string)))).toBe(topic);
    }),
    { numRuns: 2000 },
  );
});

test('whatever they subscribe, they get nothing that was not published there', () => {
  fc.assert(
    fc.property(topics, filters, (topic, filter) => {
      if (topic.split('/')[0] === '$SYS') return;
      const all = point.filter(filter);
      expect(isValidTopicFilter(all)).toBe(true);
      if (!matchesFilter(all, topic)) return;
      const own = text(point.ownBytes(bytes(topic)));
      expect(own === null || point.topic(own) === topic).toBe(true);
      expect(own === null || topic.includes('t/a')).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('malformed UTF-8 stays malformed', () => {
  const broken = Uint8Array.from([0x24, 0xff, 0x2f, 0x78]);
  expect([...point.wholeBytes(broken, 0, 4)]).toEqual([0x24, 0xff, ...bytes('/t/a/x')]);
});

test.each([
  ['a', null],
  ['a/b/', null],
  ['/', 'it has no level'],
  ['a/+', 'it has a wildcard or a null character in it'],
  ['$a', 'it begins with $'],
])('mount point %j: %s', (given, fault) => {
  expect(mountPointFault(given)).toBe(fault);
});
