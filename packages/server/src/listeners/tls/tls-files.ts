import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { type Config, ConfigError, type ConfigProblem, readFileBytes } from '../../config/index.ts';
import type { Logger } from '../../log/index.ts';
import { type TlsMaterial, tlsProblems, tlsWarnings } from './certificate-check.ts';

/** What `server.tls` names, read and checked. */
export interface TlsFiles {
  readonly options: SecureContextOptions;
  /** What clients refuse, although the broker can start with it. */
  readonly refusedByClients: readonly ConfigProblem[];
  /** The same, and what they will refuse soon. */
  readonly warnings: readonly ConfigProblem[];
}

/**
 * Reads what `server.tls` names and checks that it fits together.
 *
 * @returns null when no certificate is configured
 * @throws {ConfigError} with every file that can't be used
 */
export function loadTlsFiles(server: Config['server']): TlsFiles | null {
  const { tls } = server;
  const material = readMaterial(server);
  if (material === null) return null;
  const problems = tlsProblems(material);
  if (problems.length > 0) throw new ConfigError(problems);
  const { cert, key, ca, passphrase } = material;
  const options: SecureContextOptions = {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    ...(passphrase === '' ? {} : { passphrase }),
    minVersion: tls.minVersion,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    const message = `certificate, key and CA can't be used: ${(error as Error).message}`;
    throw new ConfigError([{ key: 'server.tls', source: material.certPath, message }]);
  }
  const now = Date.now();
  return {
    options,
    refusedByClients: tlsWarnings(material, now, 0),
    warnings: tlsWarnings(material, now),
  };
}

/** Reports certificates that clients refuse, or will refuse soon. */
export function logTlsWarnings(log: Logger, files: TlsFiles | null): void {
  for (const { key, source, message } of files?.warnings ?? []) {
    log.warn('certificate-unfit', { key, source, why: message });
  }
}

/** Hundreds of certificates; they are parsed between packets of a running broker. */
const PEM_BYTES_MAX = 1_000_000;

/** @throws {ConfigError} with every file that can't be read */
function readMaterial({ tls }: Config['server']): TlsMaterial | null {
  if (tls.cert === null || tls.key === null) return null;
  const problems: ConfigProblem[] = [];
  const read = (name: 'cert' | 'key' | 'ca', path: string): Buffer => {
    try {
      return readFileBytes(path, `server.tls.${name}`, PEM_BYTES_MAX);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) problems.push(problem);
      return Buffer.alloc(0);
    }
  };
  const material = {
    certPath: tls.cert,
    keyPath: tls.key,
    caPath: tls.ca,
    cert: read('cert', tls.cert),
    key: read('key', tls.key),
    ca: tls.ca === null ? undefined : read('ca', tls.ca),
    passphrase: tls.keyPassphrase,
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return material;
}
