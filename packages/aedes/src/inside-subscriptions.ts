import type { AedesPublishPacket } from './types.ts';

/** A function that gets messages. It calls back when it has dealt with one. */
export type Deliver = (packet: AedesPublishPacket, callback: () => void) => void;

interface Entry {
  readonly levels: readonly string[];
  readonly functions: Deliver[];
}

/** Functions of the program that have subscribed to topics. A filter and a function make a subscription. */
export class InsideSubscriptions {
  readonly #entries: Map<string, Entry>;

  constructor() {
    this.#entries = new Map();
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  add(filter: string, deliver: Deliver): void {
    const entry = this.#entries.get(filter);
    if (entry === undefined) {
      this.#entries.set(filter, { levels: filter.split('/'), functions: [deliver] });
    } else {
      entry.functions.push(deliver);
    }
  }

  /** Does nothing where there is no such subscription. */
  delete(filter: string, deliver: Deliver): void {
    const entry = this.#entries.get(filter);
    const index = entry?.functions.indexOf(deliver) ?? -1;
    if (entry === undefined || index < 0) return;
    entry.functions.splice(index, 1);
    if (entry.functions.length === 0) this.#entries.delete(filter);
  }

  /** All that get messages of a topic. Wildcards match topics that begin with `$`, too, other than for clients. */
  match(topic: string): Deliver[] {
    if (this.isEmpty) return [];
    const levels = topic.split('/');
    const found: Deliver[] = [];
    for (const entry of this.#entries.values()) {
      if (!matches(entry.levels, levels)) continue;
      for (const deliver of entry.functions) found.push(deliver);
    }
    return found;
  }
}

function matches(filter: readonly string[], topic: readonly string[]): boolean {
  for (const [index, level] of filter.entries()) {
    if (level === '#') return true;
    if (index >= topic.length || (level !== '+' && level !== topic[index])) return false;
  }
  return filter.length === topic.length;
}
