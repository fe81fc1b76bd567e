import { expect, test } from '@jest/globals';
import { ago, bytes, count, counted, duration, short, visible } from '../src/app/format.ts';
import { matchRoute } from '../src/app/route-pattern.ts';

test.each([
  [0, '0'],
  [0.25, '0.25'],
  [999, '999'],
  [1234, '1.23k'],
  [45_678, '45.7k'],
  [999_999, '1M'],
  [1_500_000_000, '1.5G'],
  [-2000, '-2k'],
  [null, '–'],
])('short: %p is %p', (value, text) => {
  expect(short(value)).toBe(text);
});

test.each([
  [0, '0 sessions wait'],
  [1, '1 session waits'],
  [1234, '1,234 sessions wait'],
  [undefined, '– sessions wait'],
])('counted: %p is %p', (value, text) => {
  expect(counted(value, 'session waits', 'sessions wait')).toBe(text);
});

test.each([
  [0.0004, '0.4 ms'],
  [0.012, '12 ms'],
  [3.4, '3.4 s'],
  [60, '1 min'],
  [310, '5 min 10 s'],
  [3600, '1 h'],
  [11_040, '3 h 4 min'],
  [190_800, '2 d 5 h'],
  [undefined, '–'],
])('duration: %p s is %p', (value, text) => {
  expect(duration(value)).toBe(text);
});

test('counts, sizes and how long ago something was', () => {
  expect(count(1_234_567)).toBe('1,234,567');
  expect(bytes(1_230_000)).toBe('1.23 MB');
  expect(bytes(12)).toBe('12 B');
  expect(ago(1000, 1500)).toBe('now');
  expect(ago(1000, 62_000)).toBe('1 min ago');
  // The clock of the broker may be ahead.
  expect(ago(5000, 1000)).toBe('now');
});

test('what could hide or turn a text is shown as what it is', () => {
  expect(visible('a\u202egnp.exe')).toBe('a\\u{202e}gnp.exe');
  expect(visible('a\u0000\n\u200bb')).toBe('a\\u{0}\\u{a}\\u{200b}b');
  expect(visible('שלום <b>')).toBe('שלום <b>');
});

test('paths match patterns, with names that have anything in them', () => {
  expect(matchRoute('/clients', '/clients')).toEqual({});
  expect(matchRoute('/clients/:clientId', '/clients/a%2Fb%3C')).toEqual({ clientId: 'a/b<' });
  expect(matchRoute('/clients/:clientId', '/clients')).toBeNull();
  expect(matchRoute('/clients/:clientId', '/clients/%zz')).toBeNull();
});
