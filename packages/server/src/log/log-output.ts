import { Writable } from 'node:stream';
import { LogFile, type Rotation } from './log-file.ts';
import type { LogSink } from './log-sink.ts';
import { StandardOutput } from './standard-output.ts';

/** Where lines go. */
export interface LogPlace {
  /** Null is standard output. */
  readonly file: string | null;
  readonly rotation: Rotation;
  /** Bytes that may wait to be written; lines beyond are dropped. */
  readonly maxWaitingBytes: number;
}

/** Who is notified when the log can't be written, and when it can again. */
export interface LogListeners {
  /** Lines can't be written any more: they are dropped from here on. Called once, until they can again. */
  readonly onFailed: (why: string) => void;
  /** Lines are written again; `droppedCount` were dropped meanwhile. */
  readonly onRecovered: (droppedCount: number, why: string) => void;
}

/**
 * Where the log goes, which can change while it is in use. A line that can't be written, or for which those before leave
 * no room, is dropped and counted: nothing waits for the log, and nothing ends because of it.
 */
export class LogOutput extends Writable {
  readonly #listeners: LogListeners;
  #place: LogPlace;
  #sink: LogSink;
  #waitingBytes: number;
  #droppedCount: number;
  /** Of those, how many have not been reported yet. */
  #unreportedCount: number;
  #why: string;
  #isFailing: boolean;
  #onFlushed: () => void;

  /** @throws the system's error when the file can't be opened */
  constructor(place: LogPlace, listeners: LogListeners) {
    super({ decodeStrings: true });
    this.#listeners = listeners;
    this.#place = copyOf(place);
    this.#sink = open(place);
    this.#waitingBytes = 0;
    this.#droppedCount = 0;
    this.#unreportedCount = 0;
    this.#why = '';
    this.#isFailing = false;
    this.#onFlushed = () => {};
  }

  get isTerminal(): boolean {
    return this.#place.file === null && process.stdout.isTTY === true;
  }

  /** Lines that were dropped since the start. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /**
   * Has lines go elsewhere from now on; does nothing when the place is the same.
   *
   * @throws the system's error when the file can't be opened; lines then go where they went
   */
  moveTo(place: LogPlace): void {
    const next = copyOf(place);
    if (JSON.stringify(next) === JSON.stringify(this.#place)) return;
    if (next.file !== this.#place.file) {
      const sink = open(next);
      this.#sink.close();
      this.#sink = sink;
    } else if (this.#sink instanceof LogFile) {
      this.#sink.reopen(next.rotation);
    }
    this.#place = next;
  }

  /** Opens the file again, as it may have been renamed. */
  reopen(): void {
    if (this.#sink instanceof LogFile) this.#sink.reopen();
  }

  /** Ends the log; resolves when all lines are written, or after `timeoutMs`: then false. */
  async finish(timeoutMs: number): Promise<boolean> {
    this.end();
    if (this.#waitingBytes === 0) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#onFlushed = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  override _write(line: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const size = line.length;
    if (this.#waitingBytes + size > this.#place.maxWaitingBytes) {
      this.#drop(`over ${this.#place.maxWaitingBytes} bytes wait to be written`);
    } else {
      this.#waitingBytes += size;
      this.#sink.write(line, (error) => this.#onWritten(size, error ?? null));
    }
    done();
  }

  override _final(done: () => void): void {
    this.#sink.close();
    done();
  }

  #onWritten(size: number, error: Error | null): void {
    this.#waitingBytes -= size;
    if (error !== null) this.#drop(error.message);
    else if (this.#waitingBytes <= this.#place.maxWaitingBytes / 2) this.#onWorking();
    if (this.#waitingBytes === 0) this.#onFlushed();
  }

  #drop(why: string): void {
    this.#droppedCount++;
    this.#unreportedCount++;
    this.#why = why;
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#listeners.onFailed(why);
  }

  #onWorking(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    const count = this.#unreportedCount;
    this.#unreportedCount = 0;
    if (!this.writableEnded) this.#listeners.onRecovered(count, this.#why);
  }
}

function open({ file, rotation }: LogPlace): LogSink {
  return file === null ? new StandardOutput() : new LogFile(file, rotation);
}

/** The configuration's object changes in place at a reload: what is compared has to be another. */
function copyOf({ file, rotation, maxWaitingBytes }: LogPlace): LogPlace {
  return { file, rotation: { ...rotation }, maxWaitingBytes };
}
