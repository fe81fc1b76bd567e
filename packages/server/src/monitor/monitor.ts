import type { DropReason } from '@promptmq/session';
import type { Listener } from '../listeners/listener.ts';
import type {
  SlowSubscriber,
  StorageMetricsSource,
  TopicMetric,
  TopicMetricChange,
  TopicMetrics,
} from '../observability/index.ts';
import { type Alarm, AlarmBook } from './alarms/alarm-book.ts';
import { conditionsOf } from './alarms/conditions.ts';
import { QueuesWatch } from './alarms/queues-watch.ts';
import { Analytics } from './analytics/analytics.ts';
import type { AnalyticsQuestion, AnalyticsReport } from './analytics/report.ts';
import { type MonitorSource, type MonitorValues, SampleLayout } from './fields.ts';
import type { MonitoredBroker } from './host.ts';
import type { ProcessWindow } from './process-window.ts';
import { type RingRow, SampleRing } from './sample-ring.ts';
import { slowestSubscribers } from './slowest.ts';
import { SyncWindow } from './sync-window.ts';

/** How often a sample is taken, and for how long each is kept. */
export const SAMPLE_SECONDS = 10;
const SAMPLES_MAX = 360;
/** Six of them together are kept for a day. */
const SAMPLES_A_MINUTE = 6;
const MINUTES_MAX = 1440;

/** What is asked for just now is of this time at least: of less, rates say little. */
const CURRENT_MS_MIN = 2000;

/** The figures of a stretch of time. */
export interface MonitorSample {
  /** When it ended, in milliseconds since 1970. */
  readonly time: number;
  /** How long it was. */
  readonly seconds: number;
  readonly values: MonitorValues;
  /** What was dropped, by reason. */
  readonly drops: Readonly<Record<DropReason, number>>;
}

/** The most there was of something, seen at any sample. */
export interface Watermarks {
  readonly connections: number;
  readonly sessions: number;
  readonly subscriptions: number;
  readonly sharedGroups: number;
  readonly filters: number;
  readonly retained: number;
}

/** A client for which much waits, and for how long something has. */
export interface SlowSubscription extends SlowSubscriber {
  /** Milliseconds, as far as that was seen: to some seconds. */
  readonly waitingMs: number;
}

/** What a broker knows of how it does. */
export interface BrokerMonitor {
  /**
   * Begins to keep figures and to look for alarms, each 10 seconds, unless `monitor.enabled` is false. Whoever serves the admin
   * API does so; it may be called again.
   */
  start(): void;
  /** Whether it keeps figures. */
  readonly isRunning: boolean;
  /** The figures of the last seconds, until now: at least 2, mostly less than 12. */
  current(): MonitorSample;
  /** Those of the time before, oldest first: each of 10 seconds, or of a minute where more than an hour is asked for, a day at most. */
  latest(seconds: number): MonitorSample[];
  readonly watermarks: Watermarks;
  /** Those that are active now, in the order in which they began. */
  readonly alarms: readonly Alarm[];
  /** Those that are over, the latest first, 500 at most. */
  readonly pastAlarms: readonly Alarm[];
  forgetPastAlarms(): void;
  /** As `slowSubscribers`, some sessions in each turn, so that nobody waits for it. */
  slowSubscriptions(limit: number): Promise<SlowSubscription[]>;
  /** The topic filters by which messages are counted. */
  readonly topicMetrics: readonly TopicMetric[];
  /** Counts by one more, until the process ends. */
  addTopicMetric(filter: string): TopicMetricChange;
  /** Ends it, where it isn't in `metrics.topics`. */
  removeTopicMetric(filter: string): TopicMetricChange;
  /** Begins to count anew; null for all. */
  resetTopicMetrics(filter: string | null): TopicMetricChange;
  /** Who and what has most of the messages. */
  analytics(question: AnalyticsQuestion): AnalyticsReport;
}

/** What a monitor is made of. */
export interface MonitorParts {
  readonly listeners: readonly Listener[];
  readonly topicMetrics: TopicMetrics;
  /** Null where nothing outlives the process. */
  readonly storage: StorageMetricsSource | null;
  /** Looks at the process, from now on. */
  readonly openProcess: () => ProcessWindow;
  /** 0 to below 1. */
  readonly random: () => number;
}

/**
 * Takes the broker's figures at an interval, keeps them, and derives alarms from them.
 *
 * Invariant: it has a timer, and looks at the process, exactly while it runs.
 */
export class Monitor implements BrokerMonitor {
  readonly #broker: MonitoredBroker;
  readonly #parts: MonitorParts;
  readonly #layout: SampleLayout;
  readonly #samples: SampleRing;
  readonly #minutes: SampleRing;
  readonly #book: AlarmBook;
  readonly #queues: QueuesWatch;
  readonly #analytics: Analytics;
  #source: MonitorSource | null;
  #totals: Float64Array;
  #totalsAt: number;
  #sampleCount: number;
  #watermarks: Watermarks;
  #cancelTimer: () => void;
  #isStopped: boolean;

  constructor(broker: MonitoredBroker, parts: MonitorParts) {
    this.#broker = broker;
    this.#parts = parts;
    this.#layout = new SampleLayout(Object.keys(broker.stats.dropped) as DropReason[]);
    this.#samples = new SampleRing(this.#layout.width, SAMPLES_MAX);
    this.#minutes = new SampleRing(this.#layout.width, MINUTES_MAX);
    const { log } = broker;
    this.#book = new AlarmBook({
      onRaised: ({ name, message, remedy }) =>
        log.warn('alarm-raised', { alarm: name, message, remedy }),
      onCleared: ({ name, activatedAt, deactivatedAt }) =>
        log.info('alarm-cleared', {
          alarm: name,
          seconds: Math.round(((deactivatedAt ?? activatedAt) - activatedAt) / 1000),
        }),
    });
    this.#queues = new QueuesWatch(broker);
    this.#analytics = new Analytics(broker, parts.random);
    this.#source = null;
    this.#totals = new Float64Array(this.#layout.width);
    this.#totalsAt = 0;
    this.#sampleCount = 0;
    this.#watermarks = {
      connections: 0,
      sessions: 0,
      subscriptions: 0,
      sharedGroups: 0,
      filters: 0,
      retained: 0,
    };
    this.#cancelTimer = () => {};
    this.#isStopped = false;
  }

  get isRunning(): boolean {
    return this.#source !== null;
  }

  start(): void {
    const { config, runtime } = this.#broker;
    if (this.isRunning || this.#isStopped || config.monitor.enabled === false) return;
    const { listeners, storage, openProcess } = this.#parts;
    this.#source = {
      broker: this.#broker,
      listeners,
      storage,
      syncs: storage === null ? null : new SyncWindow(storage.stats),
      process: openProcess(),
    };
    this.#totals = this.#layout.read(this.#source);
    this.#totalsAt = runtime.uptimeMs;
    this.#noteWatermarks(this.#layout.valuesOf(this.#totals));
    this.#schedule();
  }

  /** The broker serves: begins what is to run from the start. */
  serve(): void {
    if (this.#broker.config.monitor.enabled === true) this.start();
    this.#analytics.refresh();
  }

  /** The configuration was changed. */
  reconfigure(): void {
    if (!this.#isStopped) this.#analytics.refresh();
  }

  /** For good. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
    this.#source?.process.stop();
    this.#source?.syncs?.stop();
    this.#source = null;
    this.#analytics.stop();
  }

  #schedule(): void {
    this.#cancelTimer = this.#broker.runtime.setTimer(1000 * SAMPLE_SECONDS, () => {
      this.#schedule();
      this.#broker.faults.contain(null, 'observing', () => this.#sample());
    });
  }

  #sample(): void {
    const source = this.#source as MonitorSource;
    const { runtime } = this.#broker;
    const { row, seconds, totals, at } = this.#read(source);
    this.#totals = totals;
    this.#totalsAt = at;
    source.process.begin();
    source.syncs?.begin();
    const now = runtime.wallNow();
    this.#samples.push(now, seconds, row);
    this.#sampleCount++;
    if (this.#sampleCount % SAMPLES_A_MINUTE === 0) {
      const minute = this.#samples.last(SAMPLES_A_MINUTE);
      this.#minutes.push(now, secondsOf(minute), this.#together(minute));
    }
    this.#parts.topicMetrics.sample(seconds);
    this.#noteWatermarks(this.#layout.valuesOf(row));
    this.#queues.look();
    this.#book.update(this.#conditions(source, row), now);
  }

  #conditions(source: MonitorSource, row: Float64Array) {
    const minute = this.#together(this.#samples.last(SAMPLES_A_MINUTE));
    return conditionsOf({
      source,
      latest: this.#layout.valuesOf(row),
      minute: this.#layout.valuesOf(minute),
      drops: this.#layout.dropsOf(minute),
      filling: this.#queues.filling,
    });
  }

  #together(samples: readonly RingRow[]): Float64Array {
    return this.#layout.together(samples.map(({ row }) => row));
  }

  /** What there is since the last sample. */
  #read(source: MonitorSource) {
    const at = this.#broker.runtime.uptimeMs;
    const totals = this.#layout.read(source);
    const seconds = Math.max(0.001, (at - this.#totalsAt) / 1000);
    return { row: this.#layout.between(this.#totals, totals), seconds, totals, at };
  }

  // ------------------------------------------------------------------ answers

  current(): MonitorSample {
    const source = this.#source;
    const time = this.#broker.runtime.wallNow();
    if (source === null)
      return this.#shown({ time, seconds: 0, row: this.#totals.slice().fill(0) });
    const { row, seconds } = this.#read(source);
    const [last] = this.#samples.last(1);
    if (1000 * seconds >= CURRENT_MS_MIN || last === undefined) {
      return this.#shown({ time, seconds, row });
    }
    const both = this.#layout.together([last.row, row]);
    return this.#shown({ time, seconds: last.seconds + seconds, row: both });
  }

  latest(seconds: number): MonitorSample[] {
    const isLong = seconds > SAMPLES_MAX * SAMPLE_SECONDS;
    const ring = isLong ? this.#minutes : this.#samples;
    const count = Math.ceil(seconds / (isLong ? 60 : SAMPLE_SECONDS));
    return ring.last(count).map((row) => this.#shown(row));
  }

  #shown({ time, seconds, row }: RingRow): MonitorSample {
    const { valuesOf, dropsOf } = this.#layout;
    return {
      time,
      seconds,
      values: valuesOf.call(this.#layout, row),
      drops: dropsOf.call(this.#layout, row),
    };
  }

  get watermarks(): Watermarks {
    const source = this.#source;
    if (source !== null) this.#noteWatermarks(this.#layout.valuesOf(this.#layout.read(source)));
    return { ...this.#watermarks, connections: this.#broker.stats.connectionsMaximum };
  }

  #noteWatermarks(now: MonitorValues): void {
    const names = Object.keys(this.#watermarks) as (keyof Watermarks)[];
    this.#watermarks = Object.fromEntries(
      names.map((name) => [name, Math.max(this.#watermarks[name], now[name])]),
    ) as unknown as Watermarks;
  }

  get alarms(): readonly Alarm[] {
    return this.#book.active;
  }

  get pastAlarms(): readonly Alarm[] {
    return this.#book.past;
  }

  forgetPastAlarms(): void {
    this.#book.forgetPast();
  }

  async slowSubscriptions(limit: number): Promise<SlowSubscription[]> {
    const slowest = await slowestSubscribers(this.#broker, limit);
    return slowest.map((one) => ({ ...one, waitingMs: this.#queues.waitingMs(one.clientId) }));
  }

  get topicMetrics(): readonly TopicMetric[] {
    return this.#parts.topicMetrics.list();
  }

  addTopicMetric(filter: string): TopicMetricChange {
    return this.#parts.topicMetrics.add(filter);
  }

  removeTopicMetric(filter: string): TopicMetricChange {
    return this.#parts.topicMetrics.remove(filter);
  }

  resetTopicMetrics(filter: string | null): TopicMetricChange {
    return this.#parts.topicMetrics.reset(filter);
  }

  analytics(question: AnalyticsQuestion): AnalyticsReport {
    if (this.#isStopped) throw new Error('the broker has stopped');
    return this.#analytics.report(question);
  }
}

function secondsOf(samples: readonly RingRow[]): number {
  return samples.reduce((sum, { seconds }) => sum + seconds, 0);
}
