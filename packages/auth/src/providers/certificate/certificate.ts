import type { CertificateFacts } from '../../credentials.ts';
import type { Provider } from '../../provider.ts';

/** What of a certificate may be a name, as the configuration calls it. */
export const CERTIFICATE_FIELDS = [
  'cn',
  'ou',
  'o',
  'email',
  'serial-number',
  'fingerprint',
  'san-dns',
  'san-email',
  'san-uri',
] as const;
export type CertificateField = (typeof CERTIFICATE_FIELDS)[number];

export interface CertificateOptions {
  /** What of its certificate is the user name of a client. */
  readonly userName: CertificateField;
  /** What of it is its client identifier; null: it chooses its own. */
  readonly clientId: CertificateField | null;
}

/**
 * Lets clients in that have proved to own a certificate, without a password. It answers at once, and passes where there is no
 * certificate, or where that has no such field.
 */
export function createCertificateProvider({ userName, clientId }: CertificateOptions): Provider {
  // Who was let in by other fields may be another user by these.
  const ticket = `${userName} ${clientId}`;
  return {
    name: 'certificate',
    mayStay: (_userName, earlier) => earlier === ticket,
    authenticate: ({ certificate }) => {
      if (certificate === null) return { result: 'pass', why: 'no certificate' };
      const name = fieldOf(certificate, userName);
      if (name === null) return { result: 'pass', why: `its certificate has no ${userName}` };
      if (clientId === null) return { result: 'allow', userName: name, ticket };
      const identifier = fieldOf(certificate, clientId);
      // Without it, it could take any.
      if (identifier === null) {
        return { result: 'deny', reasonCode: 0x85, why: `its certificate has no ${clientId}` };
      }
      return { result: 'allow', userName: name, clientId: identifier, ticket };
    },
  };
}

/** Null where it isn't there, or empty. */
function fieldOf(certificate: CertificateFacts, field: CertificateField): string | null {
  return partOf(certificate, field) || null;
}

function partOf(
  { subject, subjectAltNames, serialNumber, fingerprint256 }: CertificateFacts,
  field: CertificateField,
): string | undefined {
  const named = (kind: string) =>
    subjectAltNames.find((name) => name.startsWith(kind))?.slice(kind.length);
  switch (field) {
    case 'cn':
      return subject['CN'];
    case 'ou':
      return subject['OU'];
    case 'o':
      return subject['O'];
    case 'email':
      return subject['emailAddress'];
    case 'serial-number':
      return serialNumber;
    case 'fingerprint':
      return fingerprint256;
    case 'san-dns':
      return named('DNS:');
    case 'san-email':
      return named('email:');
    case 'san-uri':
      return named('URI:');
  }
}
