import { formatBytes, formatMicros } from '../report/table.ts';

/** One interval of a soak. */
export interface SoakSample {
  /** From the beginning of the measured time to the end of the interval. */
  readonly seconds: number;
  readonly sentPerSecond: number;
  readonly receivedPerSecond: number;
  /** Microseconds from when a message was due; of the durable sessions it would say nothing. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Of the broker; null where that is unknown. */
  readonly residentBytes: number | null;
  readonly heapUsedBytes: number | null;
  readonly logBytes: number | null;
  readonly brokerCpu: number | null;
  readonly generatorCpu: number;
  /** Since the beginning. */
  readonly redelivered: number;
  readonly visits: number;
  readonly returns: number;
}

export interface Check {
  readonly name: string;
  readonly isPassed: boolean;
  /** What was found. */
  readonly detail: string;
}

/** With fewer samples, what is steady can't be told. */
const SAMPLES_MIN = 16;

/** What may differ between the second and the last quarter. */
const MEMORY_GROWTH = 1.1;
const MEMORY_NOISE_BYTES = 16 * 1_048_576;
const LATENCY_GROWTH = 2;
const LATENCY_NOISE_MICROS = 5000;

/** Whether memory and latency are in the last quarter what they were in the second. */
export function steadiness(samples: readonly SoakSample[]): readonly Check[] {
  if (samples.length < SAMPLES_MIN) return [];
  const checks: Check[] = [];
  const compare = (
    name: string,
    read: (sample: SoakSample) => number | null,
    growth: number,
    noise: number,
    format: (value: number) => string,
    typical: (values: readonly number[]) => number = median,
  ) => {
    const values = samples.map(read).filter((value) => value !== null);
    if (values.length < SAMPLES_MIN) return;
    const quarter = Math.floor(values.length / 4);
    const second = typical(values.slice(quarter, 2 * quarter));
    const last = typical(values.slice(-quarter));
    checks.push({
      name,
      isPassed: last <= second * growth + noise,
      detail: `${format(second)} in the second quarter, ${format(last)} in the last`,
    });
  };
  compare('p99 stays', ({ p99 }) => p99, LATENCY_GROWTH, LATENCY_NOISE_MICROS, formatMicros);
  const memory = [MEMORY_GROWTH, MEMORY_NOISE_BYTES, formatBytes] as const;
  compare('resident memory stays', ({ residentBytes }) => residentBytes, ...memory);
  // What is used goes up and down with the garbage in it; what doesn't go away is the least that is used.
  const least = (values: readonly number[]) => Math.min(...values);
  compare('heap stays, without garbage', ({ heapUsedBytes }) => heapUsedBytes, ...memory, least);
  return checks;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
