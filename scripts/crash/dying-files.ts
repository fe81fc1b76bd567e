import type { KillPoint } from '../../packages/server/test/crash/broker-process.ts';
import type { CheckpointStore, Files, OpenFile } from '../../packages/wal/dist/index.js';

/**
 * Where the process dies: at the `count`-th operation of a name in a phase, `before` it is done, `after` it, or in its
 * `middle` (of a write: when half of it is done).
 */
export class Fuse {
  /** `recovery` until the broker serves, then `serving`, and `compaction` while that is under way. */
  phase: KillPoint['phase'] = 'recovery';
  readonly #point: KillPoint | null;
  #left: number;

  /** @param point - or null, to live on */
  constructor(point: KillPoint | null) {
    this.#point = point;
    this.#left = point?.count ?? Number.POSITIVE_INFINITY;
  }

  /** Runs an operation, or dies at it. @param half - does a half of it */
  async run<T>(
    operation: string,
    whole: () => T | Promise<T>,
    half: () => unknown = whole,
  ): Promise<T> {
    const point = this.#point;
    const isMeant =
      point !== null &&
      (point.phase === 'any' || point.phase === this.phase) &&
      (point.operation === 'any' || point.operation === operation);
    if (!isMeant || --this.#left > 0) return whole();
    if (point.when === 'middle') await half();
    if (point.when === 'after') await whole();
    process.kill(process.pid, 'SIGKILL');
    // Nothing continues from here, should the signal take a moment.
    return new Promise(() => {});
  }
}

/** Files as the log needs them, which die with the fuse. */
export function dyingFiles(files: Files, fuse: Fuse): Files {
  return {
    ...files,
    open: async (path, mode) =>
      new DyingFile(await fuse.run('open', () => files.open(path, mode)), fuse),
    rename: (from, to) => fuse.run('rename', () => files.rename(from, to)),
    remove: (path) => fuse.run('remove', () => files.remove(path)),
    syncDirectory: (path) => fuse.run('sync-directory', () => files.syncDirectory(path)),
  };
}

class DyingFile implements OpenFile {
  readonly #file: OpenFile;
  readonly #fuse: Fuse;

  constructor(file: OpenFile, fuse: Fuse) {
    this.#file = file;
    this.#fuse = fuse;
  }

  size() {
    return this.#file.size();
  }

  read(target: Uint8Array, offset: number) {
    return this.#fuse.run('read', () => this.#file.read(target, offset));
  }

  write(bytes: Uint8Array, offset: number) {
    return this.#fuse.run(
      'write',
      () => this.#file.write(bytes, offset),
      () => this.#file.write(bytes.subarray(0, bytes.length >> 1), offset),
    );
  }

  truncate(size: number) {
    return this.#fuse.run('truncate', () => this.#file.truncate(size));
  }

  sync() {
    return this.#fuse.run('sync', () => this.#file.sync());
  }

  close() {
    return this.#file.close();
  }
}

/** A checkpoint store that dies with the fuse; the middle of a commit is right after it has begun. */
export function dyingIndex(index: CheckpointStore, fuse: Fuse): CheckpointStore {
  const commit: CheckpointStore['commit'] = (change) =>
    fuse.run(
      'checkpoint',
      () => index.commit(change),
      () => {
        index.commit(change);
      },
    );
  return new Proxy(index, {
    get: (target, name) => {
      if (name === 'commit') return commit;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
