import type { Link } from '@promptmq/cluster';

/** @returns the epoch of a cell at the other end of a link; -1 where it isn't served there */
export function epochOf(link: Link, cell: number): number {
  return link.peer.cells.find((one) => one.cell === cell)?.epoch ?? -1;
}
