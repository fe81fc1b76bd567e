import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const script = [join(import.meta.dirname, '../../scripts'), 'check-imports'];
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'promptmq-imports-'));
});

afterEach(() => rmSync(root, { recursive: true }));

function check(packageName: string, source: string): { status: number | null; output: string } {
  const folder = join(root, 'packages', packageName, 'src');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'file.ts'), source);
  const { status, stderr } = spawnSync(process.execPath, [...script, root], { encoding: 'utf8' });
  return { status, output: stderr };
}

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
  if (source.startsWith('//')) expect(output).toContain('file.ts:2');
});

test.each([
  ['codec', "import { generate } from 'mqtt-packet';\nimport { join } from 'node:path';"],
  ['session', "import { x } from './x.ts';\nimport { TextMap } from '@promptmq/topics';"],
  ['server', "import { z } from 'zod';\nexport { encode } from '@promptmq/codec';"],
])('what %s may import passes: %s', (name, source) => {
  expect(check(name, source)).toEqual({ status: 0, output: '' });
});
