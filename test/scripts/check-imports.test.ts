import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ROOMS } from '../../scripts/lib/rooms.ts';

const script = [join(import.meta.dirname, '../../scripts'), 'check-imports'];
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'promptmq-imports-'));
});

afterEach(() => rmSync(root, { recursive: true }));

/** Writes files below `src` of a package, by path, and checks it. */
function checkFiles(
  packageName: string,
  files: Readonly<Record<string, string>>,
): { status: number | null; output: string } {
  for (const [path, source] of Object.entries(files)) {
    const file = join(root, 'packages', packageName, 'src', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, source);
  }
  const { status, stderr } = spawnSync(process.execPath, [...script, root], { encoding: 'utf8' });
  return { status, output: stderr };
}

const check = (packageName: string, source: string) =>
  checkFiles(packageName, { 'index.ts': source });

test.each([
  ['topics', "import type { QoS } from '@promptmq/codec';"],
  ['codec', "import { Session } from '@promptmq/session';"],
  ['session', "// a line\nimport { encode } from '@promptmq/codec';"],
  ['session', "import type { QoS } from '@promptmq/codec';"],
  ['session', "import { x } from '../../codec/src/index.ts';"],
  ['codec', "const lmdb = await import('lmdb');"],
  ['unheard-of', ''],
])('a forbidden import of %s is found: %s', (name, source) => {
  const { status, output } = check(name, source);
  expect(status).toBe(1);
  expect(output).toContain(`packages/${name}`);
  if (source.startsWith('//')) expect(output).toContain('index.ts:2');
});

test.each([
  ['codec', "import { generate } from 'mqtt-packet';\nimport { dirname, join } from 'node:path';"],
  ['session', "import { x } from './x.ts';\nimport { TextMap } from '@promptmq/topics';"],
  ['server', "import { z } from 'zod';\nexport { encode } from '@promptmq/codec';"],
])('what %s may import passes: %s', (name, source) => {
  expect(check(name, source)).toEqual({ status: 0, output: '' });
});

test('files that import each other in a circle are found, types included, with the shortest way around', () => {
  const { status, output } = checkFiles('wal', {
    'log/log.ts': "import { b } from './batch.ts';\nimport { c } from './far.ts';",
    'log/batch.ts': "import type { Log } from './log.ts';",
    'log/far.ts': "export { x } from './batch.ts';",
    'index.ts': "export { Log } from './log/log.ts';",
  });
  expect(status).toBe(1);
  expect(output).toBe(
    'packages/wal/src: imports in a circle, types included: log/batch.ts -> log/log.ts -> log/batch.ts\n',
  );
});

test('a file that imports itself is a circle', () => {
  const { output } = checkFiles('wal', { 'log.ts': "export { x } from './log.ts';" });
  expect(output).toContain('log.ts -> log.ts');
});

test.each([
  ['a room above', 'storage/a.ts', '../sessions/sessions.ts', 'storage may not import sessions/'],
  ['the broker', 'protocol/a.ts', '../broker.ts', 'protocol may not import broker.ts'],
  [
    'another file of a room than its face',
    'sessions/a.ts',
    '../connection/x.ts',
    'sessions may not',
  ],
  ['a room that is not in the table', 'attic/a.ts', './b.ts', 'attic is not in the table'],
])('a room of the server may not import %s', (_, file, specifier, what) => {
  const { status, output } = checkFiles('server', {
    [file]: `import type { X } from '${specifier}';`,
  });
  expect(status).toBe(1);
  expect(output).toContain(`packages/server/src/${file}`);
  expect(output).toContain(what);
});

test('a room of the server may import what the table names, and every file the version', () => {
  const files = {
    'sessions/a.ts':
      "import type { Peer } from '../connection/peer.ts';\nimport { x } from './b.ts';",
    'sessions/deeper/c.ts': "import { x } from '../b.ts';\nimport { y } from '../../storage/y.ts';",
    'cli/a.ts': "import { version } from '../version.ts';",
    'broker.ts': "import { x } from './sessions/a.ts';",
  };
  expect(checkFiles('server', files)).toEqual({ status: 0, output: '' });
});

test('the rooms of wal are checked, too', () => {
  const { status, output } = checkFiles('wal', {
    'ports/files.ts': "import type { Log } from '../log/log.ts';",
    'log/log.ts': "import { invariant } from '../invariant.ts';",
    'log.ts': '',
  });
  expect(status).toBe(1);
  expect(output).toContain('packages/wal/src/ports/files.ts:1: ports may not import log/log.ts');
  expect(output).toContain('packages/wal/src/log.ts: every file but index.ts, invariant.ts');
});

test('a file at the top of the server is found, and a folder with too many', () => {
  const many = Object.fromEntries(Array.from({ length: 13 }, (_, at) => [`log/file-${at}.ts`, '']));
  const { status, output } = checkFiles('server', { ...many, 'lost.ts': '' });
  expect(status).toBe(1);
  expect(output).toContain(
    'packages/server/src/lost.ts: every file but broker.ts, index.ts, version.ts lies in a room',
  );
  expect(output).toContain('packages/server/src/log: 13 files');
});

test('each room imports rooms before it only, and architecture.md has the same table', () => {
  const names = Object.keys(ROOMS);
  for (const [room, imports] of Object.entries(ROOMS)) {
    const rooms = imports.filter((one) => !one.includes('.'));
    expect(rooms.filter((one) => names.indexOf(one) >= names.indexOf(room))).toEqual([]);
  }
  const page = readFileSync(join(import.meta.dirname, '../../docs/architecture.md'), 'utf8');
  const table = page.split('## Rooms of the server')[1]?.split('```')[1] ?? '';
  const drawn = table.split('\n').filter((line) => /^\S/.test(line));
  const expected = [...names].reverse().map((room) => {
    const imports = ROOMS[room] as readonly string[];
    return imports.length === 0 ? room : `${room} -> ${imports.join(', ')}`;
  });
  expect(joined(table)).toEqual(expected);
  expect(drawn).toHaveLength(names.length);
});

/** The lines of a table, with those that continue one joined to it, and single spaces. */
function joined(table: string): string[] {
  return table
    .replace(/\n +/g, ' ')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/ +/g, ' '));
}
