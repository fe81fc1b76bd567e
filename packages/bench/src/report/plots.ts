import type { Percentiles } from './histogram.ts';
import type { MemoryPoint, Result } from './result.ts';
import { barChart, lineChart } from './svg.ts';
import { formatCount, formatMicros } from './table.ts';

/** Results of one broker, or of one call. */
export interface ResultSeries {
  readonly name: string;
  readonly results: readonly Result[];
}

/** SVG documents by file name; those for which there is nothing are left out. */
export function plots(series: readonly ResultSeries[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const throughput = throughputPlot(series);
  const latency = latencyPlot(
    series.flatMap(({ name, results }) =>
      results.flatMap((result) =>
        result.latency === null || result.unit !== 'deliveries'
          ? []
          : [{ name: seriesName(series, name, result.label), latency: result.latency }],
      ),
    ),
  );
  const memory = memoryPlot(
    series.flatMap(({ name, results }) =>
      results.flatMap((result) =>
        result.memory.length === 0
          ? []
          : [{ name: seriesName(series, name, result.label), points: result.memory }],
      ),
    ),
  );
  if (throughput !== null) files.set('throughput.svg', throughput);
  if (latency !== null) files.set('latency.svg', latency);
  if (memory !== null) files.set('memory.svg', memory);
  return files;
}

function seriesName(series: readonly ResultSeries[], name: string, label: string): string {
  return series.length === 1 ? label : `${name}, ${label}`;
}

/** Of what is measured as fast as possible; a fixed rate would only show itself. */
export function throughputPlot(series: readonly ResultSeries[]): string | null {
  const isShown = ({ scenario }: Result) => scenario.ratePerSecond === null;
  const labels = new Map<string, string>();
  for (const { results } of series) {
    for (const result of results) {
      if (isShown(result)) labels.set(result.label, `${result.label}, ${result.unit}`);
    }
  }
  if (labels.size === 0) return null;
  return barChart({
    title: 'Throughput',
    unit: 'a second',
    categories: [...labels.values()],
    series: series.map(({ name, results }) => ({
      name,
      values: [...labels.keys()].map(
        (label) => results.find((result) => result.label === label)?.ratePerSecond ?? null,
      ),
    })),
    format: formatCount,
  });
}

export interface NamedLatency {
  readonly name: string;
  readonly latency: Percentiles;
}

/** Percentiles from left to right, each ten times as rare as the one before. */
export function latencyPlot(all: readonly NamedLatency[]): string | null {
  if (all.length === 0) return null;
  const places = [
    [0, 'p50'],
    [1, 'p90'],
    [2, 'p99'],
    [3, 'p99.9'],
    [4, 'max'],
  ] as const;
  return lineChart({
    title: 'Latency',
    xTitle: 'percentile',
    yTitle: 'from the intended time of sending to the arrival',
    series: all.map(({ name, latency: { p50, p90, p99, p999, max } }) => ({
      name,
      points: [p50, p90, p99, p999, max].map((value, x) => [x, Math.max(1, value)] as const),
    })),
    isYLogarithmic: true,
    xLabels: places,
    formatX: String,
    formatY: formatMicros,
  });
}

export interface NamedMemory {
  readonly name: string;
  readonly points: readonly MemoryPoint[];
}

export function memoryPlot(all: readonly NamedMemory[]): string | null {
  if (all.length === 0) return null;
  return lineChart({
    title: 'Memory by connections',
    xTitle: 'idle connections',
    yTitle: 'resident',
    series: all.map(({ name, points }) => ({
      name,
      // In megabytes, so that the axis has round numbers of them.
      points: points.map(
        ({ connections, residentBytes }) => [connections, residentBytes / 1_048_576] as const,
      ),
    })),
    formatX: formatCount,
    formatY: (megabytes) => `${Number(megabytes.toPrecision(6))} MB`,
  });
}
