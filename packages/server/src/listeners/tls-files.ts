import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { type Config, ConfigError, type ConfigProblem } from '../config/index.ts';

/**
 * Reads what `server.tls` names and checks that it fits together.
 *
 * @returns null when no certificate is configured
 * @throws {ConfigError} with every file that can't be used
 */
export function loadTlsFiles({ tls }: Config['server']): SecureContextOptions | null {
  if (tls.cert === null || tls.key === null) return null;
  const problems: ConfigProblem[] = [];
  const read = (name: 'cert' | 'key' | 'ca'): Buffer | undefined => {
    const path = tls[name];
    if (path === null) return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      const message = `can't be read: ${(error as Error).message}`;
      problems.push({ key: `server.tls.${name}`, source: path, message });
      return undefined;
    }
  };
  const cert = read('cert');
  const key = read('key');
  const ca = read('ca');
  if (problems.length > 0) throw new ConfigError(problems);
  const options: SecureContextOptions = {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    ...(tls.keyPassphrase === '' ? {} : { passphrase: tls.keyPassphrase }),
    minVersion: tls.minVersion,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    const message = `certificate, key and CA can't be used: ${(error as Error).message}`;
    throw new ConfigError([{ key: 'server.tls', source: tls.cert, message }]);
  }
  return options;
}
