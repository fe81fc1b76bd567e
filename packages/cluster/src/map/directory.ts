import type { Settings } from './agreement.ts';
import type { CellRecord, NodeRecord } from './records.ts';

/** A cell, as all processes of a node know it. */
export interface DirectoryCell {
  /** From 0. */
  readonly cell: number;
  readonly epoch: number;
  /** Its owner; null when it has none. */
  readonly node: string | null;
  readonly state: CellRecord['state'];
  /** Where its process takes links, while it has an owner whose record is there. */
  readonly address: LinkPlace | null;
  /** Nobody waits for it. */
  readonly isForgotten: boolean;
  /** Nobody can serve it: only its home has its log, and that is not there, or has lost it. */
  readonly isAway: boolean;
}

/** A node, as all processes of another know it. */
export interface DirectoryNode {
  readonly id: string;
  readonly incarnation: string;
  /** Its heartbeats come. */
  readonly isAlive: boolean;
  /** It may be given cells: it is alive, doesn't leave, isn't drained, and reaches the others. */
  readonly isEligible: boolean;
  /** Where its own process takes links, which serves no clients; null when its address is none. */
  readonly address: LinkPlace | null;
  /** Where clients connect to, as URLs. */
  readonly clients: readonly string[];
  readonly version: string;
  /** Of its configuration; null when nothing is compared. */
  readonly fingerprint: string | null;
  /** The same by key; not there when nothing is compared. */
  readonly settings?: Settings;
}

/** Where the processes of a cluster are now, as far as this node knows. */
export interface Directory {
  /** By number: all that the cluster has. */
  readonly cells: readonly DirectoryCell[];
  /** In the order of their names; this one is among them. */
  readonly nodes: readonly DirectoryNode[];
}

export interface LinkPlace {
  readonly host: string;
  readonly port: number;
}

/**
 * Where a process of a node takes links.
 *
 * @param address - the node's, `host:port`; an IPv6 address is in brackets
 * @param index - the number of a cell; the number of cells for the node's own process
 * @returns null when `address` is none, or there are not that many ports
 */
export function linkPlace(address: string, index: number): LinkPlace | null {
  const [, bracketed, plain, digits] =
    /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || digits === undefined) return null;
  const port = Number(digits) + index;
  return port > 0 && port <= 65_535 ? { host, port } : null;
}

/**
 * @param cells - by number
 * @param nodes - by name
 * @param isAway - of the number of a cell
 */
export function directoryOf(
  cells: readonly CellRecord[],
  nodes: ReadonlyMap<string, NodeRecord>,
  isAlive: (node: string) => boolean,
  isEligible: (node: string) => boolean,
  isAway: (cell: number) => boolean,
): Directory {
  return {
    cells: cells.map(({ epoch, node, state, isForgotten }, cell) => {
      const owner = node === null ? undefined : nodes.get(node);
      const address = owner === undefined ? null : linkPlace(owner.address, cell);
      return { cell, epoch, node, state, address, isForgotten, isAway: isAway(cell) };
    }),
    nodes: [...nodes.entries()]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([id, { incarnation, address, clients, version, fingerprint, settings }]) => ({
        id,
        incarnation,
        isAlive: isAlive(id),
        isEligible: isEligible(id),
        address: linkPlace(address, cells.length),
        clients,
        version,
        fingerprint,
        ...(settings === undefined ? {} : { settings }),
      })),
  };
}
