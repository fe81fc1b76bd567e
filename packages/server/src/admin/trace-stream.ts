import type { ServerResponse } from 'node:http';
import type { TraceEvent } from '../tracing/client-traces.ts';

/** Bytes that wait for a reader of a trace above which lines are left out: nothing waits for a reader. */
const WAITING_BYTES_MAX = 1_048_576;

/**
 * Writes what a trace gets, one JSON object a line. A reader that is too slow misses lines, and is notified how many
 * (`lines-dropped`) where they would have been.
 */
export class TraceStream {
  readonly #response: ServerResponse;
  #droppedCount: number;

  constructor(response: ServerResponse) {
    this.#response = response;
    this.#droppedCount = 0;
    response.writeHead(200, { 'content-type': 'application/x-ndjson', connection: 'close' });
    response.on('drain', () => {
      if (!response.writableEnded) this.#tellDropped();
    });
  }

  write(event: TraceEvent): void {
    // What happens after the end is nobody's any more, and writing it would be an error.
    if (this.#response.writableEnded) return;
    if (this.#response.writableLength > WAITING_BYTES_MAX) {
      this.#droppedCount++;
      return;
    }
    this.#tellDropped();
    const { fields, ...head } = { fields: {}, ...event };
    this.#line({ ...head, ...fields });
  }

  /** The broker stops: says so as the last line. */
  end(): void {
    this.#tellDropped();
    this.#line({ event: 'stopping' });
    this.#response.end();
  }

  #tellDropped(): void {
    if (this.#droppedCount === 0) return;
    const count = this.#droppedCount;
    this.#droppedCount = 0;
    this.#line({ event: 'lines-dropped', count });
  }

  #line(fields: object): void {
    this.#response.write(`${JSON.stringify({ time: new Date().toISOString(), ...fields })}\n`);
  }
}
