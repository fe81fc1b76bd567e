import type { Result } from './result.ts';

const COLUMNS = [
  'scenario',
  'rate',
  'lost',
  'p50',
  'p90',
  'p99',
  'p99.9',
  'max',
  'generator',
  'broker',
  'memory',
] as const;

/** Results as lines of text, columns aligned, with remarks below. */
export function formatTable(results: readonly Result[]): string {
  const rows = [COLUMNS, ...results.map(toRow)];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number),
      )
      .join('  ')
      .trimEnd(),
  );
  return [...lines, ...results.flatMap(remarks)].join('\n');
}

function toRow(result: Result): readonly string[] {
  const { latency, generator, broker } = result;
  return [
    result.label,
    `${formatCount(result.ratePerSecond)}/s`,
    formatLoss(result),
    ...(latency === null
      ? ['-', '-', '-', '-', '-']
      : [latency.p50, latency.p90, latency.p99, latency.p999, latency.max].map(formatMicros)),
    formatCpu(generator.cpu),
    broker === null ? '-' : formatCpu(broker.cpu),
    broker === null ? '-' : formatBytes(broker.residentBytes),
  ];
}

/** What a reader must know to judge a figure. */
function remarks(result: Result): string[] {
  const { label, generator, scenario, extra, refused, surplus } = result;
  const lines: string[] = [];
  if (generator.isLimit) {
    lines.push(
      scenario.ratePerSecond === null
        ? `${label}: the generator was the limit (${formatCpu(generator.cpu)} of a core): the broker may do more`
        : `${label}: the generator was late (${formatMicros(generator.lateP99)} at p99): latencies are too high`,
    );
  }
  if (refused > 0) lines.push(`${label}: the broker refused ${refused} messages`);
  if (surplus > 0) lines.push(`${label}: ${surplus} deliveries more than expected`);
  if (extra['fillPerSecond'] !== undefined) {
    lines.push(`${label}: stored at ${formatCount(extra['fillPerSecond'])}/s`);
  }
  if (extra['residentBytesPerConnection'] !== undefined) {
    const bytes = formatBytes(extra['residentBytesPerConnection']);
    lines.push(`${label}: ${bytes} of memory a connection`);
  }
  return lines;
}

/** `0`, or the number of what is missing and its share. */
export function formatLoss({ lost, expected }: Pick<Result, 'lost' | 'expected'>): string {
  if (lost === 0) return '0';
  const percent = (100 * lost) / Math.max(1, expected);
  return `${lost} (${percent < 0.1 ? '<0.1' : percent.toFixed(1)} %)`;
}

/** `950`, `12.3 k`, `1.25 M`. */
export function formatCount(value: number): string {
  if (value < 1000) return String(Math.round(value));
  if (value < 99_950) return `${(value / 1000).toFixed(1)} k`;
  if (value < 999_500) return `${Math.round(value / 1000)} k`;
  return `${(value / 1_000_000).toFixed(2)} M`;
}

/** `85 µs`, `1.2 ms`, `340 ms`, `2.1 s`. */
export function formatMicros(micros: number): string {
  if (micros < 1000) return `${Math.round(micros)} µs`;
  if (micros < 100_000) return `${(micros / 1000).toFixed(1)} ms`;
  if (micros < 1_000_000) return `${Math.round(micros / 1000)} ms`;
  return `${(micros / 1_000_000).toFixed(1)} s`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  if (bytes < 1_048_576) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${Math.round(bytes / 1_048_576)} MB`;
}

function formatCpu(cores: number): string {
  return `${Math.round(cores * 100)} %`;
}
