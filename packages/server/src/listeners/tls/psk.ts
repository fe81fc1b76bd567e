import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { PskKeys } from '@promptmq/auth';

/** The identities that clients have shown, and for which there is a key. */
const shown = new WeakMap<object, string>();

/** What a server's `TLSSocket` needs for clients with pre-shared keys; Node's types have it for servers only. */
export function pskOptions(keys: PskKeys): TLSSocketOptions {
  const pskCallback = (socket: object, identity: string) => {
    const key = keys.keyOf(identity);
    if (key !== null) shown.set(socket, identity);
    return key;
  };
  return { pskCallback } as TLSSocketOptions;
}

/**
 * The identity of the key that a client has proved to know; null when it didn't. It has in TLS 1.2 when the cipher is one with such keys:
 * else the handshake would not have ended.
 */
export function pskIdentity(socket: unknown): string | null {
  if (!(socket instanceof TLSSocket) || socket.getProtocol() !== 'TLSv1.2') return null;
  const identity = shown.get(socket);
  if (identity === undefined || socket.isSessionReused()) return null;
  return socket.getCipher().name.includes('PSK') ? identity : null;
}
