import { type PeerCertificate, TLSSocket } from 'node:tls';
import type { CertificateFacts } from '@promptmq/auth';

/** What the certificate says with which a client proved who it is; null when it didn't. */
export function certificateFacts(socket: unknown): CertificateFacts | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  const certificate = socket.getPeerCertificate();
  // A key that both know proves it, too, without a certificate.
  if (certificate.subject === undefined) return null;
  return {
    subject: namesOf(certificate.subject),
    issuer: namesOf(certificate.issuer),
    subjectAltNames: subjectAltNames(certificate.subjectaltname ?? ''),
    serialNumber: certificate.serialNumber,
    fingerprint256: certificate.fingerprint256,
    validTo: Date.parse(certificate.valid_to),
  };
}

/** The common name of the certificate with which a client proved who it is; null when it didn't, or has several. */
export function certificateName(socket: unknown): string | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  const name = socket.getPeerCertificate().subject?.CN as string | string[] | undefined;
  return typeof name === 'string' ? name : null;
}

/** The first of each kind. */
function namesOf(names: PeerCertificate['subject'] | undefined): Record<string, string> {
  const entries = Object.entries((names ?? {}) as unknown as Record<string, string | string[]>);
  return Object.fromEntries(
    entries.map(([kind, value]) => [kind, Array.isArray(value) ? (value[0] ?? '') : value]),
  );
}

/**
 * Takes the text apart in which Node has them: `DNS:a.example, IP Address:192.0.2.1`. Values with commas or quotes in them are
 * JSON texts there, so that nobody can make several names of one.
 */
export function subjectAltNames(text: string): string[] {
  const names: string[] = [];
  for (const [, kind = '', quoted, plain = ''] of text.matchAll(
    /(?:^|, )([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")(?=, |$)|([^,]*))/g,
  )) {
    names.push(`${kind}:${quoted === undefined ? plain : JSON.parse(quoted)}`);
  }
  return names;
}
