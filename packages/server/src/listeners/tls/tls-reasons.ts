const UNREADABLE =
  "what came can't be read: the client has another pre-shared key, or it was damaged on its way";

/** What a handshake failed of, in plain words, by the code of Node's error. */
const HANDSHAKE: Readonly<Record<string, string>> = {
  ERR_SSL_UNSUPPORTED_PROTOCOL:
    'the client offers no TLS version that server.tls.min-version allows',
  ERR_SSL_VERSION_TOO_LOW: 'the client offers no TLS version that server.tls.min-version allows',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what came is not TLS, or of a version that is not known',
  ERR_SSL_HTTP_REQUEST: 'looks like HTTP without TLS',
  ERR_SSL_PSK_IDENTITY_NOT_FOUND: 'there is no pre-shared key of that identity',
  ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: UNREADABLE,
  ERR_OSSL_CIPHER_OPERATION_FAILED: UNREADABLE,
  ERR_SSL_NO_SHARED_CIPHER: 'client and broker have no cipher in common',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM:
    'client and broker have no signature algorithm in common',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    'no client certificate came, and server.tls.client-certificates is require',
  // What the client says of the broker's certificate.
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the client doesn't know the CA of the broker's certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    "the client says that the broker's certificate has expired",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: "the client doesn't accept the broker's certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "the client doesn't accept the broker's certificate",
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: "the client can't use the broker's certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED:
    "the client says that the broker's certificate is revoked",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the client allows no TLS version that the broker has',
};

/** The same, of errors of which Node has no code: by a part of their message. */
const WITHOUT_CODE: readonly (readonly [string, string])[] = [
  ['cipher operation failed', UNREADABLE],
  [
    'no application protocol',
    'none of the application protocols that the client offers is in server.tls.alpn',
  ],
];

const UNKNOWN_CA = 'is signed by a CA that is not in server.tls.ca';
const SELF_SIGNED = 'is self-signed, and not in server.tls.ca';

/** What is wrong with a certificate, by the code of the verification. */
const VERIFICATION: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: "is not yet valid (is this machine's clock right?)",
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_CA,
  CERT_UNTRUSTED: UNKNOWN_CA,
  CERT_REVOKED: 'is revoked',
  CERT_SIGNATURE_FAILURE: 'has a wrong signature',
  CERT_CHAIN_TOO_LONG: 'has too long a chain',
  INVALID_CA: 'is signed by a certificate that may not sign others',
  INVALID_PURPOSE: 'is not meant for clients',
  PATH_LENGTH_EXCEEDED: 'is signed through more CAs than one of them allows',
};

/**
 * Why a TLS handshake failed; the code stays in the text, for those who look it up.
 *
 * @param section - of the configuration that says how the listener uses TLS
 */
export function handshakeFailure(error: Error, section = 'server.tls'): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'TLS: the client closed in the handshake';
  const text = HANDSHAKE[code] ?? WITHOUT_CODE.find(([part]) => error.message.includes(part))?.[1];
  if (text === undefined) return `TLS: ${error.message.trim()}`;
  const suffix = code === '' ? '' : ` (${code})`;
  return `TLS: ${inSection(text, section)}${suffix}`;
}

/** Why a client's certificate is not accepted. */
export function certificateFailure(
  code: string,
  subject: string | null,
  section = 'server.tls',
): string {
  const whose =
    subject === null ? 'the client certificate' : `the client certificate of ${subject}`;
  const text = inSection(VERIFICATION[code] ?? 'is not accepted', section);
  return `TLS: ${whose} ${text} (${code})`;
}

function inSection(text: string, section: string): string {
  return text.replaceAll('server.tls', () => section);
}
