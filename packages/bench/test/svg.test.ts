import { expect, test } from '@jest/globals';
import { makeScenario, plots, type Result } from '../src/index.ts';
import { Histogram } from '../src/report/histogram.ts';
import { barChart, lineChart } from '../src/report/svg.ts';

/** The elements of an XML document; throws where it is not well-formed. */
function elementsOf(xml: string): { name: string; attributes: Record<string, string> }[] {
  const elements: { name: string; attributes: Record<string, string> }[] = [];
  const open: string[] = [];
  let at = 0;
  for (const match of xml.matchAll(/<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g)) {
    const between = xml.slice(at, match.index);
    if (/[<>]|&(?!amp;|lt;|gt;|quot;)/.test(between)) throw new Error(`stray markup in ${between}`);
    at = match.index + match[0].length;
    const [, isEnd, name, attributes, isEmpty] = match as unknown as string[];
    if (isEnd === '/') {
      if (open.pop() !== name) throw new Error(`</${name}> closes another element`);
      continue;
    }
    elements.push({
      name: name as string,
      attributes: Object.fromEntries(
        [...(attributes as string).matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [
          key,
          value,
        ]),
      ),
    });
    if (isEmpty !== '/') open.push(name as string);
  }
  if (open.length > 0 || xml.slice(at).trim() !== '')
    throw new Error('unclosed or trailing markup');
  return elements;
}

const shapes = (xml: string, name: string) => elementsOf(xml).filter((one) => one.name === name);

test('the check of these tests finds what is not well-formed', () => {
  for (const wrong of ['<svg>', '<svg><g></svg>', '<svg/>x<', '<text>a & b</text>']) {
    expect(() => elementsOf(wrong)).toThrow();
  }
});

test('bars are as long as their values, and labels are escaped', () => {
  const svg = barChart({
    title: 'A & B',
    unit: '<1/s>',
    categories: ['one "x"', 'two'],
    series: [
      { name: 'first', values: [10, 5] },
      { name: 'second', values: [null, 0] },
    ],
    format: String,
  });
  const bars = shapes(svg, 'rect').slice(3); // after the background and the legend
  expect(bars).toHaveLength(3);
  const [ten, five, zero] = bars.map(({ attributes }) => Number(attributes['width']));
  expect(five).toBeCloseTo((ten as number) / 2, 0);
  expect(zero).toBe(0);
  expect(svg).toContain('A &amp; B');
  expect(svg).toContain('not measured');
});

test('lines go up with their values, and a logarithmic axis leaves out 0', () => {
  const svg = lineChart({
    title: 'lines',
    xTitle: 'x',
    yTitle: 'y',
    series: [
      {
        name: 's',
        points: [
          [0, 5],
          [1, 10],
          [100, 1000],
        ],
      },
    ],
    isXLogarithmic: true,
    isYLogarithmic: true,
    formatX: String,
    formatY: String,
  });
  const dots = shapes(svg, 'circle').map(({ attributes }) => [
    Number(attributes['cx']),
    Number(attributes['cy']),
  ]);
  expect(dots).toHaveLength(2);
  const [[x1, y1], [x2, y2]] = dots as [[number, number], [number, number]];
  expect(x2).toBeGreaterThan(x1);
  expect(y2).toBeLessThan(y1);
});

test('charts without any value, or with one, are well-formed and have no NaN', () => {
  const chart = { title: 't', xTitle: 'x', yTitle: 'y', formatX: String, formatY: String };
  for (const points of [[], [[0, 0]], [[5, 5]]] as [number, number][][]) {
    for (const isYLogarithmic of [true, false]) {
      const svg = lineChart({ ...chart, isYLogarithmic, series: [{ name: 's', points }] });
      elementsOf(svg);
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
  }
  const bars = barChart({ title: 't', unit: 'u', categories: [], series: [], format: String });
  elementsOf(bars);
  expect(bars).not.toMatch(/NaN|Infinity/);
});

function result(input: Partial<Result> & Pick<Result, 'label'>): Result {
  return {
    scenario: makeScenario({ pattern: 'pairs' }),
    unit: 'deliveries',
    ratePerSecond: 1000,
    seconds: 1,
    sent: 1,
    expected: 1,
    delivered: 1,
    lost: 0,
    surplus: 0,
    refused: 0,
    latency: null,
    generator: { cpu: 0.1, lateP99: 0, isLimit: false },
    broker: null,
    extra: {},
    memory: [],
    ...input,
  };
}

test('each kind of result has its plot, and what was not measured has none', () => {
  const latency = new Histogram();
  for (let value = 1; value < 2000; value++) latency.record(value);
  const timed = result({ label: 'pairs', latency: latency.percentiles() });
  const memory = [
    { connections: 0, residentBytes: 5e7 },
    { connections: 100, residentBytes: 6e7 },
  ];
  const all = plots([
    { name: 'A', results: [timed, result({ label: 'idle', unit: 'connects', memory })] },
    { name: 'B', results: [timed] },
  ]);
  expect([...all.keys()]).toEqual(['throughput.svg', 'latency.svg', 'memory.svg']);
  for (const svg of all.values()) elementsOf(svg);
  expect(shapes(all.get('latency.svg') as string, 'polyline')).toHaveLength(2);
  expect([...plots([{ name: 'A', results: [] }]).keys()]).toEqual([]);
});
