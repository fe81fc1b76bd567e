import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { type ConfigError, loadConfig } from '../../src/config/index.ts';
import { inKebabCase, mapItems, objects } from '../../src/config/values/objects.ts';
import { leavesOf, type SchemaPart } from '../../src/config/values/parts.ts';
import {
  integer,
  map,
  pathOrNone,
  text,
  type ValueKind,
  valueKinds,
} from '../../src/config/values/units.ts';

const certificate = z.strictObject({ host: text(100), keyFile: pathOrNone().prefault(null) });

const door = z.strictObject({
  maxOpen: integer(1, 10).prefault(3).describe('how often it may be open'),
  passPhrase: text(20).prefault('').meta({ secret: true }),
  headers: map(2).prefault({}),
  sni: objects(2, 'a certificate with host and key-file', certificate).prefault([]),
  lock: z.strictObject({ keyFile: pathOrNone().prefault(null) }).optional(),
});

const doors = objects(2, 'a door', door);
const kind = valueKinds.get(doors) as ValueKind & { kind: 'objects' };

test('a list of sections is read from YAML, from JSON, and in both spellings', () => {
  const whole = { maxOpen: 3, passPhrase: '', headers: {}, sni: [] };
  expect(doors.parse([{ 'max-open': 2 }, { maxOpen: '4' }])).toEqual([
    { ...whole, maxOpen: 2 },
    { ...whole, maxOpen: 4 },
  ]);
  expect(doors.parse('[{"max-open": 5, "lock": {"key-file": "a"}}]')).toEqual([
    { ...whole, maxOpen: 5, lock: { keyFile: 'a' } },
  ]);
  expect(doors.parse([{ sni: [{ host: 'x', 'key-file': 'k' }] }])).toEqual([
    { ...whole, sni: [{ host: 'x', keyFile: 'k' }] },
  ]);
  for (const none of ['none', '', null, false]) expect(doors.parse(none)).toEqual([]);
});

test('names that whoever writes them chooses stay as they are', () => {
  expect(doors.parse([{ headers: { 'x-api-key': 'y' } }])[0]).toMatchObject({
    headers: { 'x-api-key': 'y' },
  });
});

test.each([
  [[{}, {}, {}], []],
  ['not JSON', []],
  ['{"max-open": 1}', []],
  [[{ 'max-open': 0 }], [0, 'maxOpen']],
  [[{}, { colour: 'red' }], [1]],
  [[{ sni: [{ host: 'x' }, { hots: 'y' }] }], [0, 'sni', 1, 'host']],
  [[{ headers: { a: '1', b: '2', c: '3' } }], [0, 'headers']],
  [['open'], [0]],
])('%j is refused at its place', (value, path) => {
  const { error } = doors.safeParse(value);
  expect(error?.issues[0]?.path).toEqual(path);
});

test('its values are known by their names: for pages, secrets and paths', () => {
  expect(leavesOf(kind.part as SchemaPart).map(({ key, isSecret }) => [key, isSecret])).toEqual([
    ['max-open', false],
    ['pass-phrase', true],
    ['headers', false],
    ['sni', false],
    ['lock.key-file', false],
  ]);
  const written = [{ 'pass-phrase': 'geheim', lock: { 'key-file': 'k' }, other: 1 }];
  const changed = mapItems(kind, written, (value, leaf) => {
    if (leaf.isSecret) return '(hidden)';
    return leaf.kind.kind === 'path' ? `/etc/${String(value)}` : value;
  });
  expect(changed).toEqual([{ passPhrase: '(hidden)', lock: { keyFile: '/etc/k' }, other: 1 }]);
  expect(inKebabCase(kind, changed)).toEqual([
    { 'pass-phrase': '(hidden)', lock: { 'key-file': '/etc/k' }, other: 1 },
  ]);
});

test('what is wrong in a list of a file is said with its own line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-objects-'));
  const file = join(folder, 'promptmq.yaml');
  const problemsOf = (text: string) => {
    writeFileSync(file, text);
    try {
      loadConfig({ flags: {}, file });
    } catch (error) {
      return (error as ConfigError).problems.map(({ key, source }) => [
        key,
        source.replace(`${file}:`, ''),
      ]);
    }
    return [];
  };
  const lines = [
    'listeners:',
    '  - kind: tcp',
    '    bind: 127.0.0.1:0',
    '    colour: red',
    '  - kind: tls',
    '    bind: 127.0.0.1:0',
    'auth:',
    '  chain:',
    '    - jwt:',
    '        public-key: key.pem',
    '        algorithms: [ES256, XX]',
  ];
  expect(problemsOf(lines.join('\n'))).toEqual([
    ['listeners[0].colour', '4:5'],
    ['auth.chain[0].jwt.algorithms', '11:9'],
  ]);
  // Where a value is missing, its section; where they contradict each other, too.
  expect(problemsOf('listeners:\n  - bind: 127.0.0.1:0\n  - { kind: tls, bind: ":0" }\n')).toEqual([
    ['listeners[0].kind', '2:5'],
  ]);
  expect(problemsOf('listeners:\n  - { kind: tls, bind: "127.0.0.1:0" }\n')).toEqual([
    ['listeners[0].cert', '2:5'],
    ['listeners[0].key', '2:5'],
  ]);
  rmSync(folder, { recursive: true });
});
