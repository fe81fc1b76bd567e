import { dirname } from 'node:path';
import type { Files, OpenFile } from '../ports/files.ts';
import { LogError } from '../ports/log-error.ts';
import type { Random } from './random.ts';

/** What a crash leaves of what had not been synced. */
export type Survival =
  /** All of it: the process was killed, the system lives on. A power cut may still take it. */
  | 'everything'
  /** None: the power was cut, and nothing had been written back. */
  | 'nothing'
  /** Any part, in any order, with sectors torn: the power was cut. */
  | 'anything';

/** A change of a file that has not been synced. */
type Pending = { readonly offset: number; readonly bytes: Buffer } | { readonly size: number };

interface FileData {
  /** What reads see. */
  content: Buffer;
  /** What a power cut leaves at least. */
  synced: Buffer;
  pending: Pending[];
}

/** An entry of a directory that has changed and has not been synced; null when it was removed. */
type PendingName = readonly [path: string, file: FileData | null];

/** What a disk writes as a whole, in bytes: a sector, or what memory that keeps its content does. */
const SECTORS = [64, 512];

/**
 * Files in memory that can fail at any operation, fill up, and be cut off like a disk whose machine
 * loses its power: for `LogOptions.files`.
 *
 * A test counts the operations of a run (`operations`), and repeats it with a fault at each of them (`beforeOperation`). After
 * `crash`, calls of the old files never return, as nobody is there to hear it; the disk that the next process finds is
 * what `crash` returns. Paths are compared as they are given; directories need not be made.
 */
export class FaultyFiles implements Files {
  /** As reads see it. */
  #names = new Map<string, FileData>();
  /** As a power cut leaves it. */
  #syncedNames = new Map<string, FileData>();
  #pendingNames: PendingName[] = [];
  #isCrashed = false;
  #locks = new Set<string>();
  /** Operations so far that change or sync something. */
  operations = 0;
  /**
   * Called before each such operation; what it throws (`systemError`) is the operation's error, and nothing of it has happened.
   *
   * @param name - `open create`, `open write`, `open read`, `write`, `truncate`, `sync`, `rename`, `remove` or `sync directory`
   * @param count - of the operations so far, with this one
   */
  beforeOperation: (name: string, count: number) => void = () => {};
  /** Awaited before each operation and each read begins: lets a simulation decide when. */
  delay: () => Promise<void> = async () => {};
  /** Bytes that all files together may have; a write beyond fails with `ENOSPC`, whole. */
  capacity = Number.POSITIVE_INFINITY;

  async makeDirectory(): Promise<void> {
    await this.#wait();
  }

  async list(directory: string): Promise<string[]> {
    await this.#wait();
    return [...this.#names.keys()]
      .filter((path) => dirname(path) === directory)
      .map((path) => path.slice(directory.length + 1));
  }

  async open(path: string, mode: 'create' | 'write' | 'read'): Promise<OpenFile> {
    await this.#operation(`open ${mode}`);
    let file = this.#names.get(path);
    if (mode === 'create') {
      file = { content: Buffer.alloc(0), synced: Buffer.alloc(0), pending: [] };
      this.#names.set(path, file);
      this.#pendingNames.push([path, file]);
    }
    if (file === undefined) throw systemError('ENOENT', path);
    return this.#openFile(file);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#operation('rename');
    const file = this.#names.get(from);
    if (file === undefined) throw systemError('ENOENT', from);
    this.#names.delete(from);
    this.#names.set(to, file);
    // Journaling file systems keep the two together.
    this.#pendingNames.push([from, null], [to, file]);
  }

  async remove(path: string): Promise<void> {
    await this.#operation('remove');
    if (!this.#names.delete(path)) throw systemError('ENOENT', path);
    this.#pendingNames.push([path, null]);
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#operation('sync directory');
    for (const [path, file] of this.#pendingNames) {
      if (dirname(path) === directory) apply(this.#syncedNames, path, file);
    }
    this.#pendingNames = this.#pendingNames.filter(([path]) => dirname(path) !== directory);
  }

  async lock(directory: string): Promise<() => Promise<void>> {
    await this.#wait();
    if (this.#locks.has(directory)) throw new LogError('locked', `${directory} is in use`);
    this.#locks.add(directory);
    return async () => {
      this.#locks.delete(directory);
    };
  }

  #openFile(file: FileData): OpenFile {
    let isClosed = false;
    return {
      size: async () => {
        await this.#wait();
        return file.content.length;
      },
      read: async (target, offset) => {
        await this.#wait();
        if (isClosed) throw systemError('EBADF', 'read');
        const bytes = file.content.subarray(offset, offset + target.length);
        target.set(bytes);
        return bytes.length;
      },
      write: async (bytes, offset) => {
        await this.#operation('write');
        const growth = Math.max(0, offset + bytes.length - file.content.length);
        if (this.used + growth > this.capacity) throw systemError('ENOSPC', 'write');
        const change = { offset, bytes: Buffer.from(bytes) };
        file.pending.push(change);
        file.content = applied(file.content, change);
      },
      truncate: async (size) => {
        await this.#operation('truncate');
        file.pending.push({ size });
        file.content = applied(file.content, { size });
      },
      sync: async () => {
        await this.#operation('sync');
        file.synced = Buffer.from(file.content);
        file.pending = [];
      },
      close: async () => {
        isClosed = true;
        await this.#wait();
      },
    };
  }

  /** Bytes of all files. */
  get used(): number {
    let used = 0;
    for (const { content } of this.#names.values()) used += content.length;
    return used;
  }

  async #wait(): Promise<void> {
    if (this.#isCrashed) await new Promise<never>(() => {});
    await this.delay();
    if (this.#isCrashed) await new Promise<never>(() => {});
  }

  async #operation(name: string): Promise<void> {
    await this.#wait();
    this.beforeOperation(name, ++this.operations);
    if (this.#isCrashed) await new Promise<never>(() => {});
  }

  /**
   * Ends everything that is under way.
   *
   * @param survival - what is left of what had not been synced
   * @param random - decides what is, where it may be `anything`
   * @returns the disk as the next process finds it, without locks and without `beforeOperation` and `delay`
   */
  crash(survival: Survival, random: Random): FaultyFiles {
    this.#isCrashed = true;
    const next = new FaultyFiles();
    next.capacity = this.capacity;
    if (survival === 'everything') {
      next.#leave(this);
      return next;
    }
    const names = new Map(this.#syncedNames);
    if (survival === 'anything') {
      // A journal keeps the order of such changes: some of the first are there.
      const kept = random.below(this.#pendingNames.length + 1);
      for (const [path, file] of this.#pendingNames.slice(0, kept)) apply(names, path, file);
    }
    for (const [path, file] of names) {
      const content = remains(file, survival, random);
      const data = { content, synced: Buffer.from(content), pending: [] };
      next.#names.set(path, data);
      next.#syncedNames.set(path, data);
    }
    return next;
  }

  /** Has what another one has, synced or not. */
  #leave(other: FaultyFiles): void {
    const files = new Map<FileData, FileData>();
    const own = (file: FileData) => {
      const known = files.get(file);
      if (known !== undefined) return known;
      const { content, synced, pending } = file;
      const copy = {
        content: Buffer.from(content),
        synced: Buffer.from(synced),
        pending: [...pending],
      };
      files.set(file, copy);
      return copy;
    };
    for (const [path, file] of other.#names) this.#names.set(path, own(file));
    for (const [path, file] of other.#syncedNames) this.#syncedNames.set(path, own(file));
    this.#pendingNames = other.#pendingNames.map(([path, file]) => [path, file && own(file)]);
  }

  /** The disk as a power cut would leave it at worst; this one stays in use. */
  afterPowerCut(): FaultyFiles {
    const cut = new FaultyFiles();
    for (const [path, { synced }] of this.#syncedNames) cut.replace(path, Buffer.from(synced));
    return cut;
  }

  /**
   * The content of a file. Changing the bytes damages the file, as long as nothing is written to it; `replace` does so permanently.
   *
   * @throws `ENOENT`
   */
  contentOf(path: string): Buffer {
    const file = this.#names.get(path);
    if (file === undefined) throw systemError('ENOENT', path);
    return file.content;
  }

  /** Replaces a file's content, or makes the file, durably. The bytes are the file's from now on. */
  replace(path: string, content: Buffer): void {
    const data = { content, synced: Buffer.from(content), pending: [] };
    this.#names.set(path, data);
    this.#syncedNames.set(path, data);
  }

  /** Of all files, in the order of their names. */
  get paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** An independent disk with the same content, all of it durable. */
  copy(): FaultyFiles {
    const copy = new FaultyFiles();
    for (const [path, { content }] of this.#names) copy.replace(path, Buffer.from(content));
    return copy;
  }
}

function apply(names: Map<string, FileData>, path: string, file: FileData | null): void {
  if (file === null) names.delete(path);
  else names.set(path, file);
}

function applied(content: Buffer, change: Pending): Buffer {
  if ('size' in change) {
    const resized = Buffer.alloc(change.size);
    content.copy(resized);
    return resized;
  }
  const { offset, bytes } = change;
  const size = Math.max(content.length, offset + bytes.length);
  const result = size === content.length ? content : Buffer.alloc(size);
  if (result !== content) content.copy(result);
  bytes.copy(result, offset);
  return result;
}

function remains(file: FileData, survival: Survival, random: Random): Buffer {
  let content: Buffer = Buffer.from(file.synced);
  if (survival === 'nothing') return content;
  for (const change of file.pending) {
    if ('size' in change) {
      if (random.chance(0.5)) content = applied(content, change);
      continue;
    }
    const { offset, bytes } = change;
    for (const { start, end } of survivors(offset, bytes.length, random)) {
      content = applied(content, { offset: offset + start, bytes: bytes.subarray(start, end) });
    }
  }
  return content;
}

/** The parts of a write that a power cut leaves: none, all, the first ones, or any sectors. */
function* survivors(
  offset: number,
  length: number,
  random: Random,
): Generator<{ readonly start: number; readonly end: number }> {
  const how = random.pick(['none', 'all', 'first', 'any', 'any'] as const);
  if (how === 'none') return;
  if (how === 'all') {
    yield { start: 0, end: length };
    return;
  }
  // Sectors are written whole or not at all, each for itself.
  const sector = random.pick(SECTORS);
  const first = how === 'first' ? random.below(length) : Number.POSITIVE_INFINITY;
  for (let start = 0; start < length; ) {
    const end = Math.min(length, start + sector - ((offset + start) % sector));
    if (how === 'first' ? end <= first : random.chance(0.5)) yield { start, end };
    start = end;
  }
}

/** An error as Node's file functions give: with a `code` such as `EIO`, `ENOSPC` or `EMFILE`. */
export function systemError(code: string, what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
