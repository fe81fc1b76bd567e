import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError, type ConfigProblem, readFileBytes } from '../../config/index.ts';
import type { Logger } from '../../log/index.ts';
import type { TlsProfile } from '../profile.ts';
import { type TlsMaterial, tlsProblems, tlsWarnings } from './certificate-check.ts';

/** What a listener's use of TLS names, read and checked. */
export interface TlsFiles {
  readonly profile: TlsProfile;
  readonly options: SecureContextOptions;
  /** What clients refuse, although the broker can start with it. */
  readonly refusedByClients: readonly ConfigProblem[];
  /** The same, and what they will refuse soon. */
  readonly warnings: readonly ConfigProblem[];
}

/**
 * Reads what a listener's use of TLS names and checks that it fits together.
 *
 * @throws {ConfigError} with every file that can't be used
 */
export function loadTlsFiles(profile: TlsProfile): TlsFiles {
  const material = readMaterial(profile);
  const problems = tlsProblems(material);
  if (problems.length > 0) throw new ConfigError(problems);
  const { cert, key, ca, passphrase } = material;
  const options: SecureContextOptions = {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    ...(passphrase === '' ? {} : { passphrase }),
    minVersion: profile.minVersion,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    const message = `certificate, key and CA can't be used: ${(error as Error).message}`;
    throw new ConfigError([{ key: profile.section, source: material.certPath, message }]);
  }
  const now = Date.now();
  return {
    profile,
    options,
    refusedByClients: tlsWarnings(material, now, 0),
    warnings: tlsWarnings(material, now),
  };
}

/** Reports certificates that clients refuse, or will refuse soon. */
export function logTlsWarnings(log: Logger, files: TlsFiles): void {
  for (const { key, source, message } of files.warnings) {
    log.warn('certificate-unfit', { key, source, why: message });
  }
}

/** Hundreds of certificates; they are parsed between packets of a running broker. */
const PEM_BYTES_MAX = 1_000_000;

/** @throws {ConfigError} with every file that can't be read */
function readMaterial({ section, certificate, ca }: TlsProfile): TlsMaterial {
  const problems: ConfigProblem[] = [];
  const read = (key: string, path: string): Buffer => {
    try {
      return readFileBytes(path, key, PEM_BYTES_MAX);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) problems.push(problem);
      return Buffer.alloc(0);
    }
  };
  const material = {
    section,
    certPath: certificate.cert,
    keyPath: certificate.key,
    caPath: ca,
    cert: read(`${certificate.section}.cert`, certificate.cert),
    key: read(`${certificate.section}.key`, certificate.key),
    ca: ca === null ? undefined : read(`${section}.ca`, ca),
    passphrase: certificate.passphrase,
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return material;
}
