import { withWholePaths } from './files/file-paths.ts';
import { yamlLibrary } from './files/yaml-library.ts';
import { hasListeners } from './listener-problems.ts';
import type { LoadedConfig } from './load.ts';
import { type ConfigOption, configOptions } from './options.ts';
import type { Config } from './schema.ts';
import { inKebabCase, mapItems } from './values/objects.ts';
import type { ValueKind } from './values/units.ts';

/** They have another default where there is a list of listeners. */
const FLAT_BINDS: readonly string[] = ['server.bind', 'server.ws-bind'];

const MASK = '(hidden)';

/**
 * A configuration as a YAML file that would load to the same, each line with where its value comes
 * from. Secrets are masked.
 */
export function printConfig({ given }: LoadedConfig): string {
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const option of configOptions) {
    const names = option.key.split('.');
    const sections = names.slice(0, -1);
    for (const [depth, name] of sections.entries()) {
      if (open[depth] === name && depth < open.length) continue;
      open = [...open.slice(0, depth), name];
      lines.push(`${'  '.repeat(depth)}${name}:`);
    }
    open = sections;
    const { value, source } = shownValue(option, given);
    const indent = '  '.repeat(sections.length);
    // A file would make something else of a default that is relative to the working directory.
    const isRelative = !given.has(option.key) && isRelativePath(option, value);
    const text = toYaml(option, isRelative ? value : wholeValue(option, given, value));
    lines.push(`${indent}${isRelative ? '# ' : ''}${names.at(-1)}: ${text} # ${source}`);
  }
  return `${lines.join('\n')}\n`;
}

/** An option with its value, for people. */
export interface ShownOption {
  readonly key: string;
  /** As in a file, in YAML; of secrets only whether there is one. */
  readonly value: string;
  readonly default: string;
  readonly origin: 'default' | 'file' | 'environment' | 'flag';
  /** The flag, the variable, or the file with line and column. */
  readonly source: string;
  readonly needsRestart: boolean;
  readonly description: string;
}

/** Every option of a configuration. */
export function shownOptions({ given }: LoadedConfig): ShownOption[] {
  return configOptions.map((option) => {
    const { value, source } = shownValue(option, given);
    return {
      key: option.key,
      value: toYaml(option, value),
      default: option.defaultText,
      origin: given.has(option.key) ? originOf(source) : 'default',
      source,
      needsRestart: option.needsRestart,
      description: option.description,
    };
  });
}

function originOf(source: string): ShownOption['origin'] {
  if (source.startsWith('--')) return 'flag';
  return source.startsWith('PROMPTMQ_') ? 'environment' : 'file';
}

/** One line for each option that differs from its default: key, value, default and source. */
export function diffConfig({ config, given }: LoadedConfig, defaults: Config): string[] {
  return configOptions
    .filter(({ path }) => !isSame(valueAt(config, path), valueAt(defaults, path)))
    .map((option) => {
      const { value, source } = shownValue(option, given);
      const text = toYaml(option, value);
      return `${option.key}: ${text} (default ${option.defaultText || "''"}, from ${source})`;
    });
}

/** Every option whose value differs between two configurations. */
export function changedOptions(before: Config, after: Config): ConfigOption[] {
  return configOptions.filter(({ path }) => !isSame(valueAt(before, path), valueAt(after, path)));
}

/** The value of an option, by its path. */
export function valueAt(config: Config, path: readonly string[]): unknown {
  let value: unknown = config;
  for (const name of path) value = (value as Record<string, unknown>)[name];
  return value;
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** What flags and variables say of paths is relative to the working directory, a file that says the same not. */
function wholeValue(option: ConfigOption, given: LoadedConfig['given'], value: unknown): unknown {
  const sourced = given.get(option.key);
  if (sourced === undefined || sourced.folder !== undefined) return value;
  return withWholePaths(option, value, process.cwd(), null);
}

function isRelativePath({ kind }: ConfigOption, value: unknown): boolean {
  return kind.kind === 'path' && typeof value === 'string' && /^\.\.?\//.test(value);
}

function shownValue(
  { key, kind, defaultText }: ConfigOption,
  given: LoadedConfig['given'],
): { value: unknown; source: string } {
  const sourced = given.get(key);
  if (sourced !== undefined) return sourced;
  const listeners = given.get('listeners');
  if (FLAT_BINDS.includes(key) && hasListeners({ listeners: listeners?.value as never })) {
    return { value: 'none', source: `as there are listeners: ${listeners?.source}` };
  }
  const isList = (kind.kind === 'list' || kind.kind === 'objects') && defaultText === '';
  return { value: isList ? [] : defaultText, source: 'default' };
}

/** In the spelling of files, as the rest. */
function withoutSecrets(kind: ValueKind & { kind: 'objects' }, value: unknown): unknown {
  const shown = mapItems(kind, value, (inner, leaf) => {
    if (leaf.isSecret) return MASK;
    return leaf.kind.kind === 'objects' ? withoutSecrets(leaf.kind, inner) : inner;
  });
  return inKebabCase(kind, shown);
}

function toYaml({ isSecret, kind }: ConfigOption, value: unknown): string {
  if (isSecret) return value === '' ? "''" : MASK;
  if (kind.kind === 'objects') return JSON.stringify(withoutSecrets(kind, value));
  if (kind.kind === 'list' && typeof value === 'string')
    return JSON.stringify(value.split(/\s*,\s*/));
  if (Array.isArray(value)) return JSON.stringify(value);
  const plain = typeof value === 'string' && /^(\d+|true|false)$/.test(value);
  return plain
    ? value
    : yamlLibrary()
        .stringify(value ?? 'none', { lineWidth: 0 })
        .trim();
}
