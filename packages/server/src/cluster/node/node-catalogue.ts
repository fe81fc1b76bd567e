import type { Catalogue } from '@promptmq/metrics';
import { linkCatalogue } from '../../observability/links/link-catalogue.ts';

/** What a node of a cluster shows of it beside the metrics of its processes. */
export const nodeCatalogue = {
  promptmq_cluster_node_active: {
    type: 'gauge',
    help: 'Whether the engine answers this node, so that it can serve cells.',
  },
  promptmq_cluster_nodes: {
    type: 'gauge',
    help: 'Nodes that this one knows, by state: alive, or late, whose heartbeats do not come.',
    labels: ['state'],
  },
  promptmq_cluster_cells: {
    type: 'gauge',
    help: 'Cells of the whole cluster as this node knows them, by state: free, opening, serving, moving, away (only its node has the log, and is not there or has lost it).',
    labels: ['state'],
  },
  promptmq_cluster_cells_here: {
    type: 'gauge',
    help: 'Cells that this node serves.',
  },
  promptmq_cluster_cell_epoch: {
    type: 'gauge',
    help: 'How often a cell was claimed by any node.',
    labels: ['cell'],
  },
  promptmq_cluster_config_mismatch: {
    type: 'gauge',
    help: 'Options in which the configuration of another node differs from the one of this node; the log and /health name them.',
    labels: ['node'],
  },
  promptmq_cluster_witness_violations_total: {
    type: 'counter',
    help: 'Times that the engine was found to have less of the log of a cell than it had acknowledged.',
  },
  promptmq_cluster_lost_logs: {
    type: 'gauge',
    help: 'Cells that only this node could serve, and that it can not open as their logs are not on its disk; /health says what to do.',
  },
  ...linkCatalogue,
  promptmq_cluster_claims_total: {
    type: 'counter',
    help: 'Cells that this node has claimed, by reason: free, move, late (the heartbeats of its node did not come), gone (its node has started again or has no record), ended (its process here has).',
    labels: ['reason'],
  },
} as const satisfies Catalogue;
