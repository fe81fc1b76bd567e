import { createHmac } from 'node:crypto';
import type { ConnectionOptions, TlsOptions } from 'node:tls';

const IDENTITY = 'promptmq-node';

/**
 * Both sides know the secret of the cluster, and nobody else does: no certificates are needed. The first has keys of its own for each connection; TLS 1.3
 * isn't offered, as Node.js has no such keys with it.
 */
const TERMS = {
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305:PSK-AES256-GCM-SHA384',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
} as const;

/** For the node that listens. */
export function serverTls(secret: string): TlsOptions {
  const psk = keyOf(secret);
  return { ...TERMS, pskCallback: (_, identity) => (identity === IDENTITY ? psk : null) };
}

/** For the node that asks. */
export function clientTls(secret: string): ConnectionOptions {
  const psk = keyOf(secret);
  return {
    ...TERMS,
    pskCallback: () => ({ psk, identity: IDENTITY }),
    // There is no certificate: who has the secret is one of the cluster.
    checkServerIdentity: () => undefined,
  };
}

/** Another one than links are proved with. */
function keyOf(secret: string): Buffer {
  return createHmac('sha256', secret).update('promptmq admin').digest();
}
