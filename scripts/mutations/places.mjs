/**
 * Where a mutation changes the code. It names no file and no line but a piece of code that the sources of the packages
 * have exactly once, compared token by token: code may move, be wrapped otherwise, and get comments.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What may be between two tokens. */
const GAP = String.raw`(?:\s|//[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/)`;

/** The sources of all packages: texts by path. */
export function readSources(root) {
  const sources = new Map();
  for (const name of readdirSync(join(root, 'packages'))) {
    const folder = join(root, 'packages', name, 'src');
    for (const file of filesOf(folder)) {
      if (file.endsWith('.ts'))
        sources.set(join(folder, file), readFileSync(join(folder, file), 'utf8'));
    }
  }
  return sources;
}

function filesOf(folder) {
  try {
    return readdirSync(folder, { recursive: true });
  } catch (error) {
    // What is no package has no sources.
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  }
}

/**
 * The one place that has a piece of code.
 *
 * @returns its file, and where in the text it starts and ends
 * @throws {Error} when there is none, or more than one; it names them
 */
export function placeOf(sources, code) {
  const pattern = patternOf(code);
  const places = [];
  for (const [path, text] of sources) {
    for (const match of text.matchAll(pattern)) {
      places.push({ path, start: match.index, end: match.index + match[0].length });
    }
  }
  if (places.length === 1) return places[0];
  const where = places.map(({ path, start }) => `${path}:${lineAt(sources.get(path), start)}`);
  throw new Error(`${where.length === 0 ? 'nowhere' : where.join(' and ')}: ${code}`);
}

function patternOf(code) {
  const tokens = code.match(/[\w$]+|[^\s\w$]/g);
  let pattern = '';
  for (const [index, token] of tokens.entries()) {
    if (index > 0) pattern += isWord(token) && isWord(tokens[index - 1]) ? `${GAP}+` : `${GAP}*`;
    // The formatter ends a list that it wraps with a comma.
    if (index > 0 && /[)\]}]/.test(token)) pattern += `(?:,${GAP}*)?`;
    pattern += token.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  }
  const before = isWord(tokens[0]) ? String.raw`(?<![\w$])` : '';
  const after = isWord(tokens.at(-1)) ? String.raw`(?![\w$])` : '';
  return new RegExp(before + pattern + after, 'g');
}

function isWord(token) {
  return /^[\w$]/.test(token);
}

function lineAt(text, index) {
  return text.slice(0, index).split('\n').length;
}
