import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Users of the servers. */
export const APP = { user: 'app', password: 'app' };
export const SYSTEM = { user: 'sys', password: 'sys' };

interface Server {
  readonly name: string;
  readonly port: number;
  readonly monitor: number;
  readonly config: string;
  readonly log: string;
  process: ChildProcess | null;
}

export interface NatsClusterOptions {
  /** The program. */
  readonly command: readonly string[];
  /** Servers; 3 unless given. */
  readonly size?: number;
  /** What follows `jetstream { store_dir … `. */
  readonly jetstream?: string;
}

/** Servers of NATS on this machine, each with a folder of its own; they end with the test. */
export class NatsCluster {
  readonly #command: readonly string[];
  readonly #folder: string;
  readonly servers: readonly Server[];

  private constructor(command: readonly string[], folder: string, servers: readonly Server[]) {
    this.#command = command;
    this.#folder = folder;
    this.servers = servers;
  }

  /** Resolves when JetStream is ready on each, and they have a leader. */
  static async start({
    command,
    size = 3,
    jetstream = 'sync_interval: always',
  }: NatsClusterOptions): Promise<NatsCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'promptmq-nats-'));
    const ports = await freePorts(3 * size);
    const routes = ports.slice(2 * size).map((port) => `nats://127.0.0.1:${port}`);
    const servers = Array.from({ length: size }, (_, index): Server => {
      const name = `n${index + 1}`;
      const [port = 0, monitor = 0] = [ports[index], ports[size + index]];
      const store = join(folder, name);
      mkdirSync(store);
      const cluster =
        size === 1
          ? ''
          : `cluster { name: test, listen: "127.0.0.1:${ports[2 * size + index]}", routes: ${JSON.stringify(routes)} }`;
      const config = join(folder, `${name}.conf`);
      writeFileSync(
        config,
        `server_name: ${name}
listen: "127.0.0.1:${port}"
http: "127.0.0.1:${monitor}"
max_payload: 8MB
jetstream { store_dir: ${JSON.stringify(store)}, max_file_store: 40GB, ${jetstream} }
accounts {
  SYS { users: [${JSON.stringify(SYSTEM)}] }
  APP { jetstream: enabled, users: [${JSON.stringify(APP)}] }
}
system_account: SYS
${cluster}
`,
      );
      return { name, port, monitor, config, log: join(folder, `${name}.log`), process: null };
    });
    const cluster = new NatsCluster(command, folder, servers);
    await Promise.all(servers.map((_, index) => cluster.startServer(index)));
    await Promise.all(cluster.monitors.map((monitor) => untilAnswered(`${monitor}/healthz`)));
    if (size > 1) await Promise.all(cluster.monitors.map(untilLed));
    return cluster;
  }

  get urls(): readonly string[] {
    return this.servers.map(({ port }) => `nats://127.0.0.1:${port}`);
  }

  get monitors(): readonly string[] {
    return this.servers.map(({ monitor }) => `http://127.0.0.1:${monitor}`);
  }

  /** Starts one that isn't running; resolves when it is reached, though JetStream may not be ready. */
  async startServer(index: number): Promise<void> {
    const server = this.servers[index] as Server;
    const [program = '', ...args] = this.#command;
    const log = openSync(server.log, 'a');
    const child = spawn(program, [...args, '-c', server.config], { stdio: ['ignore', log, log] });
    server.process = child;
    const ended = once(child, 'exit').then(([code]) => {
      // Killed before it was reached.
      if (server.process !== child) return;
      throw new Error(`${server.name} ended with ${code}: ${readFileSync(server.log, 'utf8')}`);
    });
    ended.catch(() => {});
    await Promise.race([ended, untilAnswered(`http://127.0.0.1:${server.monitor}/varz`)]);
  }

  isRunning(index: number): boolean {
    return this.servers[index]?.process != null;
  }

  /** Ends one by a signal; `SIGSTOP` and `SIGCONT` are passed on. */
  async signal(index: number, signal: NodeJS.Signals): Promise<void> {
    const server = this.servers[index] as Server;
    const child = server.process;
    if (child === null) return;
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') {
      child.kill(signal);
      return;
    }
    server.process = null;
    const exited = once(child, 'exit');
    child.kill(signal);
    // One that is stopped doesn't see others.
    child.kill('SIGCONT');
    await exited;
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((_, index) => this.signal(index, 'SIGKILL')));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function untilAnswered(url: string): Promise<void> {
  for (;;) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // It doesn't listen yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Healthy servers answer no request about streams before they have elected who does. */
async function untilLed(monitor: string): Promise<void> {
  for (;;) {
    const { meta_cluster: found } = (await (await fetch(`${monitor}/jsz`)).json()) as {
      readonly meta_cluster?: { readonly leader?: string };
    };
    if (found?.leader !== undefined && found.leader !== '') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
