import type { CellRecord, ClusterSnapshot, NodeRecord } from '@promptmq/cluster';

/** What a node does, as far as the map says. */
export type NodeStatus =
  /** Its heartbeats come. */
  | 'up'
  /** None has come since the map was read first. */
  | 'silent'
  /** It gives its cells away, and ends. */
  | 'leaving'
  /** It doesn't reach the others, and gives its cells away. */
  | 'apart'
  /** An operator has it give its cells away. */
  | 'drained';

/** A cell, as the commands print it as JSON. */
export interface CellLine {
  readonly cell: number;
  readonly state: CellRecord['state'];
  readonly epoch: number;
  readonly node: string | null;
  readonly target: string | null;
  readonly forgotten: boolean;
  /** Whether clients of the cell are served, as far as the map says: its node is there. */
  readonly served: boolean;
}

/** A node, likewise. */
export interface NodeLine {
  readonly node: string;
  readonly status: NodeStatus;
  readonly cells: readonly number[];
  readonly address: string;
  readonly clients: readonly string[];
  readonly version: string;
  /** Whether its configuration is that of the first node; null when nothing is compared. */
  readonly sameConfiguration: boolean | null;
}

/** What a cluster does, of two looks at its map with heartbeats in between. */
export class ClusterView {
  readonly cells: readonly CellLine[];
  readonly nodes: readonly NodeLine[];

  constructor(before: ClusterSnapshot, now: ClusterSnapshot) {
    const ids = [...now.nodes.keys()].sort();
    const fingerprint = now.nodes.get(ids[0] ?? '')?.fingerprint ?? null;
    this.nodes = ids.map((id) => {
      const record = now.nodes.get(id) as NodeRecord;
      return {
        node: id,
        status: statusOf(record, before.nodes.get(id), now.drained.has(id)),
        cells: now.cells.flatMap(({ node }, cell) => (node === id ? [cell] : [])),
        address: record.address,
        clients: record.clients,
        version: record.version,
        sameConfiguration: record.fingerprint === null ? null : record.fingerprint === fingerprint,
      };
    });
    const silent = new Set(
      this.nodes.filter(({ status }) => status === 'silent').map(({ node }) => node),
    );
    this.cells = now.cells.map(({ state, epoch, node, incarnation, target, isForgotten }, cell) => {
      const isThere = node !== null && now.nodes.get(node)?.incarnation === incarnation;
      const served = (state === 'serving' || state === 'moving') && isThere && !silent.has(node);
      return { cell, state, epoch, node, target, forgotten: isForgotten, served };
    });
  }

  get areAllServed(): boolean {
    return this.cells.every(({ served }) => served);
  }

  cellsText(): string[] {
    return table([
      ['cell', 'state', 'epoch', 'node', 'to'],
      ...this.cells.map(({ cell, state, epoch, node, target, forgotten, served }) => [
        `${cell}`,
        `${state}${state !== 'free' && !served && state !== 'opening' ? ', node silent' : ''}${forgotten ? ', forgotten' : ''}`,
        `${epoch}`,
        node ?? '-',
        target ?? '-',
      ]),
    ]);
  }

  nodesText(): string[] {
    return table([
      ['node', 'status', 'cells', 'links', 'version', 'configuration', 'clients'],
      ...this.nodes.map((line) => [
        line.node,
        line.status,
        line.cells.length === 0 ? '-' : line.cells.join(','),
        line.address,
        line.version,
        line.sameConfiguration === null ? '-' : line.sameConfiguration ? 'same' : 'differs',
        line.clients.join(' '),
      ]),
    ]);
  }
}

function statusOf(now: NodeRecord, before: NodeRecord | undefined, isDrained: boolean): NodeStatus {
  const isSilent = before?.incarnation === now.incarnation && before.beat === now.beat;
  if (isSilent) return 'silent';
  if (now.state === 'leaving') return 'leaving';
  if (now.isApart) return 'apart';
  return isDrained ? 'drained' : 'up';
}

/** Columns side by side. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((width, row) => Math.max(width, (row[column] ?? '').length), 0),
  );
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
