import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError, type ConfigProblem, readFileBytes } from '../../config/index.ts';
import type { Logger } from '../../log/index.ts';
import type { CertificateFiles, TlsProfile } from '../profile.ts';
import { type TlsMaterial, tlsProblems, tlsWarnings } from './certificate-check.ts';
import { crlProblem, crlWarnings } from './revocation.ts';

/** A certificate that a listener shows. */
export interface TlsIdentity {
  /** Who asks for one of these gets it: names in lower case, `*.` stands for one label. Empty: who asks for none, or for another. */
  readonly hosts: readonly string[];
  readonly options: SecureContextOptions;
}

/** What a listener's use of TLS names, read and checked. */
export interface TlsFiles {
  readonly profile: TlsProfile;
  /** The first is for clients that ask for no host. */
  readonly identities: readonly TlsIdentity[];
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
  const problems: ConfigProblem[] = [];
  const read = reader(problems);
  const ca = profile.ca === null ? undefined : read(`${profile.section}.ca`, profile.ca);
  const crl = profile.crl === null ? undefined : read(`${profile.section}.crl`, profile.crl);
  const materials = profile.certificates.map((files, index) =>
    materialOf(files, read, index === 0 ? profile.ca : null, index === 0 ? ca : undefined),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  const unfit = materials.flatMap(tlsProblems);
  const unread =
    crl === undefined ? [] : crlProblem(`${profile.section}.crl`, `${profile.crl}`, crl);
  if (unfit.length + unread.length > 0) throw new ConfigError([...unfit, ...unread]);
  const identities = materials.map((material, index) => {
    const files = profile.certificates[index] as CertificateFiles;
    return {
      hosts: hostsOf(files, material, index),
      options: optionsOf(profile, material, ca, crl),
    };
  });
  const warnings = (now: number, soonDays?: number) => [
    ...materials.flatMap((material) => tlsWarnings(material, now, soonDays)),
    ...(crl === undefined ? [] : crlWarnings(`${profile.section}.crl`, `${profile.crl}`, crl, now)),
  ];
  const now = Date.now();
  return { profile, identities, refusedByClients: warnings(now, 0), warnings: warnings(now) };
}

/** Reports certificates that clients refuse, or will refuse soon. */
export function logTlsWarnings(log: Logger, files: TlsFiles): void {
  for (const { key, source, message } of files.warnings) {
    log.warn('certificate-unfit', { key, source, why: message });
  }
}

/** Hundreds of certificates; they are parsed between packets of a running broker. */
const PEM_BYTES_MAX = 1_000_000;

type Read = (key: string, path: string) => Buffer;

/** @param problems - gets those of files that can't be read */
function reader(problems: ConfigProblem[]): Read {
  return (key, path) => {
    try {
      return readFileBytes(path, key, PEM_BYTES_MAX);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) problems.push(problem);
      return Buffer.alloc(0);
    }
  };
}

function materialOf(
  { section, cert, key, passphrase }: CertificateFiles,
  read: Read,
  caPath: string | null,
  ca: Buffer | undefined,
): TlsMaterial {
  return {
    section,
    certPath: cert,
    keyPath: key,
    caPath,
    cert: read(`${section}.cert`, cert),
    key: read(`${section}.key`, key),
    ca,
    passphrase,
  };
}

/** @throws {ConfigError} when OpenSSL doesn't take it */
function optionsOf(
  { section, minVersion, ciphers }: TlsProfile,
  { certPath, cert, key, passphrase }: TlsMaterial,
  ca: Buffer | undefined,
  crl: Buffer | undefined,
): SecureContextOptions {
  const options: SecureContextOptions = {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    ...(crl === undefined ? {} : { crl }),
    ...(passphrase === '' ? {} : { passphrase }),
    ...(ciphers === '' ? {} : { ciphers }),
    minVersion,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (ciphers !== '' && /CIPHER/.test(code ?? '')) {
      const why = `${JSON.stringify(ciphers)} is not allowed; it takes a list of ciphers that OpenSSL knows (${code})`;
      throw new ConfigError([{ key: `${section}.ciphers`, source: certPath, message: why }]);
    }
    const why = `certificate, key and CA can't be used: ${message}`;
    throw new ConfigError([{ key: section, source: certPath, message: why }]);
  }
  return options;
}

function hostsOf(files: CertificateFiles, { cert }: TlsMaterial, index: number): string[] {
  if (index === 0) return [];
  const given = files.hosts.length > 0 ? files.hosts : namesOf(new X509Certificate(cert));
  return given.map((host) => host.toLowerCase());
}

/** The hosts that a certificate is for. */
function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return [...subjectAltName.matchAll(/(?:^|, )DNS:([^",]+)/g)].map(([, name]) => `${name}`);
}
