import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Where Debian has its versions. */
const DEBIAN = '/usr/lib/postgresql';

/** A user without rights: the server doesn't run as root. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/** The folder of the programs of PostgreSQL; null when there is none. */
export function postgresPrograms(): string | null {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : [];
  const newest = versions.sort((a, b) => Number(a) - Number(b)).at(-1);
  const folder = newest === undefined ? null : join(DEBIAN, newest, 'bin');
  return folder !== null && existsSync(join(folder, 'initdb')) ? folder : null;
}

/** The user that the programs run as, where this process is not a user without rights itself. */
const isRoot = process.getuid?.() === 0;
const AS = isRoot ? NOBODY : {};

/** A server of PostgreSQL on this machine; it ends with the test. */
export class PostgresServer {
  readonly port: number;
  readonly #programs: string;
  readonly #folder: string;
  readonly #settings: readonly string[];
  #process: ChildProcess | null = null;

  private constructor(port: number, programs: string, folder: string, settings: readonly string[]) {
    this.port = port;
    this.#programs = programs;
    this.#folder = folder;
    this.#settings = settings;
  }

  get url(): string {
    return `postgres://promptmq@127.0.0.1:${this.port}/postgres`;
  }

  /** @param settings - such as `fsync=off` */
  static async start(programs: string, settings: readonly string[] = []): Promise<PostgresServer> {
    const folder = newFolder();
    const data = join(folder, 'data');
    const options = ['-U', 'promptmq', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C'];
    run(programs, 'initdb', ['-D', data, ...options], folder);
    return await PostgresServer.#serve(programs, folder, settings);
  }

  /** A server that follows this one, and can take its place. */
  async follower(settings: readonly string[] = []): Promise<PostgresServer> {
    const folder = newFolder();
    const from = ['-h', '127.0.0.1', '-p', `${this.port}`, '-U', 'promptmq'];
    const data = join(folder, 'data');
    run(this.#programs, 'pg_basebackup', ['-D', data, ...from, '-R', '-c', 'fast'], folder);
    return await PostgresServer.#serve(this.#programs, folder, settings);
  }

  /** Has a follower take writes from now on. */
  promote(): void {
    const data = join(this.#folder, 'data');
    run(this.#programs, 'pg_ctl', ['promote', '-w', '-D', data], this.#folder);
  }

  static async #serve(
    programs: string,
    folder: string,
    settings: readonly string[],
  ): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort(), programs, folder, settings);
    await server.serve();
    return server;
  }

  /** Starts it, again where it was killed; resolves when it takes connections. */
  async serve(): Promise<void> {
    const folder = this.#folder;
    const options = [
      'listen_addresses=127.0.0.1',
      `port=${this.port}`,
      `unix_socket_directories=${folder}`,
    ];
    const child = spawn(
      join(this.#programs, 'postgres'),
      [
        ...['-D', join(folder, 'data')],
        ...[...options, ...this.#settings].flatMap((option) => ['-c', option]),
      ],
      { ...AS, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#process = child;
    const lines = createInterface({ input: child.stderr });
    const said: string[] = [];
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        said.push(line);
        if (/ready to accept (read-only )?connections/.test(line)) resolve();
      });
      child.once('exit', () => reject(new Error(`postgres: ${said.join('\n')}`)));
    });
  }

  /** Killed at once; what it has stays until `stop`. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGQUIT');
    await exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-postgres-'));
  if (isRoot) chownSync(folder, NOBODY.uid, NOBODY.gid);
  return folder;
}

function run(programs: string, program: string, args: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync(join(programs, program), args, {
    ...{ ...AS, encoding: 'utf8', cwd },
  });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
