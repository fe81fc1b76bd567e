import {
  type CheckpointEntry,
  type Log,
  type LogOwner,
  type LogRecord,
  type Release,
  recordBytes,
} from '../../src/index.ts';

/** The stream that all items are in. */
export const ITEMS = Buffer.from('items');

/** What was done, in the order in which it was appended. */
export type Step =
  | { readonly type: 'add'; readonly id: string }
  | { readonly type: 'remove'; readonly id: string };

interface Pending {
  readonly recordPosition: number;
  readonly step: Step;
  /** Of the item, which compaction may change, and so the bytes of its data. */
  itemPosition: number;
  size: number;
}

const KEY_PREFIX = 'item:';

/**
 * An owner whose state is a set of items: one record adds an item, another one removes it. It counts the
 * records whose effects it holds: after a crash, its items must be those after just as many steps.
 */
export class LiveSet implements LogOwner {
  log: Log | null = null;
  /** Position of each item that is there, in the order of the additions. */
  readonly items = new Map<string, number>();
  count = 0;
  readonly steps: Step[] = [];
  /** How many of the steps have been acknowledged. */
  acknowledged = 0;
  /** Bytes of the data of each item's record: compaction keeps less than was appended. */
  readonly #sizes = new Map<string, number>();
  /** Positions of items, by position. */
  #byPosition = new Map<number, string>();
  #pending: Pending[] = [];
  #dirty = new Set<string>();

  add(log: Log, id: string, padding = 40): void {
    const data = Buffer.from(`+${id}:`.padEnd(padding, '.'));
    const position = log.append(data, (error) => this.#onSettled(error), ITEMS);
    this.steps.push({ type: 'add', id });
    this.#pending.push({
      recordPosition: position,
      step: { type: 'add', id },
      itemPosition: position,
      size: data.length,
    });
    this.#apply(id, position, data.length);
  }

  remove(log: Log, id: string): void {
    const itemPosition = this.items.get(id) as number;
    const size = this.#sizes.get(id) as number;
    const recordPosition = log.append(Buffer.from(`-${id}:`), (error) => this.#onSettled(error));
    this.steps.push({ type: 'remove', id });
    this.#pending.push({ recordPosition, step: { type: 'remove', id }, itemPosition, size });
    this.#unapply(id);
    log.release(itemPosition, recordBytes(size, ITEMS.length));
    log.release(recordPosition, recordBytes(id.length + 2));
  }

  /** The same with a record that nobody waits for; it must not be refused. */
  removeLazily(log: Log, id: string): void {
    const itemPosition = this.items.get(id) as number;
    const size = this.#sizes.get(id) as number;
    log.appendLazily(Buffer.from(`-${id}:`));
    this.steps.push({ type: 'remove', id });
    this.#unapply(id);
    log.release(itemPosition, recordBytes(size, ITEMS.length));
  }

  #onSettled(error: Error | null): void {
    if (error !== null) return;
    this.acknowledged++;
    this.#pending.shift();
  }

  /** For `LogOptions.onRefused`. */
  onRefused = (fromPosition: number): void => {
    while ((this.#pending.at(-1)?.recordPosition ?? -1) >= fromPosition) {
      const { step, itemPosition, size } = this.#pending.pop() as Pending;
      if (step.type === 'add') this.#unapply(step.id);
      else this.#apply(step.id, itemPosition, size);
      this.count -= 2;
      this.steps.pop();
    }
  };

  #apply(id: string, position: number, size: number): void {
    this.items.set(id, position);
    this.#sizes.set(id, size);
    this.#byPosition.set(position, id);
    this.#dirty.add(id);
    this.count++;
  }

  #unapply(id: string): void {
    this.#byPosition.delete(this.items.get(id) as number);
    this.items.delete(id);
    this.#dirty.add(id);
    this.count++;
  }

  restore(entries: Iterable<readonly [string, Uint8Array]>): void {
    for (const [key, value] of entries) {
      const content = Buffer.from(value).toString();
      if (key === 'count') this.count = Number(content);
      else {
        const [position, size] = content.split(' ').map(Number) as [number, number];
        const id = key.slice(KEY_PREFIX.length);
        this.items.set(id, position);
        this.#sizes.set(id, size);
        this.#byPosition.set(position, id);
      }
    }
  }

  replay(record: LogRecord, release: Release): void {
    const { data, position } = record;
    const id = data.toString('utf8', 1, data.indexOf(':'));
    if (data[0] === 0x2b) {
      this.#apply(id, position, data.length);
      return;
    }
    const item = this.items.get(id);
    if (item === undefined) throw new Error(`${id} is removed without being there`);
    release(item, recordBytes(this.#sizes.get(id) as number, ITEMS.length));
    release(position, recordBytes(data.length));
    this.#unapply(id);
  }

  changes(isWhole: boolean): CheckpointEntry[] {
    const ids = isWhole ? [...this.items.keys()] : [...this.#dirty];
    this.#dirty.clear();
    const entries = ids.map((id): CheckpointEntry => {
      const position = this.items.get(id);
      return [`${KEY_PREFIX}${id}`, position === undefined ? null : this.#value(id)];
    });
    return [...entries, ['count', Buffer.from(String(this.count))]];
  }

  snapshot(): (readonly [string, Uint8Array])[] {
    const entries = [...this.items].map(([id]) => [`${KEY_PREFIX}${id}`, this.#value(id)] as const);
    return [...entries, ['count', Buffer.from(String(this.count))]];
  }

  #value(id: string): Buffer {
    return Buffer.from(`${this.items.get(id)} ${this.#sizes.get(id)}`);
  }

  /** Of an item, all but the padding. */
  keep({ position, data }: LogRecord): Uint8Array[] | null {
    if (!this.#byPosition.has(position)) return null;
    const end = data.indexOf(':') + 1;
    return [data.subarray(0, 1), data.subarray(1, end)];
  }

  moved(from: number, to: number, { position, data }: LogRecord): void {
    if (position !== to) throw new Error(`moved to ${to}, but the record is at ${position}`);
    for (const pending of this.#pending) {
      if (pending.itemPosition !== from) continue;
      pending.itemPosition = to;
      pending.size = data.length;
    }
    const id = this.#byPosition.get(from);
    if (id === undefined) return;
    if (!data.toString().startsWith(`+${id}:`)) throw new Error(`${data} instead of ${id}`);
    this.#byPosition.delete(from);
    this.#byPosition.set(to, id);
    this.items.set(id, to);
    this.#sizes.set(id, data.length);
    this.#dirty.add(id);
  }
}

/** The items after the first steps. */
export function itemsAfter(steps: readonly Step[], count: number): string[] {
  const items = new Set<string>();
  for (const { type, id } of steps.slice(0, count)) {
    if (type === 'add') items.add(id);
    else items.delete(id);
  }
  return [...items];
}

/**
 * Compares what a log was opened with against the steps that were made before a crash.
 *
 * @param acknowledged - how many of them must be there
 */
export async function checkItems(
  log: Log,
  owner: LiveSet,
  steps: readonly Step[],
  acknowledged: number,
): Promise<void> {
  if (owner.count < acknowledged || owner.count > steps.length) {
    throw new Error(`holds ${owner.count} steps; ${acknowledged} were acknowledged`);
  }
  const expected = itemsAfter(steps, owner.count);
  const found = [...owner.items.keys()].sort();
  if (found.join() !== [...expected].sort().join()) {
    throw new Error(`holds ${found} instead of ${expected} after ${owner.count} steps`);
  }
  for (const [id, position] of owner.items) {
    const { data, stream } = await log.read(position);
    if (!data.toString().startsWith(`+${id}:`) || !stream.equals(ITEMS)) {
      throw new Error(`${data} at the position of ${id}`);
    }
  }
  const positions = new Set(owner.items.values());
  const ids = new Map([...owner.items].map(([id, position]) => [position, id]));
  const listed = log.streamPositions(ITEMS).filter((position) => positions.has(position));
  const order = listed.map((position) => ids.get(position));
  if (order.join() !== expected.join()) throw new Error(`the stream lists ${order}: ${expected}`);
}
