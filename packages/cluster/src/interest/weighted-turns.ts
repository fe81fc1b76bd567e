/** Who takes part in turns. */
export interface Candidate {
  /** How many turns of all are its own; 0 or more. */
  weight: number;
  /** What is left of its turns from the former choices; for `nextOf` alone. */
  credit: number;
}

/**
 * Chooses whose turn it is, so that each gets as many turns as its weight says, and these are spread: of 5, 1 and 1 it is
 * a a b a c a a.
 *
 * @returns null when nobody has any weight
 */
export function nextOf<C extends Candidate>(candidates: Iterable<C>): C | null {
  let chosen: C | null = null;
  let total = 0;
  for (const candidate of candidates) {
    if (candidate.weight === 0) continue;
    total += candidate.weight;
    candidate.credit += candidate.weight;
    if (chosen === null || candidate.credit > chosen.credit) chosen = candidate;
  }
  if (chosen !== null) chosen.credit -= total;
  return chosen;
}
