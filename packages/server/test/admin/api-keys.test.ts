import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { makeApiKey, readKeyFile, whyNoKeyName, writeKeyFile } from '../../src/admin/index.ts';
import { KeyRing } from '../../src/admin/keys/key-ring.ts';
import { createBroker } from '../../src/embed/create-broker.ts';
import type { Logger } from '../../src/index.ts';
import type { LogLine } from '../support/admin-web.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-keys-'));
  path = join(folder, 'keys.json');
});

afterEach(() => rmSync(folder, { recursive: true }));

const NOW = Date.parse('2026-01-01T00:00:00.000Z');

test('a file of keys is only its owner’s, and has no secret', () => {
  const { key, secret } = makeApiKey('ops', ['config', 'read'], NOW, null);
  writeKeyFile(path, [key]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['keys.json']);
  expect(readFileSync(path, 'utf8')).not.toContain(secret);
  expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
  expect(readKeyFile(path)).toEqual([
    {
      name: 'ops',
      key: expect.stringMatching(/^[0-9a-f]{16}$/),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      scopes: ['read', 'config'],
      created: '2026-01-01T00:00:00.000Z',
      expires: null,
      enabled: true,
    },
  ]);
});

test('a file that is not there has no keys', () => {
  expect(readKeyFile(path)).toEqual([]);
});

test('a file that everybody may open is refused, one that its group may is not', () => {
  writeKeyFile(path, []);
  chmodSync(path, 0o640);
  expect(readKeyFile(path)).toEqual([]);
  for (const mode of [0o604, 0o602, 0o644, 0o666]) {
    chmodSync(path, mode);
    expect(() => readKeyFile(path)).toThrow(/everybody on this machine may open it: chmod o=/);
  }
});

const KEY = makeApiKey('a', ['read'], NOW, null).key;

test.each<[string, string, RegExp]>([
  ['text', 'ops:secret', /it is no JSON/],
  ['half of it', '{"version": 1, "keys": [', /it is no JSON/],
  ['another version', '{"version": 2, "keys": []}', /version: /],
  [
    'a key without scopes',
    JSON.stringify({ version: 1, keys: [{ ...KEY, scopes: [] }] }),
    /keys\.0\.scopes: /,
  ],
  [
    'an unknown scope',
    JSON.stringify({ version: 1, keys: [{ ...KEY, scopes: ['root'] }] }),
    /keys\.0\.scopes\.0: /,
  ],
  ['a secret', JSON.stringify({ version: 1, keys: [{ ...KEY, secret: 'x' }] }), /keys\.0: /],
  [
    'the same name twice',
    JSON.stringify({ version: 1, keys: [KEY, { ...KEY, key: '0'.repeat(16) }] }),
    /two keys have the same name/,
  ],
])('a file with %s is refused', (_, text, why) => {
  writeFileSync(path, text, { mode: 0o600 });
  expect(() => readKeyFile(path)).toThrow(why);
});

test.each(['', 'a b', 'a:b', 'é', '../x', 'x'.repeat(65), '0123456789abcdef'])(
  'no key is called %j',
  (name) => {
    expect(whyNoKeyName(name)).not.toBeNull();
  },
);

test('a key is known by its name and its identifier, with its secret, while it is enabled and not expired', () => {
  const { key, secret } = makeApiKey('ops', ['read'], NOW, 1000);
  let now = NOW;
  const ring = new KeyRing(() => now);
  ring.set([key], []);
  expect(ring.verify('ops', secret)).toMatchObject({ name: 'ops', scopes: new Set(['read']) });
  expect(ring.verify(key.key, secret)).toBe(ring.verify('ops', secret));
  expect(ring.verify('ops', `${secret}x`)).toBeNull();
  expect(ring.verify('ops', '')).toBeNull();
  expect(ring.verify('nobody', secret)).toBeNull();
  expect([ring.isUsable, ring.nextExpiry]).toEqual([true, NOW + 1000]);
  now = NOW + 1000;
  expect(ring.verify('ops', secret)).toBeNull();
  expect([ring.isUsable, ring.nextExpiry]).toEqual([false, Number.POSITIVE_INFINITY]);
  now = NOW;
  ring.set([{ ...key, enabled: false }], []);
  expect([ring.isUsable, ring.verify('ops', secret), ring.find('ops')]).toEqual([
    false,
    null,
    null,
  ]);
});

test('keys of the file go before those of the configuration, also to take them back', () => {
  const { key } = makeApiKey('ops', ['read'], NOW, null);
  const ring = new KeyRing(() => NOW);
  const configured = { name: 'ops', secret: 'a secret of people', scopes: ['config' as const] };
  ring.set([], [configured]);
  expect(ring.verify('ops', configured.secret)?.scopes).toEqual(new Set(['config']));
  ring.set([{ ...key, enabled: false }], [configured]);
  expect(ring.verify('ops', configured.secret)).toBeNull();
});

/** A broker whose log can be waited for. */
async function watchedBroker() {
  const lines: LogLine[] = [];
  let wake = () => {};
  const note = (event: string, fields: object = {}) => {
    lines.push({ event, ...fields });
    wake();
  };
  const logger = { trace() {}, debug() {}, info: note, warn: note, error: note, fatal: note };
  const broker = await createBroker(
    { server: { wsBind: 'none' }, admin: { keyFile: path } },
    { logger: logger as Logger },
  );
  let seen = 0;
  const next = async (event: string): Promise<LogLine> => {
    for (;;) {
      const found = lines.slice(seen).findIndex((line) => line.event === event);
      if (found !== -1) {
        seen += found + 1;
        return lines[seen - 1] as LogLine;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { broker, next };
}

const hello = async (url: string, user: string, secret: string) =>
  (await fetch(`${url}/api/v5/status`, { headers: { authorization: `Bearer ${user}:${secret}` } }))
    .status;

test('the listener is open while there is a key that may be used, and a change of the file is noticed', async () => {
  const { broker, next } = await watchedBroker();
  expect(broker.adminUrl).toBeNull();
  expect(await next('admin-without-keys')).toMatchObject({
    make: expect.stringContaining('promptmq admin key create'),
  });
  const { key, secret } = makeApiKey('ops', ['read'], Date.now(), null);
  writeKeyFile(path, [key]);
  let line = await next('listening');
  while (line.protocol !== 'admin') line = await next('listening');
  const { address } = line;
  // The log line stands before the broker knows all addresses.
  await new Promise((resolve) => setImmediate(resolve));
  expect(broker.adminUrl).toBe(address);
  expect(await hello(address, 'ops', secret)).toBe(200);
  writeFileSync(path, 'nothing');
  expect(await next('admin-keys-refused')).toMatchObject({
    path,
    why: expect.stringContaining('no JSON'),
  });
  expect(await hello(address, 'ops', secret)).toBe(200);
  // One that expires soon: its listener closes by itself.
  const soon = makeApiKey('soon', ['read'], Date.now(), 2500);
  writeKeyFile(path, [soon.key]);
  await next('admin-closed');
  expect(broker.adminUrl).toBeNull();
  await expect(hello(address, 'ops', secret)).rejects.toThrow();
  await broker.stop();
});
