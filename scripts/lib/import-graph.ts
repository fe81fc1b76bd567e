/** What the TypeScript files of a folder import of each other, types included. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

export interface Import {
  /** As it is written. */
  readonly specifier: string;
  /** From 1. */
  readonly line: number;
  readonly isTypeOnly: boolean;
}

/** By path from the folder that was read, with forward slashes: what each file imports. */
export type ImportGraph = ReadonlyMap<string, readonly Import[]>;

const IMPORT =
  /\b(?:import|export)\s+(type\s+)?(?:[^'";]*?\bfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

export function importsOf(text: string): Import[] {
  return [...text.matchAll(IMPORT)].map((match) => ({
    specifier: match[2] ?? (match[3] as string),
    line: text.slice(0, match.index).split('\n').length,
    isTypeOnly: match[1] !== undefined,
  }));
}

/** Reads a folder with all below it. */
export function readImports(folder: string): ImportGraph {
  return new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((path) => path.replaceAll('\\', '/'))
      .filter((path) => /\.tsx?$/.test(path))
      .sort()
      .map((path) => [path, importsOf(readFileSync(join(folder, path), 'utf8'))]),
  );
}

/** The file that a relative import names. */
export function targetOf(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}

/**
 * Circles of imports: of each set of files that lie on circles with each other, the shortest one.
 *
 * @returns each as the files on its way; the last one imports the first
 */
export function circlesOf(graph: ImportGraph): string[][] {
  const neighbours = new Map(
    [...graph].map(([file, imports]) => [
      file,
      imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => targetOf(file, specifier)),
    ]),
  );
  const circles: string[][] = [];
  const named = new Set<string>();
  for (const file of graph.keys()) {
    if (named.has(file)) continue;
    const circle = shortestCircle(neighbours, file);
    if (circle === null) continue;
    circles.push(circle);
    // Who is on a circle with this one is not named once more.
    for (const other of reachable(neighbours, file)) {
      if (reachable(neighbours, other).has(file)) named.add(other);
    }
  }
  return circles;
}

function shortestCircle(neighbours: ReadonlyMap<string, string[]>, start: string): string[] | null {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const file of queue) {
    for (const next of neighbours.get(file) ?? []) {
      if (next === start) return wayTo(file, start, cameFrom);
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, file);
      queue.push(next);
    }
  }
  return null;
}

function wayTo(end: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [end];
  while (way[0] !== start) way.unshift(cameFrom.get(way[0] as string) as string);
  return way;
}

function reachable(neighbours: ReadonlyMap<string, string[]>, start: string): Set<string> {
  const found = new Set<string>();
  const queue = [start];
  for (const file of queue) {
    for (const next of neighbours.get(file) ?? []) {
      if (found.has(next)) continue;
      found.add(next);
      queue.push(next);
    }
  }
  return found;
}
