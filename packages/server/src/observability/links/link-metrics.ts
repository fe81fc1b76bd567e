import type { MetricsRegistry } from '@promptmq/metrics';
import type { linkCatalogue } from './link-catalogue.ts';

/** Links of a process, by the node that is at the other end. */
export interface ObservedLinks {
  /** Of nodes to which there should be links: whether there are all of them. */
  readonly up: Iterable<readonly [node: string, isUp: boolean]>;
  /** In seconds. */
  readonly roundTrips: Iterable<readonly [node: string, seconds: number]>;
  readonly bytes: Iterable<LinkBytes>;
  /** Links that were refused here. */
  readonly refused: number;
}

/** What has gone over the links to one node, those that are over included. */
export interface LinkBytes {
  readonly node: string;
  readonly lane: 'relay' | 'messages';
  readonly direction: 'sent' | 'received';
  readonly bytes: number;
}

/** What a process shows of the others of the same broker, and of the cells that these serve. */
export interface ObservedPeers {
  readonly links: ObservedLinks;
  /** Connections of clients that are passed on just now. */
  readonly relayed: number;
  /** By other cell: filters that its clients have subscribed to, as far as that is known here. */
  readonly filterCounts: Iterable<readonly [cell: number, count: number]>;
}

/** @param links - null, or with null, where there are none */
export function addLinkMetrics(
  registry: MetricsRegistry<typeof linkCatalogue>,
  links: () => ObservedLinks | null,
): void {
  registry.add('promptmq_cluster_link_up', () =>
    Array.from(links()?.up ?? [], ([node, isUp]) => ({ labels: { node }, value: isUp ? 1 : 0 })),
  );
  registry.add('promptmq_cluster_link_rtt_seconds', () =>
    Array.from(links()?.roundTrips ?? [], ([node, value]) => ({ labels: { node }, value })),
  );
  registry.add('promptmq_cluster_link_bytes_total', () =>
    Array.from(links()?.bytes ?? [], ({ bytes: value, ...labels }) => ({ labels, value })),
  );
  registry.add('promptmq_cluster_links_refused_total', () => links()?.refused ?? 0);
}
