import { ConfigError } from '../config/index.ts';

/** What is wrong with an option that is looked at only when it is used. */
export function configError(key: string, value: string, allowed: string): ConfigError {
  return new ConfigError([
    {
      key,
      source: 'options',
      message: `${JSON.stringify(value)} is not allowed; it takes ${allowed}`,
    },
  ]);
}
