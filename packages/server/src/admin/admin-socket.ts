import { join, resolve } from 'node:path';
import type { Config } from '../config/index.ts';

/** `sun_path` of Linux without its end; other systems have a little less. Longer ones would be cut. */
export const SOCKET_PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103;

/**
 * Where the operator's socket of a broker with that configuration is; null when it has none. `auto` is in
 * the data folder, which is one broker's alone.
 */
export function adminSocketOf({ server, storage }: Config): string | null {
  const { adminSocket } = server;
  if (adminSocket === 'none' || adminSocket === '') return null;
  if (adminSocket !== 'auto') return resolve(adminSocket);
  return storage.enabled ? resolve(join(storage.dataDir, 'admin.sock')) : null;
}
