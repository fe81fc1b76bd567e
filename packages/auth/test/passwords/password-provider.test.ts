import { expect, test } from '@jest/globals';
import {
  type Credentials,
  createPasswordFileProvider,
  type ProviderAllowance,
  parsePasswordFile,
} from '../../src/index.ts';

/** `open sesame`, by mosquitto_passwd: quick to check. */
const HASH =
  '$6$iqZ8BlKkwdkOxlQ9$fAahkqRNE9eVu0ydDe0xIO/NpiO7MZWimwt7cp7NN0w6V2t2aJVqt4o0a24L8fCQQe5kzX7ETOokh4R8C091vw==';
const OTHER =
  '$7$101$kX00MDGfU2c/Pg7h$KDKinasTkZ4IF5qvJqmF/ez5a3gWxEqctax6DWMtyZNIy3Fx+qHjItYcuGFz5L6zonKIey4sUV0WTNtYsyieWw==';

const { signal } = new AbortController();

function provider(text: string, waitingMax = 10) {
  const { users } = parsePasswordFile(text);
  return createPasswordFileProvider({ users, concurrentMax: 1, waitingMax });
}

function credentials(userName: string | null, password: string | null): Credentials {
  return {
    clientId: 'c',
    userName,
    password: password === null ? null : Buffer.from(password),
    address: '192.0.2.1',
    protocol: 'tcp',
    version: 5,
    cleanStart: true,
    keepAlive: 60,
    listener: '',
    certificate: null,
    pskIdentity: null,
  };
}

test('the password of a user of the file is right; a wrong one is denied, and other users are the next provider’s', async () => {
  const file = provider(`alice:${HASH}\n`);
  const ask = (userName: string | null, password: string | null) =>
    file.authenticate?.(credentials(userName, password), signal);
  expect(await ask('alice', 'open sesame')).toMatchObject({ result: 'allow', userName: 'alice' });
  const wrong = { result: 'deny', reasonCode: 0x86 };
  expect(await ask('alice', 'wrong')).toMatchObject(wrong);
  expect(await ask('alice', '')).toMatchObject(wrong);
  expect(await ask('alice', null)).toMatchObject(wrong);
  expect(await ask('bob', 'open sesame')).toMatchObject({ result: 'pass' });
  expect(await ask('bob', null)).toMatchObject({ result: 'pass' });
  expect(await ask(null, 'open sesame')).toEqual({ result: 'pass' });
  await file.close?.();
});

test('a client may stay while its user has the same password', async () => {
  const file = provider(`alice:${HASH}\n`);
  const answer = await file.authenticate?.(credentials('alice', 'open sesame'), signal);
  const { ticket } = answer as ProviderAllowance;
  expect(provider(`bob:${HASH}\nalice:${HASH}\n`).mayStay?.('alice', ticket)).toBe(true);
  expect(provider(`alice:${OTHER}\n`).mayStay?.('alice', ticket)).toBe(false);
  expect(provider(`bob:${HASH}\n`).mayStay?.('alice', ticket)).toBe(false);
  await file.close?.();
});

test('where too many wait, one is denied as busy; those that wait are answered before it is closed', async () => {
  const file = provider(`alice:${HASH}\n`, 1);
  const answers = [1, 2, 3].map(() => file.authenticate?.(credentials('alice', 'wrong'), signal));
  await file.close?.();
  expect(
    (await Promise.all(answers)).map(
      (answer) => answer && 'reasonCode' in answer && answer.reasonCode,
    ),
  ).toEqual([0x86, 0x86, 0x89]);
});

test('nothing is hashed for an answer that isn’t needed any more', async () => {
  const file = provider(`alice:${HASH}\n`);
  const gone = new AbortController();
  const first = file.authenticate?.(credentials('alice', 'wrong'), signal);
  const second = file.authenticate?.(credentials('alice', 'open sesame'), gone.signal);
  gone.abort();
  expect(await first).toMatchObject({ reasonCode: 0x86 });
  expect(await second).toMatchObject({ reasonCode: 0x89 });
  await file.close?.();
});
