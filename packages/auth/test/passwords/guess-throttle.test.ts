import { beforeEach, describe, expect, test } from '@jest/globals';
import { GuessThrottle, type ThrottleLimits } from '../../src/passwords/guess-throttle.ts';

const limits: ThrottleLimits = {
  clientGuesses: 3,
  addressGuesses: 10,
  userGuesses: 20,
  waitMaxMs: 60_000,
  entriesMax: 100,
};

let now: number;
let current: ThrottleLimits;
let throttle: GuessThrottle;

beforeEach(() => {
  now = 1_000_000;
  current = limits;
  throttle = new GuessThrottle(
    () => current,
    () => now,
  );
});

/** Guesses that are really checked, of as many as are made in a row. */
function guess(
  count: number,
  address: string,
  userName: string | ((index: number) => string),
): number {
  let checkedCount = 0;
  for (let index = 0; index < count; index++) {
    const name = typeof userName === 'string' ? userName : userName(index);
    if (throttle.ask(address, name).result === 'refuse') continue;
    checkedCount++;
    throttle.wrong(address, name);
  }
  return checkedCount;
}

describe('an address that is wrong for one user', () => {
  test('may be so a few times, then has to wait, twice as long each time, up to a limit', () => {
    expect(guess(100, 'a', 'alice')).toBe(3);
    expect(throttle.ask('a', 'alice')).toEqual({ result: 'refuse', by: 'client' });
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      now += seconds * 1000 - 1;
      expect(throttle.ask('a', 'alice').result).toBe('refuse');
      now += 1;
      expect(guess(100, 'a', 'alice')).toBe(1);
    }
  });

  test('is held up for that user only, and nobody else is for it', () => {
    guess(100, 'a', 'alice');
    expect(throttle.ask('a', 'bob').result).toBe('check');
    expect(throttle.ask('b', 'alice').result).toBe('check');
    expect(throttle.ask('a alice', '').result).toBe('check');
  });

  test('begins anew after a right one', () => {
    expect(guess(2, 'a', 'alice')).toBe(2);
    throttle.right('a', 'alice');
    expect(guess(100, 'a', 'alice')).toBe(3);
  });

  test('is forgotten little by little: all that it may, in ten minutes', () => {
    guess(2, 'a', 'alice');
    now += 200_000;
    expect(guess(100, 'a', 'alice')).toBe(2);
    now += 400_000;
    expect(guess(100, 'a', 'alice')).toBe(2);
    now += 100_000_000;
    expect(guess(100, 'a', 'alice')).toBe(3);
  });
});

describe('an address that is wrong for many users', () => {
  const other = (index: number) => `user${index}`;

  test('has to wait whatever the user, there or not; other addresses don’t', () => {
    expect(guess(100, 'a', other)).toBe(10);
    expect(throttle.ask('a', 'alice')).toEqual({ result: 'refuse', by: 'address' });
    expect(throttle.ask('b', 'alice').result).toBe('check');
    now += 1000;
    expect(guess(100, 'a', (index) => `more${index}`)).toBe(1);
  });

  test('is still let in as a user with whom it was right before; guesses for that one count all the same', () => {
    throttle.right('a', 'alice');
    guess(100, 'a', other);
    expect(throttle.ask('a', 'bob').result).toBe('refuse');
    expect(throttle.ask('a', 'alice').result).toBe('check');
    expect(guess(100, 'a', 'alice')).toBe(3);
  });

  test('doesn’t get out of it by being right as one of them', () => {
    guess(9, 'a', other);
    throttle.right('a', 'mallory');
    expect(guess(100, 'a', (index) => `more${index}`)).toBe(1);
  });

  test('is not held up for a client behind it that tries its wrong password once a minute for ever', () => {
    for (let minute = 0; minute < 1000; minute++) {
      guess(1, 'a', 'broken');
      expect(throttle.ask('a', 'new').result).toBe('check');
      now += 60_000;
    }
  });

  test('has no such limit where it is no address', () => {
    expect(guess(50, '', other)).toBe(50);
    expect(guess(50, '', 'alice')).toBe(3);
  });
});

test('a user for whom many addresses are wrong is slowed down for new addresses, and never locked out', () => {
  throttle.right('home', 'alice');
  for (let index = 0; index < 1000; index++) {
    expect(throttle.ask(`bot${index}`, 'alice').result).toBe(index < 20 ? 'check' : 'slow');
    throttle.wrong(`bot${index}`, 'alice');
    now += index < 20 ? 1 : 0;
  }
  expect(throttle.ask('home', 'alice').result).toBe('check');
  expect(throttle.ask('elsewhere', 'alice')).toEqual({ result: 'slow', delayMs: 2000 });
  expect(throttle.ask('elsewhere', 'bob').result).toBe('check');
});

test('what is known is bounded, whoever guesses; those that did something last stay', () => {
  for (let index = 0; index < 1000; index++) {
    throttle.wrong(`a${index}`, `u${index}`);
    throttle.right(`b${index}`, 'x'.repeat(1000));
  }
  expect(throttle.size).toBe(400);
  guess(3, 'a', 'alice');
  for (let index = 0; index < 99; index++) throttle.wrong(`a${index}`, 'bob');
  expect(throttle.ask('a', 'alice').result).toBe('refuse');
  throttle.wrong('b', 'bob');
  expect(throttle.ask('a', 'alice').result).toBe('check');
});

test('limits that change apply at once, and 0 is none', () => {
  guess(100, 'a', 'alice');
  current = { ...limits, clientGuesses: 0, addressGuesses: 0, userGuesses: 0 };
  expect(guess(100, 'a', 'alice')).toBe(100);
  expect(throttle.ask('a', 'alice')).toEqual({ result: 'check' });
});
