import { crc32 } from 'node:zlib';

/** A cell and its owner, null when it has none. */
export interface PlacedCell {
  readonly cell: number;
  readonly node: string | null;
}

/** A cell that is to have another owner. */
export interface Move {
  readonly cell: number;
  readonly from: string;
  readonly to: string;
}

/**
 * Who claims cells without an owner: all nodes that know the same come to the same order.
 *
 * @param orphans - the cells, in order
 * @param counts - by node that may be given cells: how many it has
 * @returns by cell: the nodes in the order in which they claim it, the one that has least first
 */
export function claimOrders(
  orphans: readonly number[],
  counts: ReadonlyMap<string, number>,
): ReadonlyMap<number, readonly string[]> {
  const expected = new Map(counts);
  const orders = new Map<number, readonly string[]>();
  for (const cell of orphans) {
    const order = byLoad(cell, expected);
    orders.set(cell, order);
    const first = order[0];
    if (first !== undefined) expected.set(first, (expected.get(first) as number) + 1);
  }
  return orders;
}

/**
 * @param counts - by node that may be given cells: how many it has
 * @returns the node that a cell is to be given to; null when there is none
 */
export function bestTarget(cell: number, counts: ReadonlyMap<string, number>): string | null {
  return byLoad(cell, counts)[0] ?? null;
}

/**
 * The next move that makes the numbers of cells of nodes more equal.
 *
 * @param cells - each with an owner that is in `nodes`
 * @param nodes - that may be given cells
 * @returns null when none has two more than another
 */
export function balancingMove(cells: readonly PlacedCell[], nodes: readonly string[]): Move | null {
  const counts = new Map(nodes.map((node) => [node, 0]));
  for (const { node } of cells) {
    if (node !== null) counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  const order = [...counts].sort(
    ([one, count], [other, otherCount]) => count - otherCount || (one < other ? -1 : 1),
  );
  const [least, most] = [order[0], order.at(-1)];
  if (least === undefined || most === undefined || most[1] - least[1] < 2) return null;
  const [to, from] = [least[0], most[0]];
  const candidates = cells.filter(({ node }) => node === from).map(({ cell }) => cell);
  const cell = candidates.reduce((best, next) => (score(next, to) > score(best, to) ? next : best));
  return { cell, from, to };
}

/** Those that have fewest cells first, and of these by a number that each node has for each cell, so that cells spread. */
function byLoad(cell: number, counts: ReadonlyMap<string, number>): readonly string[] {
  return [...counts]
    .sort(
      ([one, count], [other, otherCount]) =>
        count - otherCount || score(cell, other) - score(cell, one) || (one < other ? -1 : 1),
    )
    .map(([node]) => node);
}

function score(cell: number, node: string): number {
  return crc32(`${cell}/${node}`);
}
