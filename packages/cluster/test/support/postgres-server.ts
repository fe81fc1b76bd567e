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

/** A server of PostgreSQL on this machine; it ends with the test. */
export class PostgresServer {
  readonly url: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(url: string, folder: string, process: ChildProcess) {
    this.url = url;
    this.#folder = folder;
    this.#process = process;
  }

  /** @param settings - such as `fsync=off` */
  static async start(programs: string, settings: readonly string[] = []): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-postgres-'));
    const isRoot = process.getuid?.() === 0;
    const as = isRoot ? NOBODY : {};
    if (isRoot) chownSync(folder, NOBODY.uid, NOBODY.gid);
    const data = join(folder, 'data');
    const { status, stderr } = spawnSync(
      join(programs, 'initdb'),
      ['-D', data, '-U', 'promptmq', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C'],
      { ...as, encoding: 'utf8', cwd: folder },
    );
    if (status !== 0) throw new Error(`initdb: ${stderr}`);
    const port = await freePort();
    const options = [
      'listen_addresses=127.0.0.1',
      `port=${port}`,
      `unix_socket_directories=${folder}`,
    ];
    const child = spawn(
      join(programs, 'postgres'),
      ['-D', data, ...[...options, ...settings].flatMap((option) => ['-c', option])],
      { ...as, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const lines = createInterface({ input: child.stderr });
    const said: string[] = [];
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        said.push(line);
        if (line.includes('ready to accept connections')) resolve();
      });
      child.once('exit', () => reject(new Error(`postgres: ${said.join('\n')}`)));
    });
    const url = `postgres://promptmq@127.0.0.1:${port}/postgres`;
    return new PostgresServer(url, folder, child);
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGQUIT');
    await exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
