/** The highest of some numbers; 0 of none. */
export function highest(numbers: readonly number[]): number {
  return numbers.reduce((most, one) => Math.max(most, one), numbers[0] ?? 0);
}

/** The lowest; 0 of none. */
export function lowest(numbers: readonly number[]): number {
  return numbers.reduce((least, one) => Math.min(least, one), numbers[0] ?? 0);
}

/** Something of each, added up. */
export function sumOf<T>(all: readonly T[], numberOf: (one: T) => number): number {
  return all.reduce((sum, one) => sum + numberOf(one), 0);
}

/** Those with the same key together, in the order in which keys come first. */
export function grouped<T>(
  all: readonly T[],
  keyOf: (one: T) => string,
): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [one]);
    else known.push(one);
  }
  return [...groups.values()];
}
