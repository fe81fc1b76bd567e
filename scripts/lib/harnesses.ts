/** The harnesses that look for broken promises, each in a bounded form. */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

/** How much of it each harness gets at most. */
export interface Limits {
  readonly seeds: number;
  readonly kills: number;
}

export interface Outcome {
  readonly isCaught: boolean;
  /** What it said, in a few words. */
  readonly detail: string;
  readonly output: string;
}

export interface Harness {
  /** It runs what has been compiled. */
  readonly needsBuild?: boolean;
  readonly run: (folder: string, limits: Limits) => Promise<Outcome>;
}

interface ToolResult {
  readonly status: number | null;
  readonly isTimedOut: boolean;
  readonly output: string;
}

/** A harness that takes longer hangs: without a mutation each takes a minute or two. */
const HARNESS_MS_MAX = 900_000;

/** Of a test, which may wait for what never comes. */
const TEST_MS_MAX = 30_000;

const SEED = 20_261_125;
const DETAIL_MAX = 40;

/** By name: runs in a copy of the repository, and says whether and how it noticed something. */
export const harnesses = {
  log: { run: (folder: string) => runTests(folder, ['packages/wal/test']) },
  storage: { run: (folder: string) => runTests(folder, ['packages/server/test/storage']) },
  protocol: {
    run: (folder: string) =>
      runTests(folder, [
        'packages/server/test/protocol',
        'packages/session/test',
        'packages/topics/test',
      ]),
  },
  hooks: { run: (folder: string) => runTests(folder, ['packages/server/test/hooks']) },
  access: {
    run: (folder: string) =>
      runTests(folder, ['packages/auth/test/acl', 'packages/server/test/access']),
  },
  simulation: { run: (folder: string, { seeds }: Limits) => simulate(folder, seeds) },
  forwarding: {
    run: (folder: string) => runTests(folder, ['packages/server/test/cluster/forwarding.test.ts']),
  },
  membership: {
    run: (folder: string) =>
      runTests(
        folder,
        ['parts', 'member', 'homes', 'simulation'].map(
          (name) => `packages/cluster/test/membership/${name}.test.ts`,
        ),
      ),
  },
  takeover: {
    run: (folder: string) => runTests(folder, ['packages/cluster/test/log/takeover.test.ts']),
  },
  hosting: {
    run: (folder: string) =>
      runTests(
        folder,
        ['cell-host', 'own-log'].map((name) => `packages/server/test/cluster/${name}.test.ts`),
      ),
  },
  nodes: {
    run: (folder: string) =>
      runTests(
        folder,
        ['node-links', 'cell-processes'].map(
          (name) => `packages/server/test/cluster/${name}.test.ts`,
        ),
      ),
  },
  postgres: {
    run: (folder: string) =>
      runTests(
        folder,
        ['succession', 'postgres-engine'].map(
          (name) => `packages/cluster/test/engine/${name}.test.ts`,
        ),
      ),
  },
  cluster: { run: (folder: string, { seeds }: Limits) => simulate(folder, seeds, '--cluster') },
  crash: {
    needsBuild: true,
    async run(folder: string, { kills }: Limits) {
      const directory = join(folder, 'crash');
      const args = ['scripts', 'crash', '--kills', String(kills), '--seed', String(SEED)];
      const result = await runTool(folder, [...args, '--directory', directory], HARNESS_MS_MAX);
      rmSync(directory, { recursive: true, force: true });
      return outcomeOf(
        result,
        () => {
          const kill = /^seed \d+, kill (\d+): /m.exec(result.output)?.[1];
          return kill === undefined ? lastLine(result.output) : `kill ${kill}`;
        },
        `${kills} kills`,
      );
    },
  },
} satisfies Readonly<Record<string, Harness>>;

export type HarnessName = keyof typeof harnesses;

export const HARNESS_NAMES = Object.keys(harnesses) as readonly HarnessName[];

async function simulate(
  folder: string,
  seeds: number,
  ...more: readonly string[]
): Promise<Outcome> {
  const args = ['scripts', 'simulate', '--until-failure', '--seeds', `1..${seeds}`, ...more];
  const result = await runTool(folder, args, HARNESS_MS_MAX);
  return outcomeOf(
    result,
    () => {
      const seed = /^seed (\d+): /m.exec(result.output)?.[1];
      return seed === undefined ? lastLine(result.output) : `seed ${seed}`;
    },
    `${seeds} seeds`,
  );
}

/** The tests of some folders, up to the first suite that fails. */
async function runTests(folder: string, paths: readonly string[]): Promise<Outcome> {
  const result = await runTool(
    folder,
    [
      '--disable-warning=ExperimentalWarning',
      '--experimental-vm-modules',
      join(folder, 'node_modules', 'jest', 'bin', 'jest.js'),
      ...['--rootDir', folder, '--bail', '--testTimeout', String(TEST_MS_MAX)],
      ...paths,
    ],
    HARNESS_MS_MAX,
  );
  return outcomeOf(
    result,
    () => /^ +● (.*)$/m.exec(result.output)?.[1] ?? lastLine(result.output),
    `${/^Tests: .*?(\d+) passed/m.exec(result.output)?.[1]} tests`,
  );
}

function outcomeOf(result: ToolResult, describeFailure: () => string, passed: string): Outcome {
  const { status, isTimedOut, output } = result;
  if (isTimedOut) return { isCaught: true, detail: 'hangs', output };
  if (status === 0) return { isCaught: false, detail: passed, output };
  return { isCaught: true, detail: describeFailure().slice(0, DETAIL_MAX), output };
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}

/**
 * Runs a script of Node in a folder.
 *
 * @returns its exit code, whether it was ended after `timeoutMs`, and what it wrote to both outputs
 */
export function runTool(
  folder: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that processes that it started end with it.
    const isGroup = process.platform !== 'win32';
    const child = spawn(process.execPath, args, {
      cwd: folder,
      detached: isGroup,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const end = () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      if (isGroup) process.kill(-(child.pid as number), 'SIGKILL');
      else child.kill('SIGKILL');
    };
    let output = '';
    let isTimedOut = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output += text;
      });
    }
    const timer = setTimeout(() => {
      isTimedOut = true;
      end();
    }, timeoutMs);
    process.once('exit', end);
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(timer);
      process.removeListener('exit', end);
      resolve({ status, isTimedOut, output });
    });
  });
}
