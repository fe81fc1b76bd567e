/** Other programs, in processes of their own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

const isWindows = process.platform === 'win32';

/** A process may take this long; then it is ended, and what waits for it has failed. */
const PROCESS_MS_MAX = 300_000;

/** Runs a command to its end and returns what it printed; fails with it when the exit code isn't 0. */
export function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = launch(command, args, cwd);
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const timer = setTimeout(() => endTree(child), PROCESS_MS_MAX);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')}: exit code ${code}\n${output}`));
    });
  });
}

export interface Running {
  /** Waits for a line that has a pattern. @returns its first group */
  waitFor(pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a command that runs until it is stopped. */
export function start(command: string, args: readonly string[], cwd: string): Running {
  const child = launch(command, args, cwd);
  const closed = new Promise((resolve) => child.on('close', resolve));
  const lines = createInterface({ input: child.stdout });
  let output = '';
  let wake = () => {};
  lines.on('line', (line) => {
    output += `${line}\n`;
    wake();
  });
  child.stderr.pipe(process.stderr);
  let isClosed = false;
  void closed.then(() => {
    isClosed = true;
    wake();
  });
  return {
    async waitFor(pattern) {
      const giveUpAt = setTimeout(() => endTree(child), PROCESS_MS_MAX);
      try {
        for (;;) {
          const match = pattern.exec(output);
          if (match !== null) return match[1] ?? '';
          if (isClosed) throw new Error(`${command} ended before ${pattern}: ${output}`);
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        clearTimeout(giveUpAt);
      }
    },
    async stop() {
      endTree(child);
      await closed;
    },
  };
}

function launch(command: string, args: readonly string[], cwd: string) {
  return spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    // npx and npm are scripts on Windows; elsewhere a group of its own can be ended as a whole.
    shell: isWindows && command !== process.execPath,
    detached: !isWindows,
  });
}

function endTree(child: ChildProcess): void {
  if (child.exitCode !== null) return;
  if (isWindows) spawnSync('taskkill', ['/pid', String(child.pid), '/t', '/f']);
  else process.kill(-(child.pid as number), 'SIGTERM');
}
