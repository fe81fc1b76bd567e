import type { MetaRecord } from './records.ts';

/**
 * Which node each cell is at for ever, where only that one has its log.
 *
 * @param nodes - that there are, at least one
 * @returns by cell
 */
export function homesOf(nodes: readonly string[], cells: number): readonly string[] {
  const sorted = [...new Set(nodes)].sort();
  return Array.from({ length: cells }, (_, cell) => sorted[cell % sorted.length] as string);
}

/** The cells that a node is the home of. */
export function cellsAtHome({ homes }: Pick<MetaRecord, 'homes'>, node: string): number[] {
  return (homes ?? []).flatMap((home, cell) => (home === node ? [cell] : []));
}
