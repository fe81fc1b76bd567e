import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { lockDirectory } from './directory-lock.ts';
import type { Files, OpenFile } from './files.ts';

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
  lock: (directory) => lockDirectory(directory),
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
