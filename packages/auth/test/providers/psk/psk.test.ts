import { expect, test } from '@jest/globals';
import type { Credentials } from '../../../src/index.ts';
import { parsePskFile } from '../../../src/providers/psk/psk-file.ts';
import { createPskProvider } from '../../../src/providers/psk/psk-provider.ts';

const KEY = '000102030405060708090a0b0c0d0e0F';

test('keys are found by their identities; nobody else has one', () => {
  const { keys, problems } = parsePskFile(
    `# ours\r\n\r\nsensor-1:${KEY}\r\nsensor 2:${'ab'.repeat(256)}\n`,
  );
  expect([problems, keys.size]).toEqual([[], 2]);
  expect(keys.keyOf('sensor-1')).toEqual(Buffer.from(KEY, 'hex'));
  expect(keys.keyOf('sensor 2')).toHaveLength(256);
  for (const identity of ['', 'sensor', 'sensor-1 ', '__proto__']) {
    expect(keys.keyOf(identity)).toBeNull();
  }
});

test.each([
  ['secret', /it takes IDENTITY:KEY/],
  [`:${KEY}`, /it takes IDENTITY:KEY/],
  ['a:', /the key has 0 bytes/],
  ['a:secret', /it takes IDENTITY:KEY, the key in hexadecimal/],
  [`a:${KEY}0`, /it takes IDENTITY:KEY/],
  [`a:${KEY.slice(2)}`, /the key has 15 bytes; 16 to 256 are allowed/],
  [`a:${'ab'.repeat(257)}`, /the key has 257 bytes/],
  [`${'a'.repeat(129)}:${KEY}`, /the identity has 129 bytes/],
  [`b:${KEY}`, /identity "b" is there twice/],
])('%s is reported by its line, without the key', (line, why) => {
  const { problems } = parsePskFile(`b:${KEY}\n${line}\n`);
  expect(problems).toEqual([{ line: 2, message: expect.stringMatching(why) }]);
  expect(problems[0]?.message).not.toContain('secret');
});

test('who has proved to know a key is the user of its identity, whatever CONNECT says; nobody else is known', () => {
  const { authenticate } = createPskProvider();
  const ask = (pskIdentity: string | null) =>
    authenticate?.({ userName: 'admin', pskIdentity } as Credentials, new AbortController().signal);
  expect(ask('sensor-1')).toEqual({ result: 'allow', userName: 'sensor-1' });
  expect(ask(null)).toEqual({ result: 'pass' });
  expect(ask('')).toEqual({ result: 'pass' });
});
