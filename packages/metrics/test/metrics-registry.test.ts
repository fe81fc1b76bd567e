import { expect, test } from '@jest/globals';
import {
  BucketHistogram,
  type Catalogue,
  checkCatalogue,
  exponentialBounds,
  MetricsRegistry,
  negotiateFormat,
} from '../src/index.ts';

const catalogue = {
  jobs_total: { type: 'counter', help: 'Jobs done.' },
  jobs_failed_total: { type: 'counter', help: 'Jobs that failed.', labels: ['why'] },
  jobs_waiting: { type: 'gauge', help: 'Jobs that wait.' },
  job_duration_seconds: { type: 'histogram', help: 'How long jobs took.' },
} as const satisfies Catalogue;

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

test('values are read when they are rendered, not before', async () => {
  const registry = new MetricsRegistry(catalogue);
  const counters = { done: 0, reads: 0 };
  registry.add('jobs_total', () => {
    counters.reads++;
    return counters.done;
  });
  counters.done = 3;
  expect(counters.reads).toBe(0);
  expect(lines(await registry.render('prometheus'))).toEqual([
    '# HELP jobs_total Jobs done.',
    '# TYPE jobs_total counter',
    'jobs_total 3',
  ]);
  counters.done = 4;
  expect(await registry.render('prometheus')).toContain('\njobs_total 4\n');
  expect(counters.reads).toBe(2);
});

test('labels are escaped, and samples that are gone are not shown any more', async () => {
  const registry = new MetricsRegistry(catalogue);
  const failed = new Map([
    ['a "quoted" \\ reason\nof two lines', 1],
    ['timeout', 2],
  ]);
  registry.add('jobs_failed_total', () =>
    [...failed].map(([why, value]) => ({ labels: { why }, value })),
  );
  expect(lines(await registry.render('prometheus')).slice(2)).toEqual([
    'jobs_failed_total{why="a \\"quoted\\" \\\\ reason\\nof two lines"} 1',
    'jobs_failed_total{why="timeout"} 2',
  ]);
  failed.delete('timeout');
  expect(await registry.render('prometheus')).not.toContain('timeout');
});

test('a histogram is cumulative, with +Inf, sum and count', async () => {
  const registry = new MetricsRegistry(catalogue);
  const histogram = new BucketHistogram([0.1, 1]);
  registry.add('job_duration_seconds', () => histogram);
  for (const seconds of [0.1, 0.05, 0.5, 7]) histogram.observe(seconds);
  expect(lines(await registry.render('prometheus')).slice(1)).toEqual([
    '# TYPE job_duration_seconds histogram',
    'job_duration_seconds_bucket{le="0.1"} 2',
    'job_duration_seconds_bucket{le="1"} 3',
    'job_duration_seconds_bucket{le="+Inf"} 4',
    'job_duration_seconds_sum 7.65',
    'job_duration_seconds_count 4',
  ]);
});

test('OpenMetrics names counters without _total, ends in EOF, and leaves the other format alone', async () => {
  const registry = new MetricsRegistry(catalogue);
  registry.add('jobs_total', () => 1);
  registry.add('jobs_waiting', () => 2);
  for (let turn = 0; turn < 2; turn++) {
    expect(lines(await registry.render('openmetrics'))).toEqual([
      '# HELP jobs Jobs done.',
      '# TYPE jobs counter',
      'jobs_total 1',
      '# HELP jobs_waiting Jobs that wait.',
      '# TYPE jobs_waiting gauge',
      'jobs_waiting 2',
      '# EOF',
    ]);
    expect(await registry.render('prometheus')).toContain('\njobs_total 1\n');
  }
  expect(registry.contentType('openmetrics')).toMatch(/^application\/openmetrics-text; version=1/);
});

test('a metric is read by one reader, and has to be in the catalogue', () => {
  const registry = new MetricsRegistry(catalogue);
  registry.add('jobs_waiting', () => 0);
  expect(() => registry.add('jobs_waiting', () => 0)).toThrow('jobs_waiting is read already');
  expect(() => registry.add('jobs' as 'jobs_waiting', () => 0)).toThrow('not in the catalogue');
  expect([registry.has('jobs_waiting'), registry.has('jobs_total')]).toEqual([true, false]);
});

test('what a reader throws fails the rendering', async () => {
  const registry = new MetricsRegistry(catalogue);
  registry.add('jobs_waiting', () => {
    throw new Error('gone');
  });
  await expect(registry.render('prometheus')).rejects.toThrow('gone');
});

test('NaN is not observed, and the mean stays right', () => {
  const histogram = new BucketHistogram([1]);
  for (const value of [Number.NaN, 0.5, 2]) histogram.observe(value);
  expect([histogram.count, histogram.sum, histogram.counts]).toEqual([2, 2.5, [1, 1]]);
});

test.each([[[1, 1]], [[2, 1]], [[0, Number.POSITIVE_INFINITY]], [[Number.NaN]]])(
  'bucket bounds %p are refused',
  (bounds) => {
    expect(() => new BucketHistogram(bounds)).toThrow(TypeError);
  },
);

test('exponential bounds have no digits that come from rounding', () => {
  expect(exponentialBounds(0.0001, 10, 4)).toEqual([0.0001, 0.001, 0.01, 0.1]);
});

test.each<[string, Catalogue[string]]>([
  ['jobs', { type: 'counter', help: 'A counter without _total.' }],
  ['jobs_total', { type: 'gauge', help: 'A gauge with it.' }],
  ['jobs-waiting', { type: 'gauge', help: 'A dash.' }],
  ['jobs', { type: 'gauge', help: ' ' }],
  ['jobs', { type: 'gauge', help: 'A label twice.', labels: ['a', 'a'] }],
  ['jobs', { type: 'gauge', help: "Prometheus' own label.", labels: ['__name__'] }],
  ['jobs', { type: 'histogram', help: "A histogram's own label.", labels: ['le'] }],
])('the catalogue may not have %s as %p', (name, definition) => {
  expect(() => checkCatalogue({ [name]: definition })).toThrow(name);
});

test.each([
  [undefined, 'prometheus'],
  ['*/*', 'prometheus'],
  ['text/html', 'prometheus'],
  ['application/openmetrics-text', 'openmetrics'],
  ['APPLICATION/OPENMETRICS-TEXT; version=1.0.0; charset=utf-8', 'openmetrics'],
  ['application/openmetrics-text;q=0, text/plain', 'prometheus'],
  ['application/openmetrics-text;q=0', 'prometheus'],
  ['application/openmetrics-text;q=0.5,text/plain;q=0.9', 'prometheus'],
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
])('Accept: %s gets %s', (accept, format) => {
  expect(negotiateFormat(accept)).toBe(format);
});
