import type { Duplex } from 'node:stream';
import { FrameReader, FrameWriter } from './frames.ts';

/** Whoever has the stream of a lane just now. */
export interface LaneListener {
  onFrame(type: number, body: Uint8Array): void;
  /** Some of what was written has left. */
  onWritten?(): void;
  /** The stream is over; nothing comes from it any more. */
  onOver(why: string): void;
}

/** What is written at once, whatever else the turn brings, in bytes. */
const GATHERED_MAX = 262_144;

/**
 * The stream of one lane, from its first byte on: frames go in and come out. It is listened to by the handshake, then by the link.
 *
 * Invariants: while nobody listens, it isn't read from, and what has come is kept; `onOver` is called once, to whoever listens then or next.
 */
export class LaneStream {
  readonly #stream: Duplex;
  readonly #reader: FrameReader;
  readonly #writer = new FrameWriter();
  #listener: LaneListener | null = null;
  #held: { type: number; body: Uint8Array }[] = [];
  #over: string | null = null;
  #isReported = false;
  #failure: Error | null = null;
  /** Bytes that have come, and that the stream was given, so far. */
  receivedBytes = 0;
  sentBytes = 0;
  /** Bytes that the stream has been given and not handed on. */
  #writtenBytes = 0;

  /** @param sizeMax - bytes of the largest frame, until `sizeMax` is set to something else */
  constructor(stream: Duplex, sizeMax: number) {
    this.#stream = stream;
    this.#reader = new FrameReader(sizeMax, (type, body) => this.#take(type, body));
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', (error) => {
      this.#failure = error;
    });
    stream.on('end', () => stream.destroy());
    stream.on('close', () => this.#end(this.#failure?.message ?? 'closed by the other side'));
    stream.pause();
  }

  /** Bytes of the largest frame that may come from now on. */
  set sizeMax(bytes: number) {
    this.#reader.sizeMax = bytes;
  }

  /** Bytes that have not left yet. */
  get pendingBytes(): number {
    return this.#writtenBytes + this.#writer.byteCount;
  }

  /** Has frames reported to a listener, those that were kept first; null: to nobody. */
  listen(listener: LaneListener | null): void {
    this.#listener = listener;
    while (this.#listener !== null && this.#held.length > 0) {
      const { type, body } = this.#held.shift() as { type: number; body: Uint8Array };
      this.#listener.onFrame(type, body);
    }
    if (this.#listener === null) this.#stream.pause();
    else if (this.#over === null) this.#stream.resume();
    else this.#report();
  }

  /** Gathers a frame until `flush`. */
  add(type: number, parts: readonly Uint8Array[]): void {
    this.#writer.add(type, parts);
    if (this.#writer.byteCount > GATHERED_MAX) this.flush();
  }

  /** Writes what was gathered. */
  flush(): void {
    if (this.#writer.byteCount === 0) return;
    const blocks = this.#writer.take();
    if (this.#over !== null) return;
    this.#stream.cork();
    for (const block of blocks) {
      this.#writtenBytes += block.length;
      this.sentBytes += block.length;
      this.#stream.write(block, (error) => {
        this.#writtenBytes -= block.length;
        // A buffer that could not be written may still be looked at.
        if (error) return;
        FrameWriter.recycle(block);
        this.#listener?.onWritten?.();
      });
    }
    this.#stream.uncork();
  }

  /** Sends what was gathered, and closes. */
  end(): void {
    this.flush();
    this.#stream.end(() => this.#stream.destroy());
  }

  /** Closes at once; what has not left is lost. */
  destroy(why: string): void {
    this.#end(why);
    this.#stream.destroy();
  }

  #receive(chunk: Uint8Array): void {
    this.receivedBytes += chunk.length;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.destroy((error as Error).message);
    }
  }

  #take(type: number, body: Uint8Array): void {
    if (this.#listener === null) this.#held.push({ type, body });
    else this.#listener.onFrame(type, body);
  }

  #end(why: string): void {
    if (this.#over !== null) return;
    this.#over = why;
    this.#reader.stop();
    this.#report();
  }

  #report(): void {
    if (this.#isReported || this.#listener === null) return;
    this.#isReported = true;
    this.#listener.onOver(this.#over as string);
  }
}
