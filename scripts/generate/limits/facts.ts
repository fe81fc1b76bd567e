/** What the configuration doesn't say of its limits: what happens at one, where it is seen, and the test that shows it. */

/** By key of the option. */
export interface LimitFacts {
  /** What happens when it is reached, for people. */
  readonly happens: string;
  /** Metrics, with a label where one says it, and events of the log. */
  readonly seen: readonly string[];
  /** Below packages; it names the option. */
  readonly test: string;
  /** What the option is called there, where that isn't its name. */
  readonly nameInTest?: string;
}

/** Options that limit something, by the form of their keys: each of them has facts, and no other. */
export const LIMIT_KEYS =
  /(^|[.-])max-|^limits\.|-maximum$|-timeout$|lines-per-second$|^auth\.guesses\.|^server\.ws-max-frame-size$/;

/** Of those, options that limit nothing that clients do. */
export const NO_LIMITS: readonly string[] = [
  'server.shutdown-timeout',
  'storage.compaction.max-message-age',
  'storage.compaction.max-wal-size',
];

const REFUSED_PACKET = 'the connection ends (0x97; 0x95 for its size)';
const HELD = 'promptmq_held_refusals_total';

const RATES = {
  messages: 'it is read from more slowly',
  bytes: 'it is read from more slowly',
  subscribes: 'it is read from more slowly',
  connects: 'CONNECT is refused (0x9F, before MQTT 5 return code 3)',
};

function rateFacts(scope: string): Record<string, LimitFacts> {
  return Object.fromEntries(
    Object.entries(RATES).map(([kind, happens]) => [
      `limits.${scope}.${kind}`,
      {
        happens,
        seen: [
          'promptmq_limits_reached_total',
          kind === 'connects' ? 'connect-refused' : 'limit-reached',
        ],
        test: 'server/test/limits/slowed-clients.test.ts',
      },
    ]),
  );
}

const heldFacts = (happens: string, test: string): LimitFacts => ({ happens, seen: [HELD], test });
const MEMORY = 'server/test/memory/state.test.ts';
const OUTPUT = 'server/test/memory/output.test.ts';
const REPLAYS = 'server/test/memory/replays.test.ts';
const CONNECT = 'server/test/protocol/connect.test.ts';
const PACKETS = 'server/test/protocol/packet-limits.test.ts';
const TOTALS = 'server/test/limits/totals.test.ts';
const OVERLOAD = 'server/test/limits/overload.test.ts';
const PLACES = 'server/test/limits/connection-places.test.ts';
const INSIDE = 'server/test/inside/publish.test.ts';

const packetFacts = (test = PACKETS): LimitFacts => ({
  happens: REFUSED_PACKET,
  seen: ['promptmq_packet_errors_total', 'packet-refused'],
  test,
});

const queueFacts = (test: string): LimitFacts => ({
  happens: 'a message is dropped or refused, by mqtt.queue-overflow',
  seen: ['promptmq_messages_dropped_total{reason="queue-full"}', 'message-dropped'],
  test,
});

const GUESSES = {
  seen: ['promptmq_connacks_total', 'connect-refused'],
  test: 'server/test/access/guesses.test.ts',
};

const SOCKET_REFUSED = [
  'promptmq_sockets_refused_total{reason="limit"}',
  'promptmq_limits_reached_total',
  'connection-refused',
];

export const limitFacts: Readonly<Record<string, LimitFacts>> = {
  'server.ws-max-frame-size': {
    happens: 'the WebSocket is closed (1009), at the header of the frame',
    seen: ['promptmq_packet_errors_total', 'packet-refused'],
    test: 'server/test/listeners/websocket.test.ts',
  },
  'server.read-timeout': {
    happens: 'the client is disconnected (0x83)',
    seen: ['promptmq_disconnections_total{reason="read-timeout"}', 'client-disconnected'],
    test: 'server/test/connection/timeouts.test.ts',
  },
  'server.write-timeout': {
    happens: 'the connection is cut',
    seen: ['promptmq_disconnections_total{reason="slow-client"}', 'slow-client-closed'],
    test: 'server/test/connection/timeouts.test.ts',
  },
  'mqtt.max-qos': {
    happens:
      'CONNACK says so; a PUBLISH above it ends the connection (0x9B), subscriptions are granted less',
    seen: ['promptmq_packet_errors_total', 'packet-refused'],
    test: CONNECT,
  },
  'mqtt.max-connections': {
    happens:
      'CONNECT is refused (0x89, before MQTT 5 return code 3), unless the client takes its own session over',
    seen: ['promptmq_connections_refused_total', 'connect-refused'],
    test: CONNECT,
  },
  'mqtt.max-inflight': {
    happens: 'the client is sent no more until it acknowledges; the rest waits in its queue',
    seen: ['promptmq_messages_queued'],
    test: 'server/test/embed/reconfigure.test.ts',
  },
  'mqtt.max-inflight-bytes': heldFacts('the same', MEMORY),
  'mqtt.max-inflight-bytes-total': heldFacts('the same, for those who have most', TOTALS),
  'mqtt.receive-maximum': {
    happens: 'CONNACK says so; one message more ends the connection (0x93)',
    seen: ['promptmq_packet_errors_total', 'packet-refused'],
    test: CONNECT,
  },
  'mqtt.max-keep-alive': {
    happens:
      'CONNACK says what holds; who sends nothing for 1.5 times as long is disconnected (0x8D)',
    seen: ['promptmq_disconnections_total{reason="keep-alive"}', 'client-disconnected'],
    test: CONNECT,
  },
  'mqtt.max-packet-size': packetFacts(CONNECT),
  'mqtt.max-connect-size': packetFacts(),
  'mqtt.max-control-packet-size': packetFacts('server/test/hooks/publishing.test.ts'),
  'mqtt.max-user-properties': packetFacts(),
  'mqtt.max-properties-size': packetFacts(),
  'mqtt.max-filters-per-packet': packetFacts(),
  'mqtt.max-client-id-len': {
    happens: 'CONNECT is refused (0x85, before MQTT 5 return code 2)',
    seen: ['promptmq_connacks_total', 'connect-refused'],
    test: CONNECT,
  },
  'mqtt.max-topic-len': {
    happens: 'PUBLISH ends the connection (0x90), a filter is refused (0x8F, before MQTT 5 0x80)',
    seen: [
      'promptmq_packet_errors_total',
      'promptmq_subscriptions_refused_total',
      'packet-refused',
    ],
    test: 'server/test/routing/topic-routes.test.ts',
  },
  'mqtt.max-topic-levels': {
    happens: 'the same',
    seen: [
      'promptmq_packet_errors_total',
      'promptmq_subscriptions_refused_total',
      'packet-refused',
    ],
    test: 'server/test/routing/topic-routes.test.ts',
  },
  'mqtt.max-topic-alias': {
    happens: 'CONNACK says so; a larger alias ends the connection (0x94)',
    seen: ['promptmq_packet_errors_total', 'packet-refused'],
    test: CONNECT,
  },
  'mqtt.max-topic-alias-out': {
    happens: 'the broker sets no more',
    seen: ['promptmq_held_bytes{kind="aliases"}'],
    test: 'server/test/protocol/mount-points.test.ts',
  },
  'mqtt.max-session-expiry': {
    happens: 'CONNACK says what holds; the session ends then',
    seen: ['promptmq_sessions_current'],
    test: CONNECT,
  },
  'mqtt.max-message-expiry': {
    happens: 'the message is dropped',
    seen: ['promptmq_messages_dropped_total{reason="expired"}'],
    test: TOTALS,
  },
  'mqtt.max-queued-messages': queueFacts(INSIDE),
  'mqtt.max-queued-bytes': queueFacts('server/test/config/config.test.ts'),
  'mqtt.max-queued-messages-total': queueFacts(TOTALS),
  'mqtt.max-queued-bytes-total': queueFacts(TOTALS),
  'mqtt.max-queued-memory-total': queueFacts(MEMORY),
  'mqtt.max-subscriptions': {
    happens: 'the filter is refused (0x97, before MQTT 5 0x80)',
    seen: ['promptmq_subscriptions_refused_total'],
    test: 'server/test/protocol/session.test.ts',
  },
  'mqtt.max-subscription-bytes': heldFacts('the same', MEMORY),
  'mqtt.max-subscription-bytes-total': heldFacts('the same', MEMORY),
  'mqtt.max-sessions': {
    happens:
      'CONNECT of a client that wants a new session which outlives its connection is refused (0x97, before MQTT 5 return code 3)',
    seen: ['promptmq_connacks_total', 'connect-refused'],
    test: 'server/test/sessions/sessions.test.ts',
  },
  'mqtt.max-will-size': heldFacts('CONNECT is refused (0x97, before MQTT 5 return code 3)', MEMORY),
  'mqtt.max-will-bytes-total': heldFacts('the same', MEMORY),
  'mqtt.max-alias-bytes-total': heldFacts(
    'the broker sets no more aliases; a client that sets one more is disconnected (0x97)',
    MEMORY,
  ),
  'mqtt.max-retained': {
    happens:
      'a retained message of another topic is refused (0x97; dropped before MQTT 5 and at QoS 0)',
    seen: ['promptmq_messages_refused_total{reason="retained-full"}'],
    test: 'server/test/routing/router.test.ts',
  },
  'mqtt.max-retained-bytes': {
    happens: 'a retained message for which there is no room is refused likewise',
    seen: ['promptmq_messages_refused_total{reason="retained-full"}'],
    test: TOTALS,
  },
  'mqtt.connect-timeout': {
    happens: 'the connection is cut',
    seen: ['promptmq_sockets_refused_total{reason="timeout"}', 'connection-refused'],
    test: CONNECT,
  },
  'mqtt.max-output-buffer': {
    happens:
      'QoS 0 messages to the client are dropped, others wait in its queue; while it takes no answers, it is not read from',
    seen: ['promptmq_messages_dropped_total{reason="slow-subscriber"}'],
    test: 'server/test/protocol/publish.test.ts',
  },
  'mqtt.max-output-total': {
    happens: 'the same, for those who have most',
    seen: ['promptmq_messages_dropped_total{reason="output-full"}', HELD],
    test: OUTPUT,
  },
  'mqtt.max-inside-publishes': {
    happens: 'the program gets the error `too-many`',
    seen: ['promptmq_messages_refused_total{reason="too-many-publishes"}'],
    test: INSIDE,
  },
  'mqtt.max-inside-publish-bytes': {
    happens: 'the same',
    seen: ['promptmq_messages_refused_total{reason="too-many-publishes"}'],
    test: INSIDE,
  },
  'mqtt.max-input-total': heldFacts(
    'who has sent most of a packet that is not whole is disconnected (0x97)',
    OUTPUT,
  ),
  'mqtt.max-replay-bytes': heldFacts('SUBSCRIBE is refused (0x97, before MQTT 5 0x80)', REPLAYS),
  'mqtt.max-replay-bytes-total': heldFacts('the same', REPLAYS),
  'mqtt.max-event-bytes': {
    happens: 'events for the program are left out',
    seen: [HELD, 'events-left-out'],
    test: 'server/test/tracing/broker-events.test.ts',
  },
  'presence.max-unpublished-bytes': {
    happens: 'events of clients for clients are left out',
    seen: ['promptmq_presence_left_out_total', 'presence-left-out'],
    test: 'server/test/observability/presence/presence.test.ts',
    nameInTest: 'maxWaitingBytes',
  },
  'mqtt.max-topic-cache': heldFacts(
    'topics are looked up again',
    'server/test/memory/topics.test.ts',
  ),
  ...rateFacts('client'),
  ...rateFacts('user'),
  ...rateFacts('address'),
  'limits.address.connections': {
    happens: 'one more is closed at once',
    seen: SOCKET_REFUSED,
    test: PLACES,
  },
  'limits.address.pending-connects': {
    happens: 'one more is closed at once',
    seen: SOCKET_REFUSED,
    test: PLACES,
  },
  'limits.pending-connects': {
    happens: 'one more is closed at once',
    seen: SOCKET_REFUSED,
    test: PLACES,
  },
  'limits.overload.memory-refuse': {
    happens: 'CONNECT is refused (0x89, before MQTT 5 return code 3)',
    seen: ['promptmq_overload_level', 'promptmq_limits_reached_total', 'overloaded'],
    test: OVERLOAD,
  },
  'limits.overload.memory-slow': {
    happens: 'and who publishes or subscribes waits 100 ms after each message',
    seen: ['promptmq_overload_level', 'promptmq_limits_reached_total', 'overloaded'],
    test: OVERLOAD,
  },
  'limits.overload.memory-stop': {
    happens: 'and who publishes or subscribes waits until there is room',
    seen: ['promptmq_overload_level', 'promptmq_limits_reached_total', 'overloaded'],
    test: OVERLOAD,
  },
  'limits.overload.lag-refuse': {
    happens: 'CONNECT is refused (0x89, before MQTT 5 return code 3)',
    seen: ['promptmq_overload_level', 'promptmq_limits_reached_total', 'overloaded'],
    test: OVERLOAD,
  },
  'limits.overload.lag-slow': {
    happens: 'and who publishes or subscribes waits 100 ms after each message',
    seen: ['promptmq_overload_level', 'promptmq_limits_reached_total', 'overloaded'],
    test: OVERLOAD,
  },
  'auth.max-bans': {
    happens: 'another ban is refused; those of auth.flapping make room for others',
    seen: ['promptmq_bans_current'],
    test: 'server/test/security/bans.test.ts',
  },
  'auth.flapping.max-count': {
    happens: 'the client is banned for a while',
    seen: ['promptmq_flapping_bans_total'],
    test: 'server/test/security/bans.test.ts',
  },
  'auth.guesses.per-client': {
    happens:
      'CONNECT of that user from the address is refused for a while (0x97, before MQTT 5 return code 3)',
    ...GUESSES,
  },
  'auth.guesses.per-address': {
    happens:
      'CONNECT from the address is refused for a while, but for users with whom it has been right',
    ...GUESSES,
  },
  'auth.guesses.per-user': {
    happens: 'passwords of new addresses for the user are checked two seconds later',
    ...GUESSES,
  },
  'auth.guesses.max-wait': { happens: 'the wait becomes no longer', ...GUESSES },
  'auth.guesses.max-tracked': {
    happens: 'those that did nothing for longest are forgotten',
    ...GUESSES,
    test: 'auth/test/passwords/guess-throttle.test.ts',
    nameInTest: 'entriesMax',
  },
  'auth.max-concurrent-checks': {
    happens: 'the others wait, in turns by address and user name',
    seen: ['promptmq_connections_pending'],
    test: 'auth/test/passwords/password-checker.test.ts',
    nameInTest: 'concurrentMax',
  },
  'auth.max-waiting-checks': {
    happens: 'CONNECT of the address with most is refused (0x89, before MQTT 5 return code 3)',
    seen: ['promptmq_connacks_total', 'connect-refused'],
    test: 'auth/test/passwords/password-checker.test.ts',
    nameInTest: 'waitingMax',
  },
  'storage.max-queued-bytes': queueFacts('server/test/config/config.test.ts'),
  'storage.wal.max-pending-bytes': {
    happens: 'who publishes is not read from until half of it is written',
    seen: ['promptmq_publishers_held_back_total'],
    test: 'server/test/storage/held-publishers.test.ts',
  },
  'metrics.max-connections': {
    happens: 'the one that has been idle for longest is closed',
    seen: ['promptmq_http_connections_cut_total'],
    test: 'server/test/observability/nasty-requests.test.ts',
  },
  'admin.max-connections': {
    happens: 'the one that has been idle for longest is closed',
    seen: ['admin-connection-cut'],
    test: 'server/test/admin/bad-requests.test.ts',
  },
  'admin.max-body-size': {
    happens: 'the request is answered 413',
    seen: ['admin-refused'],
    test: 'server/test/admin/bad-requests.test.ts',
  },
  'admin.request-timeout': {
    happens: 'the request is answered 408, or its connection cut',
    seen: ['admin-connection-cut'],
    test: 'server/test/admin/bad-requests.test.ts',
  },
  'admin.max-sessions': {
    happens: 'the one that was idle for longest ends',
    seen: ['admin-session-ended'],
    test: 'server/test/admin/console-session.test.ts',
  },
  'admin.session-timeout': {
    happens: 'the session ends, and whoever had it logs in again',
    seen: ['admin-session-ended'],
    test: 'server/test/admin/console-session.test.ts',
  },
  'admin.max-streams': {
    happens: 'one more is refused (429)',
    seen: ['admin-stream-refused'],
    test: 'server/test/admin/events.test.ts',
  },
  'admin.max-stream-bytes': {
    happens: 'events are left out for that reader, who is told how many',
    seen: ['admin-events-dropped'],
    test: 'server/test/admin/events.test.ts',
  },
  'admin.max-event-rate': {
    happens:
      'no more events of that type are made for that reader until the next tenth of a second; he gets `pause`',
    seen: ['admin-events-limited'],
    test: 'server/test/admin/events.test.ts',
  },
  'admin.resume-timeout': {
    happens: 'who comes back later is told of a gap',
    seen: ['promptmq_admin_event_gaps_total'],
    test: 'server/test/admin/resumed-events.test.ts',
  },
  'admin.max-resume-bytes': {
    happens: 'the same for who has missed more than that',
    seen: ['promptmq_admin_event_gaps_total'],
    test: 'server/test/admin/resumed-events.test.ts',
  },
  'admin.max-traces': {
    happens: 'one more is refused (429) until one is deleted',
    seen: ['admin-trace-refused'],
    test: 'server/test/admin/traces.test.ts',
  },
  'admin.max-trace-bytes': {
    happens: 'the trace ends, and what it has can be read',
    seen: ['admin-trace-ended'],
    test: 'server/test/admin/traces.test.ts',
  },
  'admin.max-trace-duration': {
    happens: 'a trace that is to last longer is refused (400)',
    seen: ['admin-trace-ended'],
    test: 'server/test/admin/traces.test.ts',
  },
  'admin.max-requests': {
    happens: 'one more is refused (429)',
    seen: ['admin-request-refused'],
    test: 'server/test/admin/publish.test.ts',
  },
  'cluster.max-backlog': {
    happens: 'messages of QoS 1 and 2 that are for the cell are refused (0x97)',
    seen: [
      'promptmq_messages_refused_total{reason="queue-full"}',
      'promptmq_cluster_forward_queue_bytes',
    ],
    test: 'server/test/routing/router-peers.test.ts',
    nameInTest: 'maxBacklog',
  },
  'log.max-waiting-bytes': {
    happens: 'lines are left out',
    seen: ['promptmq_log_lines_dropped_total', 'log-lines-dropped'],
    test: 'server/test/log/log-file.test.ts',
  },
  'log.client-lines-per-second': {
    happens: 'lines of what clients cause are left out',
    seen: ['log-lines-suppressed'],
    test: 'server/test/access/refusals.test.ts',
  },
};
