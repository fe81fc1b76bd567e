import type { ClaimReason, Directory } from '@promptmq/cluster';
import type { MetricsRegistry } from '@promptmq/metrics';
import { addLinkMetrics, type ObservedLinks } from '../../observability/links/link-metrics.ts';
import type { nodeCatalogue } from './node-catalogue.ts';

/** What is read of a node to be seen from outside. */
export interface ObservedNode {
  readonly id: string;
  /** Whether the engine answers it. */
  readonly isActive: boolean;
  readonly known: Directory;
  /** Those of its own process, to the other nodes; null before it takes part. */
  readonly links: ObservedLinks | null;
  /** By other node: the keys in which its configuration differs. */
  readonly disagreements: ReadonlyMap<string, readonly string[]>;
  /** How often the engine was found to have lost data. */
  readonly witnessViolations: number;
  /** How many cells can't be opened here, as their logs are lost. */
  readonly lostLogs: number;
  /** How many cells it has claimed, by reason. */
  readonly claims: Readonly<Record<ClaimReason, number>>;
}

const CELL_STATES = ['free', 'opening', 'serving', 'moving', 'away'] as const;

/** Adds what a node shows of its cluster to a registry. */
export function addNodeMetrics(
  registry: MetricsRegistry<typeof nodeCatalogue>,
  node: ObservedNode,
): void {
  registry.add('promptmq_cluster_node_active', () => (node.isActive ? 1 : 0));
  registry.add('promptmq_cluster_nodes', () => {
    const { nodes } = node.known;
    const alive = nodes.filter(({ isAlive }) => isAlive).length;
    return [
      { labels: { state: 'alive' }, value: alive },
      { labels: { state: 'late' }, value: nodes.length - alive },
    ];
  });
  registry.add('promptmq_cluster_cells', () => {
    const states = node.known.cells.map(({ state, isAway }) => (isAway ? 'away' : state));
    return CELL_STATES.map((state) => ({
      labels: { state },
      value: states.filter((one) => one === state).length,
    }));
  });
  registry.add('promptmq_cluster_cells_here', () => {
    const isHere = ({ node: owner, state }: Directory['cells'][number]) =>
      owner === node.id && (state === 'serving' || state === 'moving');
    return node.known.cells.filter(isHere).length;
  });
  registry.add('promptmq_cluster_cell_epoch', () =>
    node.known.cells.map(({ cell, epoch }) => ({ labels: { cell }, value: epoch })),
  );
  registry.add('promptmq_cluster_config_mismatch', () =>
    [...node.disagreements].map(([other, keys]) => ({
      labels: { node: other },
      value: keys.length,
    })),
  );
  registry.add('promptmq_cluster_witness_violations_total', () => node.witnessViolations);
  registry.add('promptmq_cluster_lost_logs', () => node.lostLogs);
  addLinkMetrics(registry, () => node.links);
  registry.add('promptmq_cluster_claims_total', () =>
    Object.entries(node.claims).map(([reason, value]) => ({ labels: { reason }, value })),
  );
}
