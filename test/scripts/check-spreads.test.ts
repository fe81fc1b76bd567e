import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const script = [join(import.meta.dirname, '../../scripts'), 'check-spreads'];
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'promptmq-spreads-'));
});

afterEach(() => rmSync(root, { recursive: true }));

function check(source: string): { status: number | null; output: string } {
  const folder = join(root, 'packages', 'session', 'src');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'file.ts'), source);
  const { status, stderr } = spawnSync(process.execPath, [...script, root], { encoding: 'utf8' });
  return { status, output: stderr };
}

test.each([
  'orphans.push(...taken);',
  'Math.max(0, ...sizes);',
  'text += String.fromCharCode(...codes);',
  'deliver(\n  first,\n  ...rest,\n);',
  'new Set(...entries);',
  'list.push.apply(list, others);',
])('an array that is spread into arguments is found: %j', (source) => {
  const { status, output } = check(`// a line\n${source}`);
  expect(status).toBe(1);
  expect(output).toMatch(/session.src.file\.ts:\d+: an array is spread into arguments/);
});

test.each([
  'for (const one of taken) orphans.push(one);',
  'const all = [...first, ...second];',
  'deliver({ ...delivery, message });',
  'deliver([...first, ...second]);',
  'function key(letter: string, ...numbers: readonly number[]): string;',
])('what has no such limit passes: %s', (source) => {
  expect(check(source)).toEqual({ status: 0, output: '' });
});
