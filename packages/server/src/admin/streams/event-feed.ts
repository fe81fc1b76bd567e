import type { EventStream } from './event-stream.ts';

/** What an event occupies beside its text: an estimate. */
const EVENT_BYTES = 100;

interface Kept {
  readonly number: number;
  readonly name: string;
  readonly json: string;
  readonly bytes: number;
}

/**
 * Events for a reader who may lose his connection and come back for what he has missed: the last ones are kept.
 *
 * Invariant: no more than `bytesMax` are kept, in the order in which they happened, without a gap between them.
 */
export class EventFeed {
  readonly id: string;
  /** What it is of, and for whom: only who asks for the same gets it. */
  readonly key: string;
  readonly #bytesMax: number;
  #kept: Kept[];
  /** Of `#kept`, those before are forgotten. */
  #head: number;
  #bytes: number;
  /** The number of the last event; 0: there was none. */
  #last: number;
  #stream: EventStream | null;
  /** The last event that a reader may have got; null while there is one. */
  #lastRead: number | null;

  /** @param bytesMax - of events that are kept */
  constructor(id: string, key: string, bytesMax: number) {
    this.id = id;
    this.key = key;
    this.#bytesMax = bytesMax;
    this.#kept = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#last = 0;
    this.#stream = null;
    this.#lastRead = null;
  }

  /** Whether a reader who comes back gets all that he has missed. */
  get isComplete(): boolean {
    return this.#lastRead === null || this.#firstKept <= this.#lastRead + 1;
  }

  /** Whether a reader knows of it, by the identifier of an event. */
  get isKnown(): boolean {
    return this.#last > 0;
  }

  /** Sends an event to the reader, and keeps it for when he comes back. */
  send(name: string, data: unknown): void {
    const json = JSON.stringify(data);
    const number = ++this.#last;
    this.#keep({ number, name, json, bytes: Buffer.byteLength(json) + EVENT_BYTES });
    this.#stream?.sendJson(name, json, this.#idOf(number));
  }

  /**
   * There is a reader, who gets what is kept of the events after one of them. A former one gets nothing any more.
   *
   * @returns how many events are missing between that one and the first one that is kept
   */
  attach(stream: EventStream, after: number): number {
    this.#stream = stream;
    this.#lastRead = null;
    const missing = Math.max(0, this.#firstKept - after - 1);
    if (missing > 0) stream.send('gap', gapAfter(this.#idOf(after), missing));
    for (const { number, name, json } of this.#kept.slice(this.#head)) {
      if (number > after) stream.sendJson(name, json, this.#idOf(number));
    }
    return missing;
  }

  /** A reader has gone. @returns whether there is none now */
  detach(stream: EventStream): boolean {
    if (this.#stream !== stream) return false;
    this.#stream = null;
    this.#lastRead = this.#last;
    return true;
  }

  get #firstKept(): number {
    return this.#kept[this.#head]?.number ?? this.#last + 1;
  }

  #keep(event: Kept): void {
    this.#kept.push(event);
    this.#bytes += event.bytes;
    while (this.#bytes > this.#bytesMax) {
      this.#bytes -= (this.#kept[this.#head] as Kept).bytes;
      this.#head++;
    }
    // Rarely: a shift each time would move all of them.
    if (this.#head <= this.#kept.length / 2) return;
    this.#kept = this.#kept.slice(this.#head);
    this.#head = 0;
  }

  #idOf(number: number): string {
    return `${this.id}-${number}`;
  }
}

/** @param missing - null where it isn't known */
export function gapAfter(lastEventId: string, missing: number | null): object {
  return { last_event_id: lastEventId, missing, ts: Date.now() };
}
