import type { Page as List } from '../../app/api.ts';
import { bytes, count, counted, duration, short } from '../../app/format.ts';
import type { Page } from '../../app/page.ts';
import { usePoll } from '../../app/poll.ts';
import { Failure, PageHead, Tile, type Tone } from '../../parts/basic.tsx';
import { type Line, Plot } from '../../parts/plot.tsx';
import { Alarms } from './alarms.tsx';
import type { Alarm, Current, Sample } from './figures.ts';

interface Status {
  readonly node: string;
  readonly version: string;
  readonly uptime: number;
}

const HOUR_SECONDS = 3600;
const MS = (value: number | null | undefined) => (value == null ? '–' : duration(value / 1000));
const RATE = (value: number | null | undefined) => `${short(value)}/s`;

function Overview() {
  const { data: status } = usePoll<Status>('/status', { everyMs: 10_000 });
  const { data: current, failure } = usePoll<Current>('/monitor_current');
  const { data: samples } = usePoll<readonly Sample[]>('/monitor', {
    query: { latest: HOUR_SECONDS },
    everyMs: 10_000,
  });
  const alarms = usePoll<List<Alarm>>('/alarms', { everyMs: 5_000 }).data?.data ?? [];
  const about =
    status === null
      ? ' '
      : `${status.node} · version ${status.version} · up ${duration(status.uptime)}`;
  return (
    <>
      <PageHead title="Overview" about={about} />
      <Failure failure={failure} />
      <Alarms alarms={alarms} />
      <Figures current={current} />
      <Plots samples={samples ?? []} />
    </>
  );
}

function Figures({ current }: { readonly current: Current | null }) {
  const it = current;
  // What is written and not yet synced is on its way; much of it means that the disk can't keep up.
  const unsynced = it?.unsynced_bytes;
  return (
    <div class="tiles twelve" aria-busy={it === null}>
      <Tile
        label="Messages in"
        value={RATE(it?.received_msg_rate)}
        note={`${bytes(it?.received_bytes_rate)}/s`}
      />
      <Tile
        label="Messages out"
        value={RATE(it?.sent_msg_rate)}
        note={`${bytes(it?.sent_bytes_rate)}/s`}
      />
      <Tile
        label="Connected"
        value={count(it?.live_connections)}
        note={counted(it?.disconnected_durable_sessions, 'session waits', 'sessions wait')}
      />
      <Tile
        label="Acknowledged"
        value={RATE(it?.acknowledged_rate)}
        note={it === null ? ' ' : `of ${RATE(askedRate(it))} at QoS 1, 2`}
        title="PUBACK and PUBREC that publishers got; a message that has to be kept gets its own when it is durable"
      />
      <Tile
        label="Records synced"
        value={RATE(it?.synced_records_rate)}
        note={unsynced === undefined ? ' ' : `${bytes(unsynced)} to sync`}
        title="Records of the log that an fsync has made safe. A message of QoS 1 that is kept makes about three: itself, for whom it waits, and that it has arrived"
      />
      <Tile
        label="fsync p99"
        value={MS(it?.fsync_p99_ms)}
        note={`${short(it?.fsync_group)} ${it?.fsync_group === 1 ? 'record' : 'records'} each`}
        tone={toneOf(it?.fsync_p99_ms, 50, 500)}
      />
      <Tile
        label="Event loop lag p99"
        value={MS(it?.event_loop_lag_p99_ms)}
        note={`longest ${MS(it?.event_loop_lag_max_ms)}`}
        tone={toneOf(it?.event_loop_lag_p99_ms, 50, 250)}
      />
      <Tile
        label="Dropped"
        value={RATE(it?.dropped_msg_rate)}
        note={dropsText(it)}
        tone={toneOf(it === null ? undefined : lostRate(it), 0.01, 100)}
        title={dropsText(it)}
      />
      <Tile
        label="Queued"
        value={short(it?.queued_messages)}
        note={`${count(it?.retained_msg_count)} retained`}
      />
      <Tile
        label="Subscriptions"
        value={short(it?.subscriptions)}
        note={counted(it?.topics, 'topic filter', 'topic filters')}
      />
      <Tile
        label="Processor"
        value={it === null ? '–' : `${Math.round(it.cpu_percent)} %`}
        note="100 % is one core"
      />
      <Tile
        label="Memory"
        value={bytes(it?.resident_bytes)}
        note={`${bytes(it?.storage_bytes)} on disk`}
      />
    </div>
  );
}

function Plots({ samples }: { readonly samples: readonly Sample[] }) {
  const times = samples.map(({ time_stamp }) => time_stamp);
  const rate = (label: string, name: keyof Sample): Line => ({
    label,
    values: samples.map((one) => (one[name] as number) / Math.max(1, one.seconds)),
  });
  const gauge = (label: string, name: keyof Sample): Line => ({
    label,
    values: samples.map((one) => one[name] as number),
  });
  return (
    <div class="grid plots">
      <Plot
        title="Messages"
        times={times}
        format={RATE}
        lines={[rate('in', 'received'), rate('out', 'sent')]}
      />
      <Plot
        title="Clients"
        times={times}
        format={count}
        lines={[
          gauge('connected', 'live_connections'),
          gauge('waiting', 'disconnected_durable_sessions'),
        ]}
      />
      <Plot
        title="Acknowledged"
        times={times}
        format={RATE}
        lines={[
          { label: 'came at QoS 1, 2', values: samples.map(askedIn) },
          rate('acknowledged', 'acknowledged'),
        ]}
      />
      <Plot
        title="Records of the log"
        times={times}
        format={RATE}
        lines={[rate('written', 'persisted'), rate('synced', 'synced_records')]}
      />
      <Plot
        title="fsync"
        times={times}
        format={MS}
        lines={[gauge('p99', 'fsync_p99_ms'), gauge('longest', 'fsync_max_ms')]}
      />
      <Plot
        title="Records that an fsync makes safe"
        times={times}
        format={short}
        lines={[{ ...gauge('group', 'fsync_group'), isFilled: true }]}
      />
      <Plot
        title="Event loop lag"
        times={times}
        format={MS}
        lines={[gauge('p99', 'event_loop_lag_p99_ms'), gauge('longest', 'event_loop_lag_max_ms')]}
      />
      <Plot title="Dropped" times={times} format={RATE} lines={dropLines(samples)} />
      <Plot
        title="Waiting in queues"
        times={times}
        format={short}
        lines={[{ ...gauge('messages', 'queued_messages'), isFilled: true }]}
      />
    </div>
  );
}

/** Messages a second that ask for an acknowledgement. */
function askedRate({ received_qos1_rate: one, received_qos2_rate: two }: Current): number {
  return one + two;
}

function askedIn({ received_qos1: one, received_qos2: two, seconds }: Sample): number {
  return (one + two) / Math.max(1, seconds);
}

/** What is dropped that should not be: that nothing is kept at QoS 0 for who is away is as it should be. */
function lostRate({ dropped_rate_by_reason: rates }: Current): number {
  return Object.entries(rates).reduce(
    (sum, [reason, rate]) => (reason === 'not-connected' ? sum : sum + rate),
    0,
  );
}

/** Reasons for which something was dropped in the hour, the most first. */
function dropLines(samples: readonly Sample[]): Line[] {
  const sums = new Map<string, number>();
  for (const { dropped_by_reason } of samples) {
    for (const [reason, dropped] of Object.entries(dropped_by_reason)) {
      if (dropped > 0) sums.set(reason, (sums.get(reason) ?? 0) + dropped);
    }
  }
  const reasons = [...sums].sort((a, b) => b[1] - a[1]).map(([reason]) => reason);
  if (reasons.length === 0) return [{ label: 'nothing', values: samples.map(() => 0) }];
  return reasons.slice(0, 6).map((reason) => ({
    label: reason,
    values: samples.map(
      ({ dropped_by_reason, seconds }) => (dropped_by_reason[reason] ?? 0) / Math.max(1, seconds),
    ),
  }));
}

function dropsText(current: Current | null): string {
  const drops = Object.entries(current?.dropped_rate_by_reason ?? {}).filter(
    ([, rate]) => rate > 0,
  );
  if (drops.length === 0) return current === null ? ' ' : 'nothing';
  drops.sort((a, b) => b[1] - a[1]);
  return drops.map(([reason, rate]) => `${reason} ${RATE(rate)}`).join(', ');
}

function toneOf(value: number | undefined, warn: number, bad: number): Tone {
  if (value === undefined || value < warn) return 'plain';
  return value < bad ? 'warn' : 'bad';
}

export const overviewPage: Page = {
  path: '/',
  title: 'Overview',
  menu: { group: 'Watch', key: 'o' },
  View: Overview,
};
