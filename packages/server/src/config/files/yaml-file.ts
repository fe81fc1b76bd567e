import type { Document, LineCounter, YAMLMap } from 'yaml';
import { ConfigError, type ConfigProblem } from '../parse.ts';
import { foreignFile } from './foreign-file.ts';
import { readTextFile } from './text-file.ts';
import { yamlLibrary } from './yaml-library.ts';

/**
 * Largest file of rules: 2 MB are some 20,000. While a file is parsed, a running broker serves nobody: 20,000 rules
 * took 1.6 s of processor time, and what is no YAML up to 2.5 s for each megabyte.
 */
export const RULES_BYTES_MAX = 2_000_000;

/** Largest configuration: all options together have some 10 KB. */
const YAML_BYTES_MAX = 256_000;

/** Brackets within brackets: a configuration has two. */
const DEPTH_MAX = 50;

/** Words and signs in a row without anything that divides them. */
const RUN_MAX = 100;

/** At most this many problems of a file are reported. */
const PROBLEMS_MAX = 20;

export interface YamlFile {
  readonly text: string;
  readonly document: Document.Parsed;
  /** Where an offset lies: the file, line and column. */
  position(offset: number): string;
}

/**
 * Reads a file that holds YAML or JSON; what it says is not checked yet. Whatever is in it, this ends soon, and nothing else
 * is thrown.
 *
 * @param key - the option that names it, for what is said of problems
 * @throws {ConfigError} when it can't be read, or with everything that is no YAML
 */
export function readYamlFile(path: string, key: string, bytesMax = YAML_BYTES_MAX): YamlFile {
  const text = readTextFile(path, key, bytesMax);
  const lines = new (yamlLibrary().LineCounter)();
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const problems = problemsOf(text, path, key, lines, position);
  if (!Array.isArray(problems)) return { text, document: problems, position };
  const foreign = foreignFile(text, key);
  throw new ConfigError(
    foreign === null ? problems.slice(0, PROBLEMS_MAX) : [{ key, source: path, message: foreign }],
  );
}

/** The document, or what is wrong with it. */
function problemsOf(
  text: string,
  path: string,
  key: string,
  lines: LineCounter,
  position: (offset: number) => string,
): Document.Parsed | ConfigProblem[] {
  const at = (offset: number, message: string) => ({ key, source: position(offset), message });
  try {
    const shape = whyUnreasonable(text);
    if (shape !== null) return [{ key, source: `${path}:${shape.line}`, message: shape.why }];
    const document = yamlLibrary().parseDocument(text, {
      lineCounter: lines,
      // Both cost the square of the size; keys are checked below.
      prettyErrors: false,
      uniqueKeys: false,
    });
    const errors = [...document.errors, ...document.warnings].map(({ message, pos }) =>
      at(pos[0], plainMessage(message)),
    );
    if (errors.length > 0) return errors;
    const wrong = wrongNodes(document, at);
    if (wrong.length > 0) return wrong;
    // Aliases within aliases grow without bound: the library counts, and throws.
    document.toJS();
    return document;
  } catch (error) {
    const message =
      error instanceof RangeError ? TOO_DEEP : `it can't be used: ${(error as Error).message}`;
    return [{ key, source: path, message }];
  }
}

/** Keys that are there twice, and what YAML has beyond JSON and makes no sense here. */
function wrongNodes(
  document: Document.Parsed,
  at: (offset: number, message: string) => ConfigProblem,
): ConfigProblem[] {
  const { isAlias, isCollection, isScalar, visit } = yamlLibrary();
  const problems: ConfigProblem[] = [];
  const check = (map: YAMLMap) => {
    const names = new Set<string>();
    for (const { key } of map.items) {
      const offset = (key as { range?: [number, ...unknown[]] } | null)?.range?.[0] ?? 0;
      const name = isScalar(key) ? `${key.value}` : null;
      if (name === null && isAlias(key)) problems.push(at(offset, 'a key can be no alias'));
      else if (name === null) problems.push(at(offset, 'a key has to be a name'));
      else if (name === '<<') problems.push(at(offset, 'merge keys (<<) are not supported'));
      else if (names.has(name)) problems.push(at(offset, `${shortened(name)} is there twice`));
      names.add(name ?? '');
    }
  };
  visit(document, {
    Map: (_index, map) => {
      check(map);
      return problems.length < PROBLEMS_MAX ? undefined : visit.BREAK;
    },
    Alias: (_index, { source, range }, path) => {
      if (!path.some((node) => isCollection(node) && node.anchor === source)) return undefined;
      problems.push(at(range?.[0] ?? 0, `*${shortened(source)} is within what it stands for`));
      return problems.length < PROBLEMS_MAX ? undefined : visit.BREAK;
    },
  });
  return problems;
}

/** What is wrong with the shape of a text for which a parser would need very long; null when it is reasonable. */
function whyUnreasonable(text: string): { readonly line: number; readonly why: string } | null {
  const { Lexer } = yamlLibrary();
  let line = 1;
  let depth = 0;
  let run = 0;
  let isScalarNext = false;
  for (const token of new Lexer().lex(text)) {
    const sign = isScalarNext ? '' : token;
    isScalarNext = token === SCALAR_FOLLOWS;
    line += lineEndsOf(token);
    depth += DEPTHS[sign] ?? 0;
    run = DIVIDING.has(sign) ? 0 : run + 1;
    if (depth < 0) return { line, why: `${sign} without its beginning` };
    if (depth > DEPTH_MAX) return { line, why: TOO_DEEP };
    if (run > RUN_MAX) return { line, why: 'it is no YAML: too much on end that nothing divides' };
  }
  return null;
}

function lineEndsOf(token: string): number {
  let count = 0;
  for (let at = token.indexOf('\n'); at >= 0; at = token.indexOf('\n', at + 1)) count++;
  return count;
}

/** What a parser says, without what is meant for programmers. */
function plainMessage(message: string): string {
  if (message.includes('call stack')) return TOO_DEEP;
  if (message.includes('multiple documents')) return 'a second document begins here; it takes one';
  return message.split('\n')[0] as string;
}

const TOO_DEEP = 'it is nested too deeply';
const DEPTHS: Readonly<Record<string, number>> = { '[': 1, '{': 1, ']': -1, '}': -1 };
const SCALAR_FOLLOWS = '\u001f';
const DIVIDING: ReadonlySet<string> = new Set(['\n', '\r\n', ',', ':', '[', ']', '{', '}']);

/** A text of a file as it is shown: it may be long. */
function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
