import type { CellRecord, ClusterSnapshot, NodeRecord, Settings } from '@promptmq/cluster';

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
  /** The only node that may serve it, as it has the log; null where any may. */
  readonly home: string | null;
  /** Whether its home has lost the log, and waits for it. */
  readonly logLost: boolean;
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
  /** The options in which its configuration differs from that of most nodes; null when nothing is compared. */
  readonly differsOn: readonly string[] | null;
}

type Compare = (nodes: ReadonlyMap<string, Settings>) => ReadonlyMap<string, readonly string[]>;

/** What a cluster does, of two looks at its map with heartbeats in between. */
export class ClusterView {
  readonly cells: readonly CellLine[];
  readonly nodes: readonly NodeLine[];

  /** @param compare - `deviations` of the package of the cluster, which is loaded when it is needed */
  constructor(before: ClusterSnapshot, now: ClusterSnapshot, compare: Compare) {
    const ids = [...now.nodes.keys()].sort();
    const compared = ids.flatMap((id) => {
      const settings = now.nodes.get(id)?.settings;
      return settings === undefined ? [] : [[id, settings] as const];
    });
    const differing = compare(new Map(compared));
    this.nodes = ids.map((id) => {
      const record = now.nodes.get(id) as NodeRecord;
      return {
        node: id,
        status: statusOf(record, before.nodes.get(id), now.drained.has(id)),
        cells: now.cells.flatMap(({ node }, cell) => (node === id ? [cell] : [])),
        address: record.address,
        clients: record.clients,
        version: record.version,
        differsOn: differing.get(id) ?? null,
      };
    });
    const silent = new Set(
      this.nodes.filter(({ status }) => status === 'silent').map(({ node }) => node),
    );
    this.cells = now.cells.map(({ state, epoch, node, incarnation, target, isForgotten }, cell) => {
      const isThere = node !== null && now.nodes.get(node)?.incarnation === incarnation;
      const served = (state === 'serving' || state === 'moving') && isThere && !silent.has(node);
      const home = now.meta.homes?.[cell] ?? null;
      const logLost = now.logs.get(cell)?.state === 'lost';
      return { cell, state, epoch, node, target, forgotten: isForgotten, home, logLost, served };
    });
  }

  get areAllServed(): boolean {
    return this.cells.every(({ served }) => served);
  }

  cellsText(): string[] {
    const areBound = this.cells.some(({ home }) => home !== null);
    return table([
      ['cell', 'state', 'epoch', 'node', areBound ? 'home' : 'to'],
      ...this.cells.map((line) => [
        `${line.cell}`,
        stateText(line),
        `${line.epoch}`,
        line.node ?? '-',
        (areBound ? line.home : line.target) ?? '-',
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
        configurationText(line.differsOn),
        line.clients.join(' '),
      ]),
    ]);
  }
}

function stateText({ state, served, forgotten, logLost }: CellLine): string {
  const isSilent = state !== 'free' && !served && state !== 'opening';
  return `${state}${isSilent ? ', node silent' : ''}${logLost ? ', log lost' : ''}${forgotten ? ', forgotten' : ''}`;
}

function statusOf(now: NodeRecord, before: NodeRecord | undefined, isDrained: boolean): NodeStatus {
  const isSilent = before?.incarnation === now.incarnation && before.beat === now.beat;
  if (isSilent) return 'silent';
  if (now.state === 'leaving') return 'leaving';
  if (now.isApart) return 'apart';
  return isDrained ? 'drained' : 'up';
}

function configurationText(differsOn: readonly string[] | null): string {
  if (differsOn === null) return '-';
  return differsOn.length === 0 ? 'same' : `differs: ${differsOn.join(',')}`;
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
