import { fstatSync, write } from 'node:fs';
import type { LogSink, OnWritten } from './log-sink.ts';

/**
 * Standard output, or standard error, as a place of the log. Whatever it is, a reader who is slow, stuck or gone doesn't block the event
 * loop, and ends nothing.
 */
export class StandardOutput implements LogSink {
  readonly #stream: StandardStream;
  /** Node writes to files and devices synchronously: a slow or broken disk would stall the broker. */
  readonly #file: DescriptorWriter | null;

  constructor(stream: StandardStream = process.stdout) {
    this.#stream = stream;
    // Without a listener, an error would end the process; each line gets its own.
    if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
    // Node has terminals block until everything is shown; one that was stopped by Ctrl-S would stop the broker.
    if (stream.isTTY) (stream as unknown as BlockingStream)._handle?.setBlocking?.(false);
    this.#file = isStream(stream) ? null : new DescriptorWriter(stream.fd);
  }

  write(line: Buffer, onWritten: OnWritten): void {
    if (this.#file !== null) this.#file.write(line, onWritten);
    else this.#stream.write(line, onWritten);
  }

  /** It isn't ours alone: it stays open. */
  close(): void {}
}

type StandardStream = typeof process.stdout | typeof process.stderr;

/** What Node's streams over terminals, pipes and sockets have, and doesn't document. */
interface BlockingStream {
  readonly _handle?: { setBlocking?(isBlocking: boolean): void };
}

function ignore(): void {}

/** Whether it is a pipe, a socket or a terminal, which Node reads and writes without blocking. */
function isStream({ fd, isTTY }: StandardStream): boolean {
  // Big, as Node finds modules by what the last plain stat has left: after one of a pipe, import() doesn't follow links.
  const stat = fstatSync(fd, { bigint: true });
  return stat.isFIFO() || stat.isSocket() || isTTY === true;
}

/** Writes to a file or device, one line after the other, beside the event loop. */
class DescriptorWriter {
  readonly #fd: number;
  readonly #waiting: { readonly line: Buffer; readonly onWritten: OnWritten }[] = [];
  #isBusy = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(line: Buffer, onWritten: OnWritten): void {
    this.#waiting.push({ line, onWritten });
    if (!this.#isBusy) this.#next();
  }

  #next(): void {
    const [first] = this.#waiting.splice(0, 1);
    this.#isBusy = first !== undefined;
    if (first !== undefined) this.#rest(first.line, first.onWritten);
  }

  /** The system may take a part only, such as on a disk that is nearly full. */
  #rest(bytes: Buffer, onWritten: OnWritten): void {
    write(this.#fd, bytes, (error, written) => {
      if (error === null && written < bytes.length) {
        this.#rest(bytes.subarray(written), onWritten);
        return;
      }
      onWritten(error);
      this.#next();
    });
  }
}
