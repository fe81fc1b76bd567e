/** A row of bars for each category, one bar for each series. */
export interface BarChart {
  readonly title: string;
  readonly unit: string;
  readonly categories: readonly string[];
  readonly series: readonly {
    readonly name: string;
    /** By category; null where there is none. */
    readonly values: readonly (number | null)[];
  }[];
  readonly format: (value: number) => string;
}

/** Lines through points. */
export interface LineChart {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly (readonly [x: number, y: number])[];
  }[];
  /** Values on an axis that is logarithmic must be above 0: others are left out. */
  readonly isXLogarithmic?: boolean;
  readonly isYLogarithmic?: boolean;
  /** Words instead of numbers below the axis, at these places. */
  readonly xLabels?: readonly (readonly [x: number, label: string])[];
  readonly formatX: (value: number) => string;
  readonly formatY: (value: number) => string;
}

/** Told apart by people who don't see all colours, and on white as on black. */
const COLORS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9'] as const;
const WIDTH = 860;
const TEXT = '#1f2328';
const FAINT = '#d0d7de';

/** Horizontal bars, labels to the left, values at their ends. The scale is linear and starts at 0. */
export function barChart({ title, unit, categories, series, format }: BarChart): string {
  const barHeight = 15;
  const left = 20 + Math.max(...categories.map((name) => name.length), 4) * 7;
  const right = WIDTH - 90;
  const groupHeight = series.length * barHeight + 14;
  const top = 66;
  const height = top + categories.length * groupHeight + 10;
  const largest = Math.max(1e-9, ...series.flatMap(({ values }) => values.map((v) => v ?? 0)));
  const parts = [heading(title, unit), legend(series.map(({ name }) => name))];
  categories.forEach((category, index) => {
    const y = top + index * groupHeight;
    const middle = y + (series.length * barHeight) / 2 + 4;
    parts.push(text(left - 8, middle, category, 'end'));
    series.forEach(({ values }, seriesIndex) => {
      const value = values[index] ?? null;
      const barY = y + seriesIndex * barHeight;
      if (value === null) {
        parts.push(text(left + 4, barY + 11, 'not measured', 'start', 11));
        return;
      }
      const width = ((right - left) * value) / largest;
      const color = COLORS[seriesIndex % COLORS.length] as string;
      parts.push(
        `<rect x="${left}" y="${barY}" width="${width.toFixed(1)}" height="${barHeight - 2}" fill="${color}"/>`,
        text(left + width + 5, barY + 11, format(value), 'start', 11),
      );
    });
  });
  return svgDocument(title, height, parts);
}

export function lineChart(chart: LineChart): string {
  const [left, right, top, bottom] = [80, WIDTH - 30, 66, 400] as const;
  const points = chart.series.flatMap(({ points }) => points.filter((p) => isShown(chart, p)));
  const xScale = scale(
    points.map(([x]) => x),
    chart.isXLogarithmic ?? false,
    left,
    right,
  );
  const yScale = scale(
    points.map(([, y]) => y),
    chart.isYLogarithmic ?? false,
    bottom,
    top,
  );
  const parts = [heading(chart.title, chart.yTitle), legend(chart.series.map(({ name }) => name))];
  for (const value of yScale.ticks) {
    const y = yScale.at(value);
    parts.push(line(left, y, right, y), text(left - 8, y + 4, chart.formatY(value), 'end', 11));
  }
  const xTicks =
    chart.xLabels ?? xScale.ticks.map((value) => [value, chart.formatX(value)] as const);
  for (const [value, label] of xTicks) {
    const x = xScale.at(value);
    parts.push(line(x, top, x, bottom), text(x, bottom + 18, label, 'middle', 11));
  }
  parts.push(text((left + right) / 2, bottom + 40, chart.xTitle, 'middle'));
  chart.series.forEach((series, index) => {
    const color = COLORS[index % COLORS.length] as string;
    const shown = series.points.filter((p) => isShown(chart, p));
    const places = shown.map(
      ([x, y]) => `${xScale.at(x).toFixed(1)},${yScale.at(y).toFixed(1)}` as const,
    );
    parts.push(
      `<polyline points="${places.join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`,
    );
    for (const place of places) {
      const [x, y] = place.split(',');
      parts.push(`<circle cx="${x}" cy="${y}" r="3" fill="${color}"/>`);
    }
  });
  return svgDocument(chart.title, bottom + 55, parts);
}

function isShown(chart: LineChart, [x, y]: readonly [number, number]): boolean {
  return !((chart.isXLogarithmic && x <= 0) || (chart.isYLogarithmic && y <= 0));
}

interface Scale {
  readonly ticks: readonly number[];
  readonly at: (value: number) => number;
}

function scale(values: readonly number[], isLogarithmic: boolean, from: number, to: number): Scale {
  const largest = values.length === 0 ? 1 : Math.max(...values);
  if (!isLogarithmic) {
    const step = niceStep(largest <= 0 ? 1 : largest);
    const end = Math.max(step, Math.ceil(largest / step - 1e-9) * step);
    const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, index) => index * step);
    return { ticks, at: (value) => from + ((to - from) * value) / end };
  }
  const low = Math.floor(Math.log10(values.length === 0 ? 1 : Math.min(...values)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(largest) - 1e-9));
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  return { ticks, at: (value) => from + ((to - from) * (Math.log10(value) - low)) / (high - low) };
}

/** 1, 2 or 5 times a power of ten, so that five or so of them reach the value. */
function niceStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value / 5));
  const factor = value / 5 / power;
  return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
}

function heading(title: string, subtitle: string): string {
  return `<text x="20" y="24" font-size="16" font-weight="bold" fill="${TEXT}">${escaped(title)}</text>${text(WIDTH - 20, 24, subtitle, 'end')}`;
}

function legend(names: readonly string[]): string {
  let x = 20;
  return names
    .map((name, index) => {
      const at = x;
      x += 30 + name.length * 7.5;
      const color = COLORS[index % COLORS.length] as string;
      return `<rect x="${at}" y="38" width="12" height="12" fill="${color}"/>${text(at + 17, 48, name, 'start')}`;
    })
    .join('');
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map((value) => value.toFixed(1));
  return `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" stroke="${FAINT}"/>`;
}

function text(
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end',
  size = 12,
): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" text-anchor="${anchor}" fill="${TEXT}">${escaped(content)}</text>`;
}

function svgDocument(title: string, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="Helvetica, Arial, sans-serif">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function escaped(content: string): string {
  return content
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}
