import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** How often files are looked at. Notifications don't work for files that are mounted or replaced. */
const POLL_MS = 1000;

/** Notices that files change, from the moment on at which they were about to be read: also before it is started. */
export class WatchedFiles {
  /** By path, how the file was when it was last looked at. */
  readonly #seen: Map<string, string>;
  #timer: NodeJS.Timeout | null;

  /** @param paths - of files that are to be read now */
  constructor(paths: readonly string[]) {
    this.#seen = new Map();
    this.#timer = null;
    this.follow(paths);
  }

  /** Follows these files, and no others; what has changed of those that it follows already is still noticed. */
  follow(paths: readonly string[]): void {
    for (const path of this.#seen.keys()) {
      if (!paths.includes(path)) this.#seen.delete(path);
    }
    for (const path of paths) {
      if (!this.#seen.has(path)) this.#seen.set(path, stateOf(path));
    }
  }

  /** All are about to be read: changes up to now are no news. */
  refresh(): void {
    for (const path of this.#seen.keys()) this.#seen.set(path, stateOf(path));
  }

  /** @param onChanged - called for each change that is found; doesn't keep the process running */
  start(onChanged: () => void): void {
    const poll = async () => {
      for (const path of [...this.#seen.keys()]) {
        const state = await laterStateOf(path);
        const seen = this.#seen.get(path);
        if (seen === undefined || seen === state) continue;
        this.#seen.set(path, state);
        onChanged();
      }
      if (this.#timer !== null) this.#pollLater(poll);
    };
    this.#pollLater(poll);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #pollLater(poll: () => Promise<void>): void {
    this.#timer = setTimeout(() => void poll(), POLL_MS);
    this.#timer.unref();
  }
}

function stateOf(path: string): string {
  try {
    // Big, as it may be a pipe: see `isStream` in standard-output.ts.
    return described(statSync(path, { bigint: true }));
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

async function laterStateOf(path: string): Promise<string> {
  try {
    return described(await stat(path, { bigint: true }));
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

function described({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}
