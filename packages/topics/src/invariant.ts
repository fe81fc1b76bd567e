/**
 * Says that something has to be so. Only `checkInvariants` methods use it, which tests call: it costs nothing elsewhere.
 *
 * @throws {Error} when it isn't so, which is a mistake of the program
 */
export function invariant(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`invariant broken: ${what}`);
}
