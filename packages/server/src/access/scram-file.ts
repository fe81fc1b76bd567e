import { ScramUsers } from '@promptmq/auth';
import { ConfigError, readTextFile } from '../config/index.ts';

const KEY = 'auth.chain.scram';

/**
 * Reads a file of SCRAM secrets, as `promptmq passwd --scram` makes it.
 *
 * @throws {ConfigError} with every line that is wrong; never with what is in it
 */
export function readScramFile(path: string): ScramUsers {
  const { users, problems } = ScramUsers.parse(readTextFile(path, KEY));
  if (problems.length === 0) return users;
  throw new ConfigError(
    problems.map(({ line, message }) => ({ key: KEY, source: `${path}:${line}`, message })),
  );
}
