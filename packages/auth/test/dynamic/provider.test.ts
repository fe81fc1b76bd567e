import { pbkdf2Sync } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  type Credentials,
  createDynamicProvider,
  DynamicSecurity,
  type Provider,
} from '../../src/index.ts';

/** PBKDF2 with SHA-512 and one iteration, as mosquitto 2.0 keeps it: cheap. */
function kept(password: string): string {
  const hash = pbkdf2Sync(password, 'salt-of-12-b', 1, 64, 'sha512').toString('base64');
  return `$7$1$${Buffer.from('salt-of-12-b').toString('base64')}$${hash}`;
}

let security: DynamicSecurity;
let provider: Provider;
let hashes: Map<string, string>;

beforeEach(() => {
  security = new DynamicSecurity();
  provider = createDynamicProvider(security, { concurrentMax: 2, waitingMax: 10 });
  hashes = new Map();
});

afterEach(() => provider.close?.());

function ask(...commands: unknown[]): void {
  const request = security.read(Buffer.from(JSON.stringify({ commands })));
  security.carryOut(request, hashes);
}

function credentials(
  userName: string | null,
  password: string | null,
  clientId = 'c',
): Credentials {
  return {
    clientId,
    userName,
    password: password === null ? null : Buffer.from(password),
    address: '127.0.0.1',
    protocol: 'tcp',
    version: 5,
    cleanStart: true,
    keepAlive: 0,
    listener: '',
    certificate: null,
    pskIdentity: null,
  };
}

const answerOf = async (...args: Parameters<typeof credentials>) =>
  (await provider.authenticate?.(credentials(...args), new AbortController().signal)) ?? null;

async function resultOf(...args: Parameters<typeof credentials>): Promise<string | undefined> {
  return (await answerOf(...args))?.result;
}

const ticketOf = async (...args: Parameters<typeof credentials>) =>
  ((await answerOf(...args)) as { ticket?: unknown }).ticket;

beforeEach(() => {
  for (const password of ['p', 'q']) hashes.set(password, kept(password));
  ask(
    { command: 'createClient', username: 'u', password: 'p' },
    { command: 'createClient', username: 'without' },
  );
});

test('a user with the right password is let in, whoever is unknown is left to others', async () => {
  expect(await answerOf('u', 'p')).toMatchObject({ result: 'allow', userName: 'u' });
  expect(await resultOf('u', 'wrong')).toBe('deny');
  expect(await resultOf('u', null)).toBe('deny');
  expect(await resultOf('without', '')).toBe('deny');
  expect(await resultOf('unknown', 'p')).toBe('pass');
  expect(await resultOf('unknown', null)).toBe('pass');
  expect(await resultOf(null, null)).toBe('pass');
});

test('one that is disabled is not, nor with another client identifier than the user’s', async () => {
  ask({ command: 'disableClient', username: 'u' });
  expect(await resultOf('u', 'p')).toBe('deny');
  ask({ command: 'enableClient', username: 'u' });
  expect(await resultOf('u', 'p')).toBe('allow');
  ask({ command: 'setClientId', username: 'u', clientid: 'dev' });
  expect(await resultOf('u', 'p', 'c')).toBe('deny');
  expect(await resultOf('u', 'p', 'dev')).toBe('allow');
});

test.each([
  ['another password', { command: 'setClientPassword', password: 'q' }, false],
  ['the same user again', { command: 'modifyClient', password: 'p' }, true],
  ['disabled', { command: 'disableClient' }, false],
  ['deleted', { command: 'deleteClient' }, false],
  ['its identifier', { command: 'setClientId', clientid: 'c' }, true],
  ['another identifier', { command: 'setClientId', clientid: 'd' }, false],
  ['a name for people', { command: 'modifyClient', textname: 'x' }, true],
])('who was let in may stay after a change, or not: %s', async (_name, command, mayStay) => {
  const ticket = await ticketOf('u', 'p');
  expect(provider.mayStay?.('u', ticket)).toBe(true);
  ask({ ...command, username: 'u' });
  expect(provider.mayStay?.('u', ticket)).toBe(mayStay);
});

test('a user that is changed while its password is checked is not let in', async () => {
  const answer = answerOf('u', 'p');
  ask({ command: 'setClientPassword', username: 'u', password: 'q' });
  expect((await answer)?.result).toBe('deny');
  expect(await resultOf('u', 'q')).toBe('allow');
  expect(await resultOf('u', 'p')).toBe('deny');
});

test('a wrong password costs the same, whoever is named', () => {
  const { passwords } = security;
  expect(passwords.set('other', kept('p').replace('$7$1$', '$7$2$'))).toBe(true);
  const costsOf = (name: string) => {
    const { kept: its, others } = passwords.comparisonOf(name);
    return [its.cost, ...others].map((cost) =>
      cost.algorithm === 'pbkdf2-sha512' ? cost.iterations : cost.algorithm,
    );
  };
  for (const name of ['u', 'other', 'without', 'unknown']) {
    expect(costsOf(name)).toHaveLength(2);
    expect(costsOf(name)).toEqual(expect.arrayContaining([1, 2]));
  }
  passwords.set('other', null);
  expect(costsOf('unknown')).toEqual([1]);
  expect(passwords.set('u', 'no hash')).toBe(false);
  expect(costsOf('u')).toEqual(['scrypt']);
});
