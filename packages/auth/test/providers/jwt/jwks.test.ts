import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { CertificateAuthority } from '../../../../server/test/support/certificates.ts';
import {
  createJwtProvider,
  JWT_DEFAULTS,
  type JwtOptions,
  type Provider,
  type ProviderAnswer,
} from '../../../src/index.ts';
import { credentialsOf, NEVER, TestTools } from '../support/provider-tools.ts';
import { TemporaryFiles } from '../support/temporary-files.ts';
import { json, WebServer } from '../support/web-server.ts';

interface TestKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: Record<string, unknown>;
}

function keyOf(kid: string): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' } };
}

const first = keyOf('first');
const second = keyOf('second');
const files = new TemporaryFiles();
afterAll(() => files.remove());

let tools: TestTools;
let server: WebServer;
let providers: Provider[];

beforeEach(async () => {
  tools = new TestTools();
  providers = [];
  server = await WebServer.start(json({ keys: [first.jwk] }));
});
afterEach(async () => {
  for (const provider of providers) await provider.close?.();
  await server.close();
});

function providerOf(keys: JwtOptions['keys'], given: Partial<JwtOptions> = {}): Provider {
  const provider = createJwtProvider(
    { ...JWT_DEFAULTS, algorithms: ['ES256'], keys, ...given },
    tools,
  );
  providers.push(provider);
  return provider;
}

function byUrl(url = server.url('/jwks.json'), caFile: string | null = null): JwtOptions['keys'] {
  return { kind: 'jwks-url', url, caFile, timeout: 5000 };
}

async function asked(
  provider: Provider,
  key: TestKey,
  header: Record<string, unknown> = { kid: key.kid },
): Promise<ProviderAnswer> {
  const token = await new SignJWT({ sub: 'alice' })
    .setProtectedHeader({ alg: 'ES256', ...header })
    .sign(key.privateKey);
  return (provider.authenticate as NonNullable<Provider['authenticate']>)(
    credentialsOf({ password: token }),
    NEVER,
  );
}

const ALLOWED = { result: 'allow', userName: 'alice' };
const NO_KEY = { result: 'deny', why: 'the token names a key that the issuer does not have' };

describe('a key set from an HTTP server', () => {
  test('is read once, and again when it is old', async () => {
    const provider = providerOf(byUrl(), { jwksRefresh: 300_000 });
    const answers = await Promise.all([1, 2, 3, 4].map(() => asked(provider, first)));
    for (const answer of answers) expect(answer).toMatchObject(ALLOWED);
    expect(server.requests.length).toBe(1);
    expect(server.requests[0]).toMatchObject({ method: 'GET', path: '/jwks.json' });
    tools.time += 299_999;
    expect(await asked(provider, first)).toMatchObject(ALLOWED);
    expect(server.requests.length).toBe(1);
    tools.time += 1;
    expect(await asked(provider, first)).toMatchObject(ALLOWED);
    expect(server.requests.length).toBe(2);
    expect(tools.events).toEqual(['jwt-keys-read']);
  });

  test('rotation: a new key is found when a token names it, and one that was taken away is no longer believed', async () => {
    const provider = providerOf(byUrl());
    expect(await asked(provider, first)).toMatchObject(ALLOWED);
    tools.time += 30_000;
    server.answer = json({ keys: [second.jwk] });
    expect(await asked(provider, second)).toMatchObject(ALLOWED);
    expect(server.requests.length).toBe(2);
    expect(await asked(provider, first)).toMatchObject(NO_KEY);
  });

  test('whoever names keys that there are not has it read once in 30 s', async () => {
    const provider = providerOf(byUrl());
    expect(await asked(provider, first)).toMatchObject(ALLOWED);
    for (let count = 0; count < 5; count++) {
      expect(await asked(provider, second)).toMatchObject(NO_KEY);
    }
    expect(server.requests.length).toBe(1);
    tools.time += 30_000;
    for (let count = 0; count < 5; count++) {
      expect(await asked(provider, second)).toMatchObject(NO_KEY);
    }
    expect(server.requests.length).toBe(2);
  });

  test('that cannot be read keeps the last keys, asks again after longer and longer, and not for ever', async () => {
    const provider = providerOf(byUrl(), { jwksRefresh: 60_000, jwksAgeMax: 3_600_000 });
    expect(await asked(provider, first)).toMatchObject(ALLOWED);
    server.answer = json({ error: 'down' }, 503);
    tools.time += 60_000;
    const waits: number[] = [];
    let last = tools.time;
    for (let seconds = 0; seconds < 100; seconds++) {
      const before = server.requests.length;
      expect(await asked(provider, first)).toMatchObject(ALLOWED);
      if (server.requests.length > before) {
        waits.push((tools.time - last) / 1000);
        last = tools.time;
      }
      tools.time += 1000;
    }
    expect(waits).toEqual([0, 1, 2, 4, 8, 16, 32]);
    expect(tools.lines.at(-1)).toMatchObject({
      level: 'warn',
      event: 'jwt-keys-unavailable',
      fields: { why: 'it was answered with status 503', keeps: true },
    });
    tools.time += 3_600_000;
    await expect(asked(provider, first)).rejects.toThrow(/last read/);
    server.answer = json({ keys: [first.jwk] });
    tools.time += 60_000;
    expect(await asked(provider, first)).toMatchObject(ALLOWED);
  });

  test('that an earlier provider has read is believed by the next one, while the server is down', async () => {
    tools.keySets = new Map();
    expect(await asked(providerOf(byUrl()), first)).toMatchObject(ALLOWED);
    server.answer = json({}, 503);
    tools.time += 60_000;
    const times = { jwksRefresh: 60_000, jwksAgeMax: 3_600_000 };
    const next = providerOf(byUrl(), times);
    expect(await asked(next, first)).toMatchObject(ALLOWED);
    expect(await asked(next, second)).toMatchObject(NO_KEY);
    tools.time += 3_600_000;
    await expect(asked(providerOf(byUrl(), times), first)).rejects.toThrow(/last read/);
    await expect(asked(providerOf(byUrl(server.url('/other'))), first)).rejects.toThrow(/no keys/);
  });

  test('that was never read lets nobody in', async () => {
    server.answer = json({}, 500);
    const provider = providerOf(byUrl());
    await expect(asked(provider, first)).rejects.toThrow(/no keys could be read/);
    expect(server.requests.length).toBe(1);
  });

  test.each([
    ['no JSON', 'x', /not JSON/],
    ['no key set', '{"keys":{}}', /no JSON Web Key Set/],
    ['no object', '[]', /no JSON Web Key Set/],
    ['no public key', '{"keys":[{"kty":"oct","k":"AAAA"}]}', /no public key/],
    ['too many keys', JSON.stringify({ keys: Array(101).fill({ kty: 'EC' }) }), /101 keys/],
    ['too much', ' '.repeat(262_145), /more than 262144 bytes/],
  ])('%s is refused, and what went wrong is logged', async (_, body, why) => {
    server.answer = (_request, response) => response.end(body);
    const provider = providerOf(byUrl());
    await expect(asked(provider, first)).rejects.toThrow(/no keys/);
    expect(tools.lines).toMatchObject([
      { event: 'jwt-keys-unavailable', fields: { why: expect.stringMatching(why), keeps: false } },
    ]);
  });

  test('redirects are not followed', async () => {
    const other = await WebServer.start(json({ keys: [first.jwk] }));
    server.answer = (_request, response) => {
      response.writeHead(302, { location: other.url() });
      response.end();
    };
    await expect(asked(providerOf(byUrl()), first)).rejects.toThrow(/no keys/);
    expect(other.requests.length).toBe(0);
    await other.close();
  });

  test('a symmetric key in it is not believed', async () => {
    const k = Buffer.alloc(32, 7);
    server.answer = json({
      keys: [first.jwk, { kty: 'oct', k: k.toString('base64url'), kid: 'o' }],
    });
    const token = await new SignJWT({ sub: 'eve' })
      .setProtectedHeader({ alg: 'HS256', kid: 'o' })
      .sign(k);
    const answer = await providerOf(byUrl()).authenticate?.(
      credentialsOf({ password: token }),
      NEVER,
    );
    expect(answer).toMatchObject({ result: 'deny' });
  });

  test('a token without kid is tried with each key that fits', async () => {
    server.answer = json({ keys: [first.jwk, second.jwk, { ...keyOf('x').jwk, use: 'enc' }] });
    const provider = providerOf(byUrl());
    expect(await asked(provider, second, {})).toMatchObject(ALLOWED);
    expect(await asked(provider, first, {})).toMatchObject(ALLOWED);
    expect(await asked(provider, keyOf('third'), {})).toMatchObject({
      result: 'deny',
      why: 'the signature of the token is wrong',
    });
  });

  test('a key that is not meant for signatures is not believed', async () => {
    server.answer = json({ keys: [{ ...first.jwk, use: 'enc' }] });
    expect(await asked(providerOf(byUrl()), first)).toMatchObject(NO_KEY);
  });

  test('HTTPS is believed with the certificate that it has to have', async () => {
    const authority = new CertificateAuthority();
    const secure = await WebServer.start(json({ keys: [first.jwk] }), authority.issue('localhost'));
    const url = secure.url('/keys').replace('http:', 'https:');
    const caFile = files.write('ca.pem', authority.cert);
    expect(await asked(providerOf(byUrl(url, caFile)), first)).toMatchObject(ALLOWED);
    const otherCa = files.write('other-ca.pem', new CertificateAuthority('Other').cert);
    await expect(asked(providerOf(byUrl(url, otherCa)), first)).rejects.toThrow(/no keys/);
    await expect(asked(providerOf(byUrl(url)), first)).rejects.toThrow(/no keys/);
    expect(secure.requests.length).toBe(1);
    await secure.close();
  });

  test.each([
    ['ftp://127.0.0.1/', 'jwks-url'],
    ['127.0.0.1/keys', 'jwks-url'],
    ['http://user:pass@127.0.0.1/', 'jwks-url'],
  ])('%s is refused at once', (url, option) => {
    expect(() => providerOf(byUrl(url))).toThrow(expect.objectContaining({ option }));
  });
});

describe('a key set from a file', () => {
  test('is read again when a token names a key that is not in it', async () => {
    const path = files.write('keys.json', JSON.stringify({ keys: [first.jwk] }));
    const provider = providerOf({ kind: 'jwks-file', path });
    expect(await asked(provider, first)).toMatchObject(ALLOWED);
    files.write('keys.json', JSON.stringify({ keys: [first.jwk, second.jwk] }));
    expect(await asked(provider, second)).toMatchObject(NO_KEY);
    tools.time += 30_000;
    expect(await asked(provider, second)).toMatchObject(ALLOWED);
  });

  test('that is missing is a mistake at once', () => {
    const path = files.path('no-keys.json');
    expect(() => providerOf({ kind: 'jwks-file', path })).toThrow(/no-keys.json can't be read/);
  });
});
