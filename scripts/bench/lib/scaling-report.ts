/** The tables and plots of `scaling.ts`, and what they say in words. */
import type { LineChart } from '../../../packages/bench/dist/index.js';
import { formatBytes, formatCount, formatMicros, lineChart } from './bench-package.ts';
import { table } from './report.ts';
import type { Group, GroupName, Point, Scaling } from './results.ts';

/** What the project has set itself. */
const SUBSCRIPTIONS_BYTES_GOAL = 400e6;
const CONNECTION_BYTES_GOAL = 10 * 1024;
const CONNECTS_GOAL = 5000;

export function describeScaling({ taken, machine, runs, seconds, groups }: Scaling): string {
  const lines = [
    `Taken on ${taken.slice(0, 10)}: ${machine}; broker on core 0, generator on core 1; medians of ${runs} ${runs === 1 ? 'run' : 'runs'} of ${seconds} s (what takes long, once), by \`node scripts bench/scaling --write\`.`,
    'Each point has a fresh broker with its defaults; messages are of QoS 0. What goes in at once is bounded,',
    'so that nothing has to be dropped: an exclamation mark would say that it was.',
  ];
  for (const [name, describe] of Object.entries(DESCRIPTIONS)) {
    const group = groups[name as GroupName];
    if (group !== undefined) lines.push('', ...describe(group));
  }
  return lines.join('\n');
}

const DESCRIPTIONS: Readonly<Record<GroupName, (group: Group) => string[]>> = {
  connections: ({ points }) => [
    '### Connections',
    '',
    '64 bytes from each publisher to a subscriber of its own. What a message costs by itself stays the same;',
    'but the more connections share the load, the fewer messages each read and each write have, and calls of the',
    'operating system are what is dear.',
    '',
    pointTable('connections', points, formatCount),
    '',
    inWords(points, 'connections'),
    '',
    '![Throughput by connections](performance/scaling-connections.svg)',
  ],
  subscriptions: ({ points }) => [
    '### Subscriptions',
    '',
    '50 pairs, among subscriptions of others to filters with wildcards that match nothing of it. A topic is looked',
    'up level by level, so that what others have subscribed to is not looked at; their memory is what grows.',
    '',
    pointTable('other subscriptions', points, formatCount, [
      ['subscribed', ({ extra }) => perSecond(extra['subscribesPerSecond'])],
      [
        'memory of all',
        ({ extra }) => formatBytes(Math.max(0, extra['otherSubscriptionsBytes'] ?? 0)),
      ],
      [
        'of one',
        ({ size, extra }) =>
          size < 10_000 ? '-' : formatBytes((extra['otherSubscriptionsBytes'] ?? 0) / size),
      ],
    ]),
    '',
    inWords(points, 'subscriptions'),
    ...subscriptionGoal(points),
    '',
    '![Throughput by subscriptions](performance/scaling-subscriptions.svg)',
    '![Memory by subscriptions](performance/scaling-subscriptions-memory.svg)',
  ],
  'fan-out': ({ points }) => [
    '### Fan-out',
    '',
    'One publisher to many subscribers of its topic; deliveries are counted. A message is received and looked up',
    'once, and then copied into the buffer of each subscriber: up to about a hundred, that is divided among more',
    'and more deliveries. With thousands, each has its own write again.',
    '',
    pointTable('subscribers', points, formatCount),
    '',
    inWords(points, 'subscribers'),
    '',
    '![Throughput by fan-out](performance/scaling-fan-out.svg)',
  ],
  payload: ({ points }) => [
    '### Payload',
    '',
    '10 pairs. Small messages cost by their number, large ones by their bytes.',
    '',
    pointTable('payload', points, formatBytes, [
      ['payload a second', ({ size, ratePerSecond }) => `${formatBytes(size * ratePerSecond)}/s`],
    ]),
    '',
    inWords(
      points.map((point) => ({ ...point, ratePerSecond: point.size * point.ratePerSecond })),
      'bytes in a message',
      'bytes',
    ),
    '',
    '![Bytes by payload](performance/scaling-payload.svg)',
  ],
  idle: ({ points, wanted }) => [
    '### Idle connections',
    '',
    'Connections that have said CONNECT and nothing else, from addresses 127.0.0.1, 127.0.0.2 and so on, with',
    'memory above that of the broker without connections.',
    '',
    table(
      [
        'connections',
        'connects',
        'p99',
        'bytes of each',
        'memory in all',
        'broker CPU',
        'generator',
      ],
      points.map((point) => [
        point.size.toLocaleString('en'),
        perSecond(point.ratePerSecond),
        formatMicros(point.p99 ?? 0),
        formatBytes(point.extra['residentBytesPerConnection'] ?? 0),
        formatBytes(point.residentBytes),
        percent(point.brokerCpu),
        percent(point.generatorCpu),
      ]),
    ),
    '',
    ...points.slice(0, 1).flatMap((point) => idleGoals(point, wanted ?? point.size)),
    '',
    '![Memory by connections](performance/scaling-idle.svg)',
  ],
};

function pointTable(
  what: string,
  points: readonly Point[],
  formatSize: (size: number) => string,
  more: readonly (readonly [head: string, read: (point: Point) => string])[] = [],
): string {
  const head = [what, 'delivered', 'for each CPU second', ...more.map(([name]) => name)];
  return table(
    [...head, 'p99', 'broker CPU', 'generator', 'memory'],
    points.map((point) => [
      point.size === 1 ? '1' : formatSize(point.size),
      `${perSecond(point.ratePerSecond)}${point.lost > 0 ? ' !' : ''}`,
      point.brokerCpu < 0.05 ? '-' : perSecond(point.ratePerSecond / point.brokerCpu),
      ...more.map(([, read]) => read(point)),
      point.p99 === null ? '-' : formatMicros(point.p99),
      percent(point.brokerCpu),
      `${percent(point.generatorCpu)}${point.isGeneratorLimit ? ' (the limit)' : ''}`,
      formatBytes(point.residentBytes),
    ]),
  );
}

/** From the first point to the last, by what a second of the broker's CPU does. */
function inWords(points: readonly Point[], unit: string, counted = 'deliveries'): string {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return '';
  const factor = last.size / first.size;
  const share = last.ratePerSecond / first.ratePerSecond;
  const efficiency = share / (last.brokerCpu / first.brokerCpu);
  const lost = points.filter((point) => point.lost > 0);
  const loss =
    lost.length === 0
      ? 'nothing was lost'
      : `messages were lost at ${lost.map(({ size }) => size).join(', ')}`;
  return `In words: ${Math.round(factor).toLocaleString('en')} times as many ${unit} bring ${share.toFixed(2)} times as many ${counted} a second, and ${efficiency.toFixed(2)} times as many for each second of CPU; ${loss}.`;
}

function subscriptionGoal(points: readonly Point[]): string[] {
  const million = points.find(({ size }) => size === 1_000_000);
  if (million === undefined) return [];
  const bytes = million.extra['otherSubscriptionsBytes'] ?? 0;
  const isMet = bytes < SUBSCRIPTIONS_BYTES_GOAL;
  return [
    `1,000,000 subscriptions take ${formatBytes(bytes)}; the goal of ${formatBytes(SUBSCRIPTIONS_BYTES_GOAL)} is ${isMet ? 'met' : '**missed**'}.`,
  ];
}

function idleGoals({ size, ratePerSecond, extra }: Point, wanted: number): string[] {
  const lines: string[] = [];
  if (size < wanted) {
    lines.push(
      `${wanted.toLocaleString('en')} were wanted: the hard limit of open files (\`ulimit -Hn\`) allows ${size.toLocaleString('en')} here.`,
    );
  }
  const bytes = extra['residentBytesPerConnection'] ?? 0;
  lines.push(
    `A connection takes ${formatBytes(bytes)} (goal: ${formatBytes(CONNECTION_BYTES_GOAL)}, ${bytes <= CONNECTION_BYTES_GOAL ? 'met' : '**missed**'}); they came at ${perSecond(ratePerSecond)} (goal: ${perSecond(CONNECTS_GOAL)}, ${ratePerSecond >= CONNECTS_GOAL ? 'met' : '**missed**'}).`,
  );
  return lines;
}

/** SVG documents by file name. */
export function scalingPlots(groups: Scaling['groups']): Readonly<Record<string, string>> {
  const plots: Record<string, string> = {};
  const draw = (
    file: string,
    axes: Omit<LineChart, 'series'>,
    points: LineChart['series'][number]['points'] | undefined,
  ) => {
    if (points === undefined) return;
    plots[file] = lineChart({ ...axes, series: [{ name: 'PromptMQ', points }] });
  };
  const pointsOf = (name: GroupName, read: (point: Point) => readonly [x: number, y: number]) =>
    groups[name]?.points.map(read);
  const rates = (name: GroupName, what: string) =>
    draw(
      `scaling-${name}.svg`,
      {
        title: `Throughput by ${what}`,
        xTitle: what,
        yTitle: 'deliveries a second',
        isXLogarithmic: true,
        formatX: formatCount,
        formatY: formatCount,
      },
      pointsOf(name, ({ size, ratePerSecond }) => [size, ratePerSecond]),
    );
  rates('connections', 'connections');
  rates('subscriptions', 'other subscriptions');
  rates('fan-out', 'subscribers');
  const megabytes = (value: number) => String(Number(value.toPrecision(4)));
  draw(
    'scaling-subscriptions-memory.svg',
    {
      title: 'Memory by subscriptions',
      xTitle: 'other subscriptions',
      yTitle: 'MB',
      isXLogarithmic: true,
      formatX: formatCount,
      formatY: megabytes,
    },
    pointsOf('subscriptions', ({ size, extra }) => [
      size,
      Math.max(0, extra['otherSubscriptionsBytes'] ?? 0) / 1_048_576,
    ]),
  );
  draw(
    'scaling-payload.svg',
    {
      title: 'Bytes by payload',
      xTitle: 'payload',
      yTitle: 'bytes of payload a second',
      isXLogarithmic: true,
      formatX: formatBytes,
      formatY: (value) => `${formatBytes(value)}/s`,
    },
    pointsOf('payload', ({ size, ratePerSecond }) => [size, size * ratePerSecond]),
  );
  draw(
    'scaling-idle.svg',
    {
      title: 'Memory by connections',
      xTitle: 'idle connections',
      yTitle: 'MB',
      formatX: formatCount,
      formatY: megabytes,
    },
    groups.idle?.points[0]?.memory.map(({ connections, residentBytes }) => [
      connections,
      residentBytes / 1_048_576,
    ]),
  );
  return plots;
}

function perSecond(value: number | undefined): string {
  return value === undefined ? '-' : `${formatCount(value)}/s`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
