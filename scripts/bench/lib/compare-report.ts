/** The section and the plots of `compare.ts`. */
import { latencyPlot, memoryPlot, throughputPlot } from './bench-package.ts';
import { canPin } from './brokers.ts';
import { goalTable } from './goals.ts';
import {
  efficiencyTable,
  isFixedRate,
  latencyTable,
  remarks,
  resourceTable,
  throughputTable,
} from './report.ts';
import type { Comparison, Measured, Row } from './results.ts';

const QUICK_NOTE =
  '**A quick run:** some scenarios, shortly, mostly to see that it works. Not figures to quote.';

export function describeComparison({ machine, isQuick, brokers, rows }: Comparison): string {
  const dates = [...new Set(rows.map(({ taken }) => taken.slice(0, 10)))].toSorted();
  const pinning = canPin ? 'broker on core 0, generator on core 1' : 'not pinned to cores';
  const runs = Math.max(...rows.map((row) => row.runs));
  const seconds = Math.max(...rows.map((row) => row.seconds));
  const command = `node scripts bench/compare${isQuick ? ' --quick' : ''}`;
  const fewer = [...new Set(rows.map((row) => row.runs))].filter((count) => count < runs);
  const some = fewer.length === 0 ? '' : ` (of the slow ones ${fewer.join(' or ')})`;
  const lines = [
    `Taken on ${dates.join(' and ')}: ${machine}; ${pinning}; medians of ${runs} ${runs === 1 ? 'run' : 'runs'}${some} of ${seconds} s, in turns, by \`${command}\`.`,
    '',
    ...(isQuick ? [QUICK_NOTE, ''] : []),
    ...brokers.map(({ name, version, configuration }) => `- ${name} ${version}: ${configuration}.`),
    '',
    '### Throughput',
    '',
    'Behind each median is how far the runs are from it, as half of the distance between the lowest and the',
    'highest. An exclamation mark says that messages were lost.',
    '',
    throughputTable(rows, brokers),
    '',
    '![Throughput by scenario and broker](performance/throughput.svg)',
    '',
    'The same for each second of CPU time that the broker used: what a whole core would do, also where it',
    'had to wait for the disk, the generator or other processes of the machine.',
    '',
    efficiencyTable(rows, brokers),
    '',
  ];
  const goals = goalTable(rows);
  if (goals !== null)
    lines.push('### Goals', '', 'Of PromptMQ, beyond being ahead:', '', goals, '');
  if (rows.some(isFixedRate)) {
    lines.push(
      '### Latency',
      '',
      latencyTable(rows, brokers),
      '',
      '![Latency by percentile and broker](performance/latency.svg)',
      '',
    );
  }
  lines.push(
    '### Loss, CPU and memory',
    '',
    'The largest loss of all runs, and medians of CPU (of a core: the broker / the generator) and resident memory.',
    '',
    resourceTable(rows, brokers),
    '',
  );
  if (rows.some(hasMemory)) {
    lines.push('![Memory by connections and broker](performance/memory.svg)', '');
  }
  lines.push(remarks(rows, brokers), '', '### The scenarios as commands', '', '```sh');
  for (const { name, args, seconds: own } of rows) {
    const timed = args.includes('--seconds') ? '' : ` --seconds ${own}`;
    lines.push(`promptmq bench ${args.join(' ')}${timed} # ${name}`);
  }
  lines.push('```');
  return lines.join('\n');
}

function hasMemory({ outcomes }: Row): boolean {
  return outcomes.some((outcome) => outcome.failure === undefined && outcome.memory.length > 0);
}

/** SVG documents by file name; null where there is nothing to draw. */
export function comparePlots({
  rows,
  brokers,
}: Comparison): Readonly<Record<string, string | null>> {
  const each = (isShown: (outcome: Measured, row: Row) => boolean) =>
    brokers.map(({ name }, index) => ({
      name,
      results: rows.flatMap((row) => {
        const outcome = row.outcomes[index];
        return outcome?.failure === undefined && outcome !== undefined && isShown(outcome, row)
          ? [{ ...outcome, label: row.name }]
          : [];
      }),
    }));
  const latencies = each((outcome, row) => isFixedRate(row) && outcome.latency !== null);
  const memories = each(({ memory }) => memory.length > 0);
  return {
    'throughput.svg': throughputPlot(each(({ unit }) => unit === 'deliveries')),
    'latency.svg': latencyPlot(
      latencies.flatMap(({ name, results }) =>
        results
          .filter(({ scenario }) => scenario.pattern === 'pairs')
          .flatMap(({ label, latency }) =>
            latency === null ? [] : { name: `${name}, ${label.split(',')[0]}`, latency },
          ),
      ),
    ),
    'memory.svg': memoryPlot(
      memories.flatMap(({ name, results }) =>
        results.map(({ memory }) => ({ name, points: memory })),
      ),
    ),
  };
}
