import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { placeOf, readSources } from '../../scripts/mutations/places.ts';

const scripts = new URL('../../scripts/', import.meta.url);
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'promptmq-places-'));
});

afterEach(() => rmSync(root, { recursive: true }));

/** Looks for code in sources by their paths; returns the file that has it, and what was found there. */
async function find(code: string, sources: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [path, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const { path, start, end } = placeOf(readSources(root), code);
  const name = relative(root, path).replaceAll('\\', '/');
  return [name, sources[name]?.slice(start, end) ?? ''];
}

test('every mutation finds the code that it changes, once', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [fileURLToPath(scripts), 'mutate', '--check'],
    {
      encoding: 'utf8',
    },
  );
  expect([stdout, stderr, status]).toEqual(['', '', 0]);
});

test('code is found wherever it lies, in whichever package', async () => {
  const sources = {
    'packages/a/src/b/c.ts': 'x();\nlog.sync();\n',
    'packages/a/test/d.ts': 'log.sync();',
  };
  expect(await find('log.sync();', sources)).toEqual(['packages/a/src/b/c.ts', 'log.sync();']);
});

test.each([
  'await log.sync(); answer(true, [one]);',
  'await log\n  .sync();\nanswer(\n  true,\n  [\n    one,\n  ],\n);',
  'await log.sync(); // see §4.1\n  // more\n  answer(true, /* all */ [one]);',
])('code is found however it is wrapped and commented: %j', async (text) => {
  const code = 'await log.sync(); answer(true, [one]);';
  expect(await find(code, { 'packages/a/src/a.ts': `f(); ${text} g();` })).toEqual([
    'packages/a/src/a.ts',
    text,
  ]);
});

test.each([
  ['nowhere', 'catalog.sync();'],
  ['nowhere', 'awaitlog.sync();'],
  ['packages/a/src/a.ts:1 and ', 'log.sync();\nlog.sync();'],
])('what is there not at all, or twice, is refused: %s %j', async (where, text) => {
  const code = text.startsWith('await') ? 'await log.sync();' : 'log.sync();';
  await expect(find(code, { 'packages/a/src/a.ts': text })).rejects.toThrow(where);
});
