/** The harnesses that look for broken promises, each in a bounded form. */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

/** A harness that takes longer hangs: without a mutation each takes a minute or two. */
const HARNESS_MS_MAX = 900_000;

/** Of a test, which may wait for what never comes. */
const TEST_MS_MAX = 30_000;

const SEED = 20_261_125;
const DETAIL_MAX = 40;

/** By name: runs in a copy of the repository, and says whether and how it noticed something. */
export const harnesses = {
  log: { run: (folder) => runTests(folder, ['packages/wal/test']) },
  storage: { run: (folder) => runTests(folder, ['packages/server/test/storage']) },
  protocol: {
    run: (folder) =>
      runTests(folder, [
        'packages/server/test/protocol',
        'packages/session/test',
        'packages/topics/test',
      ]),
  },
  simulation: {
    async run(folder, { seeds }) {
      const args = ['scripts', 'simulate', '--until-failure', '--seeds', `1..${seeds}`];
      const result = await runTool(folder, args, HARNESS_MS_MAX);
      return outcomeOf(
        result,
        () => {
          const seed = /^seed (\d+): /m.exec(result.output)?.[1];
          return seed === undefined ? lastLine(result.output) : `seed ${seed}`;
        },
        `${seeds} seeds`,
      );
    },
  },
  crash: {
    needsBuild: true,
    async run(folder, { kills }) {
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
};

/** The tests of some folders, up to the first suite that fails. */
async function runTests(folder, paths) {
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

function outcomeOf(result, describeFailure, passed) {
  const { status, isTimedOut, output } = result;
  if (isTimedOut) return { isCaught: true, detail: 'hangs', output };
  if (status === 0) return { isCaught: false, detail: passed, output };
  return { isCaught: true, detail: describeFailure().slice(0, DETAIL_MAX), output };
}

function lastLine(output) {
  return output.trim().split('\n').at(-1) ?? '';
}

/**
 * Runs a script of Node in a folder.
 *
 * @returns its exit code, whether it was ended after `timeoutMs`, and what it wrote to both outputs
 */
export function runTool(folder, args, timeoutMs) {
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
      if (isGroup) process.kill(-child.pid, 'SIGKILL');
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
