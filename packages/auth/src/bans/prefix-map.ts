/**
 * Texts, exact or with `*` at the end for all that begin so, and what belongs to each. How long a look-up takes depends on how many
 * different lengths the beginnings have, not on how many there are.
 */
export class PrefixMap<Value> {
  readonly #exact: Map<string, Value>;
  /** By their length. */
  readonly #beginnings: Map<number, Map<string, Value>>;

  constructor() {
    this.#exact = new Map();
    this.#beginnings = new Map();
  }

  set(pattern: string, value: Value): void {
    if (!pattern.endsWith('*')) {
      this.#exact.set(pattern, value);
      return;
    }
    const beginning = pattern.slice(0, -1);
    const known = this.#beginnings.get(beginning.length);
    if (known === undefined) this.#beginnings.set(beginning.length, new Map([[beginning, value]]));
    else known.set(beginning, value);
  }

  delete(pattern: string): void {
    if (!pattern.endsWith('*')) {
      this.#exact.delete(pattern);
      return;
    }
    const beginning = pattern.slice(0, -1);
    const known = this.#beginnings.get(beginning.length);
    known?.delete(beginning);
    if (known?.size === 0) this.#beginnings.delete(beginning.length);
  }

  /** What belongs to a text and is as wanted: the exact one first. Undefined where there is nothing of that kind. */
  find(text: string, isWanted: (value: Value) => boolean): Value | undefined {
    const exact = this.#exact.get(text);
    if (exact !== undefined && isWanted(exact)) return exact;
    for (const [length, beginnings] of this.#beginnings) {
      if (length > text.length) continue;
      const found = beginnings.get(text.slice(0, length));
      if (found !== undefined && isWanted(found)) return found;
    }
    return undefined;
  }
}
