import { readFileSync } from 'node:fs';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { ConfigError } from './parse.ts';

export interface YamlFile {
  readonly document: Document.Parsed;
  /** Where an offset lies: the file, line and column. */
  position(offset: number): string;
}

/**
 * Reads a file that the configuration names.
 *
 * @param key - the option that names it, for what is said of problems
 * @throws {ConfigError} when it can't be read
 */
export function readTextFile(path: string, key: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const message = `can't be read: ${(error as Error).message}`;
    throw new ConfigError([{ key, source: path, message }]);
  }
}

/**
 * Reads a file that holds YAML or JSON; what it says is not checked yet.
 *
 * @param key - the option that names it, for what is said of problems
 * @throws {ConfigError} when it can't be read, or with everything that is no YAML
 */
export function readYamlFile(path: string, key: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(readTextFile(path, key), { lineCounter: lines });
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map(({ message, pos }) => ({
        key,
        source: position(pos[0]),
        message: (message.split('\n')[0] as string).replace(/ at line.*/, ''),
      })),
    );
  }
  return { document, position };
}
