import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { clean } from '../../scripts/lib/archive.ts';
import {
  currentVersion,
  notesOf,
  prepareRelease,
  withRepository,
} from '../../scripts/lib/release.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const build = [join(root, 'scripts'), 'build'];

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
  const help = spawnSync(process.execPath, [...build, '--help'], { encoding: 'utf8' });
  expect(help.status).toBe(0);
  const unknown = spawnSync(process.execPath, [...build, 'biuld'], { encoding: 'utf8' });
  expect(unknown.status).toBe(2);
  for (const command of [
    ...['build', 'build-all', 'install', 'clean', 'test', 'benchmark', 'lint', 'ci', 'release'],
    ...['dev', 'docker', 'package', 'archive', 'check'],
  ]) {
    expect(help.stdout).toMatch(new RegExp(`^ {2}${command} +\\S`, 'm'));
    expect(unknown.stderr).toContain(command);
  }
});

test('a release gives every published package its version, and dates what was unreleased', async () => {
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
  for (const wrong of ['1.2', 'v1.2.3', '0.1.0', '1.2.3 ']) {
    expect(() => prepareRelease(folder, wrong, '2027-01-31')).toThrow(wrong);
  }
  expect(currentVersion(folder)).toBe('0.1.0');
  writeFileSync(join(folder, 'packages', 'two', 'package.json'), '{ "version": "0.1.1" }');
  expect(() => currentVersion(folder)).toThrow('the packages differ: 0.1.0, 0.1.1');
});

test('packages name the repository while they are packed, and are as before afterwards', async () => {
  const read = (name: string) =>
    readFileSync(join(folder, 'packages', name, 'package.json'), 'utf8');
  const before = ['one', 'two', 'three'].map(read);
  const packed: unknown = withRepository(folder, 'https://example.org/we/promptmq', () =>
    ['one', 'two', 'three'].map((name) => JSON.parse(read(name)).repository),
  );
  const url = 'git+https://example.org/we/promptmq.git';
  expect(packed).toEqual([
    { type: 'git', url, directory: 'packages/one' },
    { type: 'git', url, directory: 'packages/two' },
    undefined,
  ]);
  expect(['one', 'two', 'three'].map(read)).toEqual(before);
  const failing = () =>
    withRepository(folder, url, () => {
      throw new Error('no room');
    });
  expect(failing).toThrow('no room');
  expect(['one', 'two', 'three'].map(read)).toEqual(before);
});

test('clean removes what was compiled and packed, and nothing else', async () => {
  const made = ['release/one.tgz', 'packages/one/dist/index.js', 'packages/one/one.tsbuildinfo'];
  const kept = ['packages/one/src/index.ts', 'packages/tsconfig.json'];
  for (const path of [...made, ...kept]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
  clean(folder);
  expect([...made, ...kept].map((path) => existsSync(join(folder, path)))).toEqual([
    ...made.map(() => false),
    ...kept.map(() => true),
  ]);
});
