/**
 * Where a mutation changes the code. It names no file and no line but a piece of code that the sources of the packages
 * have exactly once, compared token by token: code may move, be wrapped otherwise, and get comments.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What may be between two tokens. */
const GAP = String.raw`(?:\s|//[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/)`;

/** A piece of a file, by positions in its text. */
export interface Place {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** The sources of all packages: texts by path. */
export function readSources(root: string): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  for (const name of readdirSync(join(root, 'packages'))) {
    const folder = join(root, 'packages', name, 'src');
    for (const file of filesOf(folder)) {
      if (file.endsWith('.ts'))
        sources.set(join(folder, file), readFileSync(join(folder, file), 'utf8'));
    }
  }
  return sources;
}

function filesOf(folder: string): string[] {
  // What is no package has no sources.
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
}

/**
 * The one place that has a piece of code.
 *
 * @returns its file, and where in the text it starts and ends
 * @throws {Error} when there is none, or more than one; it names them
 */
export function placeOf(sources: ReadonlyMap<string, string>, code: string): Place {
  const pattern = patternOf(code);
  const places: Place[] = [];
  for (const [path, text] of sources) {
    for (const match of text.matchAll(pattern)) {
      places.push({ path, start: match.index, end: match.index + match[0].length });
    }
  }
  const [place, ...others] = places;
  if (place !== undefined && others.length === 0) return place;
  const where = places.map(({ path, start }) => {
    return `${path}:${lineAt(sources.get(path) ?? '', start)}`;
  });
  throw new Error(`${where.length === 0 ? 'nowhere' : where.join(' and ')}: ${code}`);
}

function patternOf(code: string): RegExp {
  const tokens = code.match(/[\w$]+|[^\s\w$]/g) ?? [];
  let pattern = '';
  let former: string | null = null;
  for (const token of tokens) {
    if (former !== null) pattern += isWord(token) && isWord(former) ? `${GAP}+` : `${GAP}*`;
    // The formatter ends a list that it wraps with a comma.
    if (former !== null && /[)\]}]/.test(token)) pattern += `(?:,${GAP}*)?`;
    pattern += token.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
    former = token;
  }
  const before = isWord(tokens[0] ?? '') ? String.raw`(?<![\w$])` : '';
  const after = isWord(tokens.at(-1) ?? '') ? String.raw`(?![\w$])` : '';
  return new RegExp(before + pattern + after, 'g');
}

function isWord(token: string): boolean {
  return /^[\w$]/.test(token);
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
