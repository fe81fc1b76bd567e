import { describe, expect, test } from '@jest/globals';
import { addressGroupOf } from '../../src/limits/address-group.ts';
import { KeyedRates, type Rates } from '../../src/limits/rates/keyed-rates.ts';
import { RateBucket } from '../../src/limits/rates/rate-bucket.ts';

const NONE: Rates = { messages: null, bytes: null, subscribes: null, connects: null };

describe('a bucket', () => {
  test('has all of its rate at once, then as much as becomes free again', () => {
    const bucket = new RateBucket({ amount: 10, periodMs: 10_000 });
    for (let count = 1; count < 10; count++) expect(bucket.use(1, 1, 0)).toBe(0);
    expect(bucket.use(1, 1, 0)).toBe(1000);
    expect(bucket.use(1, 1, 1000)).toBe(1000);
    // However long nothing is used, it never has more than all.
    for (let count = 1; count < 10; count++) expect(bucket.use(1, 1, 1e9)).toBe(0);
    expect(bucket.use(1, 1, 1e9)).toBe(1000);
  });

  test('those who share it wait one after the other', () => {
    const bucket = new RateBucket({ amount: 2, periodMs: 2000 });
    expect([1, 2, 3, 4].map(() => bucket.use(1, 1, 0))).toEqual([0, 1000, 2000, 3000]);
  });

  test('more than all of it may be used at once, and has to be waited for', () => {
    const bucket = new RateBucket({ amount: 1000, periodMs: 1000 });
    expect(bucket.use(1000, 0, 0)).toBe(0);
    expect(bucket.use(3000, 0, 0)).toBe(3000);
    expect(bucket.isFull(3999)).toBe(false);
    expect(bucket.isFull(4000)).toBe(true);
  });

  test('a wait is never so short that it would cost more than the message, and nothing is lost by that', () => {
    const bucket = new RateBucket({ amount: 10_000, periodMs: 1000 });
    expect(bucket.use(10_000, 1, 0)).toBe(20);
    for (let count = 1; count < 200; count++) expect(bucket.use(1, 1, 20)).toBe(0);
    expect(bucket.use(1, 1, 20)).toBe(20);
  });

  test('one is taken only where there is one', () => {
    const bucket = new RateBucket({ amount: 3, periodMs: 300 });
    expect([1, 2, 3, 4, 5].map(() => bucket.take(0))).toEqual([true, true, true, false, false]);
    expect([bucket.take(99), bucket.take(100), bucket.take(100)]).toEqual([false, true, false]);
  });
});

describe('accounts', () => {
  const rates = { ...NONE, messages: { amount: 2, periodMs: 2000 } };

  test('those with the same key have one bucket', () => {
    const keyed = new KeyedRates(rates);
    const one = keyed.hold('u', 0);
    expect(keyed.hold('u', 0)).toBe(one);
    expect(keyed.hold('v', 0)).not.toBe(one);
    keyed.checkInvariants();
  });

  test('who comes back has what was left; when all is free again, the account is forgotten', () => {
    const keyed = new KeyedRates(rates);
    const account = keyed.hold('u', 0);
    account.buckets.messages?.use(2, 1, 0);
    keyed.release(account, 0);
    expect(keyed.hold('u', 500)).toBe(account);
    keyed.release(account, 500);
    keyed.checkInvariants();
    expect(keyed.size).toBe(1);
    keyed.hold('v', 2000);
    expect(keyed.size).toBe(1);
    keyed.checkInvariants();
  });

  test('one that somebody has is never forgotten', () => {
    const keyed = new KeyedRates(rates);
    const account = keyed.hold('u', 0);
    for (let number = 0; number < 10; number++) keyed.release(keyed.hold(`${number}`, 1e6), 1e6);
    expect(keyed.hold('u', 1e6)).toBe(account);
  });

  test('of those that are not full and that nobody has, there are 100,000 at most', () => {
    const keyed = new KeyedRates({ ...NONE, connects: { amount: 1, periodMs: 86_400_000 } });
    for (let number = 0; number < 100_100; number++) keyed.takeConnect(`${number}`, 0);
    expect(keyed.size).toBe(100_000);
    expect(keyed.takeConnect('100099', 0)).toBe(false);
    keyed.checkInvariants();
  });
});

test.each([
  ['192.0.2.1:50000', '192.0.2.1'],
  ['192.0.2.1', '192.0.2.1'],
  ['[2001:db8::1]:50000', '2001:db8:0:0::/64'],
  ['[2001:DB8:1:2:3:4:5:6]:1', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['[::1]:1883', '0:0:0:0::/64'],
  ['[2001:db8:1:2::]:1', '2001:db8:1:2::/64'],
  ['[fe80::1%eth0]:1', 'fe80:0:0:0::/64'],
  ['[64:ff9b::192.0.2.1]:1', '64:ff9b:0:0::/64'],
  ['[::ffff:192.0.2.1]:1', '192.0.2.1'],
  ['unix', null],
  ['[0:0:0:0:0:ffff:c633:6407]:50000', '198.51.100.7'],
  ['[::ffff:c633:6407]:50000', '198.51.100.7'],
  ['[::FFFF:198.51.100.7]:50000', '198.51.100.7'],
  ['[64:ff9b::198.51.100.7]:1', '64:ff9b:0:0::/64'],
  ['[::1]:1', '0:0:0:0::/64'],
  ['simulated', null],
  ['', null],
])('the address %s counts as %s', (address, group) => {
  expect(addressGroupOf(address)).toBe(group);
});
