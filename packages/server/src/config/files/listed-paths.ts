import { configOptions } from '../options.ts';
import { valueAt } from '../print.ts';
import type { Config } from '../schema.ts';
import { mapItems } from '../values/objects.ts';
import type { ValueKind } from '../values/units.ts';

/** The files that sections in lists name: certificates of listeners, files of providers. */
export function listedPaths(config: Config): string[] {
  const paths: string[] = [];
  const collect = (kind: ValueKind, value: unknown): unknown => {
    if (kind.kind === 'objects') mapItems(kind, value, (inner, leaf) => collect(leaf.kind, inner));
    else if (kind.kind === 'path' && typeof value === 'string') paths.push(value);
    return value;
  };
  for (const { kind, path } of configOptions) {
    if (kind.kind === 'objects') collect(kind, valueAt(config, path));
  }
  return paths;
}
