import { describe, expect, test } from '@jest/globals';
import { type AuthenticationStep, type Credentials, GuessThrottle } from '../../../src/index.ts';
import { SCRAM_METHODS, type ScramMethod } from '../../../src/providers/scram/scram-hash.ts';
import { createScramProvider } from '../../../src/providers/scram/scram-provider.ts';
import {
  formatScramSecret,
  makeScramSecret,
  parseScramSecret,
} from '../../../src/providers/scram/scram-secret.ts';
import { putScramUser, ScramUsers } from '../../../src/providers/scram/scram-users.ts';
import { ScramClient } from './scram-client.ts';

const DIGESTS = { 'SCRAM-SHA-256': 'sha256', 'SCRAM-SHA-512': 'sha512' } as const;

function line(name: string, method: ScramMethod, password: string): string {
  return `${name}:${formatScramSecret(makeScramSecret(method, password, 4096))}\n`;
}

const FILE = `# users\n${SCRAM_METHODS.map((method) => line('alice', method, 'open sesame')).join('')}${line('bøb,=', 'SCRAM-SHA-256', 'pencil')}`;

function usersOf(text: string): ScramUsers {
  const { users, problems } = ScramUsers.parse(text);
  expect(problems).toEqual([]);
  return users;
}

const users = usersOf(FILE);

function begin(method: ScramMethod, of = users, makeNonce?: () => string) {
  const provider = createScramProvider({ users: of, ...(makeNonce && { makeNonce }) });
  const found = provider.methods?.find(({ name }) => name === method);
  if (found === undefined) throw new Error(`no ${method}`);
  const exchange = found.begin('c', {} as Credentials);
  return (data: string | Uint8Array) => exchange.next(Buffer.from(data)) as AuthenticationStep;
}

function dataOf(step: AuthenticationStep): Uint8Array | undefined {
  return step.result === 'refuse' ? undefined : step.data;
}

/** Both steps, with what comes of them. */
function logIn(
  method: ScramMethod,
  user: string,
  password: string,
  options: { header?: string } = {},
) {
  const next = begin(method);
  const client = new ScramClient(DIGESTS[method], user, password, options);
  const challenge = next(client.first());
  if (challenge.result !== 'continue') return { end: challenge, isServerRight: false };
  const end = next(client.final(challenge.data));
  return { end, isServerRight: client.accepts(dataOf(end)) };
}

test('the exchange of RFC 7677 is answered byte by byte', () => {
  const secret = makeScramSecret(
    'SCRAM-SHA-256',
    'pencil',
    4096,
    Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  );
  const of = usersOf(`user:${formatScramSecret(secret)}\n`);
  const next = begin('SCRAM-SHA-256', of, () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0');
  const challenge = next('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
  expect(`${dataOf(challenge)}`).toBe(
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  );
  const end = next(
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  );
  expect(end).toMatchObject({ result: 'success', userName: 'user' });
  expect(`${dataOf(end)}`).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
});

describe.each(SCRAM_METHODS)('%s', (method) => {
  test('an independent client gets in by its password, and knows that the server has its secret', () => {
    const { end, isServerRight } = logIn(method, 'alice', 'open sesame');
    expect(end).toMatchObject({ result: 'success', userName: 'alice' });
    expect(isServerRight).toBe(true);
  });

  test('a wrong password, and a user who isn’t there, are answered alike', () => {
    const wrong = logIn(method, 'alice', 'open sesam').end;
    expect(wrong).toMatchObject({ result: 'refuse', reasonCode: 0x86 });
    expect(logIn(method, 'nobody', 'open sesame').end).toEqual(wrong);
    expect(logIn(method, '__proto__', 'open sesame').end).toEqual(wrong);
  });

  test('a salt says nothing of whether there is a user: it is always the same for a name, and of the same kind', () => {
    const saltOf = (name: string, of = users) => {
      const step = begin(method, of)(new ScramClient(DIGESTS[method], name, '').first());
      return /s=(.*)$/.exec(`${dataOf(step)}`)?.[1] as string;
    };
    const shape = (text: string) => [
      Buffer.from(text.split(',')[0] as string, 'base64').length,
      text.split(',')[1],
    ];
    expect(saltOf('nobody')).toBe(saltOf('nobody'));
    expect(saltOf('nobody')).not.toBe(saltOf('nobody2'));
    expect(shape(saltOf('nobody'))).toEqual(shape(saltOf('alice')));
    // As after a restart, with a user more.
    const later = usersOf(`${FILE}${line('carol', method, 'x')}`);
    expect(saltOf('nobody', later)).toBe(saltOf('nobody'));
  });
});

test('names with commas, equals signs and other letters are decoded and prepared', () => {
  expect(logIn('SCRAM-SHA-256', 'bøb,=', 'pencil').end).toMatchObject({ userName: 'bøb,=' });
  // A soft hyphen isn't there for SASLprep; and nor is a method that bob has no secret for.
  expect(logIn('SCRAM-SHA-256', 'b\u00adøb,=', 'pencil').end).toMatchObject({ userName: 'bøb,=' });
  expect(logIn('SCRAM-SHA-512', 'bøb,=', 'pencil').end).toMatchObject({ reasonCode: 0x86 });
});

describe('channel binding and authorization', () => {
  test('a client that could, and believes that the server can’t, is let in', () => {
    const { end, isServerRight } = logIn('SCRAM-SHA-256', 'alice', 'open sesame', {
      header: 'y,,',
    });
    expect([end.result, isServerRight]).toEqual(['success', true]);
  });

  test('one that wants it is refused', () => {
    const { end } = logIn('SCRAM-SHA-256', 'alice', 'open sesame', { header: 'p=tls-exporter,,' });
    expect(end).toEqual({
      result: 'refuse',
      reasonCode: 0x87,
      why: 'channel binding is not supported',
    });
  });

  test('one whose first message was changed on its way is refused', () => {
    const next = begin('SCRAM-SHA-256');
    const client = new ScramClient('sha256', 'alice', 'open sesame', { header: 'y,,' });
    const challenge = next(client.first().toString().replace('y,,', 'n,,'));
    expect(next(client.final(dataOf(challenge)))).toMatchObject({
      result: 'refuse',
      why: expect.stringContaining('channel binding'),
    });
  });

  test('a user may name itself, and nobody else', () => {
    const as = (name: string) =>
      logIn('SCRAM-SHA-256', 'alice', 'open sesame', { header: `n,a=${name},` });
    expect(as('alice').end.result).toBe('success');
    expect(as('bob').end).toMatchObject({ result: 'refuse', reasonCode: 0x87 });
  });
});

describe('messages that are none', () => {
  test.each([
    '',
    'n',
    'n,,',
    'n,,r=abc,n=alice',
    'n,,n=alice',
    'n,,n=alice,r=',
    'n,,n=,r=abc',
    'n,,m=x,n=alice,r=abc',
    'n,,n=al=ice,r=abc',
    'n,,n=al=2cice,r=abc',
    'x,,n=alice,r=abc',
    'n,,n=alice,r=a\tb',
    'n,,n=al\u0007ice,r=abc',
    `n,,n=alice,r=${'x'.repeat(5000)}`,
  ])('%j is refused at the beginning', (message) => {
    expect(begin('SCRAM-SHA-256')(message)).toMatchObject({ result: 'refuse', reasonCode: 0x87 });
  });

  test('bytes that are no UTF-8 are refused', () => {
    const next = begin('SCRAM-SHA-256');
    expect(next(Buffer.from('n,,n=al\xffice,r=abc', 'latin1'))).toMatchObject({ result: 'refuse' });
  });

  test.each<[string, (text: string) => string]>([
    ['nothing', () => ''],
    ['another nonce', (text) => text.replace(/r=./, 'r=X')],
    [
      'the nonce of the client alone',
      (text) => text.replace(/r=.{24}[^,]*/, 'r=fyko+d2lbbFgONRv9qkxdawL'),
    ],
    ['no proof', (text) => text.replace(/,p=.*/, '')],
    ['a short proof', (text) => text.replace(/,p=.*/, ',p=AAAA')],
    ['an empty proof', (text) => text.replace(/,p=.*/, ',p=')],
    [
      'a proof of zeros',
      (text) => text.replace(/,p=.*/, `,p=${Buffer.alloc(32).toString('base64')}`),
    ],
    ['an extension that the proof doesn’t know of', (text) => text.replace(',p=', ',x=1,p=')],
  ])('%s is refused at the end', (_what, change) => {
    const next = begin('SCRAM-SHA-256');
    const client = new ScramClient('sha256', 'alice', 'open sesame');
    const final = client.final(dataOf(next(client.first()))).toString();
    expect(next(change(final))).toMatchObject({ result: 'refuse' });
  });

  test('an extension that the proof covers does no harm', () => {
    const next = begin('SCRAM-SHA-256');
    const client = new ScramClient('sha256', 'alice', 'open sesame');
    const final = client.final(dataOf(next(client.first())), (text) => `${text},x=1`);
    expect(next(final).result).toBe('success');
  });
});

test('nonces differ, and a final message is of no use in another exchange', () => {
  const client = new ScramClient('sha256', 'alice', 'open sesame');
  const next = begin('SCRAM-SHA-256');
  const final = client.final(dataOf(next(client.first())));
  expect(next(final).result).toBe('success');
  const again = begin('SCRAM-SHA-256');
  again(client.first());
  expect(again(final)).toMatchObject({ result: 'refuse' });
});

test('a client may stay while its user has the same secret', () => {
  const { ticket } = logIn('SCRAM-SHA-256', 'alice', 'open sesame').end as { ticket?: unknown };
  const may = (text: string, name: string | null = 'alice') =>
    createScramProvider({ users: usersOf(text) }).mayStay?.(name, ticket);
  expect(may(FILE)).toBe(true);
  expect(may(line('alice', 'SCRAM-SHA-256', 'open sesame'))).toBe(false);
  expect(may(line('bob', 'SCRAM-SHA-256', 'x'))).toBe(false);
  expect(may(FILE, null)).toBe(false);
});

test('who is wrong too often has to wait, also with exchanges that had begun before', () => {
  const limits = { clientGuesses: 2, addressGuesses: 0, userGuesses: 0, waitMaxMs: 60_000 };
  const guesses = new GuessThrottle(
    () => ({ ...limits, entriesMax: 10 }),
    () => 0,
  );
  const [method] = createScramProvider({ users, guesses }).methods ?? [];
  const from = (address: string, password: string) => {
    const exchange = method?.begin('c', { address } as Credentials);
    const client = new ScramClient('sha256', 'alice', password);
    const challenge = exchange?.next(client.first()) as AuthenticationStep;
    return () => exchange?.next(client.final(dataOf(challenge))) as AuthenticationStep;
  };
  const all = [1, 2, 3, 4].map(() => from('192.0.2.1', 'x'));
  const ends = all.map((end) => end());
  expect(ends.map((end) => end.result === 'refuse' && end.reasonCode)).toEqual([
    0x86, 0x86, 0x97, 0x97,
  ]);
  const next = method?.begin('c', { address: '192.0.2.1' } as Credentials);
  expect(next?.next(Buffer.from('n,,n=alice,r=abc'))).toMatchObject({ reasonCode: 0x97 });
  expect(from('192.0.2.2', 'open sesame')().result).toBe('success');
});

describe('files', () => {
  const good = line('a', 'SCRAM-SHA-256', 'x').trim();

  test.each([
    ['alice', /it takes NAME:SECRET/],
    ['alice:secret', /it takes NAME:SECRET/],
    [good.slice(1), /it takes NAME:SECRET/],
    [good.replace('$4096:', '$4095:'), /it takes NAME:SECRET/],
    [good.replace('$4096:', '$1000001:'), /it takes NAME:SECRET/],
    [good.replace('SHA-256', 'SHA-512'), /it takes NAME:SECRET/],
    [good.replace('SHA-256', 'SHA-999'), /it takes NAME:SECRET/],
    [good.replace('a:', 'a\u0007:'), /characters that SCRAM does not allow/],
    [good, /user "a" is there twice with SCRAM-SHA-256/],
  ])('%s is reported by its line, without the secret', (text, why) => {
    const { problems } = ScramUsers.parse(`${good}\n\n# more\n${text}\n`);
    expect(problems).toEqual([{ line: 4, message: expect.stringMatching(why) }]);
    expect(problems[0]?.message).not.toMatch(/secret"|\$4/);
  });

  test('a secret that PostgreSQL has made is read as it is', () => {
    // CREATE ROLE … PASSWORD 'pencil', PostgreSQL 15; made by its documented format and RFC 7677's vector.
    const text =
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=';
    const parsed = parseScramSecret(text);
    expect(parsed).not.toBeNull();
    const made = makeScramSecret(
      'SCRAM-SHA-256',
      'pencil',
      4096,
      Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
    );
    expect(formatScramSecret(made)).toBe(text);
  });

  test('a user is put in, or gets other secrets, and all other lines stay', () => {
    expect(putScramUser('', 'a', ['1', '2'])).toBe('a:1\na:2\n');
    expect(putScramUser('# x\na:1\n\nb:1\na:2', 'a', ['3', '4'])).toBe('# x\na:3\na:4\n\nb:1\n');
    expect(putScramUser('ab:1\n', 'a', ['3'])).toBe('ab:1\na:3\n');
  });

  test('a password with characters that aren’t allowed has no secret', () => {
    expect(() => makeScramSecret('SCRAM-SHA-256', 'a\u0007b', 4096)).toThrow(/does not allow/);
  });
});
