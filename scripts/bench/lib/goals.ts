/** What PromptMQ has set itself beyond the comparison, and whether it was reached. */
import { formatCount, formatMicros } from './bench-package.ts';
import { table } from './report.ts';
import type { Measured, Row } from './results.ts';

/** Two throughputs differ by so much though nothing differs. */
const NOISE = 0.1;

const PLAIN_QOS0 = 'QoS 0, 50 pairs';
const PLAIN_QOS1 = 'QoS 1, 50 pairs, window 100';
const MILLION = 'offline queue of 1,000,000 from 100 publishers, MQTT 5, QoS 1';

interface Verdict {
  readonly found: string;
  readonly isMet: boolean;
}

interface Goal {
  readonly rows: readonly string[];
  readonly name?: string;
  readonly goal: string;
  /** Of what the rows found, in their order. */
  readonly judge: (own: Measured, other: Measured) => Verdict;
}

/** In the order of the table; `judge` gets the outcomes of the rows that it names, of PromptMQ. */
const GOALS: readonly Goal[] = [
  ratioGoal('MQTT 5, QoS 0, 50 pairs, no properties', PLAIN_QOS0, 1),
  ratioGoal('MQTT 5, QoS 1, 50 pairs, no properties', PLAIN_QOS1, 1),
  ratioGoal(
    'MQTT 5, QoS 0, 50 pairs, user properties, expiry, aliases, identifiers',
    PLAIN_QOS0,
    0.5,
  ),
  ratioGoal(
    'MQTT 5, QoS 1, 50 pairs, user properties, expiry, aliases, identifiers',
    PLAIN_QOS1,
    0.5,
  ),
  {
    rows: ['QoS 0, 49 pairs at 100 messages a second each, one floods'],
    goal: 'p99 below 20 ms',
    judge: ({ latency }) => {
      const p99 = latency?.p99 ?? Number.NaN;
      return { found: `p99 ${formatMicros(p99)}`, isMet: p99 < 20_000 };
    },
  },
  {
    rows: ['QoS 1, persistent session, one pair, window 1'],
    goal: 'little more than an fdatasync',
    judge: ({ ratePerSecond, extra }) => {
      const roundTrip = 1e6 / ratePerSecond;
      const sync = extra['fdatasyncMicros'] ?? Number.NaN;
      const times = roundTrip / sync;
      return {
        found: `${formatMicros(roundTrip)} a round trip; an fdatasync of 4 KB in the same folder ${formatMicros(sync)}: ${times.toFixed(2)} times`,
        isMet: times < 2,
      };
    },
  },
  {
    rows: [MILLION],
    name: `${MILLION}: filled`,
    goal: '100 k/s',
    judge: ({ extra }) => rateFound(extra['fillPerSecond'] ?? 0, 100_000),
  },
  {
    rows: [MILLION],
    name: `${MILLION}: drained`,
    goal: '200 k/s',
    judge: ({ ratePerSecond }) => rateFound(ratePerSecond, 200_000),
  },
  {
    rows: ['10,000 idle connections'],
    name: '10,000 idle connections: connects',
    goal: '5 k/s',
    judge: ({ ratePerSecond }) => rateFound(ratePerSecond, 5000),
  },
  {
    rows: ['10,000 idle connections'],
    name: '10,000 idle connections: memory of each',
    goal: '10 KB',
    judge: ({ extra }) => {
      const bytes = extra['residentBytesPerConnection'] ?? Number.NaN;
      return { found: `${(bytes / 1024).toFixed(1)} KB`, isMet: bytes <= 10_240 };
    },
  },
];

/** Both were measured in the same run. */
function ratioGoal(name: string, other: string, least: number): Goal {
  return {
    rows: [name, other],
    goal:
      least === 1 ? 'as fast as MQTT 3.1.1' : `${1 / least} times slower than MQTT 3.1.1 at most`,
    judge: (own, plain) => {
      const ratio = own.ratePerSecond / plain.ratePerSecond;
      const cpu = perCpuSecond(own) / perCpuSecond(plain);
      return {
        found: `${formatCount(own.ratePerSecond)}/s, ${ratio.toFixed(2)} of MQTT 3.1.1; ${cpu.toFixed(2)} of it for each CPU second`,
        isMet: Math.max(ratio, cpu) >= least * (1 - NOISE),
      };
    },
  };
}

function perCpuSecond({ ratePerSecond, broker }: Measured): number {
  return ratePerSecond / (broker?.cpu ?? Number.NaN);
}

function rateFound(rate: number, least: number): Verdict {
  return { found: `${formatCount(rate)}/s`, isMet: rate >= least };
}

/** A table of those goals whose rows were measured; null when there is none. */
export function goalTable(rows: readonly Row[]): string | null {
  const outcomeOf = (name: string) => rows.find((row) => row.name === name)?.outcomes[0];
  const lines = GOALS.flatMap(({ rows: names, name, goal, judge }) => {
    const outcomes = names.map(outcomeOf);
    const known = outcomes.flatMap((outcome) =>
      outcome?.failure === undefined ? (outcome ?? []) : [],
    );
    const [own, other = own] = known;
    if (own === undefined || other === undefined || known.length < names.length) return [];
    const { found, isMet } = judge(own, other);
    return [[name ?? names[0] ?? '', goal, found, isMet ? 'yes' : '**no**']];
  });
  return lines.length === 0 ? null : table(['what', 'goal', 'found', 'reached'], lines);
}
