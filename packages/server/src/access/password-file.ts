import { type PasswordHash, parsePasswordFile } from '@promptmq/auth';
import { ConfigError, foreignFile, readTextFile } from '../config/index.ts';

const KEY = 'auth.password-file';

/**
 * Reads a password file: a line `NAME:HASH` for each user, empty lines and lines that begin with #.
 *
 * @throws {ConfigError} with every line that is wrong; never with what is in it
 */
export function readPasswordFile(path: string): ReadonlyMap<string, PasswordHash> {
  const text = readTextFile(path, KEY);
  const { users, problems } = parsePasswordFile(text);
  if (problems.length === 0) return users;
  const foreign = users.size === 0 ? foreignFile(text, KEY) : null;
  throw new ConfigError(
    foreign === null
      ? problems.map(({ line, message }) => ({ key: KEY, source: `${path}:${line}`, message }))
      : [{ key: KEY, source: path, message: foreign }],
  );
}
