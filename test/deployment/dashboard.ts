import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dockerFolder } from './prometheus.ts';

/** A panel of the dashboard, as far as its tests look at it. */
export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly expr: string }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
}

/** Those that docker/grafana has. */
export type DashboardName = 'promptmq' | 'promptmq-cluster';

/** The panels of a dashboard, without the rows that group them. */
export function dashboardPanels(name: DashboardName = 'promptmq'): readonly Panel[] {
  const path = join(dockerFolder, 'grafana', 'dashboards', `${name}.json`);
  const { panels } = JSON.parse(readFileSync(path, 'utf8')) as { panels: Panel[] };
  return panels.filter(({ type }) => type !== 'row');
}

/** An expression with Grafana's variables filled in. */
export function fillIn(expression: string, rateInterval: string): string {
  return expression
    .replaceAll('$__rate_interval', rateInterval)
    .replaceAll('$instance', '.*')
    .replaceAll('$job', '.*');
}
