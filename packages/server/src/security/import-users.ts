import { ConfigError, readTextFile } from '../config/index.ts';
import type { LiveUsers } from './live-users.ts';

/** Of `dynamic-security.json`: some 100,000 users. */
export const USERS_BYTES_MAX = 67_108_864;

/**
 * Takes users, groups and roles over from a file of mosquitto.
 *
 * @param key - the option that names it
 * @throws {ConfigError} when it can't be read, or isn't one
 */
export function importUsers(liveUsers: LiveUsers, file: string, key: string): void {
  const content = readTextFile(file, key, USERS_BYTES_MAX);
  try {
    liveUsers.import(content);
  } catch (error) {
    throw new ConfigError([{ key, source: file, message: (error as Error).message }]);
  }
}
