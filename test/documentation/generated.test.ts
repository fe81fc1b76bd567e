import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const repository = join(import.meta.dirname, '../..');
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'promptmq-generated-'));
});

afterEach(() => rmSync(root, { recursive: true }));

function generate(...args: string[]): { status: number | null; lines: string[] } {
  const call = [join(repository, 'scripts'), 'generate', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, call, { encoding: 'utf8' });
  const lines = `${stdout}${stderr}`.split('\n');
  return { status, lines: lines.filter((line) => line !== '' && !/: building/.test(line)) };
}

test.each(['configuration', 'metrics', 'conformance', 'hostile'])(
  'what is generated of %s is up to date',
  (name) => {
    expect(generate(name, '--check')).toEqual({ status: 0, lines: [] });
  },
);

test('a stale file is named, left as it is by --check, and then written', () => {
  for (const folder of ['docs']) {
    cpSync(join(repository, folder), join(root, folder), { recursive: true });
  }
  writeFileSync(join(root, 'docs/configuration.md'), 'old\n');
  const args = ['configuration', 'metrics', 'conformance', 'hostile', '--root', root];
  expect(generate(...args, '--check')).toEqual({
    status: 1,
    lines: ['docs/configuration.md is stale: run node scripts generate configuration'],
  });
  expect(generate(...args)).toEqual({ status: 0, lines: ['docs/configuration.md'] });
  expect(generate(...args, '--check')).toEqual({ status: 0, lines: [] });
});

test('what is not generated is refused with what is', () => {
  const { status, lines } = generate('everything');
  expect(status).toBe(2);
  expect(lines).toEqual([expect.stringMatching(/^nothing generates everything; .*configuration/)]);
});
