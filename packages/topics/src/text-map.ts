import { createHash } from 'node:crypto';

/**
 * V8 hashes a string by its characters up to this length, and a longer one by its length alone: thousands of topics of
 * one length would all be compared with each other.
 */
const HASHED_LENGTH_MAX = 16_383;

// What a Map returns: its type has different names in the versions of TypeScript with which this package may be used.
type Entries<V> = ReturnType<Map<string, V>['entries']>;
type Keys<V> = ReturnType<Map<string, V>['keys']>;
type Values<V> = ReturnType<Map<string, V>['values']>;

/**
 * A map whose keys are texts that clients choose, such as topics and client identifiers, of any length. Long ones are
 * found by their digest; what has short keys comes first in every iteration.
 */
export class TextMap<V> extends Map<string, V> {
  /** By digest; made with the first long key. */
  #long: Map<string, [key: string, value: V]> | null = null;

  override get size(): number {
    return super.size + (this.#long?.size ?? 0);
  }

  override get(key: string): V | undefined {
    if (key.length <= HASHED_LENGTH_MAX) return super.get(key);
    return this.#long?.get(digestOf(key))?.[1];
  }

  override has(key: string): boolean {
    if (key.length <= HASHED_LENGTH_MAX) return super.has(key);
    return this.#long?.has(digestOf(key)) === true;
  }

  override set(key: string, value: V): this {
    if (key.length <= HASHED_LENGTH_MAX) return super.set(key, value);
    this.#long ??= new Map();
    this.#long.set(digestOf(key), [key, value]);
    return this;
  }

  override delete(key: string): boolean {
    if (key.length <= HASHED_LENGTH_MAX) return super.delete(key);
    return this.#long?.delete(digestOf(key)) === true;
  }

  override clear(): void {
    super.clear();
    this.#long = null;
  }

  override entries(): Entries<V> {
    return this.#long === null ? super.entries() : chain(super.entries(), this.#long.values());
  }

  override keys(): Keys<V> {
    if (this.#long === null) return super.keys();
    return chain(super.keys(), pick(this.#long.values(), 0));
  }

  override values(): Values<V> {
    if (this.#long === null) return super.values();
    return chain(super.values(), pick(this.#long.values(), 1));
  }

  override [Symbol.iterator](): Entries<V> {
    return this.entries();
  }

  override forEach(action: (value: V, key: string, map: Map<string, V>) => void): void {
    for (const [key, value] of this.entries()) action(value, key, this);
  }
}

function* chain<T>(first: Iterable<T>, second: Iterable<T>): MapIterator<T> {
  yield* first;
  yield* second;
}

function* pick<E extends readonly unknown[], I extends keyof E>(
  entries: Iterable<E>,
  index: I,
): MapIterator<E[I]> {
  for (const entry of entries) yield entry[index];
}

/** Two texts don't have the same, whoever made them. */
function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
