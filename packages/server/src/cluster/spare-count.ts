/** Each has some 80 MB resident before it serves. */
const SPARES_MAX = 4;

/**
 * How many processes wait for a cell: as many as may fall to a node at once when another one is lost, 1 to 4.
 *
 * @param cells - of the cluster
 * @param nodes - that are there, this one included
 */
export function spareCountOf(cells: number, nodes: number): number {
  const least = Math.floor(cells / Math.max(1, nodes));
  const most = Math.ceil(cells / Math.max(1, nodes - 1));
  return Math.min(SPARES_MAX, Math.max(1, most - least));
}
