/** Names, exact or with `*` at the end. */
export class NameList {
  readonly #exact: ReadonlySet<string>;
  readonly #beginnings: readonly string[];

  constructor(patterns: readonly string[]) {
    this.#exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
    this.#beginnings = patterns
      .filter((pattern) => pattern.endsWith('*'))
      .map((pattern) => pattern.slice(0, -1));
  }

  has(name: string): boolean {
    return this.#exact.has(name) || this.#beginnings.some((begin) => name.startsWith(begin));
  }

  /** The names, where all of them are exact; else null. */
  get names(): ReadonlySet<string> | null {
    return this.#beginnings.length === 0 ? this.#exact : null;
  }
}
