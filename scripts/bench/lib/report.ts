/** Medians of runs, and the tables of docs/performance.md made from them. */
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import type { Result } from '../../../packages/bench/dist/index.js';
import { formatBytes, formatCount, formatLoss, formatMicros } from './bench-package.ts';
import type { BrokerNote, Measured, Outcome, Row } from './results.ts';

/** CPU time counts in hundredths of a second: below this share of a core, it says little. */
const CPU_MIN = 0.05;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The runs of one scenario with one broker as one result: medians, but of the losses the largest. */
export function summarize(results: readonly Result[]): Measured {
  const of = (read: (result: Result) => number) => median(results.map(read));
  const [worst] = results.toSorted((a, b) => b.lost - a.lost);
  const middle = results.toSorted((a, b) => a.ratePerSecond - b.ratePerSecond)[results.length >> 1];
  if (worst === undefined || middle === undefined) throw new Error('nothing was measured');
  return {
    ...middle,
    ratePerSecond: of((result) => result.ratePerSecond),
    spread: spreadOf(results.map(({ ratePerSecond }) => ratePerSecond)),
    lost: worst.lost,
    expected: worst.expected,
    latency: medians(results.map(({ latency }) => latency)),
    generator: {
      cpu: of(({ generator }) => generator.cpu),
      lateP99: of(({ generator }) => generator.lateP99),
      isLimit: results.filter(({ generator }) => generator.isLimit).length * 2 > results.length,
    },
    broker: medians(results.map(({ broker }) => broker)),
    extra: medians(results.map(({ extra }) => extra)) ?? {},
  };
}

/** The median of each figure; null where one of the results has none. */
export function medians<T extends object>(all: readonly (T | null)[]): T | null {
  const [first] = all;
  const known = all.filter((one) => one !== null);
  if (first == null || known.length < all.length) return null;
  const figures = Object.keys(first).map((key) => {
    const name = key as keyof T;
    return [key, median(known.map((one) => one[name] as number))];
  });
  return Object.fromEntries(figures) as T;
}

/** Half of the distance between the lowest and the highest, as a part of the median. */
function spreadOf(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / 2 / Math.max(1e-9, median(values));
}

/** A table in Markdown with aligned columns; the first is to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) =>
    Math.max(3, ...all.map((row) => row[column]?.length ?? 0)),
  );
  const cells = (row: readonly string[]) =>
    row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
  const line = (row: readonly string[]) => `| ${cells(row).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/**
 * @param rows - by scenario: `name`, and `outcomes` by broker, a summary or `{ failure }`
 * @param brokers - PromptMQ first
 */
export function throughputTable(rows: readonly Row[], brokers: readonly BrokerNote[]): string {
  const format = (outcome: Measured, rate: number | null) =>
    `${formatRate(outcome, rate)} ±${Math.round((outcome.spread ?? 0) * 100)} %`;
  return rateTable(rows, brokers, (outcome) => outcome.ratePerSecond, format);
}

/** By CPU time of the broker, where that is known and not too short to be measured. */
export function efficiencyTable(rows: readonly Row[], brokers: readonly BrokerNote[]): string {
  return rateTable(rows, brokers, ({ ratePerSecond, broker }) =>
    broker === null || broker.cpu < CPU_MIN ? null : ratePerSecond / broker.cpu,
  );
}

function rateTable(
  rows: readonly Row[],
  brokers: readonly BrokerNote[],
  read: (outcome: Measured) => number | null,
  format: (outcome: Measured, rate: number | null) => string = formatRate,
): string {
  const [own, ...peers] = brokers;
  const shown = rows.filter((row) => !isFixedRate(row));
  const head = ['scenario', 'counted', ...brokers.map(({ name }) => name)];
  for (const { name } of peers) head.push(`${own?.name} / ${name}`);
  return table(
    head,
    shown.map(({ name, outcomes }) => {
      const unit = outcomes.find((outcome) => outcome.failure === undefined)?.unit ?? '-';
      const rates = outcomes.map((outcome) =>
        outcome.failure === undefined ? read(outcome) : null,
      );
      const ratios = peers.map((_, index) => ratio(rates[0] ?? null, rates[index + 1] ?? null));
      const cells = outcomes.map((outcome, index) =>
        outcome.failure === undefined
          ? format(outcome, rates[index] ?? null)
          : formatRate(outcome, null),
      );
      return [name, unit, ...cells, ...ratios];
    }),
  );
}

export function latencyTable(rows: readonly Row[], brokers: readonly BrokerNote[]): string {
  const shown = rows.filter(isFixedRate);
  return table(
    ['scenario', 'broker', 'p50', 'p90', 'p99', 'p99.9', 'max', 'lost'],
    shown.flatMap(({ name, outcomes }) =>
      outcomes.map((outcome, index) => {
        const broker = brokers[index]?.name ?? '';
        if (outcome.failure !== undefined || outcome.latency === null) {
          return [name, broker, '-', '-', '-', '-', '-', '-'];
        }
        const { p50, p90, p99, p999, max } = outcome.latency;
        return [name, broker, ...[p50, p90, p99, p999, max].map(formatMicros), formatLoss(outcome)];
      }),
    ),
  );
}

/** Loss, CPU and memory of each broker. */
export function resourceTable(rows: readonly Row[], brokers: readonly BrokerNote[]): string {
  const head = ['scenario'];
  for (const { name } of brokers) head.push(`${name}: lost`, 'CPU', 'memory');
  return table(
    head,
    rows.map(({ name, outcomes }) => [
      name,
      ...outcomes.flatMap((outcome) => {
        if (outcome.isSkipped) return ['-', '-', '-'];
        if (outcome.failure !== undefined) return ['failed', '-', '-'];
        const { broker } = outcome;
        if (broker === null) return [formatLoss(outcome), '-', '-'];
        const cpu = [broker.cpu, outcome.generator.cpu]
          .map((share) => `${Math.round(share * 100)} %`)
          .join(' / ');
        return [formatLoss(outcome), cpu, formatBytes(broker.residentBytes)];
      }),
    ]),
  );
}

/** Lines on what the tables can't show. */
export function remarks(rows: readonly Row[], brokers: readonly BrokerNote[]): string {
  const lines: string[] = [];
  const waiting: string[] = [];
  for (const { name, outcomes } of rows) {
    const shown = outcomes.map((outcome, index) => ({
      outcome,
      broker: brokers[index]?.name ?? '',
    }));
    for (const { outcome, broker } of shown) {
      if (outcome.isSkipped) continue;
      if (outcome.failure !== undefined) lines.push(`- ${name}, ${broker}: ${outcome.failure}.`);
      else lines.push(...remarksOn(outcome).map((text) => `- ${name}, ${broker}: ${text}.`));
    }
    const idle = shown.filter(({ outcome }) => outcome.failure === undefined && isIdle(outcome));
    if (idle.length > 0) waiting.push(`${name} (${idle.map(({ broker }) => broker).join(', ')})`);
  }
  if (waiting.length > 0) {
    lines.push(
      `- Neither the broker nor the generator was busy, so that the window, the disk, or other processes were the limit: ${waiting.join('; ')}.`,
    );
  }
  return lines.join('\n');
}

function remarksOn({ scenario, generator, extra }: Measured): string[] {
  const texts: string[] = [];
  if (generator.isLimit) {
    texts.push(
      scenario.ratePerSecond === null
        ? 'the load generator was the limit'
        : `the load generator was late (${formatMicros(generator.lateP99)} at p99), and latencies are too high by that`,
    );
  }
  const bytes = extra['residentBytesPerConnection'];
  if (bytes !== undefined) texts.push(`${formatBytes(bytes)} of memory a connection`);
  const fill = extra['fillPerSecond'];
  if (fill !== undefined) {
    const [own, load] = [extra['fillBrokerCpu'] ?? 0, extra['fillGeneratorCpu'] ?? 0].map((share) =>
      Math.round(share * 100),
    );
    texts.push(
      `stored at ${formatCount(fill)}/s, with ${own} % of the broker's core and ${load} % of the generator's`,
    );
  }
  return texts;
}

/** As fast as possible, and with time left: below this share of a core, a broker waits for something. */
const BUSY_MIN = 0.85;

function isIdle({ broker, generator, scenario }: Measured): boolean {
  if (broker === null || scenario.ratePerSecond !== null) return false;
  return broker.cpu < BUSY_MIN && generator.cpu < BUSY_MIN;
}

export function isFixedRate({ outcomes }: Pick<Row, 'outcomes'>): boolean {
  return outcomes.some(
    (outcome) => outcome.failure === undefined && outcome.scenario.ratePerSecond !== null,
  );
}

function formatRate(outcome: Outcome, rate: number | null): string {
  if (outcome.isSkipped) return '-';
  if (outcome.failure !== undefined) return 'failed';
  if (rate === null) return '-';
  return `${formatCount(rate)}/s${outcome.lost > 0 ? ' !' : ''}`;
}

function ratio(own: number | null, peer: number | null): string {
  if (own === null || peer === null || peer === 0) return '-';
  const value = own / peer;
  return value < 10 ? value.toFixed(2) : value.toFixed(0);
}

/** What the figures were taken on. */
export function machine(): string {
  const [cpu] = cpus();
  const load = (loadavg()[0] ?? 0).toFixed(1);
  return `${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${type()} ${release()}, Node ${process.versions.node}, load at the end ${load}`;
}
