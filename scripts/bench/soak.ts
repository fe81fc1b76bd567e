/**
 * A long run at a part of the maximum, with everything that comes and goes.
 *
 *   node scripts bench/soak [options]
 *
 * Finds the maximum of a broker in its own process, then publishes at a part of it (QoS 0, 1 and 2, wildcards,
 * shared subscriptions) while clients connect and leave, subscribe and unsubscribe, retain and clear, and durable
 * sessions go away and come back to their queues. Exits with 1 when a message of a stream is missing, doubled or
 * out of order, when the broker's counters differ from the generator's, or when memory or p99 have grown from
 * the second to the last quarter. Takes the time given and about half a minute.
 *
 *   --minutes N         how long, after the calibration (30)
 *   --share PART        of the maximum (0.7)
 *   --rate N            messages a second, instead of a part of the maximum
 *   --interval SECONDS  between two lines of progress (10)
 *   --visits N          clients that come and go in a second (20)
 *   --render            measure nothing: judge and describe the stored results again
 *   --write             write docs/performance/soak*.svg, soak.json and the section of docs/performance.md
 */
import type { LineChart, SoakReport, SoakSample } from '../../packages/bench/dist/index.js';
import { positiveNumber, readArguments, runMain } from '../lib/arguments.ts';
import { messageOf } from '../lib/errors.ts';
import {
  formatBytes,
  formatCount,
  formatMicros,
  lineChart,
  parseTarget,
  soak,
  steadiness,
} from './lib/bench-package.ts';
import { pinSelf, promptmq, startBroker } from './lib/brokers.ts';
import { readResults, writeSection } from './lib/document.ts';
import { machine, median, table } from './lib/report.ts';

const { values } = readArguments(import.meta.url, {
  options: {
    minutes: { type: 'string', default: '30' },
    share: { type: 'string', default: '0.7' },
    rate: { type: 'string' },
    interval: { type: 'string', default: '10' },
    visits: { type: 'string', default: '20' },
    render: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const minutes = positiveNumber('--minutes', values.minutes);
const share = positiveNumber('--share', values.share);
const interval = positiveNumber('--interval', values.interval);
const visits = positiveNumber('--visits', values.visits);
const rate = values.rate === undefined ? null : positiveNumber('--rate', values.rate);

/** What is stored of a run. */
interface SoakResults extends SoakReport {
  readonly taken: string;
  readonly machine: string;
  readonly minutes: number;
  readonly share: number;
}

await runMain('soak', main);

async function main(): Promise<void> {
  if (values.render) {
    const stored = readResults<SoakResults>('soak');
    if (stored === null) throw new Error('there are no results yet');
    render(stored);
    return;
  }
  pinSelf();
  const broker = promptmq(['--sys-interval', '0', '--max-inflight', '1000']);
  const running = await startBroker(broker);
  try {
    const report = await soak(parseTarget(running.url), {
      seconds: minutes * 60,
      ratePerSecond: rate,
      shareOfMaximum: share,
      intervalSeconds: Math.min(interval, minutes * 60),
      churn: { visitsPerSecond: visits },
      brokerPid: running.pid,
      metricsUrl: running.metricsUrl,
      onPhase: (phase) => console.error(`soak: ${phase}`),
      onSample: (sample) => console.error(`soak: ${progressLine(sample)}`),
    });
    const results = {
      taken: new Date().toISOString(),
      machine: machine(),
      minutes,
      share,
      ...report,
    };
    const generated = describe(results);
    console.log(generated);
    if (values.write) writeSection('soak', results, generated, plots(results.samples));
    const failed = report.checks.filter(({ isPassed }) => !isPassed);
    if (failed.length > 0) {
      throw new Error(failed.map(({ name, detail }) => `failed: ${name} (${detail})`).join('; '));
    }
  } catch (error) {
    throw new Error(running.failure() ?? messageOf(error));
  } finally {
    await running.stop();
  }
}

/** Judges and describes stored results again. */
function render(stored: SoakResults): void {
  const measured = stored.checks.filter(({ name }) => !/ stays?\b/.test(name));
  const results = { ...stored, checks: [...measured, ...steadiness(stored.samples)] };
  writeSection('soak', results, describe(results), plots(results.samples));
}

function progressLine(sample: SoakSample): string {
  const { seconds, sentPerSecond, receivedPerSecond, p50, p99, redelivered, visits, returns } =
    sample;
  const { residentBytes, heapUsedBytes, brokerCpu, generatorCpu } = sample;
  return [
    `${Math.round(seconds)} s`,
    `${formatCount(sentPerSecond)}/s in, ${formatCount(receivedPerSecond)}/s out`,
    `p50 ${formatMicros(p50)}, p99 ${formatMicros(p99)}`,
    `memory ${formatBytes(residentBytes ?? 0)}, heap ${formatBytes(heapUsedBytes ?? 0)}`,
    `CPU ${percent(brokerCpu ?? 0)}, generator ${percent(generatorCpu)}`,
    `${visits} visits, ${returns} returns, ${redelivered} redelivered`,
  ].join('; ');
}

function describe(results: SoakResults): string {
  const { maximumPerSecond, ratePerSecond, sent, received, redelivered, connects, churn } = results;
  const { samples, checks, skippedSeconds } = results;
  const of =
    maximumPerSecond === null
      ? ''
      : `, ${Math.round((100 * ratePerSecond) / maximumPerSecond)} % of the ${formatCount(maximumPerSecond)} that were possible`;
  const skipped =
    skippedSeconds === 0
      ? ''
      : ` ${skippedSeconds} seconds of the schedule were left out because the machine stood still.`;
  return [
    `Taken on ${results.taken.slice(0, 10)}: ${results.machine}; ${results.minutes} minutes at ${formatCount(ratePerSecond)} messages a second${of}, by \`node scripts bench/soak --minutes ${results.minutes} --write\`.`,
    '',
    `${sent.toLocaleString('en')} messages were sent and ${received.toLocaleString('en')} received, ${redelivered.toLocaleString('en')} of them again after a cut; ${connects.toLocaleString('en')} connections, ${churn.returns.toLocaleString('en')} returns of durable sessions, ${churn.retained.toLocaleString('en')} retained messages set and cleared, ${churn.toggles.toLocaleString('en')} subscriptions that came and went.${skipped}`,
    '',
    table(
      ['check', 'passed', 'found'],
      checks.map(({ name, isPassed, detail }) => [name, isPassed ? 'yes' : '**no**', detail]),
    ),
    '',
    timeTable(samples),
    '',
    '![Throughput over time](performance/soak-throughput.svg)',
    '![Latency over time](performance/soak-latency.svg)',
    '![Memory over time](performance/soak-memory.svg)',
  ].join('\n');
}

/** Medians of each minute, at most twelve of them in equal distances. */
function timeTable(samples: readonly SoakSample[]): string {
  const minutes = groupByMinute(samples);
  const all = [...minutes.entries()];
  const step = Math.ceil(all.length / 12);
  const shown = all.filter((_, index) => index % step === 0 || index === all.length - 1);
  return table(
    ['minute', 'sent', 'received', 'p50', 'p99', 'max', 'memory', 'heap', 'log', 'CPU'],
    shown.map(([minute, group]) => {
      const of = (read: (sample: SoakSample) => number | null) =>
        median(group.map((sample) => read(sample) ?? 0));
      return [
        String(minute + 1),
        `${formatCount(of((sample) => sample.sentPerSecond))}/s`,
        `${formatCount(of((sample) => sample.receivedPerSecond))}/s`,
        formatMicros(of(({ p50 }) => p50)),
        formatMicros(of(({ p99 }) => p99)),
        formatMicros(Math.max(...group.map(({ max }) => max))),
        formatBytes(of(({ residentBytes }) => residentBytes)),
        formatBytes(of(({ heapUsedBytes }) => heapUsedBytes)),
        formatBytes(of(({ logBytes }) => logBytes)),
        percent(of(({ brokerCpu }) => brokerCpu)),
      ];
    }),
  );
}

function minuteOf({ seconds }: SoakSample): number {
  return Math.ceil(seconds / 60 - 0.01) - 1;
}

function groupByMinute(samples: readonly SoakSample[]): ReadonlyMap<number, readonly SoakSample[]> {
  const groups = new Map<number, SoakSample[]>();
  for (const sample of samples) {
    const minute = minuteOf(sample);
    const group = groups.get(minute);
    if (group === undefined) groups.set(minute, [sample]);
    else group.push(sample);
  }
  return groups;
}

function plots(samples: readonly SoakSample[]): Readonly<Record<string, string>> {
  const series = (name: string, read: (sample: SoakSample) => number) => ({
    name,
    points: samples.map((sample) => [sample.seconds / 60, read(sample)] as const),
  });
  const chart = (
    title: string,
    yTitle: string,
    formatY: (value: number) => string,
    ...lines: LineChart['series'][number][]
  ) =>
    lineChart({ title, xTitle: 'minutes', yTitle, series: lines, formatX: shortNumber, formatY });
  const megabytes = (bytes: number | null) => (bytes ?? 0) / 1_048_576;
  return {
    'soak-throughput.svg': chart(
      'Soak: throughput',
      'messages a second',
      formatCount,
      series('sent', (sample) => sample.sentPerSecond),
      series('received', (sample) => sample.receivedPerSecond),
    ),
    'soak-latency.svg': chart(
      'Soak: latency',
      'from when a message was due to its arrival',
      formatMicros,
      series('p50', ({ p50 }) => p50),
      series('p99', ({ p99 }) => p99),
    ),
    'soak-memory.svg': chart(
      'Soak: memory of the broker',
      'MB',
      shortNumber,
      series('resident', ({ residentBytes }) => megabytes(residentBytes)),
      series('heap in use', ({ heapUsedBytes }) => megabytes(heapUsedBytes)),
    ),
  };
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
