import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type LeftBehind, leftBehind, missing, withWholePaths } from './files/file-paths.ts';
import { readConfigFile, type SourceContent, type SourcedValue } from './files/file-source.ts';
import { nearest, toCamelCase } from './names.ts';
import { type ConfigOption, configOptions } from './options.ts';
import { ConfigError, type ConfigProblem, checkConfig, unknownKey } from './parse.ts';
import type { Config, ConfigInput } from './schema.ts';

/** The variable that names the configuration file. */
export const FILE_VARIABLE = 'PROMPTMQ_CONFIG';

const FILE_IN_WORKING_DIRECTORY = 'promptmq.yaml';
const FILE_IN_HOME_DIRECTORY = '.promptmq.yaml';

/**
 * What Kubernetes sets for a service whose name begins with promptmq, such as
 * `PROMPTMQ_SERVICE_HOST` and `PROMPTMQ_PORT_1883_TCP_ADDR`: these are no options of ours.
 */
const SERVICE_VARIABLE =
  /^PROMPTMQ_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$/;

/** Where a configuration comes from; what is left out is not looked at. */
export interface ConfigSources {
  /** Flags of the command line, by name without dashes; those that were not given are undefined. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** A configuration file, YAML or JSON. */
  readonly file?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where promptmq.yaml is looked for when no file is named; that of the process by default, but not for that. */
  readonly workingDirectory?: string;
  /** Where .promptmq.yaml is looked for when there is none there, either. */
  readonly homeDirectory?: string;
}

/** A configuration with where its values come from. */
export interface LoadedConfig {
  readonly config: Config;
  /** The configuration file, or null when there was none. */
  readonly file: string | null;
  /** Whether there is a file in which nothing is. */
  readonly isFileEmpty: boolean;
  /** Data that is where relative paths of a file led before they were relative to the file. */
  readonly leftBehind: readonly LeftBehind[];
  /** What was given, by key; options that are not in it have their defaults. */
  readonly given: ReadonlyMap<string, SourcedValue>;
}

/**
 * Reads a configuration from its sources: flags go before environment variables, and those before the
 * file.
 *
 * @throws {ConfigError} with all problems at once, a file that can't be read included
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const environment = sources.environment ?? {};
  const file = findFile(sources);
  const contents = [
    ...(file === null ? [] : [readConfigFile(file)]),
    readEnvironment(environment),
    readFlags(sources.flags),
  ];
  const problems: ConfigProblem[] = contents.flatMap((content) => [...content.problems]);
  const given = new Map<string, SourcedValue>();
  const left = new Map<string, LeftBehind | null>();
  const workingDirectory = sources.workingDirectory ?? process.cwd();
  for (const sourced of contents.flatMap((content) => content.values)) {
    const { key, source, folder } = sourced;
    const option = configOptions.find((candidate) => candidate.key === key);
    left.delete(key);
    if (!isKnown(key)) problems.push(unknownKey(key, source));
    else if (option === undefined || folder === undefined) given.set(key, sourced);
    else {
      const value = withWholePaths(option, sourced.value, folder, workingDirectory);
      given.set(key, { ...sourced, value });
      left.set(key, leftBehind(sourced, value, workingDirectory));
      const problem = missing(sourced, value, workingDirectory);
      if (problem !== null) problems.push(problem);
    }
  }
  const input = {};
  for (const { key, value } of given.values()) {
    setValue(input, key.split('.').map(toCamelCase), value);
  }
  const checked = checkConfig(input as ConfigInput, (key) => sourceIn(given, key));
  for (const problem of checked.problems) problems.push(problem);
  if (checked.config === null || problems.length > 0) throw new ConfigError(problems);
  const isFileEmpty = contents.some((content) => content.isEmpty === true);
  const behind = [...left.values()].filter((one) => one !== null);
  return { config: checked.config, file, isFileEmpty, leftBehind: behind, given };
}

/** Where a value comes from. Of one in a list, such as `listeners[1].cert`, the nearest place that is known. */
function sourceIn(given: ReadonlyMap<string, SourcedValue>, key: string): string {
  const listEnd = key.includes('[') ? key.indexOf('[') : key.length;
  const list = given.get(key.slice(0, listEnd));
  for (
    let within = key.slice(listEnd);
    within !== '';
    within = within.replace(/(\.|\[)[^.[]*$/, '')
  ) {
    const place = list?.places?.get(within);
    if (place !== undefined) return place;
  }
  return list?.source ?? 'default';
}

/** The file that is named, or the first that is there; null when there is none. */
function findFile(sources: ConfigSources): string | null {
  const { file, environment, workingDirectory, homeDirectory } = sources;
  const named = file ?? environment?.[FILE_VARIABLE];
  if (named !== undefined && named !== '') return named;
  const candidates = [
    ...(workingDirectory === undefined ? [] : [join(workingDirectory, FILE_IN_WORKING_DIRECTORY)]),
    ...(homeDirectory === undefined ? [] : [join(homeDirectory, FILE_IN_HOME_DIRECTORY)]),
  ];
  return candidates.find((candidate) => existsSync(candidate)) ?? null;
}

const optionByVariable = new Map(configOptions.map((option) => [option.variable, option]));

function readEnvironment(environment: Readonly<Record<string, string | undefined>>): SourceContent {
  const values: SourcedValue[] = [];
  const problems: ConfigProblem[] = [];
  for (const [name, value] of Object.entries(environment)) {
    // An empty variable is as good as none: compose files make them of what is not set.
    if (!name.startsWith('PROMPTMQ_') || name === FILE_VARIABLE || !value) continue;
    const option = optionByVariable.get(name);
    if (option !== undefined) {
      values.push({ key: option.key, value, source: name });
    } else if (!SERVICE_VARIABLE.test(name)) {
      const suggestion = nearest(name, [FILE_VARIABLE, ...optionByVariable.keys()]);
      const hint = suggestion === null ? '' : `; did you mean ${suggestion}?`;
      problems.push({ key: name, source: 'environment', message: `unknown variable${hint}` });
    }
  }
  return { values, problems };
}

function readFlags(flags: ConfigSources['flags']): SourceContent {
  const values: SourcedValue[] = [];
  const problems: ConfigProblem[] = [];
  for (const option of configOptions) {
    const given = [option.flag, ...option.otherFlags].filter((flag) => flags[flag] !== undefined);
    const [flag] = given;
    if (flag === undefined) continue;
    const { key } = option;
    const source = `--${flag}`;
    if (Array.isArray(flags[flag]) || given.length > 1) {
      problems.push({ key, source, message: 'given more than once' });
    } else {
      values.push({ key, value: valueOfFlag(option, flags[flag]), source });
    }
  }
  return { values, problems };
}

/** A flag without a value turns its option on. */
function valueOfFlag({ kind }: ConfigOption, value: unknown): unknown {
  return kind.kind === 'boolean' && value === '' ? true : value;
}

function isKnown(key: string): boolean {
  return configOptions.some((option) => option.key === key || option.key.startsWith(`${key}.`));
}

function setValue(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  if (typeof target[name] !== 'object') target[name] = {};
  setValue(target[name] as Record<string, unknown>, rest, value);
}
