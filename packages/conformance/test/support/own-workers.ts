import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const bin = join(import.meta.dirname, '../../../server/bin/promptmq.js');

/** A PromptMQ of several processes. */
export interface OwnWorkers {
  /** `HOST:PORT` of MQTT, and the address of its WebSocket. */
  readonly address: string;
  readonly wsUrl: string;
  /** Ends all processes, and removes their data. */
  stop(): Promise<void>;
}

/**
 * Starts a PromptMQ with workers, and resolves when it serves.
 *
 * @param count - of workers, from 2
 * @throws {Error} when it ends before
 */
export async function startWorkers(count: number): Promise<OwnWorkers> {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-conformance-'));
  const [port, wsPort] = [await freePort(), await freePort()];
  const args = [
    ...['--workers', `${count}`, '--bind', `127.0.0.1:${port}`, '--ws-bind', `127.0.0.1:${wsPort}`],
    ...['--data-dir', join(folder, 'data'), '--wal-dir', join(folder, 'wal')],
    ...['--admin-bind', 'none', '--log-format', 'json'],
  ];
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('"event":"ready"')) resolve();
    });
  });
  const isReady = await Promise.race([ready.then(() => true), exited.then(() => false)]);
  if (!isReady) {
    await stop();
    throw new Error('the workers have ended');
  }
  return { address: `127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${wsPort}/mqtt`, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
