import { ConfigError, readTextFile } from '../config/index.ts';
import type { LiveUsers } from './live-users.ts';

/** Of `dynamic-security.json`: some 100,000 users. */
export const USERS_BYTES_MAX = 67_108_864;

const KEY = 'auth.chain: dynamic-security.import';

/**
 * Takes users, groups and roles over from a file of mosquitto.
 *
 * @throws {ConfigError} when it can't be read, or isn't one
 */
export function importUsers(liveUsers: LiveUsers, file: string): void {
  const content = readTextFile(file, KEY, USERS_BYTES_MAX);
  try {
    liveUsers.import(content);
  } catch (error) {
    throw new ConfigError([{ key: KEY, source: file, message: (error as Error).message }]);
  }
}
