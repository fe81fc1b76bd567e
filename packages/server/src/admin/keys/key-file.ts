import { mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { type Config, ConfigError, readTextFile, replaceFile } from '../../config/index.ts';
import { type ApiKey, apiKeySchema } from './api-key.ts';

const KEY = 'admin.key-file';

/** Some hundred bytes each: more than anybody has. */
const FILE_BYTES_MAX = 1_000_000;

/** What everybody has of a file that only its owner, and its group, should open. */
const EVERYBODY = 0o007;

const fileSchema = z.strictObject({ version: z.literal(1), keys: z.array(apiKeySchema) });

/** Where the API keys of a broker with that configuration are; null when it has no such file. */
export function keyFileOf({ admin, storage }: Config): string | null {
  const { keyFile } = admin;
  if (keyFile === 'none' || keyFile === '') return null;
  if (keyFile !== 'auto') return resolve(keyFile);
  return storage.enabled ? resolve(join(storage.dataDir, 'admin-keys.json')) : null;
}

/**
 * Reads the keys; a file that isn't there has none.
 *
 * @throws {ConfigError} when it is no such file, or everybody may open it
 */
export function readKeyFile(path: string): readonly ApiKey[] {
  // Big, as it may be a pipe: see `isStream` in standard-output.ts.
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (stat === undefined) return [];
  const refuse = (message: string) => new ConfigError([{ key: KEY, source: path, message }]);
  if (process.platform !== 'win32' && (Number(stat.mode) & EVERYBODY) !== 0) {
    throw refuse(`everybody on this machine may open it: chmod o= ${path}`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(readTextFile(path, KEY, FILE_BYTES_MAX));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw refuse('it is no JSON; promptmq admin key makes it');
  }
  const result = fileSchema.safeParse(parsed);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw refuse(
      `${issue?.path.join('.') || 'it'}: ${issue?.message}; promptmq admin key makes it`,
    );
  }
  const names = new Set(result.data.keys.flatMap(({ name, key }) => [name, key]));
  if (names.size < result.data.keys.length * 2) throw refuse('two keys have the same name');
  return result.data.keys;
}

/** Writes all keys, whole or not at all; a file, or folder, that wasn't there is only its owner's. */
export function writeKeyFile(path: string, keys: readonly ApiKey[]): void {
  // Before the first start of a broker, its folder isn't there either.
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  replaceFile(path, `${JSON.stringify({ version: 1, keys }, null, 2)}\n`);
}
