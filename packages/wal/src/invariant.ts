/**
 * Throws unless something holds that has to hold at any moment.
 *
 * @param text - what should hold, with the numbers that say otherwise
 */
export function invariant(holds: boolean, text: string): void {
  if (!holds) throw new Error(`invariant: ${text}`);
}
