import { isIP } from 'node:net';
import type { Address } from './values/units.ts';

/** A range of addresses. */
export interface Network {
  readonly host: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Reads an address, or a network such as `10.0.0.0/8` or `fd00::/8`; null when it isn't one. */
export function parseNetwork(text: string): Network | null {
  const [host = '', bitsText, ...rest] = text.split('/');
  const version = isIP(host);
  if (version === 0 || host.includes('%') || rest.length > 0) return null;
  const bitsMax = version === 4 ? 32 : 128;
  if (bitsText !== undefined && !/^(0|[1-9]\d{0,2})$/.test(bitsText)) return null;
  const bits = bitsText === undefined ? bitsMax : Number(bitsText);
  if (bits > bitsMax) return null;
  return { host, bits, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** Whether the port is asked for at all addresses of IPv4 besides, which `[::]` takes along otherwise. */
export function isIPv6Only(address: Address, all: readonly Address[]): boolean {
  if (address.kind !== 'tcp' || address.host !== '::') return false;
  return all.some(
    (other) => other.kind === 'tcp' && other.host === '0.0.0.0' && other.port === address.port,
  );
}
