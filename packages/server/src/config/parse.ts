import { configOptions, nearest, toKebabCase } from './options.ts';
import { type Config, type ConfigInput, configSchema } from './schema.ts';

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** As in a file, such as `mqtt.max-qos`. */
  readonly key: string;
  /** Where the value comes from: a flag, or a file with line and column. */
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
  if (result.success) return result.data;
  const problems: ConfigProblem[] = [];
  for (const issue of result.error.issues) {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') {
      for (const name of issue.keys) problems.push(unknownKey([...path, name], sourceOf));
      continue;
    }
    const key = path.map(toKebabCase).join('.');
    const value = JSON.stringify(valueAt(input, path));
    problems.push({
      key,
      source: sourceOf(key),
      message: `${value} is not allowed; it takes ${allowedBy(issue)}`,
    });
  }
  throw new ConfigError(problems);
}

function allowedBy(issue: {
  code?: string | undefined;
  message: string;
  values?: unknown;
}): string {
  if (issue.code === 'invalid_value') return (issue.values as unknown[]).join(', ');
  return issue.code === 'custom' ? issue.message : 'a value of another type';
}

function unknownKey(path: readonly string[], sourceOf: (key: string) => string): ConfigProblem {
  const key = path.map(toKebabCase).join('.');
  const sections = [...new Set(configOptions.map(({ section }) => section))];
  const known = path.length === 1 ? sections : configOptions.map((option) => option.key);
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
