import {
  close as closeCallback,
  fdatasync,
  fstat,
  fsync,
  ftruncate,
  open as openCallback,
  openSync,
  read as readCallback,
  readdirSync,
  write as writeCallback,
} from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Files, OpenFile } from '../ports/files.ts';
import { DescriptorReserve, isOutOfDescriptors } from './descriptor-reserve.ts';
import { lockDirectory } from './directory-lock.ts';

const FLAGS = { create: 'w+', write: 'r+', read: 'r' } as const;

/** What lies in a log is nobody else's business, whatever the process allows by itself. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** What disks say that don't sync directories, as those of other systems and machines: they do it by themselves. */
const HAS_NO_SYNC: readonly unknown[] = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

const close = promisify(closeCallback);
const datasync = promisify(fdatasync);
const stat = promisify(fstat);
const sync = promisify(fsync);
const truncate = promisify(ftruncate);
const open = promisify(openCallback);
const read = promisify(readCallback);
const write = promisify(writeCallback);

const reserve = new DescriptorReserve();

/** The operating system's files. */
export const nodeFiles: Files = {
  makeDirectory: async (path) => {
    await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
  },
  list: async (directory) => {
    try {
      return await readdir(directory);
    } catch (error) {
      if (!isOutOfDescriptors(error)) throw error;
      return reserve.use(() => readdirSync(directory));
    }
  },
  open: async (path, mode) => new NodeFile(await openDescriptor(path, FLAGS[mode])),
  rename,
  remove: (path) => rm(path),
  syncDirectory: async (path) => {
    // Windows has no way to sync a directory, and does it by itself.
    if (process.platform === 'win32') return;
    const directory = await openDescriptor(path, 'r');
    try {
      await sync(directory);
    } catch (error) {
      if (!HAS_NO_SYNC.includes((error as NodeJS.ErrnoException).code)) throw error;
    } finally {
      await close(directory);
      reserve.refill();
    }
  },
  lock: async (directory) => {
    const unlock = await lockDirectory(directory);
    const release = reserve.hold();
    return async () => {
      release();
      await unlock();
    };
  },
};

async function openDescriptor(path: string, flags: string): Promise<number> {
  try {
    return await open(path, flags, FILE_MODE);
  } catch (error) {
    if (!isOutOfDescriptors(error)) throw error;
    return reserve.use(() => openSync(path, flags, FILE_MODE));
  }
}

class NodeFile implements OpenFile {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  async size(): Promise<number> {
    return (await stat(this.#descriptor)).size;
  }

  async read(target: Uint8Array, offset: number): Promise<number> {
    let length = 0;
    while (length < target.length) {
      const { bytesRead } = await read(
        this.#descriptor,
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
      const { bytesWritten } = await write(
        this.#descriptor,
        bytes,
        length,
        bytes.length - length,
        offset + length,
      );
      length += bytesWritten;
    }
  }

  truncate(size: number): Promise<void> {
    return truncate(this.#descriptor, size);
  }

  sync(): Promise<void> {
    return datasync(this.#descriptor);
  }

  async close(): Promise<void> {
    await close(this.#descriptor);
    reserve.refill();
  }
}
