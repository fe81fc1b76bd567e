import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Ban, Bans } from '../../src/index.ts';

let now: number;
let bans: Bans;

beforeEach(() => {
  now = 1_000_000;
  bans = new Bans({ now: () => now, bansMax: 5 });
});

function ban(kind: Ban['kind'], who: string, until: number | null = null): Ban {
  return { kind, who, reason: '', by: 'test', at: now, until };
}

describe('who is banned', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.77/24', '192.0.2.1', true],
    ['192.0.2.0/24', '::ffff:192.0.2.9', true],
    ['2001:db8::/32', '2001:db8:1::2', true],
    ['2001:db8::/32', '2001:db9::', false],
    ['2001:db8::1', '2001:0db8:0:0::1', true],
    ['0.0.0.0/0', '203.0.113.5', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['0.0.0.0/0', 'unix', false],
    ['0.0.0.0/0', '', false],
  ])('address %s: %s %p', (who, address, isBanned) => {
    bans.add(ban('address', who));
    expect(bans.ofAddress(address)?.who).toBe(isBanned ? who : undefined);
  });

  test.each([
    ['a', 'a', true],
    ['a', 'ab', false],
    ['a*', 'ab', true],
    ['a*', 'a', true],
    ['a*', 'b', false],
    ['*', '', true],
    ['a.*', 'ab', false],
    ['a.*', 'a.b', true],
    ['(a+)+$', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', false],
    ['__proto__', '__proto__', true],
    ['x', '__proto__', false],
  ])('client %s and user %s: %s', (who, name, isBanned) => {
    bans.add(ban('client', who));
    expect(bans.ofClient(name)?.who).toBe(isBanned ? who : undefined);
    expect(bans.ofUser(name)).toBeNull();
    bans.remove('client', who);
    expect(bans.ofClient(name)).toBeNull();
    bans.add(ban('user', who));
    expect(bans.ofUser(name)?.who).toBe(isBanned ? who : undefined);
  });

  test('one that has ended hides none that holds', () => {
    for (const who of ['dev-*', 'dev-1']) bans.add(ban('client', who, now + 1000));
    bans.add(ban('client', 'd*'));
    bans.add(ban('user', 'dev-1', now + 1000));
    bans.add(ban('user', '*'));
    now += 1000;
    expect(bans.ofClient('dev-1')?.who).toBe('d*');
    expect(bans.ofUser('dev-1')?.who).toBe('*');
    expect(bans.ofClient('x')).toBeNull();
  });

  test('one that ends holds until then, and is forgotten', () => {
    bans.add(ban('client', 'a', now + 1000));
    bans.add(ban('address', '192.0.2.1', now + 1000));
    bans.add(ban('address', '192.0.2.0/24', now + 2000));
    expect(bans.ofClient('a')).not.toBeNull();
    now += 999;
    expect(bans.removeEnded()).toEqual([]);
    now += 1;
    expect(bans.ofClient('a')).toBeNull();
    expect(bans.ofAddress('192.0.2.1')?.who).toBe('192.0.2.0/24');
    expect(bans.list().map(({ who }) => who)).toEqual(['192.0.2.0/24']);
    expect(bans.removeEnded().map(({ who }) => who)).toEqual(['a', '192.0.2.1']);
    expect(bans.size).toBe(1);
    now += 1000;
    expect(bans.ofAddress('192.0.2.1')).toBeNull();
  });

  test('a later one on the same takes the place of the first', () => {
    bans.add(ban('address', '192.0.2.1', now + 1));
    bans.add(ban('address', '192.0.2.1'));
    now += 5;
    expect(bans.size).toBe(1);
    expect(bans.ofAddress('192.0.2.1')?.until).toBeNull();
    expect(bans.remove('address', '192.0.2.1')).toBe(true);
    expect(bans.remove('address', '192.0.2.1')).toBe(false);
    expect(bans.ofAddress('192.0.2.1')).toBeNull();
  });
});

describe('what is refused', () => {
  test.each([
    [ban('client', ''), 'client takes 1 to 65535 bytes of UTF-8'],
    [ban('user', 'x'.repeat(65_536)), 'user takes 1 to 65535 bytes of UTF-8'],
    [ban('user', '\ud800'), 'user takes 1 to 65535 bytes of UTF-8'],
    ...['192.0.2', '192.0.2.0/33', '192.0.2.0/', '::/129', 'a', 'fe80::1%eth0', '1.2.3.4/-1'].map(
      (who) =>
        [
          ban('address', who),
          'address takes an IP address, or a network such as 192.0.2.0/24',
        ] as const,
    ),
    [ban('client', 'a', Number.NaN), 'until takes milliseconds since 1970'],
    [{ ...ban('client', 'a'), reason: 'x'.repeat(1001) }, 'reason takes up to 1000 characters'],
    [ban('other' as 'client', 'a'), 'a ban is on client, user, address'],
  ])('%j: %s', (one, message) => {
    expect(() => bans.add(one)).toThrow(message);
    expect(bans.size).toBe(0);
  });

  test('more than there may be', () => {
    for (const who of ['a', 'b', 'c', 'd', 'e']) bans.add(ban('client', who));
    expect(() => bans.add(ban('client', 'f'))).toThrow('there are 5 bans already');
    bans.add(ban('client', 'e', now + 1));
    expect(bans.size).toBe(5);
  });
});
