import { execFileSync } from 'node:child_process';
import { scryptSync } from 'node:crypto';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { HashThreads } from '../../src/passwords/hash-threads.ts';
import { PasswordChecker } from '../../src/passwords/password-checker.ts';
import type { HashCost, PasswordHash } from '../../src/passwords/password-hash.ts';
import { PasswordUsers } from '../../src/passwords/password-users.ts';

/** A hash that is quick to check. */
const salt = Buffer.alloc(16, 7);
const kept: PasswordHash = {
  cost: { algorithm: 'scrypt', costLog: 10, blockSize: 8, parallelization: 1 },
  salt,
  hash: scryptSync('right', salt, 32, { N: 1024, r: 8, p: 1 }),
};
const alice = new PasswordUsers(new Map([['alice', kept]]));

const right = Buffer.from('right');
const wrong = Buffer.from('wrong');

test('a right login waits for no more than a few of the many wrong ones of another address', async () => {
  const checker = new PasswordChecker(alice, {
    concurrentMax: 1,
    waitingMax: 1000,
  });
  let answered = 0;
  const flood = Array.from({ length: 500 }, async () => {
    const verdict = await checker.check('192.0.2.1', 'alice', wrong);
    answered++;
    return verdict;
  });
  expect(await checker.check('192.0.2.2', 'alice', right)).toBe('right');
  expect(answered).toBeLessThan(5);
  expect(new Set(await Promise.all(flood))).toEqual(new Set(['wrong']));
  await checker.close();
});

test('one whose address tries another user with many passwords waits for a few, too', async () => {
  const checker = new PasswordChecker(
    new PasswordUsers(
      new Map([
        ['alice', kept],
        ['bob', kept],
      ]),
    ),
    { concurrentMax: 1, waitingMax: 1000 },
  );
  let answered = 0;
  const flood = Array.from({ length: 100 }, async () => {
    await checker.check('192.0.2.1', 'bob', wrong);
    answered++;
  });
  expect(await checker.check('192.0.2.1', 'alice', right)).toBe('right');
  expect(answered).toBeLessThan(5);
  await Promise.all(flood);
  await checker.close();
});

test('where no more may wait, the address with most is answered so', async () => {
  const checker = new PasswordChecker(alice, {
    concurrentMax: 1,
    waitingMax: 10,
  });
  const flood = Array.from({ length: 11 }, () => checker.check('192.0.2.1', 'alice', wrong));
  const tooMany = checker.check('192.0.2.1', 'alice', wrong);
  const other = checker.check('192.0.2.2', 'alice', right);
  expect(await tooMany).toBe('busy');
  expect(await other).toBe('right');
  const verdicts = await Promise.all(flood);
  expect(verdicts.filter((verdict) => verdict === 'busy')).toHaveLength(1);
  await checker.close();
});

test('passwords are hashed while every thread that files are read and written with is taken', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-hash-'));
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  // Opening a pipe takes a thread until somebody opens its other end: these take all that Node has.
  const size = Number(process.env.UV_THREADPOOL_SIZE ?? 4);
  const opening = Array.from({ length: size }, () => open(pipe, 'r'));
  const threads = new HashThreads();
  expect(await threads.verify(right, kept)).toEqual({ isRight: true, count: 1 });
  expect(await threads.verify(wrong, kept)).toEqual({ isRight: false, count: 1 });
  const others: readonly HashCost[] = [
    { algorithm: 'pbkdf2-sha512', iterations: 10 },
    { algorithm: 'sha512' },
    { algorithm: 'argon2id', memory: 8, passes: 1, lanes: 1 },
    { algorithm: 'bcrypt', costLog: 4 },
  ];
  expect(await threads.verify(wrong, kept, others)).toEqual({ isRight: false, count: 5 });
  await threads.close();
  const otherEnd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  for (const handle of await Promise.all(opening)) await handle.close();
  closeSync(otherEnd);
  rmSync(folder, { recursive: true });
});

test('a checker that stops answers those who wait, and has no thread left when that is done', async () => {
  const checker = new PasswordChecker(alice, {
    concurrentMax: 1,
    waitingMax: 10,
  });
  const first = checker.check('192.0.2.1', 'alice', right);
  const second = checker.check('192.0.2.1', 'alice', wrong);
  const stopped = checker.stop();
  expect(await second).toBe('busy');
  expect(await first).toBe('right');
  await stopped;

  const threads = new HashThreads();
  const verdicts = Promise.all([threads.verify(right, kept), threads.verify(wrong, kept)]);
  expect(threads.count).toBe(2);
  await threads.close();
  expect(threads.count).toBe(0);
  expect((await verdicts).map(({ isRight }) => isRight)).toEqual([true, false]);
});

test('a hash that can’t be made is an error, and the next check has a thread', async () => {
  const threads = new HashThreads();
  const impossible = { ...kept, cost: { ...kept.cost, costLog: 0 } as HashCost };
  await expect(threads.verify(right, impossible)).rejects.toThrow();
  expect(await threads.verify(right, kept)).toEqual({ isRight: true, count: 1 });
  await threads.close();
});
