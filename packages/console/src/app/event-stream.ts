/** One event of Server-Sent Events. */
export interface StreamEvent {
  /** `message` where the server names none. */
  readonly type: string;
  readonly data: string;
  /** Empty where there is none. */
  readonly id: string;
}

/** An event may be this long; what is longer is left out. */
const CHARACTERS_MAX = 4 * 1024 * 1024;

/** Takes the text of a stream of Server-Sent Events as it comes, and gives its events. */
export class EventStreamParser {
  #rest = '';
  #type = '';
  #id = '';
  #data: string[] = [];
  #size = 0;

  /** @returns the events that are complete with this text */
  push(text: string): StreamEvent[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() as string;
    if (this.#rest.length > CHARACTERS_MAX) this.#rest = '';
    const events: StreamEvent[] = [];
    for (const line of lines) {
      const event = this.#line(line);
      if (event !== null) events.push(event);
    }
    return events;
  }

  #line(line: string): StreamEvent | null {
    if (line === '') return this.#end();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#type = value;
    if (name === 'id') this.#id = value;
    if (name === 'data' && this.#size <= CHARACTERS_MAX) {
      this.#data.push(value);
      this.#size += value.length;
    }
    return null;
  }

  #end(): StreamEvent | null {
    const event = { type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id };
    const hasData = this.#data.length > 0 && this.#size <= CHARACTERS_MAX;
    this.#type = '';
    this.#data = [];
    this.#size = 0;
    return hasData ? event : null;
  }
}
