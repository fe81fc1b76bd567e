import { afterAll, describe, expect, test } from '@jest/globals';
import { HashThreads, hashPassword } from '../../src/passwords/hash-threads.ts';
import { PasswordChecker } from '../../src/passwords/password-checker.ts';
import { parsePasswordFile } from '../../src/passwords/password-file.ts';
import {
  isSameHash,
  type PasswordHash,
  parsePasswordHash,
} from '../../src/passwords/password-hash.ts';
import { PasswordUsers } from '../../src/passwords/password-users.ts';

const LONG = 'x'.repeat(80);

/**
 * Made once by the tools that people have: mosquitto_passwd 2.0.11 (`-H sha512`, `-H sha512-pbkdf2`, `-I 2000`), htpasswd 2.4
 * (`-B`, `-B -C 10`), argon2 20171227 (`-id`), crypt(3) of libxcrypt 4.4 for `$2a$` and `$2b$`; scrypt by promptmq passwd.
 */
const MADE: readonly (readonly [tool: string, password: string, hash: string])[] = [
  [
    'mosquitto_passwd, SHA-512',
    'open sesame',
    '$6$iqZ8BlKkwdkOxlQ9$fAahkqRNE9eVu0ydDe0xIO/NpiO7MZWimwt7cp7NN0w6V2t2aJVqt4o0a24L8fCQQe5kzX7ETOokh4R8C091vw==',
  ],
  [
    'mosquitto_passwd, SHA-512, other letters',
    'pässwörd–ß',
    '$6$NY2tED0iM66e3zoc$Eho0QX/c2/Jjj049BKdx4ybzBT4LAywTuzhrhthAK8n9F4cqYi1i0cXZi4Dp7vrutM8CSizpGbufPoroFxBG5g==',
  ],
  [
    'mosquitto_passwd',
    'open sesame',
    '$7$101$kX00MDGfU2c/Pg7h$KDKinasTkZ4IF5qvJqmF/ez5a3gWxEqctax6DWMtyZNIy3Fx+qHjItYcuGFz5L6zonKIey4sUV0WTNtYsyieWw==',
  ],
  [
    'mosquitto_passwd, other letters',
    'pässwörd–ß',
    '$7$101$s6TNfgJ7FLhNw2L+$saMYxHUEL2Hv/MWSqygnd2jCkgsGusPf5JuV4eK4950HzDrDP4FCSjJp4X9c4JUOWlcTdBn0oDP9F5Bj5QHk5Q==',
  ],
  [
    'mosquitto_passwd with 2000 iterations',
    'open sesame',
    '$7$2000$o+O6jUdxzJYxG1OU$I6BAWmaX/ojol80BjGHAwGhCUJXpsRNlyvhpkaHJgsTBRv/8VTI9/Q3ypW+N3AgmgCw6mL7oeRLT0SGqSS+7MQ==',
  ],
  ['htpasswd -B', 'open sesame', '$2y$05$vJkcHFxk1ogWB3BP9CzmuuPrUJ/GocxtqAWNO32a8t4I1KRceqisa'],
  [
    'htpasswd -B -C 10',
    'open sesame',
    '$2y$10$1Ulr5QbCYElbhR2Q5Act.Oy1x4gbz4Pz4IpKUYQ5X6vRHmApWWsri',
  ],
  [
    'htpasswd -B, other letters',
    'pässwörd–ß',
    '$2y$05$U.MlWL6WJ7myPlD9vwp6j.RpQ8bD.uTZuXc4LAk10oNApFSQiBWCC',
  ],
  [
    'htpasswd -B of 80 letters',
    LONG,
    '$2y$05$Z6lG.UAGeBZ6jDMRHEY/v.51aVsb2BnEnBkCBpnsUaOiMC86zhsdm',
  ],
  ['crypt, $2a$', 'open sesame', '$2a$06$abcdefghijklmnopqrstuu6HOdRXRedKhuj/20F2oHIZZYnOj0s3W'],
  ['crypt, $2b$', 'pässwörd–ß', '$2b$06$abcdefghijklmnopqrstuuWRm3H8rS3anMDbGWpukEb9RyrwhXs56'],
  [
    'argon2 -id',
    'open sesame',
    '$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0MTZieQ$2riU9+XhNnCjGrJ/5nN39QX9Vr4KnCIVD7K8xoiQovA',
  ],
  [
    'argon2 -id with two lanes and 64 bytes',
    'open sesame',
    '$argon2id$v=19$m=4096,t=1,p=2$c2FsdHNhbHRzYWx0$GG23tc/Q7iS6ZWv/29ylpC7+XXOzvZ7MH0ZvCjnaT7o6UBvNWUFhP4tgCcV3uXGqGkKsdwAT3SBZKSXu88h0Hg',
  ],
  [
    'argon2 -id, other letters',
    'pässwörd–ß',
    '$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0MTZieQ$/MCtcZ5luNy+cnVI67ngAzeiFyuloAk/YNauYFbhdgA',
  ],
];

/** One of each kind, quick to check. */
const KINDS = [MADE[0], MADE[2], MADE[5], MADE[11]].map((entry) => (entry as (typeof MADE)[0])[2]);

const threads = new HashThreads();

afterAll(() => threads.close());

function parsed(text: string): PasswordHash {
  const hash = parsePasswordHash(text);
  if (hash === null) throw new Error(`${text} was refused`);
  return hash;
}

async function isRight(password: string, hash: string): Promise<boolean> {
  return (await threads.verify(Buffer.from(password), parsed(hash))).isRight;
}

describe('hashes of other programs', () => {
  test.each(MADE)('%s: its password is right, and no other', async (_tool, password, hash) => {
    expect(await isRight(password, hash)).toBe(true);
    for (const other of ['open sesam', `y${password.slice(1)}`, '', '\0']) {
      expect(await isRight(other, hash)).toBe(false);
    }
  });

  test('the end of a password counts, but for bcrypt beyond 72 bytes, as everywhere', async () => {
    const [, , hash] = MADE[8] as (typeof MADE)[0];
    expect(await isRight('x'.repeat(72), hash)).toBe(true);
    expect(await isRight('x'.repeat(71), hash)).toBe(false);
  });

  test('no password with a zero byte is right for bcrypt, which would end or begin anew at it', async () => {
    const [, , hash] = MADE[5] as (typeof MADE)[0];
    expect(await isRight('open sesame', hash)).toBe(true);
    expect(await isRight('open sesame\0open sesame', hash)).toBe(false);
    expect(await isRight('open sesame\0', hash)).toBe(false);
  });

  test.each(MADE)('%s: cut anywhere, it is no hash', (_tool, _password, hash) => {
    const whole = parsed(hash);
    for (let length = 0; length < hash.length; length++) {
      const cut = parsePasswordHash(hash.slice(0, length));
      // Argon2 says nowhere how long its hash is.
      if (cut !== null)
        expect([cut.cost.algorithm, isSameHash(cut, whole)]).toEqual(['argon2id', false]);
    }
    expect(isSameHash(parsed(hash), whole)).toBe(true);
  });
});

describe('what a file may ask for', () => {
  const scrypt =
    '$scrypt$ln=15,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
  const [pbkdf2, argon2, bcrypt] = [MADE[2], MADE[11], MADE[5]].map(
    (entry) => (entry as (typeof MADE)[0])[2],
  ) as [string, string, string];

  test.each([
    [
      scrypt,
      'ln=15,r=8,p=1',
      ['ln=18,r=8,p=1', 'ln=16,r=8,p=4', 'ln=10,r=1,p=1'],
      [
        'ln=19,r=8,p=1',
        'ln=30,r=8,p=1',
        'ln=15,r=99,p=1',
        'ln=15,r=8,p=99',
        'ln=9,r=8,p=1',
        'ln=15,r=0,p=1',
        'ln=15,r=8,p=0',
      ],
    ],
    [pbkdf2, '$101$', ['$1$', '$1000000$'], ['$1000001$', '$0$', '$99999999$', '$-1$', '$1e3$']],
    [
      argon2,
      'm=1024,t=2,p=1',
      ['m=262144,t=2,p=1', 'm=47104,t=1,p=1', 'm=65536,t=3,p=4', 'm=8,t=1,p=1'],
      [
        'm=262145,t=1,p=1',
        'm=999999,t=1,p=1',
        'm=262144,t=3,p=1',
        'm=8,t=65537,p=1',
        'm=8,t=1,p=2',
        'm=1024,t=0,p=1',
        'm=1024,t=2,p=0',
      ],
    ],
    [argon2, 'v=19', ['v=19'], ['v=16', 'v=20']],
    [argon2, '$argon2id$', ['$argon2id$'], ['$argon2i$', '$argon2d$']],
    [bcrypt, '$05$', ['$04$', '$14$'], ['$15$', '$31$', '$03$', '$5$']],
    [bcrypt, '$2y$', ['$2a$', '$2b$'], ['$2x$', '$2$', '$2z$']],
  ])('%s: %s', (hash, part, allowed, refused) => {
    for (const other of allowed)
      expect([other, parsePasswordHash(hash.replace(part, () => other))]).not.toEqual([
        other,
        null,
      ]);
    for (const other of refused)
      expect([other, parsePasswordHash(hash.replace(part, () => other))]).toEqual([other, null]);
  });

  test('hashes of /etc/shadow are not taken for those of mosquitto', () => {
    const shadow = `$6$saltsaltsalt$${'a'.repeat(86)}`;
    expect(parsePasswordHash(shadow)).toBeNull();
    expect(parsePasswordHash(`${shadow}==`)).not.toBeNull();
  });
});

describe('our own', () => {
  test('hashes of one password differ, none contains it, and each is right for it alone', async () => {
    const [one, other] = [
      await hashPassword('open sesame'),
      await threads.hash(Buffer.from('open sesame')),
    ];
    expect(one).not.toBe(other);
    expect(isSameHash(parsed(one), parsed(other))).toBe(false);
    expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$/);
    expect(one + other).not.toContain('sesame');
    expect(await isRight('open sesame', one)).toBe(true);
    expect(await isRight('open sesame', other)).toBe(true);
    expect(await isRight('open sesam', one)).toBe(false);
  });
});

describe('what a wrong password costs', () => {
  const names = KINDS.map((_hash, index) => `user${index}`);
  const text = KINDS.map((hash, index) => `${names[index]}:${hash}\n`).join('');

  /** Hashes that were made for one check. */
  async function workOf(users: PasswordUsers, name: string, password: string) {
    const checker = new PasswordChecker(users, { concurrentMax: 1, waitingMax: 1 });
    const verdict = await checker.check('192.0.2.1', name, Buffer.from(password));
    await checker.stop();
    return [verdict, checker.hashCount];
  }

  test('is the same for each user and for nobody, also where hashes are of several kinds', async () => {
    const users = new PasswordUsers(parsePasswordFile(text).users);
    expect(users.costCount).toBe(KINDS.length);
    for (const name of [...names, 'nobody', '', '__proto__', 'constructor']) {
      expect(await workOf(users, name, 'wrong')).toEqual(['wrong', KINDS.length]);
      expect(await workOf(users, name, '')).toEqual(['wrong', KINDS.length]);
    }
    for (const name of names) {
      expect(await workOf(users, name, 'open sesame')).toEqual(['right', 1]);
    }
  });

  test('is one hash of each cost: which they are doesn’t depend on the name', () => {
    const users = new PasswordUsers(parsePasswordFile(text).users);
    const costsOf = (name: string) => {
      const { kept, others } = users.comparisonOf(name);
      return [kept.cost, ...others].map((cost) => JSON.stringify(cost)).sort();
    };
    const [first, ...others] = [...names, 'nobody'].map(costsOf);
    for (const costs of others) expect(costs).toEqual(first);
  });

  test('is one hash where all are of one cost, or there is no user', async () => {
    const users = new PasswordUsers(parsePasswordFile(`a:${KINDS[1]}\nb:${KINDS[1]}\n`).users);
    expect(await workOf(users, 'a', 'wrong')).toEqual(['wrong', 1]);
    expect(await workOf(users, 'nobody', 'wrong')).toEqual(['wrong', 1]);
    expect(await workOf(new PasswordUsers(new Map()), 'a', 'wrong')).toEqual(['wrong', 1]);
  });

  test('what was right is remembered as long as the user has that password', async () => {
    const current = new Map([['a', parsed(KINDS[0] as string)]]);
    const others = {
      comparisonOf: (name: string) => new PasswordUsers(current).comparisonOf(name),
    };
    const checker = new PasswordChecker(others, { concurrentMax: 1, waitingMax: 1 });
    const check = () => checker.check('192.0.2.1', 'a', Buffer.from('open sesame'));
    expect([await check(), await check(), checker.hashCount]).toEqual(['right', 'right', 1]);
    current.set('a', parsed((MADE[1] as (typeof MADE)[0])[2]));
    expect(await check()).toBe('wrong');
    await checker.stop();
  });
});
