import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Files, OpenFile } from './files.ts';
import { LogError } from './log-error.ts';

const FLAGS = { create: 'w+', write: 'r+', read: 'r' } as const;

/** The operating system's files. */
export const nodeFiles: Files = {
  makeDirectory: async (path) => {
    await mkdir(path, { recursive: true });
  },
  list: (directory) => readdir(directory),
  open: async (path, mode) => new NodeFile(await open(path, FLAGS[mode])),
  rename,
  remove: (path) => rm(path),
  syncDirectory: async (path) => {
    // Windows has no way to sync a directory, and does it by itself.
    if (process.platform === 'win32') return;
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
  lock: lockDirectory,
};

class NodeFile implements OpenFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(target: Uint8Array, offset: number): Promise<number> {
    let length = 0;
    while (length < target.length) {
      const { bytesRead } = await this.#handle.read(
        target,
        length,
        target.length - length,
        offset + length,
      );
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return length;
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    let length = 0;
    while (length < bytes.length) {
      const { bytesWritten } = await this.#handle.write(
        bytes,
        length,
        bytes.length - length,
        offset + length,
      );
      length += bytesWritten;
    }
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

// ---------------------------------------------------------------------------- the lock

/** Longest path of a Unix domain socket that every system takes. */
const SOCKET_PATH_MAX = 100;

/** How often a lock that nobody holds is tried to be taken from others that start at the same time. */
const LOCK_ATTEMPTS_MAX = 5;

/**
 * A socket that the holder listens on: the system closes it with the process, however that ends, and
 * unlike a process id it means the same inside and outside of a container.
 */
async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const path = lockPath(directory);
  for (let attempt = 0; attempt < LOCK_ATTEMPTS_MAX; attempt++) {
    const server = await listen(path);
    if (server !== null) {
      return () => new Promise((done) => server.close(() => done()));
    }
    const holder = await askHolder(path);
    if (holder !== null) {
      throw new LogError('locked', `${directory} is in use by process ${holder}; stop it first`);
    }
    await removeStale(path);
  }
  throw new LogError('locked', `${directory}: other processes are taking its lock just now`);
}

function lockPath(directory: string): string {
  const absolute = resolve(directory);
  const hash = createHash('sha256').update(absolute).digest('hex').slice(0, 32);
  if (process.platform === 'win32') return `\\\\.\\pipe\\promptmq-${hash}`;
  const path = join(absolute, 'lock.sock');
  return path.length <= SOCKET_PATH_MAX ? path : join(tmpdir(), `promptmq-${hash}.sock`);
}

/** The server that holds the lock; null when the path is taken. */
function listen(path: string): Promise<Server | null> {
  return new Promise((done, fail) => {
    // Who asks is told the process id, and nothing else.
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(`${process.pid}`);
    });
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') done(null);
      else fail(error);
    });
    server.listen(path, () => {
      server.unref();
      done(server);
    });
  });
}

/** The holder's process id; null when nobody listens. */
function askHolder(path: string): Promise<string | null> {
  return new Promise((done) => {
    let answer = '';
    const socket = connect(path);
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      answer += text;
    });
    socket.on('error', () => done(null));
    socket.on('close', () => done(answer === '' ? null : answer));
  });
}

/** Moves what a dead process left out of the way, so that of several only one removes it. */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
    await rm(aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
