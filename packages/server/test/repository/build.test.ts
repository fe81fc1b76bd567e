import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const build = join(root, 'scripts', 'build.mjs');
const archiveLibrary = new URL('../../../../scripts/lib/archive.mjs', import.meta.url).href;
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
    ...['build', 'build-all', 'install', 'clean', 'test', 'benchmark', 'lint', 'ci', 'release'],
    ...['dev', 'docker', 'package', 'archive', 'check'],
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

test('packages name the repository while they are packed, and are as before afterwards', async () => {
  const { withRepository } = await import(library);
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
  const { clean } = await import(archiveLibrary);
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

/** An action of others, with its version. */
const VERSIONED = /^[\w-]+\/[\w/-]+@v\d/;

test.each(['ci', 'audit', 'release'])(
  'workflow %s: few rights, limits, versions, scripts that are there',
  (name) => {
    const { jobs, permissions } = workflow(name);
    expect(permissions).toEqual({ contents: 'read' });
    for (const [job, { steps, needs = [], ...rest }] of Object.entries(jobs)) {
      expect([job, rest['timeout-minutes']]).toEqual([job, expect.any(Number)]);
      for (const other of [needs].flat()) expect(Object.keys(jobs)).toContain(other);
      for (const { uses, run = '' } of steps) {
        if (uses?.startsWith('./')) expect(existsSync(join(root, uses, 'action.yml'))).toBe(true);
        else if (uses !== undefined) expect(uses).toMatch(VERSIONED);
        for (const [script] of run.matchAll(/scripts\/[\w/-]+\.mjs/g)) {
          expect([script, existsSync(join(root, script))]).toEqual([script, true]);
        }
        for (const [, command] of run.matchAll(/node scripts\/build\.mjs ([\w-]+)/g)) {
          const { stdout } = spawnSync(process.execPath, [build, '--help'], { encoding: 'utf8' });
          expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
        }
      }
    }
  },
);

test('a release names the repository that runs it, as provenance asks for, and builds on the bytes of its base image', () => {
  const { jobs } = workflow('release');
  const runs = (job: string) => (jobs[job]?.steps ?? []).map(({ run = '' }) => run).join('\n');
  expect(runs('npm')).toContain('npm publish "./$tarball" --provenance');
  expect(runs('packages')).toContain(
    'build.mjs package --repository "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY"',
  );
  expect(runs('image')).toContain('imagetools inspect "$image"');
  // What finds the image there finds one.
  const find = /image=\$\((.*)\)$/m.exec(runs('image'))?.[1] ?? '';
  if (process.platform === 'win32') return;
  const { stdout } = spawnSync('sh', ['-c', find], { cwd: root, encoding: 'utf8' });
  expect(stdout).toMatch(/^node:\S+\n$/);
});

test('CI runs on three systems with three versions of Node.js, the oldest being what we ask for', () => {
  const matrix = workflow('ci').jobs['test']?.strategy?.matrix;
  expect(matrix?.['node']).toEqual([20, 22, 24]);
  expect(matrix?.['os']).toHaveLength(3);
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(engines.node).toMatch(/^>=20\./);
  // Who works on it with nvm has that one, too: what is newer is missed at once.
  expect(engines.node).toBe(`>=${readFileSync(join(root, '.nvmrc'), 'utf8').trim()}`);
});

test('CI: types and style once, what takes long side by side, dependencies from a cache', () => {
  const { jobs } = workflow('ci');
  for (const [job, command] of [
    ['lint', 'npx tsc -b packages\nnpm run --silent lint'],
    ['test', 'node scripts/build.mjs test'],
    ['documentation', 'node scripts/check-docs.mjs'],
    ['simulation', 'node scripts/simulate.mjs --seeds 1..'],
    ['crash', 'node scripts/crash.mjs --kills '],
    ['conformance', 'node scripts/conformance.mjs'],
    ['micro', 'node scripts/bench/micro.mjs --check'],
  ] as const) {
    const { steps = [], needs, strategy } = jobs[job] ?? {};
    expect([job, steps.map(({ run = '' }) => run).join('\n')]).toEqual([
      job,
      expect.stringContaining(command),
    ]);
    expect(steps.map(({ uses }) => uses)).toContain('./.github/actions/prepare');
    expect([job, needs, strategy !== undefined]).toEqual([job, undefined, job === 'test']);
  }
  const action = join(root, '.github', 'actions', 'prepare', 'action.yml');
  const { runs } = parse(readFileSync(action, 'utf8'));
  const used = runs.steps.flatMap(({ uses }: { uses?: string }) => uses ?? []);
  expect(used).toEqual([
    expect.stringMatching(/^actions\/setup-node@v/),
    expect.stringMatching(/^actions\/cache@v/),
  ]);
});

test('whoever reports something is asked what is needed, and where weaknesses go', () => {
  const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
  for (const name of ['bug', 'feature']) {
    const form = parse(read('.github', 'ISSUE_TEMPLATE', `${name}.yml`));
    expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String) });
    const ids = form.body.map(({ id }: { id?: string }) => id).filter(Boolean);
    expect(new Set(ids).size).toBe(ids.length);
  }
  expect(read('SECURITY.md')).toContain('Report a vulnerability');
  expect(read('.github', 'pull_request_template.md')).toContain('npm run test:fast');
});
