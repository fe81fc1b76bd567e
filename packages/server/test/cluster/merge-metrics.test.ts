import { expect, test } from '@jest/globals';
import { mergeMetrics } from '../../src/cluster/merge-metrics.ts';

const ONE = `# HELP a_total What a counts.
# TYPE a_total counter
a_total 1

# HELP b_bytes Sizes.
# TYPE b_bytes histogram
b_bytes_bucket{le="1"} 2
b_bytes_bucket{le="+Inf"} 3
b_bytes_sum 4
`;

const TWO = `# HELP a_total What a counts.
# TYPE a_total counter
a_total 10
# HELP c A name with "quotes} and, spaces".
# TYPE c gauge
c{name="x y{z"} 5
`;

test('each metric is there once, with the samples of all workers by their number', () => {
  const workers = [
    { worker: 0, text: ONE },
    { worker: 1, text: TWO },
  ];
  expect(mergeMetrics(workers, '# HELP own Own.\n# TYPE own gauge\nown 1\n')).toBe(
    `# HELP a_total What a counts.
# TYPE a_total counter
a_total{worker="0"} 1
a_total{worker="1"} 10
# HELP b_bytes Sizes.
# TYPE b_bytes histogram
b_bytes_bucket{worker="0",le="1"} 2
b_bytes_bucket{worker="0",le="+Inf"} 3
b_bytes_sum{worker="0"} 4
# HELP c A name with "quotes} and, spaces".
# TYPE c gauge
c{worker="1",name="x y{z"} 5
# HELP own Own.
# TYPE own gauge
own 1
`,
  );
});

test('OpenMetrics ends once', () => {
  const text = (value: number) => `# TYPE a counter\na_total ${value}\n# EOF\n`;
  const workers = [
    { worker: 0, text: text(1) },
    { worker: 1, text: text(2) },
  ];
  expect(mergeMetrics(workers, text(3))).toBe(
    '# TYPE a counter\na_total{worker="0"} 1\na_total{worker="1"} 2\na_total 3\n# EOF\n',
  );
});
