import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readdirSync, readFileSync } from 'node:fs';

/** A program and what it has started, as one group of processes; what it writes is appended to a file. */
export class Program {
  readonly #command: readonly string[];
  readonly #log: string;
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;
  /** It has ended by itself, with an error. */
  hasFailed = false;

  constructor(
    command: readonly string[],
    log: string,
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.#command = command;
    this.#log = log;
    this.#environment = environment;
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  /** Of the group; 0 while it doesn't run. */
  get group(): number {
    return this.#child?.pid ?? 0;
  }

  /** The processes of the group. */
  get processes(): readonly number[] {
    return this.#child === null ? [] : processesOf(this.group);
  }

  start(): void {
    if (this.#child !== null) return;
    const [program = '', ...args] = this.#command;
    const log = openSync(this.#log, 'a');
    const child = spawn(program, args, {
      stdio: ['ignore', log, log],
      detached: true,
      env: { ...process.env, ...this.#environment },
    });
    this.#child = child;
    this.hasFailed = false;
    // A group of its own would outlive whoever started it.
    const kill = () => this.signal('SIGKILL');
    process.once('exit', kill);
    child.on('exit', (code) => {
      process.removeListener('exit', kill);
      if (this.#child !== child) return;
      this.#child = null;
      this.hasFailed = code !== null && code !== 0;
    });
  }

  /** To the whole group. */
  signal(signal: NodeJS.Signals): void {
    try {
      if (this.#child !== null) process.kill(-this.group, signal);
    } catch {
      // It has ended.
    }
  }

  /** Kills the whole group; resolves when the program that was started has ended. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const exited = once(child, 'exit');
    this.signal('SIGKILL');
    await exited;
  }

  /** Asks the program alone to end, and waits for it. @returns its exit code */
  async terminate(): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
    return child.exitCode;
  }

  /** The end of what it wrote. */
  tail(lines = 20): string {
    return readFileSync(this.#log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }
}

/** Processes of a group. */
export function processesOf(group: number): readonly number[] {
  return processGroups().get(group) ?? [];
}

/** The processes of this machine by their group, as the system says it. */
export function processGroups(): ReadonlyMap<number, readonly number[]> {
  const groups = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const group = groupOf(name);
    const processes = groups.get(group) ?? [];
    groups.set(group, processes);
    processes.push(Number(name));
  }
  return groups;
}

function groupOf(pid: string): number {
  try {
    // The name of the program, which comes before, may have spaces and brackets.
    const [, , group = '0'] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(group);
  } catch {
    return -1;
  }
}
