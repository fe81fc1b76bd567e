import {
  ConfigError,
  type ConfigProblem,
  foreignFile,
  foreignHash,
  readTextFile,
} from '../config/index.ts';
import { type PasswordHash, parsePasswordHash } from './password.ts';

const KEY = 'auth.password-file';

/**
 * Reads a password file: a line `NAME:HASH` for each user, empty lines and lines that begin with #.
 *
 * @throws {ConfigError} with every line that is wrong; never with what is in it
 */
export function readPasswordFile(path: string): ReadonlyMap<string, PasswordHash> {
  const text = readTextFile(path, KEY);
  const users = new Map<string, PasswordHash>();
  const problems: ConfigProblem[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const refuse = (message: string) =>
      problems.push({ key: KEY, source: `${path}:${index + 1}`, message });
    const separator = line.indexOf(':');
    const name = line.slice(0, Math.max(0, separator));
    const hash = parsePasswordHash(line.slice(separator + 1).trim());
    if (name === '' || hash === null) {
      refuse(whyNotUser(line.slice(separator + 1).trim()));
    } else if (users.has(name)) {
      refuse(`user ${JSON.stringify(name)} is there twice`);
    } else {
      users.set(name, hash);
    }
  }
  if (problems.length > 0) {
    const foreign = users.size === 0 ? foreignFile(text, KEY) : null;
    throw new ConfigError(
      foreign === null ? problems : [{ key: KEY, source: path, message: foreign }],
    );
  }
  return users;
}

function whyNotUser(hash: string): string {
  const foreign = foreignHash(hash);
  if (foreign === null) return 'it takes NAME:HASH, as promptmq passwd NAME prints it';
  return `${foreign} can't be checked: the password has to be hashed again, by promptmq passwd NAME`;
}
