import { listenerProblems, notNetwork, withoutFlatListeners } from './listener-problems.ts';
import { nearest, toCamelCase, toKebabCase } from './names.ts';
import { parseNetwork } from './network.ts';
import { configOptions, configSections } from './options.ts';
import { type Config, type ConfigInput, configSchema } from './schema.ts';
import { clusterProblems } from './sections/cluster.ts';
import { leavesOf, type SchemaLeaf, type SchemaPart } from './values/parts.ts';
import { allowedText } from './values/units.ts';
import { withWholeSections } from './whole-sections.ts';

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** As in a file, such as `mqtt.max-qos`. */
  readonly key: string;
  /** Where the value comes from: a flag, an environment variable, or a file with line and column. */
  readonly source: string;
  /** What is wrong and what is allowed. */
  readonly message: string;
}

/** A configuration was refused; its message lists every problem, a line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(all: readonly ConfigProblem[]) {
    const problems = all.slice(0, PROBLEMS_MAX).map(shortened);
    const more = all.length - problems.length;
    const lines = problems.map(({ key, source, message }) => `${key} (${source}): ${message}`);
    if (more > 0) lines.push(`and ${more} more`);
    super(lines.join('\n'));
    this.problems = problems;
  }
}

/** A file that is something else altogether can be wrong in each line; nobody reads all of that. */
const PROBLEMS_MAX = 50;
const TEXT_LENGTH_MAX = 500;

function shortened({ key, source, message }: ConfigProblem): ConfigProblem {
  const cut = (text: string) =>
    text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text;
  return { key: cut(key), source, message: cut(message) };
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws {ConfigError} with all problems at once
 */
export function parseConfig(input: ConfigInput): Config {
  const { config, problems } = checkConfig(input, () => 'options', inCamelCase);
  if (config === null) throw new ConfigError(problems);
  return config;
}

/**
 * The same without an exception: a configuration, or what is wrong with it.
 *
 * @param sourceOf - names where a value comes from, by its key; for errors
 */
export function checkConfig(
  input: ConfigInput,
  sourceOf: (key: string) => string,
  spelling: Spelling = asInFiles,
): { readonly config: Config | null; readonly problems: readonly ConfigProblem[] } {
  const result = configSchema.safeParse(withoutFlatListeners(withWholeSections(input)));
  const problems = result.success
    ? contradictionsOf(result.data, sourceOf, spelling === asInFiles)
    : result.error.issues.flatMap((issue) => toProblems(issue, input, sourceOf, spelling));
  return { config: problems.length === 0 ? (result.data as Config) : null, problems };
}

/** How a key that might be meant is shown: as in files, or as in the options of a program. */
type Spelling = (key: string) => string;
const asInFiles: Spelling = (key) => key;
const inCamelCase: Spelling = (key) => toCamelCase(key);

interface Issue {
  readonly code?: string | undefined;
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly keys?: readonly string[];
}

function toProblems(
  issue: Issue,
  input: unknown,
  sourceOf: (key: string) => string,
  spelling: Spelling,
): ConfigProblem[] {
  const path = issue.path.map(String);
  const place = placeOf(path);
  if (place !== null) return itemProblems(issue, place, input, sourceOf, spelling);
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map((name) => {
      const unknown = [...path, name].map(toKebabCase).join('.');
      const { key, source, message } = unknownKey(unknown, sourceOf(unknown), spelling);
      // As it was written: `maxQoS` is not `max-qo-s`.
      return { key: spelling === asInFiles ? key : [...path, name].join('.'), source, message };
    });
  }
  const key = path.map(toKebabCase).join('.');
  const isSecret = configOptions.some((option) => option.key === key && option.isSecret);
  const value = isSecret ? 'the value' : shownValue(valueAt(input, path));
  return [
    {
      key,
      source: sourceOf(key),
      message: `${value} is not allowed; it takes ${allowedBy(issue, key)}${insteadOf(key, value)}`,
    },
  ];
}

/** For values that people may expect, and that something else has taken the place of: what that is, by key and value. */
const INSTEAD: Readonly<Record<string, string>> = {
  'cluster.engine "static"': 'the processes of one machine need no engine: set server.workers',
};

function insteadOf(key: string, value: string): string {
  const instead = INSTEAD[`${key} ${value}`];
  return instead === undefined ? '' : `; ${instead}`;
}

/** Where something is wrong in a list of sections. */
interface Place {
  /** Such as `auth.chain[1].jwt`. */
  readonly key: string;
  /** The values that there are beside it, at its level. */
  readonly leaves: readonly SchemaLeaf[];
  /** From the list's item or, in a list within it, that one's. */
  readonly names: readonly string[];
}

/** Null when the path leads into no list of sections. */
function placeOf(path: readonly string[]): Place | null {
  const option = configOptions.find(
    ({ kind, path: own }) =>
      kind.kind === 'objects' && own.length < path.length && own.every((n, i) => n === path[i]),
  );
  if (option === undefined) return null;
  let { kind } = option as SchemaLeaf;
  let { key } = option;
  let leaves: readonly SchemaLeaf[] = [];
  let names: string[] = [];
  for (const name of path.slice(option.path.length)) {
    const inner = leaves.find((leaf) => leaf.path.join('.') === names.join('.'));
    if (inner !== undefined) kind = inner.kind;
    if (kind.kind === 'objects' && /^\d+$/.test(name) && (names.length === 0 || inner)) {
      leaves = leavesOf(kind.part as SchemaPart);
      names = [];
      key += `[${name}]`;
    } else {
      names = [...names, name];
      key += `.${toKebabCase(name)}`;
    }
  }
  return { key, leaves, names };
}

function itemProblems(
  issue: Issue,
  { key, leaves, names }: Place,
  input: unknown,
  sourceOf: (key: string) => string,
  spelling: Spelling,
): ConfigProblem[] {
  const source = sourceOf(key);
  if (issue.code === 'unrecognized_keys') {
    const known = leaves
      .filter(({ path }) => names.every((name, index) => name === path[index]))
      .map(({ path }) => toKebabCase(path[names.length] as string));
    return (issue.keys ?? []).map((name) => {
      const suggestion = nearest(toKebabCase(name), known);
      const hint = suggestion === null ? '' : `; did you mean ${spelling(suggestion)}?`;
      return {
        key: `${key}.${spelling(toKebabCase(name))}`,
        source: sourceOf(`${key}.${toKebabCase(name)}`),
        message: `unknown key${hint}`,
      };
    });
  }
  const leaf = leaves.find(({ path }) => path.join('.') === names.join('.'));
  if (issue.code === 'custom' && leaf === undefined)
    return [{ key, source, message: issue.message }];
  const value = valueAt(input, issue.path.map(String));
  const shown = leaf === undefined || leaf.isSecret ? 'the value' : shownValue(value);
  const isMissing = value === undefined && leaf !== undefined;
  const allowed = issue.code === 'custom' ? issue.message : whatItTakes(leaf);
  return [
    {
      key,
      source,
      message: isMissing
        ? `it is needed: ${allowed}`
        : `${shown} is not allowed; it takes ${allowed}`,
    },
  ];
}

function whatItTakes(leaf: SchemaLeaf | undefined): string {
  return leaf === undefined ? 'a section with keys' : allowedText(leaf.kind);
}

/** As JSON; a value may be long, and what it takes has to be readable after it. */
function shownValue(value: unknown): string {
  // JSON has no infinity.
  const text = typeof value === 'number' ? `${value}` : (JSON.stringify(value) ?? 'nothing');
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function allowedBy(issue: Issue, key: string): string {
  if (issue.code === 'custom') return issue.message;
  const option = configOptions.find((candidate) => candidate.key === key);
  return option === undefined ? 'a section with keys' : allowedText(option.kind);
}

/** What is called otherwise elsewhere. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'server.host': 'server.bind',
  'server.port': 'server.bind',
  'server.ws-port': 'server.ws-bind',
  'server.tls-port': 'server.tls-bind',
};

/** A key that the schema doesn't have, with the nearest that it has. */
export function unknownKey(
  key: string,
  source: string,
  spelling: Spelling = asInFiles,
): ConfigProblem {
  const keys = configOptions.map((option) => option.key);
  const known = key.includes('.') ? keys : [...configSections, ...keys];
  const other = Object.hasOwn(OTHER_NAMES, key) ? OTHER_NAMES[key] : undefined;
  const suggestion = other ?? nearest(key, known);
  const hint = suggestion === null ? '' : `; did you mean ${spelling(suggestion)}?`;
  return { key, source, message: `unknown key${hint}` };
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  let value = input;
  for (const name of path) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}

/**
 * Options that are right by themselves but not together.
 *
 * @param needsListener - nobody but clients on the network can reach it: a program that embeds a broker may bring connections itself
 */
function contradictionsOf(
  { server, listeners, cluster, storage }: Config,
  sourceOf: (key: string) => string,
  needsListener: boolean,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const refuse = (key: string, message: string) =>
    problems.push({ key, source: sourceOf(key), message });
  const { tls } = server;
  const addresses = [server.bind, server.wsBind, server.tlsBind, server.wssBind];
  for (const { key, message } of listenerProblems(listeners)) {
    problems.push({ key, source: sourceOf(key), message });
  }
  if (needsListener && listeners.length === 0 && addresses.every(({ length }) => length === 0)) {
    refuse(
      'server.bind',
      'no client could connect: this, ws-bind, tls-bind or wss-bind needs an address',
    );
  }
  for (const network of server.proxyTrusted) {
    if (parseNetwork(network) !== null) continue;
    refuse('server.proxy-trusted', notNetwork(network));
  }
  for (const { key, message } of clusterProblems({ cluster, server, storage })) {
    refuse(key, message);
  }
  const usesTls = server.tlsBind.length > 0 || server.wssBind.length > 0;
  const tlsKey = server.tlsBind.length > 0 ? 'server.tls-bind' : 'server.wss-bind';
  if (usesTls && tls.cert === null) refuse(tlsKey, 'it needs server.tls.cert');
  if (usesTls && tls.key === null) refuse(tlsKey, 'it needs server.tls.key');
  if (tls.clientCertificates !== 'none' && tls.ca === null) {
    refuse('server.tls.client-certificates', 'it needs server.tls.ca');
  }
  if (tls.useSubjectAsUserName && tls.clientCertificates === 'none') {
    refuse('server.tls.use-subject-as-user-name', 'it needs server.tls.client-certificates');
  }
  if (server.daemon && server.pidFile === null) {
    refuse('server.daemon', 'it needs server.pid-file');
  }
  return problems;
}
