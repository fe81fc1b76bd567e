import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { ConfigProblem } from '../../config/index.ts';

/** When a certificate stops being of use. */
export interface CertificateExpiry {
  /** Its common name, or its whole subject. */
  readonly name: string;
  /** Both as `CN=…, O=…`. */
  readonly subject: string;
  readonly issuer: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** What is configured, with the content of its files. */
export interface TlsMaterial {
  /** Of the configuration, which says so: `server.tls`, or an entry of a list. */
  readonly section: string;
  readonly certPath: string;
  readonly keyPath: string;
  readonly caPath: string | null;
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
  readonly passphrase: string;
}

/** Why certificate, key and CA can't be used, in plain words: each with the file and what to do. Empty when they can. */
export function tlsProblems(material: TlsMaterial): ConfigProblem[] {
  const { section, certPath, keyPath, caPath, cert, ca } = material;
  const certificates = certificatesOf(cert);
  const key = readKey(material);
  const problems: ConfigProblem[] = [];
  const refuse = (name: string, source: string, message: string) =>
    problems.push({ key: `${section}.${name}`, source, message });
  if (certificates === null) refuse('cert', certPath, noCertificate(cert, section));
  if (typeof key === 'string') refuse('key', keyPath, key);
  if (ca !== undefined && certificatesOf(ca) === null)
    refuse('ca', `${caPath}`, noCertificate(ca, section));
  if (certificates !== null && typeof key !== 'string') {
    const mismatch = mismatchOf(certificates, key, keyPath);
    if (mismatch !== null) refuse('cert', certPath, mismatch);
  }
  return problems;
}

/**
 * What clients will refuse although the broker can start with it: certificates that are out of date, and chains in the
 * wrong order. Not for files that have `tlsProblems`.
 *
 * @param now - milliseconds since 1970, by the wall clock
 * @param soonMs - certificates that expire within this time are reported, too
 */
export function tlsWarnings(
  { section, certPath, caPath, cert, ca }: TlsMaterial,
  now: number,
  soonMs: number,
): ConfigProblem[] {
  const chain = certificatesOf(cert) ?? [];
  const authorities = ca === undefined ? [] : (certificatesOf(ca) ?? []);
  const warn = (name: string, source: string) => (message: string | null) =>
    message === null ? [] : [{ key: `${section}.${name}`, source, message }];
  return [
    ...chain.map((entry) => validityOf(entry, now, soonMs)).flatMap(warn('cert', certPath)),
    ...warn('cert', certPath)(orderOf(chain)),
    ...authorities.map((entry) => validityOf(entry, now, soonMs)).flatMap(warn('ca', `${caPath}`)),
  ];
}

/** All that clients are shown, and those that sign theirs. */
export function expiriesOf({ cert, ca }: TlsMaterial): CertificateExpiry[] {
  const all = [
    ...(certificatesOf(cert) ?? []),
    ...(ca === undefined ? [] : (certificatesOf(ca) ?? [])),
  ];
  return all.map((certificate) => ({
    name: JSON.parse(nameOf(certificate)) as string,
    subject: inOneLine(certificate.subject),
    issuer: inOneLine(certificate.issuer),
    expiresAt: Date.parse(certificate.validTo),
  }));
}

function inOneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}

/** In the order of the file; null when there are none, or one can't be read. */
function certificatesOf(pem: Buffer): X509Certificate[] | null {
  const blocks = pem
    .toString('latin1')
    .match(/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END \1?CERTIFICATE-----/g);
  if (blocks === null) return null;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return null;
  }
}

function noCertificate(content: Buffer, section: string): string {
  const text = content.toString('latin1');
  if (/PRIVATE KEY-----/.test(text) && !/BEGIN CERTIFICATE/.test(text)) {
    return `it holds a private key and no certificate: are ${section}.cert and ${section}.key interchanged?`;
  }
  return 'it holds no certificate that can be read: PEM is needed, text that begins with -----BEGIN CERTIFICATE-----';
}

/** The private key, or why there is none. */
function readKey({ section, key, passphrase }: TlsMaterial): KeyObject | string {
  const text = key.toString('latin1');
  if (!/PRIVATE KEY-----/.test(text)) {
    return /BEGIN CERTIFICATE/.test(text)
      ? `it holds a certificate and no private key: are ${section}.cert and ${section}.key interchanged?`
      : 'it holds no private key: PEM is needed, text that begins with -----BEGIN PRIVATE KEY-----';
  }
  const isEncrypted = /ENCRYPTED/.test(text);
  if (isEncrypted && passphrase === '') {
    return `the key is encrypted: set ${passphraseOf(section)}, or decrypt it with openssl pkey`;
  }
  try {
    return createPrivateKey({ key, ...(passphrase === '' ? {} : { passphrase }) });
  } catch (error) {
    const { message } = error as Error;
    return isEncrypted
      ? `the key can't be decrypted: ${section}.key-passphrase is wrong, or the file is damaged`
      : `the key can't be read: the file is damaged, or of a kind that is not known (${message})`;
  }
}

function passphraseOf(section: string): string {
  const variable = section === 'server.tls' ? ' (PROMPTMQ_SERVER_TLS_KEY_PASSPHRASE)' : '';
  return `${section}.key-passphrase${variable}`;
}

function mismatchOf(chain: X509Certificate[], key: KeyObject, keyPath: string): string | null {
  const index = chain.findIndex((certificate) => certificate.checkPrivateKey(key));
  if (index === 0) return null;
  if (index === -1) {
    const whose = nameOf(chain[0] as X509Certificate);
    return `the key in ${keyPath} is not that of the first certificate here, ${whose}: take the key that was made with it`;
  }
  return (
    `the certificates are in the wrong order: the broker's own, ${nameOf(chain[index] as X509Certificate)}, is number ` +
    `${index + 1}; put it first, then the one that signed it, and so on`
  );
}

function orderOf(chain: X509Certificate[]): string | null {
  for (let index = 0; index + 1 < chain.length; index++) {
    const signed = chain[index] as X509Certificate;
    const signer = chain[index + 1] as X509Certificate;
    if (signed.checkIssued(signer)) continue;
    return (
      `the certificates are in the wrong order: number ${index + 2}, ${nameOf(signer)}, did not sign the one before it, ` +
      `${nameOf(signed)}; put the broker's own first, then the one that signed it, and so on: many clients refuse others`
    );
  }
  return null;
}

function validityOf(certificate: X509Certificate, now: number, soonMs: number): string | null {
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  const name = nameOf(certificate);
  if (now > to)
    return `the certificate of ${name} has expired, on ${dateOf(to)}: clients will refuse it`;
  if (now < from) {
    return `the certificate of ${name} is not yet valid, until ${dateOf(from)}: is this machine's clock right?`;
  }
  if (now < to - soonMs) return null;
  return `the certificate of ${name} expires soon, on ${dateOf(to)}`;
}

function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The common name, or the whole subject; it goes to logs, so without line ends. */
function nameOf({ subject }: X509Certificate): string {
  const name = /^CN=(.*)$/m.exec(subject ?? '')?.[1] ?? (subject ?? '').replaceAll('\n', ', ');
  return JSON.stringify(name);
}
