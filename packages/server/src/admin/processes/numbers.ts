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
