import type { Socket } from 'node:net';

/** An IPv4 address that comes to a listener for IPv6, too (RFC 4291, 2.5.5.2). */
const MAPPED = '::ffff:';

/** The address of the other end without its port, IPv4 always as IPv4; null on a Unix domain socket. */
export function hostOf({ remoteAddress }: Socket): string | null {
  if (remoteAddress === undefined) return null;
  const isMapped = remoteAddress.startsWith(MAPPED) && remoteAddress.includes('.');
  return isMapped ? remoteAddress.slice(MAPPED.length) : remoteAddress;
}

/** The address and port of the other end, as in `192.0.2.1:50000` or `[2001:db8::1]:50000`; `unix` on a Unix domain socket. */
export function addressOf(socket: Socket): string {
  const host = hostOf(socket);
  return host === null ? 'unix' : joinAddress(host, socket.remotePort ?? 0);
}

export function joinAddress(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
