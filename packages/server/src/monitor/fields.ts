import { PacketType } from '@promptmq/codec';
import type { DropReason } from '@promptmq/session';
import type { Listener } from '../listeners/listener.ts';
import type { StorageMetricsSource } from '../observability/index.ts';
import type { MonitoredBroker } from './host.ts';
import type { ProcessWindow } from './process-window.ts';
import type { SyncWindow } from './sync-window.ts';

/** What a sample is read from. */
export interface MonitorSource {
  readonly broker: MonitoredBroker;
  readonly listeners: readonly Listener[];
  /** Null where nothing outlives the process. */
  readonly storage: StorageMetricsSource | null;
  readonly syncs: SyncWindow | null;
  readonly process: ProcessWindow;
}

interface Field {
  /**
   * `gauge`: as it is at the end of the time, `count`: how much was added in the time, `mean` and `max`: of the time. It
   * says, too, what several samples are together.
   */
  readonly kind: 'gauge' | 'count' | 'mean' | 'max';
  /** Of a count: the total since the start. */
  read(source: MonitorSource): number;
}

const gauge = (read: Field['read']): Field => ({ kind: 'gauge', read });
const count = (read: Field['read']): Field => ({ kind: 'count', read });
const mean = (read: Field['read']): Field => ({ kind: 'mean', read });
const max = (read: Field['read']): Field => ({ kind: 'max', read });

/** What each sample has. Bytes and milliseconds are named so; all others are numbers of things. */
const FIELDS = {
  connections: gauge(({ broker }) => broker.stats.connectionsCurrent),
  sessions: gauge(({ broker }) => broker.stats.sessionsCurrent),
  disconnectedSessions: gauge(({ broker: { stats } }) =>
    Math.max(0, stats.sessionsCurrent - stats.insideSessionsCurrent - stats.connectionsCurrent),
  ),
  subscriptions: gauge(({ broker }) => broker.router.trie.subscriptionCount),
  sharedGroups: gauge(({ broker }) => broker.router.trie.groupCount),
  filters: gauge(({ broker }) => broker.router.trie.filterCount),
  retained: gauge(({ broker }) => broker.router.retained.count),
  retainedBytes: gauge(({ broker }) => broker.router.retained.bytes),
  queuedMessages: gauge(({ broker }) => broker.sessions.queuedCount),

  connects: count(({ broker }) => broker.stats.connectionsTotal),
  disconnects: count(({ broker }) => sumOf(broker.stats.disconnections.values())),
  received: count(({ broker }) => broker.stats.messagesReceived),
  receivedQos0: count(({ broker }) => broker.stats.messagesReceivedByQoS[0] as number),
  receivedQos1: count(({ broker }) => broker.stats.messagesReceivedByQoS[1] as number),
  receivedQos2: count(({ broker }) => broker.stats.messagesReceivedByQoS[2] as number),
  receivedPayloadBytes: count(({ broker }) => broker.stats.payloadBytesReceived),
  receivedBytes: count(({ broker }) => broker.stats.bytesReceived),
  sent: count(({ broker }) => broker.stats.messagesSent),
  sentQos0: count(({ broker }) => broker.stats.messagesSentByQoS[0] as number),
  sentQos1: count(({ broker }) => broker.stats.messagesSentByQoS[1] as number),
  sentQos2: count(({ broker }) => broker.stats.messagesSentByQoS[2] as number),
  sentPayloadBytes: count(({ broker }) => broker.stats.payloadBytesSent),
  sentBytes: count(({ broker }) => broker.stats.bytesSent),
  dropped: count(({ broker }) => sumOf(Object.values(broker.stats.dropped))),
  refused: count(({ broker }) => sumOf(Object.values(broker.stats.refused))),
  denied: count(({ broker }) => sumOf(broker.stats.accessDenied.values())),
  publishersHeldBack: count(({ broker }) => broker.stats.publishersHeldBack),

  acknowledged: count(
    ({ broker: { stats } }) =>
      (stats.packetsSent[PacketType.PUBACK] as number) +
      (stats.packetsSent[PacketType.PUBREC] as number),
  ),
  records: count(({ storage }) => storage?.stats.records ?? 0),
  syncedRecords: count(({ storage }) => storage?.stats.syncedRecords ?? 0),
  writtenBytes: count(({ storage }) => storage?.stats.writtenBytes ?? 0),
  unsyncedBytes: gauge(({ storage }) => storage?.unsyncedBytes ?? 0),
  storageBytes: gauge(({ storage }) => storage?.usageBytes ?? 0),
  syncs: count(({ storage }) => storage?.stats.syncs ?? 0),
  syncP99Ms: max(({ syncs }) => syncs?.p99Ms ?? 0),
  syncMaxMs: max(({ syncs }) => syncs?.maxMs ?? 0),

  loopLagP99Ms: max(({ process }) => process.lagP99Ms),
  loopLagMaxMs: max(({ process }) => process.lagMaxMs),
  cpuPercent: mean(({ process }) => process.cpuPercent),
  residentBytes: gauge(({ process }) => process.residentBytes),
  heapBytes: gauge(({ process }) => process.heapBytes),
  overloadLevel: max(({ broker }) => broker.overload.level),
  logLinesDropped: count(({ broker }) => broker.log.droppedCount?.() ?? 0),
  internalErrors: count(({ broker }) => sumOf(broker.stats.internalErrors.values())),
  providerFailures: count(({ broker }) => sumOf(broker.stats.providerFailures.values())),
} as const satisfies Record<string, Field>;

export type MonitorField = keyof typeof FIELDS;

export const MONITOR_FIELDS = Object.keys(FIELDS) as readonly MonitorField[];

/** What was counted, and how much of it in one time. */
export type MonitorValues = Readonly<Record<MonitorField, number>>;

export const COUNTED_FIELDS: readonly MonitorField[] = MONITOR_FIELDS.filter(
  (name) => FIELDS[name].kind === 'count',
);

/** What a figure is, by its name: see `Field`. */
export function kindOf(field: MonitorField): 'gauge' | 'count' | 'mean' | 'max' {
  return FIELDS[field].kind;
}

/** Figures as a row of numbers: the fields in their order, then what was dropped for each reason. */
export class SampleLayout {
  readonly dropReasons: readonly DropReason[];
  readonly #fields: readonly Field[];

  constructor(dropReasons: readonly DropReason[]) {
    this.dropReasons = dropReasons;
    this.#fields = [
      ...MONITOR_FIELDS.map((name): Field => FIELDS[name]),
      ...dropReasons.map((reason) => count(({ broker }) => broker.stats.dropped[reason])),
    ];
  }

  get width(): number {
    return this.#fields.length;
  }

  /** Everything as it is now; of counts the totals. */
  read(source: MonitorSource): Float64Array {
    return Float64Array.from(this.#fields, (field) => field.read(source));
  }

  /** What is between two reads: of counts the difference. */
  between(before: Float64Array, after: Float64Array): Float64Array {
    return after.map((value, index) => {
      const isCount = this.#fields[index]?.kind === 'count';
      return isCount ? value - (before[index] as number) : value;
    });
  }

  /** Several samples, one after the other, as one. */
  together(samples: readonly Float64Array[]): Float64Array {
    return Float64Array.from(this.#fields, ({ kind }, index) => {
      const values = samples.map((sample) => sample[index] as number);
      if (kind === 'gauge') return values.at(-1) ?? 0;
      if (kind === 'max') return values.reduce((most, value) => Math.max(most, value), 0);
      const sum = sumOf(values);
      return kind === 'count' ? sum : sum / Math.max(1, values.length);
    });
  }

  valuesOf(row: Float64Array): MonitorValues {
    return Object.fromEntries(
      MONITOR_FIELDS.map((name, index) => [name, row[index] as number]),
    ) as MonitorValues;
  }

  dropsOf(row: Float64Array): Readonly<Record<DropReason, number>> {
    const start = MONITOR_FIELDS.length;
    return Object.fromEntries(
      this.dropReasons.map((reason, index) => [reason, row[start + index] as number]),
    ) as Record<DropReason, number>;
  }
}

function sumOf(counts: Iterable<number>): number {
  let sum = 0;
  for (const one of counts) sum += one;
  return sum;
}
