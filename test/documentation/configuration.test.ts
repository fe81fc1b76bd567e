import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const repository = join(import.meta.dirname, '../..');
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'promptmq-docs-'));
});

afterEach(() => rmSync(root, { recursive: true }));

function generate(...args: string[]): { status: number | null; errors: string } {
  const script = [join(repository, 'scripts'), 'generate-configuration'];
  const { status, stderr } = spawnSync(process.execPath, [...script, ...args], {
    encoding: 'utf8',
  });
  return { status, errors: stderr };
}

test('the documentation of the configuration is what the schema says', () => {
  expect(generate('--check')).toEqual({ status: 0, errors: '' });
});

test('a stale file is noticed', () => {
  cpSync(join(repository, 'docs'), join(root, 'docs'), { recursive: true });
  writeFileSync(join(root, 'docs/configuration.md'), 'old\n');
  const { status, errors } = generate('--check', root);
  expect(status).toBe(1);
  expect(errors).toContain('docs/configuration.md is stale');
  expect(errors).not.toContain('schema.json');
  expect(generate(root).status).toBe(0);
  expect(generate('--check', root)).toEqual({ status: 0, errors: '' });
});
