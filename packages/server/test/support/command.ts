import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';

export const bin = join(import.meta.dirname, '../../bin/promptmq.js');

/** The command in a process of its own, whose output can be waited for. */
export class Command {
  readonly child: ChildProcess;
  readonly #closed: Promise<unknown[]>;
  output = '';
  errors = '';

  /** @param openFilesMax - how many files the process may open; by default as many as this one */
  constructor(
    args: readonly string[],
    cwd: string,
    environment: Record<string, string> = {},
    openFilesMax: number | null = null,
  ) {
    const call = [process.execPath, bin, ...args];
    const limited = ['sh', '-c', `ulimit -n ${openFilesMax}; exec "$0" "$@"`, ...call];
    const [program = '', ...rest] = openFilesMax === null ? call : limited;
    this.child = spawn(program, rest, {
      cwd,
      env: { PATH: process.env['PATH'] ?? '', HOME: cwd, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#closed = once(this.child, 'close');
    this.child.stdout?.on('data', (chunk) => {
      this.output += chunk;
    });
    this.child.stderr?.on('data', (chunk) => {
      this.errors += chunk;
    });
  }

  /** Waits for something in the output, after `from` characters of it. */
  async waitFor(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output.slice(from));
      if (match !== null) return match;
      const { exitCode, signalCode } = this.child;
      if ((exitCode ?? signalCode) !== null) throw new Error(`it ended: ${this.errors}`);
      await Promise.race([once(this.child.stdout as NodeJS.ReadableStream, 'data'), this.#closed]);
    }
  }

  /** Waits for something in a file that the command writes. */
  async waitForFile(path: string, pattern: RegExp): Promise<void> {
    const folder = watch(dirname(dirname(path)), { recursive: true });
    try {
      while (!(existsSync(path) && pattern.test(readFileSync(path, 'utf8')))) {
        const { exitCode, signalCode } = this.child;
        if ((exitCode ?? signalCode) !== null) throw new Error(`it ended: ${this.errors}`);
        await Promise.race([once(folder, 'change'), this.#closed]);
      }
    } finally {
      folder.close();
    }
  }

  async exitCode(): Promise<unknown> {
    return (await this.#closed)[0];
  }
}
