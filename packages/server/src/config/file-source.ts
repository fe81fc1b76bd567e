import { isMap, isNode, isScalar, type YAMLMap } from 'yaml';
import { configSections } from './options.ts';
import { ConfigError, type ConfigProblem } from './parse.ts';
import { readYamlFile, type YamlFile } from './yaml-file.ts';

const KEY = '--config';

/** A value as its source has it, by key, such as `mqtt.max-qos`. */
export interface SourcedValue {
  readonly key: string;
  readonly value: unknown;
  /** A flag, an environment variable, or a file with line and column. */
  readonly source: string;
}

/** What was found in a source, and what is wrong with the source itself. */
export interface SourceContent {
  readonly values: readonly SourcedValue[];
  readonly problems: readonly ConfigProblem[];
}

/** Reads a configuration file, YAML or JSON; what it says is not checked yet. */
export function readConfigFile(path: string): SourceContent {
  let file: YamlFile;
  try {
    file = readYamlFile(path, KEY);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { values: [], problems: error.problems };
  }
  const { document, position } = file;
  if (document.contents === null) return { values: [], problems: [] };
  if (!isMap(document.contents)) {
    return { values: [], problems: [{ key: KEY, source: path, message: 'it must hold sections' }] };
  }
  const values: SourcedValue[] = [];
  collect(document.contents, '');
  return { values, problems: [] };

  function collect(map: YAMLMap, prefix: string): void {
    for (const { key: name, value } of map.items) {
      const key = `${prefix}${isScalar(name) ? name.value : String(name)}`;
      const plain = isNode(value) ? value.toJS(document) : value;
      if (!configSections.includes(key)) {
        values.push({ key, value: plain, source: position(offsetOf(name)) });
      } else if (isMap(value)) {
        collect(value, `${key}.`);
      } else if (plain !== null) {
        // A section whose lines are all commented out is an empty one; anything else is wrong.
        values.push({ key, value: plain, source: position(offsetOf(name)) });
      }
    }
  }
}

function offsetOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}
