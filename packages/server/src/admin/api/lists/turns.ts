/** Resolves when what else has come was dealt with: for work that is done a part at a time. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
