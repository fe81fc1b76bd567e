import { readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { configOptions, toCamelCase } from './options.ts';
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
  for (const { flag, key } of configOptions) {
    const value = flags[flag];
    if (Array.isArray(value)) {
      throw new ConfigError([{ key, source: `--${flag}`, message: 'given more than once' }]);
    }
    if (value !== undefined) values.set(key, { value, source: `--${flag}` });
  }
  const input: Record<string, Record<string, unknown>> = {};
  for (const [key, { value }] of values) {
    const [section, name] = key.split('.').map(toCamelCase) as [string, string | undefined];
    if (name === undefined) input[section] = value as Record<string, unknown>;
    else input[section] = { ...input[section], [name]: value };
  }
  return parseConfig(input as ConfigInput, (key) => values.get(key)?.source ?? 'default');
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
  for (const { key: section, value } of document.contents.items) {
    if (!isScalar(section)) continue;
    const sectionSource = position(path, lines, section.range?.[0] ?? 0);
    if (!isMap(value)) {
      values.set(`${section.value}`, { value: toPlain(value), source: sectionSource });
      continue;
    }
    for (const { key: name, value: option } of value.items) {
      if (!isScalar(name)) continue;
      const source = position(path, lines, name.range?.[0] ?? 0);
      values.set(`${section.value}.${name.value}`, { value: toPlain(option), source });
    }
  }
  return values;
}

function toPlain(node: unknown): unknown {
  if (isScalar(node)) return node.value;
  return isMap(node) ? node.toJSON() : null;
}

function position(path: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${path}:${line}:${col}`;
}
