import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type JWTPayload, SignJWT } from 'jose';
import {
  createJwtProvider,
  JWT_ALGORITHMS,
  JWT_DEFAULTS,
  type JwtOptions,
  type Provider,
  type ProviderAnswer,
} from '../../../src/index.ts';
import { credentialsOf, NEVER, TestTools } from '../support/provider-tools.ts';
import { TemporaryFiles } from '../support/temporary-files.ts';
import { INDEPENDENT_TOKENS } from './independent-tokens.ts';

const files = new TemporaryFiles();
afterAll(() => files.remove());

const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicPem = issuer.publicKey.export({ type: 'spki', format: 'pem' }) as string;
const keyFile = files.write('issuer.pem', publicPem);

const NOW = Math.floor(new TestTools().time / 1000);

function optionsOf(given: Partial<JwtOptions> = {}): JwtOptions {
  return {
    ...JWT_DEFAULTS,
    algorithms: ['ES256'],
    keys: { kind: 'public-key', path: keyFile },
    ...given,
  };
}

function providerOf(given: Partial<JwtOptions> = {}): Provider {
  return createJwtProvider(optionsOf(given), new TestTools());
}

function tokenOf(
  claims: JWTPayload,
  key: KeyObject = issuer.privateKey,
  header: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT({ sub: 'alice', exp: NOW + 60, ...claims })
    .setProtectedHeader({ alg: 'ES256', ...header })
    .sign(key);
}

async function askedWith(
  provider: Provider,
  password: string | Uint8Array | null,
  more: Parameters<typeof credentialsOf>[0] = {},
): Promise<ProviderAnswer> {
  return (provider.authenticate as NonNullable<Provider['authenticate']>)(
    credentialsOf({ password, ...more }),
    NEVER,
  );
}

async function answerTo(
  claims: JWTPayload,
  given: Partial<JwtOptions> = {},
  more: Parameters<typeof credentialsOf>[0] = {},
): Promise<ProviderAnswer> {
  return askedWith(providerOf(given), await tokenOf(claims), more);
}

/** A token made by hand: what no library would sign. */
function forged(header: object, claims: object, sign: (input: string) => Buffer): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${sign(input).toString('base64url')}`;
}

describe('tokens of an independent library (PyJWT)', () => {
  test('there is one of each algorithm', () => {
    expect(INDEPENDENT_TOKENS.map(({ algorithm }) => algorithm)).toEqual(JWT_ALGORITHMS);
  });

  test.each(INDEPENDENT_TOKENS)('$algorithm', async ({ algorithm, key, token }) => {
    const path = files.write(`${algorithm}.key`, `${key}\n`);
    const keys = algorithm.startsWith('HS')
      ? ({ kind: 'secret-file', path, encoding: 'raw' } as const)
      : ({ kind: 'public-key', path } as const);
    const provider = providerOf({
      algorithms: [algorithm],
      keys,
      issuer: 'https://id.example',
      audience: ['other', 'mqtt'],
      verify: { client_id: '${clientid}' },
    });
    expect(await askedWith(provider, token, { clientId: 'device-7' })).toMatchObject({
      result: 'allow',
      userName: 'alice',
      expiresAt: 4_102_444_800_000,
    });
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const changed = `${header}.${payload}.${signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))}`;
    expect(await askedWith(provider, changed, { clientId: 'device-7' })).toMatchObject({
      result: 'deny',
      reasonCode: 0x86,
      why: 'the signature of the token is wrong',
    });
  });

  test('a secret may be in Base64', async () => {
    const [{ key, token }] = INDEPENDENT_TOKENS;
    const path = files.write('secret.base64', Buffer.from(key).toString('base64'));
    const provider = providerOf({
      algorithms: ['HS256'],
      keys: { kind: 'secret-file', path, encoding: 'base64' },
    });
    expect(await askedWith(provider, token)).toMatchObject({ result: 'allow' });
  });
});

describe('what is not believed', () => {
  const DENIED = { result: 'deny', reasonCode: 0x86 };

  test('the signature of somebody else', async () => {
    expect(await askedWith(providerOf(), await tokenOf({}, stranger.privateKey))).toMatchObject(
      DENIED,
    );
  });

  test('no signature (RFC 7515, 10.7: alg none)', async () => {
    const claims = { sub: 'alice', exp: NOW + 60 };
    for (const alg of ['none', 'None', 'NONE']) {
      const token = forged({ alg }, claims, () => Buffer.alloc(0));
      expect(await askedWith(providerOf(), token)).toMatchObject(DENIED);
    }
  });

  test('the public key as a secret (RFC 8725, 2.1)', async () => {
    const token = forged({ alg: 'HS256' }, { sub: 'alice', exp: NOW + 60 }, (input) =>
      createHmac('sha256', publicPem).update(input).digest(),
    );
    expect(await askedWith(providerOf(), token)).toMatchObject(DENIED);
  });

  test('an algorithm that is not in the list, with the right key', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const path = files.write('rsa.pem', rsa.publicKey.export({ type: 'spki', format: 'pem' }));
    const keys = { kind: 'public-key', path } as const;
    const token = await new SignJWT({ sub: 'alice' })
      .setProtectedHeader({ alg: 'RS256' })
      .sign(rsa.privateKey);
    expect(await askedWith(providerOf({ keys, algorithms: ['PS256'] }), token)).toMatchObject(
      DENIED,
    );
    expect(await askedWith(providerOf({ keys, algorithms: ['RS256'] }), token)).toMatchObject({
      result: 'allow',
    });
  });

  test('a key that the token itself brings (jwk, jku, x5c)', async () => {
    const jwk = stranger.publicKey.export({ format: 'jwk' });
    const token = await tokenOf({}, stranger.privateKey, {
      jwk,
      jku: 'http://127.0.0.1:1/',
      x5c: [],
    });
    expect(await askedWith(providerOf(), token)).toMatchObject(DENIED);
  });

  test('an extension that it says has to be understood (RFC 7515, 4.1.11)', async () => {
    const token = forged({ alg: 'ES256', crit: ['x'], x: 1 }, { sub: 'alice' }, () =>
      Buffer.alloc(64),
    );
    expect(await askedWith(providerOf(), token)).toMatchObject(DENIED);
  });

  test('one that has expired, is not valid yet, or has no end where it needs one', async () => {
    expect(await answerTo({ exp: NOW - 1 })).toMatchObject({
      ...DENIED,
      why: 'the token has expired',
    });
    expect(await answerTo({ exp: NOW })).toMatchObject(DENIED);
    expect(await answerTo({ nbf: NOW + 1 })).toMatchObject(DENIED);
    const { exp: _, ...endless } = { sub: 'alice', exp: 0 };
    const token = await new SignJWT(endless)
      .setProtectedHeader({ alg: 'ES256' })
      .sign(issuer.privateKey);
    expect(await askedWith(providerOf({ requiresExpiry: true }), token)).toMatchObject(DENIED);
    const answer = await askedWith(providerOf(), token);
    expect(answer).toMatchObject({ result: 'allow' });
    expect(answer).not.toHaveProperty('expiresAt');
  });

  test('more of a clock that is wrong than is tolerated', async () => {
    const clockTolerance = 10_000;
    expect(await answerTo({ exp: NOW - 9 }, { clockTolerance })).toMatchObject({
      result: 'allow',
      // So that it isn't disconnected at once.
      expiresAt: (NOW + 1) * 1000,
    });
    expect(await answerTo({ exp: NOW - 10 }, { clockTolerance })).toMatchObject(DENIED);
  });

  test('another audience, or none', async () => {
    const audience = ['mqtt', 'broker'];
    expect(await answerTo({ aud: 'broker' }, { audience })).toMatchObject({ result: 'allow' });
    expect(await answerTo({ aud: ['x', 'mqtt'] }, { audience })).toMatchObject({ result: 'allow' });
    expect(await answerTo({ aud: 'mqt' }, { audience })).toMatchObject(DENIED);
    expect(await answerTo({}, { audience })).toMatchObject(DENIED);
  });

  test.each([
    ['no user name', { sub: undefined as unknown as string }],
    ['an empty one', { sub: '' }],
    ['a number', { sub: 7 as unknown as string }],
    ['U+0000', { sub: 'al\0ice' }],
    ['a longer one than MQTT has', { sub: 'a'.repeat(65_536) }],
  ])('%s', async (_, claims) => {
    expect(await answerTo(claims, { tokenBytesMax: 200_000 })).toMatchObject(DENIED);
  });

  test('an issuer that is not a text', async () => {
    const token = await tokenOf({ iss: ['https://id.example'] as unknown as string });
    expect(await askedWith(providerOf({ issuer: 'https://id.example' }), token)).not.toMatchObject({
      result: 'allow',
    });
  });
});

describe('what is left to the next provider', () => {
  test.each([
    ['no password', null],
    ['an empty one', ''],
    ['a password', 'secret'],
    ['a password with dots', 'ey.is.short'],
    ['a password of bytes', Buffer.from([0xff, 0xfe, 0x2e, 0x2e])],
    ['an encrypted token', 'eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d'],
    ['what is too long to be a token', `eyJhbGciOiJFUzI1NiJ9.${'a'.repeat(20_000)}.a`],
  ])('%s', async (_, password) => {
    expect(await askedWith(providerOf(), password)).toMatchObject({ result: 'pass' });
  });

  test('the token of another issuer', async () => {
    const token = await tokenOf({ iss: 'https://other.example' }, stranger.privateKey);
    expect(await askedWith(providerOf({ issuer: 'https://id.example' }), token)).toMatchObject({
      result: 'pass',
      why: 'a token of another issuer',
    });
    expect(await answerTo({ iss: 'a' }, { issuer: 'a' })).toMatchObject({ result: 'allow' });
  });
});

describe('where the token is', () => {
  test('in the user name', async () => {
    const token = await tokenOf({});
    const provider = providerOf({ from: ['user-name'] });
    expect(await askedWith(provider, token)).toMatchObject({ result: 'pass' });
    expect(await askedWith(provider, null, { userName: token })).toMatchObject({
      result: 'allow',
      userName: 'alice',
    });
  });

  test('in either', async () => {
    const token = await tokenOf({});
    const provider = providerOf({ from: ['user-name', 'password'] });
    expect(await askedWith(provider, token, { userName: 'bob' })).toMatchObject({
      userName: 'alice',
    });
    expect(await askedWith(provider, 'x', { userName: token })).toMatchObject({
      userName: 'alice',
    });
  });
});

describe('claims', () => {
  test('have to be what CONNECT says where that is asked for', async () => {
    const verify = { client_id: '${clientid}', name: 'u-${username}', tier: '2' };
    const right = { client_id: 'client-1', name: 'u-bob', tier: 2 };
    const connect = { userName: 'bob' };
    expect(await answerTo(right, { verify }, connect)).toMatchObject({ result: 'allow' });
    for (const wrong of [
      { client_id: 'client-2' },
      { client_id: undefined },
      { name: 'u-eve' },
      { tier: 3 },
      { tier: { toString: '2' } },
      { client_id: { 'client-1': true } },
    ]) {
      expect(await answerTo({ ...right, ...wrong }, { verify }, connect)).toMatchObject({
        result: 'deny',
      });
    }
    expect(
      await answerTo({ client_id: ['a', 'client-1'] }, { verify: { client_id: '${clientid}' } }),
    ).toMatchObject({
      result: 'allow',
    });
  });

  test('what CONNECT leaves out agrees with nothing', async () => {
    const verify = { client_id: '${clientid}' };
    expect(await answerTo({ client_id: '' }, { verify }, { clientId: '' })).toMatchObject({
      result: 'deny',
    });
    expect(await answerTo({ name: '' }, { verify: { name: '${username}' } })).toMatchObject({
      result: 'deny',
    });
  });

  test('what a client calls itself is no placeholder', async () => {
    const verify = { client_id: '${clientid}' };
    const connect = { clientId: '${username}', userName: 'bob' };
    expect(await answerTo({ client_id: 'bob' }, { verify }, connect)).toMatchObject({
      result: 'deny',
    });
    expect(await answerTo({ client_id: '${username}' }, { verify }, connect)).toMatchObject({
      result: 'allow',
    });
  });

  test('user name, groups, roles, attributes, superuser', async () => {
    const claims = {
      'https://id.example/name': 'carol',
      realm_access: { roles: ['sensor', 'admin'] },
      scope: 'mqtt:read mqtt:write',
      client_attrs: { site: 'berlin', __proto__: 'x' },
      root: true,
    };
    expect(
      await answerTo(claims, {
        userNameClaim: 'https://id.example/name',
        rolesClaim: 'realm_access.roles',
        groupsClaim: 'scope',
        superuserClaim: 'root',
      }),
    ).toMatchObject({
      result: 'allow',
      userName: 'carol',
      roles: ['sensor', 'admin'],
      groups: ['mqtt:read', 'mqtt:write'],
      attributes: { site: 'berlin' },
      isSuperuser: true,
    });
  });

  test('access rules, in both forms that EMQX has', async () => {
    const acl = [
      { permission: 'allow', action: 'publish', topic: 't/${clientid}' },
      { permission: 'allow', action: 'subscribe', topic: 'eq t/1/#', qos: [1] },
      { permission: 'deny', action: 'all', topic: 't/3' },
    ];
    expect(await answerTo({ acl })).toMatchObject({
      result: 'allow',
      acl: [
        { permission: 'allow', actions: ['publish'], filters: [{ filter: 't/${clientid}' }] },
        { permission: 'allow', filters: [{ filter: 't/1/#', isLiteral: true }], qos: [1] },
        { permission: 'deny', filters: [{ filter: 't/3' }], source: 'jwt claim acl, rule 3' },
      ],
    });
    const lists = { pub: ['a/${username}'], sub: ['eq b/${username}'], all: ['c/#'] };
    const { acl: rules } = (await answerTo({ acl: lists })) as { acl?: unknown[] };
    expect(rules).toMatchObject([
      { permission: 'allow' },
      { permission: 'allow' },
      { permission: 'allow' },
      { permission: 'deny' },
    ]);
    expect(await answerTo({ acl: 'broken' }, { aclClaim: null })).not.toHaveProperty('acl');
    expect(await answerTo({ rules: [] }, { aclClaim: 'rules' })).toMatchObject({ acl: [] });
  });

  test.each([
    ['rules', {}, { acl: 'all' }],
    ['a rule', {}, { acl: [{ permission: 'allow', action: 'publish', topic: 'a', until: 5 }] }],
    ['groups', { groupsClaim: 'x' }, { x: 7 }],
    ['groups of numbers', { groupsClaim: 'x' }, { x: ['a', 7] }],
    ['roles', { rolesClaim: 'x' }, { x: {} }],
    ['attributes', {}, { client_attrs: ['a'] }],
    ['attributes of numbers', {}, { client_attrs: { a: 1 } }],
    ['superuser', { superuserClaim: 'x' }, { x: 'true' }],
  ])('of another shape than they have to be refuse: %s', async (_, given, claims) => {
    expect(await answerTo(claims, given)).toMatchObject({ result: 'deny' });
  });

  test('names that every object has are no claims', async () => {
    expect(await answerTo({}, { rolesClaim: 'constructor' })).not.toHaveProperty('roles');
    expect(await answerTo({}, { userNameClaim: 'constructor.name' })).toMatchObject({
      result: 'deny',
    });
  });
});

test('expiry disconnects unless that is off', async () => {
  expect(await answerTo({ exp: NOW + 60 })).toMatchObject({ expiresAt: (NOW + 60) * 1000 });
  expect(await answerTo({}, { disconnectsAfterExpiry: false })).not.toHaveProperty('expiresAt');
});

test('a client stays while what the provider believes is the same', async () => {
  const answer = await answerTo({});
  const { ticket } = answer as { ticket?: unknown };
  const mayStay = (given: Partial<JwtOptions>) => providerOf(given).mayStay?.('alice', ticket);
  expect(mayStay({})).toBe(true);
  expect(mayStay({ concurrentMax: 7, tokenBytesMax: 1000 })).toBe(true);
  expect(mayStay({ issuer: 'x' })).toBe(false);
  expect(mayStay({ audience: ['x'] })).toBe(false);
  expect(mayStay({ verify: { a: 'b' } })).toBe(false);
  const other = files.write(
    'other.pem',
    stranger.publicKey.export({ type: 'spki', format: 'pem' }),
  );
  expect(mayStay({ keys: { kind: 'public-key', path: other } })).toBe(false);
  expect(providerOf().mayStay?.('alice', null)).toBe(false);
});

describe('options that contradict each other are refused at once', () => {
  let secret: string;
  let short: string;
  let rsaSmall: string;
  let privateKey: string;
  beforeAll(() => {
    secret = files.write('secret', 's'.repeat(32));
    short = files.write('short', 's'.repeat(31));
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
    rsaSmall = files.write('small.pem', small.publicKey.export({ type: 'spki', format: 'pem' }));
    privateKey = files.write(
      'private.pem',
      issuer.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    );
  });

  const raw = (path: string) => ({ kind: 'secret-file', path, encoding: 'raw' }) as const;
  const pem = (path: string) => ({ kind: 'public-key', path }) as const;
  const cases: [string, () => Partial<JwtOptions>, string, RegExp][] = [
    ['no algorithm', () => ({ algorithms: [] }), 'algorithms', /at least one/],
    [
      'a secret and a public algorithm',
      () => ({ keys: raw(secret), algorithms: ['HS256', 'RS256'] }),
      'algorithms',
      /RS256/,
    ],
    ['a public key and HS256', () => ({ algorithms: ['ES256', 'HS256'] }), 'algorithms', /HS256/],
    [
      'a secret that can be guessed',
      () => ({ keys: raw(short), algorithms: ['HS256'] }),
      'secret-file',
      /31 bytes; HS256 needs 32/,
    ],
    [
      'a secret that is not Base64',
      () => ({
        keys: { ...raw(secret), path: files.write('no64', 'ü'), encoding: 'base64' },
        algorithms: ['HS256'],
      }),
      'secret-file',
      /Base64/,
    ],
    [
      'a key of another kind',
      () => ({ algorithms: ['RS256'] }),
      'public-key',
      /ec prime256v1; RS256 needs an RSA key/,
    ],
    ['a key of another curve', () => ({ algorithms: ['ES384'] }), 'public-key', /secp384r1/],
    [
      'an RSA key that is too small',
      () => ({ keys: pem(rsaSmall), algorithms: ['RS256'] }),
      'public-key',
      /1024/,
    ],
    ['a private key', () => ({ keys: pem(privateKey) }), 'public-key', /private key/],
    ['no key', () => ({ keys: pem(secret) }), 'public-key', /no public key/],
    ['no file', () => ({ keys: pem(files.path('missing')) }), 'public-key', /ENOENT/],
    ['an empty file', () => ({ keys: pem(files.write('empty', '')) }), 'public-key', /empty/],
    [
      'an unknown placeholder',
      () => ({ verify: { a: '${password}' } }),
      'verify',
      /\$\{clientid\}, \$\{username\}/,
    ],
  ];
  test.each(cases)('%s', (_, given, option, message) => {
    expect(() => providerOf(given())).toThrow(
      expect.objectContaining({ option, message: expect.stringMatching(message) }),
    );
  });
});

test('more tokens at the same time than may be are answered that the broker is busy', async () => {
  const provider = providerOf({ concurrentMax: 1, waitingMax: 2 });
  const token = await tokenOf({});
  const answers = await Promise.all(Array.from({ length: 5 }, () => askedWith(provider, token)));
  expect(answers.map(({ result }) => result)).toEqual(['allow', 'allow', 'allow', 'deny', 'deny']);
  expect(answers[4]).toMatchObject({ reasonCode: 0x89 });
  expect(await askedWith(provider, token)).toMatchObject({ result: 'allow' });
});

test('nothing of a token is in what is said of it', async () => {
  const token = await tokenOf({ exp: NOW - 1 });
  const tools = new TestTools();
  const provider = createJwtProvider(optionsOf(), tools);
  const answer = await askedWith(provider, token);
  expect(JSON.stringify([answer, tools.lines])).not.toContain(token.split('.')[1]);
});
