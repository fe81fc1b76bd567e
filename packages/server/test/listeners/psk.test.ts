import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConfigError, createBroker, parseConfig, type RunningBroker } from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { connectBytes } from '../support/packet-client.ts';

const KEY = 'a'.repeat(32);
const OTHER_KEY = 'b'.repeat(32);
const authority = new CertificateAuthority();
const folder = mkdtempSync(join(tmpdir(), 'promptmq-psk-'));
const refused: string[] = [];
let broker: RunningBroker;

function write(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const pskFile = write('keys', `alice:${KEY}\nbob:${OTHER_KEY}\n`);

beforeAll(async () => {
  const { cert, key } = authority.issue('localhost');
  const own = { cert: write('cert.pem', cert), key: write('key.pem', key) };
  const tls = { kind: 'tls' as const, bind: '127.0.0.1:0', pskFile };
  broker = await createBroker(
    {
      listeners: [
        { ...tls, name: 'keys' },
        { ...tls, ...own, name: 'both' },
      ],
      auth: { chain: [{ psk: true }], allowAnonymous: true },
    },
    {
      logger: {
        ...noopLogger,
        warn: (_event, fields = {}) => refused.push(`${(fields as { why?: string }).why}`),
      },
    },
  );
});

afterAll(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

const portOf = (name: string) =>
  Number(new URL(`${broker.listeners.find((one) => one.name === name)?.url}`).port);

const pskOf = (identity: string, key: string): ConnectionOptions => ({
  pskCallback: () => ({ identity, psk: Buffer.from(key, 'hex') }),
  ciphers: 'PSK-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384',
  checkServerIdentity: () => undefined,
});

/** The user name of a client that connects so; throws where TLS refuses it. */
async function userOf(name: string, options: ConnectionOptions): Promise<string | null> {
  const socket = connectTls({ port: portOf(name), host: '127.0.0.1', ...options });
  await once(socket, 'secureConnect');
  socket.write(connectBytes);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect([...answer]).toEqual([0x20, 2, 0, 0]);
  const user = broker.clients.get('c')?.userName ?? null;
  const closed = once(socket, 'close');
  socket.destroy();
  await closed;
  return user;
}

test('who knows a key is the user of its identity, with a certificate beside and without', async () => {
  for (const name of ['keys', 'both']) {
    expect(await userOf(name, pskOf('alice', KEY))).toBe('alice');
    expect(await userOf(name, pskOf('bob', OTHER_KEY))).toBe('bob');
  }
});

test('who has a certificate shown, and shows no identity, is nobody', async () => {
  expect(await userOf('both', { ca: authority.cert })).toBeNull();
});

test('an identity with another key, and one that nobody has, are refused', async () => {
  await expect(userOf('keys', pskOf('alice', OTHER_KEY))).rejects.toThrow();
  await expect(userOf('keys', pskOf('mallory', KEY))).rejects.toThrow();
  await expect(userOf('keys', { ca: authority.cert })).rejects.toThrow();
  const [wrongKey, unknown, none] = refused.slice(-3);
  expect(wrongKey).toContain('the client has another pre-shared key');
  expect(unknown).toContain('there is no pre-shared key of that identity');
  expect(none).toContain('no cipher in common');
});

test('an identity that is shown and not proved counts for nothing: TLS 1.3 is not spoken', async () => {
  const options = { ...pskOf('alice', KEY), minVersion: 'TLSv1.3' as const };
  const ciphers = 'TLS_AES_256_GCM_SHA384';
  await expect(userOf('both', { ...options, ciphers, ca: authority.cert })).rejects.toThrow();
});

test('mosquitto_sub', async () => {
  const where = ['-h', '127.0.0.1', '-p', `${portOf('keys')}`, '-t', '$SYS/broker/version'];
  const child = spawn('mosquitto_sub', [
    ...where,
    ...['--psk-identity', 'alice', '--psk', KEY, '-C', '1', '-W', '10', '-i', 'mosquitto'],
  ]);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = (await Promise.race([
    once(child, 'exit'),
    // It isn't there everywhere.
    once(child, 'error').then(() => [null]),
  ])) as [number | null];
  if (code === null) return;
  expect([code, output]).toEqual([0, expect.stringMatching(/\d+\.\d+/)]);
});

describe('what is wrong is said with its place', () => {
  const listener = { kind: 'tls', bind: '127.0.0.1:0', pskFile };

  test.each<[object, RegExp]>([
    [{ minVersion: 'TLSv1.3' }, /^listeners\[0\]\.psk-file .*TLSv1\.2/],
    [
      { ca: join(folder, 'cert.pem'), clientCertificates: 'require' },
      /^listeners\[0\]\.psk-file .*without client-certificates/,
    ],
    [{ kind: 'tcp' }, /^listeners\[0\]\.psk-file .*doesn't take TLS/],
  ])('%j', (more, message) => {
    expect(() => parseConfig({ listeners: [{ ...listener, ...more } as never] })).toThrow(message);
  });

  test('a line of the file', async () => {
    const broken = write('broken', `alice:${KEY}\nbob:short\n`);
    const error = await createBroker({
      listeners: [{ ...listener, pskFile: broken } as never],
    }).catch((refusal: unknown) => refusal);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(/^listeners\[0\]\.psk-file \(.*broken:2\): it takes/);
    expect((error as Error).message).not.toContain('short');
  });
});
