import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const build = join(root, 'scripts', 'build.mjs');
const library = new URL('../../../../scripts/lib/release.mjs', import.meta.url).href;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-'));
  for (const [name, isPrivate] of [
    ['one', false],
    ['two', false],
    ['three', true],
  ] as const) {
    mkdirSync(join(folder, 'packages', name), { recursive: true });
    const manifest = { name, version: '0.1.0', private: isPrivate, dependencies: {} };
    writeFileSync(
      join(folder, 'packages', name, 'package.json'),
      JSON.stringify(manifest, null, 2),
    );
  }
  writeFileSync(
    join(folder, 'CHANGELOG.md'),
    '# Changelog\n\n## Unreleased\n\n- New.\n\n## 0.1.0 (2026-01-01)\n\n- First.\n',
  );
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function version(name: string): string {
  return JSON.parse(readFileSync(join(folder, 'packages', name, 'package.json'), 'utf8')).version;
}

test('build --help lists every command; an unknown one is refused with their names', () => {
  const help = spawnSync(process.execPath, [build, '--help'], { encoding: 'utf8' });
  expect(help.status).toBe(0);
  const unknown = spawnSync(process.execPath, [build, 'biuld'], { encoding: 'utf8' });
  expect(unknown.status).toBe(2);
  for (const command of [
    ...['build', 'test', 'benchmark', 'lint', 'ci', 'release', 'dev', 'docker', 'package', 'check'],
  ]) {
    expect(help.stdout).toMatch(new RegExp(`^ {2}${command} +\\S`, 'm'));
    expect(unknown.stderr).toContain(command);
  }
});

test('a release gives every published package its version, and dates what was unreleased', async () => {
  const { prepareRelease, currentVersion, notesOf } = await import(library);
  expect(currentVersion(folder)).toBe('0.1.0');
  prepareRelease(folder, '0.2.0', '2027-01-31');
  expect(['one', 'two', 'three'].map(version)).toEqual(['0.2.0', '0.2.0', '0.1.0']);
  const changelog = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8');
  expect(changelog).toBe(
    '# Changelog\n\n## Unreleased\n\n## 0.2.0 (2027-01-31)\n\n- New.\n\n## 0.1.0 (2026-01-01)\n\n- First.\n',
  );
  expect(notesOf(changelog, '0.2.0')).toBe('- New.');
  expect(notesOf(changelog, '0.1')).toBe('');
  expect(() => prepareRelease(folder, '0.3.0', '2027-02-01')).toThrow('nothing unreleased');
});

test('a version that is none or has been is refused, and changes nothing', async () => {
  const { prepareRelease, currentVersion } = await import(library);
  for (const wrong of ['1.2', 'v1.2.3', '0.1.0', '1.2.3 ']) {
    expect(() => prepareRelease(folder, wrong, '2027-01-31')).toThrow(wrong);
  }
  expect(currentVersion(folder)).toBe('0.1.0');
  writeFileSync(join(folder, 'packages', 'two', 'package.json'), '{ "version": "0.1.1" }');
  expect(() => currentVersion(folder)).toThrow('the packages differ: 0.1.0, 0.1.1');
});

interface Workflow {
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly strategy?: { readonly matrix: Readonly<Record<string, unknown[]>> };
        readonly permissions?: Readonly<Record<string, string>>;
        readonly needs?: string | readonly string[];
        readonly 'timeout-minutes': number;
        readonly steps: readonly { readonly uses?: string; readonly run?: string }[];
      }
    >
  >;
  readonly permissions: Readonly<Record<string, string>>;
}

function workflow(name: string): Workflow {
  return parse(readFileSync(join(root, '.github', 'workflows', `${name}.yml`), 'utf8'));
}

test.each(['ci', 'audit', 'release'])(
  'workflow %s: few rights, limits, versions, scripts that are there',
  (name) => {
    const { jobs, permissions } = workflow(name);
    expect(permissions).toEqual({ contents: 'read' });
    for (const [job, { steps, needs = [], ...rest }] of Object.entries(jobs)) {
      expect([job, rest['timeout-minutes']]).toEqual([job, expect.any(Number)]);
      for (const other of [needs].flat()) expect(Object.keys(jobs)).toContain(other);
      for (const { uses, run = '' } of steps) {
        if (uses !== undefined) expect(uses).toMatch(/^[\w-]+\/[\w/-]+@v\d/);
        for (const [, command] of run.matchAll(/node scripts\/build\.mjs (\w+)/g)) {
          const { stdout } = spawnSync(process.execPath, [build, '--help'], { encoding: 'utf8' });
          expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
        }
      }
    }
  },
);

test('CI runs on three systems with three versions of Node.js, the oldest being what we ask for', () => {
  const matrix = workflow('ci').jobs['test']?.strategy?.matrix;
  expect(matrix?.['node']).toEqual([20, 22, 24]);
  expect(matrix?.['os']).toHaveLength(3);
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(engines.node).toMatch(/^>=20\./);
});
