import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  type Stats,
  stat,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import type { LogSink, OnWritten } from './log-sink.ts';

export interface Rotation {
  /** Bytes; Infinity for no limit. */
  readonly size: number;
  /** Such as `1h` or `7d`; `none` for no limit. */
  readonly age: string;
  /** Files that are kept beside the current one. */
  readonly count: number;
  readonly gzip: boolean;
}

/** Topics and addresses of clients are nobody else's business. */
const FILE_MODE = 0o600;

/** How soon a file that can't be written is opened again; each further attempt waits twice as long. */
const RETRY_MS = 1000;
const RETRY_MS_MAX = 60_000;
/** How often the file is looked for where it was opened. */
const LOOK_MS = 1000;
const NEWLINE = 10;

interface Line {
  readonly line: Buffer;
  readonly onWritten: OnWritten;
}

/**
 * A log file that is appended to. When it is full or old, it becomes `FILE.1`, that `FILE.2` and so on, with `.gz`
 * where they are compressed; the last one is removed.
 *
 * It is opened again when it was renamed or removed, so that lines don't go where nobody looks, and, after a while, when
 * it could not be written: until then lines are refused.
 */
export class LogFile implements LogSink {
  readonly path: string;
  readonly #now: () => number;
  #rotation: Rotation;
  /** Null while it can't be written, or is being opened again. */
  #stream: RotatingFileStream | null;
  /** Why it can't be written; null while it can. */
  #error: Error | null;
  #failures: number;
  #failedAt: number;
  /** Lines that came while the file is being opened again; null when it isn't. */
  #waiting: Line[] | null;
  #identity: string | null;
  #lookedAt: number;
  #isClosed: boolean;

  /**
   * @param now - milliseconds of a clock that doesn't go back
   * @throws the system's error when the file can't be opened now
   */
  constructor(path: string, rotation: Rotation, now: () => number = () => performance.now()) {
    this.path = resolve(path);
    this.#now = now;
    this.#rotation = rotation;
    this.#error = null;
    this.#failures = 0;
    this.#failedAt = 0;
    this.#waiting = null;
    this.#identity = null;
    this.#lookedAt = 0;
    this.#isClosed = false;
    this.#stream = this.#open();
  }

  write(line: Buffer, onWritten: OnWritten): void {
    if (this.#waiting !== null) {
      this.#waiting.push({ line, onWritten });
      return;
    }
    if (this.#stream === null) this.#retry();
    if (this.#stream === null) {
      const error = this.#error;
      queueMicrotask(() => onWritten(error));
      return;
    }
    this.#look();
    this.#stream.write(line, (error) => {
      if (!error) this.#failures = 0;
      onWritten(error);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#stream?.end();
  }

  /**
   * Closes the file when all that was written is in it, a rotation that is under way included, and then opens the file of that name.
   * Lines wait meanwhile.
   */
  reopen(rotation: Rotation = this.#rotation): void {
    this.#rotation = rotation;
    if (this.#waiting !== null || this.#isClosed) return;
    this.#waiting = [];
    const former = this.#stream;
    this.#stream = null;
    if (former === null || former.closed) this.#openAgain();
    else former.once('close', () => this.#openAgain()).end();
  }

  #openAgain(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    this.#failedAt = Number.NEGATIVE_INFINITY;
    this.#retry();
    for (const { line, onWritten } of waiting) this.write(line, onWritten);
    if (this.#isClosed) this.close();
  }

  #retry(): void {
    const delay = Math.min(RETRY_MS * 2 ** Math.max(0, this.#failures - 1), RETRY_MS_MAX);
    if (this.#now() - this.#failedAt < delay) return;
    try {
      this.#stream = this.#open();
    } catch (error) {
      this.#onFailed(error as Error);
    }
  }

  #open(): RotatingFileStream {
    const { size, age, count, gzip } = this.#rotation;
    const folder = dirname(this.path);
    const name = basename(this.path);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // The stream opens the file later, and would report a failure when nobody listens yet.
    endLastLine(this.path);
    const generator = (index: number | Date | null) =>
      index === null ? name : `${name}.${index}${gzip ? '.gz' : ''}`;
    const stream = createStream(generator as (index: number | Date) => string, {
      path: folder,
      mode: FILE_MODE,
      rotate: count,
      ...(size === Number.POSITIVE_INFINITY ? {} : { size: `${size}B` }),
      ...(age === 'none' ? {} : { interval: age }),
      ...(gzip ? { compress: 'gzip' } : {}),
    });
    stream.on('error', (error) => {
      if (this.#stream === stream) this.#onFailed(error);
    });
    stream.on('rotation', () => {
      this.#identity = null;
    });
    stream.on('open', () => {
      this.#identify(stream);
    });
    return stream;
  }

  /** The stream has ended itself. */
  #onFailed(error: Error): void {
    this.#stream = null;
    this.#error = error;
    this.#failures++;
    this.#failedAt = this.#now();
  }

  /** Remembers which file the stream has opened. */
  #identify(stream: RotatingFileStream): void {
    stat(this.path, (_error, found) => {
      if (this.#stream === stream) this.#identity = found === undefined ? null : identityOf(found);
    });
  }

  /** Opens the file again when another, or none, has its name now. */
  #look(): void {
    const stream = this.#stream;
    if (this.#identity === null || this.#now() - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = this.#now();
    stat(this.path, (_error, found) => {
      if (this.#stream !== stream || this.#identity === null) return;
      if (found === undefined || identityOf(found) !== this.#identity) this.reopen();
    });
  }
}

function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

/**
 * Opens a file for appending, and ends its last line where a full disk has cut it.
 *
 * @throws the system's error when it can't be opened, and when it is no file: opening a pipe would wait for its reader
 */
function endLastLine(path: string): void {
  // Big, as it may be a pipe: see `isStream` in standard-output.ts.
  if (statSync(path, { throwIfNoEntry: false, bigint: true })?.isFile() === false) {
    throw new Error(`${path} is no regular file`);
  }
  const fd = openSync(path, 'a+', FILE_MODE);
  try {
    const { size } = fstatSync(fd);
    const last = Buffer.alloc(1);
    if (size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE) {
      writeSync(fd, '\n');
    }
  } finally {
    closeSync(fd);
  }
}
