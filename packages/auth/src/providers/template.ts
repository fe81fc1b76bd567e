/** What stands for a placeholder of a template; null where there is nothing. */
export type TemplateValues = (name: string) => string | null;

/**
 * A text with placeholders, such as `uid=${username},ou=people`. It is taken apart once; what a client says is only ever
 * put in its places, and is not looked at for placeholders.
 */
export class Template {
  /** As it was written. */
  readonly text: string;
  /** Texts and placeholders in turns, beginning and ending with a text. */
  readonly #parts: readonly string[];

  /**
   * @param names - the placeholders that there are; one that ends with `.*` stands for all that begin so
   * @throws {TypeError} when there is a placeholder of another name
   */
  constructor(text: string, names: readonly string[]) {
    this.text = text;
    const parts: string[] = [];
    let end = 0;
    for (;;) {
      const begin = text.indexOf('${', end);
      if (begin < 0) break;
      const close = text.indexOf('}', begin);
      const name = text.slice(begin + 2, close < 0 ? undefined : close);
      if (close < 0 || !isKnown(name, names)) {
        throw new TypeError(
          `there is no placeholder \${${name}${close < 0 ? '' : '}'}; there are ${names.map(shown).join(', ')}`,
        );
      }
      parts.push(text.slice(end, begin), name);
      end = close + 1;
    }
    parts.push(text.slice(end));
    this.#parts = parts;
  }

  /** The names of its placeholders. */
  get placeholders(): readonly string[] {
    return this.#parts.filter((_, index) => index % 2 === 1);
  }

  /**
   * @param encode - makes of a value what may stand where it is put
   * @param missing - what stands for a value that there isn't
   * @returns null when there is no value for a placeholder, and `missing` is null
   */
  fill(
    values: TemplateValues,
    encode: (value: string) => string = asItIs,
    missing: string | null = null,
  ): string | null {
    const parts = this.#parts;
    let filled = parts[0] as string;
    for (let index = 1; index < parts.length; index += 2) {
      const value = values(parts[index] as string) ?? missing;
      if (value === null) return null;
      filled += encode(value) + (parts[index + 1] as string);
    }
    return filled;
  }
}

function isKnown(name: string, names: readonly string[]): boolean {
  return names.some((known) =>
    known.endsWith('.*')
      ? name.length > known.length - 1 && name.startsWith(known.slice(0, -1))
      : name === known,
  );
}

function shown(name: string): string {
  return `\${${name.endsWith('.*') ? `${name.slice(0, -1)}NAME` : name}}`;
}

function asItIs(value: string): string {
  return value;
}
