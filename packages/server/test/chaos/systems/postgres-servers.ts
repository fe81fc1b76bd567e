import { execFile } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { postgresPrograms } from '../../../../cluster/test/support/postgres-server.ts';
import { Program } from '../program.ts';
import { type EngineServers, refuseEnded } from './engine-servers.ts';

const run = promisify(execFile);

/** A user without rights: the server doesn't run as root. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const AS = isRoot
  ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--']
  : [];

/** A server of PostgreSQL: its processes are no group. */
class PostgresProgram extends Program {
  override get processes(): readonly number[] {
    return this.group === 0 ? [] : [this.group, ...childrenOf(this.group)];
  }

  override signal(signal: NodeJS.Signals): void {
    for (const pid of this.processes) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended.
      }
    }
  }
}

/** A server of PostgreSQL that takes writes, and another one that has all before it is acknowledged. */
export class PostgresServers implements EngineServers {
  readonly name = 'PostgreSQL with a synchronous standby';
  readonly nodes: readonly Program[];
  readonly #programs: string;
  readonly #folders: readonly string[];
  readonly #ports: readonly number[];
  /** Which of them takes writes; null before any was started. */
  #primary: number | null = null;

  /**
   * @param ports - where the two listen
   * @param viaOf - the ports at which one of them reaches both
   */
  constructor(
    folder: string,
    ports: readonly number[],
    viaOf: (index: number) => readonly number[],
  ) {
    const programs = postgresPrograms();
    if (programs === null) throw new Error('PostgreSQL is not installed');
    this.#programs = programs;
    this.#ports = ports;
    this.#folders = ports.map((_, index) => join(folder, `e${index + 1}`));
    this.nodes = ports.map((port, index) => {
      const own = this.#folders[index] as string;
      makeFolder(own);
      const other = viaOf(index)[1 - index];
      const settings = [
        ...['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${own}`],
        ...['synchronous_standby_names=*', 'wal_receiver_timeout=2s', 'wal_sender_timeout=2s'],
        `primary_conninfo=host=127.0.0.1 port=${other} user=promptmq connect_timeout=2`,
      ];
      const command = [...AS, join(programs, 'postgres'), '-D', join(own, 'data')];
      return new PostgresProgram(
        [...command, ...settings.flatMap((setting) => ['-c', setting])],
        join(folder, `e${index + 1}.log`),
      );
    });
  }

  async start(): Promise<void> {
    if (this.#primary === null) {
      this.#primary = 0;
      const options = ['-U', 'promptmq', '--auth=trust', '-E', 'UTF8', '--locale=C'];
      await this.#run('initdb', ['-D', this.#dataOf(0), ...options]);
      await this.#serve(0);
      await this.bringBack(1);
    }
    for (const node of this.nodes) node.start();
  }

  async untilWell(signal?: AbortSignal): Promise<void> {
    while (signal?.aborted !== true && !(await this.#isWell())) {
      refuseEnded(this.name, this.nodes);
      await sleep(100);
    }
  }

  async lose(index: number): Promise<void> {
    makeFolder(this.#folders[index] as string);
    if (index !== this.#primary) return;
    this.#primary = 1 - index;
    await this.#run('pg_ctl', ['promote', '-w', '-D', this.#dataOf(this.#primary)]);
  }

  async bringBack(index: number): Promise<void> {
    const from = ['-h', '127.0.0.1', '-p', `${this.#ports[1 - index]}`, '-U', 'promptmq'];
    const data = this.#dataOf(index);
    await this.#run('pg_basebackup', ['-D', data, ...from, '-c', 'fast']);
    writeFileSync(join(data, 'standby.signal'), '');
    this.nodes[index]?.start();
  }

  /** Starts one, and waits until it can be asked. */
  async #serve(index: number): Promise<void> {
    this.nodes[index]?.start();
    while ((await this.#ask(index, 'select 1')) !== '1') {
      refuseEnded(this.name, this.nodes);
      await sleep(100);
    }
  }

  async #isWell(): Promise<boolean> {
    const text = "select count(*) from pg_stat_replication where sync_state = 'sync'";
    return (await this.#ask(this.#primary ?? 0, text)) === '1';
  }

  /** @returns null when it doesn't answer */
  async #ask(index: number, text: string): Promise<string | null> {
    const where = ['-h', '127.0.0.1', '-p', `${this.#ports[index]}`, '-U', 'promptmq'];
    const args = [...where, '-d', 'postgres', '-tAc', text];
    try {
      const { stdout } = await run(join(this.#programs, 'psql'), args, { timeout: 5_000 });
      return stdout.trim();
    } catch {
      return null;
    }
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    const [first = '', ...rest] = [...AS, join(this.#programs, program), ...args];
    await run(first, rest, { cwd: this.#folders[0] });
  }

  #dataOf(index: number): string {
    return join(this.#folders[index] as string, 'data');
  }
}

/** An empty one. */
function makeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === parent)
    .map(Number);
}

function parentOf(pid: string): number {
  try {
    // The name of the program, which comes before, may have spaces and brackets.
    const [, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(parent);
  } catch {
    return -1;
  }
}
