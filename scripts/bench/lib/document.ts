/** What measurements leave behind: results in docs/performance/, and the sections made of them. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../lib/prepare.js';

const DOCUMENT = join(root, 'docs/performance.md');
const DIRECTORY = join(root, 'docs/performance');

/** The results of this name, as they were stored last; null when they never were. @returns a `T`, as was stored */
export function readResults<T>(name: string): T | null {
  const file = join(DIRECTORY, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}

/** Stores results, to be read again by `readResults`. */
export function storeResults(name: string, results: object): void {
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(join(DIRECTORY, `${name}.json`), `${JSON.stringify(results, null, 1)}\n`);
}

/**
 * Stores results, plots, and the section of docs/performance.md that was made of them.
 *
 * @param name - of the results and of the section: its markers are `<!-- NAME: begin -->` and `end`
 * @param plots - SVG documents by file name; null where there is nothing to draw
 */
export function writeSection(
  name: string,
  results: object,
  generated: string,
  plots: Readonly<Record<string, string | null>> = {},
): void {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [beginMark, endMark] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [begin, end] = [text.indexOf(beginMark), text.indexOf(endMark)];
  if (begin === -1 || end < begin) {
    throw new Error(`${DOCUMENT} has no ${beginMark} and ${endMark}`);
  }
  storeResults(name, results);
  for (const [file, svg] of Object.entries(plots)) {
    if (svg !== null) writeFileSync(join(DIRECTORY, file), svg);
  }
  const head = text.slice(0, begin + beginMark.length);
  writeFileSync(DOCUMENT, `${head}\n\n${generated}\n\n${text.slice(end)}`);
  console.error(`${name}: wrote ${DOCUMENT} and ${DIRECTORY}`);
}
