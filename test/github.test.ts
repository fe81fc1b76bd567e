import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('..', import.meta.url));
const scripts = join(root, 'scripts');

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
    const { stdout: list } = spawnSync(process.execPath, [scripts], { encoding: 'utf8' });
    const names = [...list.matchAll(/^ {2}(\S+)/gm)].map(([, script]) => script);
    const { jobs, permissions } = workflow(name);
    expect(permissions).toEqual({ contents: 'read' });
    for (const [job, { steps, needs = [], ...rest }] of Object.entries(jobs)) {
      expect([job, rest['timeout-minutes']]).toEqual([job, expect.any(Number)]);
      for (const other of [needs].flat()) expect(Object.keys(jobs)).toContain(other);
      for (const { uses, run = '' } of steps) {
        if (uses?.startsWith('./')) expect(existsSync(join(root, uses, 'action.yml'))).toBe(true);
        else if (uses !== undefined) expect(uses).toMatch(VERSIONED);
        for (const [, script] of run.matchAll(/node scripts ([\w/-]+)/g)) {
          expect(names).toContain(script);
        }
        for (const [, command] of run.matchAll(/node scripts build ([\w-]+)/g)) {
          const { stdout } = spawnSync(process.execPath, [scripts, 'build', '--help'], {
            encoding: 'utf8',
          });
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
    'build package --repository "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY"',
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
    ['test', 'node scripts build test'],
    ['documentation', 'node scripts generate --check\nnode scripts check-docs'],
    ['simulation', 'node scripts simulate --seeds 1..'],
    ['crash', 'node scripts crash --kills '],
    ['conformance', 'node scripts conformance'],
    ['micro', 'node scripts bench/micro --check'],
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
