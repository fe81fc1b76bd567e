import { isIP } from 'node:net';
import { joinAddress } from '../peer-address.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

/**
 * Who sent a request, by X-Forwarded-For: each proxy adds at its end whom it got the request from. So it is read from there,
 * and what somebody says who isn't trusted isn't believed.
 *
 * @param address - of the connection, as `addressOf` has it
 * @returns the address, with port 0 where the header has none; null when it is that of the connection
 */
export function forwardedAddress(
  address: string,
  header: string,
  trusted: Pick<TrustedProxies, 'has'>,
): string | null {
  let believed: string | null = null;
  let host = hostPart(address);
  for (const entry of header.split(',').reverse()) {
    if (!trusted.has(host)) break;
    const [name, port] = parseEntry(entry.trim());
    if (name === null) break;
    host = name;
    believed = joinAddress(name, port);
  }
  return believed;
}

/** Null for a Unix domain socket. */
function hostPart(address: string): string | null {
  return parseEntry(address)[0];
}

/** `192.0.2.1`, `192.0.2.1:50000`, `2001:db8::1` or `[2001:db8::1]:50000`; without an address: null. */
function parseEntry(entry: string): [host: string | null, port: number] {
  if (isIP(entry) !== 0 && !entry.includes('%')) return [entry, 0];
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::(\d{1,5}))?$/.exec(entry);
  const host = match?.[1] ?? match?.[2] ?? '';
  return isIP(host) === 0 ? [null, 0] : [host, Number(match?.[3] ?? 0)];
}
