import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/*
 * A claim on a directory that can't hold sockets: a file that says whose it is, `lock-<id>.pid`, in one line of 192 bytes
 *
 *   PID START WHERE STATE BEAT
 *
 * with the process's identifier, when it was started, in which system and container, `waiting` or `held`, and a number
 * that the process raises every second. It only gets its name, by a rename, when all of that is in it.
 *
 * In the same system and container, the process is there or not, and one that was started at another time is another
 * one. Elsewhere, as where two machines have the directory, the number decides: it is watched for some seconds.
 */

export const FILE_CLAIM = /^lock-[0-9a-f]{16}\.pid$/;
/** Those that have no name yet, or were never completed. */
export const PREPARED_FILE_CLAIM = /^lock-[0-9a-f]{16}\.tmp$/;

const SIZE = 192;
const BEAT_MS = 1000;

/** A process elsewhere whose number hasn't changed for so long is gone. */
const SILENCE_MS = 5000;
const LOOK_MS = 250;

interface Holder {
  readonly pid: number;
  readonly start: string;
  readonly where: string;
  readonly isHeld: boolean;
  readonly beat: string;
}

/** A claim that this process has published. */
export class FileClaim {
  readonly name: string;
  isWithdrawn: boolean;
  readonly #path: string;
  readonly #file: FileHandle;
  #isHeld: boolean;
  #beat: number;
  #timer: NodeJS.Timeout;
  #writing: Promise<void>;

  private constructor(name: string, path: string, file: FileHandle) {
    this.name = name;
    this.isWithdrawn = false;
    this.#path = path;
    this.#file = file;
    this.#isHeld = false;
    this.#beat = 0;
    this.#writing = Promise.resolve();
    this.#timer = setInterval(() => this.#writeLater(), BEAT_MS);
    this.#timer.unref();
  }

  static async publish(directory: string): Promise<FileClaim> {
    for (;;) {
      const claim = await FileClaim.#tryToPublish(directory);
      if (claim !== null) return claim;
    }
  }

  /** @returns null when another process took it for left over */
  static async #tryToPublish(directory: string): Promise<FileClaim | null> {
    const id = randomBytes(8).toString('hex');
    const prepared = join(directory, `lock-${id}.tmp`);
    const name = `lock-${id}.pid`;
    const path = join(directory, name);
    const file = await open(prepared, 'wx', 0o600);
    const claim = new FileClaim(name, path, file);
    try {
      await claim.#write();
      await rename(prepared, path);
      return claim;
    } catch (error) {
      await claim.withdraw();
      await rm(prepared, { force: true });
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async hold(): Promise<void> {
    this.#isHeld = true;
    await this.#write();
  }

  #write(): Promise<void> {
    this.#writeLater();
    return this.#writing;
  }

  /** One after the other; a beat that can't be written is followed by others. */
  #writeLater(): void {
    this.#writing = this.#writing
      .catch(() => {})
      .then(async () => {
        if (this.isWithdrawn) return;
        const state = this.#isHeld ? 'held' : 'waiting';
        const start = startOf(process.pid) ?? '-';
        const line = `${process.pid} ${start} ${where()} ${state} ${this.#beat++}`;
        await this.#file.write(`${line.slice(0, SIZE - 1).padEnd(SIZE - 1)}\n`, 0, 'latin1');
      });
    this.#writing.catch(() => {});
  }

  async withdraw(): Promise<void> {
    if (this.isWithdrawn) return;
    this.isWithdrawn = true;
    clearInterval(this.#timer);
    await this.#writing.catch(() => {});
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}

/**
 * Looks at a claim.
 *
 * @returns whether its process is there, and its identifier once it has the directory; else an empty string
 */
export async function askFile(path: string): Promise<{ isAlive: boolean; answer: string }> {
  const first = await readHolder(path);
  if (first === null || !(await isThere(first, path))) return { isAlive: false, answer: '' };
  const last = await readHolder(path);
  return { isAlive: last !== null, answer: last?.isHeld ? `${last.pid}` : '' };
}

async function isThere(holder: Holder, path: string): Promise<boolean> {
  const { pid, start, where: itsPlace, beat } = holder;
  if (itsPlace === where()) {
    const found = startOf(pid);
    if (found !== null) return found === start;
    if (!isRunning(pid)) return false;
  }
  for (let waited = 0; waited < SILENCE_MS; waited += LOOK_MS) {
    await new Promise((done) => setTimeout(done, LOOK_MS));
    const now = await readHolder(path);
    if (now === null) return false;
    if (now.beat !== beat) return true;
  }
  return false;
}

/** What a claim says; null when it is gone, or not one. */
async function readHolder(path: string): Promise<Holder | null> {
  let text: string;
  try {
    text = await readFile(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const [pid = '', start = '', place = '', state = '', beat = ''] = text.trim().split(' ');
  if (!/^\d+$/.test(pid)) return null;
  return { pid: Number(pid), start, where: place, isHeld: state === 'held', beat };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process was started, in the system's ticks; null when it isn't there, or the system doesn't say. */
function startOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the process, in parentheses, may have anything in it.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

/** In which system, since which start of it, and in which container this process is. */
function where(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return encodeURIComponent(hostname()).slice(0, 80);
  }
}
