import { readFileSync } from 'node:fs';
import { ProviderOptionError } from './option-error.ts';

/**
 * Reads a file that an option names.
 *
 * @param sizeMax - bytes
 * @throws {ProviderOptionError} when it can't be read, is empty or is larger
 */
export function readOptionFile(option: string, path: string, sizeMax: number): Buffer {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw new ProviderOptionError(option, `${path} can't be read: ${codeOf(error)}`);
  }
  if (content.length === 0) throw new ProviderOptionError(option, `${path} is empty`);
  if (content.length > sizeMax) {
    throw new ProviderOptionError(
      option,
      `${path} has ${content.length} bytes; at most ${sizeMax} are allowed`,
    );
  }
  return content;
}

/**
 * Reads a secret: what the file has, without a line end at its end.
 *
 * @throws {ProviderOptionError} likewise
 */
export function readSecretFile(option: string, path: string): string {
  const text = readOptionFile(option, path, 65_536)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (text === '') throw new ProviderOptionError(option, `${path} is empty`);
  return text;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
