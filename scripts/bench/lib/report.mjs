/** Medians of runs, and the tables of docs/performance.md made from them. */
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { formatBytes, formatCount, formatLoss, formatMicros } from './bench-package.mjs';

/** CPU time counts in hundredths of a second: below this share of a core, it says little. */
const CPU_MIN = 0.05;

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The runs of one scenario with one broker as one result: medians, but of the losses the largest. */
export function summarize(results) {
  const of = (read) => median(results.map(read));
  const worst = results.toSorted((a, b) => b.lost - a.lost)[0];
  const [first] = results;
  const isLatencyKnown = results.every(({ latency }) => latency !== null);
  const isBrokerKnown = results.every(({ broker }) => broker !== null);
  return {
    ...results.toSorted((a, b) => a.ratePerSecond - b.ratePerSecond)[results.length >> 1],
    ratePerSecond: of((result) => result.ratePerSecond),
    spread: spreadOf(results.map(({ ratePerSecond }) => ratePerSecond)),
    lost: worst.lost,
    expected: worst.expected,
    latency: isLatencyKnown
      ? Object.fromEntries(
          Object.keys(first.latency).map((key) => [key, of((result) => result.latency[key])]),
        )
      : null,
    generator: {
      cpu: of(({ generator }) => generator.cpu),
      lateP99: of(({ generator }) => generator.lateP99),
      isLimit: results.filter(({ generator }) => generator.isLimit).length * 2 > results.length,
    },
    broker: isBrokerKnown
      ? {
          cpu: of(({ broker }) => broker.cpu),
          residentBytes: of(({ broker }) => broker.residentBytes),
          peakResidentBytes: of(({ broker }) => broker.peakResidentBytes),
        }
      : null,
    extra: Object.fromEntries(
      Object.keys(first.extra).map((key) => [key, of(({ extra }) => extra[key])]),
    ),
  };
}

/** Half of the distance between the lowest and the highest, as a part of the median. */
function spreadOf(values) {
  return (Math.max(...values) - Math.min(...values)) / 2 / Math.max(1e-9, median(values));
}

/** A table in Markdown with aligned columns; the first is to the left, the others to the right. */
export function table(head, rows) {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column].length)));
  const line = (row) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/**
 * @param rows - by scenario: `name`, and `outcomes` by broker, a summary or `{ failure }`
 * @param brokers - PromptMQ first
 */
export function throughputTable(rows, brokers) {
  const format = (outcome, rate) =>
    `${formatRate(outcome, rate)} ±${Math.round((outcome.spread ?? 0) * 100)} %`;
  return rateTable(rows, brokers, (outcome) => outcome.ratePerSecond, format);
}

/** By CPU time of the broker, where that is known and not too short to be measured. */
export function efficiencyTable(rows, brokers) {
  return rateTable(rows, brokers, ({ ratePerSecond, broker }) =>
    broker === null || broker.cpu < CPU_MIN ? null : ratePerSecond / broker.cpu,
  );
}

function rateTable(rows, brokers, read, format = formatRate) {
  const [own, ...peers] = brokers;
  const shown = rows.filter((row) => !isFixedRate(row));
  const head = ['scenario', 'counted', ...brokers.map(({ name }) => name)];
  for (const { name } of peers) head.push(`${own.name} / ${name}`);
  return table(
    head,
    shown.map(({ name, outcomes }) => {
      const unit = outcomes.find(({ failure }) => failure === undefined)?.unit ?? '-';
      const rates = outcomes.map((outcome) =>
        outcome.failure === undefined ? read(outcome) : null,
      );
      const ratios = peers.map((_, index) => ratio(rates[0], rates[index + 1]));
      const cells = outcomes.map((outcome, index) =>
        outcome.failure === undefined
          ? format(outcome, rates[index])
          : formatRate(outcome, rates[index]),
      );
      return [name, unit, ...cells, ...ratios];
    }),
  );
}

export function latencyTable(rows, brokers) {
  const shown = rows.filter(isFixedRate);
  return table(
    ['scenario', 'broker', 'p50', 'p90', 'p99', 'p99.9', 'max', 'lost'],
    shown.flatMap(({ name, outcomes }) =>
      outcomes.map((outcome, index) => {
        const broker = brokers[index].name;
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
export function resourceTable(rows, brokers) {
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
export function remarks(rows, brokers) {
  const lines = [];
  const waiting = [];
  for (const { name, outcomes } of rows) {
    const shown = outcomes.map((outcome, index) => ({ outcome, broker: brokers[index].name }));
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

function remarksOn({ scenario, generator, extra }) {
  const texts = [];
  if (generator.isLimit) {
    texts.push(
      scenario.ratePerSecond === null
        ? 'the load generator was the limit'
        : `the load generator was late (${formatMicros(generator.lateP99)} at p99), and latencies are too high by that`,
    );
  }
  const bytes = extra.residentBytesPerConnection;
  if (bytes !== undefined) texts.push(`${formatBytes(bytes)} of memory a connection`);
  const fill = extra.fillPerSecond;
  if (fill !== undefined) {
    const [own, load] = [extra.fillBrokerCpu ?? 0, extra.fillGeneratorCpu ?? 0].map((share) =>
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

function isIdle({ broker, generator, scenario }) {
  if (broker === null || scenario.ratePerSecond !== null) return false;
  return broker.cpu < BUSY_MIN && generator.cpu < BUSY_MIN;
}

export function isFixedRate({ outcomes }) {
  return outcomes.some(({ scenario }) => (scenario?.ratePerSecond ?? null) !== null);
}

function formatRate(outcome, rate) {
  if (outcome.isSkipped) return '-';
  if (outcome.failure !== undefined) return 'failed';
  if (rate === null) return '-';
  return `${formatCount(rate)}/s${outcome.lost > 0 ? ' !' : ''}`;
}

function ratio(own, peer) {
  if (own === null || peer === null || peer === 0) return '-';
  const value = own / peer;
  return value < 10 ? value.toFixed(2) : value.toFixed(0);
}

/** What the figures were taken on. */
export function machine() {
  const [cpu] = cpus();
  const load = loadavg()[0].toFixed(1);
  return `${cpus().length} × ${cpu.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${type()} ${release()}, Node ${process.versions.node}, load at the end ${load}`;
}
