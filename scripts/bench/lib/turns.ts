/** One broker, measured in turns with something that it does and without: what that costs. */
import type { Result } from '../../../packages/bench/dist/index.js';
import { messageOf } from '../../lib/errors.ts';
import { formatCount } from './bench-package.ts';
import type { Running } from './brokers.ts';
import { generate } from './generator.ts';
import { median, table } from './report.ts';

/** What was found, with and without. */
export interface Cost {
  readonly what: string;
  /** Messages or connections a second: medians. */
  readonly rateWith: number;
  readonly rateWithout: number;
  /** The median of the ratios within each round, with to without. */
  readonly rateRatio: number;
  /** The same of the broker's processor time for each; NaN where there is no /proc. */
  readonly cpuRatio: number;
  /** Half of the distance between the quartiles of the ratios, of rates and of processor time. */
  readonly rateSpread: number;
  readonly cpuSpread: number;
}

/**
 * Each is first as often as the other; a run of each goes before, and isn't counted.
 *
 * @param measure - makes a run with it, or without
 */
export async function measureTurns(
  what: string,
  rounds: number,
  measure: (isOn: boolean) => Promise<Result>,
): Promise<Cost> {
  await measure(true);
  await measure(false);
  const on: Result[] = [];
  const off: Result[] = [];
  for (let round = 0; round < rounds; round++) {
    const isOnFirst = round % 2 === 0;
    if (isOnFirst) on.push(await measure(true));
    off.push(await measure(false));
    if (!isOnFirst) on.push(await measure(true));
    const [one, other] = [on.at(-1) as Result, off.at(-1) as Result];
    console.error(
      `${what}, ${round + 1}/${rounds}: ${formatCount(one.ratePerSecond)}/s beside ${formatCount(other.ratePerSecond)}/s, ` +
        `${cpuOf(one).toFixed(2)} us beside ${cpuOf(other).toFixed(2)} us each`,
    );
  }
  const ratios = (read: (result: Result) => number) =>
    on.map((result, round) => read(result) / read(off[round] as Result));
  const rates = ratios(({ ratePerSecond }) => ratePerSecond);
  const cpus = ratios(cpuOf);
  return {
    what,
    rateWith: median(on.map(({ ratePerSecond }) => ratePerSecond)),
    rateWithout: median(off.map(({ ratePerSecond }) => ratePerSecond)),
    rateRatio: median(rates),
    cpuRatio: median(cpus),
    rateSpread: spreadOf(rates),
    cpuSpread: spreadOf(cpus),
  };
}

/**
 * A run of the load generator.
 *
 * @param args - a pattern and options of `promptmq-bench`
 * @throws why the broker ended, where it did
 */
export async function load(running: Running, args: readonly string[]): Promise<Result> {
  try {
    return await generate(args, running, TIMEOUT_SECONDS);
  } catch (error) {
    throw new Error(running.failure() ?? messageOf(error));
  }
}

/** What was found, as a table in Markdown. @param head - of its first three columns */
export function describeCosts(head: readonly [string, string, string], costs: readonly Cost[]) {
  const rows = costs.map((cost) => [
    cost.what,
    `${formatCount(cost.rateWith)}/s`,
    `${formatCount(cost.rateWithout)}/s`,
    `${cost.rateRatio.toFixed(3)} ± ${cost.rateSpread.toFixed(3)}`,
    `${cost.cpuRatio.toFixed(3)} ± ${cost.cpuSpread.toFixed(3)}`,
  ]);
  return table([...head, 'ratio', "of the broker's time for each"], rows);
}

const TIMEOUT_SECONDS = 120;

/** The broker's processor time for a message, or whatever the pattern counts, in microseconds. */
function cpuOf({ broker, ratePerSecond }: Result): number {
  return ((broker?.cpu ?? Number.NaN) / ratePerSecond) * 1e6;
}

function spreadOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.round((sorted.length - 1) * part)] ?? Number.NaN;
  return (at(0.75) - at(0.25)) / 2;
}
