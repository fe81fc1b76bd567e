import { ReasonCode } from '@promptmq/codec';
import { BucketHistogram, exponentialBounds } from '@promptmq/metrics/histogram';
import type { DropReason } from '@promptmq/session';

/** Why a message that was published did not go to anyone. */
export type RefusalReason =
  | 'not-authorized'
  | 'retained-full'
  | 'payload-format-invalid'
  /** A subscriber's queue is full, and `mqtt.queue-overflow` is `reject`. */
  | 'queue-full'
  /** It would have to be on the disk, which is full. */
  | 'storage-full'
  /** A hook of the program refused it, or failed. */
  | 'refused-by-hook'
  /** The program that the broker is embedded in has as many under way as it may. */
  | 'too-many-publishes';

/** Why a socket was closed before its CONNECT was accepted. */
export type SocketRefusal =
  /** As many are open as may be. */
  | 'limit'
  /** `mqtt.connect-timeout` had passed. */
  | 'timeout'
  /** Its address is banned. */
  | 'banned'
  /** Its PROXY protocol header is wrong, or it comes from an address that isn't trusted. */
  | 'proxy'
  /** The TLS handshake failed. */
  | 'tls'
  /** It began with another protocol than that of the listener. */
  | 'protocol'
  /** An HTTP request that opens no WebSocket, or a refused upgrade. */
  | 'http'
  /** It broke the rules of WebSocket. */
  | 'websocket'
  /** No process served the cell of the client for `cluster.connect-patience`. */
  | 'cell-away';

/** Why clients disconnected, as `Connection` says it; others are added when they occur. */
const DISCONNECT_CAUSES = [
  'client',
  'closed by peer',
  'keep alive',
  'taken over',
  'protocol',
  'authentication',
  'slow client',
  'administrative action',
  'banned',
  'hook timeout',
  'hook failed',
  'expired',
  'shutdown',
  'terminated',
  'internal error',
];

/** What was being done when something went wrong, by which errors of the broker's own are counted. */
export const ACTIVITIES = [
  'receiving',
  'sending',
  'closing',
  'authenticating',
  'committing',
  'timing',
  'replaying',
  'observing',
  'listening',
  'reloading',
  'unknown',
] as const;
export type Activity = (typeof ACTIVITIES)[number];

/** What listeners are called for what is counted of the admin API; no listener can have this name. */
export const ADMIN_LISTENER = 'admin API';

/** Of the admin API and the console. */
export interface AdminStats {
  /** Those of `admin.tls-cert`, with when they expire in milliseconds since 1970. */
  certificates: readonly { readonly name: string; readonly expiresAt: number }[];
  /** Answered by the admin listener, by the first digit of the status; those of the Unix domain socket aren't counted. */
  readonly requests: Record<'2xx' | '3xx' | '4xx' | '5xx', number>;
  /** Answered 429, as a key or an address asked too often. They are among the requests, too. */
  rateLimited: number;
  /** Streams that are open, such as events. */
  streamsCurrent: number;
  /** Streams that were refused, as there were too many. */
  streamsRefused: number;
  /** Readers of events who came back and had missed some that aren't there any more. */
  gaps: number;
}

/** Seconds: 100 ms to 4.8 days. */
const CONNECTION_BOUNDS = exponentialBounds(0.1, 4, 12);

/** Payload sizes are counted by power of two; the last bucket is for all above 256 MB. */
const SIZE_BUCKETS = 30;

/**
 * Counters of one broker, counted up in place on the hot path and read from outside. All are totals
 * since the start, except those named as current.
 */
export interface BrokerStats {
  connectionsCurrent: number;
  connectionsTotal: number;
  /** The most that were connected at a time. */
  connectionsMaximum: number;
  /** Connections that were refused: sockets as in `socketsRefused`, and CONNECTs when `mqtt.max-connections` was reached. */
  connectionsRefused: number;
  /** Sockets that were closed before their CONNECT was accepted, by reason. */
  readonly socketsRefused: Record<SocketRefusal, number>;
  /** How often accepting a connection failed, such as for want of file descriptors. */
  acceptsFailed: number;
  /** Bans that there are. */
  bansCurrent: number;
  /** Commands of dynamic security that were carried out, and that were refused. */
  controlCommands: number;
  controlCommandsRefused: number;
  /** Events of `presence.events` that were left out. */
  presenceLeftOut: number;
  /** Clients that were banned because they came and went all the time. */
  flappingBans: number;
  /** Network connections, whether an MQTT client came with them or not. */
  socketsAccepted: number;
  /** By cause. */
  readonly disconnections: Map<string, number>;
  /** In seconds. */
  readonly connectionDurations: BucketHistogram;
  /** Answers to CONNECT by reason code, those included that an old client can't be given. */
  readonly connacks: Map<number, number>;
  /** Those inside of the program included. */
  sessionsCurrent: number;
  /** Of them, those inside of the program, consumed or not: they are nobody's who connects. */
  insideSessionsCurrent: number;
  /** How often the wall clock was found to have been set, while the broker ran or before. */
  clockJumps: number;
  /** Sessions that ended because their Session Expiry Interval had passed. */
  sessionsExpired: number;
  /** Of all packets. */
  bytesReceived: number;
  /** The same, once they have been handed to the operating system. */
  bytesSent: number;
  /** Control packets by type, but for the PUBLISHes sent: those are `messagesSent`. */
  readonly packetsReceived: Float64Array;
  readonly packetsSent: Float64Array;
  /** Type of the packet that is being processed; 0 between packets. */
  packetTypeNow: number;
  /** Packets that broke a rule, by `type << 8 | reasonCode`; type 0 is one that isn't known. */
  readonly packetErrors: Map<number, number>;
  /** How often a connection had more to do than one may in a turn. */
  turnsWaited: number;
  /** Errors of the broker's own, by what was being done. */
  readonly internalErrors: Map<string, number>;
  /** Clients that have not proved who they are, by who said so and why, with a space between them. */
  readonly loginsRefused: Map<string, number>;
  /** How often a provider of authentication failed or took too long, by its name and how, with a space between them. */
  readonly providerFailures: Map<string, number>;
  /** How often a hook failed, by its name and how, with a space between them. */
  readonly hookFailures: Map<string, number>;
  /** PUBLISH packets received. */
  messagesReceived: number;
  /** The same by QoS. */
  readonly messagesReceivedByQoS: Float64Array;
  payloadBytesReceived: number;
  /** Payloads received by size: 0 and 1 bytes, 2, up to 4, up to 8 … */
  readonly payloadSizes: Float64Array;
  /** PUBLISH packets sent. */
  messagesSent: number;
  readonly messagesSentByQoS: Float64Array;
  payloadBytesSent: number;
  /** Messages that consumers inside of the program have got; no packets were sent for them. */
  insideDeliveries: number;
  /** Messages that were sent to other cells, that came from them and were applied, and that had been before. */
  readonly forwarding: {
    sent: number;
    applied: number;
    duplicates: number;
    barriersTimedOut: number;
    /** How long answers to SUBSCRIBE waited until others route by it, and how long for what others retain, in seconds. */
    readonly interestWaits: BucketHistogram;
    readonly barrierWaits: BucketHistogram;
  };
  /** What the log takes in the engine of a cluster. */
  readonly replication: ReplicationStats;
  /** How often a publisher was not read from for a while, for a subscriber to catch up. */
  publishersHeldBack: number;
  /** Messages of the program that the broker is embedded in. */
  insideMessages: number;
  /** Of these, those of which the program doesn't know yet what has become. */
  insidePublishesCurrent: number;
  retainedCurrent: number;
  subscriptionsCurrent: number;
  /** Filters that were refused, by reason code. */
  readonly subscriptionsRefused: Map<number, number>;
  /** Messages not delivered to one session, by reason. */
  readonly dropped: Record<DropReason, number>;
  /** What rules, a hook or the broker itself denied, by action and reason, with a space between them. */
  readonly accessDenied: Map<string, number>;
  /** Messages refused whole, by reason. */
  readonly refused: Record<RefusalReason, number>;
  /** How often a limit of the section `limits` was reached, by its key, such as `limits.client.messages`. */
  readonly limitsReached: Map<string, number>;
  readonly admin: AdminStats;
}

/** What the log of a cell takes in the engine; nothing where the broker is of no cluster. */
export interface ReplicationStats {
  /** How long appends took, in seconds. */
  readonly appendDurations: BucketHistogram;
  log: {
    readonly appendedBytes: number;
    /** Appends that were refused, of which nobody knew, and that found no room: each was tried again. */
    readonly conflicts: number;
    readonly unknown: number;
    readonly full: number;
  };
  /** Bytes of the log that the engine doesn't have yet. */
  replica: { readonly lagBytes: number };
}

/** Of appends to the engine, and of waiting for other cells, in seconds: 0.5 ms to 16 s, which an election of the engine may take. */
const REMOTE_BOUNDS = exponentialBounds(0.0005, 2, 16);

export function createStats(): BrokerStats {
  return {
    connectionsCurrent: 0,
    connectionsTotal: 0,
    connectionsMaximum: 0,
    connectionsRefused: 0,
    socketsRefused: {
      limit: 0,
      timeout: 0,
      banned: 0,
      proxy: 0,
      tls: 0,
      protocol: 0,
      http: 0,
      websocket: 0,
      'cell-away': 0,
    },
    acceptsFailed: 0,
    bansCurrent: 0,
    presenceLeftOut: 0,
    flappingBans: 0,
    controlCommands: 0,
    controlCommandsRefused: 0,
    socketsAccepted: 0,
    disconnections: new Map(DISCONNECT_CAUSES.map((cause) => [cause, 0])),
    connectionDurations: new BucketHistogram(CONNECTION_BOUNDS),
    connacks: new Map([[ReasonCode.Success, 0]]),
    sessionsCurrent: 0,
    insideSessionsCurrent: 0,
    clockJumps: 0,
    sessionsExpired: 0,
    bytesReceived: 0,
    bytesSent: 0,
    packetsReceived: new Float64Array(16),
    packetsSent: new Float64Array(16),
    packetTypeNow: 0,
    packetErrors: new Map(),
    turnsWaited: 0,
    internalErrors: new Map(ACTIVITIES.map((activity) => [activity, 0])),
    loginsRefused: new Map(),
    providerFailures: new Map(),
    hookFailures: new Map(),
    messagesReceived: 0,
    messagesReceivedByQoS: new Float64Array(3),
    payloadBytesReceived: 0,
    payloadSizes: new Float64Array(SIZE_BUCKETS),
    messagesSent: 0,
    messagesSentByQoS: new Float64Array(3),
    payloadBytesSent: 0,
    insideDeliveries: 0,
    forwarding: {
      ...{ sent: 0, applied: 0, duplicates: 0, barriersTimedOut: 0 },
      interestWaits: new BucketHistogram(REMOTE_BOUNDS),
      barrierWaits: new BucketHistogram(REMOTE_BOUNDS),
    },
    replication: {
      appendDurations: new BucketHistogram(REMOTE_BOUNDS),
      log: { appendedBytes: 0, conflicts: 0, unknown: 0, full: 0 },
      replica: { lagBytes: 0 },
    },
    publishersHeldBack: 0,
    insideMessages: 0,
    insidePublishesCurrent: 0,
    retainedCurrent: 0,
    subscriptionsCurrent: 0,
    subscriptionsRefused: new Map(),
    dropped: {
      expired: 0,
      'queue-full': 0,
      'packet-too-large': 0,
      'outside-mount-point': 0,
      'cell-away': 0,
      'cell-behind': 0,
      'slow-subscriber': 0,
      'output-full': 0,
      'not-connected': 0,
      'session-ended': 0,
      'not-authorized': 0,
      'refused-by-hook': 0,
      lost: 0,
    },
    accessDenied: new Map(DENIALS.map((denial) => [denial, 0])),
    refused: {
      'not-authorized': 0,
      'retained-full': 0,
      'payload-format-invalid': 0,
      'queue-full': 0,
      'storage-full': 0,
      'refused-by-hook': 0,
      'too-many-publishes': 0,
    },
    limitsReached: new Map(),
    admin: {
      certificates: [],
      requests: { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 },
      rateLimited: 0,
      streamsCurrent: 0,
      streamsRefused: 0,
      gaps: 0,
    },
  };
}

/** What may be denied, and why, so that each is there with 0 from the start. */
const DENIALS = [
  ...['rule', 'default', 'reserved', 'hook'].map((reason) => `publish ${reason}`),
  ...['rule', 'default', 'hook'].map((reason) => `subscribe ${reason}`),
  ...['receive', 'will', 'unsubscribe'].flatMap((action) => [
    `${action} rule`,
    `${action} default`,
  ]),
];

/** Counts one more for a key, off the hot path. */
export function countIn<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/**
 * Counts a PUBLISH that was received. On the hot path: additions in place only.
 *
 * @param payloadSize - bytes
 */
export function countReceived(stats: BrokerStats, qos: 0 | 1 | 2, payloadSize: number): void {
  stats.messagesReceived++;
  (stats.messagesReceivedByQoS[qos] as number)++;
  stats.payloadBytesReceived += payloadSize;
  const bucket = payloadSize < 2 ? 0 : 32 - Math.clz32(payloadSize - 1);
  (stats.payloadSizes[bucket] as number)++;
}

/** Counts a PUBLISH that was sent. */
export function countSent(stats: BrokerStats, qos: 0 | 1 | 2, payloadSize: number): void {
  stats.messagesSent++;
  (stats.messagesSentByQoS[qos] as number)++;
  stats.payloadBytesSent += payloadSize;
}

/** `payloadSizes` with the upper bound of each bucket, in bytes. */
export function payloadSizeHistogram({ payloadSizes, payloadBytesReceived }: BrokerStats): {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  readonly sum: number;
} {
  const bounds = Array.from({ length: payloadSizes.length - 1 }, (_, index) => 2 ** index);
  return { bounds, counts: payloadSizes, sum: payloadBytesReceived };
}
