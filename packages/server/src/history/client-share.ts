import type { KeptEntry } from './entry.ts';
import { EntryList } from './entry-list.ts';

/** What a client occupies beside its entries and its identifier. */
const SHARE_BYTES = 700;

/** What the history has of one client, or of all CONNECTs that were refused. */
export class ClientShare {
  readonly name: string;
  readonly entries: EntryList;
  /** What it counts. */
  bytes: number;
  /** Until when entries of it have gone, in milliseconds since 1970; 0 when none has. */
  forgottenUntil: number;
  /** Those that may be continued: by what they are, then by topic. */
  readonly #repeated: Map<string, Map<string, KeptEntry>>;

  constructor(name: string) {
    this.name = name;
    this.entries = new EntryList();
    this.bytes = SHARE_BYTES + 2 * name.length;
    this.forgottenUntil = 0;
    this.#repeated = new Map();
  }

  /** The entry that may be continued; undefined when there is none. */
  repeated(key: string, topic: string | null): KeptEntry | undefined {
    return this.#repeated.get(key)?.get(topic ?? '');
  }

  add(entry: KeptEntry): void {
    this.entries.push(entry);
    this.bytes += entry.bytes;
    if (entry.key === null) return;
    let byTopic = this.#repeated.get(entry.key);
    if (byTopic === undefined) {
      byTopic = new Map();
      this.#repeated.set(entry.key, byTopic);
    }
    byTopic.set(entry.topic ?? '', entry);
  }

  remove(entry: KeptEntry): void {
    entry.isGone = true;
    this.entries.onGone();
    this.bytes -= entry.bytes;
    this.forgottenUntil = Math.max(this.forgottenUntil, entry.lastAt);
    if (entry.key === null) return;
    const byTopic = this.#repeated.get(entry.key);
    const topic = entry.topic ?? '';
    if (byTopic?.get(topic) !== entry) return;
    byTopic.delete(topic);
    if (byTopic.size === 0) this.#repeated.delete(entry.key);
  }
}
