import { readFileSync } from 'node:fs';
import { isMap, isNode, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { toCamelCase } from './names.ts';
import { configOptions, configSections } from './options.ts';
import { ConfigError, parseConfig } from './parse.ts';
import type { Config, ConfigInput } from './schema.ts';

/** Values by key, such as `mqtt.max-qos`, each with where it comes from. */
type Values = Map<string, { readonly value: unknown; readonly source: string }>;

export interface ConfigSources {
  /** Flags of the command line, by name without dashes; those that were not given are undefined. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** A configuration file, YAML or JSON. */
  readonly file?: string | undefined;
}

/**
 * Reads a configuration from its sources; a flag goes before the file.
 *
 * @throws {ConfigError} with all problems at once, a file that can't be read included
 */
export function loadConfig({ flags, file }: ConfigSources): Config {
  const values: Values = file === undefined ? new Map() : readFile(file);
  for (const { flag: name, otherFlags, key } of configOptions) {
    const given = [name, ...otherFlags].filter((flag) => flags[flag] !== undefined);
    const [flag] = given;
    if (flag === undefined) continue;
    const value = flags[flag];
    if (Array.isArray(value) || given.length > 1) {
      throw new ConfigError([{ key, source: `--${flag}`, message: 'given more than once' }]);
    }
    values.set(key, { value, source: `--${flag}` });
  }
  const input = {};
  for (const [key, { value }] of values) setValue(input, key.split('.').map(toCamelCase), value);
  return parseConfig(input as ConfigInput, (key) => values.get(key)?.source ?? 'default');
}

function setValue(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  target[name] ??= {};
  setValue(target[name] as Record<string, unknown>, rest, value);
}

function readFile(path: string): Values {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([
      { key: '--config', source: path, message: `can't be read: ${(error as Error).message}` },
    ]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map(({ message, pos }) => ({
        key: '--config',
        source: position(path, lines, pos[0]),
        message: (message.split('\n')[0] as string).replace(/ at line.*/, ''),
      })),
    );
  }
  const values: Values = new Map();
  if (document.contents === null) return values;
  if (!isMap(document.contents)) {
    throw new ConfigError([{ key: '--config', source: path, message: 'it must hold sections' }]);
  }
  collect(document.contents, '');
  return values;

  function collect(map: YAMLMap, prefix: string): void {
    for (const { key: name, value } of map.items) {
      if (!isScalar(name)) continue;
      const key = `${prefix}${name.value}`;
      if (isMap(value) && configSections.includes(key)) {
        collect(value, `${key}.`);
      } else {
        const source = position(path, lines, name.range?.[0] ?? 0);
        values.set(key, { value: isNode(value) ? value.toJS(document) : value, source });
      }
    }
  }
}

function position(path: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${path}:${line}:${col}`;
}
