import type { Catalogue } from '@promptmq/metrics';

/** What each process of a broker that has several shows of its links to the others; so does a node of a cluster of those to other nodes. */
export const linkCatalogue = {
  promptmq_cluster_link_up: {
    type: 'gauge',
    help: 'Whether there is a link to each process of a node that there should be one to: those of the cells that it serves, and the node itself.',
    labels: ['node'],
  },
  promptmq_cluster_link_rtt_seconds: {
    type: 'gauge',
    help: 'How long the last question over a link took to be answered; of several links to a node, the longest.',
    labels: ['node'],
  },
  promptmq_cluster_link_bytes_total: {
    type: 'counter',
    help: 'Bytes over links, before encryption, by lane: relay, connections of clients that are passed on, or messages, with all that keeps them in step.',
    labels: ['node', 'lane', 'direction'],
  },
  promptmq_cluster_links_refused_total: {
    type: 'counter',
    help: 'Links to other nodes that were refused here: for the secret, a certificate, a node that may not take part, or another cluster; the log names them.',
  },
} as const satisfies Catalogue;
