import { dirname, resolve } from 'node:path';
import type { YAMLMap } from 'yaml';
import { toKebabCase } from '../names.ts';
import { configSections } from '../options.ts';
import { ConfigError, type ConfigProblem } from '../parse.ts';
import { foreignFile } from './foreign-file.ts';
import { readYamlFile, type YamlFile } from './yaml-file.ts';
import { yamlLibrary } from './yaml-library.ts';

const KEY = '--config';

/** A value as its source has it, by key, such as `mqtt.max-qos`. */
export interface SourcedValue {
  readonly key: string;
  readonly value: unknown;
  /** A flag, an environment variable, or a file with line and column. */
  readonly source: string;
  /** The folder of the file that has it, to which paths are relative. */
  readonly folder?: string;
  /** Of a list in a file, where its parts are, such as `[1].jwt.algorithms`. */
  readonly places?: ReadonlyMap<string, string>;
}

/** What was found in a source, and what is wrong with the source itself. */
export interface SourceContent {
  readonly values: readonly SourcedValue[];
  readonly problems: readonly ConfigProblem[];
  /** Whether it is a file in which nothing is. */
  readonly isEmpty?: boolean;
}

/** Reads a configuration file, YAML or JSON; what it says is not checked yet. */
export function readConfigFile(path: string): SourceContent {
  const { isAlias, isMap, isNode, isScalar, isSeq } = yamlLibrary();
  let file: YamlFile;
  try {
    file = readYamlFile(path, KEY);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { values: [], problems: error.problems };
  }
  const { text, document, position } = file;
  if (document.contents === null) return { values: [], problems: [], isEmpty: true };
  if (!isMap(document.contents) || !holdsSection(document.contents)) {
    const foreign = foreignFile(text, KEY);
    const message = foreign ?? 'it must hold sections, such as `server: { bind: 0.0.0.0:1883 }`';
    const isRefused = foreign !== null || !isMap(document.contents);
    if (isRefused) return { values: [], problems: [{ key: KEY, source: path, message }] };
  }
  const values: SourcedValue[] = [];
  const folder = dirname(resolve(path));
  if (isMap(document.contents)) collect(document.contents, '');
  return { values, problems: [] };

  function collect(map: YAMLMap, prefix: string): void {
    for (const { key: name, value: written } of map.items) {
      const value = isAlias(written) ? written.resolve(document) : written;
      const key = `${prefix}${isScalar(name) ? name.value : String(name)}`;
      const plain = isNode(value) ? value.toJS(document) : value;
      if (!configSections.includes(key)) {
        const places = new Map<string, string>();
        collectPlaces(value, '', places);
        values.push({ key, value: plain, source: position(offsetOf(name)), folder, places });
      } else if (isMap(value)) {
        collect(value, `${key}.`);
      } else if (plain !== null) {
        // A section whose lines are all commented out is an empty one; anything else is wrong.
        values.push({ key, value: plain, source: position(offsetOf(name)), folder });
      }
    }
  }

  /** Of what lies in lists; maps alone are no options. */
  function collectPlaces(node: unknown, prefix: string, places: Map<string, string>): void {
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) {
        const key = `${prefix}[${index}]`;
        places.set(key, position(offsetOf(item)));
        collectPlaces(item, key, places);
      }
    } else if (isMap(node) && prefix !== '') {
      for (const { key: name, value } of node.items) {
        const key = `${prefix}.${toKebabCase(isScalar(name) ? String(name.value) : String(name))}`;
        places.set(key, position(offsetOf(name)));
        collectPlaces(value, key, places);
      }
    }
  }
}

function holdsSection({ items }: YAMLMap): boolean {
  const { isScalar } = yamlLibrary();
  return items.some(({ key }) => isScalar(key) && configSections.includes(`${key.value}`));
}

function offsetOf(node: unknown): number {
  return yamlLibrary().isNode(node) ? (node.range?.[0] ?? 0) : 0;
}
