import { z } from 'zod';
import {
  COUNTED_FIELDS,
  MONITOR_FIELDS,
  type MonitorField,
  type MonitorSample,
} from '../../../monitor/index.ts';

/** Where EMQX has another name for a figure, or the one of the metrics is better known. */
const NAMES: Partial<Record<MonitorField, string>> = {
  connections: 'live_connections',
  disconnectedSessions: 'disconnected_durable_sessions',
  sharedGroups: 'shared_subscriptions',
  filters: 'topics',
  retained: 'retained_msg_count',
  records: 'persisted',
  receivedQos0: 'received_qos0',
  receivedQos1: 'received_qos1',
  receivedQos2: 'received_qos2',
  sentQos0: 'sent_qos0',
  sentQos1: 'sent_qos1',
  sentQos2: 'sent_qos2',
  syncs: 'fsyncs',
  syncP99Ms: 'fsync_p99_ms',
  syncMaxMs: 'fsync_max_ms',
  loopLagP99Ms: 'event_loop_lag_p99_ms',
  loopLagMaxMs: 'event_loop_lag_max_ms',
};

const RATE_NAMES: Partial<Record<MonitorField, string>> = {
  received: 'received_msg_rate',
  sent: 'sent_msg_rate',
  dropped: 'dropped_msg_rate',
};

/** What a figure is called. */
export function nameOf(field: MonitorField): string {
  return NAMES[field] ?? field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What a figure is called as one a second. */
export function rateNameOf(field: MonitorField): string {
  return RATE_NAMES[field] ?? `${nameOf(field)}_rate`;
}

const numbers = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, z.number()]));

/** Of several processes nobody knows which of these are the same, so that there is no number of all. */
export const NOT_ADDED: readonly string[] = (['filters', 'sharedGroups'] as const).map(nameOf);

const figures = (names: readonly string[]) => {
  const all = z.object(numbers(names));
  return all.partial(Object.fromEntries(NOT_ADDED.map((name) => [name, true]))).shape;
};

const ofTime = {
  seconds: z.number().describe('how long the time is that it is of'),
  connections: z.number().int().describe('clients with a session, connected or not'),
  live_connections: z.number().int().describe('clients that are connected'),
  fsync_group: z.number().describe('records that one fsync has made safe, on average'),
};

export const sampleSchema = z.object({
  time_stamp: z.number().int().describe('when it ended, in milliseconds since 1970'),
  ...figures(MONITOR_FIELDS.map(nameOf)),
  ...ofTime,
  dropped_by_reason: z.record(z.string(), z.number()),
});

export const currentSchema = z.object({
  time_stamp: z.number().int().describe('now, in milliseconds since 1970'),
  node_uptime: z.number().int().describe('seconds'),
  ...figures(
    MONITOR_FIELDS.map((field) =>
      COUNTED_FIELDS.includes(field) ? rateNameOf(field) : nameOf(field),
    ),
  ),
  ...ofTime,
  dropped_rate_by_reason: z.record(z.string(), z.number()).describe('messages a second'),
});

/** What was counted in the time of a sample. */
export function sampleJson({ time, seconds, values, drops }: MonitorSample): object {
  const figures = MONITOR_FIELDS.map((field) => [nameOf(field), rounded(values[field])]);
  return {
    time_stamp: Math.round(time),
    seconds: rounded(seconds),
    ...Object.fromEntries(figures),
    ...derived(values),
    dropped_by_reason: drops,
  };
}

/** The same as rates. */
export function currentJson(sample: MonitorSample, uptimeSeconds: number): object {
  const { time, seconds, values, drops } = sample;
  const rate = (count: number) => (seconds === 0 ? 0 : rounded(count / seconds));
  const figures = MONITOR_FIELDS.map((field) =>
    COUNTED_FIELDS.includes(field)
      ? [rateNameOf(field), rate(values[field])]
      : [nameOf(field), rounded(values[field])],
  );
  return {
    time_stamp: Math.round(time),
    seconds: rounded(seconds),
    node_uptime: uptimeSeconds,
    ...Object.fromEntries(figures),
    ...derived(values),
    dropped_rate_by_reason: Object.fromEntries(
      Object.entries(drops).map(([reason, count]) => [reason, rate(count)]),
    ),
  };
}

function derived(values: MonitorSample['values']): object {
  const { connections, disconnectedSessions, syncs, syncedRecords } = values;
  return {
    connections: connections + disconnectedSessions,
    fsync_group: syncs === 0 ? 0 : rounded(syncedRecords / syncs),
  };
}

/** To thousandths, as a text of it is for people. */
function rounded(value: number): number {
  return Math.round(1000 * value) / 1000;
}
