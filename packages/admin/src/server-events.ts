/** An event of an answer that continues, such as that of `GET /events`. */
export interface ServerEvent {
  /** Such as `connect`; `dropped` where the reader was too slow for some, `stopping` as the last one. */
  readonly event: string;
  /** What its JSON says. */
  readonly data: unknown;
  /** What a reader who comes back sends as `Last-Event-ID`; null where it has none. */
  readonly id: string | null;
}

/**
 * Reads the events of an answer, one after the other, until it ends: `for await (const { event, data } of eventsOf(admin.GET('/events',
 * { parseAs: 'stream' })))`. Leaving the loop ends the request.
 *
 * @throws an `AdminError` where the broker refuses, and what `fetch` throws where the answer breaks off
 */
export async function* eventsOf(
  answer: Promise<{ readonly data?: ReadableStream<Uint8Array> | null }>,
): AsyncGenerator<ServerEvent, void, void> {
  const { data: stream } = await answer;
  if (stream === undefined || stream === null) return;
  const decoder = new TextDecoder();
  let text = '';
  let block = new EventBlock();
  for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() as string;
    for (const line of lines) {
      if (line !== '' && line !== '\r') {
        block.add(line);
        continue;
      }
      const event = block.event();
      block = new EventBlock();
      if (event !== null) yield event;
    }
  }
}

/** The lines of an event, of the `text/event-stream` of HTML. */
class EventBlock {
  #event: string;
  #data: string[];
  #id: string | null;

  constructor() {
    this.#event = 'message';
    this.#data = [];
    this.#id = null;
  }

  add(line: string): void {
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*?))?\r?$/s.exec(line) as RegExpExecArray;
    if (name === 'event') this.#event = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id') this.#id = value;
  }

  /** Null of comments alone. */
  event(): ServerEvent | null {
    if (this.#data.length === 0) return null;
    return { event: this.#event, data: JSON.parse(this.#data.join('\n')), id: this.#id };
  }
}
