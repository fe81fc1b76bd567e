import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { clock } from '../app/format.ts';
import { theme } from '../app/theme.ts';

/** One line of a plot. */
export interface Line {
  readonly label: string;
  /** As many as there are times; null where there is none. */
  readonly values: readonly (number | null)[];
  /** Whether the area below it is filled. */
  readonly isFilled?: boolean;
}

const COLOURS = 6;
const HEIGHT = 148;

/** All plots of a page show the same moment. */
const CURSOR_KEY = 'promptmq';

/** The figures at the moment that somebody points at; null: the latest. */
const pointedAt = signal<number | null>(null);

/** Figures over time, with what they are at the moment that is pointed at, or now. */
export function Plot(props: {
  readonly title: string;
  /** Milliseconds since 1970, ascending. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** A figure as a text, with its unit. */
  readonly format: (value: number | null | undefined) => string;
  readonly actions?: ComponentChildren;
  readonly height?: number;
}) {
  const { title, times, lines, format, actions, height = HEIGHT } = props;
  const at = pointedAt.value === null ? times.length - 1 : nearest(times, pointedAt.value);
  const figures = lines.map(({ label, values }) => `${label} ${format(values[at])}`);
  return (
    <section class="panel plot">
      <header class="panel-head">
        <h2>{title}</h2>
        {actions}
        <p class="legend">
          {lines.map(({ label, values }, index) => (
            <span key={label}>
              <span class={`swatch swatch-${(index % COLOURS) + 1}`} aria-hidden="true" />
              {label} <b>{format(values[at])}</b>
            </span>
          ))}
        </p>
      </header>
      <figure
        class={times.length < 2 ? 'plot-body without' : 'plot-body'}
        role="img"
        aria-label={`${title}: ${figures.join(', ')}`}
      >
        <Canvas times={times} lines={lines} format={format} height={height} />
        {times.length < 2 && <p class="empty plot-empty">There is more to see in a minute.</p>}
      </figure>
    </section>
  );
}

interface CanvasProps {
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number | null | undefined) => string;
  readonly height: number;
}

function Canvas({ times, lines, format, height }: CanvasProps) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [width, setWidth] = useState(0);
  const shape = `${theme.value} ${lines.map(({ label }) => label).join('|')}`;

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      setWidth(Math.floor(entry?.contentRect.width ?? 0));
    });
    observer.observe(element.current as HTMLElement);
    return () => observer.disconnect();
  }, []);

  // What is drawn is made anew when its colours or lines are others; figures are only set.
  useEffect(() => {
    if (width === 0) return;
    const made = new uPlot(
      optionsOf(lines, format, width, height),
      dataOf(times, lines),
      element.current as HTMLElement,
    );
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
  }, [shape, width === 0, height]);

  useEffect(() => plot.current?.setSize({ width, height }), [width, height]);
  useEffect(() => plot.current?.setData(dataOf(times, lines)), [times, lines]);
  return <div ref={element} class="canvas" />;
}

function dataOf(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [times.map((time) => time / 1000), ...lines.map(({ values }) => [...values])];
}

function optionsOf(
  lines: readonly Line[],
  format: CanvasProps['format'],
  width: number,
  height: number,
): uPlot.Options {
  const styles = getComputedStyle(document.documentElement);
  const colour = (name: string) => styles.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { size: 6 },
      sync: { key: CURSOR_KEY },
    },
    scales: {
      y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        space: 70,
        values: (_plot, splits) => timesText(splits),
      },
      {
        ...axis,
        size: 56,
        space: 34,
        values: (_plot, splits) => splits.map((value) => format(value)),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, isFilled }, index) => {
        const stroke = colour(`--plot-${(index % COLOURS) + 1}`);
        return {
          label,
          stroke,
          width: 1.6,
          points: { show: false },
          ...(isFilled && { fill: `${stroke}26` }),
        };
      }),
    ],
    hooks: {
      setCursor: [
        (self) => {
          const { idx } = self.cursor;
          const at = idx == null ? undefined : self.data[0][idx];
          pointedAt.value = at === undefined ? null : at * 1000;
        },
      ],
    },
  };
}

/** Minutes, and seconds where they are closer than that. */
function timesText(splits: readonly number[]): string[] {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  return splits.map((at) => clock(at * 1000).slice(0, step < 60 ? 8 : 5));
}

/** The index of the time that is nearest; -1 where there is none. */
function nearest(times: readonly number[], at: number): number {
  let best = times.length - 1;
  for (let index = best - 1; index >= 0; index--) {
    if (Math.abs((times[index] as number) - at) > Math.abs((times[best] as number) - at)) break;
    best = index;
  }
  return best;
}
