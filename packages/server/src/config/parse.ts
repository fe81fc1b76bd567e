import { nearest, toKebabCase } from './names.ts';
import { configOptions, configSections } from './options.ts';
import { type Config, type ConfigInput, configSchema } from './schema.ts';

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

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ key, source, message }) => `${key} (${source}): ${message}`).join('\n'));
    this.problems = problems;
  }
}

/**
 * Checks options and fills in the defaults.
 *
 * @param sourceOf - names where a value comes from, by its key; for errors
 * @throws {ConfigError} with all problems at once
 */
export function parseConfig(
  input: ConfigInput,
  sourceOf: (key: string) => string = () => 'options',
): Config {
  const result = configSchema.safeParse(input);
  const problems = result.success
    ? contradictionsOf(result.data, sourceOf)
    : result.error.issues.flatMap((issue) => toProblems(issue, input, sourceOf));
  if (problems.length > 0) throw new ConfigError(problems);
  return result.data as Config;
}

interface Issue {
  readonly code?: string | undefined;
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly values?: unknown;
  readonly keys?: readonly string[];
}

function toProblems(
  issue: Issue,
  input: unknown,
  sourceOf: (key: string) => string,
): ConfigProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map((name) => unknownKey([...path, name], sourceOf));
  }
  const key = path.map(toKebabCase).join('.');
  const isSecret = configOptions.some((option) => option.key === key && option.isSecret);
  const value = isSecret ? 'the value' : JSON.stringify(valueAt(input, path));
  return [
    {
      key,
      source: sourceOf(key),
      message: `${value} is not allowed; it takes ${allowedBy(issue, key)}`,
    },
  ];
}

function allowedBy(issue: Issue, key: string): string {
  if (issue.code === 'invalid_value') return (issue.values as unknown[]).join(', ');
  if (issue.code === 'custom') return issue.message;
  return configSections.includes(key) ? 'a section with keys' : 'a value of another type';
}

function unknownKey(path: readonly string[], sourceOf: (key: string) => string): ConfigProblem {
  const key = path.map(toKebabCase).join('.');
  const known = path.length === 1 ? configSections : configOptions.map((option) => option.key);
  const suggestion = nearest(key, known);
  return {
    key,
    source: sourceOf(key),
    message: `unknown key${suggestion === null ? '' : `; did you mean ${suggestion}?`}`,
  };
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  let value = input;
  for (const name of path) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}

/** Options that are right by themselves but not together. */
function contradictionsOf({ server }: Config, sourceOf: (key: string) => string): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const refuse = (key: string, message: string) =>
    problems.push({ key, source: sourceOf(key), message });
  const { tls } = server;
  const usesTls = server.tlsBind !== null || server.wssBind !== null;
  const tlsKey = server.tlsBind !== null ? 'server.tls-bind' : 'server.wss-bind';
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
