import { BenchError } from '../bench-error.ts';
import type { Target } from '../client/target.ts';
import { elapse } from '../load/clock.ts';
import { checkBrokerPid } from '../load/run.ts';
import { Histogram } from '../report/histogram.ts';
import { type ProcessUsage, readProcessUsage } from '../report/process-usage.ts';
import { formatCount } from '../report/table.ts';
import { inconsistencies, leftovers, type Metrics, scrape } from './broker-metrics.ts';
import { Cast } from './cast.ts';
import { Churn, type ChurnCounts, type ChurnOptions } from './churn.ts';
import { Pump } from './pump.ts';
import { Problems } from './receiver.ts';
import { openTraffic, type Sizes, type Traffic } from './traffic.ts';
import { type Check, type SoakSample, steadiness } from './verdict.ts';

export interface SoakOptions {
  readonly seconds: number;
  /** Messages a second of those that flow all the while; null finds the maximum and takes a part of it. */
  readonly ratePerSecond?: number | null;
  /** That part. */
  readonly shareOfMaximum?: number;
  readonly calibrationSeconds?: number;
  readonly intervalSeconds?: number;
  /** How long nothing may come before what is missing counts as lost. */
  readonly drainSeconds?: number;
  /** The broker's process, to watch its memory. */
  readonly brokerPid?: number | null;
  /** Where the broker's metrics are, to watch its heap and to compare its counters. */
  readonly metricsUrl?: string | null;
  readonly sizes?: Partial<Sizes>;
  readonly churn?: Partial<ChurnOptions>;
  readonly onPhase?: (phase: string) => void;
  readonly onSample?: (sample: SoakSample) => void;
}

export interface SoakReport {
  /** Null where it was not looked for. */
  readonly maximumPerSecond: number | null;
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly sent: number;
  readonly received: number;
  readonly redelivered: number;
  readonly connects: number;
  readonly churn: ChurnCounts;
  /** Seconds that were left out of the schedule because the broker or the machine stood still. */
  readonly skippedSeconds: number;
  readonly problems: Problems['counts'];
  readonly samples: readonly SoakSample[];
  readonly checks: readonly Check[];
}

const SIZES: Sizes = {
  qos0Pairs: 12,
  qos1Pairs: 10,
  qos2Pairs: 4,
  wildcardPublishers: 4,
  wildcardSubscribers: 2,
  sharedPublishers: 4,
  sharedMembers: 3,
};

const CHURN: ChurnOptions = {
  visitsPerSecond: 20,
  retainedPerSecond: 5,
  togglesPerSecond: 5,
  durableSessions: 4,
  durableMs: 5000,
};

const WARM_UP_SECONDS = 2;
const STEP_MS = 20;
const DRAIN_SECONDS = 10;

/**
 * Publishes at a steady rate while clients come and go, sessions leave and return, subscriptions and
 * retained messages change; and accounts for every message. Nothing is left behind at the broker.
 *
 * @throws {BenchError} when the broker can't be reached, refuses, or closes a connection
 */
export async function soak(target: Target, options: SoakOptions): Promise<SoakReport> {
  checkBrokerPid(options.brokerPid ?? null);
  const run = new Soak(target, options);
  try {
    return await run.run();
  } finally {
    run.destroy();
  }
}

class Soak {
  readonly #options: SoakOptions;
  readonly #problems = new Problems();
  readonly #latency = new Histogram();
  readonly #cast: Cast;
  readonly #samples: SoakSample[] = [];
  #pump: Pump | null = null;
  #churn: Churn | null = null;
  #isOver = false;

  constructor(target: Target, options: SoakOptions) {
    this.#options = options;
    this.#cast = new Cast(target, this.#problems, this.#latency);
  }

  async run(): Promise<SoakReport> {
    const { onPhase = () => {}, metricsUrl = null } = this.#options;
    const cast = this.#cast;
    onPhase('connecting');
    const traffic = await openTraffic(cast, { ...SIZES, ...this.#options.sizes });
    const churn = new Churn(cast, traffic, { ...CHURN, ...this.#options.churn });
    this.#churn = churn;
    const pump = new Pump([...traffic.sources, ...(await churn.openDurables())]);
    this.#pump = pump;
    await churn.start();
    const orFail = <T>(promise: Promise<T>): Promise<T> =>
      Promise.race([promise, cast.failure, churn.failure as Promise<never>]);

    const given = this.#options.ratePerSecond ?? null;
    const maximum = given === null ? await orFail(this.#calibrate(pump, traffic, onPhase)) : null;
    const rate = given ?? (maximum as number) * (this.#options.shareOfMaximum ?? 0.7);
    const limit = maximum === null ? '' : ` of at most ${formatCount(maximum)}`;
    onPhase(`${formatCount(rate)} messages a second${limit}`);
    pump.start(rate);
    await orFail(elapse(WARM_UP_SECONDS * 1000));
    await orFail(this.#watch(churn));
    pump.stop();

    onPhase('waiting for the rest');
    await cast.inTime(churn.stop(), 'the end of all that comes and goes');
    await this.#settle(pump, traffic);
    for (const receiver of cast.receivers) receiver.close();
    for (const { stream, missing } of traffic.pools) {
      if (missing > 0) this.#problems.add('missing', missing, `${missing} of ${stream.name}`);
    }
    const { sent, received, redelivered, connects } = cast;
    const totals = { sent, received, redelivered, connects };
    const differences =
      metricsUrl === null
        ? null
        : inconsistencies(await scrape(metricsUrl), { ...totals, open: cast.open });
    await churn.endDurables();
    await cast.leaveAll();
    const left = metricsUrl === null ? null : await this.#leftBehind(metricsUrl);
    return {
      maximumPerSecond: maximum,
      ratePerSecond: rate,
      seconds: this.#options.seconds,
      ...totals,
      churn: churn.counts,
      skippedSeconds: pump.skippedSeconds,
      problems: this.#problems.counts,
      samples: this.#samples,
      checks: [
        ...this.#accounts(),
        ...listCheck('the broker counts the same', differences),
        ...listCheck('nothing is left behind', left),
        ...steadiness(this.#samples),
      ],
    };
  }

  destroy(): void {
    this.#isOver = true;
    this.#pump?.stop();
    this.#churn?.abandon();
    this.#cast.cutAll();
  }

  /** The most that all sources together can send, each its share, so that it also arrives. */
  async #calibrate(
    pump: Pump,
    traffic: Traffic,
    onPhase: (phase: string) => void,
  ): Promise<number> {
    const { calibrationSeconds = 6 } = this.#options;
    onPhase(`looking for the maximum, ${calibrationSeconds} seconds`);
    const run = async (seconds: number) => {
      const [before, startMs] = [pump.sent, performance.now()];
      pump.start(null);
      await elapse(seconds * 1000);
      pump.stop();
      await this.#drain(pump, traffic, false);
      return ((pump.sent - before) * 1000) / (performance.now() - startMs);
    };
    await run(WARM_UP_SECONDS);
    const perSecond = await run(calibrationSeconds);
    if (perSecond === 0) throw new BenchError('the broker took no message in the calibration');
    return perSecond;
  }

  /** Takes a sample after each interval, until the time is over. */
  async #watch(churn: Churn): Promise<void> {
    const { seconds, intervalSeconds = 10, brokerPid = null, onSample } = this.#options;
    const startMs = performance.now();
    let before = this.#look(brokerPid);
    this.#latency.reset();
    for (let end = intervalSeconds; ; end += intervalSeconds) {
      const wanted = Math.min(end, seconds);
      await elapse(Math.max(0, startMs + wanted * 1000 - performance.now()));
      if (this.#isOver) return;
      const now = this.#look(brokerPid);
      const metrics = await this.#scrape();
      const took = (now.atMs - before.atMs) / 1000;
      const { p50, p99, max } = this.#latency.percentiles();
      this.#latency.reset();
      const sample: SoakSample = {
        seconds: (now.atMs - startMs) / 1000,
        sentPerSecond: (now.sent - before.sent) / took,
        receivedPerSecond: (now.received - before.received) / took,
        p50,
        p99,
        max,
        residentBytes: now.broker?.residentBytes ?? null,
        heapUsedBytes: metrics?.get('promptmq_system_memory_usage_bytes{kind="heap-used"}') ?? null,
        logBytes: metrics?.get('promptmq_storage_usage_bytes') ?? null,
        brokerCpu:
          now.broker === null || before.broker === null
            ? null
            : (now.broker.cpuSeconds - before.broker.cpuSeconds) / took,
        generatorCpu: (now.cpuMicros - before.cpuMicros) / (took * 1e6),
        redelivered: this.#cast.redelivered,
        visits: churn.counts.visits,
        returns: churn.counts.returns,
      };
      this.#samples.push(sample);
      onSample?.(sample);
      before = now;
      if (end >= seconds) return;
    }
  }

  #look(brokerPid: number | null) {
    const { user, system } = process.cpuUsage();
    const broker: ProcessUsage | null = brokerPid === null ? null : readProcessUsage(brokerPid);
    const { sent, received } = this.#cast;
    return { atMs: performance.now(), sent, received, cpuMicros: user + system, broker };
  }

  async #scrape(): Promise<Metrics | null> {
    const { metricsUrl = null } = this.#options;
    return metricsUrl === null ? null : scrape(metricsUrl);
  }

  async #settle(pump: Pump, traffic: Traffic): Promise<void> {
    await this.#drain(pump, traffic, true);
    await this.#settleCounters();
  }

  /**
   * Resolves when all has come and is acknowledged, or when nothing has come for a while.
   *
   * @param isComplete - whether to wait for those as well that may be away
   */
  async #drain(pump: Pump, { pools }: Traffic, isComplete: boolean): Promise<void> {
    const { drainSeconds = DRAIN_SECONDS } = this.#options;
    let quietMs = 0;
    let seen = -1;
    while (quietMs < drainSeconds * 1000) {
      let missing = pools.reduce((sum, pool) => sum + pool.missing, 0);
      for (const { outstanding, mayBeAway } of this.#cast.receivers) {
        if (isComplete || !mayBeAway) missing += outstanding;
      }
      if (missing === 0 && pump.unacked === 0) return;
      const progress = this.#cast.received - pump.unacked;
      quietMs = progress === seen ? quietMs + STEP_MS : 0;
      seen = progress;
      await Promise.race([elapse(STEP_MS), this.#cast.failure]);
    }
  }

  /** The last acknowledgements of subscribers are on their way: waits until the broker has them all. */
  async #settleCounters(): Promise<void> {
    const { drainSeconds = DRAIN_SECONDS } = this.#options;
    const endMs = performance.now() + drainSeconds * 1000;
    while (performance.now() < endMs) {
      const metrics = await this.#scrape();
      const of = (name: string) => metrics?.get(`promptmq_messages_${name}`) ?? 0;
      if (of('inflight') + of('queued') === 0) return;
      await elapse(STEP_MS);
    }
  }

  /** A connection that was closed here takes a moment to be closed there. */
  async #leftBehind(metricsUrl: string): Promise<readonly string[]> {
    const { drainSeconds = DRAIN_SECONDS } = this.#options;
    const endMs = performance.now() + drainSeconds * 1000;
    for (;;) {
      const lines = leftovers(await scrape(metricsUrl));
      if (lines.length === 0 || performance.now() > endMs) return lines;
      await elapse(STEP_MS);
    }
  }

  #accounts(): readonly Check[] {
    const { counts, described } = this.#problems;
    const check = (name: string, kind: keyof Problems['counts']): Check => ({
      name,
      isPassed: counts[kind] === 0,
      detail: [String(counts[kind]), ...described.filter((line) => line.startsWith(kind))].join(
        '; ',
      ),
    });
    return [
      check('nothing is missing', 'missing'),
      check('nothing comes twice', 'duplicate'),
      check('all comes in order', 'disorder'),
      check('nothing comes that was not asked for', 'unexpected'),
    ];
  }
}

/** Null where it can't be checked. */
function listCheck(name: string, lines: readonly string[] | null): readonly Check[] {
  if (lines === null) return [];
  return [{ name, isPassed: lines.length === 0, detail: lines.join('; ') || 'yes' }];
}
