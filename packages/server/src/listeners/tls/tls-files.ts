import { X509Certificate } from 'node:crypto';
import { createSecureContext, DEFAULT_CIPHERS, type SecureContextOptions } from 'node:tls';
import { type PskKeys, parsePskFile } from '@promptmq/auth';
import { ConfigError, type ConfigProblem, readFileBytes } from '../../config/index.ts';
import type { CertificateFiles, TlsProfile } from '../profile.ts';
import {
  type CertificateExpiry,
  expiriesOf,
  type TlsMaterial,
  tlsProblems,
  tlsWarnings,
} from './certificate-check.ts';
import { crlProblem, crlWarnings } from './revocation.ts';

const EMPTY = Buffer.alloc(0);

/** A certificate that a listener shows. */
export interface TlsIdentity {
  /** Who asks for one of these gets it: names in lower case, `*.` stands for one label. Empty: who asks for none, or for another. */
  readonly hosts: readonly string[];
  readonly options: SecureContextOptions;
}

/** What a listener's use of TLS names, read and checked. */
export interface TlsFiles {
  readonly profile: TlsProfile;
  /** The first is for clients that ask for no host; without a certificate it has none. */
  readonly identities: readonly TlsIdentity[];
  /** Of clients without a certificate; null: there are none. */
  readonly pskKeys: PskKeys | null;
  /** All certificates that clients are shown, and those that sign those of clients. */
  readonly certificates: readonly CertificateExpiry[];
  /**
   * What clients refuse, although the broker can start with it.
   *
   * @param now - milliseconds since 1970, by the wall clock
   * @param soonMs - what they will refuse within this time is there, too
   */
  warningsAt(now: number, soonMs: number): ConfigProblem[];
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
  const psk = profile.pskFile === null ? null : pskOf(profile, read);
  if (problems.length > 0) throw new ConfigError(problems);
  const unfit = materials.flatMap(tlsProblems);
  const unread = [
    ...(crl === undefined ? [] : crlProblem(`${profile.section}.crl`, `${profile.crl}`, crl)),
    ...(psk?.problems ?? []),
  ];
  if (unfit.length + unread.length > 0) throw new ConfigError([...unfit, ...unread]);
  const identities = materials.map((material, index) => {
    const files = profile.certificates[index] as CertificateFiles;
    return {
      hosts: hostsOf(files, material, index),
      options: optionsOf(profile, material, ca, crl),
    };
  });
  return {
    profile,
    identities:
      identities.length > 0 ? identities : [{ hosts: [], options: optionsOf(profile, null) }],
    pskKeys: psk?.keys ?? null,
    certificates: materials.flatMap(expiriesOf),
    warningsAt: (now, soonMs) => [
      ...materials.flatMap((material) => tlsWarnings(material, now, soonMs)),
      ...(crl === undefined
        ? []
        : crlWarnings(`${profile.section}.crl`, `${profile.crl}`, crl, now)),
    ],
  };
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

function pskOf({ section, pskFile }: TlsProfile, read: Read) {
  const source = `${pskFile}`;
  const { keys, problems } = parsePskFile(read(`${section}.psk-file`, source).toString());
  return {
    keys,
    problems: problems.map(({ line, message }) => ({
      key: `${section}.psk-file`,
      source: `${source}:${line}`,
      message,
    })),
  };
}

/**
 * @param material - null where there are pre-shared keys only
 * @throws {ConfigError} when OpenSSL doesn't take it
 */
function optionsOf(
  { section, minVersion, ciphers: given, pskFile }: TlsProfile,
  material: TlsMaterial | null,
  ca?: Buffer,
  crl?: Buffer,
): SecureContextOptions {
  const { certPath, cert, key, passphrase } = material ?? NO_CERTIFICATE;
  const ciphers = given === '' && pskFile !== null ? pskCiphers(material !== null) : given;
  const options: SecureContextOptions = {
    ...(material === null ? {} : { cert, key }),
    // In TLS 1.3 a client could show an identity, prove another, and OpenSSL would not say which it was.
    ...(pskFile === null ? {} : { maxVersion: 'TLSv1.2' as const }),
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

const NO_CERTIFICATE = { certPath: 'options', cert: EMPTY, key: EMPTY, passphrase: '' };

/** What those need who have a key in the place of a certificate: the usual ciphers have none of them. */
const PSK_CIPHERS = [
  'ECDHE-PSK-CHACHA20-POLY1305',
  'ECDHE-PSK-AES128-CBC-SHA256',
  'PSK-AES256-GCM-SHA384',
  'PSK-AES128-GCM-SHA256',
  'PSK-CHACHA20-POLY1305',
];

function pskCiphers(hasCertificate: boolean): string {
  const usual = DEFAULT_CIPHERS.split(':').filter((name) => /^(ECDHE|DHE)-/.test(name));
  return [...(hasCertificate ? usual : []), ...PSK_CIPHERS].join(':');
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
