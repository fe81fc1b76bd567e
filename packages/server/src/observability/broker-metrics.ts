import { PacketType, ReasonCode } from '@promptmq/codec';
import { MetricsRegistry, type ProcessMonitor, type Sample } from '@promptmq/metrics';
import type { MemoryAccount } from '@promptmq/session';
import { COUNTED_LIMITS } from '../limits/limits.ts';
import type { Listener } from '../listeners/listener.ts';
import { TOPIC_SIZE_BOUNDS, type TopicCount } from '../routing/meters/topic-meter.ts';
import { payloadSizeHistogram } from '../runtime/stats.ts';
import {
  addAdminMetrics,
  addCertificateMetrics,
  certificatesOfAdmin,
} from './admin/admin-metrics.ts';
import { brokerCatalogue } from './catalogue.ts';
import type { ObservedBroker } from './host.ts';
import { addLinkMetrics } from './links/link-metrics.ts';
import { reasonName, toLabel } from './reason-name.ts';
import { SessionCensus } from './session-totals.ts';

export type BrokerRegistry = MetricsRegistry<typeof brokerCatalogue>;

/** Reason codes with which a client is refused for who it is. */
const AUTH_REASONS: readonly number[] = [
  ReasonCode.BadUserNameOrPassword,
  ReasonCode.NotAuthorized,
  ReasonCode.Banned,
  ReasonCode.BadAuthenticationMethod,
];

/** Control packets by number; 0 is one whose type is unknown. */
const PACKET_NAMES: readonly string[] = [
  'unreadable',
  ...Object.keys(PacketType).map((name) => name.toLowerCase()),
];

/** What runs, for `promptmq_build_info` and `$SYS/broker/version`. */
export interface BuildInfo {
  readonly version: string;
}

/** A registry that reads a broker's counters. Storage adds its own, see `addStorageMetrics`. */
export function brokerMetrics(
  broker: ObservedBroker,
  monitor: ProcessMonitor,
  { version }: BuildInfo,
): BrokerRegistry {
  const registry: BrokerRegistry = new MetricsRegistry(brokerCatalogue);
  addConnections(registry, broker);
  addMessages(registry, broker);
  addPeers(registry, broker);
  addState(registry, broker);
  addNetwork(registry, broker);
  addProcess(registry, monitor, version);
  registry.add('promptmq_log_lines_dropped_total', () => broker.log.droppedCount?.() ?? 0);
  const { runtime } = broker;
  registry.add('promptmq_uptime_seconds', () => runtime.uptimeMs / 1000);
  registry.add('promptmq_clock_jumps_total', () => broker.stats.clockJumps);
  registry.add('promptmq_clock_ahead_seconds', () => runtime.wallAheadMs / 1000);
  return registry;
}

function addConnections(
  registry: BrokerRegistry,
  { stats, places, overload }: ObservedBroker,
): void {
  registry.add('promptmq_connections_current', () => stats.connectionsCurrent);
  registry.add('promptmq_connections_total', () => stats.connectionsTotal);
  registry.add('promptmq_connections_refused_total', () => stats.connectionsRefused);
  registry.add('promptmq_sockets_refused_total', () => byName(stats.socketsRefused));
  registry.add('promptmq_accept_failures_total', () => stats.acceptsFailed);
  registry.add('promptmq_bans_current', () => stats.bansCurrent);
  registry.add('promptmq_flapping_bans_total', () => stats.flappingBans);
  addAdminMetrics(registry, stats.admin);
  registry.add('promptmq_presence_left_out_total', () => stats.presenceLeftOut);
  registry.add('promptmq_dynamic_security_commands_total', () => [
    { labels: { result: 'done' }, value: stats.controlCommands },
    { labels: { result: 'refused' }, value: stats.controlCommandsRefused },
  ]);
  registry.add('promptmq_sockets_accepted_total', () => stats.socketsAccepted);
  registry.add('promptmq_disconnections_total', () =>
    [...stats.disconnections].map(([cause, value]) => ({
      labels: { reason: toLabel(cause) },
      value,
    })),
  );
  registry.add('promptmq_connection_duration_seconds', () => stats.connectionDurations);
  registry.add('promptmq_connacks_total', () => byReasonCode(stats.connacks));
  registry.add('promptmq_auth_refusals_total', () => [
    { labels: { action: 'connect' }, value: sumOf(stats.connacks, AUTH_REASONS) },
    {
      labels: { action: 'publish' },
      value: stats.refused['not-authorized'] + stats.refused['refused-by-hook'],
    },
    {
      labels: { action: 'subscribe' },
      value: sumOf(stats.subscriptionsRefused, [ReasonCode.NotAuthorized]),
    },
  ]);
  registry.add('promptmq_connections_pending', () => places.pending);
  registry.add('promptmq_overload_level', () => overload.level);
  registry.add('promptmq_memory_used_ratio', () => overload.memoryPart);
  registry.add('promptmq_limits_reached_total', () =>
    COUNTED_LIMITS.map((limit) => ({
      labels: { limit },
      value: stats.limitsReached.get(limit) ?? 0,
    })),
  );
  registry.add('promptmq_access_denied_total', () =>
    [...stats.accessDenied].map(([key, value]) => {
      const [action = '', reason = ''] = key.split(' ');
      return { labels: { action, reason }, value };
    }),
  );
  registry.add('promptmq_logins_refused_total', () => byProvider(stats.loginsRefused));
  registry.add('promptmq_provider_failures_total', () => byProvider(stats.providerFailures));
  registry.add('promptmq_hook_failures_total', () =>
    [...stats.hookFailures].map(([key, value]) => {
      const [hook = '', reason = ''] = key.split(' ');
      return { labels: { hook, reason }, value };
    }),
  );
}

function byProvider(counts: ReadonlyMap<string, number>) {
  return [...counts].map(([key, value]) => {
    const [provider = '', reason = ''] = key.split(' ');
    return { labels: { provider, reason }, value };
  });
}

function addMessages(registry: BrokerRegistry, broker: ObservedBroker): void {
  const { stats } = broker;
  const census = new SessionCensus(broker);
  registry.add('promptmq_messages_received_total', () => stats.messagesReceived);
  registry.add('promptmq_messages_published_total', () => stats.messagesSent);
  registry.add('promptmq_bytes_received_total', () => stats.payloadBytesReceived);
  registry.add('promptmq_bytes_published_total', () => stats.payloadBytesSent);
  registry.add('promptmq_inside_deliveries_total', () => stats.insideDeliveries);
  const { forwarding } = stats;
  const { totals } = broker.sessions.cells;
  registry.add('promptmq_cluster_forwarded_total', () => forwarding.sent);
  registry.add('promptmq_cluster_applied_total', () => forwarding.applied);
  registry.add('promptmq_cluster_duplicates_dropped_total', () => forwarding.duplicates);
  registry.add('promptmq_cluster_barriers_timed_out_total', () => forwarding.barriersTimedOut);
  registry.add('promptmq_cluster_barrier_seconds', () => forwarding.barrierWaits);
  registry.add('promptmq_cluster_interest_ack_seconds', () => forwarding.interestWaits);
  registry.add('promptmq_cluster_forward_queue_messages', () => totals.messages);
  registry.add('promptmq_cluster_forward_queue_bytes', () => totals.bytes);
  const { replication } = stats;
  registry.add('promptmq_cluster_append_duration_seconds', () => replication.appendDurations);
  registry.add('promptmq_cluster_append_bytes_total', () => replication.log.appendedBytes);
  registry.add('promptmq_cluster_append_retries_total', () => [
    { labels: { outcome: 'conflict' }, value: replication.log.conflicts },
    { labels: { outcome: 'unknown' }, value: replication.log.unknown },
    { labels: { outcome: 'full' }, value: replication.log.full },
  ]);
  registry.add('promptmq_cluster_replication_lag_bytes', () => replication.replica.lagBytes);
  registry.add('promptmq_qos0_messages_total', () => at(stats.messagesReceivedByQoS, 0));
  registry.add('promptmq_qos1_messages_total', () => at(stats.messagesReceivedByQoS, 1));
  registry.add('promptmq_qos2_messages_total', () => at(stats.messagesReceivedByQoS, 2));
  registry.add('promptmq_messages_published_by_qos_total', () =>
    Array.from(stats.messagesSentByQoS, (value, qos) => ({ labels: { qos }, value })),
  );
  registry.add('promptmq_message_size_bytes', () => payloadSizeHistogram(stats));
  registry.add('promptmq_messages_dropped_total', () => byName(stats.dropped));
  registry.add('promptmq_messages_refused_total', () => byName(stats.refused));
  registry.add('promptmq_messages_inflight', () => census.totals.inflight);
  registry.add('promptmq_messages_queued', () => census.totals.queued);
  registry.add('promptmq_queued_bytes', () => census.totals.queuedBytes);
  registry.add('promptmq_queue_longest', () => census.totals.longestQueue);
  registry.add('promptmq_publishers_held_back_total', () => stats.publishersHeldBack);
  registry.add('promptmq_inside_messages_total', () => stats.insideMessages);
  registry.add('promptmq_inside_publishes_current', () => stats.insidePublishesCurrent);
  addTopics(registry, broker);
}

/** What other processes of the same broker are to this one. */
function addPeers(registry: BrokerRegistry, broker: ObservedBroker): void {
  addLinkMetrics(registry, () => broker.observedPeers?.links ?? null);
  registry.add('promptmq_cluster_relayed_connections', () => broker.observedPeers?.relayed ?? 0);
  registry.add('promptmq_cluster_interest_filters', () =>
    Array.from(broker.observedPeers?.filterCounts ?? [], ([cell, value]) => ({
      labels: { cell },
      value,
    })),
  );
}

/** What is counted by topic filter. */
function addTopics(registry: BrokerRegistry, { router }: ObservedBroker): void {
  const byFilter = <T>(value: (count: TopicCount) => T) =>
    (router.topicMeter?.counts ?? []).map((count) => ({
      labels: { filter: count.filter },
      value: value(count),
    }));
  registry.add('promptmq_topic_messages_total', () => byFilter(({ messages }) => messages));
  registry.add('promptmq_topic_bytes_total', () => byFilter(({ payloadBytes }) => payloadBytes));
  registry.add('promptmq_topic_message_size_bytes', () =>
    byFilter(({ sizes, payloadBytes }) => ({
      bounds: TOPIC_SIZE_BOUNDS,
      counts: sizes,
      sum: payloadBytes,
    })),
  );
  registry.add('promptmq_topic_deliveries_total', () =>
    byFilter(({ deliveredByQos }) => deliveredByQos.reduce((sum, count) => sum + count, 0)),
  );
  registry.add('promptmq_topic_unmatched_total', () => byFilter(({ unmatched }) => unmatched));
}

function addState(
  registry: BrokerRegistry,
  { stats, router, memory, history }: ObservedBroker,
): void {
  const byKind = (value: (account: MemoryAccount) => number) =>
    Object.entries(memory.accounts).map(([kind, account]) => ({
      labels: { kind },
      value: value(account),
    }));
  registry.add('promptmq_held_bytes', () => byKind(({ bytes }) => bytes));
  registry.add('promptmq_held_limit_bytes', () => byKind(({ max }) => max));
  registry.add('promptmq_held_refusals_total', () => byKind(({ refusals }) => refusals));
  registry.add('promptmq_history_bytes', () => history?.bytes ?? 0);
  registry.add('promptmq_history_entries', () => history?.length ?? 0);
  registry.add('promptmq_history_forgotten_total', () => history?.forgotten ?? 0);
  registry.add('promptmq_sessions_current', () => stats.sessionsCurrent);
  registry.add('promptmq_inside_sessions_current', () => stats.insideSessionsCurrent);
  registry.add('promptmq_subscriptions_current', () => stats.subscriptionsCurrent);
  registry.add('promptmq_shared_subscription_groups_current', () => router.trie.groupCount);
  registry.add('promptmq_subscriptions_refused_total', () =>
    byReasonCode(stats.subscriptionsRefused),
  );
  registry.add('promptmq_retained_messages', () => router.retained.count);
  registry.add('promptmq_retained_bytes', () => router.retained.bytes);
}

function addNetwork(registry: BrokerRegistry, { stats }: ObservedBroker): void {
  registry.add('promptmq_packets_received_total', () => byPacketType(stats.packetsReceived));
  registry.add('promptmq_packets_sent_total', () => {
    const sent = Float64Array.from(stats.packetsSent);
    sent[PacketType.PUBLISH] = stats.messagesSent;
    return byPacketType(sent);
  });
  registry.add('promptmq_packet_errors_total', () =>
    [...stats.packetErrors].map(([key, value]) => ({
      labels: { type: PACKET_NAMES[key >> 8] ?? 'unreadable', reason: reasonName(key & 0xff) },
      value,
    })),
  );
  registry.add('promptmq_internal_errors_total', () =>
    [...stats.internalErrors].map(([activity, value]) => ({ labels: { activity }, value })),
  );
  registry.add('promptmq_turns_waited_total', () => stats.turnsWaited);
  registry.add('promptmq_network_received_bytes_total', () => stats.bytesReceived);
  registry.add('promptmq_network_sent_bytes_total', () => stats.bytesSent);
}

function addProcess(registry: BrokerRegistry, monitor: ProcessMonitor, version: string): void {
  registry.add('promptmq_build_info', () => [
    { labels: { version, node: process.version }, value: 1 },
  ]);
  registry.add('promptmq_system_memory_usage_bytes', () => monitor.memory());
  registry.add('promptmq_process_cpu_seconds_total', () => monitor.cpuSeconds());
  registry.add('promptmq_event_loop_lag_seconds', () => monitor.eventLoopLagSamples());
  registry.add('promptmq_event_loop_seconds_total', () =>
    Object.entries(monitor.eventLoopSeconds()).map(([state, value]) => ({
      labels: { state },
      value,
    })),
  );
  registry.add('promptmq_gc_duration_seconds', () => monitor.collections());
}

function at(counts: Float64Array, index: number): number {
  return counts[index] as number;
}

function sumOf(counts: ReadonlyMap<number, number>, codes: readonly number[]): number {
  return codes.reduce((sum, code) => sum + (counts.get(code) ?? 0), 0);
}

function byName(counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([reason, value]) => ({ labels: { reason }, value }));
}

function byReasonCode(counts: ReadonlyMap<number, number>): Sample[] {
  return [...counts].map(([code, value]) => ({ labels: { reason: reasonName(code) }, value }));
}

/** All types, so that those which haven't occurred are there with 0; type 0 can't be counted. */
function byPacketType(counts: Float64Array): Sample[] {
  return PACKET_NAMES.slice(1).map((type, index) => ({
    labels: { type },
    value: at(counts, index + 1),
  }));
}

/** What is counted by listener; one with several addresses is one. */
export function addListenerMetrics(
  registry: BrokerRegistry,
  { runtime, stats }: Pick<ObservedBroker, 'runtime' | 'stats'>,
  listeners: readonly Listener[],
): void {
  const byName = () => new Map(listeners.map((listener) => [listener.name, listener])).values();
  registry.add('promptmq_listener_connections', () =>
    [...byName()].map(({ name, clientCount }) => ({
      labels: { listener: name },
      value: clientCount,
    })),
  );
  addCertificateMetrics(
    registry,
    () => [...byName(), certificatesOfAdmin(stats.admin)],
    () => runtime.wallNow(),
  );
}
