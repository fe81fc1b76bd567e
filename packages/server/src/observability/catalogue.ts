import type { Catalogue } from '@promptmq/metrics';
import { adminCatalogue, certificateCatalogue } from './admin/admin-catalogue.ts';
import { linkCatalogue } from './links/link-catalogue.ts';

/**
 * Every metric of the broker, in the order of docs/metrics.md. Received is what clients publish,
 * published is what the broker sends to subscribers.
 */
export const brokerCatalogue = {
  // ------------------------------------------------------------------- connections
  promptmq_connections_current: { type: 'gauge', help: 'Clients that are connected.' },
  promptmq_listener_connections: {
    type: 'gauge',
    help: 'Clients that are connected, by the name of their listener.',
    labels: ['listener'],
  },
  ...certificateCatalogue,
  promptmq_connections_total: { type: 'counter', help: 'Clients that connected.' },
  promptmq_connections_refused_total: {
    type: 'counter',
    help: 'Connections refused before or by CONNECT: sockets, and clients beyond mqtt.max-connections.',
  },
  promptmq_sockets_refused_total: {
    type: 'counter',
    help: 'Network connections closed before their CONNECT was accepted, by reason.',
    labels: ['reason'],
  },
  promptmq_accept_failures_total: {
    type: 'counter',
    help: 'Network connections that the system could not give to the broker.',
  },
  promptmq_bans_current: { type: 'gauge', help: 'Bans by client, user, address or network.' },
  promptmq_flapping_bans_total: {
    type: 'counter',
    help: 'Clients that were banned because they connected and went again too often (auth.flapping).',
  },
  ...adminCatalogue,
  promptmq_presence_left_out_total: {
    type: 'counter',
    help: 'Events at $SYS/brokers/NODE/clients/CLIENTID (presence.events) that were left out.',
  },
  promptmq_dynamic_security_commands_total: {
    type: 'counter',
    help: 'Commands for users, groups and roles (auth.chain: dynamic-security), by what became of them.',
    labels: ['result'],
  },
  promptmq_sockets_accepted_total: {
    type: 'counter',
    help: 'Network connections accepted, MQTT or not.',
  },
  promptmq_disconnections_total: {
    type: 'counter',
    help: 'Clients that disconnected or were disconnected, by reason.',
    labels: ['reason'],
  },
  promptmq_connection_duration_seconds: {
    type: 'histogram',
    help: 'How long clients were connected, seen when they disconnect.',
  },
  promptmq_connacks_total: {
    type: 'counter',
    help: 'Answers to CONNECT, by reason code.',
    labels: ['reason'],
  },
  promptmq_auth_refusals_total: {
    type: 'counter',
    help: 'What was refused because the client may not do it or is not who it says, by action.',
    labels: ['action'],
  },
  promptmq_connections_pending: {
    type: 'gauge',
    help: 'Network connections whose CONNECT has not been accepted.',
  },
  promptmq_overload_level: {
    type: 'gauge',
    help: 'What is done about overload: 0 nothing, 1 new clients are refused, 2 publishers are slowed, 3 publishers wait.',
  },
  promptmq_memory_used_ratio: {
    type: 'gauge',
    help: 'How much of the memory that there is, of the heap or of the machine or container, was used at the last look: 0 to 1.',
  },
  promptmq_limits_reached_total: {
    type: 'counter',
    help: 'How often a limit of the section `limits` was reached, by its key: a client was not read from for a while, or was refused.',
    labels: ['limit'],
  },
  promptmq_access_denied_total: {
    type: 'counter',
    help: 'What clients may not do, by action and by why: a rule, no rule (default), a topic of the broker (reserved), a hook of the program.',
    labels: ['action', 'reason'],
  },
  promptmq_logins_refused_total: {
    type: 'counter',
    help: 'Clients that were refused, or disconnected when they were to authenticate again, because they have not proved who they are: by who said so (none where nobody knew them) and why.',
    labels: ['provider', 'reason'],
  },
  promptmq_provider_failures_total: {
    type: 'counter',
    help: 'Providers of authentication that failed or took too long, by name and how.',
    labels: ['provider', 'reason'],
  },
  promptmq_hook_failures_total: {
    type: 'counter',
    help: 'Hooks of the program that embeds the broker that threw, answered with what they may not, or took too long, by hook and reason.',
    labels: ['hook', 'reason'],
  },

  // ---------------------------------------------------------------------- messages
  promptmq_messages_received_total: {
    type: 'counter',
    help: 'PUBLISH packets received from clients.',
  },
  promptmq_messages_published_total: {
    type: 'counter',
    help: 'PUBLISH packets sent to subscribers.',
  },
  promptmq_bytes_received_total: {
    type: 'counter',
    help: 'Payload bytes of PUBLISH packets received.',
  },
  promptmq_bytes_published_total: {
    type: 'counter',
    help: 'Payload bytes of PUBLISH packets sent.',
  },
  promptmq_inside_deliveries_total: {
    type: 'counter',
    help: 'Messages that subscriptions inside of the program have taken; they are no packets, and count nowhere else as published.',
  },
  promptmq_cluster_forwarded_total: {
    type: 'counter',
    help: 'Messages of QoS 1 and 2 that were sent to other cells, those that were sent again included; 0 where there is one cell.',
  },
  promptmq_cluster_applied_total: {
    type: 'counter',
    help: 'Messages of QoS 1 and 2 that came from other cells and were taken to those here whom they are for.',
  },
  promptmq_cluster_duplicates_dropped_total: {
    type: 'counter',
    help: 'Messages that came from other cells once more, and were known for what was there.',
  },
  promptmq_cluster_barriers_timed_out_total: {
    type: 'counter',
    help: 'Times that another cell did not say in time that its retained messages are known here: SUBSCRIBE was answered with what was known.',
  },
  promptmq_cluster_barrier_seconds: {
    type: 'histogram',
    help: 'How long a SUBSCRIBE waited until retained messages that other cells keep were known here, those that waited in vain included.',
  },
  promptmq_cluster_interest_ack_seconds: {
    type: 'histogram',
    help: 'How long an answer to SUBSCRIBE waited until all other cells route by it, those that waited in vain included.',
  },
  promptmq_cluster_interest_filters: {
    type: 'gauge',
    help: 'Topic filters that clients of another cell have subscribed to, as far as that is known here.',
    labels: ['cell'],
  },
  promptmq_cluster_relayed_connections: {
    type: 'gauge',
    help: 'Clients whose connections come here and are passed on to the process that serves their cell.',
  },
  ...linkCatalogue,
  promptmq_cluster_forward_queue_messages: {
    type: 'gauge',
    help: 'Messages that wait to be sent to other cells.',
  },
  promptmq_cluster_forward_queue_bytes: {
    type: 'gauge',
    help: 'What they count against cluster.max-backlog, all cells together.',
  },
  promptmq_cluster_append_duration_seconds: {
    type: 'histogram',
    help: "How long the engine of a cluster took to answer an append to the log of the broker's cell.",
  },
  promptmq_cluster_append_bytes_total: {
    type: 'counter',
    help: 'Bytes of the log that the engine has taken.',
  },
  promptmq_cluster_append_retries_total: {
    type: 'counter',
    help: 'Appends that had to be made again, by outcome: conflict, where another entry was the last one, unknown, where no answer came in time, full, where there was no room.',
    labels: ['outcome'],
  },
  promptmq_cluster_replication_lag_bytes: {
    type: 'gauge',
    help: 'Bytes of the log that the engine does not have yet: what is stored is acknowledged when it has it.',
  },
  promptmq_qos0_messages_total: { type: 'counter', help: 'PUBLISH packets received at QoS 0.' },
  promptmq_qos1_messages_total: { type: 'counter', help: 'PUBLISH packets received at QoS 1.' },
  promptmq_qos2_messages_total: { type: 'counter', help: 'PUBLISH packets received at QoS 2.' },
  promptmq_messages_published_by_qos_total: {
    type: 'counter',
    help: 'PUBLISH packets sent, by the QoS that subscribers got them at.',
    labels: ['qos'],
  },
  promptmq_message_size_bytes: {
    type: 'histogram',
    help: 'Payload size of PUBLISH packets received.',
  },
  promptmq_messages_dropped_total: {
    type: 'counter',
    help: 'Messages not delivered to one subscriber, by reason.',
    labels: ['reason'],
  },
  promptmq_messages_refused_total: {
    type: 'counter',
    help: 'Messages refused from their publisher, by reason.',
    labels: ['reason'],
  },
  promptmq_messages_inflight: {
    type: 'gauge',
    help: 'QoS 1 and 2 messages sent and not yet acknowledged.',
  },
  promptmq_messages_queued: { type: 'gauge', help: 'Messages that wait for a subscriber.' },
  promptmq_queued_bytes: {
    type: 'gauge',
    help: 'Bytes of the messages that wait for a subscriber; one that waits for several counts for each.',
  },
  promptmq_queue_longest: {
    type: 'gauge',
    help: 'Messages that wait for the subscriber with the most.',
  },
  promptmq_publishers_held_back_total: {
    type: 'counter',
    help: 'How often a client was not read from for a while, for a subscriber or the log to catch up, or until it had read its answers.',
  },
  promptmq_inside_messages_total: {
    type: 'counter',
    help: 'Messages published by the program that the broker is embedded in.',
  },
  promptmq_inside_publishes_current: {
    type: 'gauge',
    help: 'Of these, those that are under way: not committed yet, or waiting for a subscriber to catch up.',
  },
  promptmq_topic_messages_total: {
    type: 'counter',
    help: 'Messages received on topics that match one of the filters in metrics.topics, or added by the admin API.',
    labels: ['filter'],
  },
  promptmq_topic_bytes_total: {
    type: 'counter',
    help: 'Their payload bytes.',
    labels: ['filter'],
  },
  promptmq_topic_message_size_bytes: {
    type: 'histogram',
    help: 'Their payload sizes.',
    labels: ['filter'],
  },
  promptmq_topic_deliveries_total: {
    type: 'counter',
    help: 'How many subscribers they were for: sessions, and one for each group of shared subscriptions, whether they were sent, queued or dropped.',
    labels: ['filter'],
  },
  promptmq_topic_unmatched_total: {
    type: 'counter',
    help: 'Those of them that nobody had subscribed to.',
    labels: ['filter'],
  },

  // ------------------------------------------------------------------------- state
  promptmq_sessions_current: {
    type: 'gauge',
    help: 'Sessions, connected or not, those inside of the program included.',
  },
  promptmq_inside_sessions_current: {
    type: 'gauge',
    help: 'Sessions of subscriptions inside of the program that the broker is a part of, consumed or not.',
  },
  promptmq_subscriptions_current: {
    type: 'gauge',
    help: 'Subscriptions; a session counts once for each filter.',
  },
  promptmq_shared_subscription_groups_current: {
    type: 'gauge',
    help: 'Groups of shared subscriptions.',
  },
  promptmq_subscriptions_refused_total: {
    type: 'counter',
    help: 'Filters of SUBSCRIBE that were refused, by reason code.',
    labels: ['reason'],
  },
  promptmq_retained_messages: { type: 'gauge', help: 'Retained messages.' },
  promptmq_retained_bytes: { type: 'gauge', help: 'Bytes of retained messages.' },
  promptmq_held_bytes: {
    type: 'gauge',
    help: 'Memory that clients make the broker hold, by kind.',
    labels: ['kind'],
  },
  promptmq_held_limit_bytes: {
    type: 'gauge',
    help: 'What all clients together may make it hold, by kind.',
    labels: ['kind'],
  },
  promptmq_held_refusals_total: {
    type: 'counter',
    help: 'How often a client was refused more of it, by kind.',
    labels: ['kind'],
  },

  promptmq_history_bytes: {
    type: 'gauge',
    help: 'Bytes of the history that promptmq why asks, of at most history.size.',
  },
  promptmq_history_entries: { type: 'gauge', help: 'Its entries.' },
  promptmq_history_forgotten_total: {
    type: 'counter',
    help: 'Entries of it that were given up for newer ones, or as they were old.',
  },

  // ----------------------------------------------------------------------- network
  promptmq_packets_received_total: {
    type: 'counter',
    help: 'Control packets received, by type.',
    labels: ['type'],
  },
  promptmq_packets_sent_total: {
    type: 'counter',
    help: 'Control packets sent, by type.',
    labels: ['type'],
  },
  promptmq_packet_errors_total: {
    type: 'counter',
    help: 'Packets that broke a rule and ended their connection, by type and reason code.',
    labels: ['type', 'reason'],
  },
  promptmq_internal_errors_total: {
    type: 'counter',
    help: 'Errors of the broker itself, each of which ended one connection at most, by what was being done.',
    labels: ['activity'],
  },
  promptmq_turns_waited_total: {
    type: 'counter',
    help: 'How often a client had sent more at once than is done in one turn, and was not read from until it was done.',
  },
  promptmq_network_received_bytes_total: {
    type: 'counter',
    help: 'Bytes received from clients, all packets whole.',
  },
  promptmq_network_sent_bytes_total: {
    type: 'counter',
    help: 'Bytes sent to clients, all packets whole.',
  },

  // ----------------------------------------------------------------------- storage
  promptmq_storage_usage_bytes: {
    type: 'gauge',
    help: 'Bytes of the write-ahead log on disk.',
  },
  promptmq_storage_segments: { type: 'gauge', help: 'Segment files of the write-ahead log.' },
  promptmq_storage_live_ratio: {
    type: 'gauge',
    help: 'Part of the log, from 0 to 1, that is still needed; the rest is for compaction.',
  },
  promptmq_storage_records_total: { type: 'counter', help: 'Records appended to the log.' },
  promptmq_storage_batches_total: {
    type: 'counter',
    help: 'Batches of records written to the log.',
  },
  promptmq_storage_written_bytes_total: {
    type: 'counter',
    help: 'Bytes of batches written to the log.',
  },
  promptmq_storage_wal_write_duration_seconds: {
    type: 'histogram',
    help: 'How long writing a group of batches took, without the sync.',
  },
  promptmq_storage_wal_sync_duration_seconds: {
    type: 'histogram',
    help: 'How long fdatasync took.',
  },
  promptmq_storage_wal_group_records: {
    type: 'histogram',
    help: 'Records that one fdatasync made durable.',
  },
  promptmq_storage_unsynced_bytes: {
    type: 'gauge',
    help: 'Bytes appended that a power cut could still take.',
  },
  promptmq_storage_oldest_unsynced_seconds: {
    type: 'gauge',
    help: 'For how long the oldest appended record has waited for its fdatasync.',
  },
  promptmq_storage_refused_records_total: {
    type: 'counter',
    help: 'Records that were not written because the disk was full.',
  },
  promptmq_storage_checkpoints_total: { type: 'counter', help: 'Checkpoints taken.' },
  promptmq_storage_checkpoint_lag_bytes: {
    type: 'gauge',
    help: 'Bytes of the log after the last checkpoint: what a start has to replay.',
  },
  promptmq_storage_compacted_segments_total: {
    type: 'counter',
    help: 'Segments that compaction removed.',
  },
  promptmq_storage_compacted_bytes_total: {
    type: 'counter',
    help: 'Bytes of the segments that compaction removed.',
  },
  promptmq_storage_moved_records_total: {
    type: 'counter',
    help: 'Records that compaction appended again because they are still needed.',
  },
  promptmq_storage_moved_bytes_total: { type: 'counter', help: 'Their bytes.' },
  promptmq_storage_quarantined: {
    type: 'gauge',
    help: 'Stretches of the log set aside at the start because they could not be read.',
  },
  promptmq_recovery_duration_seconds: { type: 'gauge', help: 'How long the last recovery took.' },
  promptmq_recovery_records: { type: 'gauge', help: 'Records that the last recovery read.' },

  // ----------------------------------------------------------------------- process
  promptmq_build_info: {
    type: 'gauge',
    help: 'Always 1; the labels say what is running.',
    labels: ['version', 'node'],
  },
  promptmq_log_lines_dropped_total: {
    type: 'counter',
    help: 'Lines of the log that were lost because a disk or reader did not take them.',
  },
  promptmq_http_connections_cut_total: {
    type: 'counter',
    help: 'Connections to the metrics address that were cut: to make room, late with an answer, or too many requests at once.',
    labels: ['why'],
  },
  promptmq_uptime_seconds: { type: 'gauge', help: 'Seconds since the broker started.' },
  promptmq_clock_jumps_total: {
    type: 'counter',
    help: 'Times that the wall clock was found to have been set, while the broker ran or before it started.',
  },
  promptmq_clock_ahead_seconds: {
    type: 'gauge',
    help: 'What the wall clock is ahead of the time by which sessions and messages expire.',
  },
  promptmq_system_memory_usage_bytes: {
    type: 'gauge',
    help: 'Memory of the process, by kind.',
    labels: ['kind'],
  },
  promptmq_process_cpu_seconds_total: {
    type: 'counter',
    help: 'Processor time of the process, by mode.',
    labels: ['mode'],
  },
  promptmq_event_loop_lag_seconds: {
    type: 'gauge',
    help: 'How late timers were called since the scrape before: mean, p50, p99 and max.',
    labels: ['stat'],
  },
  promptmq_event_loop_seconds_total: {
    type: 'counter',
    help: 'Time that the event loop was active (busy) and idle (waiting for input).',
    labels: ['state'],
  },
  promptmq_gc_duration_seconds: {
    type: 'histogram',
    help: 'Garbage collections, by kind.',
    labels: ['kind'],
  },
} as const satisfies Catalogue;

/** Name of a metric of the broker. */
export type BrokerMetric = keyof typeof brokerCatalogue;
